package physics

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// An axis is a joint's motor and limits, which share the row of the same number. Its Jacobian is
// that of the joint's position.
type axis struct {
	joint        int32
	want, most   float32  // speed and greatest impulse of the motor
	lo, hi       float32  // speeds with which the position just reaches its limits; infinite without
	at           freeKind // whether the motor or a limit determines it, in the last sweep
	fixLo, fixHi float32  // displacement that takes the position back inside its limits
}

// angularSlop is how far an angle may exceed its limit without being corrected: 2 degrees, as in
// Box2D. For lengths it is linearSlop.
const (
	angularSlop   = 2.0 / 180 * geom.Pi
	maxCorrection = 8.0 / 180 * geom.Pi // of an angle in one step or sweep, as in Box2D
)

// frame is the geometry of a joint at the beginning of a step.
type frame struct {
	rax, ray, rbx, rby float32 // from the centres of mass to the anchors
	dx, dy             float32 // from anchor A to anchor B
}

func (w *World) frame(j *joint, a, b *body) frame {
	ax, ay := j.ax-a.lcx, j.ay-a.lcy
	bx, by := j.bx-b.lcx, j.by-b.lcy
	f := frame{
		rax: float32(a.c*ax) - float32(a.s*ay), ray: float32(a.s*ax) + float32(a.c*ay),
		rbx: float32(b.c*bx) - float32(b.s*by), rby: float32(b.s*bx) + float32(b.c*by),
	}
	f.dx = (b.x + f.rbx) - (a.x + f.rax)
	f.dy = (b.y + f.rby) - (a.y + f.ray)
	return f
}

// along writes the Jacobian of the way from anchor A to anchor B along the direction u, which
// turns with body a.
func (f *frame) along(j *[6]float32, ux, uy float32) {
	px, py := f.rax+f.dx, f.ray+f.dy
	j[0], j[1], j[2] = -ux, -uy, -(float32(px*uy) - float32(py*ux))
	j[3], j[4], j[5] = ux, uy, float32(f.rbx*uy)-float32(f.rby*ux)
}

// between writes the Jacobian of the distance of the anchors, whose direction is u.
func (f *frame) between(j *[6]float32, ux, uy float32) {
	j[0], j[1], j[2] = -ux, -uy, -(float32(f.rax*uy) - float32(f.ray*ux))
	j[3], j[4], j[5] = ux, uy, float32(f.rbx*uy)-float32(f.rby*ux)
}

// direction returns the unit vector from anchor A to anchor B, and their distance.
func (f *frame) direction() (ux, uy, length float32) {
	length = geom.Sqrt(float32(f.dx*f.dx) + float32(f.dy*f.dy))
	if length < 1e-6 {
		return 1, 0, length
	}
	return f.dx / length, f.dy / length, length
}

func (j *joint) axis(a *body) (ux, uy float32) {
	return float32(a.c*j.ux) - float32(a.s*j.uy), float32(a.s*j.ux) + float32(a.c*j.uy)
}

// turn writes the Jacobian of the relative angle.
func turn(j *[6]float32) {
	j[0], j[1], j[2] = 0, 0, -1
	j[3], j[4], j[5] = 0, 0, 1
}

// measure writes the constraints of a joint and the Jacobian of its position, which it returns.
func (w *World) measure(i int, jac *[6]float32) (position float32) {
	info, j := &w.m.joints[i], &w.joints[i]
	a, b := &w.bodies[info.a], &w.bodies[info.b]
	f := w.frame(j, a, b)
	angle := b.a - a.a - j.reference
	cs := w.constraints[info.row0 : info.row0+info.rows]
	var open [3]float32 // errors of the constraints
	switch info.kind {
	case scene.Revolute, scene.Weld:
		x, y := &cs[0], &cs[1]
		x.j[0], x.j[1], x.j[2], x.j[3], x.j[4], x.j[5] = -1, 0, f.ray, 1, 0, -f.rby
		y.j[0], y.j[1], y.j[2], y.j[3], y.j[4], y.j[5] = 0, -1, -f.rax, 0, 1, f.rbx
		open[0], open[1], open[2] = f.dx, f.dy, angle
		turn(jac)
		position = angle
		if info.kind == scene.Weld {
			turn(&cs[2].j)
		}
	case scene.Prismatic:
		ux, uy := j.axis(a)
		f.along(&cs[0].j, -uy, ux)
		turn(&cs[1].j)
		open[0], open[1] = float32(f.dy*ux)-float32(f.dx*uy), angle
		f.along(jac, ux, uy)
		position = float32(f.dx*ux) + float32(f.dy*uy)
	case scene.Distance:
		ux, uy, length := f.direction()
		f.between(jac, ux, uy)
		position = length
		if info.rows == 1 {
			cs[0].j = *jac
			open[0] = length - j.length
		}
	}
	for r := range cs {
		cs[r].set(open[r], a, b)
	}
	if info.driven {
		for r := range cs {
			cs[r].drive = kinematicSpeed(&cs[r], a, b)
		}
	}
	return position
}

