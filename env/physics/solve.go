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
)

// velocities are those of all bodies that can move, three each: x, y, turn.
type velocities []float32

// add adds f times a response that starts at dof.
func (v velocities) add(dof int32, resp []float32, f float32) {
	to := v[dof:]
	to = to[:len(resp)]
	for i, r := range resp {
		to[i] += float32(r * f)
	}
}

// A row is a contact point in the sweeps: one impulse along its normal and one along its
// tangent (ny, -nx). The responses to unit impulses are four stretches of w.resp: normal on the
// tree of body a and on that of b, tangent on a and b; with one tree for both, a's are empty.
type row struct {
	a, b     int32 // first velocity of each body
	da, db   int32 // first velocity of each tree
	na, nb   int32 // and how many
	resp     int32
	contact  int32
	nx, ny   float32
	rna, rnb float32 // arm of the normal on a and b
	rta, rtb float32 // arm of the tangent
	kn, kt   float32 // relative speed gained by a unit of impulse
	emn, emt float32 // their inverses
	least    float32 // speed at which the shapes may separate at least; negative: they may still approach
	friction float32
	ni, ti   float32
	bounce   float32 // speed at which to separate after the impact, 0 if it does not bounce
	fix      float32 // displacement along the normal that the position correction wants
	pushed   float32 // its impulse
}

func (r *row) normalSpeed(v velocities) float32 {
	a, b := (*[3]float32)(v[r.a:]), (*[3]float32)(v[r.b:])
	return float32(r.nx*(b[0]-a[0])) + float32(r.ny*(b[1]-a[1])) + (float32(r.rnb*b[2]) - float32(r.rna*a[2]))
}

func (r *row) tangentSpeed(v velocities) float32 {
	a, b := (*[3]float32)(v[r.a:]), (*[3]float32)(v[r.b:])
	return float32(r.ny*(b[0]-a[0])) - float32(r.nx*(b[1]-a[1])) + (float32(r.rtb*b[2]) - float32(r.rta*a[2]))
}

// push adds f units of normal impulse to v.
func (w *World) push(v velocities, r *row, f float32) {
	n := w.resp[r.resp:]
	v.add(r.da, n[:r.na], f)
	v.add(r.db, n[r.na:r.na+r.nb], f)
}

// slide adds f units of tangential impulse to v.
func (w *World) slide(v velocities, r *row, f float32) {
	n := w.resp[r.resp+r.na+r.nb:]
	v.add(r.da, n[:r.na], f)
	v.add(r.db, n[r.na:r.na+r.nb], f)
}

// Step advances the world by dt seconds; dt should be the same in every step. Forces applied
// since the last step act throughout it and are then forgotten.
func (w *World) Step(dt float32) {
	w.detect(dt)
	w.gather(dt)
	w.prepareJoints(dt)
	w.resp = w.resp[:0]
	w.constrain()
	w.respond()
	w.prepareContacts(dt)
	w.sweep()
	w.correct(dt)
	w.move(dt)
	w.restitute()
	w.report(dt)
}

// factor returns the memory of a tree's factorisation.
func (w *World) factor(t *tree) []float32 { return w.factors[t.factor0:] }

