package lsc

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "lsc")
	for _, kl := range []string{"0.5", "1.5", "3.5"} {
		t.Logf("divergence %s: good in both %.3f, raw %.3f, first alone %.3f", kl, r.Mean("both@"+kl, "lsc"), r.Mean("both@"+kl, "raw"), r.Mean("both@"+kl, "first"))
	}
	if a, b := r.Mean("both@2.5", "lsc"), r.Mean("both@2.5", "first"); a <= b {
		t.Errorf("good in both: %.3f by both, %.3f by the first property alone", a, b)
	}
	papertest.Repeats(t, "lsc", papers.Cell{Scale: papers.Smoke, Arm: "lsc", Seed: papers.FirstSeed})
}
