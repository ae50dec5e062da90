package physics

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

const (
	maxSweeps           = 60
	sweepTolerance      = 3e-4 // m/s or rad/s: the largest change in a sweep after which it is the last
	shiftSweeps         = 8
	bounceThreshold     = 1    // m/s: slower impacts do not bounce, as in Box2D
	maxLinearCorrection = 0.2  // m a step
	correction          = 0.4  // part of an overlap that is corrected in a step
	restSpeed           = 0.01 // m/s
	maxSpeed            = 1000 // m/s and rad/s: see tame
	caution             = 2    // m/s: contacts that stay that far from meeting get no rows at first
)

// A grip is a contact point in the sweeps. Its two rows, one after the other, are along the normal
// and along the tangent (ny, -nx).
type grip struct {
	row, contact int32
	friction     float32
	least        float32 // speed at which the shapes may separate at least; negative: they may still approach
	bounce       float32 // speed at which to separate after the impact, 0 if it does not bounce
	fix          float32 // displacement along the normal that the position correction wants
	needed       bool    // found by takeIn
}

// Step advances the world by dt seconds; dt should be the same in every step. Forces applied
// since the last step act throughout it and are then forgotten.
func (w *World) Step(dt float32) {
	w.scratch = w.m.scratches.Get().(*scratch)
	w.detect(dt)
	w.advance(dt)
	w.m.scratches.Put(w.scratch)
	w.scratch = nil
}

// advance is what a step does once the contacts are known.
func (w *World) advance(dt float32) {
	w.gather(dt)
	w.prepareJoints()
	w.constrain()
	w.prepareAxes(dt)
	w.prepareContacts(dt)
	w.solve()
	w.correct(dt)
	w.settleBoth()
	w.move(dt)
	w.restitute()
	w.report(dt)
}

// factor returns the memory of a tree's factorisation.
func (w *World) factor(t *tree) []float32 { return w.factors[t.factor0:] }

// gather applies gravity, forces and damping to the velocities (semi-implicit Euler).
func (w *World) gather(dt float32) {
	clear(w.now.motion)
	for _, i := range w.m.moving {
		b, dof := &w.bodies[i], w.m.bodies[i].dof
		v := (*[3]float32)(w.now.motion[dof:])
		if b.invM > 0 {
			dl, da := float32(1), float32(1)
			if b.linear != 0 || b.angular != 0 {
				dl, da = 1/(1+float32(dt*b.linear)), 1/(1+float32(dt*b.angular))
			}
			v[0] = (b.vx + float32(dt*(w.head.gx+float32(b.invM*b.fx)))) * dl
			v[1] = (b.vy + float32(dt*(w.head.gy+float32(b.invM*b.fy)))) * dl
			v[2] = (b.w + float32(dt*float32(b.invI*b.t))) * da
			b.vx, b.vy, b.w = v[0], v[1], v[2] // for approach
		} else {
			v[0], v[1], v[2] = b.vx, b.vy, b.w
		}
		b.fx, b.fy, b.t = 0, 0, 0
	}
}

// constrain factorises the trees, makes the velocities respect the joints, and starts the
// displacements with those that close the joints' errors, to first order. Wider errors are left
// to closeWide.
func (w *World) constrain() {
	clear(w.shift.motion)
	w.gap = 0
	for i := range w.m.trees {
		t := &w.m.trees[i]
		if t.rows == 0 {
			continue
		}
		cs, k := w.constraints[t.row0:t.row0+t.rows], w.factor(t)
		t.factorise(cs, k)
		u, s := w.now.motion[t.dof:t.dof+t.size+3], w.m.reactions(w.now.motion, t)
		most := float32(0)
		for c := range cs {
			s[c] = cs[c].speed(u) + cs[c].drive
			most = geom.Max(most, geom.Abs(cs[c].c))
		}
		w.gap = geom.Max(w.gap, most)
		if most > 1e-6 && most <= wideGap {
			e := w.m.reactions(w.shift.motion, t)
			for c := range cs {
				e[c] = cs[c].c
			}
			t.forwardBoth(k, s, e, 0)
		} else {
			t.forward(k, s, 0)
		}
	}
}

// reactions returns the part of v that belongs to the constraints of a tree.
func (m *Model) reactions(v motion, t *tree) []float32 {
	return v[m.dofs+3+int(t.row0):][:t.rows]
}

