package cdr

import (
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/ppo"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// At smoke scale policies have hardly begun to learn, so that only what must hold anyway is asked.
func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "cdr")
	for i, row := range r.Rows["ratio"] {
		t.Logf("seed %d: %v", i, row)
		swapped := r.Rows["swapped"][i]
		if d := row["accuracy of the widest"] + swapped["accuracy of the widest"] - 1; d > 0.02 || d < -0.02 {
			t.Errorf("seed %d: a pair of policies is right in %v, the other way round in %v", i, row, swapped)
		}
		if row["gap and accuracy"]+swapped["gap and accuracy"] > 0.05 {
			t.Errorf("seed %d: rank correlations %v and %v", i, row["gap and accuracy"], swapped["gap and accuracy"])
		}
	}
	papertest.Repeats(t, "cdr", papers.Cell{Scale: papers.Smoke, Arm: "ratio", Seed: papers.FirstSeed})
}

func TestCriterion(t *testing.T) {
	spec, err := lander.New().Spec()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (criterion{map[string]float32{"no_such_fact": 1}}).Build(spec); err == nil {
		t.Error("a criterion of a fact that is not there is built")
	}
	for _, w := range criteria {
		if _, err := (criterion{w}).Build(spec); err != nil {
			t.Error(err)
		}
	}
}

// Of numbers that crowd at one end, those chosen spread evenly, in their order.
func TestSpread(t *testing.T) {
	x := []float64{99, 100, 0, 98, 33, 97, 64, 10}
	if got, want := spread(x, 4), []int{2, 4, 6, 1}; !slices.Equal(got, want) {
		t.Errorf("chosen %v, want %v", got, want)
	}
	if got := spread(x, len(x)); len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(x) {
		t.Errorf("of all, %v are chosen", got)
	}
}

// Of each world one episode is kept, whole unless it is too long, however many it begins.
func TestRecord(t *testing.T) {
	s := &study{Training: papers.Training{Env: lander.New(), Levels: env.LevelSet{Preset: "classic"}, Agent: ppo.New(), Worlds: 4, Seed: 1}}
	var err error
	if s.spec, err = s.Env.Spec(); err != nil {
		t.Fatal(err)
	}
	p, err := s.build()
	if err != nil {
		t.Fatal(err)
	}
	store := feedback.NewStore(feedback.ShapeOf(s.spec))
	const worlds, most = 12, 80 // those that have not learned crash after some 70 to 120 steps
	segs, err := s.Record(p, store, worlds, most, rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	whole, cut := 0, 0
	for _, seg := range segs {
		v, err := store.View(seg)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case v.End == env.Terminated && v.Len() <= most:
			whole++
		case v.End == env.Running && v.Len() == most:
			cut++
		default:
			t.Errorf("kept %d steps, ended %v", v.Len(), v.End)
		}
	}
	if len(segs) != worlds || store.Len() != worlds || whole == 0 || cut == 0 {
		t.Errorf("%d of %d kept, %d whole and %d cut, want %d and some of both", len(segs), store.Len(), whole, cut, worlds)
	}
}
