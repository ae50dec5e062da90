package nn

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"math"
)

// Adam is the optimiser of Kingma and Ba, "Adam: A Method for Stochastic Optimization" (ICLR
// 2015), algorithm 1:
//
//	m = Beta1 m + (1-Beta1) g         v = Beta2 v + (1-Beta2) g^2
//	p = p - lr * m/(1-Beta1^t) / (sqrt(v/(1-Beta2^t)) + Eps)
//
// Eps stands outside the root and after the correction of bias, as in the paper. The fields may
// be changed before the first step.
type Adam struct {
	Beta1, Beta2 float32 // decay of the moments, in [0, 1); 0.9 and 0.999 from NewAdam
	Eps          float32 // above 0; 1e-8 from NewAdam

	t    int64
	m, v []float32
	k    *kernel
}

var (
	_ encoding.BinaryAppender    = (*Adam)(nil)
	_ encoding.BinaryUnmarshaler = (*Adam)(nil)
)

// NewAdam returns the optimiser of n parameters.
func NewAdam(n int) *Adam {
	return &Adam{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, m: make([]float32, n), v: make([]float32, n), k: active}
}

// Steps returns the number of steps taken.
func (a *Adam) Steps() int64 { return a.t }

// Step moves the parameters p against the gradient g with learning rate lr.
func (a *Adam) Step(p, g []float32, lr float32) {
	if len(p) != len(a.m) || len(g) != len(a.m) {
		panic(fmt.Sprintf("nn: Adam for %d parameters got %d and a gradient of %d", len(a.m), len(p), len(g)))
	}
	a.apply(p, g, 0, len(p), a.next(lr, 1))
}

// adamCoef holds what is the same for all parameters in one step.
type adamCoef struct {
	beta1, rest1, beta2, rest2 float32
	lr, corr2, eps             float32 // lr includes 1/(1-Beta1^t)
	scale                      float32 // of the gradient
}

// next counts a step and returns its coefficients.
func (a *Adam) next(lr, scale float32) adamCoef {
	a.t++
	b1, b2 := float64(a.Beta1), float64(a.Beta2)
	return adamCoef{
		beta1: a.Beta1, rest1: float32(1 - b1), beta2: a.Beta2, rest2: float32(1 - b2),
		lr: float32(float64(lr) / (1 - power(b1, a.t))), corr2: float32(1 / (1 - power(b2, a.t))),
		eps: a.Eps, scale: scale,
	}
}

// apply updates parameters lo to hi.
func (a *Adam) apply(p, g []float32, lo, hi int, c adamCoef) {
	a.k.adam(p[lo:hi], g[lo:hi], a.m[lo:hi], a.v[lo:hi], c)
}

// power returns b to the n by repeated squaring, which rounds alike everywhere.
func power(b float64, n int64) float64 {
	r := 1.0
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			r *= b
		}
		b *= b
	}
	return r
}

// AppendBinary appends the state of the optimiser: the number of steps and of parameters as 8
// bytes each, then the first and the second moments as float32, all little-endian. It does not
// include Beta1, Beta2 and Eps.
func (a *Adam) AppendBinary(b []byte) ([]byte, error) {
	b = binary.LittleEndian.AppendUint64(b, uint64(a.t))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(a.m)))
	return AppendFloats(AppendFloats(b, a.m), a.v), nil
}

// UnmarshalBinary restores what AppendBinary wrote for as many parameters. If it fails, the state
// is as before.
func (a *Adam) UnmarshalBinary(b []byte) error {
	n := len(a.m)
	if len(b) != 16+8*n {
		return fmt.Errorf("nn: state of Adam has %d bytes, want %d for %d parameters", len(b), 16+8*n, n)
	}
	t := int64(binary.LittleEndian.Uint64(b))
	if got := binary.LittleEndian.Uint64(b[8:]); got != uint64(n) || t < 0 {
		return fmt.Errorf("nn: state of Adam is for %d parameters after %d steps, want %d parameters", got, t, n)
	}
	a.t = t
	DecodeFloats(a.m, b[16:])
	DecodeFloats(a.v, b[16+4*n:])
	return nil
}

// AppendFloats appends x to b as little-endian float32.
func AppendFloats(b []byte, x []float32) []byte {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// DecodeFloats fills x from the first 4*len(x) bytes of b, as AppendFloats wrote them.
func DecodeFloats(x []float32, b []byte) {
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
}
