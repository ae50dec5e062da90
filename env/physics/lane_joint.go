//go:build lanesource

package physics

import "github.com/terrarium-rl/terrarium/env/scene"

// laneConstraint is a constraint of each world.
type laneConstraint struct {
	j, m  [6]lanes
	c     lanes
	drive lanes
	a, b  int32
	_     [14]int32 // so that all lanes are where a cache line begins
}

// A laneAxis is an axis of the worlds in which in is not 0.
type laneAxis struct {
	in           lanes
	want, most   lanes
	lo, hi       lanes
	at           lanes // a freeKind
	fixLo, fixHi lanes
	joint        int32
	_            [15]int32 // so that all lanes are where a cache line begins
}

type laneFrame struct {
	rax, ray, rbx, rby lanes
	dx, dy             lanes
}

func laneMax(a, b lanes) lanes { return choose(a > b, a, b) }

func laneMin(a, b lanes) lanes { return choose(a < b, a, b) }

func laneClamp(x, lo, hi lanes) lanes { return laneMin(laneMax(x, lo), hi) }

func (f *laneFrame) set(j *laneJoint, a, b *laneBody) {
	ax, ay := j.ax-a.lcx, j.ay-a.lcy
	bx, by := j.bx-b.lcx, j.by-b.lcy
	f.rax, f.ray = lanes(a.c*ax)-lanes(a.s*ay), lanes(a.s*ax)+lanes(a.c*ay)
	f.rbx, f.rby = lanes(b.c*bx)-lanes(b.s*by), lanes(b.s*bx)+lanes(b.c*by)
	f.dx = (b.x + f.rbx) - (a.x + f.rax)
	f.dy = (b.y + f.rby) - (a.y + f.ray)
}

// along writes the Jacobian of the way from anchor A to anchor B along the direction u.
func (f *laneFrame) along(j *[6]lanes, ux, uy lanes) {
	px, py := f.rax+f.dx, f.ray+f.dy
	*j = [6]lanes{-ux, -uy, -(lanes(px*uy) - lanes(py*ux)), ux, uy, lanes(f.rbx*uy) - lanes(f.rby*ux)}
}

// between writes the Jacobian of the distance of the anchors, whose direction is u.
func (f *laneFrame) between(j *[6]lanes, ux, uy lanes) {
	*j = [6]lanes{-ux, -uy, -(lanes(f.rax*uy) - lanes(f.ray*ux)), ux, uy, lanes(f.rbx*uy) - lanes(f.rby*ux)}
}

// direction returns the unit vector from anchor A to anchor B, and their distance.
func (f *laneFrame) direction() (ux, uy, length lanes) {
	length = squareRoot(lanes(f.dx*f.dx) + lanes(f.dy*f.dy))
	short := mask(length < 1e-6)
	return choose(short, 1, f.dx/length), choose(short, 0, f.dy/length), length
}

// measure writes the constraints of a joint, its position and the Jacobian of that.
func (g *laneGroup) measure(i int) {
	info, j := &g.m.joints[i], &g.joints[i]
	a, b := &g.bodies[info.a], &g.bodies[info.b]
	var f laneFrame
	f.set(j, a, b)
	jac := &g.jacobians[i]
	angle := b.a - a.a - j.reference
	cs := g.constraints[info.row0 : info.row0+info.rows]
	switch info.kind {
	case scene.Revolute, scene.Weld:
		cs[0].j = [6]lanes{-1, 0, f.ray, 1, 0, -f.rby}
		cs[0].set(f.dx, a, b)
		cs[1].j = [6]lanes{0, -1, -f.rax, 0, 1, f.rbx}
		cs[1].set(f.dy, a, b)
		*jac, g.positions[i] = [6]lanes{0, 0, -1, 0, 0, 1}, angle
		if info.kind == scene.Weld {
			cs[2].j = *jac
			cs[2].set(angle, a, b)
		}
	case scene.Prismatic:
		ux, uy := lanes(a.c*j.ux)-lanes(a.s*j.uy), lanes(a.s*j.ux)+lanes(a.c*j.uy)
		f.along(&cs[0].j, -uy, ux)
		cs[0].set(lanes(f.dy*ux)-lanes(f.dx*uy), a, b)
		cs[1].j = [6]lanes{0, 0, -1, 0, 0, 1}
		cs[1].set(angle, a, b)
		f.along(jac, ux, uy)
		g.positions[i] = lanes(f.dx*ux) + lanes(f.dy*uy)
	case scene.Distance:
		ux, uy, length := f.direction()
		f.between(jac, ux, uy)
		g.positions[i] = length
		if info.rows == 1 {
			cs[0].j = *jac
			cs[0].set(length-j.length, a, b)
		}
	}
	if info.driven {
		for r := range cs {
			g.drive(&cs[r], info.a, info.b)
		}
	}
}

