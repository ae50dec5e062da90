package vpl

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "vpl")
	for _, arm := range []string{"vpl", "one-for-all", "oracle", "strangers"} {
		t.Logf("%s: accuracy %.3f, success %.3f", arm, r.Mean("accuracy", arm), r.Mean("success", arm))
	}
	t.Logf("chosen questions %.1f, divergence %.2f nats", r.Mean("chosen questions", "vpl"), r.Mean("nats", "vpl"))
	if a, b := r.Mean("accuracy", "vpl"), r.Mean("accuracy", "one-for-all"); a < b+0.1 {
		t.Errorf("accuracy %.3f, one reward for all %.3f", a, b)
	}
	papertest.Repeats(t, "vpl", papers.Cell{Scale: papers.Smoke, Arm: "oracle", Seed: papers.FirstSeed})
}

// With the true reward of a user the plan leads to the user's goal; with the contrary one away.
func TestSucceeds(t *testing.T) {
	c, err := newCrowd(1)
	if err != nil {
		t.Fatal(err)
	}
	for user := range 2 {
		near := func(sign float32) model.Scorer {
			return model.ScorerOf(func(step []float32, v feedback.View) {
				dx, dy := v.Obs[0]-goals[user][0], v.Obs[1]-goals[user][1]
				step[0] = -sign * (dx*dx + dy*dy)
			})
		}
		if s, err := c.succeeds(user, near(1)); err != nil || s < 1-1e-9 {
			t.Errorf("user %d: success %v, %v", user, s, err)
		}
		if s, _ := c.succeeds(user, near(-1)); s != 0 {
			t.Errorf("user %d: success %v of the contrary", user, s)
		}
	}
}