// settle takes from the velocities of the bodies what the joints take back.
func (w *World) settle(v motion) {
	for i := range w.m.trees {
		t := &w.m.trees[i]
		if t.rows == 0 {
			continue
		}
		s := w.m.reactions(v, t)
		t.backward(w.factor(t), s)
		push(w.constraints[t.row0:t.row0+t.rows], s, v[t.dof:t.dof+t.size+3])
		clear(s)
	}
}

// settleBoth settles the displacements, and the velocities if solve has left that.
func (w *World) settleBoth() {
	if !w.unsettled {
		w.settle(w.shift.motion)
		return
	}
	w.unsettled = false
	v, d := w.now.motion, w.shift.motion
	for i := range w.m.trees {
		t := &w.m.trees[i]
		if t.rows == 0 {
			continue
		}
		s, e := w.m.reactions(v, t), w.m.reactions(d, t)
		t.backwardBoth(w.factor(t), s, e)
		cs := w.constraints[t.row0 : t.row0+t.rows]
		push(cs, s, v[t.dof:t.dof+t.size+3])
		push(cs, e, d[t.dof:t.dof+t.size+3])
		clear(s)
		clear(e)
	}
}

// solve finds the impulses. Contacts that were left out, because the shapes were not going to
// meet, are taken in if they do after all.
func (w *World) solve() {
	for {
		w.assemble()
		w.sweep()
		if !w.takeMore() {
			return
		}
	}
}

// takeMore applies the impulses found, and takes in contacts that turn out to be needed. It reports
// whether there are any, for which all is to be solved again.
func (w *World) takeMore() bool {
	w.apply()
	if len(w.waiting) == 0 && w.now.speeds != nil {
		w.unsettled = true // nothing needs the velocities before settleBoth
		return false
	}
	w.settle(w.now.motion)
	return w.takeIn(sweepTolerance)
}

// prepareContacts makes the rows of contacts that are likely to be needed and starts from the
// impulses of the last step.
func (w *World) prepareContacts(dt float32) {
	w.grips, w.waiting = w.grips[:0], w.waiting[:0]
	perDt := 1 / dt
	for i := range w.contacts[:w.head.contacts] {
		c := &w.contacts[i]
		if c.flags&isSensor != 0 {
			continue
		}
		n := len(w.waiting)
		w.waiting = w.waiting[:n+1]
		g := &w.waiting[n]
		g.contact, g.friction, g.least, g.bounce = int32(i), c.friction, -geom.Max(c.sep, 0)*perDt, 0
	}
	if len(w.waiting) > 0 {
		w.settle(w.now.motion)
		w.takeIn(-caution)
	}
}

// takeIn makes rows for the waiting contacts that have an impulse or whose shapes meet more than
// that fast, and reports whether there are any.
func (w *World) takeIn(fast float32) bool {
	v := w.now.motion
	for i := range w.waiting {
		g := &w.waiting[i]
		c := &w.contacts[g.contact]
		a, b := (*[3]float32)(v[w.m.bodies[c.a].dof:]), (*[3]float32)(v[w.m.bodies[c.b].dof:])
		wa, wb := w.levers(c, c.nx, c.ny)
		speed := (float32(c.nx*b[0]) + float32(c.ny*b[1]) + float32(wb*b[2])) -
			(float32(c.nx*a[0]) + float32(c.ny*a[1]) + float32(wa*a[2]))
		g.needed = c.ni > 0 || speed < g.least-fast
	}
	n := 0
	for i := range w.waiting {
		if g := &w.waiting[i]; g.needed {
			w.addGrip(g)
		} else {
			w.waiting[n] = *g
			n++
		}
	}
	some := n < len(w.waiting)
	w.waiting = w.waiting[:n]
	return some
}

// levers returns the moments of a unit of impulse along (x, y) at a contact about the centres of
// its two bodies.
func (w *World) levers(c *contact, x, y float32) (la, lb float32) {
	a, b := &w.bodies[c.a], &w.bodies[c.b]
	la = float32((c.px-a.x)*y) - float32((c.py-a.y)*x)
	lb = float32((c.px-b.x)*y) - float32((c.py-b.y)*x)
	return la, lb
}

// addGrip makes the rows of a contact and starts them from the impulses of the last step.
func (w *World) addGrip(g *grip) {
	c := &w.contacts[g.contact]
	n := len(w.rows)
	w.rows = w.rows[:n+2]
	g.row = int32(n)
	r := (*[2]row)(w.rows[n:])
	la, lb := w.levers(c, c.nx, c.ny)
	j := &r[0].j
	j[0], j[1], j[2], j[3], j[4], j[5] = -c.nx, -c.ny, -la, c.nx, c.ny, lb
	la, lb = w.levers(c, c.ny, -c.nx)
	j = &r[1].j
	j[0], j[1], j[2], j[3], j[4], j[5] = -c.ny, c.nx, -la, c.ny, -c.nx, lb
	w.addPair(r, int32(c.a), int32(c.b), c.ni, c.ti)
	if c.bounce > 0 {
		if before := w.approach(c); before < -bounceThreshold {
			g.bounce = -c.bounce * before
		}
	}
	w.grips = append(w.grips, *g)
}

