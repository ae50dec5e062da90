package model

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Features are a few numbers that sum a segment up, such as the mean of each fact: what people
// who know the domain say it is to be judged by. A model of them needs far fewer answers than one
// of steps (Nath et al., "Leveraging Domain Knowledge for Efficient Reward Modelling in RLHF", 2024),
// and is blind to what they leave out.
type Features struct {
	Width int
	Of    func(dst []float32, v feedback.View) // writes Width numbers
}

// Shape returns the widths of the rows of stores that Project makes.
func (f Features) Shape() feedback.Shape { return feedback.Shape{Obs: f.Width} }

// Project returns a store in which each of some segments is one step, seen as its features, and
// the segments there, in the same order. An Ensemble whose Inputs are obs learns from them.
func (f Features) Project(s *feedback.Store, segs []feedback.Segment) (*feedback.Store, []feedback.Segment, error) {
	to := feedback.NewStore(f.Shape())
	out := make([]feedback.Segment, len(segs))
	for i, seg := range segs {
		v, err := s.View(seg)
		if err != nil {
			return nil, nil, fmt.Errorf("model: features of segment %d: %w", i, err)
		}
		id, err := to.Add(f.trajectory(v))
		if err != nil {
			return nil, nil, fmt.Errorf("model: features of segment %d: %w", i, err)
		}
		out[i] = feedback.Segment{Traj: id, To: 1}
	}
	return to, out, nil
}

func (f Features) trajectory(v feedback.View) *feedback.Trajectory {
	obs := make([]float32, 2*f.Width)
	f.Of(obs[:f.Width], v)
	copy(obs[f.Width:], obs)
	return &feedback.Trajectory{Level: v.Level, Obs: obs, Reward: make([]float32, 1)}
}

// Scorer judges segments by what an ensemble for Shape makes of their features. A segment's steps
// share its return evenly.
func (f Features) Scorer(e *Ensemble) Scorer { return &featureScorer{f: f, e: e} }

type featureScorer struct {
	f   Features
	e   *Ensemble
	out Out
}

// Score judges a segment. Var is that of the members.
func (s *featureScorer) Score(o *Out, v feedback.View) {
	one := feedback.View{Trajectory: *s.f.trajectory(v), Shape: s.f.Shape(), Segment: feedback.Segment{To: 1}}
	s.e.Score(&s.out, one)
	o.grow(v.Len())
	o.Return, o.Var = s.out.Return, s.out.Var
	fill(o.Step, o.Return/float32(v.Len()))
}
