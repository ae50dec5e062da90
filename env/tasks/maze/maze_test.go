package maze

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func TestConformance(t *testing.T) {
	for name, config := range map[string]func() env.Config{
		"Default": func() env.Config { return New() },
		"Discrete": func() env.Config {
			c := New()
			c.Discrete, c.MaxKeys, c.Progress, c.MaxSize, c.MaxSteps = true, 0, 0.1, 4, 300
			return c
		},
		"Rooms": func() env.Config {
			c := New()
			c.MaxSize, c.Room, c.MaxSteps = 4, 3, 300
			return c
		},
		"Television": func() env.Config {
			c := New()
			c.TV, c.TVMode, c.MaxSize, c.MaxSteps = 3, "near", 4, 300
			return c
		},
		"Remote": func() env.Config {
			c := New()
			c.TV, c.TVMode, c.Discrete, c.MaxSteps = 2, "remote", true, 300
			return c
		},
		"Blind": func() env.Config {
			return &Config{MaxSize: 12, Room: 1, MaxKeys: 3, Range: 1, TVMode: "always", MaxSteps: 300}
		},
	} {
		t.Run(name, func(t *testing.T) { envtest.Run(t, config) })
	}
}

func TestGolden(t *testing.T) {
	envtest.Golden(t, func() env.Config { return New() }, 0xb5e3f4adbf3fc89f)
}

func BenchmarkVec(b *testing.B) {
	v, err := env.NewVec(New(), env.VecOptions{Worlds: 256, Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	v.Reset(1)
	batch := env.NewBatch(v.Spec(), v.Len())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%16 == 0 {
			envtest.RandomActions(v.Spec(), batch, rng.New(1), i)
		}
		if v.Observe(batch) != nil || v.Step(batch) != nil {
			b.Fatal("a step failed")
		}
	}
	b.ReportMetric(float64(b.N)*256/b.Elapsed().Seconds(), "steps/s")
}