// sweep solves motors, limits and contacts by projected Gauss-Seidel (Catto, "Iterative
// dynamics with temporal coherence", GDC 2005) until no speed changes by more than the
// tolerance. Because the rows already include the joints, few sweeps do.
func (w *World) sweep() {
	refined := 0
	for i := range maxSweeps {
		change := w.sweepAxes()
		change = geom.Max(change, w.sweepContacts())
		if change < sweepTolerance {
			return
		}
		if i >= firstSolve && refined < maxSolutions {
			refined++
			w.refine()
		}
	}
}

func (w *World) sweepContacts() (change float32) {
	for i := range w.grips {
		g := &w.grips[i]
		r := (*[2]row)(w.rows[g.row:])
		normal, tangent := &r[0], &r[1]
		n := geom.Max(normal.impulse-float32(normal.em*(w.speed(&w.now, g.row)-g.least)), 0)
		if d := n - normal.impulse; d != 0 {
			normal.impulse = n
			change = geom.Max(change, geom.Abs(d)*normal.k)
			w.change(&w.now, g.row, d)
		}
		most := float32(g.friction * normal.impulse)
		f := geom.Clamp(tangent.impulse-float32(tangent.em*w.speed(&w.now, g.row+1)), -most, most)
		if d := f - tangent.impulse; d != 0 {
			tangent.impulse = f
			change = geom.Max(change, geom.Abs(d)*tangent.k)
			w.change(&w.now, g.row+1, d)
		}
	}
	return change
}

// restitute makes contacts that were hit fast enough bounce: it solves once more, for the
// speed of separation that Newton's law of restitution asks for. The bodies have been moved
// before, up to the impact but not away from it.
func (w *World) restitute() {
	bouncing := false
	for i := range w.grips {
		if g := &w.grips[i]; g.bounce > 0 && w.rows[g.row].impulse > 0 {
			g.least = g.bounce
			bouncing = true
		}
	}
	if !bouncing {
		return
	}
	for range maxSweeps {
		if w.sweepContacts() < sweepTolerance {
			break
		}
	}
	w.apply()
	w.settle(w.now.motion)
}

// approach returns the normal speed at which the shapes of c meet, from the velocities that
// gather left.
func (w *World) approach(c *contact) float32 {
	vx, vy := relative(&w.bodies[c.a], &w.bodies[c.b], c.px, c.py)
	return float32(c.nx*vx) + float32(c.ny*vy)
}

// relative returns the velocity of b relative to a at a point.
func relative(a, b *body, px, py float32) (vx, vy float32) {
	vx = (b.vx - float32(b.w*(py-b.y))) - (a.vx - float32(a.w*(py-a.y)))
	vy = (b.vy + float32(b.w*(px-b.x))) - (a.vy + float32(a.w*(px-a.x)))
	return vx, vy
}

// correct computes displacements that undo overlaps and exceeded limits beyond their slop,
// without touching the velocities (pseudo-velocities; Catto, "Modeling and solving
// constraints", GDC 2009). They respect the joints as the impulses do.
func (w *World) correct(dt float32) {
	needed := false
	for i := range w.grips {
		g := &w.grips[i]
		r := &w.rows[g.row]
		sep := w.contacts[g.contact].sep + float32(dt*(w.speed(&w.now, g.row)-float32(r.soft*r.impulse)))
		g.fix = -(sep + linearSlop)
		if g.fix > 0 {
			g.fix = geom.Min(g.fix*correction, maxLinearCorrection)
			needed = true
		}
	}
	for i := range w.axes {
		x := &w.axes[i]
		if w.gap > wideGap {
			x.fixLo, x.fixHi = 0, 0 // left to closeWide
		}
		needed = needed || x.fixLo > 0 || x.fixHi > 0
	}
	if !needed {
		return
	}
	for i := range w.rows {
		w.rows[i].pushed = 0
	}
	w.begin(&w.shift)
	for range shiftSweeps {
		if w.sweepShift() < 0.01*linearSlop {
			break
		}
	}
	if w.shift.speeds != nil {
		for i := range w.rows {
			if r := &w.rows[i]; r.pushed != 0 {
				w.shift.motion.push(r, w.react, r.pushed)
			}
		}
	}
}

