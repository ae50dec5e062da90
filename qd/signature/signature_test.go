package signature

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

func near(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > tolerance {
			t.Errorf("%s: value %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func walk(seed uint64, n, d int) []float32 {
	r, x := rng.New(seed).Stream(0, 0, 0), make([]float32, n*d)
	for i := range x {
		x[i] = 0.4 * r.Norm()
		if i >= d {
			x[i] += x[i-d]
		}
	}
	return x
}

// The antisymmetric part of level 2 is the area that the path sweeps: pi for a unit circle.
func TestCircle(t *testing.T) {
	const n = 2000
	var p []float32
	for i := range n + 1 {
		s, c := math.Sincos(2 * math.Pi * float64(i) / n)
		p = append(p, float32(c), float32(s))
	}
	s := Of(p, 2, 2)
	near(t, "circle", s, []float32{0, 0, 0, math.Pi, -math.Pi, 0}, 2e-4)
}

// A straight line has the tensor powers of its increment, divided by factorials.
func TestLine(t *testing.T) {
	near(t, "line", Of([]float32{1, 1, 3, 2}, 2, 3), []float32{
		2, 1, 4. / 2, 2. / 2, 2. / 2, 1. / 2,
		8. / 6, 4. / 6, 4. / 6, 2. / 6, 4. / 6, 2. / 6, 2. / 6, 1. / 6,
	}, 1e-6)
}

// Iterated integrals by brute force: level 3 of a path as sums over ever finer increments.
func TestIteratedIntegrals(t *testing.T) {
	const d, fine = 2, 400
	path := walk(3, 4, d)
	sig := make([]float64, 1+d+d*d+d*d*d)
	sig[0] = 1
	for i := d; i < len(path); i += d {
		for range fine {
			for level, at := 3, []int{0, 1, 1 + d, 1 + d + d*d}; level >= 1; level-- {
				for u := range at[level] - at[level-1] {
					for j := range d {
						sig[at[level]+u*d+j] += sig[at[level-1]+u] * float64(path[i+j]-path[i+j-d]) / fine
					}
				}
			}
		}
	}
	want := make([]float32, 0, 14)
	for _, v := range sig[1:] {
		want = append(want, float32(v))
	}
	near(t, "integrals", Of(path, d, 3), want, 0.02)
}

func TestInvariance(t *testing.T) {
	p := walk(1, 6, 3)
	want := Of(p, 3, 3)
	// More points on the same lines change nothing.
	var fine []float32
	for i := 0; i+3 < len(p); i += 3 {
		for k := range 4 {
			for j := range 3 {
				fine = append(fine, p[i+j]+(p[i+3+j]-p[i+j])*float32(k)/4)
			}
		}
	}
	near(t, "resampled", Of(append(fine, p[len(p)-3:]...), 3, 3), want, 1e-4)
	// There and back is nothing.
	back := append([]float32(nil), p...)
	for i := len(p) - 6; i >= 0; i -= 3 {
		back = append(back, p[i:i+3]...)
	}
	near(t, "there and back", Of(back, 3, 3), make([]float32, Len(3, 3)), 1e-4)
}

// The shuffle identity: S_i S_j = S_ij + S_ji, for any path.
func TestShuffle(t *testing.T) {
	const d = 4
	s := Of(walk(9, 30, d), d, 2)
	for i := range d {
		for j := range d {
			a, b := float64(s[i])*float64(s[j]), float64(s[d+i*d+j])+float64(s[d+j*d+i])
			if math.Abs(a-b) > 1e-4 {
				t.Errorf("S_%d S_%d is %v, S_ij + S_ji %v", i, j, a, b)
			}
		}
	}
}

func TestNoAllocs(t *testing.T) {
	p, x := New(3, 3), []float32{1, 2, 3}
	if n := testing.AllocsPerRun(100, func() { x[0]++; p.Add(x) }); n != 0 {
		t.Errorf("%v allocations a point", n)
	}
}

func ExampleOf() {
	// A step to the right, then one up.
	fmt.Println(Of([]float32{0, 0, 1, 0, 1, 1}, 2, 2))
	// Output: [1 1 0.5 1 0 0.5]
}