func (c *laneConstraint) set(err lanes, a, b *laneBody) {
	c.c = err
	c.m[0], c.m[1], c.m[2] = a.invM*c.j[0], a.invM*c.j[1], a.invI*c.j[2]
	c.m[3], c.m[4], c.m[5] = b.invM*c.j[3], b.invM*c.j[4], b.invI*c.j[5]
}

// drive computes the part of a constraint's speed that is due to bodies which do not respond.
func (g *laneGroup) drive(c *laneConstraint, ia, ib int32) {
	a, b := &g.bodies[ia], &g.bodies[ib]
	s := lanes(0)
	if g.m.bodies[ia].tree < 0 {
		s += lanes(c.j[0]*a.vx) + lanes(c.j[1]*a.vy) + lanes(c.j[2]*a.w)
	}
	if g.m.bodies[ib].tree < 0 {
		s += lanes(c.j[3]*b.vx) + lanes(c.j[4]*b.vy) + lanes(c.j[5]*b.w)
	}
	c.drive = s
}

func (g *laneGroup) prepareJoints() {
	for i := range g.m.joints {
		g.measure(i)
		g.convoy.bring()
	}
}

// prepareAxes makes the list of active axes and their rows.
func (g *laneGroup) prepareAxes(dt float32) {
	perDt := lanes(1 / dt)
	live := mask(g.live != 0)
	g.axes, g.rows, g.react, g.grips, g.held = g.axes[:0], g.rows[:0], g.react[:0], g.grips[:0], g.held[:0]
	g.coupled = 0
	for i := range g.m.joints {
		info, j := &g.m.joints[i], &g.joints[i]
		if !info.axis {
			j.im, j.il = 0, 0
			continue
		}
		in := live
		if !info.limited {
			in = live && j.max > 0
			if !some(in) {
				j.im, j.il = 0, 0
				continue
			}
			j.im, j.il = choose(in, j.im, 0), choose(in, j.il, 0)
		}
		g.addRow(&g.jacobians[i], info.a, info.b, j.im+j.il, in)
		g.axes = g.axes[:len(g.axes)+1]
		x := &g.axes[len(g.axes)-1]
		*x = laneAxis{joint: int32(i), in: choose(in, 1, 0), want: j.speed, most: j.max * lanes(dt), lo: -unbounded, hi: unbounded}
		if info.limited {
			x.limit(info, j, g.positions[i], perDt)
		}
	}
}

// limit computes how far the limits are.
func (x *laneAxis) limit(info *jointInfo, j *laneJoint, position, perDt lanes) {
	below, above := position-j.lo, j.hi-position
	x.lo, x.hi = -laneMax(below, 0)*perDt, laneMax(above, 0)*perDt
	slop, most := lanes(linearSlop), lanes(maxLinearCorrection)
	if info.kind == scene.Revolute {
		slop, most = lanes(angularSlop), lanes(maxCorrection)
	}
	x.fixLo = laneClamp(-below-slop, 0, most)
	x.fixHi = laneClamp(-above-slop, 0, most)
}

// solve returns the impulse that the axis should have, given the speed rel that it has with its
// present one, and the freeKind of what determines it.
func (x *laneAxis) solve(r *laneRow, rel lanes) (impulse, kind lanes) {
	free := rel - lanes(r.k*r.impulse) // without motor and limits
	n := laneClamp(lanes(r.em*(x.want-free)), -x.most, x.most)
	with := free + lanes(r.k*n)
	low, high := mask(with < x.lo), mask(with > x.hi)
	kind = choose(magnitude(n) < x.most, lanes(motorFree), lanes(bounded))
	kind = choose(low, lanes(lowerFree), choose(high, lanes(upperFree), kind))
	bound := choose(low, x.lo, x.hi)
	return choose(low || high, n+lanes(r.em*(bound-with)), n), kind
}

// sweepAxes makes one Gauss-Seidel pass over motors and limits of the worlds in which in holds,
// and returns the largest change of a speed.
func (g *laneGroup) sweepAxes(in mask) (change lanes) {
	for i := range g.axes {
		x, r := &g.axes[i], &g.rows[i]
		n, kind := x.solve(r, g.now.speeds[i])
		x.at = choose(in, kind, x.at)
		d := n - r.impulse
		m := in && x.in != 0 && d != 0
		if some(m) {
			if m {
				r.impulse = n
				change = laneMax(change, magnitude(d)*r.k)
			}
			g.change(&g.now, int32(i), d, m)
		}
	}
	return change
}

