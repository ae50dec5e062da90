//go:build lanesource

package physics

import (
	"math/bits"
	"unsafe"
)

// A laneGroup steps worlds of one model in lockstep, each in a lane of its own. Its methods are
// those of World with the same operations in the same order for every world, so that the
// results are the same bits. What differs between the worlds is which contacts there are and
// how often the loops run: all run as often as any needs, and do nothing where one does not.
type laneGroup struct {
	land        laneLand
	gap         lanes // largest error of a joint at the beginning of the step
	wild        lanes // 1 for worlds in which tame has stopped a body
	open        lanes // 1 for worlds that are not solved yet
	going       lanes // 1 for those of them that have not converged yet
	exact       lanes // 1 for those of them whose free impulses are being solved for
	live        lanes // 1 for worlds that are stepped here, 0 for others
	count       lanes // contacts
	next        lanes // the grip that the next contact to be solved may be
	rank        lanes // contacts of the pair of shapes that is being looked at
	factors     []lanes
	solution    []lanes // of a tree's constraints
	jacobians   [][6]lanes
	positions   []lanes
	react       []lanes
	dense       []lanes
	image       []lanes // the memory of the worlds, up to the points of grounds, word by word
	bodies      []laneBody
	shapes      []laneShape
	verts       []laneVert
	joints      []laneJoint
	grounds     []laneGround
	views       []laneView // of the grounds
	boxes       []laneBox  // of the shapes
	m           *Model
	now, shift  laneSystem
	coupled     int // rows between which dense is up to date
	ws          []*World
	memory      [laneCount]unsafe.Pointer // of each world
	alone       uint32                    // a bit for each world that is stepped alone
	olds        []laneMemory              // the contacts of the last step
	constraints []laneConstraint
	axes        []laneAxis
	points      []lanePoint
	grips       []laneGrip
	parts       []lanePart // of grips, room for variety of each
	variety     int
	held        []laneHold
	rows        []laneRow
	free        []laneFree
	unknown     [laneCount][maxFree]int32 // which of free the free impulses of each world are
	placed      []uint32                  // of each shape, a bit for each world whose corners are up to date
	beams       []laneBeam                // of the fan
	cast        []lanes                   // as World.cast
	void        []uint32                  // where what nobody wants is written to
	nowhere     [laneCount]unsafe.Pointer // void
	nothing     [laneCount]unsafe.Pointer // noContact
	convoy      *convoy                   // what is brought near meanwhile
	common      bool                      // the image has the shapes of the template
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
	touch           lanes // bits
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

// laneShape is a shape of all worlds, with the fields of shape.
type laneShape struct {
	n, on                 lanes // bits
	radius                lanes
	density               lanes
	friction, restitution lanes
	cx, cy, bound         lanes
}

// laneGround is a ground of all worlds, with the fields of ground.
type laneGround struct {
	n                     lanes // bits
	friction, restitution lanes
	perX                  lanes
}

// laneBox is a bounding box in all worlds.
type laneBox struct{ lox, loy, hix, hiy lanes }

// laneContact is a contact in all worlds, with the fields of contact, of which the integers are bits.
type laneContact struct {
	slot, feature    lanes
	a, b             lanes
	sa, sb           lanes
	flags            lanes
	nx, ny           lanes
	px, py           lanes
	sep              lanes
	ni, ti           lanes
	friction, bounce lanes
}

// A laneMemory is what a contact of the last step hands on, of the words of which these are the first four and the last.
type laneMemory struct{ slot, feature, _, _, ni, ti, _, _ lanes }

// A lanePoint is a contact in those worlds that have one of a pair of shapes there. A world has
// as many points of a slot as it has contacts, in their order.
type lanePoint struct {
	laneContact
	has             lanes // 1 where there is such a contact
	waiting         lanes // 1 where it has no rows and is no sensor's
	needed          lanes // 1 where takeIn finds that it needs them
	least           lanes
	normal, tangent [6]lanes
	bodyA, bodyB    int32
	sensor          bool
	_               [13]int32 // so that all lanes are where a cache line begins
}

func newLaneGroup(m *Model) *laneGroup {
	g := &laneGroup{m: m}
	n := m.dofs + 3 + m.rows
	g.carve()
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
	g.points, g.grips = make([]lanePoint, 0, min(m.layout.contacts, rows)), make([]laneGrip, 0, rows/2)
	g.variety = min(laneCount, len(m.moving))
	g.aim()
	g.parts = make([]lanePart, cap(g.grips)*g.variety)
	g.held = make([]laneHold, 0, cap(g.points)*laneCount)
	g.rows = make([]laneRow, 0, rows)
	g.react = make([]lanes, 0, 2*int(widest)*rows)
	g.dense = make([]lanes, rows*rows)
	g.now.speeds, g.shift.speeds = make([]lanes, rows), make([]lanes, rows)
	g.free = make([]laneFree, 0, rows)
	return g
}

// carve makes the image, and the views of its parts that carve makes of the memory of a world.
func (g *laneGroup) carve() {
	l, m := &g.m.layout, g.m
	at := sizeof[header]() / 4
	bodies := at
	at += l.bodies * sizeof[body]() / 4
	shapes := at
	at += l.shapes * sizeof[shape]() / 4
	verts := at
	at += l.verts * sizeof[vert]() / 4
	joints := at
	at += l.joints * sizeof[joint]() / 4
	grounds := at
	at += l.grounds * sizeof[ground]() / 4
	g.image = make([]lanes, at/4*4+4+sizeof[body]()/4)[:at/4*4+4] // even views of nothing at its end lie within
	g.bodies = unsafe.Slice((*laneBody)(unsafe.Pointer(&g.image[bodies])), l.bodies)
	g.shapes = unsafe.Slice((*laneShape)(unsafe.Pointer(&g.image[shapes])), l.shapes)
	g.verts = unsafe.Slice((*laneVert)(unsafe.Pointer(&g.image[verts])), l.verts)
	g.joints = unsafe.Slice((*laneJoint)(unsafe.Pointer(&g.image[joints])), l.joints)
	g.grounds = unsafe.Slice((*laneGround)(unsafe.Pointer(&g.image[grounds])), l.grounds)
	g.views, g.boxes = make([]laneView, l.grounds), make([]laneBox, l.shapes)
	g.placed = make([]uint32, l.shapes)
	g.olds = make([]laneMemory, 0, maxOld)
	g.void = make([]uint32, max(m.layout.words, sizeof[contact]()/4))
	for l := range laneCount {
		g.nowhere[l], g.nothing[l] = unsafe.Pointer(&g.void[0]), unsafe.Pointer(&noContact)
	}
}

// step advances worlds of the model by dt.
func (t *laneTail) step(ws []*World, dt float32, s *scratch, c *convoy) {
	t.order.sort(ws)
	t.convoy = c
	for ws = t.order.ws; len(ws) > 0; {
		n := min(len(ws), batchOf)
		t.stepBatch(ws[:n], dt, s)
		ws = ws[n:]
	}
}

func (t *laneTail) stepBatch(ws []*World, dt float32, s *scratch) {
	n := 0
	for n*laneCount < len(ws) {
		if n == len(t.groups) {
			t.groups = append(t.groups, newLaneGroup(t.m))
		}
		g := t.groups[n]
		g.convoy = t.convoy
		g.start(ws[n*laneCount:min((n+1)*laneCount, len(ws))], dt)
		n++
	}
	groups := t.groups[:n]
	t.solve(groups)
	for _, g := range groups {
		g.finish(dt, s)
	}
}

// start does what precedes the sweeps. Worlds that the lanes have no room for are stepped alone, which leads to the
// same state.
func (g *laneGroup) start(ws []*World, dt float32) {
	all := uint32(1)<<len(ws) - 1
	g.ws, g.alone = ws, 0
	if len(g.m.joints) > maxFree {
		g.alone = all
	}
	g.load(ws)
	g.convoy.bring()
	g.detect(dt)
	// A world with more rows than maxDense solves them in another way.
	g.leave(bitsOf(g.count > lanes(float32((maxDense-len(g.m.joints))/2))) & all)
	g.convoy.bring()
	g.gather(dt)
	g.prepareJoints()
	g.convoy.bring()
	g.constrain()
	g.convoy.bring()
	g.enter(len(ws))
	g.prepareAxes(dt)
	g.convoy.bring()
	g.prepareContacts(dt)
	g.convoy.bring()
}

// finish does what follows the sweeps.
func (g *laneGroup) finish(dt float32, s *scratch) {
	if some(g.live != 0) {
		g.correct(dt)
		g.convoy.bring()
		g.settle(&g.shift, g.live != 0)
		g.move(dt)
		g.closeWide(s)
		g.convoy.bring()
		g.restitute()
		g.report(dt)
		g.convoy.bring()
		g.save(dt)
		g.castFan()
		g.convoy.bring()
	}
	for i, w := range g.ws {
		if g.alone>>i&1 != 0 {
			w.scratch = s
			w.detect(dt)
			w.advance(dt)
			w.scratch = nil
		}
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
	var from [laneCount]unsafe.Pointer
	for l := range laneCount {
		w := ws[0]
		if l < len(ws) {
			w = ws[l]
		}
		g.memory[l] = unsafe.Pointer(w.head)
	}
	g.loadImage(ws)
	g.convoy.bring()
	l := &g.m.layout
	boxes := 4*l.state + l.verts*sizeof[vert]()
	for i := range g.m.shapes {
		if g.m.shapes[i].moves {
			continue
		}
		for e := range laneCount {
			from[e] = unsafe.Add(g.memory[e], boxes+i*sizeof[aabb]())
		}
		gather(&g.boxes[i].lox, &from, 1)
	}
	g.enter(len(ws))
	g.remember(len(ws))
}

// loadImage loads what precedes the points of grounds. Shapes and corners are mostly those of the template, which
// then are there since another step.
func (g *laneGroup) loadImage(ws []*World) {
	own := uint16(0)
	for _, w := range ws {
		own |= w.own
	}
	first, last := g.m.shapeQuads()
	switch {
	case own != 0 || first >= last:
		gather(&g.image[0], &g.memory, len(g.image)/4)
		g.common = false
		return
	case !g.common:
		var from [laneCount]unsafe.Pointer
		for l := range laneCount {
			from[l] = unsafe.Pointer(&g.m.template[4*first])
		}
		gather(&g.image[4*first], &from, last-first)
		g.common = true
	}
	gather(&g.image[0], &g.memory, first)
	var from [laneCount]unsafe.Pointer
	for l := range laneCount {
		from[l] = unsafe.Add(g.memory[l], 16*last)
	}
	gather(&g.image[4*last], &from, len(g.image)/4-last)
}

// remember loads the contacts of the last step.
func (g *laneGroup) remember(n int) {
	count, all := number(g.image[2]), uint32(1)<<n-1
	if full := all & bitsOf(count > maxOld); full != 0 {
		g.leave(full)
		all &^= full
	}
	g.olds = g.olds[:0]
	contacts := g.m.contactsAt()
	for k := 0; k < maxOld; k++ {
		worlds := all & bitsOf(count > lanes(float32(k)))
		if worlds == 0 {
			break
		}
		from, impulses := g.nothing, g.nothing
		for ; worlds != 0; worlds &= worlds - 1 {
			l := bits.TrailingZeros32(worlds) % laneCount
			from[l] = unsafe.Add(g.memory[l], contacts)
			impulses[l] = unsafe.Add(from[l], unsafe.Offsetof(noContact.ni))
		}
		g.olds = g.olds[:k+1]
		gather(&g.olds[k].slot, &from, 1)
		gather(&g.olds[k].ni, &impulses, 1)
		contacts += sizeof[contact]()
	}
}

// save copies back what a step changes.
func (g *laneGroup) save(dt float32) {
	to := g.nowhere
	var next [laneCount]unsafe.Pointer // contact
	var count [laneCount]uint32
	var keys [laneCount]uint32
	done := (uint32(1)<<len(g.ws) - 1) &^ g.alone
	contacts := g.m.contactsAt()
	for l := range laneCount {
		if done>>l&1 != 0 {
			to[l], next[l] = g.memory[l], unsafe.Add(g.memory[l], contacts)
		}
	}
	l := &g.m.layout
	bodies := sizeof[header]()
	joints := bodies + l.bodies*sizeof[body]() + l.shapes*sizeof[shape]() + l.verts*sizeof[vert]()
	g.restore(&to, bodies, l.bodies*sizeof[body]())
	g.restore(&to, joints, l.joints*sizeof[joint]())
	for i := range g.points {
		p := &g.points[i]
		from, key := g.nowhere, uint32(1)<<min(*wordOf(&p.slot, 0), keySlots-1)
		for has := bitsOf(p.has != 0) & done; has != 0; has &= has - 1 {
			l := bits.TrailingZeros32(has) % laneCount
			from[l] = next[l]
			next[l] = unsafe.Add(next[l], sizeof[contact]())
			count[l]++
			keys[l] |= key
		}
		scatter(&p.slot, &from, sizeof[contact]()/16)
	}
	rows := g.foresee(dt)
	for l, w := range g.ws {
		if done>>l&1 != 0 {
			n := count[l]
			w.head.contacts, w.near, w.key = n, n, keys[l]|uint32(*at(&rows, l))<<keySlots
		}
	}
}

// foresee returns how many contacts of each world are likely to have rows in the next step: those that push, and
// those whose shapes do not part fast.
func (g *laneGroup) foresee(dt float32) (count lanes) {
	v, perDt := g.now.motion, lanes(1/dt)
	for i := range g.points {
		p := &g.points[i]
		da, db := g.m.bodies[p.bodyA].dof, g.m.bodies[p.bodyB].dof
		a, b, j := v[da:da+3], v[db:db+3], &p.normal
		speed := lanes(j[0]*a[0]) + lanes(j[1]*a[1]) + lanes(j[2]*a[2]) +
			(lanes(j[3]*b[0]) + lanes(j[4]*b[1]) + lanes(j[5]*b[2]))
		count += choose(p.has != 0 && (p.ni > 0 || speed+laneMax(lanes(p.sep*perDt)+speed, 0) < caution), 1, 0)
	}
	return count
}

// restore copies a part of the image, of a number of bytes in each world, to the worlds. What lies
// next to it, if it fills up four words, is the same in both.
func (g *laneGroup) restore(to *[laneCount]unsafe.Pointer, start, bytes int) {
	first, last := start/16, (start+bytes+15)/16
	if first == last || bytes == 0 {
		return
	}
	var at [laneCount]unsafe.Pointer
	for l := range laneCount {
		at[l] = unsafe.Add(to[l], 16*first)
	}
	scatter(&g.image[4*first], &at, last-first)
}
