package wasm_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
)

// A module scores a batch as a reward that is compiled in would. The file was made of a main of
// five lines (see package guest) by GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared.
func ExampleConfig_Build() {
	c := config("fact", map[string]any{"fact": "distance"})
	c.Seconds, c.MemoryMiB = 1, 64 // no longer for a batch, and no more memory
	spec, err := envtest.NewFast().Spec()
	if err != nil {
		panic(err)
	}
	reward, err := c.Build(spec)
	if err != nil {
		panic(err)
	}
	b, score := env.NewBatch(spec, 3), make([]float32, 3)
	copy(b.Facts, []float32{0.5, 1, 0.25, 1}) // distance and another one, a row
	reward.Score(score, b)
	fmt.Println(score)
	// Output: [0.5 0.25 0]
}
