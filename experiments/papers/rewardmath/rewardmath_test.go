package rewardmath

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "rewardmath")
	for _, arm := range []string{"one-to-many", "styled", "random", "lot"} {
		t.Logf("%s: rank correlation with gold %.2f, with the drop %.2f", arm, r.Mean("with gold", arm), r.Mean("with drop", arm))
	}
	if c := r.Mean("with gold", "one-to-many"); c < 0.3 {
		t.Errorf("one-to-many ranks models with correlation %.2f", c)
	}
	papertest.Repeats(t, "rewardmath", papers.Cell{Scale: papers.Smoke, Arm: "styled", Seed: papers.FirstSeed})
}

// The good behaviour of an item is the best by gold, and the gold passes the benchmark.
func TestBenchmark(t *testing.T) {
	lab, err := rmlab.New(rmlab.Config{Seed: 1, Levels: 10, PerLevel: 40})
	if err != nil {
		t.Fatal(err)
	}
	for _, arm := range []string{"one-to-many", "random"} {
		bench, err := benchmark(arm, lab)
		if err != nil {
			t.Fatal(err)
		}
		s, err := measure(model.ScorerOf(rmlab.Standard.Score), lab, bench)
		if err != nil || s[""] != 1 || s[", reciprocal rank"] != 1 {
			t.Errorf("%s: the gold is right in %v, %v", arm, s, err)
		}
	}
	bench, err := benchmark("styled", lab)
	if err != nil {
		t.Fatal(err)
	}
	if s, _ := measure(model.ScorerOf(rmlab.Standard.Score), lab, bench); s[""] < 0.9 {
		t.Errorf("styled: the gold is right in %v", s)
	}
	r := rng.New(1).Stream(1, 0, 0)
	if it, err := among(lab, &r, others); err != nil || len(it.bad) != others {
		t.Errorf("%d others, %v", len(it.bad), err)
	}
}
