//go:build lanesource

package physics

import "math/bits"

// gather applies gravity, forces and damping to the velocities.
func (g *laneGroup) gather(dt float32) {
	clear(g.now.motion)
	h := lanes(dt)
	for _, i := range g.m.moving {
		b, dof := &g.bodies[i], g.m.bodies[i].dof
		v := g.now.motion[dof : dof+3]
		if g.m.bodies[i].tree >= 0 {
			dl, da := 1/(1+lanes(h*b.linear)), 1/(1+lanes(h*b.angular))
			v[0] = (b.vx + lanes(h*(g.image[0]+lanes(b.invM*b.fx)))) * dl
			v[1] = (b.vy + lanes(h*(g.image[1]+lanes(b.invM*b.fy)))) * dl
			v[2] = (b.w + lanes(h*lanes(b.invI*b.t))) * da
			b.vx, b.vy, b.w = v[0], v[1], v[2] // for approach
		} else {
			v[0], v[1], v[2] = b.vx, b.vy, b.w
		}
	}
}

// constrain factorises the trees, makes the velocities respect the joints, and starts the
// displacements with those that close the joints' errors.
func (g *laneGroup) constrain() {
	clear(g.shift.motion)
	g.gap = 0
	for i := range g.m.trees {
		t := &g.m.trees[i]
		if t.rows == 0 {
			continue
		}
		cs, k := g.constraints[t.row0:t.row0+t.rows], g.factor(t)
		laneFactorise(t, cs, k)
		g.convoy.bring()
		u, s := g.now.motion[t.dof:t.dof+t.size+3], g.reactions(&g.now, t)
		most := lanes(0)
		for c := range cs {
			s[c] = cs[c].speed(u) + cs[c].drive
			most = laneMax(most, magnitude(cs[c].c))
		}
		laneForward(t, k, s, 0)
		g.gap = laneMax(g.gap, most)
		open := mask(most > 1e-6 && most <= wideGap)
		if some(open) {
			s := g.reactions(&g.shift, t)
			for c := range cs {
				s[c] = cs[c].c
			}
			laneForward(t, k, s, 0)
			for c := range cs {
				s[c] = choose(open, s[c], 0)
			}
		}
	}
}

func (g *laneGroup) reactions(v *laneSystem, t *tree) []lanes {
	return v.motion[g.m.dofs+3+int(t.row0):][:t.rows]
}

// settle takes from the velocities of the bodies what the joints take back, where in holds.
func (g *laneGroup) settle(v *laneSystem, in mask) {
	for i := range g.m.trees {
		t := &g.m.trees[i]
		if t.rows == 0 {
			continue
		}
		s := g.reactions(v, t)
		x := g.solution[:len(s)]
		copy(x, s)
		laneBackward(t, g.factor(t), x)
		u := v.motion[t.dof : t.dof+t.size+3]
		cs := g.constraints[t.row0 : t.row0+t.rows]
		for c := range cs {
			p, f := &cs[c], x[c]
			a, b := u[p.a:p.a+3], u[p.b:p.b+3]
			if in {
				a[0] -= lanes(p.m[0] * f)
				a[1] -= lanes(p.m[1] * f)
				a[2] -= lanes(p.m[2] * f)
				b[0] -= lanes(p.m[3] * f)
				b[1] -= lanes(p.m[4] * f)
				b[2] -= lanes(p.m[5] * f)
				s[c] = 0
			}
		}
	}
}

// sweep makes a sweep of the worlds that have not converged yet.
func (g *laneGroup) sweep() {
	in := mask(g.going != 0)
	if !some(in) {
		return
	}
	change := g.sweepAxes(in)
	change = laneMax(change, g.sweepContacts(in))
	g.convoy.bring()
	g.going = choose(andNot(in, change < sweepTolerance), 1, 0)
}

func (g *laneGroup) sweepContacts(in mask) (change lanes) {
	for i := range g.grips {
		x := &g.grips[i]
		normal, tangent := &g.rows[x.row], &g.rows[x.row+1]
		has := in && x.in != 0
		n := laneMax(normal.impulse-lanes(normal.em*(g.now.speeds[x.row]-x.least)), 0)
		d := n - normal.impulse
		m := has && d != 0
		if some(m) {
			if m {
				normal.impulse = n
				change = laneMax(change, magnitude(d)*normal.k)
			}
			g.change(&g.now, x.row, d, m)
		}
		most := lanes(x.friction * normal.impulse)
		f := laneClamp(tangent.impulse-lanes(tangent.em*g.now.speeds[x.row+1]), -most, most)
		d = f - tangent.impulse
		m = has && d != 0
		if some(m) {
			if m {
				tangent.impulse = f
				change = laneMax(change, magnitude(d)*tangent.k)
			}
			g.change(&g.now, x.row+1, d, m)
		}
	}
	return change
}