// kinematicSpeed is the part of a constraint's speed that is due to bodies which do not respond.
func kinematicSpeed(c *constraint, a, b *body) (s float32) {
	if a.invM == 0 {
		s += float32(c.j[0]*a.vx) + float32(c.j[1]*a.vy) + float32(c.j[2]*a.w)
	}
	if b.invM == 0 {
		s += float32(c.j[3]*b.vx) + float32(c.j[4]*b.vy) + float32(c.j[5]*b.w)
	}
	return s
}

// prepareJoints writes the constraints of all joints.
func (w *World) prepareJoints() {
	for i := range w.m.joints {
		w.positions[i] = w.measure(i, &w.jacobians[i])
	}
}

// prepareAxes makes the list of active axes and their rows, which start from the impulses of
// the last step.
func (w *World) prepareAxes(dt float32) {
	perDt := 1 / dt
	w.axes, w.rows, w.react = w.axes[:0], w.rows[:0], w.react[:0]
	for i := range w.m.joints {
		info, j := &w.m.joints[i], &w.joints[i]
		if !info.axis || !info.limited && j.max <= 0 {
			j.im, j.il = 0, 0
			continue
		}
		n := len(w.axes)
		w.axes, w.rows = w.axes[:n+1], w.rows[:n+1]
		w.rows[n].j = w.jacobians[i]
		w.addRow(&w.rows[n], info.a, info.b, j.im+j.il)
		x := &w.axes[n]
		x.joint, x.want, x.most, x.at = int32(i), j.speed, float32(j.max*dt), bounded
		x.lo, x.hi, x.fixLo, x.fixHi = -unbounded, unbounded, 0, 0
		if info.limited {
			x.limit(info, j, w.positions[i], perDt)
		}
	}
}

// set completes a constraint, whose Jacobian is there.
func (c *constraint) set(err float32, a, b *body) {
	c.c = err
	c.m[0], c.m[1], c.m[2] = a.invM*c.j[0], a.invM*c.j[1], a.invI*c.j[2]
	c.m[3], c.m[4], c.m[5] = b.invM*c.j[3], b.invM*c.j[4], b.invI*c.j[5]
}

// limit computes how far the limits are.
func (x *axis) limit(info *jointInfo, j *joint, position, perDt float32) {
	below, above := position-j.lo, j.hi-position
	x.lo, x.hi = -geom.Max(below, 0)*perDt, geom.Max(above, 0)*perDt
	slop, most := float32(linearSlop), float32(maxLinearCorrection)
	if info.kind == scene.Revolute {
		slop, most = angularSlop, maxCorrection
	}
	x.fixLo = geom.Clamp(-below-slop, 0, most)
	x.fixHi = geom.Clamp(-above-slop, 0, most)
}

// solve returns the impulse that the axis should have, given the speed rel that it has with its
// present one. The motor strives for its speed with at most its greatest impulse; a limit adds
// what keeps the position from passing it within the step.
func (x *axis) solve(r *row, rel float32) (impulse float32, at freeKind) {
	free := rel - float32(r.k*r.impulse) // without motor and limits
	n := geom.Clamp(float32(r.em*(x.want-free)), -x.most, x.most)
	with := free + float32(r.k*n)
	switch {
	case with < x.lo:
		return n + float32(r.em*(x.lo-with)), lowerFree
	case with > x.hi:
		return n + float32(r.em*(x.hi-with)), upperFree
	case geom.Abs(n) < x.most:
		return n, motorFree
	}
	return n, bounded
}

// sweepAxes makes one Gauss-Seidel pass over motors and limits, and returns the largest change
// of a speed.
func (w *World) sweepAxes() (change float32) {
	for i := range w.axes {
		x, r := &w.axes[i], &w.rows[i]
		n, at := x.solve(r, w.speed(&w.now, int32(i)))
		x.at = at
		if d := n - r.impulse; d != 0 {
			r.impulse = n
			change = geom.Max(change, geom.Abs(d)*r.k)
			w.change(&w.now, int32(i), d)
		}
	}
	return change
}

// split divides the impulse of axis i into those of motor and limit: a motor that a limit
// keeps from its speed gives all it can.
func (w *World) split(i int) {
	x, impulse := &w.axes[i], w.rows[i].impulse
	j := &w.joints[x.joint]
	j.im, j.il = impulse, 0
	switch x.at {
	case lowerFree:
		j.im = x.stalled(x.lo)
		j.il = impulse - j.im
	case upperFree:
		j.im = x.stalled(x.hi)
		j.il = impulse - j.im
	}
}

// stalled returns the impulse of the motor while a limit determines the speed rel.
func (x *axis) stalled(rel float32) float32 {
	if x.want < rel {
		return -x.most
	}
	return x.most
}
