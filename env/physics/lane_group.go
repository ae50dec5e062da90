//go:build lanesource

package physics

// A laneGroup steps worlds of one model in lockstep, each in a lane of its own. Its methods are
// those of World with the same operations in the same order for every world, so that the
// results are the same bits. What differs between the worlds is which contacts there are and
// how often the loops run: all run as often as any needs, and do nothing where one does not.
type laneGroup struct {
	gx, gy      lanes
	gap         lanes // largest error of a joint at the beginning of the step
	wild        lanes // 1 for worlds in which tame has stopped a body
	open        lanes // 1 for worlds that are not solved yet
	live        lanes // 1 for worlds that are stepped here, 0 for others
	factors     []lanes
	solution    []lanes // of a tree's constraints
	jacobians   [][6]lanes
	positions   []lanes
	react       []lanes
	dense       []lanes
	matrix      []lanes
	m           *Model
	bodies      []laneBody
	joints      []laneJoint
	now, shift  laneSystem
	left        uint32 // a bit for each world that has not converged yet
	ws          []*World
	alone       uint32 // a bit for each world that is stepped alone
	constraints []laneConstraint
	axes        []laneAxis
	points      []lanePoint
	grips       []laneGrip
	rows        []laneRow
	free        []laneFree
	unknowns    []laneUnknown
	unknown     [laneCount][]int32 // which of free each is
	next, count [laneCount]int     // while lining up: the next contact of each world, and how many it has
}

// laneBody is a body of all worlds. Its fields are those of body, in the same order.
type laneBody struct {
	x, y, a         lanes
	s, c            lanes
	vx, vy, w       lanes
	invM, invI      lanes
	lcx, lcy        lanes
	fx, fy, t       lanes
	linear, angular lanes
	mass, inertia   lanes
	rest            lanes
	touch           lanes // unused
}

// laneJoint is a joint of all worlds, with the fields of joint.
type laneJoint struct {
	ax, ay, bx, by lanes
	ux, uy         lanes
	reference      lanes
	length         lanes
	lo, hi         lanes
	speed, max     lanes
	im, il         lanes
}

// A lanePoint is a contact in those worlds that have one of a pair of shapes there. A world has
// as many points of a slot as it has contacts, in their order.
type lanePoint struct {
	nx, ny, px, py, sep lanes
	ni, ti              lanes
	friction, bounce    lanes
	waiting             lanes // 1 where there is such a contact and it has no rows
	needed              lanes // 1 where takeIn finds that it needs them
	least               lanes
	normal, tangent     [6]lanes
	a, b                int32
	index               [laneCount]int32 // of the contact in each world; -1 for none
	_                   [14]int32        // so that all lanes are where a cache line begins
}

func newLaneGroup(m *Model) *laneGroup {
	g := &laneGroup{m: m}
	n := m.dofs + 3 + m.rows
	g.bodies, g.joints = make([]laneBody, len(m.bodies)), make([]laneJoint, len(m.joints))
	g.now.motion, g.shift.motion = make(laneMotion, n), make(laneMotion, n)
	g.constraints = make([]laneConstraint, m.rows)
	entries, widest := int32(0), int32(0)
	for i := range m.trees {
		t := &m.trees[i]
		entries += t.rows + t.entries
		widest = max(widest, t.rows)
	}
	g.factors, g.solution = make([]lanes, entries), make([]lanes, widest)
	for i := range m.joints {
		j := &m.joints[i]
		t := &m.trees[m.jointTree(i)]
		for r := range j.rows {
			c := &g.constraints[j.row0+r]
			c.a, c.b = m.inTree(t, j.a), m.inTree(t, j.b)
		}
	}
	g.jacobians, g.positions = make([][6]lanes, len(m.joints)), make([]lanes, len(m.joints))
	g.axes = make([]laneAxis, 0, len(m.joints))
	rows := m.laneRows()
	g.points, g.grips = make([]lanePoint, 0, rows/2), make([]laneGrip, 0, rows)
	g.rows = make([]laneRow, 0, rows)
	g.react = make([]lanes, 0, 2*int(widest)*rows)
	g.dense = make([]lanes, rows*rows)
	g.now.speeds, g.shift.speeds = make([]lanes, rows), make([]lanes, rows)
	g.free = make([]laneFree, 0, rows)
	g.unknowns = make([]laneUnknown, 0, maxFree)
	for l := range g.unknown {
		g.unknown[l] = make([]int32, 0, maxFree)
	}
	g.matrix = make([]lanes, 2*maxFree*maxFree)
	return g
}

