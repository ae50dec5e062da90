//go:build lanesource

package physics

import (
	"math/bits"
	"unsafe"
)

// detect finds the contacts of the worlds, as World.detect, and makes a point of each.
func (g *laneGroup) detect(dt float32) {
	g.points, g.count = g.points[:0], 0
	clear(g.placed)
	g.reach(dt)
	g.oversee()
	g.convoy.bring()
	for i := range g.m.landing {
		g.detectGround(i, dt)
		g.convoy.bring()
	}
	g.detectPairs(dt)
}

// reach makes the boxes of the shapes that move, grown by the way they can go.
func (g *laneGroup) reach(dt float32) {
	for _, s := range g.m.movers {
		sh, box, b := &g.shapes[s], &g.boxes[s], &g.bodies[g.m.shapes[s].body]
		way := magnitude(b.vx) + magnitude(b.vy) + lanes(magnitude(b.w)*sh.bound)
		x, y := b.x+(lanes(b.c*sh.cx)-lanes(b.s*sh.cy)), b.y+(lanes(b.s*sh.cx)+lanes(b.c*sh.cy))
		r := sh.bound + (speculation + lanes(lanes(dt)*way))
		box.lox, box.loy, box.hix, box.hiy = x-r, y-r, x+r, y+r
	}
}

// margin returns how much a shape's box was grown.
func (g *laneGroup) margin(shape int32) lanes {
	return lanes(0.5*(g.boxes[shape].hix-g.boxes[shape].lox)) - g.shapes[shape].bound
}

// detectGround finds the contacts of pair at of those that land: a shape near a ground.
func (g *laneGroup) detectGround(at int, dt float32) {
	s := &g.m.landing[at]
	v, box := &g.views[s.a], &g.boxes[s.b]
	on := andNot(g.live != 0, sameWord(g.shapes[s.b].on, 0))
	lo, hi := choose(on, box.lox, right()), choose(on, box.hix, -right())
	if !v.covers(lo) {
		g.seat(s.a, lo)
	}
	g.rank = 0
	first, ready := len(g.points), false
	for more := true; more; {
		var worlds [viewKnots]uint32 // of each segment in view, a bit for each world in which it may touch the shape
		segments := uint32(0)        // a bit for each of which there are any
		more = false
		for k := 0; ; k++ {
			if !v.sees(k) {
				more = true
				break
			}
			p, q := &v.knots[k], &v.knots[k+1]
			near := bitsOf(p.x <= hi) & bitsOf(v.left > lanes(float32(k)))
			if near == 0 {
				break
			}
			near &= bitsOf(q.x >= lo) &^ bitsOf(laneMax(p.y, q.y)+skin < box.loy)
			if near == 0 {
				continue
			}
			if !ready {
				g.approach(s)
				ready = true
			}
			if polygons := near & g.land.polygons; polygons != 0 {
				near &^= g.land.parts(p.x, p.y, q.x, q.y, p.nx, p.ny) & polygons
			}
			if near != 0 {
				worlds[k], segments = near, segments|1<<k
			}
		}
		for segments != 0 {
			segments = g.touchNext(at, first, segments, &worlds, dt)
		}
		if more {
			v.advance()
		}
	}
}

// touchNext finds the contacts of pair at with the first segment of each world, of those in view that may touch, and
// returns those that are left.
func (g *laneGroup) touchNext(pair, first int, segments uint32, worlds *[viewKnots]uint32, dt float32) (left uint32) {
	v, l := &g.views[g.m.landing[pair].a], &g.land
	from, taken := v.before, uint32(0)
	var segment lanes
	for ; segments != 0; segments &= segments - 1 {
		k := bits.TrailingZeros32(segments)
		own := worlds[k] &^ taken
		if worlds[k] &^= own; worlds[k] != 0 {
			left |= 1 << k
		}
		taken |= own
		segment = choose(maskOf(own), lanes(float32(k)), segment)
		for ; own != 0; own &= own - 1 {
			e := bits.TrailingZeros32(own) % laneCount
			from[e] = unsafe.Add(from[e], k*sizeof[gvert]())
		}
	}
	gather(&l.px, &from, 3)
	begin, end := mask(v.start+segment == 0), mask(segment == v.left-1)
	l.px, l.py = choose(begin, -1, l.px), choose(begin, 0, l.py)
	l.fx, l.fy, l.last = choose(end, 1, l.fx), choose(end, 0, l.fy), choose(end, 1, 0)
	g.touchDown(pair, first, v.start+segment, taken, dt)
	return left
}

