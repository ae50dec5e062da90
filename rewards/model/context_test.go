package model_test

import (
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func TestContextual(t *testing.T) {
	s := feedback.NewStore(feedback.Shape{Obs: 1, Act: 1})
	id, err := s.Add(&feedback.Trajectory{Obs: []float32{1, 2, 3}, Act: []float32{4, 5}, Reward: make([]float32, 2)})
	if err != nil {
		t.Fatal(err)
	}
	seg := feedback.Segment{Traj: id, To: 2}
	c := model.Contextual{Width: 2}
	r := feedback.Better(seg, seg)
	r.Context = []float32{0, 2}
	to, rs, err := c.Project(s, []feedback.Record{r})
	if err != nil {
		t.Fatal(err)
	}
	v, err := to.View(rs[0].Segments[1])
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{1, 4, 0, 0, 2, 8, 0, 2, 2, 5, 0, 0, 4, 10, 0, 2} // x, 0 x, 2 x, context
	if !slices.Equal(v.Obs[:16], want) {
		t.Errorf("seen as %v, want %v", v.Obs[:16], want)
	}
	e, err := model.NewEnsemble(model.Shape{Inputs: []string{"obs"}, Hidden: []int{8}, Members: 1}, c.Shape(s.Shape()), rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	var a, b, other model.Out
	e.Score(&a, v)
	raw, _ := s.View(seg)
	c.Scorer(e, r.Context).Score(&b, raw)
	c.Scorer(e, []float32{1, 0}).Score(&other, raw)
	if a.Return != b.Return || a.Return == other.Return {
		t.Errorf("returns %v of the store, %v of the scorer, %v in another context", a.Return, b.Return, other.Return)
	}
	r.Context = nil
	if _, _, err := c.Project(s, []feedback.Record{r}); err == nil {
		t.Error("a record without a context is accepted")
	}
}
