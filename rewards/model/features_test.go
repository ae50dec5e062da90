package model_test

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// What a model of features says of a segment is what its ensemble says of the projected step.
func TestFeatures(t *testing.T) {
	s := feedback.NewStore(feedback.Shape{Obs: 1, Act: 1})
	id, err := s.Add(&feedback.Trajectory{
		Obs: []float32{1, 2, 3, 4, 5}, Act: []float32{1, 0, 0, 1}, Reward: make([]float32, 4),
	})
	if err != nil {
		t.Fatal(err)
	}
	f := model.Features{Width: 2, Of: func(dst []float32, v feedback.View) {
		clear(dst)
		for i := range v.Len() {
			dst[0] += v.Obs[i]
			dst[1] += v.Act[i]
		}
	}}
	segs := []feedback.Segment{{Traj: id, To: 4}, {Traj: id, From: 1, To: 3}}
	to, out, err := f.Project(s, segs)
	if err != nil {
		t.Fatal(err)
	}
	e, err := model.NewEnsemble(model.Shape{Inputs: []string{"obs"}, Hidden: []int{8}, Members: 2}, f.Shape(), rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float32{{10, 2}, {5, 0}} {
		p, err := to.View(out[i])
		if err != nil {
			t.Fatal(err)
		}
		if p.Len() != 1 || p.Obs[0] != want[0] || p.Obs[1] != want[1] {
			t.Errorf("segment %d: features %v, want %v", i, p.Obs[:2], want)
		}
		v, _ := s.View(segs[i])
		var a, b model.Out
		e.Score(&a, p)
		f.Scorer(e).Score(&b, v)
		steps := float32(0)
		for _, y := range b.Step {
			steps += y
		}
		if a.Return != b.Return || a.Var != b.Var || len(b.Step) != v.Len() || steps-b.Return > 1e-6 || b.Return-steps > 1e-6 {
			t.Errorf("segment %d: %+v by features, %+v by the ensemble", i, b, a)
		}
	}
	if _, _, err := f.Project(s, []feedback.Segment{{Traj: 1, To: 1}}); err == nil {
		t.Error("features of a segment that is not there")
	}
}