// approach takes in the shape of s.
func (g *laneGroup) approach(s *slot) {
	l, sh, info, gr := &g.land, &g.shapes[s.b], &g.m.shapes[s.b], &g.grounds[s.a]
	l.place(g.verts[info.vert0:info.vert0+info.verts], &g.bodies[info.body])
	l.radius, l.margin = choose(sh.radius > 0, sh.radius, skin), g.margin(s.b)
	l.n, l.polygons = int(*wordOf(&sh.n, 0)), 0
	if l.n > 2 {
		l.polygons = bitsOf(sameWord(sh.n, word(uint32(l.n)))) &^ bitsOf(l.radius > skin)
	}
	l.friction, l.bounce = squareRoot(gr.friction*sh.friction), laneMax(gr.restitution, sh.restitution)
}

// touchDown finds the contacts of a shape with the segments that have been taken in, in some worlds.
func (g *laneGroup) touchDown(at, first int, segment lanes, worlds uint32, dt float32) {
	l := &g.land
	if polygons := worlds & l.polygons; polygons != 0 {
		l.polygon(polygons)
		g.keepAll(at, first, segment, 2, polygons, dt)
	}
	if others := worlds &^ l.polygons; others != 0 {
		n := l.n
		g.touchOthers(at, first, segment, others, dt)
		l.n = n
	}
}

// touchOthers finds the contacts of shapes that differ between worlds, or are round.
func (g *laneGroup) touchOthers(at, first int, segment lanes, worlds uint32, dt float32) {
	s, l := &g.m.landing[at], &g.land
	sh := &g.shapes[s.b]
	thick := bitsOf(l.radius > skin)
	for worlds != 0 { // those with shapes of one kind
		e := bits.TrailingZeros32(worlds)
		n := *wordOf(&sh.n, e)
		in := worlds & bitsOf(sameWord(sh.n, word(n)))
		round := n == 1 || thick>>e&1 != 0
		if n > 1 && round {
			in &= thick
		}
		if !round {
			in &^= thick
		}
		worlds &^= in
		l.n = int(n)
		points := 2
		if round {
			l.round()
			points = l.n
			if l.n == 2 {
				points = 3
			}
		} else {
			in &^= l.parts(l.x1, l.y1, l.x2, l.y2, l.nx, l.ny)
			l.polygon(in)
		}
		g.keepAll(at, first, segment, points, in, dt)
	}
}

// keepAll keeps the points that have been found in some worlds, of so many places.
func (g *laneGroup) keepAll(at, first int, segment lanes, places int, worlds uint32, dt float32) {
	for k := range g.land.p[:places] {
		p := &g.land.p[k]
		if found := worlds & bitsOf(p.on != 0); found != 0 {
			g.keepLanded(at, first, segment, p, found, dt)
		}
	}
}

// keepLanded makes p a point of some worlds.
func (g *laneGroup) keepLanded(at, first int, segment lanes, p *lanePlace, worlds uint32, dt float32) {
	s, l := &g.m.landing[at], &g.land
	a, b := int32(len(g.bodies)-1), g.m.shapes[s.b].body
	if may := worlds & bitsOf(p.reach > 0) & bitsOf(p.sep > 0); may != 0 {
		vx, vy := laneRelative(&g.bodies[a], &g.bodies[b], p.px, p.py)
		worlds &^= may & bitsOf(p.misses(vx, vy, dt))
	}
	if full := worlds & bitsOf(g.count >= lanes(float32(g.m.layout.contacts))); full != 0 {
		g.leave(full)
		worlds &^= full
	}
	feature := featureWord(segment, p.id)
	ni, ti := g.impulses(uint32(at), feature)
	g.count += choose(maskOf(worlds), 1, 0)
	before := g.rank
	g.rank += choose(maskOf(worlds), 1, 0)
	for rank := 0; worlds != 0; rank++ {
		here := worlds & bitsOf(before == lanes(float32(rank)))
		if here == 0 {
			continue
		}
		worlds &^= here
		q := g.point(first+rank, uint32(at), a, b, noShape, uint32(s.b))
		if q == nil {
			g.leave(here)
			continue
		}
		if maskOf(here) {
			q.feature, q.nx, q.ny, q.px, q.py, q.sep = feature, p.nx, p.ny, p.px, p.py, p.sep
			q.ni, q.ti, q.friction, q.bounce = ni, ti, l.friction, l.bounce
			q.has, q.waiting = 1, 1
		}
	}
}

// misses reports where two discs pass each other, as point.misses.
func (p *lanePlace) misses(vx, vy lanes, dt float32) mask {
	d := p.sep + p.reach
	mx, my := vx*lanes(dt), vy*lanes(dt)
	along := lanes(p.nx*mx) + lanes(p.ny*my)
	way := lanes(mx*mx) + lanes(my*my)
	t := laneMin(-d*along/way, 1)
	x, y := lanes(d*p.nx)+lanes(t*mx), lanes(d*p.ny)+lanes(t*my)
	least := p.reach - 2*linearSlop
	passes := mask(lanes(x*x)+lanes(y*y) > lanes(least*least))
	return andNot(passes, along >= 0 || way == 0)
}