// sweepShift makes one Gauss-Seidel pass over the displacements, and returns the largest change.
func (w *World) sweepShift() (change float32) {
	for i := range w.axes {
		x, r := &w.axes[i], &w.rows[i]
		n := r.pushed
		switch { // push inward by what is still missing; never outward
		case x.fixLo > 0:
			n = geom.Max(r.pushed+float32(r.em*(x.fixLo-w.speed(&w.shift, int32(i)))), 0)
		case x.fixHi > 0:
			n = geom.Min(r.pushed-float32(r.em*(x.fixHi+w.speed(&w.shift, int32(i)))), 0)
		}
		change = geom.Max(change, w.pushOut(int32(i), n))
	}
	for i := range w.grips {
		g := &w.grips[i]
		r := &w.rows[g.row]
		n := geom.Max(r.pushed-float32(r.em*(w.speed(&w.shift, g.row)-g.fix)), 0)
		change = geom.Max(change, w.pushOut(g.row, n))
	}
	return change
}

// pushOut makes n the impulse of the position correction along row i, and returns by how much the
// displacement along it changes.
func (w *World) pushOut(i int32, n float32) float32 {
	r := &w.rows[i]
	d := n - r.pushed
	if d == 0 {
		return 0
	}
	r.pushed = n
	w.change(&w.shift, i, d)
	return geom.Abs(d) * r.k
}

// tame stops a body that exceeds maxSpeed, and makes the world forget the impulses. None are right
// where a body that nothing can stop drives others, held by joints, into the ground: those that the
// sweeps try grow from step to step, by orders of magnitude, until they are NaN. Box2D bounds speeds
// too, to 2 m and a quarter of a turn a step.
func (w *World) tame(b *body, v *[3]float32) {
	if b.invM > 0 && (float32(v[0]*v[0])+float32(v[1]*v[1]) > maxSpeed*maxSpeed || geom.Abs(v[2]) > maxSpeed) {
		*v = [3]float32{}
		w.wild = true
	}
}

// move moves the bodies.
func (w *World) move(dt float32) {
	w.wild = false
	for _, i := range w.m.moving {
		b, dof := &w.bodies[i], w.m.bodies[i].dof
		v, d := (*[3]float32)(w.now.motion[dof:]), (*[3]float32)(w.shift.motion[dof:])
		w.tame(b, v)
		b.x += float32(dt*v[0]) + d[0]
		b.y += float32(dt*v[1]) + d[1]
		b.a += float32(dt*v[2]) + d[2]
		b.turnTo()
	}
	w.closeWide()
}

// report stores velocities and impulses and says who touches what.
func (w *World) report(dt float32) {
	for _, i := range w.m.moving {
		b, v := &w.bodies[i], (*[3]float32)(w.now.motion[w.m.bodies[i].dof:])
		w.tame(b, v)
		b.vx, b.vy, b.w = v[0], v[1], v[2]
		b.touch = 0
		if float32(v[0]*v[0])+float32(v[1]*v[1]) > restSpeed*restSpeed || geom.Abs(v[2]) > angularSlop {
			b.rest = 0
		} else {
			b.rest += dt
		}
	}
	for i := range w.axes {
		w.split(i)
	}
	if w.wild {
		w.forget()
	}
	for i := range w.waiting {
		c := &w.contacts[w.waiting[i].contact]
		c.ti = 0
		w.reportContact(c)
	}
	for i := range w.grips {
		g := &w.grips[i]
		c := &w.contacts[g.contact]
		c.ni, c.ti = w.rows[g.row].impulse, w.rows[g.row+1].impulse
		w.reportContact(c)
	}
}

// forget drops the impulses from which the next step would start.
func (w *World) forget() {
	for i := range w.axes {
		j := &w.joints[w.axes[i].joint]
		j.im, j.il = 0, 0
	}
	for i := range w.grips {
		r := w.grips[i].row
		w.rows[r].impulse, w.rows[r+1].impulse = 0, 0
	}
}

// reportContact says whether the shapes of a contact touch.
func (w *World) reportContact(c *contact) {
	if c.ni > 0 || c.sep <= 0 {
		c.flags |= isTouching
		w.touch(c.a, c.b)
		w.touch(c.b, c.a)
	}
}

func (w *World) touch(body, by uint32) {
	b := &w.bodies[body]
	b.touch |= touchAny
	if w.m.bodies[by].kind == scene.Static {
		b.touch |= touchGround
	}
}
