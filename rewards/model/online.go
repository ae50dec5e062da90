package model

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

// Asking holds the options of a reward that learns from questions while an agent trains.
type Asking struct {
	Labels   int       `json:"labels" doc:"questions in all, at least 2"`
	Rounds   int       `json:"rounds" doc:"times to ask and learn, at least 1"`
	Every    int64     `json:"every" doc:"transitions before the first round and between rounds, at least 1"`
	Initial  float64   `json:"initial" doc:"share of the questions in the first round, above 0 to 1"`
	Schedule Schedule  `json:"schedule" doc:"of the other rounds: constant or hyperbolic"`
	Select   Selection `json:"select" doc:"which to ask: uniform, disagreement, entropy, k-centre or optimistic"`
	Oversize int       `json:"oversize" doc:"candidates for each question, at least 1"`
	Segment  int       `json:"segment" doc:"steps of a segment, at least 1"`
	Ends     float64   `json:"ends" doc:"share of the segments that are the last of episodes that the task ended, if any, 0 to 1"`
	Window   int       `json:"window" doc:"transitions, the newest ones, that segments are taken from"`
	Shape    `json:",inline"`
	Training `json:",inline"`
}

// DefaultAsking is 400 questions about segments of 50 steps, in 36 rounds, 25 000 transitions apart:
// rounds should span most of the run, or the reward knows nothing of what the agent comes to do.
// Steps are judged by what changes as well, which a network can hardly see in the difference of two
// inputs, and by whether they end the episode. Each pass looks at a third of the steps: there are
// passes enough.
func DefaultAsking() Asking {
	shape, training := DefaultShape(), DefaultTraining()
	shape.Inputs, training.Epochs, training.Stride = []string{"obs", "act", "change", "end"}, 4, 3
	return Asking{
		Labels: 400, Rounds: 36, Every: 25_000, Initial: 0.1, Schedule: Constant, Select: Disagreement,
		Oversize: 5, Segment: 50, Ends: 0.3, Window: 50_000, Shape: shape, Training: training,
	}
}

// Validate reports the first option that is out of range.
func (a *Asking) Validate() error {
	for _, o := range []struct {
		name string
		is   int64
		min  int64
	}{
		{"labels", int64(a.Labels), 2}, {"rounds", int64(a.Rounds), 1}, {"every", a.Every, 1},
		{"oversize", int64(a.Oversize), 1}, {"segment", int64(a.Segment), 1}, {"window", int64(a.Window), int64(2 * a.Segment)},
	} {
		if o.is < o.min {
			return fmt.Errorf("%s is %d, want at least %d", o.name, o.is, o.min)
		}
	}
	if !(a.Initial > 0 && a.Initial <= 1) {
		return fmt.Errorf("initial is %v, want above 0 and at most 1", a.Initial)
	}
	if !(a.Ends >= 0 && a.Ends <= 1) {
		return fmt.Errorf("ends is %v, want 0 to 1", a.Ends)
	}
	return a.Training.Validate()
}

// Within returns how many of the questions are asked in a run of so many transitions, and after how many
// the last round of all is due.
func (a *Asking) Within(transitions int64) (asked int, last int64) {
	rounds := min(int64(a.Rounds), transitions/a.Every)
	for _, n := range a.Schedule.Questions(a.Labels, a.Rounds, a.Initial)[:rounds] {
		asked += n
	}
	return asked, int64(a.Rounds) * a.Every
}

// Budget is Labels: all the questions.
func (a *Asking) Budget() int { return a.Labels }

// A Learner is a reward that learns while an agent trains: it keeps the newest transitions, asks
// a labeler about pairs of them, and fits an ensemble to all answers, round by round. Until the
// first round all rewards are 0. It is a rewards.Reviser and a rewards.Seeder: rounds come between the
// updates of the agent, so that all steps of a rollout are rewarded alike.
//
// Segments that were asked about are kept apart, so that no answer is lost when transitions get
// old. A labeler that returns label.ErrLater is asked again in the next round: meanwhile training
// goes on.
//
// Rewards are scaled to deviation 1 over the window after each round, and shifted such that time is
// worth nothing: see [Ensemble.Calibrate]. Stored transitions can be scored anew with Score after each
// change of Version.
type Learner struct {
	o       Asking
	labeler label.Labeler
	ens     *Ensemble
	key     rng.Key
	pool    *nn.Pool

	recent, kept *feedback.Store
	recorder     *feedback.Recorder
	vec          env.Vec // nil unless segments are to be played again
	rows         int     // of the batches; 0 before the first
	records      []feedback.Record
	pending      []label.Query
	seen         int64 // transitions
	rounds       int
	asked        int
	fitted       bool
	version      int
}