// impulses returns those of the last step of a pair of shapes and the features that meet.
func (g *laneGroup) impulses(slot uint32, feature lanes) (ni, ti lanes) {
	pair := word(slot)
	for k := range g.olds {
		o := &g.olds[k]
		same := sameWord(o.slot, pair) && sameWord(o.feature, feature)
		ni, ti = choose(same, o.ni, ni), choose(same, o.ti, ti)
	}
	return ni, ti
}

// point returns point i, which is of a pair of shapes, and nil if there is no room for it. If it is a
// new one, no world has it.
func (g *laneGroup) point(i int, slot uint32, a, b int32, sa, sb uint32) *lanePoint {
	if i < len(g.points) {
		return &g.points[i]
	}
	if i >= cap(g.points) {
		return nil
	}
	g.points = g.points[:i+1]
	p := &g.points[i]
	p.slot, p.a, p.b, p.sa, p.sb, p.flags = word(slot), word(uint32(a)), word(uint32(b)), word(sa), word(sb), 0
	p.has, p.waiting = 0, 0
	p.bodyA, p.bodyB, p.sensor = a, b, false
	return p
}

// detectPairs finds the contacts of shapes with shapes.
func (g *laneGroup) detectPairs(dt float32) {
	for i := range g.m.pairs {
		s := &g.m.pairs[i]
		p, q := &g.boxes[s.a], &g.boxes[s.b]
		near := andNot(g.live != 0, p.hix < q.lox || q.hix < p.lox || p.hiy < q.loy || q.hiy < p.loy)
		if !some(near) {
			continue
		}
		near = andNot(near, sameWord(g.shapes[s.a].on, 0) || sameWord(g.shapes[s.b].on, 0))
		g.rank = 0
		first, slot := len(g.points), uint32(len(g.m.landing)+i)
		for worlds := bitsOf(near); worlds != 0; worlds &= worlds - 1 {
			g.detectPair(bits.TrailingZeros32(worlds), first, slot, s, dt)
		}
	}
}

// detectPair finds the contacts of two shapes in one world.
func (g *laneGroup) detectPair(world, first int, slot uint32, s *slot, dt float32) {
	w := g.ws[world]
	ha, hb := g.hull(w, world, s.a), g.hull(w, world, s.b)
	x := g.margin(s.b)
	margin := *at(&x, world)
	if g.m.shapes[s.a].moves {
		x = g.margin(s.a)
		margin += *at(&x, world)
	}
	if s.sensor {
		margin = 0
	}
	var m manifold
	m.collide(&ha, &hb, margin)
	if m.n == 0 {
		return
	}
	c := w.pairContact(slot, s)
	if s.sensor {
		m.n = 1
	}
	for i := range m.p[:m.n] {
		p := &m.p[i]
		if w.passes(p, &c, dt) {
			continue
		}
		c.feature, c.nx, c.ny, c.px, c.py, c.sep = p.id, p.nx, p.ny, p.px, p.py, p.sep
		g.keepPair(world, first, s.sensor, &c)
	}
}

// hull returns a shape in world coordinates.
func (g *laneGroup) hull(w *World, world int, shape int32) hull {
	info, sh := &g.m.shapes[shape], &w.shapes[shape]
	if info.moves && g.placed[shape]>>world&1 == 0 {
		g.placed[shape] |= 1 << world
		w.place(int(shape))
	}
	return hull{w.world[info.vert0:][:sh.n], sh.thickness()}
}

// keepPair makes c a point of one world.
func (g *laneGroup) keepPair(world, first int, sensor bool, c *contact) {
	rank := at(&g.rank, world)
	p := g.point(first+int(*rank), c.slot, int32(c.a), int32(c.b), c.sa, c.sb)
	if p == nil || int(*at(&g.count, world)) >= g.m.layout.contacts {
		g.leave(1 << world)
		return
	}
	*rank++
	*at(&g.count, world)++
	*at(&p.nx, world), *at(&p.ny, world), *at(&p.px, world), *at(&p.py, world), *at(&p.sep, world) = c.nx, c.ny, c.px, c.py, c.sep
	*at(&p.friction, world), *at(&p.bounce, world) = c.friction, c.bounce
	*at(&p.ni, world), *at(&p.ti, world) = 0, 0
	*wordOf(&p.feature, world) = c.feature
	for k := range g.olds {
		if o := &g.olds[k]; *wordOf(&o.slot, world) == c.slot && *wordOf(&o.feature, world) == c.feature {
			*at(&p.ni, world), *at(&p.ti, world) = *at(&o.ni, world), *at(&o.ti, world)
		}
	}
	*at(&p.has, world) = 1
	if p.sensor = sensor; sensor {
		p.flags = word(isSensor | isTouching)
	} else {
		*at(&p.waiting, world) = 1
	}
}
