package shaped

import (
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

func TestConformance(t *testing.T) { rewardtest.Run(t, New(), lander.New()) }

// TestTelescopes plays an episode: its discounted sum is minus the first potential, plus what is
// left of the last one.
func TestTelescopes(t *testing.T) {
	e, c := lander.New(), New()
	v, err := env.NewVec(e, env.VecOptions{Worlds: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	f, err := c.Build(v.Spec())
	if err != nil {
		t.Fatal(err)
	}
	b, dst := env.NewBatch(v.Spec(), 1), make([]float32, 1)
	v.Reset(4)
	sum, discount, first := 0.0, 1.0, 0.0
	for step := 0; b.End[0] == env.Running; step++ {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		if step == 0 {
			first = float64(c.potential(b.Obs[0], b.Obs[1]))
		}
		envtest.RandomActions(v.Spec(), b, rng.New(4), step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		f.Score(dst, b)
		sum += discount * float64(dst[0])
		discount *= float64(c.Gamma)
	}
	want := -first
	if b.End[0] == env.Truncated {
		want += discount * float64(c.potential(b.Next[0], b.Next[1]))
	}
	if math.Abs(sum-want) > 1e-5 {
		t.Errorf("the episode earns %v, want %v", sum, want)
	}
}

func TestOptions(t *testing.T) {
	lands, _ := lander.New().Spec()
	other, _ := envtest.NewFast().Spec()
	for want, try := range map[string]func() error{
		"height is 0":              func() error { _, err := (&Config{Reach: 1, Gamma: 0.9}).Build(lands); return err },
		"gamma is 2, want above 0": func() error { _, err := (&Config{Height: 1, Reach: 1, Gamma: 2}).Build(lands); return err },
		"reward guide: ":           func() error { _, err := New().Build(other); return err },
	} {
		if err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build = %v, want %s", err, want)
		}
	}
}
