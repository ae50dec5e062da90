package geom

import "math"

// The polynomials below are the single precision minimax approximations published with
// Moshier's Cephes library (Methods and Programs for Mathematical Functions, 1989).

// Pi is the circle constant, rounded to float32.
const Pi float32 = math.Pi

const (
	twoOverPi float32 = 2 / math.Pi
	// pi/2 in three parts, the first two with trailing zero bits, so that k times them is exact for |k| < 2^11.
	halfPi1 float32 = 1.5703125
	halfPi2 float32 = 4.837512969970703125e-4
	halfPi3 float32 = 7.54978995489188216e-8
)

// Sincos returns the sine and cosine of x radians, within 1e-7 for |x| < 3000; accuracy falls
// off beyond. It returns NaN for infinite x.
func Sincos(x float32) (sin, cos float32) {
	k := Floor(float32(x*twoOverPi) + 0.5)
	r := x - float32(k*halfPi1)
	r -= float32(k * halfPi2)
	r -= float32(k * halfPi3)
	z := r * r
	s := float32(-1.9515295891e-4*z) + 8.3321608736e-3
	s = float32(s*z) - 1.6666654611e-1
	s = float32(float32(s*z)*r) + r
	c := float32(2.443315711809948e-5*z) - 1.388731625493765e-3
	c = float32(c*z) + 4.166664568298827e-2
	c = float32(float32(c*z)*z) - float32(0.5*z) + 1
	switch int32(k) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	}
	return -c, s
}

// Sin returns the sine of x radians.
func Sin(x float32) float32 { s, _ := Sincos(x); return s }

// Cos returns the cosine of x radians.
func Cos(x float32) float32 { _, c := Sincos(x); return c }

// Floor returns the greatest integer not above x.
func Floor(x float32) float32 {
	if Abs(x) >= 1<<23 || x != x {
		return x
	}
	t := float32(int32(x))
	if t > x {
		t--
	}
	return t
}

// Exp returns e to the power x, within 2 units in the last place; 0 below -87 and +Inf above 88.72.
func Exp(x float32) float32 {
	if x < -87 {
		return 0
	}
	if x > 88.72 {
		return float32(math.Inf(1))
	}
	k := Floor(float32(x*math.Log2E) + 0.5)
	r := x - float32(k*0.693359375)
	r += float32(k * 2.12194440e-4)
	p := float32(1.9875691500e-4*r) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(float32(p*r)*r) + r + 1
	half := int32(k) >> 1 // in two steps: 2^128 has no float32
	return p * pow2(half) * pow2(int32(k)-half)
}

func pow2(k int32) float32 { return math.Float32frombits(uint32(k+127) << 23) }

// Log returns the natural logarithm of x, within 1e-7 relative or absolute, whichever is
// larger. It returns -Inf for 0 and NaN below. Subnormal x count as 0.
func Log(x float32) float32 {
	if x < 1.1754944e-38 {
		if x >= 0 {
			return float32(math.Inf(-1))
		}
		return float32(math.NaN())
	}
	if !Finite(x) {
		return x
	}
	b := math.Float32bits(x)
	e := float32(int32(b>>23) - 126)
	m := math.Float32frombits(b&0x007fffff | 0x3f000000) // 0.5 .. 1
	if m < 0.70710678 {
		e--
		m += m
	}
	m--
	z := m * m
	p := float32(7.0376836292e-2*m) - 1.1514610310e-1
	p = float32(p*m) + 1.1676998740e-1
	p = float32(p*m) - 1.2420140846e-1
	p = float32(p*m) + 1.4249322787e-1
	p = float32(p*m) - 1.6668057665e-1
	p = float32(p*m) + 2.0000714765e-1
	p = float32(p*m) - 2.4999993993e-1
	p = float32(p*m) + 3.3333331174e-1
	y := float32(float32(p*m) * z)
	y += float32(e * -2.12194440e-4)
	y -= float32(0.5 * z)
	return m + y + float32(e*0.693359375)
}

// Tanh returns the hyperbolic tangent of x, within 2e-7.
func Tanh(x float32) float32 {
	a := Abs(x)
	if a < 0.625 {
		z := x * x
		p := float32(-5.70498872745e-3*z) + 2.06390887954e-2
		p = float32(p*z) - 5.37397155531e-2
		p = float32(p*z) + 1.33314422036e-1
		p = float32(p*z) - 3.33332819422e-1
		return float32(float32(p*z)*x) + x
	}
	y := float32(1)
	if !(a >= 9) { // also when a is NaN
		y = 1 - 2/(Exp(a+a)+1)
	}
	if x < 0 {
		return -y
	}
	return y
}

// Atan2 returns the angle of the vector (x, y) in -Pi..Pi, within 3e-7; 0 for the zero vector.
func Atan2(y, x float32) float32 {
	ax, ay := Abs(x), Abs(y)
	lo, hi := Min(ax, ay), Max(ax, ay)
	if hi == 0 {
		return 0
	}
	t, base := lo/hi, float32(0)
	if t > 0.4142135624 { // tan(pi/8)
		base = Pi / 4
		t = (t - 1) / (t + 1)
	}
	z := t * t
	p := float32(8.05374449538e-2*z) - 1.38776856032e-1
	p = float32(p*z) + 1.99777106478e-1
	p = float32(p*z) - 3.33329491539e-1
	r := base + (float32(float32(p*z)*t) + t)
	if ay > ax {
		r = Pi/2 - r
	}
	if x < 0 {
		r = Pi - r
	}
	if y < 0 {
		r = -r
	}
	return r
}

// WrapAngle returns the angle equal to a modulo a full turn in -Pi..Pi.
func WrapAngle(a float32) float32 {
	return a - float32(2*Pi*Floor(float32(a/(2*Pi))+0.5))
}
