package formalisms

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tabular"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "formalisms")
	if !r.Pass {
		t.Errorf("%d of 3 seeds, rows %v", int(3*r.Mean("all right", "checker")+0.5), r.Rows["checker"])
	}
	papertest.Repeats(t, "formalisms", papers.Cell{Scale: papers.Smoke, Arm: "checker", Seed: papers.FirstSeed})
}

// Both verdicts occur for each formalism that is not all-powerful in these cases.
func TestCases(t *testing.T) {
	r := rng.New(1).Stream(1, 0, 0)
	cases, err := all(0.9, &r)
	if err != nil {
		t.Fatal(err)
	}
	yes := 0
	for _, k := range cases {
		if k.want {
			yes++
		}
		for _, x := range k.x {
			if len(x) != len(k.x[0]) {
				t.Errorf("%s: features of %d and %d numbers", k.name, len(k.x[0]), len(x))
			}
		}
	}
	if len(cases) != 12 || yes < 4 || yes > 8 {
		t.Errorf("%d cases, %d of them expressible", len(cases), yes)
	}
}

func TestGridSmoke(t *testing.T) {
	papertest.Smoke(t, "formalisms-grid")
	papertest.Repeats(t, "formalisms-grid", papers.Cell{Scale: papers.Smoke, Arm: "native", Seed: papers.FirstSeed})
}

// The solvers find what is best: no policy out of many random ones does better, and the speed is met.
func TestGridSolvers(t *testing.T) {
	r := rng.New(3).Stream(1, 0, 0)
	c, err := newCourse(&r)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		pi, err := c.native(task)
		if err != nil {
			t.Fatal(err)
		}
		best := c.score(task, pi)
		for range 40 {
			other := make(tabular.Policy, len(pi))
			for s := 0; s < len(pi); s += c.Actions {
				sum := 0.0
				for a := range c.Actions {
					other[s+a] = 1e-3 + r.Float64()*r.Float64()
					sum += other[s+a]
				}
				for a := range c.Actions {
					other[s+a] /= sum
				}
			}
			if x := c.score(task, other); x > best+1e-9 {
				t.Errorf("%s: a random policy scores %v, the solver's %v", task, x, best)
			}
		}
		if task == "speed" && best < -1e-20 {
			t.Errorf("the speed is missed: %v", best)
		}
	}
}
