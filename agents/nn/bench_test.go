//go:build unix

package nn

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// bench times f and reports rows per second of processor time, which other programs on the
// machine disturb less than wall time: what one free core gives.
func bench(b *testing.B, rows int, f func()) {
	b.ReportAllocs()
	f()
	var before, after syscall.Rusage
	b.ResetTimer()
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &before); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		f()
	}
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &after); err != nil {
		b.Fatal(err)
	}
	seconds := func(r syscall.Rusage) float64 {
		return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
	}
	b.ReportMetric(float64(rows)*float64(b.N)/(seconds(after)-seconds(before)), "rows/cpu-s")
}

func eachKernelB(b *testing.B, f func(b *testing.B)) {
	before := active
	defer func() { active = before }()
	for i := range kernels {
		active = &kernels[i]
		b.Run(active.name, f)
	}
}

// BenchmarkInference is one forward pass of a policy, 24-64-64-4, for 1 and for 64 observations.
func BenchmarkInference(b *testing.B) {
	eachKernelB(b, func(b *testing.B) {
		for _, rows := range []int{1, 64} {
			b.Run(fmt.Sprint("batch", rows), func(b *testing.B) {
				m := NewMLP(MLPConfig{In: 24, Hidden: []int{64, 64}, Out: 4})
				p, x := make([]float32, m.NumParams()), random(1, rows*24, 1)
				m.Init(p, rng.New(1))
				tape := m.NewTape(rows)
				bench(b, rows, func() { m.Forward(p, tape, x, rows) })
			})
		}
	})
}

// BenchmarkMinibatch is one PPO update of 2048 samples, 24-64-64-(4+1): forward, clipped loss with
// value and entropy terms, backward, clipping by norm, Adam. "separate" has two networks.
func BenchmarkMinibatch(b *testing.B) {
	eachKernelB(b, func(b *testing.B) {
		for name, shared := range map[string]bool{"shared": true, "separate": false} {
			b.Run(name, func(b *testing.B) {
				u := newUpdate(shared, 2048, NewPool(1))
				bench(b, u.rows, u.step)
			})
		}
	})
}

// BenchmarkWorkers is BenchmarkMinibatch with the best kernel, by size and number of workers:
// the loss of rows per processor second from 1 to 2 workers is the price of synchronisation.
func BenchmarkWorkers(b *testing.B) {
	for _, rows := range []int{256, 512, 2048} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("rows%d/workers%d", rows, workers), func(b *testing.B) {
				pool := NewPool(workers)
				defer pool.Close()
				u := newUpdate(true, rows, pool)
				bench(b, rows, u.step)
			})
		}
	}
}
