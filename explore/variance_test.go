package explore

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// With values that are a part of the key and a part of the context, the share is that of the
// second part's variance: known in closed form.
func TestContextVariance(t *testing.T) {
	r := rng.New(1).Stream(0, 0, 0)
	for _, weight := range []float64{0, 0.5, 1, 3} {
		var v ContextVariance
		const keys, contexts = 400, 400
		of := make([]float64, keys)
		for k := range of {
			of[k] = float64(r.Norm())
		}
		for range contexts {
			for k := range of {
				v.Add(uint64(k), of[k]+weight*float64(r.Norm()))
			}
		}
		want := weight * weight / (1 + weight*weight)
		if got := v.Share(); math.Abs(got-want) > 0.05 {
			t.Errorf("share %.3f, want %.3f", got, want)
		}
	}
}

func ExampleContextVariance() {
	// The goal lies where it lay before: a cell is worth the same in each episode.
	var same, other ContextVariance
	for episode := range 10 {
		for cell := range 5 {
			same.Add(uint64(cell), float64(cell))
			other.Add(uint64(cell), float64((cell+episode)%5)) // it lies elsewhere each time
		}
	}
	fmt.Println("global bonus:", same.Share(), " episodic bonus:", other.Share())
	// Output: global bonus: 0  episodic bonus: 1
}

// The share is the same number whenever it is asked for.
func TestContextVarianceIsExact(t *testing.T) {
	var v ContextVariance
	r := rng.New(3).Stream(0, 0, 0)
	for range 5000 {
		v.Add(uint64(r.IntN(300)), float64(r.Norm()))
	}
	first := v.Share()
	for range 50 {
		if again := v.Share(); again != first {
			t.Fatalf("%v, then %v", first, again)
		}
	}
}