// split divides the impulse of axis i into those of motor and limit.
func (g *laneGroup) split(i int) {
	x, impulse := &g.axes[i], g.rows[i].impulse
	j := &g.joints[x.joint]
	lower, upper := mask(x.at == lanes(lowerFree)), mask(x.at == lanes(upperFree))
	limited := lower || upper
	motor := choose(limited, x.stalled(choose(lower, x.lo, x.hi)), impulse)
	if x.in != 0 {
		j.im, j.il = motor, choose(limited, impulse-motor, 0)
	}
}

// stalled returns the impulse of the motor while a limit determines the speed rel.
func (x *laneAxis) stalled(rel lanes) lanes { return choose(x.want < rel, -x.most, x.most) }

// Factorisation, as in factor.go.

func (g *laneGroup) factor(t *tree) []lanes { return g.factors[t.factor0:] }

func laneFactorise(t *tree, cs []laneConstraint, k []lanes) {
	rows := int(t.rows)
	k = k[:rows+int(t.entries)]
	clear(k)
	for i := range t.terms {
		e := &t.terms[i]
		j, m := cs[e.i].j[e.si:e.si+3], cs[e.k].m[e.sk:e.sk+3]
		k[e.at] += lanes(j[0]*m[0]) + lanes(j[1]*m[1]) + lanes(j[2]*m[2])
	}
	for c := range rows {
		k[c] += lanes(yield * k[c])
	}
	l := k[rows:]
	target := t.targets
	for c := range rows {
		inv := laneInverse(k[c])
		k[c] = squareRoot(inv)
		lo, hi := int(t.start[c]), int(t.start[c+1])
		for p := lo; p < hi; p++ {
			f := l[p] * inv
			n := hi - p
			for q, at := range target[:n] {
				k[at] -= lanes(l[p+q] * f)
			}
			target = target[n:]
			l[p] = f
		}
	}
}

// laneInverse returns 1/k, and 0 where k is not positive.
func laneInverse(k lanes) lanes { return choose(k > 0, 1/k, 0) }

func laneForward(t *tree, k, x []lanes, first int) {
	rows := int(t.rows)
	l, x, d, ends := k[rows:], x[:rows], k[:rows], t.start[1:][:rows]
	at := int(t.start[first])
	for c := first; c < rows; c++ {
		xc := x[c]
		end := int(ends[c])
		row := t.row[at:end]
		column := l[at:end][:len(row)]
		for p, r := range row {
			x[r] -= lanes(column[p] * xc)
		}
		x[c] = xc * d[c]
		at = end
	}
}

// laneForwardBoth is laneForward for x and y at once.
func laneForwardBoth(t *tree, k, x, y []lanes, first int) {
	rows := int(t.rows)
	l, x, y, d, ends := k[rows:], x[:rows], y[:rows], k[:rows], t.start[1:][:rows]
	at := int(t.start[first])
	for c := first; c < rows; c++ {
		xc, yc := x[c], y[c]
		end := int(ends[c])
		row := t.row[at:end]
		column := l[at:end][:len(row)]
		for p, r := range row {
			f := column[p]
			x[r] -= lanes(f * xc)
			y[r] -= lanes(f * yc)
		}
		x[c], y[c] = xc*d[c], yc*d[c]
		at = end
	}
}

func laneBackward(t *tree, k, x []lanes) {
	rows := int(t.rows)
	l, x, d, starts := k[rows:], x[:rows], k[:rows], t.start[:rows]
	end := int(t.entries)
	for c := rows - 1; c >= 0; c-- {
		s := lanes(x[c] * d[c])
		at := int(starts[c])
		row := t.row[at:end]
		column := l[at:end][:len(row)]
		for p, r := range row {
			s -= lanes(column[p] * x[r])
		}
		x[c] = s
		end = at
	}
}

func (c *laneConstraint) speed(v []lanes) lanes {
	a, b := v[c.a:c.a+3], v[c.b:c.b+3]
	return lanes(c.j[0]*a[0]) + lanes(c.j[1]*a[1]) + lanes(c.j[2]*a[2]) +
		(lanes(c.j[3]*b[0]) + lanes(c.j[4]*b[1]) + lanes(c.j[5]*b[2]))
}
