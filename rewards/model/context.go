package model

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Contextual are models of steps that are told by what to judge: each record's Context, such as
// the weights of criteria (Pitis et al., "Improving Context-Aware Preference Modeling for Language
// Models", 2024, section 3). A context that is only put beside the observation is easily ignored
// where answers are few, so the inputs are also multiplied with each of its numbers:
//
//	x, c_1 x, ..., c_k x, c       x observation and action
type Contextual struct {
	Width int // numbers of a context
}

// Shape returns the widths of the rows of stores that Project makes of one with rows like s.
func (c Contextual) Shape(s feedback.Shape) feedback.Shape {
	return feedback.Shape{Obs: (s.Obs+s.Act)*(1+c.Width) + c.Width}
}

// Project returns a store in which each segment of the records is seen in the light of the
// record's context, and the records of these. An Ensemble whose Inputs are obs learns from them. It
// fails if a record's context has another width.
func (c Contextual) Project(s *feedback.Store, rs []feedback.Record) (*feedback.Store, []feedback.Record, error) {
	to := feedback.NewStore(c.Shape(s.Shape()))
	out := make([]feedback.Record, len(rs))
	for i := range rs {
		if len(rs[i].Context) != c.Width {
			return nil, nil, fmt.Errorf("model: record %d has a context of %d numbers, want %d", i, len(rs[i].Context), c.Width)
		}
		out[i] = rs[i]
		out[i].Segments = nil
		for _, seg := range rs[i].Segments {
			v, err := s.View(seg)
			if err != nil {
				return nil, nil, fmt.Errorf("model: record %d: %w", i, err)
			}
			id, err := to.Add(c.trajectory(v, rs[i].Context))
			if err != nil {
				return nil, nil, fmt.Errorf("model: record %d: %w", i, err)
			}
			out[i].Segments = append(out[i].Segments, feedback.Segment{Traj: id, To: int32(v.Len())})
		}
	}
	return to, out, nil
}

func (c Contextual) trajectory(v feedback.View, context []float32) *feedback.Trajectory {
	n, o, a := v.Len(), v.Shape.Obs, v.Shape.Act
	width := c.Shape(v.Shape).Obs
	obs := make([]float32, 0, (n+1)*width)
	for i := range n {
		first := len(obs)
		obs = append(obs, v.Obs[i*o:(i+1)*o]...)
		obs = append(obs, v.Act[i*a:(i+1)*a]...)
		x := obs[first:]
		for _, k := range context {
			for _, y := range x[:o+a] {
				obs = append(obs, float32(k*y))
			}
		}
		obs = append(obs, context...)
	}
	obs = append(obs, make([]float32, width)...) // what follows the last step is not seen
	return &feedback.Trajectory{Level: v.Level, End: v.End, Obs: obs, Reward: make([]float32, n)}
}

// Scorer judges segments in the light of one context by an ensemble for Shape.
func (c Contextual) Scorer(e *Ensemble, context []float32) Scorer {
	return contextScorer{c: c, e: e, context: context}
}

type contextScorer struct {
	c       Contextual
	e       *Ensemble
	context []float32
}

// Score judges a segment.
func (s contextScorer) Score(o *Out, v feedback.View) {
	t := s.c.trajectory(v, s.context)
	s.e.Score(o, feedback.View{
		Trajectory: *t, Shape: s.c.Shape(v.Shape), Segment: feedback.Segment{To: int32(v.Len())}, Final: v.Final,
	})
}
