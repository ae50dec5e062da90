package physics

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// wideGap is how far open a joint may be, in m or rad, for a displacement of first order to close
// it.
const wideGap = 4 * linearSlop

// maxTurn is how far, in rad, closing a joint may turn a body. What follows from its linearisation
// means nothing beyond: where joints contradict each other, as of a body that is pinned to two others
// which drift apart, turns would grow from sweep to sweep, and the way along with them.
const maxTurn = geom.Pi

// maxCloses is the greatest number of sweeps of closeWide in a step.
const maxCloses = 60

// closeWide closes joints that a step began with wide open, as when a level is
// built from bodies that do not quite meet, or when bodies spin so fast that the path along a
// tangent leads far from the circle. One joint after the other is closed, limit first, until
// all are within the slop: nonlinear Gauss-Seidel, as Box2D does in every step, so that it leads
// to the pose that Box2D comes to.
func (w *World) closeWide() {
	if w.gap <= wideGap {
		return
	}
	for range maxCloses {
		if w.gap <= linearSlop {
			return
		}
		w.gap = 0
		for i := range w.m.joints {
			w.gap = geom.Max(w.gap, w.closeJoint(i))
		}
	}
}

// closeJoint closes one joint, its limit first, and returns how far it was open, as seen from the slop.
func (w *World) closeJoint(i int) (open float32) {
	for _, limit := range [2]bool{true, false} {
		if limit && !w.m.joints[i].limited {
			continue
		}
		var c constraint
		position := w.measure(i, &c.j)
		if limit {
			open = geom.Max(open, w.closeLimit(i, &c, position))
		} else {
			open = geom.Max(open, w.closeGap(i))
		}
	}
	return open
}

// closeLimit moves a joint back inside its limits. The Jacobian of its position is in c.
func (w *World) closeLimit(i int, c *constraint, position float32) (open float32) {
	info, j := &w.m.joints[i], &w.joints[i]
	a, b := &w.bodies[info.a], &w.bodies[info.b]
	slop, most := float32(linearSlop), float32(maxLinearCorrection)
	if info.kind == scene.Revolute {
		slop, most = angularSlop, maxCorrection
	}
	fix := geom.Clamp(j.lo-position-slop, 0, most) - geom.Clamp(position-j.hi-slop, 0, most)
	c.set(0, a, b)
	if k := c.dot(c); fix != 0 && k > 0 {
		f := fix / k
		c.displace(a, b, float32(f*turnScale(c.m[2]*f, c.m[5]*f)))
		a.turnTo()
		b.turnTo()
		open = geom.Abs(fix) * (linearSlop / slop)
	}
	return open
}

// closeGap closes the constraints of a joint, which have been measured.
func (w *World) closeGap(i int) (open float32) {
	info := &w.m.joints[i]
	a, b := &w.bodies[info.a], &w.bodies[info.b]
	cs := w.constraints[info.row0 : info.row0+info.rows]
	var k [3][3]float32
	var x [3]float32
	for r := range cs {
		open = geom.Max(open, geom.Abs(cs[r].c))
		x[r] = -cs[r].c
		for q := range r + 1 {
			k[r][q] = cs[r].dot(&cs[q])
		}
	}
	solveSmall(&k, &x, len(cs))
	turnA, turnB := float32(0), float32(0)
	for r := range cs {
		turnA += float32(cs[r].m[2] * x[r])
		turnB += float32(cs[r].m[5] * x[r])
	}
	scale := turnScale(turnA, turnB)
	for r := range cs {
		cs[r].displace(a, b, float32(x[r]*scale))
	}
	a.turnTo()
	b.turnTo()
	return open
}

// turnScale returns what part of a displacement that turns two bodies by a and b is within maxTurn.
func turnScale(a, b float32) float32 {
	if most := geom.Max(geom.Abs(a), geom.Abs(b)); most > maxTurn {
		return maxTurn / most
	}
	return 1
}

// displace moves two bodies by f units of the response to a constraint's impulse.
func (c *constraint) displace(a, b *body, f float32) {
	a.x += float32(c.m[0] * f)
	a.y += float32(c.m[1] * f)
	a.a += float32(c.m[2] * f)
	b.x += float32(c.m[3] * f)
	b.y += float32(c.m[4] * f)
	b.a += float32(c.m[5] * f)
}

// turnTo brings sine and cosine up to date.
func (b *body) turnTo() { b.s, b.c = geom.Sincos(b.a) }

// solveSmall replaces x by k^-1 x, of which the lower triangle is given, with the softness of the
// joints.
func solveSmall(k *[3][3]float32, x *[3]float32, n int) {
	var inv [3]float32
	for c := range n {
		k[c][c] += float32(yield * k[c][c])
		for p := range c {
			l := k[c][p] * inv[p]
			k[c][c] -= float32(l * k[c][p])
			x[c] -= float32(l * x[p])
			for r := c + 1; r < n; r++ {
				k[r][c] -= float32(l * k[r][p])
			}
		}
		inv[c] = inverse(k[c][c])
	}
	for c := n - 1; c >= 0; c-- {
		s := x[c]
		for r := c + 1; r < n; r++ {
			s -= float32(k[r][c] * x[r])
		}
		x[c] = s * inv[c]
	}
}
