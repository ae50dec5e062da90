package nn

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

func eachKernelB(b *testing.B, f func(b *testing.B)) {
	before := active
	defer func() { active = before }()
	for i := range kernels {
		active = &kernels[i]
		b.Run(active.name, f)
	}
}

// BenchmarkInference is one policy forward pass, 24-64-64-4, of 1 and of 64 observations.
func BenchmarkInference(b *testing.B) {
	eachKernelB(b, func(b *testing.B) {
		for _, rows := range []int{1, 64} {
			name := "batch1"
			if rows > 1 {
				name = "batch64"
			}
			b.Run(name, func(b *testing.B) {
				m := NewMLP(MLPConfig{In: 24, Hidden: []int{64, 64}, Out: 4})
				p, x := make([]float32, m.NumParams()), random(1, rows*24, 1)
				m.Init(p, rng.New(1))
				tape := m.NewTape(rows)
				b.ReportAllocs()
				for b.Loop() {
					m.Forward(p, tape, x, rows)
				}
				b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			})
		}
	})
}

// BenchmarkMinibatch is one PPO update of 2048 samples on one core: forward, clipped loss with
// value and entropy terms, backward, clipping by norm, Adam.
func BenchmarkMinibatch(b *testing.B) {
	eachKernelB(b, func(b *testing.B) {
		for _, shared := range []bool{true, false} {
			name := "shared"
			if !shared {
				name = "separate"
			}
			b.Run(name, func(b *testing.B) {
				const rows = 2048
				u := newUpdate(shared, rows, NewPool(1))
				b.ReportAllocs()
				for b.Loop() {
					u.step()
				}
				b.ReportMetric(rows*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
			})
		}
	})
}
