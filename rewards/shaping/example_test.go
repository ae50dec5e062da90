package shaping_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards/shaping"
)

// A potential that values nearness to the origin pays for coming nearer, and nothing for going
// round in circles.
func ExampleNew() {
	nearness := shaping.PotentialOf(func(dst, obs []float32) {
		for i := range dst {
			dst[i] = -max(obs[i], -obs[i])
		}
	})
	f := shaping.New(nearness, 1)
	b := &env.Batch{
		N: 3, Obs: []float32{3, 2, 2}, Next: []float32{2, 3, 1},
		Act: make([]float32, 3), Reward: make([]float32, 3),
		End: []env.End{env.Running, env.Running, env.Terminated}, // nothing is of value after the end
	}
	score := make([]float32, b.N)
	f.Score(score, b)
	fmt.Println(score)
	// Output: [1 -1 2]
}
