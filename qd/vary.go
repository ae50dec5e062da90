package qd

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Purposes of random streams; the key of an Ask or a Tell is its emitter's own.
const (
	samplePurpose rng.Purpose = iota + 1
	parentPurpose
	directionPurpose
)

// Bounds limit parameters. Values outside are clamped. The zero value limits nothing.
type Bounds struct{ Lo, Hi float32 }

func (b Bounds) clamp(x []float32) {
	if b.Lo == b.Hi {
		return
	}
	for i, v := range x {
		x[i] = geom.Clamp(v, b.Lo, b.Hi)
	}
}

// Random proposes uniform random parameters.
type Random struct {
	Dim    int
	Bounds Bounds // a rising range
}

// Ask writes random parameters.
func (e *Random) Ask(b *Batch, _ Archive, k rng.Key) {
	for i := range b.N {
		r := k.Stream(samplePurpose, uint32(i), 0)
		for j := range e.Dim {
			b.Sol[i*e.Dim+j] = r.Range(e.Bounds.Lo, e.Bounds.Hi)
		}
	}
}

// Tell does nothing.
func (e *Random) Tell(*Batch, Archive, rng.Key) {}

// AppendBinary appends nothing: there is no state.
func (e *Random) AppendBinary(dst []byte) ([]byte, error) { return dst, nil }

// UnmarshalBinary accepts nothing but that.
func (e *Random) UnmarshalBinary(data []byte) error { return load(data, "random", stateless) }

// Gaussian varies random elites by isotropic noise; around X0 while the archive is empty.
type Gaussian struct {
	X0     []float32
	Sigma  float32 // standard deviation of the noise
	First  float32 // the same around X0; the default (zero) is Sigma
	Bounds Bounds
}

// Ask writes noisy copies of elites.
func (e *Gaussian) Ask(b *Batch, a Archive, k rng.Key) {
	sigma := first(a, e.First, e.Sigma)
	for i := range b.N {
		x := b.Sol[i*len(e.X0) : (i+1)*len(e.X0)]
		copy(x, pick(a, e.X0, k, i, 0))
		r := k.Stream(samplePurpose, uint32(i), 0)
		for j := range x {
			x[j] += float32(sigma * r.Norm())
		}
		e.Bounds.clamp(x)
	}
}

// Tell does nothing: the archive is the only memory.
func (e *Gaussian) Tell(*Batch, Archive, rng.Key) {}

// IsoLine varies random elites by isotropic noise and along the line to another elite
// (Vassiliades and Mouret, "Discovering the elite hypervolume by leveraging interspecies
// correlation", GECCO 2018, eq. 1).
type IsoLine struct {
	X0     []float32
	Iso    float32 // standard deviation of the isotropic noise; 0.01 in the paper
	First  float32 // the same around X0, while the archive is empty; the default (zero) is Iso
	Line   float32 // standard deviation along the line, as a part of its length; 0.2 in the paper
	Bounds Bounds
}

// Ask writes x + Iso*N(0,I) + Line*(y-x)*N(0,1) for elites x and y.
func (e *IsoLine) Ask(b *Batch, a Archive, k rng.Key) {
	iso := first(a, e.First, e.Iso)
	for i := range b.N {
		x := b.Sol[i*len(e.X0) : (i+1)*len(e.X0)]
		copy(x, pick(a, e.X0, k, i, 0))
		y := pick(a, e.X0, k, i, 1)
		r := k.Stream(samplePurpose, uint32(i), 0)
		along := e.Line * r.Norm()
		for j := range x {
			x[j] += float32(iso*r.Norm()) + float32(along*(y[j]-x[j]))
		}
		e.Bounds.clamp(x)
	}
}

// Tell does nothing: the archive is the only memory.
func (e *IsoLine) Tell(*Batch, Archive, rng.Key) {}

// first returns the deviation around X0 if there are no elites, or else the usual one.
func first(a Archive, first, usual float32) float32 {
	if a.Len() == 0 && first != 0 {
		return first
	}
	return usual
}

// pick returns a random elite, the n-th draw for row i; x0 if there is none.
func pick(a Archive, x0 []float32, k rng.Key, i, n int) []float32 {
	if a.Len() == 0 {
		return x0
	}
	r := k.Stream(parentPurpose, uint32(i), uint32(n))
	return a.Elite(r.IntN(a.Len())).Sol
}

var (
	_ Emitter = (*Random)(nil)
	_ Saver   = (*Random)(nil)
	_ Emitter = (*Gaussian)(nil)
	_ Emitter = (*IsoLine)(nil)
)
