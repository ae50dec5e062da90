package geom

import (
	"math"
	"testing"
)

func maxError(t *testing.T, name string, lo, hi, rel, abs float64, f func(float32) float32, want func(float64) float64) {
	t.Helper()
	const n = 200_000
	for i := range n + 1 {
		x := float32(lo + (hi-lo)*float64(i)/n)
		got, w := float64(f(x)), want(float64(x))
		if d := math.Abs(got - w); !(d <= math.Max(abs, rel*math.Abs(w))) {
			t.Fatalf("%s(%v) = %v, want %v (off by %g)", name, x, got, w, d)
		}
	}
}

func TestMath(t *testing.T) {
	maxError(t, "Sin", -3000, 3000, 0, 2e-7, Sin, math.Sin)
	maxError(t, "Cos", -3000, 3000, 0, 2e-7, Cos, math.Cos)
	maxError(t, "Sin", -4, 4, 0, 1.2e-7, Sin, math.Sin)
	maxError(t, "Exp", -80, 88, 2.5e-7, 0, Exp, math.Exp)
	maxError(t, "Log", 1e-30, 1e-3, 1.2e-7, 0, Log, math.Log)
	maxError(t, "Log", 1e-3, 100, 2e-7, 1e-7, Log, math.Log)
	maxError(t, "Tanh", -12, 12, 0, 2e-7, Tanh, math.Tanh)
	maxError(t, "Floor", -50, 50, 0, 0, Floor, math.Floor)
	for i := range 100_000 {
		a := (float64(i)/50_000 - 1) * math.Pi
		s, c := math.Sincos(a)
		y, x := float32(3*s), float32(3*c)
		if d := math.Abs(float64(Atan2(y, x)) - math.Atan2(float64(y), float64(x))); d > 4e-7 {
			t.Fatalf("Atan2(%v, %v) off by %g", y, x, d)
		}
	}
}

func TestEdges(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		name      string
		got, want float32
	}{
		{"Exp(-100)", Exp(-100), 0}, {"Exp(100)", Exp(100), inf}, {"Exp(NaN)", Exp(nan), nan},
		{"Exp(88.7)", Exp(88.7), float32(math.Exp(float64(float32(88.7))))},
		{"Log(0)", Log(0), -inf}, {"Log(-1)", Log(-1), nan}, {"Log(Inf)", Log(inf), inf}, {"Log(NaN)", Log(nan), nan},
		{"Tanh(Inf)", Tanh(inf), 1}, {"Tanh(-Inf)", Tanh(-inf), -1}, {"Tanh(NaN)", Tanh(nan), nan},
		{"Atan2(0,0)", Atan2(0, 0), 0}, {"Atan2(0,-1)", Atan2(0, -1), Pi}, {"Atan2(-1,0)", Atan2(-1, 0), -Pi / 2},
		{"WrapAngle(2pi)", WrapAngle(2 * Pi), 0},
	} {
		same := c.got == c.want || c.got != c.got && c.want != c.want
		if !same && !(Abs(c.got-c.want) <= 2e-6*Abs(c.want)) {
			t.Errorf("%s = %v, want %v", c.name, c.got, c.want)
		}
	}
	if Finite(inf) || Finite(nan) || !Finite(3e38) {
		t.Error("Finite is wrong")
	}
}
