// Package geom holds the plane geometry and the deterministic float32 mathematics that
// simulators, kernels and random streams share.
//
// Every function here uses only + - * / and square root, in a fixed order and with explicit
// float32 conversions around products, so that its result has the same bits on every platform,
// in SIMD lanes and in shaders. The Go compiler may fuse x*y+z into one rounding, which differs
// between machines; an explicit conversion, float32(x*y)+z, forbids that.
package geom

import "math"

// Vec is a point or a vector of the plane, in metres unless said otherwise.
type Vec struct{ X, Y float32 }

// Add returns a + b.
func (a Vec) Add(b Vec) Vec { return Vec{a.X + b.X, a.Y + b.Y} }

// Sub returns a - b.
func (a Vec) Sub(b Vec) Vec { return Vec{a.X - b.X, a.Y - b.Y} }

// Mul returns a scaled by s.
func (a Vec) Mul(s float32) Vec { return Vec{float32(a.X * s), float32(a.Y * s)} }

// Dot returns the scalar product of a and b.
func (a Vec) Dot(b Vec) float32 { return float32(a.X*b.X) + float32(a.Y*b.Y) }

// Cross returns the z component of the cross product of a and b.
func (a Vec) Cross(b Vec) float32 { return float32(a.X*b.Y) - float32(a.Y*b.X) }

// Len returns the length of a.
func (a Vec) Len() float32 { return Sqrt(a.Dot(a)) }

// Rot is a rotation, kept as the sine and cosine of its angle.
type Rot struct{ S, C float32 }

// Rotation returns the rotation by angle, in radians, counter-clockwise.
func Rotation(angle float32) Rot {
	s, c := Sincos(angle)
	return Rot{s, c}
}

// Apply rotates v.
func (r Rot) Apply(v Vec) Vec {
	return Vec{float32(r.C*v.X) - float32(r.S*v.Y), float32(r.S*v.X) + float32(r.C*v.Y)}
}

// Unapply rotates v by the opposite angle.
func (r Rot) Unapply(v Vec) Vec {
	return Vec{float32(r.C*v.X) + float32(r.S*v.Y), float32(r.C*v.Y) - float32(r.S*v.X)}
}

// Sqrt returns the correctly rounded square root of x.
func Sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// Abs returns the absolute value of x.
func Abs(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// Max returns the larger of a and b, and b if they do not compare. It is cheaper than the
// built-in max, which must order zeros and pass on NaN.
func Max(a, b float32) float32 {
	if a > b {
		return a
	}
	return b
}

// Min returns the smaller of a and b, and b if they do not compare.
func Min(a, b float32) float32 {
	if a < b {
		return a
	}
	return b
}

// Clamp returns x limited to lo..hi; lo if x does not compare.
func Clamp(x, lo, hi float32) float32 { return Min(Max(x, lo), hi) }

// Finite reports whether x is neither infinite nor NaN.
func Finite(x float32) bool { return x-x == 0 }