// NewLearner returns the learner of an environment. A label.Heron gets its standard deviations
// from the candidates of each round.
func NewLearner(spec *env.Spec, o Asking, l label.Labeler) (*Learner, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if most := spec.MaxSteps; most > 0 && o.Segment > most {
		return nil, fmt.Errorf("segment is %d, and episodes of %s have %d steps at most: want 1 to %d", o.Segment, spec.ID, most, most)
	}
	shape := feedback.ShapeOf(spec)
	f := &Learner{o: o, labeler: l, recent: feedback.NewBuffer(shape), kept: feedback.NewStore(shape)}
	if _, err := NewEnsemble(o.Shape, shape, rng.Key{}); err != nil {
		return nil, err
	}
	f.Seed(rng.Key{}, 1)
	return f, nil
}

var (
	_ rewards.Reviser = (*Learner)(nil)
	_ rewards.Seeder  = (*Learner)(nil)
)

// Seed sets where its randomness comes from and how many goroutines train it.
func (f *Learner) Seed(key rng.Key, workers int) {
	f.key, f.pool = key, nn.NewPool(workers)
	f.ens, _ = NewEnsemble(f.o.Shape, f.recent.Shape(), key) // NewLearner has checked it
	f.ens.share(f.pool)
}

// Version counts the changes of the reward: rewards that were stored under another one are old.
func (f *Learner) Version() int { return f.version }

// Records returns the answers so far, about segments of Store.
func (f *Learner) Records() []feedback.Record { return f.records }

// Store returns the segments that were asked about.
func (f *Learner) Store() *feedback.Store { return f.kept }

// Ensemble returns the networks.
func (f *Learner) Ensemble() *Ensemble { return f.ens }

// Score writes the learned reward of each row, 0 before the first round.
func (f *Learner) Score(dst []float32, b *env.Batch) {
	if !f.fitted {
		clear(dst[:b.N])
		return
	}
	f.ens.ScoreBatch(dst, b)
}

// Update keeps the transitions of b, unless nothing is left to be asked. Only until its buffers have
// grown does it allocate.
func (f *Learner) Update(b *env.Batch, _ func(name string, value float64)) error {
	if f.rows != b.N {
		if f.rows != 0 {
			return fmt.Errorf("preference: batch of %d rows, those before had %d", b.N, f.rows)
		}
		if err := f.begin(b.N); err != nil {
			return err
		}
	}
	f.seen += int64(b.N)
	if f.over() {
		return nil
	}
	if err := f.recorder.Record(b); err != nil {
		return err
	}
	if f.recent.Steps() > 2*f.o.Window {
		f.recent.Trim(f.o.Window)
	}
	return nil
}

// over tells whether all has been asked and answered.
func (f *Learner) over() bool { return f.rounds >= f.o.Rounds && len(f.pending) == 0 }

// Revise asks and learns if a round is due; rounds that are due at once are one. It reports of each
//
//	preference/labels      answers so far
//	preference/marked      segments in which people have marked moments, if any
//	preference/pending     questions that wait for an answer
//	preference/accuracy    share of held-out pairs that the mean of the networks orders right
//	preference/loss        their cross-entropy
//	preference/problems    faults of the answers that feedback.Check finds, such as cycles
//	preference/fit         share of pairs learned from, 32 of them, that it orders right
//	heron/level1, ...      share of the pairs of this round that each level decided, of a Heron
//	heron/undecided        and that none did
func (f *Learner) Revise(report func(name string, value float64)) error {
	last := int(f.seen / f.o.Every)
	if f.over() || last <= f.rounds {
		return nil
	}
	f.recent.Trim(f.o.Window)
	if !f.recent.Holds(f.o.Segment) && f.seen < patience*int64(f.rounds+1)*f.o.Every {
		return nil // episodes that are long enough have yet to end
	}
	if err := f.round(last, report); err != nil {
		return fmt.Errorf("preference, round %d: %w", f.rounds, err)
	}
	f.rounds = last
	if f.over() {
		f.rest()
	}
	return nil
}

// rest gives up what only further questions would need.
func (f *Learner) rest() {
	f.recent = feedback.NewBuffer(f.recent.Shape())
	f.recorder = feedback.NewRecorder(f.recent, f.rows, 1)
}

// glance is the number of records that preference/fit is measured on, at most.
const glance = 32

// patience is how much later than planned a round may be, as a multiple.
const patience = 4

func (f *Learner) begin(rows int) error {
	f.rows = rows
	f.recorder = feedback.NewRecorder(f.recent, rows, 4*f.o.Segment)
	if f.vec == nil {
		return nil
	}
	return f.recorder.Watch(f.vec)
}

// Settle lets people be asked: their questions lie in the folder.
func (f *Learner) Settle(h rewards.Home) error {
	people, ok := f.labeler.(*label.Human)
	if !ok {
		return nil
	}
	f.vec = h.Vec
	if err := f.begin(h.Vec.Len() * h.Vec.Spec().Agents); err != nil {
		return err
	}
	people.Sit(label.Desk{Dir: h.Dir}, h.Origin)
	return nil
}

