package explore

import (
	"encoding/binary"
	"errors"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/geom"
)

const (
	// lazy is the number of rank-one updates that are kept apart before they are worked into the
	// inverse at once, which then is read and written once for all of them.
	lazy = 8

	// keep is the number of states that are kept apart before they are worked into the covariance,
	// which nothing reads but the exact inversion: a multiple of lazy.
	keep = 16

	// reinvert is the number of rank-one updates after which the inverse is computed afresh; a
	// multiple of keep.
	reinvert = 512
)

// An ellipse is the covariance of one row's episode, C = ridge I + sum of phi phi', and its
// inverse. Both are symmetric and hold blocks of 8 x 8 on and below the diagonal, block row by
// block row; see kernel. Vectors have a multiple of 8 elements, those that are not needed 0.
//
// The inverse is inv - sum of w w' over the updates kept apart, by Sherman and Morrison (1950):
// (C + phi phi')^-1 = C^-1 - u u'/(1+b), with u = C^-1 phi, b = phi' u, and w = u/sqrt(1+b).
//
// A run has an ellipse for each world, which together are more than a cache holds. So add touches
// none of the memory: what it leaves to do is done by the next quad, which reads it all anyway.
type ellipse struct {
	inv, cov []float32
	w        []float32 // of the updates kept apart: steps%lazy of them, and then zeros
	phi      []float32 // the states not yet in cov, each at its step%keep, among zeros
	ridge    float32
	scale    float32 // that the w added last has yet to be multiplied by; 0 if none
	steps    uint32  // of the episode
	worked   uint32  // steps whose states are in cov
	hollow   bool    // cov holds nothing yet
}

// padded returns the length of vectors for features of width d.
func padded(d int) int { return (d + 7) &^ 7 }

// packed returns the length of a symmetric matrix of vectors of length d.
func packed(d int) int { return d / 8 * (d/8 + 1) / 2 * 64 }

func newEllipse(d int, ridge float32) ellipse {
	d = padded(d)
	f := func(n int) []float32 { return make([]float32, n) }
	e := ellipse{inv: f(packed(d)), cov: f(packed(d)), w: f(lazy * d), phi: f(keep * d), ridge: ridge}
	e.reset()
	return e
}

func (e *ellipse) dim() int { return len(e.w) / lazy }

func (e *ellipse) reset() {
	diagonal(e.inv, e.dim(), 1/e.ridge)
	clear(e.w)
	clear(e.phi)
	e.scale, e.steps, e.worked, e.hollow = 0, 0, 0, true
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

// apart returns where the w of a step is kept.
func (e *ellipse) apart(step uint32) []float32 {
	d := e.dim()
	k := int(step%lazy) * d
	return e.w[k : k+d]
}

// quad returns phi' C^-1 phi, and keeps phi and u = C^-1 phi for add.
func (e *ellipse) quad(phi []float32) float32 {
	e.settle()
	d := e.dim()
	k := int(e.steps%keep) * d
	u, own := e.apart(e.steps), e.phi[k:k+d]
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
	e.scale = 1 / geom.Sqrt(1+b)
	e.steps++
	if repaired || e.steps%reinvert == 0 {
		e.scale = 0
		clear(e.w)
		e.gather(e.steps)
		return repaired, inv.invert(e.inv, e.cov)
	}
	if e.steps%keep == 0 {
		e.gather(e.steps)
	}
	return false, nil
}

// settle does what add has left to do to the inverse.
func (e *ellipse) settle() {
	if e.scale == 0 {
		return
	}
	loops.scale(e.apart(e.steps-1), e.scale)
	e.scale = 0
	if e.steps%lazy == 0 {
		loops.rank8(e.inv, e.w, -1)
		clear(e.w)
	}
}

// gather works the states of steps before end into the covariance.
func (e *ellipse) gather(end uint32) {
	if e.hollow {
		diagonal(e.cov, e.dim(), e.ridge)
		e.hollow = false
	}
	for e.worked < end {
		eight := e.eight(e.worked)
		loops.rank8(e.cov, eight, 1)
		clear(eight)
		e.worked = min(end, e.worked/lazy*lazy+lazy)
	}
}

// eight returns where the states of a step and of those beside it are kept.
func (e *ellipse) eight(step uint32) []float32 {
	n := lazy * e.dim()
	k := int(step%keep/lazy) * n
	return e.phi[k : k+n]
}

// append appends steps, both matrices and the updates kept apart.
func (e *ellipse) append(dst []byte) []byte {
	e.settle()
	e.gather(e.steps / lazy * lazy)
	dst = binary.LittleEndian.AppendUint32(dst, e.steps)
	for _, x := range e.parts() {
		dst = nn.AppendFloats(dst, x)
	}
	return dst
}

func (e *ellipse) parts() [4][]float32 {
	return [...][]float32{e.inv, e.cov, e.w, e.eight(e.steps)}
}

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
	e.scale, e.worked, e.hollow = 0, e.steps/lazy*lazy, false
	src = src[4:]
	clear(e.phi)
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
	a         []float64 // factors
}

func newInverter(d int) *inverter {
	d = padded(d)
	f := func() []float64 { return make([]float64, d*d) }
	return &inverter{d, f(), f(), f(), make([]float64, d)}
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
		loops.eliminate64(u, row, k)
	}
	clear(w)
	clear(inv)
	for i := range d {
		wi := w[i*d : (i+1)*d]
		wi[i] = 1
		for k := range i {
			v.a[k] = -u[k*d+i]
		}
		loops.mix64(wi, w, v.a[:i])
		s := 1 / u[i*d+i]
		for j := range i + 1 {
			wi[j] *= s
		}
		loops.outer64(inv, wi, i+1) // W' W, lower triangle
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
