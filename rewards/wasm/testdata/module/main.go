// Command module is the WebAssembly module of the tests.
package main

import (
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
	_ "github.com/terrarium-rl/terrarium/rewards/shaping"
	_ "github.com/terrarium-rl/terrarium/rewards/wasm/guest"
)

func init() {
	rewards.Register("broken", func() rewards.Config { return &broken{} })
}

// broken is a reward that misbehaves as told.
type broken struct {
	How string `json:"how"`
}

func (c *broken) Build(*env.Spec) (rewards.Func, error) {
	return rewards.FuncOf(func(dst []float32, b *env.Batch) {
		switch c.How {
		case "loop":
			for n := 0; ; n++ {
				dst[0] = float32(n)
			}
		case "panic":
			panic("as told")
		case "nan":
			dst[b.N-1] = float32(math.NaN())
		case "memory":
			var keep [][]byte
			for {
				keep = append(keep, make([]byte, 1<<20))
				dst[0] += float32(len(keep))
			}
		}
	}), nil
}

func main() {}
