package nn

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// What the package draws random numbers for.
const (
	purposeInit rng.Purpose = 0x6e6e0001 + iota
	purposeSample
)

// Orthogonal fills w (rows x cols) with gain times a random matrix whose rows, or columns if they
// are fewer, are orthonormal (Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear
// dynamics of learning in deep linear neural networks", ICLR 2014). All such matrices are equally
// likely: the shorter side's vectors are Gaussian, made orthogonal one after another.
func Orthogonal(w []float32, rows, cols int, gain float32, s *rng.Stream) {
	n, dim := rows, cols // n vectors of dim numbers, n <= dim
	if rows > cols {
		n, dim = cols, rows
	}
	q := make([]float64, n*dim)
	for i := range n {
		v := q[i*dim : (i+1)*dim]
		for {
			for j := range v {
				v[j] = float64(s.Norm())
			}
			// Gram and Schmidt, twice: once leaves a remainder when v lies close to the span.
			for range 2 {
				for k := range i {
					subProjection(v, q[k*dim:(k+1)*dim])
				}
			}
			if norm := math.Sqrt(dot(v, v)); norm > 1e-3 {
				for j := range v {
					v[j] /= norm
				}
				break
			}
		}
		for j, x := range v {
			at := i*cols + j
			if rows > cols {
				at = j*cols + i
			}
			w[at] = float32(float64(gain) * x)
		}
	}
}

// subProjection takes off v its projection on the unit vector u.
func subProjection(v, u []float64) {
	d := dot(v, u)
	for j, x := range u {
		v[j] -= float64(d * x)
	}
}

func dot(a, b []float64) (d float64) {
	for i, x := range a {
		d += float64(x * b[i])
	}
	return d
}
