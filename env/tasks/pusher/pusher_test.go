package pusher

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]Config{
		"Default": *New(), "One": {MaxBoxes: 1, MaxSteps: 200}, "Four": {MaxBoxes: 4, MaxSteps: 200},
	} {
		t.Run(name, func(t *testing.T) { envtest.Run(t, func() env.Config { return &c }) })
	}
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
