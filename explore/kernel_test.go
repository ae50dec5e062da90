package explore

import (
	"fmt"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// The portable loops do what they say, and those of this build give the same bits.
func TestKernels(t *testing.T) {
	r := rng.New(1).Stream(0, 0, 0)
	draw := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = r.Norm()
		}
		return x
	}
	for d := 1; d < 70; d++ {
		m, x, y := draw(d*d), draw(d), draw(d)
		for _, k := range []kernel{portable, loops} {
			sum := 0.0
			u := draw(d) // symv overwrites
			k.symv(u, m, x)
			for i := range d {
				want := 0.0
				for j := range d {
					want += float64(x[j]) * float64(m[j*d+i])
				}
				closeTo(t, fmt.Sprintf("symv of %d", d), u[i], want)
				sum += float64(x[i]) * float64(y[i])
			}
			closeTo(t, fmt.Sprintf("dot of %d", d), k.dot(x, y), sum)
			sum = 0
			for i := range d {
				sum += float64(x[i]-y[i]) * float64(x[i]-y[i])
			}
			closeTo(t, fmt.Sprintf("dist2 of %d", d), k.dist2(x, y), sum)
			c := slices.Clone(m)
			l := slices.Clone(m)
			k.rank1(c, x, -0.7, false)
			k.rank1(l, x, -0.7, true)
			for i := range c {
				closeTo(t, fmt.Sprintf("rank1 of %d", d), c[i], float64(m[i])-0.7*float64(x[i/d])*float64(x[i%d]))
				if i%d <= i/d && l[i] != c[i] || i%d/8 > i/d/8 && l[i] != m[i] {
					t.Fatalf("rank1 of %d, lower: element %d, %d is %v", d, i/d, i%d, l[i])
				}
			}
		}
		a, b := make([]float32, d), make([]float32, d)
		portable.symv(a, m, x)
		loops.symv(b, m, x)
		if !slices.Equal(a, b) || portable.dot(x, y) != loops.dot(x, y) || portable.dist2(x, y) != loops.dist2(x, y) {
			t.Fatalf("dimension %d: the kernels give different bits", d)
		}
		m2 := slices.Clone(m)
		for _, lower := range []bool{false, true} {
			portable.rank1(m, x, 0.3, lower)
			loops.rank1(m2, x, 0.3, lower)
		}
		if !slices.Equal(m, m2) {
			t.Fatalf("dimension %d: the kernels of rank1 give different bits", d)
		}
	}
}

func closeTo(t *testing.T, what string, got float32, want float64) {
	t.Helper()
	if d := float64(got) - want; d > 1e-4 || d < -1e-4 {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}
