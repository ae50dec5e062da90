package cdr

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
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
