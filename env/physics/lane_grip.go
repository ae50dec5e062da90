//go:build lanesource

package physics

// A laneGrip is a contact in the sweeps of the worlds in which in is not 0. It is not the same in all of
// them: the n-th of each world share one, if that is possible, so that there are as few as can be.
type laneGrip struct {
	in              lanes
	friction        lanes
	least           lanes
	bounce          lanes
	fix             lanes
	sep             lanes
	ni, ti          lanes
	normal, tangent [6]lanes
	parts           []lanePart // by the second body
	bodyA           int32
	row             int32
	_               [8]int32 // so that all lanes are where a cache line begins
}

// A lanePart is the worlds in which the second body of a grip is a certain one.
type lanePart struct {
	in    lanes
	body  int32
	dof   int32     // its first velocity
	first int32     // of the constraints of its tree, that from which on they react
	_     [13]int32 // so that all lanes are where a cache line begins
}

// A laneHold says which point a grip is in the worlds in which in is not 0.
type laneHold struct {
	in          lanes
	point, grip int32
	_           [14]int32 // so that all lanes are where a cache line begins
}

// prepareContacts makes the rows of contacts that are likely to be needed.
func (g *laneGroup) prepareContacts(dt float32) {
	perDt := lanes(1 / dt)
	live := mask(g.live != 0)
	var with mask // contacts
	for i := range g.points {
		p := &g.points[i]
		a, b := &g.bodies[p.bodyA], &g.bodies[p.bodyB]
		rax, ray := p.px-a.x, p.py-a.y
		rbx, rby := p.px-b.x, p.py-b.y
		p.least = -laneMax(p.sep, 0) * perDt
		p.normal = [6]lanes{-p.nx, -p.ny, -(lanes(rax*p.ny) - lanes(ray*p.nx)), p.nx, p.ny, lanes(rbx*p.ny) - lanes(rby*p.nx)}
		p.tangent = [6]lanes{-p.ny, p.nx, lanes(rax*p.nx) + lanes(ray*p.ny), p.ny, -p.nx, -(lanes(rbx*p.nx) + lanes(rby*p.ny))}
		with = with || p.waiting != 0
	}
	with = with && live
	if some(with) {
		g.settle(&g.now, with)
		g.takeIn(-caution, with)
	}
}

// takeIn makes rows for the waiting contacts of the worlds in which in holds that have an
// impulse or whose shapes meet more than that fast, and returns which worlds have any.
func (g *laneGroup) takeIn(fast float32, in mask) (more mask) {
	v := g.now.motion
	for i := range g.points {
		p := &g.points[i]
		da, db := g.m.bodies[p.bodyA].dof, g.m.bodies[p.bodyB].dof
		a, b, j := v[da:da+3], v[db:db+3], &p.normal
		speed := lanes(j[0]*a[0]) + lanes(j[1]*a[1]) + lanes(j[2]*a[2]) +
			(lanes(j[3]*b[0]) + lanes(j[4]*b[1]) + lanes(j[5]*b[2]))
		needed := in && p.waiting != 0 && (p.ni > 0 || speed < p.least-lanes(fast))
		p.needed = choose(needed, 1, 0)
		more = more || needed
	}
	if some(more) {
		first := len(g.grips)
		g.next = lanes(float32(first))
		for i := range g.points {
			if needed := mask(g.points[i].needed != 0); some(needed) {
				g.grip(int32(i), first, needed)
			}
		}
		for i := first; i < len(g.grips); i++ {
			g.addRows(&g.grips[i])
		}
	}
	return more && g.live != 0
}

// grip makes a point grips of the worlds in which in holds: in each the first one from those on that it
// has, or from the given one on, that is of the same first body and tree.
func (g *laneGroup) grip(point int32, first int, in mask) {
	p := &g.points[point]
	p.waiting = choose(in, 0, p.waiting)
	for k := first; some(in); k++ {
		here := in && g.next == lanes(float32(k))
		if !some(here) {
			continue
		}
		if k == len(g.grips) {
			if len(g.rows)+2*(k-first)+2 > cap(g.rows) {
				g.leave(bitsOf(in))
				return
			}
			g.newGrip(p)
		}
		g.next = choose(here, lanes(float32(k+1)), g.next)
		if x := &g.grips[k]; g.shares(x, p) {
			g.fill(x, p, here)
			g.held = g.held[:len(g.held)+1]
			g.held[len(g.held)-1] = laneHold{in: choose(here, 1, 0), point: point, grip: int32(k)}
			in = andNot(in, here)
		}
	}
}

// newGrip appends a grip like p that no world has.
func (g *laneGroup) newGrip(p *lanePoint) {
	k := len(g.grips)
	g.grips = g.grips[:k+1]
	x := &g.grips[k]
	x.in, x.bounce, x.bodyA = 0, 0, p.bodyA
	x.parts = g.parts[k*g.variety : k*g.variety+1]
	x.parts[0] = lanePart{body: p.bodyB}
}

// shares reports whether p can be x in some worlds.
func (g *laneGroup) shares(x *laneGrip, p *lanePoint) bool {
	bodies, b := g.m.bodies, x.parts[0].body
	if x.bodyA != p.bodyA {
		return false
	}
	return b == p.bodyB && len(x.parts) == 1 || bodies[x.bodyA].tree < 0 && bodies[b].tree >= 0 && bodies[b].tree == bodies[p.bodyB].tree
}

