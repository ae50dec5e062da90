package compare

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"sync"

	"github.com/terrarium-rl/terrarium/experiments/web"
	"github.com/terrarium-rl/terrarium/render/scene"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

//go:embed static
var static embed.FS

// Source is the Source of records that the page makes.
const Source = "web"

// A Page asks the questions of some desks.
type Page struct {
	mu    sync.Mutex
	desks []*desk
	order []turn // answers of this session, to be taken back
}

// A turn is an answer.
type turn struct {
	name string
	desk int
}

// A desk is a label.Desk that is being worked at.
type desk struct {
	label.Desk
	log     *feedback.Log
	records []feedback.Record // all answers, as they were given
	broken  map[int]string    // questions that cannot be shown, and why
}

// NewPage opens desks, for one program at a time. It must be closed.
func NewPage(desks []label.Desk) (*Page, error) {
	p := &Page{}
	for _, d := range desks {
		log, rs, err := d.AnswerLog()
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		p.desks = append(p.desks, &desk{d, log, rs, map[int]string{}})
	}
	return p, nil
}

// ReadPage reads desks that another program may be writing, to look at Progress only.
func ReadPage(desks []label.Desk) (*Page, error) {
	p := &Page{}
	for _, d := range desks {
		rs, err := d.Answers()
		if err != nil {
			return nil, err
		}
		p.desks = append(p.desks, &desk{d, nil, rs, map[int]string{}})
	}
	return p, nil
}

// Torn says what opening the logs has cut off their ends: answers that a program was killed or a machine
// switched off while it wrote.
func (p *Page) Torn() (lines []string) {
	for _, d := range p.desks {
		if d.log != nil && d.log.Torn > 0 {
			lines = append(lines, fmt.Sprintf("%s: the last answer was not finished when its program ended, and is gone (%d bytes)", d.Dir, d.log.Torn))
		}
	}
	return lines
}

// Close closes the logs.
func (p *Page) Close() (err error) {
	for _, d := range p.desks {
		if d.log != nil {
			err = errors.Join(err, d.log.Close())
		}
	}
	return err
}

// Path is where Mount puts the page.
const Path = "label/"

// Mount adds the page to a server, at Path.
func (p *Page) Mount(s *web.Server) error {
	script, err := scene.Player()
	if err != nil {
		return err
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		return err
	}
	s.Handle("GET /"+Path, http.StripPrefix("/"+Path, http.FileServerFS(files)))
	s.Handle("GET /"+Path+"reel.js", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		_, _ = w.Write([]byte(script)) // nobody is left to tell
	}))
	s.Handle("POST /"+Path+"next", web.Call(locked(p, p.next)))
	s.Handle("POST /"+Path+"answer", web.Call(locked(p, p.answer)))
	s.Handle("POST /"+Path+"undo", web.Call(locked(p, p.undo)))
	s.Handle("GET /"+Path+"progress", web.Call(func(*http.Request, struct{}) (*Progress, error) { return p.Progress() }))
	return nil
}

// locked makes calls wait for each other: logs have one writer.
func locked[In, Out any](p *Page, f func(In) (Out, error)) func(*http.Request, In) (Out, error) {
	return func(_ *http.Request, in In) (Out, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		return f(in)
	}
}

// A Place names a question: number of the desk, and of the question there.
type Place struct {
	Desk     int `json:"desk"`
	Question int `json:"question"`
}

// A Request is for the next question.
type Request struct {
	Name string `json:"name"` // of the annotator
}

// A Question is what the page shows. Without one to show, Place is nil.
type Question struct {
	Place   *Place    `json:"place"`
	Left    *Clip     `json:"left"`
	Right   *Clip     `json:"right"`
	Env     string    `json:"env"`
	Asked   int       `json:"asked"`  // questions on all desks
	Done    int       `json:"done"`   // of them, those that this annotator has answered
	Broken  int       `json:"broken"` // of them, those that cannot be shown
	Context []float32 `json:"context,omitempty"`
}

// questions returns those of a desk.
func (d *desk) questions() ([]label.Query, error) {
	qs, err := d.Questions()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.Dir, err)
	}
	return qs, nil
}

// a pair identifies a question among answers, in either order.
type pair struct {
	a, b    feedback.Segment
	context string
}