// round asks the questions of the rounds before the last, and learns from all answers.
func (f *Learner) round(last int, report func(name string, value float64)) error {
	due := f.pending
	f.pending = nil
	key := f.key.Fold(uint64(f.rounds) + 1)
	if f.rounds < f.o.Rounds {
		n := 0
		for _, k := range f.o.Schedule.Questions(f.o.Labels, f.o.Rounds, f.o.Initial)[f.rounds:min(last, f.o.Rounds)] {
			n += k
		}
		fresh, err := f.choose(n, key)
		if err != nil {
			return err
		}
		due = append(due, fresh...)
	}
	heron, _ := f.labeler.(*label.Heron)
	var look *label.Inspector
	if heron != nil {
		look = new(label.Inspector)
		heron.Inspect = look
	}
	var provisional []feedback.Record
	for _, q := range due {
		r, ok, err := f.labeler.Label(f.kept, q)
		switch {
		case errors.Is(err, label.ErrLater):
			f.pending = append(f.pending, q)
			if ok {
				provisional = append(provisional, r)
			}
		case err != nil:
			return err
		case ok:
			f.records = append(f.records, r)
		}
		if err == nil {
			f.mark(q)
		}
	}
	if records := slices.Concat(f.records, provisional); len(records) > 0 {
		o := f.o.Training
		o.Key, o.glance, o.Loss = key, glance, answers
		if err := f.ens.FitInputs(f.recent); err != nil {
			return err
		}
		fit, err := Fit(f.ens, f.kept, records, o, f.pool)
		if err != nil {
			return err
		}
		if err := f.ens.Calibrate(f.recent); err != nil {
			return err
		}
		f.fitted = true
		f.version++
		if report != nil {
			report("preference/fit", fit.Train.Accuracy)
			if fit.HeldOut.Pairs > 0 {
				report("preference/accuracy", fit.HeldOut.Accuracy)
				report("preference/loss", fit.HeldOut.Loss)
			}
		}
	}
	if report != nil {
		report("preference/labels", float64(len(f.records)-f.marked()))
		if n := f.marked(); n > 0 {
			report("preference/marked", float64(n))
		}
		report("preference/pending", float64(len(f.pending)))
		if len(f.records) > 0 {
			report("preference/problems", float64(len(feedback.Check(f.records))))
		}
		if look != nil && look.Total() > 0 {
			for l := range heron.Levels {
				report(fmt.Sprintf("heron/level%d", l+1), look.Share(l+1))
			}
			report("heron/undecided", look.Share(0))
		}
	}
	return nil
}

// mark takes in what people marked in the segments of a question that was answered, each segment and
// annotator once: segments may be asked about again.
func (f *Learner) mark(q label.Query) {
	people, ok := f.labeler.(*label.Human)
	if !ok {
		return
	}
	for _, m := range people.Marks(q) {
		if !slices.ContainsFunc(f.records, func(r feedback.Record) bool {
			return r.Kind == feedback.Marked && r.Annotator == m.Annotator && r.Segments[0] == m.Segments[0]
		}) {
			f.records = append(f.records, m)
		}
	}
}

// marked returns the number of the records that are marks.
func (f *Learner) marked() (n int) {
	for i := range f.records {
		if f.records[i].Kind == feedback.Marked {
			n++
		}
	}
	return n
}

// answers is the loss of what annotators say: of their marks, whether a step is good or bad, and not how
// good.
func answers(r *feedback.Record, y, dy [][]float32) float64 {
	if r.Kind == feedback.Marked {
		return LogisticMarks(r, y, dy)
	}
	return Standard(r, y, dy)
}

// choose picks n questions and keeps their segments.
func (f *Learner) choose(n int, key rng.Key) ([]label.Query, error) {
	if n == 0 {
		return nil, nil
	}
	candidates, err := Candidates(f.recent, n*f.o.Oversize, f.o.Segment, f.o.Ends, key)
	if err != nil {
		return nil, fmt.Errorf("%w: choose shorter segments", err)
	}
	if h, ok := f.labeler.(interface {
		Fit(*feedback.Store, []feedback.Segment) error
	}); ok {
		var window []feedback.Segment
		for _, q := range candidates {
			window = append(window, q.A, q.B)
		}
		if err := h.Fit(f.recent, window); err != nil {
			return nil, err
		}
	}
	how := f.o.Select
	if !f.fitted && how != KCentre {
		how = Uniform
	}
	chosen, err := Select(f.ens, f.recent, how, candidates, n)
	if err != nil {
		return nil, err
	}
	f.asked += len(chosen)
	out := make([]label.Query, 0, len(chosen))
	for _, q := range chosen {
		a, err := f.keep(q.A)
		if err != nil {
			return nil, err
		}
		b, err := f.keep(q.B)
		if err != nil {
			return nil, err
		}
		if a != b { // else they are the same behaviour, seen twice
			out = append(out, label.Query{A: a, B: b})
		}
	}
	return out, nil
}