// gather applies gravity, forces and damping to the velocities (semi-implicit Euler).
func (w *World) gather(dt float32) {
	clear(w.v)
	for _, i := range w.m.moving {
		b, dof := &w.bodies[i], w.m.bodies[i].dof
		v := (*[3]float32)(w.v[dof:])
		if b.invM > 0 {
			dl, da := 1/(1+float32(dt*b.linear)), 1/(1+float32(dt*b.angular))
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
	clear(w.shift)
	w.gap = 0
	for i := range w.m.trees {
		t := &w.m.trees[i]
		if t.rows == 0 {
			continue
		}
		cs, k, x := w.constraints[t.row0:t.row0+t.rows], w.factor(t), w.x[:t.rows]
		t.factorise(cs, k)
		v := w.v[t.dof : t.dof+t.size+3]
		for c := range cs {
			x[c] = cs[c].speed(v) + cs[c].drive
		}
		t.solve(k, x)
		push(cs, x, v)
		most := float32(0)
		for c := range cs {
			x[c] = cs[c].c
			most = geom.Max(most, geom.Abs(x[c]))
		}
		w.gap = geom.Max(w.gap, most)
		if most > 1e-6 && most <= wideGap {
			t.solve(k, x)
			push(cs, x, w.shift[t.dof:t.dof+t.size+3])
		}
	}
}

// unit returns the responses of a body's tree to unit impulses along x, along y and of turn at
// its centre of mass, one after the other.
func (w *World) unit(body int32, t *tree) []float32 {
	n := t.size
	if at := w.column0[body]; at >= 0 {
		return w.columns[at : at+3*n]
	}
	at := int32(len(w.columns))
	w.column0[body] = at
	w.columns = w.columns[:at+3*n]
	out := w.columns[at:]
	b := &w.bodies[body]
	dof := w.m.bodies[body].dof - t.dof
	inv := [3]float32{b.invM, b.invM, b.invI}
	for i := range int32(3) {
		if t.rows == 0 {
			c := out[i*n : i*n+n]
			clear(c)
			c[dof+i] = inv[i]
			continue
		}
		v := w.column[:n+3]
		clear(v)
		v[dof+i] = inv[i]
		t.project(w.constraints[t.row0:t.row0+t.rows], w.factor(t), w.x, v)
		copy(out[i*n:], v[:n])
	}
	return out
}

// prepareContacts makes the rows of all contacts that are solved and starts from the impulses
// of the last step.
func (w *World) prepareContacts(dt float32) {
	w.rows = w.rows[:0]
	w.columns = w.columns[:0]
	for i := range w.column0 {
		w.column0[i] = -1
	}
	perDt := 1 / dt
	for i := range w.contacts[:w.head.contacts] {
		c := &w.contacts[i]
		if c.flags&isSensor != 0 {
			continue
		}
		a, b := &w.bodies[c.a], &w.bodies[c.b]
		ia, ib := &w.m.bodies[c.a], &w.m.bodies[c.b]
		rax, ray := c.px-a.x, c.py-a.y
		rbx, rby := c.px-b.x, c.py-b.y
		w.rows = append(w.rows, row{
			a: ia.dof, b: ib.dof, contact: int32(i), nx: c.nx, ny: c.ny,
			rna: float32(rax*c.ny) - float32(ray*c.nx), rnb: float32(rbx*c.ny) - float32(rby*c.nx),
			rta: -float32(rax*c.nx) - float32(ray*c.ny), rtb: -float32(rbx*c.nx) - float32(rby*c.ny),
			friction: c.friction, ni: c.ni, ti: c.ti, resp: int32(len(w.resp)),
		})
		r := &w.rows[len(w.rows)-1]
		r.least = -geom.Max(c.sep, 0) * perDt
		switch {
		case ia.tree == ib.tree && ia.tree >= 0:
			w.respondWithin(r, int32(c.a), int32(c.b), &w.m.trees[ia.tree])
		default:
			w.respondApart(r, int32(c.a), int32(c.b), ia.tree, ib.tree)
		}
		mass := a.invM + b.invM
		r.emn = inverse(&r.kn, mass+(float32(a.invI*float32(r.rna*r.rna))+float32(b.invI*float32(r.rnb*r.rnb))))
		r.emt = inverse(&r.kt, mass+(float32(a.invI*float32(r.rta*r.rta))+float32(b.invI*float32(r.rtb*r.rtb))))
		if r.emn == 0 {
			r.ni, r.friction = 0, 0
		}
		if r.emt == 0 {
			r.ti, r.friction = 0, 0
		}
		if c.bounce > 0 {
			if before := w.approach(c); before < -bounceThreshold {
				r.bounce = -c.bounce * before
			}
		}
		w.push(w.v, r, r.ni)
		w.slide(w.v, r, r.ti)
	}
}

// rigid is the part of the speed that a unit of impulse would gain without joints below which
// the joints are taken to forbid the motion, as between the ends of a chain of welds. What is
// left is rounding error, and an impulse against it would be without bounds.
const rigid = 1e-4

// inverse returns 1/k, or makes k 0 and returns 0 if the joints forbid the motion; free is the
// value of k without joints.
func inverse(k *float32, free float32) float32 {
	if *k > rigid*free {
		return 1 / *k
	}
	*k = 0
	return 0
}

// mix sets dst to the response to the impulse (x, y) and turn, from responses to unit impulses.
func mix(dst, u []float32, x, y, turn float32) {
	n := len(dst)
	p, q, s := u[:n], u[n:2*n], u[2*n:3*n]
	for i := range dst {
		dst[i] = float32(p[i]*x) + float32(q[i]*y) + float32(s[i]*turn)
	}
}

// respondApart computes the responses of a contact between two trees; -1 is none.
func (w *World) respondApart(r *row, a, b, ta, tb int32) {
	var ua, ub []float32
	if ta >= 0 {
		t := &w.m.trees[ta]
		ua, r.da, r.na = w.unit(a, t), t.dof, t.size
	}
	if tb >= 0 {
		t := &w.m.trees[tb]
		ub, r.db, r.nb = w.unit(b, t), t.dof, t.size
	}
	n := int(r.na + r.nb)
	at := len(w.resp)
	w.resp = w.resp[:at+2*n]
	normal, tangent := w.resp[at:at+n], w.resp[at+n:]
	mix(normal[:r.na], ua, -r.nx, -r.ny, -r.rna)
	mix(normal[r.na:], ub, r.nx, r.ny, r.rnb)
	mix(tangent[:r.na], ua, -r.ny, r.nx, -r.rta)
	mix(tangent[r.na:], ub, r.ny, -r.nx, r.rtb)
	if ta >= 0 {
		p, q := normal[r.a-r.da:], tangent[r.a-r.da:]
		r.kn -= float32(r.nx*p[0]) + float32(r.ny*p[1]) + float32(r.rna*p[2])
		r.kt -= float32(r.ny*q[0]) - float32(r.nx*q[1]) + float32(r.rta*q[2])
	}
	if tb >= 0 {
		p, q := normal[r.na+r.b-r.db:], tangent[r.na+r.b-r.db:]
		r.kn += float32(r.nx*p[0]) + float32(r.ny*p[1]) + float32(r.rnb*p[2])
		r.kt += float32(r.ny*q[0]) - float32(r.nx*q[1]) + float32(r.rtb*q[2])
	}
}

// respondWithin computes the responses of a contact between two bodies of one tree.
func (w *World) respondWithin(r *row, a, b int32, t *tree) {
	ua, ub := w.unit(a, t), w.unit(b, t)
	r.db, r.nb = t.dof, t.size
	n := int(t.size)
	at := len(w.resp)
	w.resp = w.resp[:at+2*n]
	normal, tangent := w.resp[at:at+n], w.resp[at+n:]
	other := w.column[:n]
	mix(normal, ub, r.nx, r.ny, r.rnb)
	mix(other, ua, -r.nx, -r.ny, -r.rna)
	velocities(normal).add(0, other, 1)
	mix(tangent, ub, r.ny, -r.nx, r.rtb)
	mix(other, ua, -r.ny, r.nx, -r.rta)
	velocities(tangent).add(0, other, 1)
	la, lb := r.a-t.dof, r.b-t.dof
	r.kn = float32(r.nx*(normal[lb]-normal[la])) + float32(r.ny*(normal[lb+1]-normal[la+1])) + (float32(r.rnb*normal[lb+2]) - float32(r.rna*normal[la+2]))
	r.kt = float32(r.ny*(tangent[lb]-tangent[la])) - float32(r.nx*(tangent[lb+1]-tangent[la+1])) + (float32(r.rtb*tangent[lb+2]) - float32(r.rta*tangent[la+2]))
}

// sweep solves motors, limits and contacts by projected Gauss-Seidel (Catto, "Iterative
// dynamics with temporal coherence", GDC 2005) until no speed changes by more than the
// tolerance. Because the responses already include the joints, few sweeps do.
func (w *World) sweep() {
	refined := 0
	for i := range maxSweeps {
		change := w.sweepAxes()
		change = geom.Max(change, w.sweepContacts())
		if change < sweepTolerance {
			return
		}
		if i >= firstSolve && (i-firstSolve)%solveEvery == 0 && refined < maxSolutions {
			refined++
			w.refine()
		}
	}
}

func (w *World) sweepContacts() (change float32) {
	for i := range w.rows {
		r := &w.rows[i]
		n := geom.Max(r.ni-float32(r.emn*(r.normalSpeed(w.v)-r.least)), 0)
		if d := n - r.ni; d != 0 {
			r.ni = n
			change = geom.Max(change, geom.Abs(d)*r.kn)
			w.push(w.v, r, d)
		}
		most := float32(r.friction * r.ni)
		t := geom.Clamp(r.ti-float32(r.emt*r.tangentSpeed(w.v)), -most, most)
		if d := t - r.ti; d != 0 {
			r.ti = t
			change = geom.Max(change, geom.Abs(d)*r.kt)
			w.slide(w.v, r, d)
		}
	}
	return change
}

// restitute makes contacts that were hit fast enough bounce: it solves once more, for the
// speed of separation that Newton's law of restitution asks for. The bodies have been moved
// before, up to the impact but not away from it.
func (w *World) restitute() {
	bouncing := false
	for i := range w.rows {
		if r := &w.rows[i]; r.bounce > 0 && r.ni > 0 {
			r.least = r.bounce
			bouncing = true
		}
	}
	for range maxSweeps {
		if !bouncing || w.sweepContacts() < sweepTolerance {
			return
		}
	}
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
	for i := range w.rows {
		r := &w.rows[i]
		sep := w.contacts[r.contact].sep + float32(dt*r.normalSpeed(w.v))
		r.fix, r.pushed = -(sep + linearSlop), 0
		if r.fix > 0 {
			r.fix = geom.Min(r.fix*correction, maxLinearCorrection)
			needed = true
		}
	}
	for i := range w.axes {
		x := &w.axes[i]
		x.pushed = 0
		if w.gap > wideGap {
			x.fixLo, x.fixHi = 0, 0 // left to closeWide
		}
		needed = needed || x.fixLo > 0 || x.fixHi > 0
	}
	if !needed {
		return
	}
	for range shiftSweeps {
		change := float32(0)
		for i := range w.axes {
			x := &w.axes[i]
			if x.fixLo == 0 && x.fixHi == 0 {
				continue
			}
			// Push inward by what is still missing; never outward.
			n := x.pushed
			if x.fixLo > 0 {
				n = geom.Max(n+float32(x.em*(x.fixLo-x.speed(w.shift))), 0)
			} else {
				n = geom.Min(n-float32(x.em*(x.fixHi+x.speed(w.shift))), 0)
			}
			d := n - x.pushed
			x.pushed = n
			change = geom.Max(change, geom.Abs(d)*x.k)
			w.shift.add(x.dof, w.resp[x.resp:x.resp+x.n], d)
		}
		for i := range w.rows {
			r := &w.rows[i]
			n := geom.Max(r.pushed-float32(r.emn*(r.normalSpeed(w.shift)-r.fix)), 0)
			if d := n - r.pushed; d != 0 {
				r.pushed = n
				change = geom.Max(change, geom.Abs(d)*r.kn)
				w.push(w.shift, r, d)
			}
		}
		if change < 0.01*linearSlop {
			return
		}
	}
}

// move moves the bodies.
func (w *World) move(dt float32) {
	for _, i := range w.m.moving {
		b, dof := &w.bodies[i], w.m.bodies[i].dof
		v, d := (*[3]float32)(w.v[dof:]), (*[3]float32)(w.shift[dof:])
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
		b, v := &w.bodies[i], (*[3]float32)(w.v[w.m.bodies[i].dof:])
		b.vx, b.vy, b.w = v[0], v[1], v[2]
		b.touch = 0
		if float32(v[0]*v[0])+float32(v[1]*v[1]) > restSpeed*restSpeed || geom.Abs(v[2]) > angularSlop {
			b.rest = 0
		} else {
			b.rest += dt
		}
	}
	for i := range w.axes {
		w.split(&w.axes[i])
	}
	for i := range w.rows {
		r := &w.rows[i]
		c := &w.contacts[r.contact]
		c.ni, c.ti = r.ni, r.ti
		if r.ni > 0 || c.sep <= 0 {
			c.flags |= isTouching
			w.touch(c.a, c.b)
			w.touch(c.b, c.a)
		}
	}
}

func (w *World) touch(body, by uint32) {
	b := &w.bodies[body]
	b.touch |= touchAny
	if w.m.bodies[by].kind == scene.Static {
		b.touch |= touchGround
	}
}
