package model

import (
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Factors may be expressions over facts, observations and actions.
func TestFactorsOfExpressions(t *testing.T) {
	spec := &env.Spec{
		ID: "toy", Obs: []env.Field{{Name: "x", Len: 1, Lo: -9, Hi: 9}}, Act: []env.Field{{Name: "push", Len: 1, Lo: -1, Hi: 1}},
		Facts: []env.Field{{Name: "near", Len: 1, Lo: 0, Hi: 1}}, Agents: 1, Dt: 1,
	}
	s := feedback.NewStore(feedback.ShapeOf(spec))
	id, err := s.Add(&feedback.Trajectory{
		Obs: []float32{1, 2, 4, 3}, Act: []float32{0.5, -1, 0.25}, Facts: []float32{0, 1, 1}, Reward: make([]float32, 3), End: env.Terminated,
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.View(feedback.Segment{Traj: id, To: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		f    Factor
		want float64
	}{
		{Factor{Fact: "near"}, 2. / 3},
		{Factor{Fact: "near*1"}, 2. / 3},
		{Factor{Fact: "next.x - obs.x", Of: "last"}, -1},
		{Factor{Fact: "abs(act.push)", Of: "max"}, 1},
		{Factor{Fact: "terminated ? 3 : 0"}, 1},
	} {
		levels, err := (&Heron{Order: []Factor{c.f}}).Levels(spec)
		if err != nil {
			t.Fatal(err)
		}
		if got := levels[0].Signal(v); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%+v: %v, want %v", c.f, got, c.want)
		}
	}
	for expr, want := range map[string]string{"naer": `did you mean "near"`, "near + ": "column", "prev(near)": "reward program only"} {
		if _, err := (&Heron{Order: []Factor{{Fact: expr}}}).Levels(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", expr, err, want)
		}
	}
}