// fill makes x the contact p in the worlds in which in holds.
func (g *laneGroup) fill(x *laneGrip, p *lanePoint, in mask) {
	if some(x.in != 0) {
		if in {
			x.friction, x.least, x.sep, x.ni, x.ti = p.friction, p.least, p.sep, p.ni, p.ti
		}
		for i := range x.normal {
			x.normal[i], x.tangent[i] = choose(in, p.normal[i], x.normal[i]), choose(in, p.tangent[i], x.tangent[i])
		}
	} else {
		x.friction, x.least, x.sep, x.ni, x.ti = p.friction, p.least, p.sep, p.ni, p.ti
		x.normal, x.tangent = p.normal, p.tangent
	}
	x.in = choose(in, 1, x.in)
	bouncy := in && p.bounce > 0
	if some(bouncy) {
		vx, vy := laneRelative(&g.bodies[p.bodyA], &g.bodies[p.bodyB], p.px, p.py)
		before := lanes(p.nx*vx) + lanes(p.ny*vy)
		x.bounce = choose(bouncy && before < -bounceThreshold, -p.bounce*before, x.bounce)
	}
	for i := range x.parts {
		if q := &x.parts[i]; q.body == p.bodyB {
			q.in = choose(in, 1, q.in)
			return
		}
	}
	n := len(x.parts)
	x.parts = x.parts[:n+1]
	x.parts[n] = lanePart{body: p.bodyB, in: choose(in, 1, 0)}
}

// addRows makes the rows of a grip.
func (g *laneGroup) addRows(x *laneGrip) {
	x.row = int32(len(g.rows))
	in := mask(x.in != 0)
	b := x.parts[0].body
	if len(x.parts) == 1 {
		g.addPair(&x.normal, &x.tangent, x.bodyA, b, x.ni, x.ti, in)
		return
	}
	t := &g.m.trees[g.m.bodies[b].tree]
	for i := range x.parts {
		p := &x.parts[i]
		p.dof, p.first = g.m.bodies[p.body].dof, t.rows
		for _, l := range g.m.bodies[p.body].links {
			p.first = min(p.first, l.row)
		}
	}
	r := g.newMixedRow(&x.normal, x.bodyA, x.parts, in)
	s := g.newMixedRow(&x.tangent, x.bodyA, x.parts, in)
	r.zb, r.sb, r.nb = g.reactionMixed(t, x)
	s.zb, s.sb, s.nb = r.zb+t.rows, r.sb, r.nb
	g.startRow(r, x.ni, in)
	g.startRow(s, x.ti, in)
}

// newMixedRow is newRow for a second body that differs between worlds.
func (g *laneGroup) newMixedRow(j *[6]lanes, a int32, parts []lanePart, in mask) *laneRow {
	r := g.newRow(j, a, parts[0].body, in)
	r.parts = parts
	for i := range parts {
		p := &parts[i]
		q, at := &g.bodies[p.body], mask(p.in != 0)
		if at {
			r.dof = lanes(float32(p.dof))
			r.m[3], r.m[4], r.m[5] = q.invM*j[3], q.invM*j[4], q.invI*j[5]
		}
	}
	r.k = lanes(j[0]*r.m[0]) + lanes(j[1]*r.m[1]) + lanes(j[2]*r.m[2]) +
		(lanes(j[3]*r.m[3]) + lanes(j[4]*r.m[4]) + lanes(j[5]*r.m[5]))
	return r
}

// reactionMixed is reactionBoth for a second body that differs between worlds, and a first one that no
// joint holds.
func (g *laneGroup) reactionMixed(t *tree, grip *laneGrip) (z, s, n int32) {
	at := len(g.react)
	g.react = g.react[:at+2*int(t.rows)]
	clear(g.react[at:])
	x, y := g.react[at:][:t.rows], g.react[at+int(t.rows):][:t.rows]
	cs := g.constraints[t.row0 : t.row0+t.rows]
	first, last := t.rows, int32(0)
	i, j := &grip.normal, &grip.tangent
	for k := range grip.parts {
		p := &grip.parts[k]
		in := mask(p.in != 0)
		first, last = min(first, p.first), max(last, p.first)
		for _, l := range g.m.bodies[p.body].links {
			m := cs[l.row].m[l.side : l.side+3]
			if in {
				x[l.row] += lanes(i[3]*m[0]) + lanes(i[4]*m[1]) + lanes(i[5]*m[2])
				y[l.row] += lanes(j[3]*m[0]) + lanes(j[4]*m[1]) + lanes(j[5]*m[2])
			}
		}
	}
	k := g.factor(t)
	for c := first; c < last; c++ { // constraints that do not react in all worlds
		var in mask
		for e := range grip.parts {
			if p := &grip.parts[e]; p.first <= c {
				in = in || p.in != 0
			}
		}
		begin, end := t.start[c], t.start[c+1]
		for e, r := range t.row[begin:end] {
			f := k[int(t.rows+begin)+e]
			if in {
				x[r] -= lanes(f * x[c])
				y[r] -= lanes(f * y[c])
			}
		}
		if in {
			x[c], y[c] = x[c]*k[c], y[c]*k[c]
		}
	}
	laneForwardBoth(t, k, x, y, int(last))
	return int32(at) + first, int32(g.m.dofs) + 3 + t.row0 + first, t.rows - first
}
