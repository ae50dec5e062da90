package summarize

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "summarize")
	if w := r.Mean("return", "cloned"); w < 0 {
		t.Errorf("who imitates a controller that lands has a return of %.0f", w)
	}
	for _, b := range []string{"0.3", "0"} {
		t.Logf("penalty %s: wins %.2f, elsewhere %.2f, return %.0f", b, r.Mean("wins", "learned-"+b), r.Mean("wins elsewhere", "learned-"+b), r.Mean("return", "learned-"+b))
	}
	papertest.Repeats(t, "summarize", papers.Cell{Scale: papers.Smoke, Arm: "learned-0.05", Seed: papers.FirstSeed})
}

// The warping distance by hand: 0 of a sequence drawn out, and of single steps their distance.
func TestDistance(t *testing.T) {
	f := &warped{width: 1}
	for _, c := range []struct {
		a, b []float32
		want float64
	}{
		{[]float32{1, 2, 3}, []float32{1, 1, 2, 2, 3}, 0},
		{[]float32{0}, []float32{3}, 3.0 / 2},
		{[]float32{0, 10}, []float32{0, 4, 10}, 4.0 / 5},
	} {
		if got := f.distance(c.a, c.b); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("distance of %v and %v: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
