package context

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "context")
	if a := r.Mean("accuracy", "blind"); a != 0.5 {
		t.Errorf("a model without contexts answers %v of the pairs, want exactly a half", a)
	}
	if a, b := r.Mean("accuracy", "reversals"), r.Mean("accuracy", "agreements"); a < b+0.05 {
		t.Errorf("reversals teach %.3f, agreements %.3f", a, b)
	}
	papertest.Repeats(t, "context", papers.Cell{Scale: papers.Smoke, Arm: "shuffled", Seed: papers.FirstSeed})
}

// The two answers of a case are contrary or alike as asked for, and under different criteria.
func TestCases(t *testing.T) {
	lab, err := rmlab.New(rmlab.Config{Seed: 1, Levels: 20, PerLevel: 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, contrary := range []bool{true, false} {
		cs, err := cases(lab, 100, contrary, rng.New(1))
		if err != nil || len(cs) != 100 {
			t.Fatal(len(cs), err)
		}
		for _, c := range cs {
			a, b := c.records[0], c.records[1]
			if (a.Label != b.Label) != contrary || a.Context[0] == 1 && b.Context[0] == 1 || a.Segments[0] != b.Segments[0] {
				t.Fatalf("contrary %v: %+v, %+v", contrary, a, b)
			}
		}
	}
}
