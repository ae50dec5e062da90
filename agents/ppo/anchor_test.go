package ppo

import (
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// anchored trains on a constant multiple of the task's reward for some updates from an anchor, and
// returns the divergence at the last one.
func anchored(t *testing.T, coef float64, updates int) (agents.Anchored, float64) {
	t.Helper()
	c, e := New(), envtest.NewFast()
	c.Rollout, c.Minibatch = 64, 128
	spec, err := e.Spec()
	if err != nil {
		t.Fatal(err)
	}
	build := func(seed uint64) agents.Anchored {
		p, err := c.Build(agents.Setup{Spec: spec, Rows: 8, Key: rng.New(seed), Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		return p.(agents.Anchored)
	}
	a, base := build(1), build(2)
	if err := a.Anchor(base, coef); err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(e, env.VecOptions{Worlds: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.Reset(1)
	b, kl := env.NewBatch(spec, 8), math.NaN()
	for step := uint64(0); updates > 0; step++ {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		a.Act(b, rng.New(3).Fold(step), true)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		a.Record(b, b.Reward)
		first := kl != kl
		learned, err := a.Learn(func(name string, x float64) {
			if name == "anchor/kl" {
				kl = x
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if learned {
			updates--
			if first && kl != 0 {
				t.Errorf("divergence %v of a copy, want 0", kl)
			}
		}
	}
	return a, kl
}

// A policy that is anchored begins where its anchor is, and strays less the more it costs.
func TestAnchor(t *testing.T) {
	_, free := anchored(t, 0, 12)
	a, held := anchored(t, 1, 12)
	_, tight := anchored(t, 30, 12)
	if !(free > 2*held && held > 2*tight && tight > 0) {
		t.Errorf("divergences %v, %v and %v with weights 0, 1 and 30", free, held, tight)
	}
	for _, c := range []struct {
		to   agents.Policy
		coef float64
		want string
	}{{nil, 1, "same networks"}, {a, -1, "want 0 or more"}, {a, math.NaN(), "want 0 or more"}} {
		if err := a.Anchor(c.to, c.coef); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Anchor(%v, %v): %v, want %s", c.to, c.coef, err, c.want)
		}
	}
}