// step advances worlds of the model, at most as many as the groups have lanes, by dt.
func (t *laneTail) step(ws []*World, dt float32, s *scratch) {
	for _, w := range ws {
		w.scratch = s
	}
	t.lands.detect(ws, dt)
	t.order.sort(ws)
	ws = t.order.ws
	n := 0
	for n*laneCount < len(ws) {
		if n == len(t.groups) {
			t.groups = append(t.groups, newLaneGroup(t.m))
		}
		t.groups[n].start(ws[n*laneCount:min((n+1)*laneCount, len(ws))], dt)
		n++
	}
	groups := t.groups[:n]
	t.solve(groups)
	for _, g := range groups {
		g.finish(dt, s)
	}
}

// start does what precedes the sweeps. Worlds that the lanes have no room for, or that need
// closeWide, are stepped alone, which leads to the same state.
func (g *laneGroup) start(ws []*World, dt float32) {
	all := uint32(1)<<len(ws) - 1
	g.ws = ws
	g.alone = 0
	for i, w := range ws {
		if !g.m.fits(w) {
			g.alone |= 1 << i
		}
	}
	g.load(ws)
	g.merge(ws)
	g.gather(dt)
	g.prepareJoints()
	g.constrain()
	g.leave(bitsOf(g.gap > wideGap) & all)
	g.enter(len(ws))
	g.prepareAxes(dt)
	g.prepareContacts(dt)
}

// finish does what follows the sweeps.
func (g *laneGroup) finish(dt float32, s *scratch) {
	if some(g.live != 0) {
		g.correct(dt)
		g.settle(&g.shift, g.live != 0)
		g.move(dt)
		g.restitute()
		g.report(dt)
		g.save(g.ws)
	}
	for i, w := range g.ws {
		if g.alone>>i&1 != 0 {
			w.advance(dt)
		}
		w.scratch = nil
	}
}

// leave makes worlds be stepped alone.
func (g *laneGroup) leave(worlds uint32) {
	g.alone |= worlds
	for i := range laneCount {
		if worlds>>i&1 != 0 {
			*at(&g.live, i) = 0
		}
	}
}

// enter marks which of n worlds are stepped here.
func (g *laneGroup) enter(n int) {
	for i := range laneCount {
		*at(&g.live, i) = 0
		if i < n && g.alone>>i&1 == 0 {
			*at(&g.live, i) = 1
		}
	}
}

// load copies the worlds into their lanes; lanes without a world get the first once more.
func (g *laneGroup) load(ws []*World) {
	for l := range laneCount {
		w := ws[0]
		if l < len(ws) {
			w = ws[l]
		}
		*at(&g.gx, l), *at(&g.gy, l) = w.head.gx, w.head.gy
		for i := range w.bodies {
			p, q := &w.bodies[i], &g.bodies[i]
			*at(&q.x, l), *at(&q.y, l), *at(&q.a, l) = p.x, p.y, p.a
			*at(&q.s, l), *at(&q.c, l) = p.s, p.c
			*at(&q.vx, l), *at(&q.vy, l), *at(&q.w, l) = p.vx, p.vy, p.w
			*at(&q.invM, l), *at(&q.invI, l) = p.invM, p.invI
			*at(&q.lcx, l), *at(&q.lcy, l) = p.lcx, p.lcy
			*at(&q.fx, l), *at(&q.fy, l), *at(&q.t, l) = p.fx, p.fy, p.t
			*at(&q.linear, l), *at(&q.angular, l) = p.linear, p.angular
			*at(&q.rest, l) = p.rest
		}
		for i := range w.joints {
			p, q := &w.joints[i], &g.joints[i]
			*at(&q.ax, l), *at(&q.ay, l), *at(&q.bx, l), *at(&q.by, l) = p.ax, p.ay, p.bx, p.by
			*at(&q.ux, l), *at(&q.uy, l), *at(&q.reference, l), *at(&q.length, l) = p.ux, p.uy, p.reference, p.length
			*at(&q.lo, l), *at(&q.hi, l), *at(&q.speed, l), *at(&q.max, l) = p.lo, p.hi, p.speed, p.max
			*at(&q.im, l), *at(&q.il, l) = p.im, p.il
		}
	}
}

