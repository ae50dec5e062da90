package physics

import (
	"github.com/terrarium-rl/terrarium/env/geom"
)

// speculation is the least distance, in m, at which a contact is made ready in advance; to it
// comes the way that the two shapes can go in a step.
const speculation = 4 * linearSlop

// detect finds all contact points. Shapes that may meet within the step, judging by their
// velocities, get contacts ahead of time ("speculative contacts"), which only forbid passing
// through: so nothing tunnels, however fast.
func (w *World) detect(dt float32) {
	old := w.remember()
	w.reach(dt)
	for i := range w.m.landing {
		s := &w.m.landing[i]
		if w.shapes[s.b].on != 0 {
			w.detectGround(uint32(i), s, dt, &old)
		}
	}
	w.detectPairs(dt, &old)
}

// reach grows the boxes of the shapes that move by the way they can go.
func (w *World) reach(dt float32) {
	for _, s := range w.m.movers {
		b := &w.bodies[w.m.shapes[s].body]
		way := geom.Abs(b.vx) + geom.Abs(b.vy) + float32(geom.Abs(b.w)*w.shapes[s].bound)
		w.box(int(s), speculation+float32(dt*way))
		w.fresh[s] = 0
	}
}

// detectPairs finds the contact points of shapes with shapes.
func (w *World) detectPairs(dt float32, old *recall) {
	base := uint32(len(w.m.landing))
	boxes := w.boxes
	for i := range w.m.pairs {
		s := &w.m.pairs[i]
		p, q := &boxes[s.a], &boxes[s.b]
		if p.hix < q.lox || q.hix < p.lox || p.hiy < q.loy || q.hiy < p.loy {
			continue
		}
		if w.shapes[s.a].on != 0 && w.shapes[s.b].on != 0 {
			w.detectPair(base+uint32(i), s, dt, old)
		}
	}
}

// remember takes the contacts away and keeps their impulses for warm starting.
func (w *World) remember() (old recall) {
	old.list = w.old[:w.head.contacts]
	for i := range old.list {
		c := &w.contacts[i]
		old.list[i] = memory{c.slot, c.feature, c.ni, c.ti}
	}
	w.head.contacts = 0
	return old
}

// recall finds the impulses of the last step. Slots and segments are visited in the same order
// in every step, so one walk along the list does.
type recall struct {
	list []memory
	at   int
}

// seek moves to the first memory of a slot and of features from part on.
func (r *recall) seek(slot, part uint32) {
	for r.at < len(r.list) {
		m := &r.list[r.at]
		if m.slot > slot || m.slot == slot && m.feature >= part {
			return
		}
		r.at++
	}
}

// impulses returns those of the given slot and feature, which seek has brought near.
func (r *recall) impulses(slot, feature uint32) (ni, ti float32) {
	for i := r.at; i < len(r.list) && i < r.at+3; i++ {
		if m := &r.list[i]; m.slot == slot && m.feature == feature {
			return m.ni, m.ti
		}
	}
	return 0, 0
}

// hull returns a shape in world coordinates.
func (w *World) hull(shape int32) hull {
	if w.fresh[shape] == 0 {
		w.fresh[shape] = 1
		if w.m.shapes[shape].moves {
			w.place(int(shape))
		}
	}
	s := &w.shapes[shape]
	return hull{w.world[w.m.shapes[shape].vert0:][:s.n], s.thickness()}
}

// featureBits is the room for the features of one segment; the segment's number lies above.
const featureBits = 12

func (w *World) detectGround(slot uint32, s *slot, dt float32, old *recall) {
	v := w.groundVerts(int(s.a))
	box := &w.boxes[s.b]
	if box.hix < v[0].x || box.lox > v[len(v)-1].x {
		return
	}
	var h hull
	var m manifold
	for i := segmentAt(v, w.grounds[s.a].perX, box.lox); i+1 < len(v) && v[i].x <= box.hix; i++ {
		if geom.Max(v[i].y, v[i+1].y)+skin < box.loy {
			continue
		}
		if h.v == nil {
			h = w.hull(s.b)
		}
		seg := segmentOf(v, i)
		m.land(&seg, &h, w.margin(s.b))
		if m.n > 0 {
			w.keepLanded(&m, slot, s, i, old, dt)
		}
	}
}

// keepLanded stores the points of a shape and segment i of a ground.
func (w *World) keepLanded(m *manifold, at uint32, s *slot, i int, old *recall, dt float32) {
	part := uint32(i) << featureBits
	old.seek(at, part)
	g, bs := &w.grounds[s.a], &w.shapes[s.b]
	w.keep(m, contact{
		slot: at, feature: part, a: uint32(len(w.bodies) - 1), b: uint32(w.m.shapes[s.b].body), sa: noShape, sb: uint32(s.b),
		friction: geom.Sqrt(g.friction * bs.friction), bounce: geom.Max(g.restitution, bs.restitution),
	}, old, dt)
}

// margin returns how much a shape's box was grown.
func (w *World) margin(shape int32) float32 {
	return float32(0.5*(w.boxes[shape].hix-w.boxes[shape].lox)) - w.shapes[shape].bound
}

func (w *World) detectPair(slot uint32, s *slot, dt float32, old *recall) {
	ha, hb := w.hull(s.a), w.hull(s.b)
	margin := w.margin(s.b)
	if w.m.shapes[s.a].moves {
		margin += w.margin(s.a)
	}
	if s.sensor {
		margin = 0
	}
	var m manifold
	m.collide(&ha, &hb, margin)
	if m.n == 0 {
		return
	}
	old.seek(slot, 0)
	as, bs := &w.shapes[s.a], &w.shapes[s.b]
	c := contact{
		slot: slot, a: uint32(w.m.shapes[s.a].body), b: uint32(w.m.shapes[s.b].body), sa: uint32(s.a), sb: uint32(s.b),
		friction: geom.Sqrt(as.friction * bs.friction), bounce: geom.Max(as.restitution, bs.restitution),
	}
	if s.sensor {
		c.flags = isSensor | isTouching
		m.n = 1
	}
	w.keep(&m, c, old, dt)
}

// keep stores the points of m as contacts like c, to whose feature their own numbers are added. Points
// that find no room are dropped.
func (w *World) keep(m *manifold, c contact, old *recall, dt float32) {
	for i := range m.p[:m.n] {
		p := &m.p[i]
		if p.sep > 0 && p.reach > 0 {
			vx, vy := relative(&w.bodies[c.a], &w.bodies[c.b], p.px, p.py)
			if p.misses(vx, vy, dt) {
				continue
			}
		}
		if int(w.head.contacts) == len(w.contacts) {
			w.head.dropped++
			return
		}
		to := &w.contacts[w.head.contacts] // field by field: a copy of the whole would wait for what was just written
		to.slot, to.feature = c.slot, c.feature|p.id
		to.a, to.b, to.sa, to.sb, to.flags = c.a, c.b, c.sa, c.sb, c.flags
		to.nx, to.ny, to.px, to.py, to.sep = p.nx, p.ny, p.px, p.py, p.sep
		to.ni, to.ti = old.impulses(c.slot, to.feature)
		to.friction, to.bounce = c.friction, c.bounce
		w.head.contacts++
	}
}