// restitute makes contacts that were hit fast enough bounce.
func (g *laneGroup) restitute() {
	var bouncing mask
	for i := range g.grips {
		x := &g.grips[i]
		if hit := mask(x.bounce > 0 && g.rows[x.row].impulse > 0 && x.in != 0); hit {
			x.least = x.bounce
			bouncing = bouncing || hit
		}
	}
	if !some(bouncing) {
		return
	}
	in := bouncing
	for range maxSweeps {
		in = andNot(in, g.sweepContacts(in) < sweepTolerance)
		if !some(in) {
			break
		}
	}
	g.apply(bouncing)
	g.settle(&g.now, bouncing)
}

// laneRelative returns the velocity of b relative to a at a point.
func laneRelative(a, b *laneBody, px, py lanes) (vx, vy lanes) {
	vx = (b.vx - lanes(b.w*(py-b.y))) - (a.vx - lanes(a.w*(py-a.y)))
	vy = (b.vy + lanes(b.w*(px-b.x))) - (a.vy + lanes(a.w*(px-a.x)))
	return vx, vy
}

// correct computes displacements that undo overlaps and exceeded limits beyond their slop.
func (g *laneGroup) correct(dt float32) {
	live := mask(g.live != 0)
	var needed mask
	for i := range g.grips {
		x := &g.grips[i]
		r := &g.rows[x.row]
		sep := x.sep + lanes(lanes(dt)*(g.now.speeds[x.row]-lanes(r.soft*r.impulse)))
		x.fix = -(sep + linearSlop)
		deep := mask(x.fix > 0)
		x.fix = choose(deep, laneMin(x.fix*correction, maxLinearCorrection), x.fix)
		needed = needed || deep && x.in != 0
	}
	wide := mask(g.gap > wideGap)
	for i := range g.axes {
		x := &g.axes[i]
		x.fixLo, x.fixHi = choose(wide, 0, x.fixLo), choose(wide, 0, x.fixHi) // left to closeWide
		needed = needed || (x.fixLo > 0 || x.fixHi > 0) && x.in != 0
	}
	needed = needed && live
	if !some(needed) {
		return
	}
	g.begin(&g.shift, needed)
	in := needed
	for range shiftSweeps {
		in = andNot(in, g.sweepShift(in) < 0.01*linearSlop)
		if !some(in) {
			break
		}
	}
	for i := range g.rows {
		r := &g.rows[i]
		if m := needed && r.pushed != 0; some(m) {
			g.shift.motion.push(r, g.react, r.pushed, m)
		}
	}
}

// sweepShift makes one Gauss-Seidel pass over the displacements, and returns the largest change.
func (g *laneGroup) sweepShift(in mask) (change lanes) {
	for i := range g.axes {
		x, r := &g.axes[i], &g.rows[i]
		inside, outside := mask(x.fixLo > 0), mask(x.fixHi > 0)
		if !some(in && (inside || outside)) {
			continue
		}
		s := g.shift.speeds[i]
		up := laneMax(r.pushed+lanes(r.em*(x.fixLo-s)), 0)
		down := laneMin(r.pushed-lanes(r.em*(x.fixHi+s)), 0)
		n := choose(inside, up, down)
		change = g.displace(int32(i), n, in && x.in != 0 && (inside || outside), change)
	}
	for i := range g.grips {
		x := &g.grips[i]
		r := &g.rows[x.row]
		n := laneMax(r.pushed-lanes(r.em*(g.shift.speeds[x.row]-x.fix)), 0)
		change = g.displace(x.row, n, in && x.in != 0, change)
	}
	return change
}

// displace makes the displacement along row i n where in holds, and returns the larger of change
// and its change.
func (g *laneGroup) displace(i int32, n lanes, in mask, change lanes) lanes {
	r := &g.rows[i]
	d := n - r.pushed
	m := in && d != 0
	if some(m) {
		if m {
			r.pushed = n
			change = laneMax(change, magnitude(d)*r.k)
		}
		g.change(&g.shift, i, d, m)
	}
	return change
}