func pairOf(a, b feedback.Segment, context []float32) pair {
	if b.Less(a) {
		a, b = b, a
	}
	return pair{a, b, fmt.Sprint(context)}
}

// given returns the answers of an annotator that count.
func (d *desk) given(annotator uint32) map[pair]*feedback.Record {
	out := map[pair]*feedback.Record{}
	for _, r := range feedback.Latest(d.records) {
		if r.Annotator == annotator {
			out[pairOf(r.Segments[0], r.Segments[1], r.Context)] = &r
		}
	}
	return out
}

func (p *Page) next(in Request) (*Question, error) {
	out := &Question{}
	for i, d := range p.desks {
		who, err := d.Annotator(in.Name)
		if err != nil {
			return nil, &web.Error{Status: http.StatusBadRequest, Err: err}
		}
		qs, err := d.questions()
		if err != nil {
			return nil, err
		}
		given := d.given(who)
		for k, q := range qs {
			switch _, done := given[pairOf(q.A, q.B, q.Context)]; {
			case done:
				out.Done++
			case d.broken[k] != "":
			case out.Place == nil:
				d.show(out, Place{i, k}, q)
			}
		}
		out.Asked += len(qs)
		out.Broken += len(d.broken)
	}
	return out, nil
}

// show fills in a question, or notes why it cannot be shown.
func (d *desk) show(out *Question, at Place, q label.Query) {
	clips := make([]*Clip, 2)
	for i, seg := range []feedback.Segment{q.A, q.B} {
		ep, err := d.Segment(seg.Traj)
		if err == nil {
			clips[i], err = clip(ep, seg)
		}
		if err != nil {
			d.broken[at.Question] = fmt.Sprintf("question %d: trajectory %016x: %v", at.Question+1, seg.Traj, err)
			return
		}
		out.Env = ep.Env
	}
	out.Place, out.Left, out.Right, out.Context = &at, clips[0], clips[1], q.Context
}

// An Answer is about a question.
type Answer struct {
	Name     string  `json:"name"`
	Place    Place   `json:"place"`
	Answer   string  `json:"answer"`   // left, right, tie, skip or cannot-tell
	Strength float32 `json:"strength"` // 1 slightly, 2 clearly, 3 far better; 0 if not said
	Seconds  float32 `json:"seconds"`  // that it took
	Left     []Mark  `json:"left"`
	Right    []Mark  `json:"right"`
}

// A Mark says that a moment is good, 1, or bad, -1.
type Mark struct {
	Step  int32   `json:"step"`
	Value float32 `json:"value"`
}

// find returns the desk and the question of a place.
func (p *Page) find(at Place) (*desk, label.Query, error) {
	if at.Desk < 0 || at.Desk >= len(p.desks) {
		return nil, label.Query{}, web.BadRequest("there is no desk %d", at.Desk)
	}
	d := p.desks[at.Desk]
	qs, err := d.questions()
	if err != nil {
		return nil, label.Query{}, err
	}
	if at.Question < 0 || at.Question >= len(qs) {
		return nil, label.Query{}, web.BadRequest("there is no question %d on desk %d", at.Question, at.Desk)
	}
	return d, qs[at.Question], nil
}

func (p *Page) answer(in Answer) (*Question, error) {
	d, q, err := p.find(in.Place)
	if err != nil {
		return nil, err
	}
	who, err := d.Annotator(in.Name)
	if err != nil {
		return nil, &web.Error{Status: http.StatusBadRequest, Err: err}
	}
	rs, err := in.records(q, who)
	if err != nil {
		return nil, err
	}
	for _, r := range rs {
		if err := d.append(r); err != nil {
			return nil, err
		}
	}
	p.order = append(p.order, turn{in.Name, in.Place.Desk})
	return p.next(Request{in.Name})
}

// append writes a record. A log that a write failed on is opened again.
func (d *desk) append(r feedback.Record) error {
	if err := r.Validate(); err != nil {
		return &web.Error{Status: http.StatusBadRequest, Err: err}
	}
	if err := d.log.Append(&r); err != nil {
		log, rs, again := d.AnswerLog()
		if again != nil {
			return errors.Join(err, again)
		}
		_ = d.log.Close() // it failed
		d.log, d.records = log, rs
		return err
	}
	d.records = append(d.records, r)
	return nil
}

