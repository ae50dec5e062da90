package eval_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/eval"
	"github.com/terrarium-rl/terrarium/rewards/shaping"
)

// Potential shaping changes no optimal policy: in distance, a shaped reward is the same as
// before. The opposite reward is as far away as can be.
func ExampleSTARC() {
	spec := &env.Spec{
		ID: "walk-v0", Agents: 1,
		Obs: []env.Field{{Name: "x", Len: 1, Lo: -9, Hi: 9}},
		Act: []env.Field{{Name: "step", Len: 1, Lo: -1, Hi: 1}},
	}
	// Random walks of 20 steps, of which there are 50.
	d := &eval.Data{Spec: spec, Rows: env.NewBatch(spec, 1000)}
	r, x := rng.New(1).Stream(1, 0, 0), float32(0)
	for i := range d.Rows.N {
		if i%20 == 0 {
			d.Starts, x = append(d.Starts, i), r.Range(-3, 3)
		}
		d.Rows.Obs[i], d.Rows.Act[i] = x, r.Range(-1, 1)
		x += d.Rows.Act[i]
		d.Rows.Next[i] = x
		if i%20 == 19 {
			d.Rows.End[i] = env.Truncated
		}
	}
	effort := rewards.FuncOf(func(dst []float32, b *env.Batch) {
		for i := range b.N {
			dst[i] = -float32(b.Act[i] * b.Act[i])
		}
	})
	const gamma = 0.95
	advice := shaping.New(shaping.PotentialOf(copyTo), gamma)
	shaped := rewards.FuncOf(func(dst []float32, b *env.Batch) {
		other := make([]float32, b.N)
		effort.Score(dst, b)
		advice.Score(other, b)
		for i := range other {
			dst[i] += other[i]
		}
	})
	opposite := rewards.FuncOf(func(dst []float32, b *env.Batch) {
		effort.Score(dst, b)
		for i := range dst {
			dst[i] = -dst[i]
		}
	})
	for _, other := range []rewards.Func{effort, shaped, opposite} {
		dist, err := eval.STARC(effort, other, d, eval.Options{Gamma: gamma})
		if err != nil {
			panic(err)
		}
		fmt.Printf("%.2f\n", dist.Value)
	}
	// Output:
	// 0.00
	// 0.00
	// 1.00
}

func copyTo(dst, obs []float32) { copy(dst, obs) }
