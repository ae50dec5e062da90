package scripted

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// outcome is what measure found, over whole episodes.
type outcome struct {
	mean, lowest float64            // of the return
	facts        map[string]float64 // mean over episodes of each fact's last value
}

// measure plays n episodes of the controller, each world the same number of them.
func measure(t *testing.T, c env.Config, levels env.LevelSet, n int) outcome {
	t.Helper()
	spec, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	drawn, err := levels.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: n, Levels: drawn})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	p, err := For(spec)
	if err != nil {
		t.Fatal(err)
	}
	v.Reset(2026)
	b := env.NewBatch(spec, n)
	returns, done, left := make([]float64, n), make([]bool, n), n
	o := outcome{facts: map[string]float64{}, lowest: math.Inf(1)}
	for left > 0 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		p.Act(b, rng.New(1), false)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if done[i] {
				continue
			}
			returns[i] += float64(b.Reward[i])
			if b.End[i] == env.Running {
				continue
			}
			done[i] = true
			left--
			for at, f := i*env.Width(spec.Facts), 0; f < len(spec.Facts); f++ {
				o.facts[spec.Facts[f].Name] += float64(b.Facts[at]) / float64(n)
				at += spec.Facts[f].Len
			}
		}
	}
	for _, r := range returns {
		o.mean += r / float64(n)
		o.lowest = min(o.lowest, r)
	}
	return o
}