// records returns what an answer says: the marks first, then the answer itself.
func (in *Answer) records(q label.Query, who uint32) (rs []feedback.Record, err error) {
	if !slices.Contains([]float32{0, 1, 2, 3}, in.Strength) {
		return nil, web.BadRequest("strength is %v, want 0 to 3", in.Strength)
	}
	if !(in.Seconds >= 0) {
		return nil, web.BadRequest("seconds is %v, want 0 or more", in.Seconds)
	}
	base := feedback.Record{Annotator: who, Weight: 1, Source: Source, Seconds: in.Seconds, Context: q.Context}
	for i, marks := range [][]Mark{in.Left, in.Right} {
		if len(marks) == 0 {
			continue
		}
		r := base
		r.Kind, r.Segments = feedback.Marked, []feedback.Segment{q.A}
		if i == 1 {
			r.Segments = []feedback.Segment{q.B}
		}
		for _, m := range marks {
			r.Steps = append(r.Steps, feedback.Mark(m))
		}
		rs = append(rs, r)
	}
	r := base
	r.Segments = []feedback.Segment{q.A, q.B}
	switch in.Answer {
	case "left":
		r.Label, r.Strength = 1, in.Strength
	case "right":
		r.Label, r.Strength = 0, -in.Strength
	case "tie":
		r.Label = 0.5
	case "skip":
		r.Kind, r.Tokens = feedback.Declined, []uint16{feedback.Skipped}
	case "cannot-tell":
		r.Kind, r.Tokens = feedback.Declined, []uint16{feedback.CannotTell}
	default:
		return nil, web.BadRequest("the answer is %q, want left, right, tie, skip or cannot-tell", in.Answer)
	}
	return append(rs, r), nil
}

// undo takes the last answer of an annotator back, and asks that question again.
func (p *Page) undo(in Request) (*Question, error) {
	for _, i := range p.recent(in.Name) {
		d := p.desks[i]
		who, err := d.Annotator(in.Name)
		if err != nil {
			return nil, &web.Error{Status: http.StatusBadRequest, Err: err}
		}
		last := d.last(who)
		if last == nil {
			continue
		}
		r := feedback.Record{
			Kind: feedback.Declined, Segments: last.Segments, Context: last.Context, Tokens: []uint16{feedback.Withdrawn},
			Annotator: who, Weight: 1, Source: Source,
		}
		if err := d.append(r); err != nil {
			return nil, err
		}
		return p.again(i, r, in)
	}
	return nil, web.BadRequest("there is no answer of %s to take back", in.Name)
}

// recent lists desks, that of the annotator's last answer first.
func (p *Page) recent(name string) (desks []int) {
	for i := len(p.order) - 1; i >= 0 && desks == nil; i-- {
		if p.order[i].name == name {
			desks = append(desks, p.order[i].desk)
			p.order = slices.Delete(p.order, i, i+1)
		}
	}
	for i := len(p.desks) - 1; i >= 0; i-- {
		if !slices.Contains(desks, i) {
			desks = append(desks, i)
		}
	}
	return desks
}

// last returns the last answer of an annotator that counts, or nil.
func (d *desk) last(who uint32) *feedback.Record {
	open := map[pair]bool{} // withdrawn later
	for i := len(d.records) - 1; i >= 0; i-- {
		r := &d.records[i]
		if r.Annotator != who || r.Kind != feedback.Pair && r.Kind != feedback.Declined {
			continue
		}
		k := pairOf(r.Segments[0], r.Segments[1], r.Context)
		if r.Kind == feedback.Declined && r.Tokens[0] == feedback.Withdrawn {
			open[k] = true
		} else if !open[k] {
			return r
		}
	}
	return nil
}

// again shows the question whose answer was taken back.
func (p *Page) again(i int, r feedback.Record, in Request) (*Question, error) {
	out, err := p.next(in)
	if err != nil {
		return nil, err
	}
	qs, err := p.desks[i].questions()
	if err != nil {
		return nil, err
	}
	for k, q := range qs {
		if pairOf(q.A, q.B, q.Context) == pairOf(r.Segments[0], r.Segments[1], r.Context) {
			p.desks[i].show(out, Place{i, k}, q)
		}
	}
	return out, nil
}
