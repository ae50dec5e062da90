package ensuwo

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "ens-uwo")
	if d := r.Mean("drop", "single"); d < 1 {
		t.Errorf("a single model loses only %.2f from its peak: there is nothing to mitigate", d)
	}
	if a, b := r.Mean("gold@512", "worst"), r.Mean("gold@512", "single"); a <= b {
		t.Errorf("gold of the best of 512: %.2f by the worst case, %.2f by single models", a, b)
	}
	// With one draw nothing is chosen, so all arms have the mean of the pool.
	for _, arm := range []string{"mean", "worst", "uwo-0.1", "uwo-0.5"} {
		if a, b := r.Mean("gold@1", arm), r.Mean("gold@1", "single"); a-b > 1e-6 || b-a > 1e-6 {
			t.Errorf("gold of a single draw: %s %v, single %v", arm, a, b)
		}
	}
	papertest.Repeats(t, "ens-uwo", papers.Cell{Scale: papers.Smoke, Arm: "uwo-0.5", Seed: papers.FirstSeed})
}
