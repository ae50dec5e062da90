package label

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Desk is a folder on which programs put questions and people answers. Whoever asks and whoever
// answers may be different programs at the same time, each of which appends to files of its own,
// so that neither waits for the other and a crash of either loses at most the last record.
//
//	questions.feedback     pairs, by who asks: a feedback.Log; labels mean nothing
//	segments/<id>.replay   the trajectories they are about, to be played again
//	answers.feedback       answers, each after its marks, by who answers: a feedback.Log. The last one of an annotator counts
//	annotators.txt         names, a line each: the first is annotator 1
type Desk struct{ Dir string }

func (d Desk) path(name string) string { return filepath.Join(d.Dir, name) }

// QuestionSource is the Source of questions on a Desk.
const QuestionSource = "question"

// Questions returns what was asked, in that order.
func (d Desk) Questions() ([]Query, error) {
	rs, err := readLog(d.path("questions.feedback"))
	qs := make([]Query, len(rs))
	for i, r := range rs {
		qs[i] = Query{A: r.Segments[0], B: r.Segments[1], Context: r.Context}
	}
	return qs, err
}

// Answers returns all answers and marks as they were given; feedback.Latest and feedback.Marks tell those that
// count.
func (d Desk) Answers() ([]feedback.Record, error) { return readLog(d.path("answers.feedback")) }

// readLog reads what is complete of a log that another program may be writing.
func readLog(path string) ([]feedback.Record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(data) < 12 { // not begun, or just now
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	rs, _, err := feedback.ReadLog(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rs, nil
}

// AnswerLog opens the log of answers. Only one program may have it open.
func (d Desk) AnswerLog() (*feedback.Log, []feedback.Record, error) {
	if err := os.MkdirAll(d.Dir, 0o755); err != nil {
		return nil, nil, err
	}
	return feedback.OpenLog(d.path("answers.feedback"))
}

func (d Desk) segmentPath(id uint64) string {
	return d.path(filepath.Join("segments", fmt.Sprintf("%016x.replay", id)))
}

// Segment returns the recording of a trajectory that a question is about.
func (d Desk) Segment(id uint64) (*traj.Episode, error) {
	ep, err := traj.Load(d.segmentPath(id))
	if err != nil {
		return nil, fmt.Errorf("trajectory %016x: %w", id, err)
	}
	return ep, nil
}

// Annotators returns the names, the first being that of annotator 1.
func (d Desk) Annotators() ([]string, error) {
	data, err := os.ReadFile(d.path("annotators.txt"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' || r == '\r' }), nil
}

// Annotator returns the number of the annotator of a name, who may be new. Numbers stay.
func (d Desk) Annotator(name string) (uint32, error) {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || len(name) > 64 {
		return 0, fmt.Errorf("label: name %q of an annotator: want 1 to 64 bytes", name)
	}
	names, err := d.Annotators()
	if err != nil {
		return 0, err
	}
	for i, n := range names {
		if n == name {
			return uint32(i + 1), nil
		}
	}
	if err := os.MkdirAll(d.Dir, 0o755); err != nil {
		return 0, err
	}
	f, err := os.OpenFile(d.path("annotators.txt"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return 0, err
	}
	if data, _ := os.ReadFile(d.path("annotators.txt")); len(data) > 0 && data[len(data)-1] != '\n' {
		name = "\n" + name // the line before was torn off while it was written
	}
	_, err = f.WriteString(name + "\n")
	return uint32(len(names) + 1), errors.Join(err, f.Sync(), f.Close())
}

// An Asker puts questions on a Desk, and goes on with those that lie there. Only one program may
// ask at a time.
type Asker struct {
	desk  Desk
	asked map[string]bool // by key of the pair; nil until it has looked
}

// Ask returns an Asker. Files are written by its first Post.
func (d Desk) Ask() *Asker { return &Asker{desk: d} }

// Has reports whether a question lies on the desk.
func (a *Asker) Has(q Query) (bool, error) {
	if a.asked == nil {
		qs, err := a.desk.Questions()
		if err != nil {
			return false, err
		}
		a.asked = map[string]bool{}
		for _, q := range qs {
			a.asked[q.key()] = true
		}
	}
	return a.asked[q.key()], nil
}

func (q Query) key() string { return pairKey([]feedback.Segment{q.A, q.B}, q.Context) }

// pairKey is the same for both orders of a pair.
func pairKey(segs []feedback.Segment, context []float32) string {
	a, b := segs[0], segs[1]
	if b.Less(a) {
		a, b = b, a
	}
	return fmt.Sprint(a, b, context)
}

// Post puts a question on the desk, unless it lies there already. The recordings are of the
// trajectories of its segments.
func (a *Asker) Post(q Query, recordings ...*traj.Episode) (err error) {
	if has, err := a.Has(q); has || err != nil {
		return err
	}
	if err := os.MkdirAll(a.desk.path("segments"), 0o755); err != nil {
		return err
	}
	for i, seg := range []feedback.Segment{q.A, q.B} {
		if err := recordings[i].Save(a.desk.segmentPath(seg.Traj)); err != nil {
			return err
		}
	}
	log, _, err := feedback.OpenLog(a.desk.path("questions.feedback"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	r := pair(q, 0.5)
	r.Source = QuestionSource
	if err := log.Append(&r); err != nil {
		return err
	}
	a.asked[q.key()] = true
	return nil
}
