package label

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Human is people, who answer at a Desk when they find the time: until then Label returns
// ErrLater. Segments must be of trajectories with an Origin.
//
// Where the answers depend on the time they take, so does what is learned from them: a run with
// people repeats only as far as its state, which holds the answers that it has used.
type Human struct {
	Need int // annotators who have to answer a question, or to decline; the default is 1

	// Prior, unless it is nil, answers for the time being: its records come with ErrLater, and
	// their weights times PriorWeight. A Heron is a prior that people write down in a minute.
	Prior       Labeler
	PriorWeight float32

	desk    Desk
	origin  traj.Origin
	asker   *Asker
	size    int64 // of the file of answers when it was read
	answers map[string][]feedback.Record
	marks   map[feedback.Segment][]feedback.Record // that count
}

var errNoDesk = errors.New("label: people can only be asked in a run, which has a folder for their answers")

// Sit makes h ask at a desk, about episodes of an environment.
func (h *Human) Sit(d Desk, o traj.Origin) {
	h.desk, h.origin, h.asker = d, o, d.Ask()
}

// Label asks, once, and looks whether enough people have answered. Of several answers it returns
// the mean label and strength, and the annotator of the first.
func (h *Human) Label(s *feedback.Store, q Query) (feedback.Record, bool, error) {
	if h.asker == nil {
		return feedback.Record{}, false, errNoDesk
	}
	if err := h.post(s, q); err != nil {
		return feedback.Record{}, false, err
	}
	if err := h.read(); err != nil {
		return feedback.Record{}, false, err
	}
	given := h.answers[q.key()]
	if len(given) < max(h.Need, 1) {
		return h.prior(s, q)
	}
	return merge(q, given)
}

// Marks returns the marks of good and bad moments that people have set in the segments of a question, as
// far as they were there when its Label was asked for.
func (h *Human) Marks(q Query) []feedback.Record {
	return slices.Concat(h.marks[q.A], h.marks[q.B])
}

// merge joins the answers of several people.
func merge(q Query, given []feedback.Record) (feedback.Record, bool, error) {
	out, n := pair(q, 0), float32(0)
	for _, r := range given {
		if r.Kind != feedback.Pair {
			continue
		}
		if r.Segments[0] != q.A {
			r = r.Swapped()
			r.Strength = -r.Strength
		}
		if n == 0 {
			out.Annotator, out.Source = r.Annotator, r.Source
		}
		n++
		out.Label += r.Label
		out.Strength += r.Strength
		out.Seconds += r.Seconds
	}
	if n == 0 {
		return feedback.Record{}, false, nil // all declined
	}
	out.Label /= n
	out.Strength /= n
	out.Seconds /= n
	return out, true, nil
}

func (h *Human) prior(s *feedback.Store, q Query) (feedback.Record, bool, error) {
	if h.Prior == nil {
		return feedback.Record{}, false, ErrLater
	}
	r, ok, err := h.Prior.Label(s, q)
	if err != nil {
		return r, false, err
	}
	r.Weight *= h.PriorWeight
	return r, ok && r.Weight > 0, ErrLater
}

// post puts the question on the desk.
func (h *Human) post(s *feedback.Store, q Query) error {
	if has, err := h.asker.Has(q); has || err != nil {
		return err
	}
	var eps []*traj.Episode
	for _, seg := range []feedback.Segment{q.A, q.B} {
		v, err := s.View(feedback.Segment{Traj: seg.Traj, To: seg.To})
		if err != nil {
			return err
		}
		ep, err := Recording(v, h.origin)
		if err != nil {
			return err
		}
		eps = append(eps, ep)
	}
	return h.asker.Post(q, eps...)
}

// Recording returns a view of the beginning of a trajectory as an episode that can be played.
func Recording(v feedback.View, o traj.Origin) (*traj.Episode, error) {
	if v.Origin == nil {
		return nil, fmt.Errorf("label: trajectory %016x does not say where it began, so that it cannot be played again", v.Segment.Traj)
	}
	return &traj.Episode{
		Origin: o, Level: v.Origin.Level, Start: v.Origin.State, Agents: 1, Last: v.End,
		Every: v.Len() + 1, // no hashes: the observations are all there
		Obs:   v.Obs, Act: v.Act, Facts: v.Facts, Reward: v.Reward,
	}, nil
}

// read takes in the answers, if there are new ones.
func (h *Human) read() error {
	info, err := os.Stat(h.desk.path("answers.feedback"))
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == h.size {
		return nil
	}
	if err != nil {
		return err
	}
	rs, err := h.desk.Answers()
	if err != nil {
		return err
	}
	h.size, h.answers, h.marks = info.Size(), map[string][]feedback.Record{}, map[feedback.Segment][]feedback.Record{}
	for _, r := range feedback.Marks(rs) {
		h.marks[r.Segments[0]] = append(h.marks[r.Segments[0]], r)
	}
	for _, r := range feedback.Latest(rs) {
		key := pairKey(r.Segments, r.Context)
		h.answers[key] = append(h.answers[key], r)
	}
	return nil
}

// Fit fits the prior, if it can be: see Heron.Fit.
func (h *Human) Fit(s *feedback.Store, window []feedback.Segment) error {
	if f, ok := h.Prior.(interface {
		Fit(*feedback.Store, []feedback.Segment) error
	}); ok {
		return f.Fit(s, window)
	}
	return nil
}

// AppendBinary appends the state of the prior. Questions and answers are on the desk.
func (h *Human) AppendBinary(b []byte) ([]byte, error) {
	if p, ok := h.Prior.(encoding.BinaryAppender); ok {
		return p.AppendBinary(b)
	}
	return b, nil
}

// UnmarshalBinary restores what AppendBinary wrote.
func (h *Human) UnmarshalBinary(data []byte) error {
	if p, ok := h.Prior.(encoding.BinaryUnmarshaler); ok {
		return p.UnmarshalBinary(data)
	}
	if len(data) != 0 {
		return fmt.Errorf("label: state of %d bytes of people without a prior", len(data))
	}
	return nil
}

var _ Labeler = (*Human)(nil)
