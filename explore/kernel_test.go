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
		x, y := draw(d), draw(d)
		var sums [][]float32
		for _, k := range []kernel{portable, loops} {
			dot, square := 0.0, 0.0
			for i := range d {
				dot += float64(x[i]) * float64(y[i])
				square += float64(x[i]-y[i]) * float64(x[i]-y[i])
			}
			closeTo(t, fmt.Sprintf("dot of %d", d), k.dot(x, y), dot)
			closeTo(t, fmt.Sprintf("dist2 of %d", d), k.dist2(x, y), square)
			z := slices.Clone(y)
			k.scale(z, -0.7)
			sums = append(sums, z)
			for i := range d {
				closeTo(t, fmt.Sprintf("scale of %d", d), z[i], -0.7*float64(y[i]))
			}
		}
		if portable.dot(x, y) != loops.dot(x, y) || portable.dist2(x, y) != loops.dist2(x, y) ||
			!slices.Equal(sums[0], sums[1]) {
			t.Fatalf("length %d: the kernels give different bits", d)
		}
	}
	for d := 8; d <= 72; d += 8 {
		m, x, w := draw(packed(d)), draw(d), draw(8*d)
		full := func(m []float32, i, j int) float64 { return float64(m[place(max(i, j), min(i, j))]) }
		for i := range m { // diagonal blocks hold both halves
			m[i] = float32(i%7) / 7
		}
		for i := range d {
			for j := i / 8 * 8; j < i; j++ {
				m[place(j, i)] = m[place(i, j)]
			}
		}
		for _, k := range kernels() {
			u := draw(d) // symv overwrites
			k.symv(u, m, x)
			c := slices.Clone(m)
			k.rank8(c, w, -1)
			rest, n := slices.Clone(x), d%11%8
			form, sum := k.apart(rest, w, x, n), 0.0
			for j := range d {
				want := float64(x[j])
				for v := range n {
					for i := range d {
						want -= float64(w[v*d+j]) * float64(w[v*d+i]) * float64(x[i])
					}
				}
				closeTo(t, fmt.Sprintf("apart of %d", d), rest[j]/100, want/100)
				sum += want * float64(x[j])
			}
			closeTo(t, fmt.Sprintf("form of %d", d), form/1000, sum/1000)
			for i := range d {
				want := 0.0
				for j := range d {
					want += float64(x[j]) * full(m, i, j)
					sum := full(m, i, j)
					for v := range 8 {
						sum -= float64(w[v*d+i]) * float64(w[v*d+j])
					}
					closeTo(t, fmt.Sprintf("rank8 of %d", d), float32(full(c, i, j)), sum)
				}
				closeTo(t, fmt.Sprintf("symv of %d", d), u[i], want)
			}
		}
		a, m1 := make([]float32, d), slices.Clone(m)
		portable.symv(a, m, x)
		portable.rank8(m1, w, -1)
		for _, k := range kernels() {
			b, m2 := make([]float32, d), slices.Clone(m)
			k.symv(b, m, x)
			k.rank8(m2, w, -1)
			for n := range 8 {
				u1, u2 := slices.Clone(a), slices.Clone(b)
				if portable.apart(u1, w, x, n) != k.apart(u2, w, x, n) || !slices.Equal(u1, u2) {
					t.Fatalf("dimension %d, %d apart: the kernels give different bits", d, n)
				}
			}
			if !slices.Equal(a, b) || !slices.Equal(m1, m2) {
				t.Fatalf("dimension %d: the kernels give different bits", d)
			}
		}
	}
}

// The loops of the inversion do what they say, and those of this build give the same bits.
func TestLongKernels(t *testing.T) {
	r := rng.New(2).Stream(0, 0, 0)
	draw := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(r.Norm())
		}
		return x
	}
	for d := 1; d < 34; d++ {
		k, n := r.IntN(d), 1+r.IntN(d)
		m, row, x, y := draw(d*d), draw(d), draw(d), draw(d)
		clear(x[n:])
		lower := slices.Clone(m)
		for i := range d {
			clear(lower[i*d+i+1 : (i+1)*d])
		}
		var first []float64
		for _, loops := range kernels() {
			var got []float64
			a, b, c := slices.Clone(m), slices.Clone(y), slices.Clone(m)
			loops.eliminate64(a, row, k)
			loops.mix64(b, lower, x[:n])
			loops.outer64(c, x, n)
			for i := range d {
				want := y[i]
				for j := range n {
					want += x[j] * lower[j*d+i]
				}
				closeTo(t, fmt.Sprintf("mix64 of %d", d), float32(b[i]), want)
				for j := range d {
					if j >= i && i > k {
						closeTo(t, fmt.Sprintf("eliminate64 of %d", d), float32(a[i*d+j]), m[i*d+j]-row[i]*row[j])
						got = append(got, a[i*d+j])
					}
					if j <= i && i < n {
						closeTo(t, fmt.Sprintf("outer64 of %d", d), float32(c[i*d+j]), m[i*d+j]+x[i]*x[j])
						got = append(got, c[i*d+j])
					}
					if i <= k && a[i*d+j] != m[i*d+j] || i >= n && c[i*d+j] != m[i*d+j] {
						t.Fatalf("dimension %d: row %d has been changed", d, i)
					}
				}
			}
			if got = append(got, b...); first == nil {
				first = got
			}
			if !slices.Equal(got, first) {
				t.Fatalf("dimension %d: the kernels give different bits", d)
			}
		}
	}
}

func closeTo(t *testing.T, what string, got float32, want float64) {
	t.Helper()
	if d := float64(got) - want; d > 1e-4 || d < -1e-4 {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

func BenchmarkE3B(b *testing.B) {
	for _, d := range []int{32, 64} {
		b.Run(fmt.Sprintf("dim=%d", d), func(b *testing.B) {
			e := newEllipse(d, 0.1)
			phi, scratch := make([]float32, d), newInverter(d)
			r := rng.New(1).Stream(0, 0, 0)
			for i := range phi {
				phi[i] = r.Norm()
			}
			for b.Loop() {
				phi[0] = -phi[0]
				if _, err := e.add(e.quad(phi), scratch); err != nil {
					b.Fatal(err)
				}
				if e.steps == 1000 {
					e.reset()
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
		})
	}
}