// save copies back what a step changes.
func (g *laneGroup) save(ws []*World) {
	for l, w := range ws {
		if g.alone>>l&1 != 0 {
			continue
		}
		for _, i := range g.m.moving {
			p, q := &w.bodies[i], &g.bodies[i]
			p.x, p.y, p.a = *at(&q.x, l), *at(&q.y, l), *at(&q.a, l)
			p.s, p.c = *at(&q.s, l), *at(&q.c, l)
			p.vx, p.vy, p.w = *at(&q.vx, l), *at(&q.vy, l), *at(&q.w, l)
			p.fx, p.fy, p.t = 0, 0, 0
			p.rest, p.touch = *at(&q.rest, l), 0
		}
		for i := range w.joints {
			p, q := &w.joints[i], &g.joints[i]
			p.im, p.il = *at(&q.im, l), *at(&q.il, l)
		}
	}
	for i := range g.points {
		p := &g.points[i]
		for l, k := range p.index {
			if k < 0 || l >= len(ws) || g.alone>>l&1 != 0 {
				continue
			}
			c := &ws[l].contacts[k]
			c.ni, c.ti = *at(&p.ni, l), *at(&p.ti, l)
			ws[l].reportContact(c)
		}
	}
}

// merge lines up the contacts of the worlds. If there are too many points in all, the worlds with
// the most contacts are stepped alone.
func (g *laneGroup) merge(ws []*World) {
	for !g.lineUp(ws) {
		most, at := -1, 0
		for l, w := range ws {
			if n := int(w.head.contacts); g.alone>>l&1 == 0 && n > most {
				most, at = n, l
			}
		}
		g.alone |= 1 << at
	}
}

// lineUp makes the points, and reports whether there is room for them.
func (g *laneGroup) lineUp(ws []*World) bool {
	g.points = g.points[:0]
	for l, w := range ws {
		g.next[l], g.count[l] = 0, 0
		if g.alone>>l&1 == 0 {
			g.count[l] = int(w.head.contacts)
		}
	}
	for {
		slot := uint32(noShape)
		for l, w := range ws {
			for g.next[l] < g.count[l] && w.contacts[g.next[l]].flags&isSensor != 0 {
				g.next[l]++
			}
			if g.next[l] < g.count[l] {
				slot = min(slot, w.contacts[g.next[l]].slot)
			}
		}
		if slot == noShape {
			return true
		}
		if len(g.points) == cap(g.points) {
			return false
		}
		g.points = g.points[:len(g.points)+1]
		p := &g.points[len(g.points)-1]
		p.waiting = 0
		for l := range laneCount {
			p.index[l] = -1
		}
		for l, w := range ws {
			k := g.next[l]
			if k == g.count[l] || w.contacts[k].slot != slot {
				continue
			}
			c := &w.contacts[k]
			g.next[l]++
			p.index[l], p.a, p.b = int32(k), int32(c.a), int32(c.b)
			*at(&p.nx, l), *at(&p.ny, l), *at(&p.px, l), *at(&p.py, l), *at(&p.sep, l) = c.nx, c.ny, c.px, c.py, c.sep
			*at(&p.ni, l), *at(&p.ti, l), *at(&p.friction, l), *at(&p.bounce, l) = c.ni, c.ti, c.friction, c.bounce
			*at(&p.waiting, l) = 1
		}
	}
}
