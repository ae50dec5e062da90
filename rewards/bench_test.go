package rewards_test

import (
	"fmt"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/rewards"
)

// BenchmarkOverhead measures what a reward costs beyond its own arithmetic: the same loop called
// directly, through a Func, and as a term of a Sum, which keeps its column.
func BenchmarkOverhead(b *testing.B) {
	spec, err := envtest.NewFast().Spec()
	if err != nil {
		b.Fatal(err)
	}
	loop := func(dst []float32, b *env.Batch) {
		for i := range b.N {
			dst[i] = b.Facts[2*i] * 0.5
		}
	}
	for _, n := range []int{32, 4096} {
		batch, dst := env.NewBatch(spec, n), make([]float32, n)
		sum, err := rewards.NewSum([]rewards.Term{{Name: "half", Weight: 1, Func: rewards.FuncOf(loop)}})
		if err != nil {
			b.Fatal(err)
		}
		for name, f := range map[string]func(){
			"direct": func() { loop(dst, batch) },
			"func":   func() { rewards.Func(rewards.FuncOf(loop)).Score(dst, batch) },
			"sum":    func() { sum.Score(dst, batch) },
		} {
			b.Run(fmt.Sprintf("%s/rows=%d", name, n), func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
			})
		}
	}
}