// tame stops bodies that exceed maxSpeed.
func (g *laneGroup) tame(body int32, v []lanes) {
	if g.m.bodies[body].tree < 0 {
		return
	}
	if m := mask(lanes(v[0]*v[0])+lanes(v[1]*v[1]) > maxSpeed*maxSpeed || magnitude(v[2]) > maxSpeed); some(m) {
		if m {
			v[0], v[1], v[2] = 0, 0, 0
			g.wild = 1
		}
	}
}

// move moves the bodies.
func (g *laneGroup) move(dt float32) {
	h := lanes(dt)
	g.wild = 0
	for _, i := range g.m.moving {
		b, dof := &g.bodies[i], g.m.bodies[i].dof
		v, d := g.now.motion[dof:dof+3], g.shift.motion[dof:dof+3]
		g.tame(i, v)
		b.x += lanes(h*v[0]) + d[0]
		b.y += lanes(h*v[1]) + d[1]
		b.a += lanes(h*v[2]) + d[2]
		b.s, b.c = laneSincos(b.a)
	}
}

// closeWide closes joints that are wide open, world by world: few have any, such as those whose legs have just
// hit the ground hard.
func (g *laneGroup) closeWide(s *scratch) {
	for worlds := bitsOf(g.live != 0 && g.gap > wideGap); worlds != 0; worlds &= worlds - 1 {
		l := bits.TrailingZeros32(worlds)
		w := g.ws[l]
		for _, i := range g.m.moving {
			b, to := &g.bodies[i], &w.bodies[i]
			to.x, to.y, to.a, to.s, to.c = *at(&b.x, l), *at(&b.y, l), *at(&b.a, l), *at(&b.s, l), *at(&b.c, l)
		}
		w.scratch = s
		w.gap = *at(&g.gap, l)
		w.closeWide()
		w.scratch = nil
		for _, i := range g.m.moving {
			from, b := &w.bodies[i], &g.bodies[i]
			*at(&b.x, l), *at(&b.y, l), *at(&b.a, l), *at(&b.s, l), *at(&b.c, l) = from.x, from.y, from.a, from.s, from.c
		}
		for i := range s.constraints { // what bounces respects the joints as they are now
			from, c := &s.constraints[i], &g.constraints[i]
			for k := range from.m {
				*at(&c.j[k], l), *at(&c.m[k], l) = from.j[k], from.m[k]
			}
		}
	}
}

// report stores velocities and impulses.
func (g *laneGroup) report(dt float32) {
	for _, i := range g.m.moving {
		b, dof := &g.bodies[i], g.m.bodies[i].dof
		v := g.now.motion[dof : dof+3]
		g.tame(i, v)
		b.vx, b.vy, b.w = v[0], v[1], v[2]
		moves := mask(lanes(v[0]*v[0])+lanes(v[1]*v[1]) > restSpeed*restSpeed || magnitude(v[2]) > lanes(angularSlop))
		b.rest = choose(moves, 0, b.rest+lanes(dt))
		b.fx, b.fy, b.t, b.touch = 0, 0, 0, 0
	}
	for i := range g.axes {
		g.split(i)
	}
	for i := range g.points {
		p := &g.points[i]
		p.ti = choose(p.waiting != 0, 0, p.ti)
	}
	for i := range g.held {
		h := &g.held[i]
		p, row := &g.points[h.point], g.grips[h.grip].row
		if h.in != 0 {
			p.ni, p.ti = g.rows[row].impulse, g.rows[row+1].impulse
		}
	}
	if wild := mask(g.wild != 0); some(wild) {
		g.drop(wild)
	}
	for i := range g.points {
		if p := &g.points[i]; !p.sensor {
			g.touch(p)
		}
	}
}

// touch says whether the shapes of a contact touch, as reportContact.
func (g *laneGroup) touch(p *lanePoint) {
	touching := mask(p.has != 0 && (p.ni > 0 || p.sep <= 0))
	p.flags = choose(touching, word(isTouching), 0)
	a, b := &g.bodies[p.bodyA], &g.bodies[p.bodyB]
	a.touch = joinWords(a.touch, choose(touching, word(g.m.touchOf(p.bodyB)), 0))
	b.touch = joinWords(b.touch, choose(touching, word(g.m.touchOf(p.bodyA)), 0))
}

// drop drops the impulses from which the next step would start.
func (g *laneGroup) drop(in mask) {
	for i := range g.axes {
		x := &g.axes[i]
		j := &g.joints[x.joint]
		if in && x.in != 0 {
			j.im, j.il = 0, 0
		}
	}
	for i := range g.held {
		h := &g.held[i]
		p := &g.points[h.point]
		if in && h.in != 0 {
			p.ni, p.ti = 0, 0
		}
	}
}
