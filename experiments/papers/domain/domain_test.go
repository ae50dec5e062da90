package domain

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

// At smoke scale the main effect is there: few labels teach features what they do not teach raw
// steps, and noise teaches nothing.
func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "domain")
	if f, raw := r.Mean("accuracy", "features-50"), r.Mean("accuracy", "raw-50"); f < raw+0.02 {
		t.Errorf("50 pairs: accuracy %.3f of features, %.3f of steps", f, raw)
	}
	if a := r.Mean("accuracy", "noise-50"); a < 0.4 || a > 0.6 {
		t.Errorf("noise predicts with accuracy %.3f", a)
	}
	papertest.Repeats(t, "domain", papers.Cell{Scale: papers.Smoke, Arm: "features-50", Seed: papers.FirstSeed})
}