// keep copies a segment to the store of what was asked about.
func (f *Learner) keep(seg feedback.Segment) (feedback.Segment, error) {
	from := seg.From
	if f.vec != nil {
		seg.From = 0 // to be played again from where it began
	}
	v, err := f.recent.View(seg)
	if err != nil {
		return seg, err
	}
	id, err := f.kept.Add(&v.Trajectory)
	return feedback.Segment{Traj: id, From: from - seg.From, To: int32(v.Len())}, err
}

// AppendBinary appends the whole state: counters, networks, transitions, answers and questions
// without an answer.
func (f *Learner) AppendBinary(dst []byte) ([]byte, error) {
	le := binary.LittleEndian
	f.recent.Trim(f.o.Window) // as the next round would, of which older steps are none
	fitted := uint64(0)
	if f.fitted {
		fitted = 1
	}
	for _, x := range []uint64{uint64(f.rows), uint64(f.seen), uint64(f.rounds), uint64(f.asked), uint64(f.version), fitted, f.key.Uint64()} {
		dst = le.AppendUint64(dst, x)
	}
	part := func(add func([]byte) ([]byte, error)) error {
		at := len(dst)
		b, err := add(le.AppendUint64(dst, 0))
		if err == nil {
			dst = b
			le.PutUint64(dst[at:], uint64(len(dst)-at-8))
		}
		return err
	}
	parts := []func([]byte) ([]byte, error){f.ens.AppendBinary, f.recent.AppendBinary, f.kept.AppendBinary}
	if f.rows > 0 {
		parts = append(parts, f.recorder.AppendBinary)
	}
	if h, ok := f.labeler.(encoding.BinaryAppender); ok {
		parts = append(parts, h.AppendBinary)
	}
	for _, p := range parts {
		if err := part(p); err != nil {
			return nil, err
		}
	}
	dst = feedback.AppendRecords(dst, f.records)
	var asked []feedback.Record
	for _, q := range f.pending {
		asked = append(asked, feedback.Record{Segments: []feedback.Segment{q.A, q.B}, Context: q.Context, Label: 0.5, Weight: 1})
	}
	return feedback.AppendRecords(dst, asked), nil
}

var errState = errors.New("preference: its state is cut off or damaged")

// UnmarshalBinary restores what AppendBinary wrote for the same options. If it fails, the learner
// must not be used.
func (f *Learner) UnmarshalBinary(data []byte) error {
	const head = 7 * 8
	if len(data) < head {
		return errState
	}
	le := binary.LittleEndian
	var n [7]uint64
	for i := range n {
		n[i] = le.Uint64(data[8*i:])
	}
	data = data[head:]
	f.Seed(rng.New(n[6]), f.pool.Workers())
	f.rows, f.recorder = 0, nil
	f.recent, f.kept = feedback.NewBuffer(f.recent.Shape()), feedback.NewStore(f.recent.Shape())
	parts := []func([]byte) error{f.ens.UnmarshalBinary, f.recent.UnmarshalBinary, f.kept.UnmarshalBinary}
	if n[0] > 0 {
		if n[0] > 1<<24 {
			return errState
		}
		if err := f.begin(int(n[0])); err != nil {
			return err
		}
		parts = append(parts, func(b []byte) error { return f.recorder.UnmarshalBinary(b) })
	}
	if h, ok := f.labeler.(encoding.BinaryUnmarshaler); ok {
		parts = append(parts, h.UnmarshalBinary)
	}
	for _, p := range parts {
		if len(data) < 8 || le.Uint64(data) > uint64(len(data)-8) {
			return errState
		}
		size := le.Uint64(data)
		if err := p(data[8 : 8+size]); err != nil {
			return err
		}
		data = data[8+size:]
	}
	records, data, err := feedback.DecodeRecords(data)
	if err != nil {
		return err
	}
	asked, data, err := feedback.DecodeRecords(data)
	if err != nil {
		return err
	}
	if len(data) != 0 {
		return fmt.Errorf("preference: state of %d bytes too many", len(data))
	}
	f.pending = nil
	for _, r := range asked {
		if err := r.Validate(); err != nil {
			return err
		}
		f.pending = append(f.pending, label.Query{A: r.Segments[0], B: r.Segments[1], Context: r.Context})
	}
	f.records = records
	f.seen, f.rounds, f.asked, f.version, f.fitted = int64(n[1]), int(n[2]), int(n[3]), int(n[4]), n[5] != 0
	return nil
}
