package explore

import (
	"encoding/binary"
	"errors"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/geom"
)

const (
	// lazy is the number of rank-one updates that are kept apart before they are worked into the
	// matrices at once, which then are read and written once for all of them.
	lazy = 8

	// reinvert is the number of rank-one updates after which the inverse is computed afresh; a
	// multiple of lazy.
	reinvert = 512
)

// An ellipse is the covariance of one row's episode, C = ridge I + sum of phi phi', and its
// inverse. Both are symmetric and hold blocks of 8 x 8 on and below the diagonal, block row by
// block row; see kernel. Vectors have a multiple of 8 elements, those that are not needed 0.
//
// The inverse is inv - sum of w w' over the updates kept apart, by Sherman and Morrison (1950):
// (C + phi phi')^-1 = C^-1 - u u'/(1+b), with u = C^-1 phi, b = phi' u, and w = u/sqrt(1+b).
type ellipse struct {
	inv, cov []float32
	w, phi   []float32 // of the updates kept apart: steps%lazy of them, and then zeros
	ridge    float32
	steps    uint32 // of the episode
}

// padded returns the length of vectors for features of width d.
func padded(d int) int { return (d + 7) &^ 7 }

// packed returns the length of a symmetric matrix of vectors of length d.
func packed(d int) int { return d / 8 * (d/8 + 1) / 2 * 64 }

func newEllipse(d int, ridge float32) ellipse {
	d = padded(d)
	f := func(n int) []float32 { return make([]float32, n) }
	e := ellipse{inv: f(packed(d)), cov: f(packed(d)), w: f(lazy * d), phi: f(lazy * d), ridge: ridge}
	e.reset()
	return e
}

func (e *ellipse) dim() int { return len(e.w) / lazy }

func (e *ellipse) reset() {
	diagonal(e.inv, e.dim(), 1/e.ridge)
	diagonal(e.cov, e.dim(), e.ridge)
	clear(e.w)
	clear(e.phi)
	e.steps = 0
}

// diagonal makes m a number times the unit matrix.
func diagonal(m []float32, d int, x float32) {
	clear(m)
	for i := range d {
		m[place(i, i)] = x
	}
}

// place returns where element i, j is, with j not beyond the diagonal block of row i.
func place(i, j int) int {
	bi, bj := i/8, j/8
	return (bi*(bi+1)/2+bj)*64 + i%8*8 + j%8
}

// next returns where the vectors of the next update go.
func (e *ellipse) next() (w, phi []float32) {
	d := e.dim()
	k := int(e.steps%lazy) * d
	return e.w[k : k+d], e.phi[k : k+d]
}

// quad returns phi' C^-1 phi, and keeps phi and u = C^-1 phi for add.
func (e *ellipse) quad(phi []float32) float32 {
	u, own := e.next()
	copy(own, phi)
	loops.symv(u, e.inv, own)
	return loops.apart(u, e.w, own, int(e.steps%lazy))
}

// add includes the phi that quad was called with last, given b = quad. Where rounding has left b
// below 0, which no ellipse has, it reports that the inverse was computed afresh before it was due.
func (e *ellipse) add(b float32, inv *inverter) (repaired bool, err error) {
	repaired = b < 0
	if repaired {
		b = 0
	}
	s := 1 / geom.Sqrt(1+b)
	w, _ := e.next()
	loops.scale(w, s)
	e.steps++
	due := repaired || e.steps%reinvert == 0
	if e.steps%lazy == 0 || due {
		e.workIn()
	}
	if due {
		err = inv.invert(e.inv, e.cov)
	}
	return repaired, err
}

// workIn works the updates kept apart into the matrices.
func (e *ellipse) workIn() {
	if k := int(e.steps%lazy) * e.dim(); k > 0 { // fewer than eight
		clear(e.w[k:])
		clear(e.phi[k:])
	}
	loops.rank8(e.cov, e.phi, 1)
	loops.rank8(e.inv, e.w, -1)
	clear(e.phi)
	clear(e.w)
}

// append appends steps, both matrices and the updates kept apart.
func (e *ellipse) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, e.steps)
	for _, x := range e.parts() {
		dst = nn.AppendFloats(dst, x)
	}
	return dst
}

func (e *ellipse) parts() [4][]float32 { return [...][]float32{e.inv, e.cov, e.w, e.phi} }

// cut restores what append wrote and returns what follows it, or reports that it is too short.
func (e *ellipse) cut(src []byte) (rest []byte, ok bool) {
	size := 4
	for _, x := range e.parts() {
		size += 4 * len(x)
	}
	if len(src) < size {
		return nil, false
	}
	e.steps = binary.LittleEndian.Uint32(src)
	src = src[4:]
	for _, x := range e.parts() {
		nn.DecodeFloats(x, src)
		src = src[4*len(x):]
	}
	return src, true
}

// An inverter inverts symmetric matrices.
type inverter struct {
	d         int
	u, w, inv []float64 // U, its inverse transposed, and the result
}

func newInverter(d int) *inverter {
	d = padded(d)
	f := func() []float64 { return make([]float64, d*d) }
	return &inverter{d, f(), f(), f()}
}

// invert sets dst to the inverse of the positive definite c, against the drift of many updates:
// c = U' U by Cholesky, W = U'^-1, c^-1 = W' W, in float64 and by rows.
func (v *inverter) invert(dst, c []float32) error {
	d, u, w, inv := v.d, v.u, v.w, v.inv
	for i := range d {
		for j := range i + 1 {
			u[j*d+i] = float64(c[place(i, j)])
		}
	}
	for k := range d {
		row := u[k*d : (k+1)*d]
		if !(row[k] > 0) {
			return errors.New("the covariance of an episode is singular: raise ridge")
		}
		s := 1 / sqrt64(row[k])
		for j := k; j < d; j++ {
			row[j] *= s
		}
		for i := k + 1; i < d; i++ {
			loops.axpy64(u[i*d+i:(i+1)*d], row[i:], -row[i])
		}
	}
	clear(w)
	clear(inv)
	for i := range d {
		wi := w[i*d : i*d+i+1]
		wi[i] = 1
		for k := range i {
			loops.axpy64(wi[:k+1], w[k*d:k*d+k+1], -u[k*d+i])
		}
		s := 1 / u[i*d+i]
		for j := range wi {
			wi[j] *= s
		}
		for j, x := range wi {
			loops.axpy64(inv[j*d:j*d+j+1], wi[:j+1], x) // W' W, lower triangle
		}
	}
	for i := range d {
		for j := range i + 1 {
			x := float32(inv[i*d+j])
			dst[place(i, j)] = x
			if i/8 == j/8 {
				dst[place(j, i)] = x
			}
		}
	}
	return nil
}
