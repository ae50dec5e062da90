//go:build lanesource

package physics

import "math"

// laneFloor is geom.Floor.
func laneFloor(x lanes) lanes {
	t := whole(x)
	t = choose(t > x, t-1, t)
	return choose(magnitude(x) >= 1<<23 || x != x, x, t)
}

// laneSincos is geom.Sincos.
func laneSincos(x lanes) (sin, cos lanes) {
	k := laneFloor(lanes(x*(2/math.Pi)) + 0.5)
	r := x - lanes(k*1.5703125)
	r -= lanes(k * 4.837512969970703125e-4)
	r -= lanes(k * 7.54978995489188216e-8)
	z := r * r
	s := lanes(-1.9515295891e-4*z) + 8.3321608736e-3
	s = lanes(s*z) - 1.6666654611e-1
	s = lanes(lanes(s*z)*r) + r
	c := lanes(2.443315711809948e-5*z) - 1.388731625493765e-3
	c = lanes(c*z) + 4.166664568298827e-2
	c = lanes(lanes(c*z)*z) - lanes(0.5*z) + 1
	odd, high := quadrant(k) // 0: s, c; 1: c, -s; 2: -s, -c; 3: -c, s
	sin, cos = choose(odd, c, s), choose(odd, s, c)
	sin = choose(high, -sin, sin)
	return sin, choose(andNot(odd || high, odd && high), -cos, cos)
}
