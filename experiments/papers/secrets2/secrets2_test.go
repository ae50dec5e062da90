package secrets2

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "secrets2")
	low, high := r.Mean("right 1", "flip"), r.Mean("right 5", "flip")
	if high < low+0.15 {
		t.Errorf("labels that are right: %.3f of the weakest fifth, %.3f of the strongest", low, high)
	}
	if low, high = r.Mean("right 1", "any"), r.Mean("right 5", "any"); high > low+0.2 || low > high+0.2 {
		t.Errorf("by lot: %.3f of the weakest fifth, %.3f of the strongest", low, high)
	}
	papertest.Repeats(t, "secrets2", papers.Cell{Scale: papers.Smoke, Arm: "meta", Seed: papers.FirstSeed})
}
