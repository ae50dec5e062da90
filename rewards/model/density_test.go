package model

import (
	"testing"

	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// sure takes an action with a log-probability that grows with the action.
type sure float32

func (s sure) LogProb(dst, _, act []float32) {
	for i := range dst {
		dst[i] = float32(s) * act[i]
	}
}

func TestRatio(t *testing.T) {
	s := feedback.NewStore(feedback.Shape{Obs: 1, Act: 1})
	id, err := s.Add(&feedback.Trajectory{Obs: []float32{0, 0, 0, 0}, Act: []float32{1, -2, 10}, Reward: make([]float32, 3)})
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.View(feedback.Segment{Traj: id, From: 0, To: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		r    Ratio
		want float32
	}{
		{Ratio{Strong: sure(3), Weak: sure(1)}, 2 - 4 + 20},
		{Ratio{Strong: sure(3), Weak: sure(1), Limit: 5}, 2 - 4 + 5},
		{Ratio{Strong: sure(3), Weak: sure(1), Limit: 5, Mean: true}, 2.0/3 - 4.0/3 + 5.0/3},
		{Ratio{Strong: sure(3)}, 27},
	} {
		var o Out
		if c.r.Score(&o, v); o.Return-c.want > 1e-5 || c.want-o.Return > 1e-5 || len(o.Step) != 3 {
			t.Errorf("%+v: %v, want %v", c.r, o.Return, c.want)
		}
	}
}
