package learned

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

// TestConformance also saves and loads what was learned.
func TestConformance(t *testing.T) { rewardtest.Run(t, New(), cartpole.New()) }

// TestGetsBored: what is seen again and again is predicted, and no longer rewarded; what is new
// is rewarded still.
func TestGetsBored(t *testing.T) {
	spec, err := envtest.NewFast().Spec()
	if err != nil {
		t.Fatal(err)
	}
	f, err := New().Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	l, b := f.(rewards.Learner), env.NewBatch(spec, 32)
	r := rng.New(1).Stream(1, 0, 0)
	fill := func(drift float32) { // a world that moves by a linear rule
		for i := range b.N {
			x, v, a := r.Range(-1, 1), r.Range(-1, 1), float32(r.IntN(3))
			b.Obs[2*i], b.Obs[2*i+1], b.Act[i] = x, v, a
			b.Next[2*i], b.Next[2*i+1] = x+float32(0.3*v)+drift, float32(0.8*v)+float32(0.2*a)
		}
	}
	mean := func() (m float32) {
		dst := make([]float32, b.N)
		l.Score(dst, b)
		for _, x := range dst {
			m += x / float32(b.N)
		}
		return m
	}
	fill(0)
	before := mean()
	for range 300 {
		fill(0)
		if err := l.Update(b, nil); err != nil {
			t.Fatal(err)
		}
	}
	fill(0)
	after := mean()
	fill(1)
	if surprised := mean(); before < 0.02 || after > before/100 || surprised < 0.1 {
		t.Errorf("it earns %v at first, %v when all is known, %v when the world changes", before, after, surprised)
	}
}

func TestOptions(t *testing.T) {
	spec, err := envtest.NewFast().Spec()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{{Rate: 0, Max: 1}, {Rate: 2, Max: 1}, {Rate: 0.1}} {
		if _, err := c.Build(spec); err == nil {
			t.Errorf("Build accepts %+v", c)
		}
	}
}
