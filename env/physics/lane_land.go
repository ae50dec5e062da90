//go:build lanesource

package physics

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// A laneVert is a corner of a shape, and the normal of the edge that starts there.
type laneVert struct{ x, y, nx, ny lanes }

// A laneLand is shapes near segments of grounds, a pair a lane: of any worlds of a model, as land
// looks at them one by one. All shapes have the same number of corners.
type laneLand struct {
	x1, y1, x2, y2 lanes // the segment, as in stretch
	nx, ny, length lanes
	px, py, fx, fy lanes
	last           lanes                      // 1 if it is
	v              [scene.MaxCorners]laneVert // corners: local, then in the world
	x, y, s, c     lanes                      // pose of the shape
	radius, margin lanes                      // of the shape, and how near it has to be
	p              [3]lanePlace               // what was found
	n, count       int                        // corners, pairs
	near           [laneCount]int32           // which of the pairs of laneLands these are
	_              [12]int32                  // so that all lanes are where a cache line begins
}

// A lanePlace is a point where hulls touch or are about to, in the lanes in which on is 1.
type lanePlace struct {
	on     lanes
	nx, ny lanes
	px, py lanes
	sep    lanes
	reach  lanes
	id     lanes
}

// add makes p a point, as manifold.add does, where on holds, and none elsewhere.
func (p *lanePlace) add(on mask, x, y, nx, ny, d, ra, rb, id lanes) {
	mid := 0.5 * (lanes(d-ra) + rb)
	p.on = choose(on, 1, 0)
	p.nx, p.ny, p.px, p.py = nx, ny, x-lanes(nx*mid), y-lanes(ny*mid)
	p.sep, p.reach, p.id = d-ra-rb, 0, id
}

// place takes the corners from the shape into the world.
func (l *laneLand) place() {
	for i := range l.v[:l.n] {
		v := &l.v[i]
		x, y, nx, ny := v.x, v.y, v.nx, v.ny
		v.x, v.y = l.x+(lanes(l.c*x)-lanes(l.s*y)), l.y+(lanes(l.s*x)+lanes(l.c*y))
		v.nx, v.ny = lanes(l.c*nx)-lanes(l.s*ny), lanes(l.s*nx)+lanes(l.c*ny)
	}
}

func laneBetween(ax, ay, bx, by, nx, ny lanes) mask {
	return lanes(ax*by)-lanes(ay*bx) < 0 && lanes(ax*ny)-lanes(ay*nx) <= 0 && lanes(nx*by)-lanes(ny*bx) <= 0
}

// round finds the points of circles and capsules, as landRound.
func (l *laneLand) round() {
	reach := l.radius + skin + l.margin
	for i := range l.v[:l.n] {
		v := &l.v[i]
		u := lanes((v.x-l.x1)*l.ny) - lanes((v.y-l.y1)*l.nx)
		before := mask(u < 0)
		over := andNot(u <= l.length, before)
		after := andNot(andNot(l.last != 0, before), over)
		d := lanes((v.x-l.x1)*l.nx) + lanes((v.y-l.y1)*l.ny)
		p := &l.p[i]
		p.add(over && d <= reach, v.x, v.y, l.nx, l.ny, d, skin, l.radius, lanes(float32(i)))
		if end := before || after; some(end) {
			l.corner(p, v, before, end, lanes(float32(i)))
		}
	}
	if l.n == 2 {
		l.side(reach)
	}
}

// corner finds the points at the ends of segments where end holds, at their beginnings where
// before does, as landCorner.
func (l *laneLand) corner(p *lanePlace, v *laneVert, before, end mask, i lanes) {
	cx, cy := choose(before, l.x1, l.x2), choose(before, l.y1, l.y2)
	dx, dy := v.x-cx, v.y-cy
	free := laneBetween(choose(before, l.px, l.nx), choose(before, l.py, l.ny), choose(before, l.nx, l.fx), choose(before, l.ny, l.fy), dx, dy)
	reach := skin + l.radius + l.margin
	d2 := lanes(dx*dx) + lanes(dy*dy)
	free = free && end && !mask(d2 > lanes(reach*reach))
	if !some(free) {
		return
	}
	d := squareRoot(d2)
	tiny := mask(d < 1e-9)
	var q lanePlace
	q.add(free, v.x, v.y, choose(tiny, 0, dx/d), choose(tiny, 1, dy/d), choose(tiny, 0, d), skin, l.radius, i+choose(before, 0x10, 0x20))
	if free {
		p.on, p.nx, p.ny, p.px, p.py, p.sep, p.id = 1, q.nx, q.ny, q.px, q.py, q.sep, q.id
		p.reach = choose(tiny, 0, skin+l.radius)
	}
}

// side finds the points of the corners of grounds under the sides of capsules.
func (l *laneLand) side(reach lanes) {
	p, q := &l.v[0], &l.v[1]
	tx, ty := q.x-p.x, q.y-p.y
	u := lanes((l.x1-p.x)*tx) + lanes((l.y1-p.y)*ty)
	on := !mask(u <= 0 || u >= lanes(tx*tx)+lanes(ty*ty))
	l.p[2].on = 0
	for i := range l.v[:2] {
		nx, ny := -l.v[i].nx, -l.v[i].ny
		d := lanes((l.x1-p.x)*nx) + lanes((l.y1-p.y)*ny)
		hit := on && laneBetween(l.px, l.py, l.nx, l.ny, nx, ny) && -d <= reach
		if some(hit) {
			var r lanePlace
			r.add(hit, l.x1-lanes(nx*d), l.y1-lanes(ny*d), nx, ny, -d, skin, l.radius, lanes(float32(i|0x30)))
			t := &l.p[2]
			if hit {
				t.on, t.nx, t.ny, t.px, t.py, t.sep, t.reach, t.id = 1, r.nx, r.ny, r.px, r.py, r.sep, 0, r.id
			}
			on = andNot(on, hit)
		}
	}
}

// polygon finds the points of polygons, as landPolygon.
func (l *laneLand) polygon() {
	reach := l.radius + skin + l.margin
	sep := lanes(1e30)
	for i := range l.v[:l.n] {
		d := lanes((l.v[i].x-l.x1)*l.nx) + lanes((l.v[i].y-l.y1)*l.ny)
		sep = choose(d < sep, d, sep)
	}
	on := !mask(sep > reach)
	best := lanes(-1e30)
	var f laneFaces
	for i := range l.v[:l.n] {
		e := &l.v[i]
		d1 := lanes((l.x1-e.x)*e.nx) + lanes((l.y1-e.y)*e.ny)
		d2 := lanes((l.x2-e.x)*e.nx) + lanes((l.y2-e.y)*e.ny)
		d := laneMin(d1, d2)
		on = andNot(on, d > reach)
		if !some(on) {
			break
		}
		first := mask(d1 < d2) // the end of the segment that is nearest
		better := !mask(d <= best || d <= sep) &&
			laneBetween(choose(first, l.px, l.nx), choose(first, l.py, l.ny), choose(first, l.nx, l.fx), choose(first, l.ny, l.fy), -e.nx, -e.ny)
		if better {
			best = d
			f.edge = lanes(float32(i))
			f.r1x, f.r1y, f.nx, f.ny = e.x, e.y, e.nx, e.ny
			f.r2x, f.r2y = l.v[next(i, l.n)].x, l.v[next(i, l.n)].y
		}
	}
	if !some(on) {
		l.p[0].on, l.p[1].on = 0, 0
		return
	}
	own := mask(best > sep+0.1*linearSlop) // the edge is one of the polygon
	l.face(&f, own)
	l.clip(&f, own, on, reach)
}

// laneFaces is the edges that clip looks at: the one from r1 to r2, with normal n, and the one from q1
// to q2 that faces it.
type laneFaces struct {
	r1x, r1y, r2x, r2y, nx, ny lanes
	q1x, q1y, q2x, q2y         lanes
	edge, facing               lanes // their numbers
}

// face completes f: the polygon's edge is there, which counts where own holds.
func (l *laneLand) face(f *laneFaces, own mask) {
	least := lanes(1e30)
	var q1x, q1y, q2x, q2y, facing lanes
	for i := range l.v[:l.n] {
		v, w := &l.v[i], &l.v[next(i, l.n)]
		if s := lanes(v.nx*l.nx) + lanes(v.ny*l.ny); s < least {
			least, facing = s, lanes(float32(i))
			q1x, q1y, q2x, q2y = v.x, v.y, w.x, w.y
		}
	}
	// The segment is a hull of two edges, the upper one first, which leads to the left.
	up := lanes(l.nx*f.nx) + lanes(l.ny*f.ny)
	lower := mask(lanes(-l.nx*f.nx)+lanes(-l.ny*f.ny) < choose(up < 1e30, up, 1e30))
	f.q1x, f.q1y = choose(own, choose(lower, l.x1, l.x2), q1x), choose(own, choose(lower, l.y1, l.y2), q1y)
	f.q2x, f.q2y = choose(own, choose(lower, l.x2, l.x1), q2x), choose(own, choose(lower, l.y2, l.y1), q2y)
	f.facing = choose(own, choose(lower, 1, 0), facing)
	f.r1x, f.r1y, f.r2x, f.r2y = choose(own, f.r1x, l.x2), choose(own, f.r1y, l.y2), choose(own, f.r2x, l.x1), choose(own, f.r2y, l.y1)
	f.nx, f.ny, f.edge = choose(own, f.nx, l.nx), choose(own, f.ny, l.ny), choose(own, f.edge, 0)
}

// clip finds the points at the ends of one edge on the other, as manifold.clip, and drops what dropShared
// does. The edge from r1 to r2 is the polygon's where own holds, otherwise the ground's.
func (l *laneLand) clip(f *laneFaces, own, on mask, reach lanes) {
	nx, ny := f.nx, f.ny
	tx, ty := -ny, nx
	length := lanes((f.r2x-f.r1x)*tx) + lanes((f.r2y-f.r1y)*ty)
	ua := lanes((f.q2x-f.r1x)*tx) + lanes((f.q2y-f.r1y)*ty)
	ub := lanes((f.q1x-f.r1x)*tx) + lanes((f.q1y-f.r1y)*ty)
	id := choose(own, 0x800, 0) + lanes(f.edge*8) + f.facing
	swap := mask(ub < ua)
	u1, u2 := choose(swap, ub, ua), choose(swap, ua, ub)
	x1, y1 := choose(swap, f.q1x, f.q2x), choose(swap, f.q1y, f.q2y)
	x2, y2 := choose(swap, f.q2x, f.q1x), choose(swap, f.q2y, f.q1y)
	id1, id2 := id+choose(swap, 0x200, 0x100), id+choose(swap, 0x100, 0x200)
	on = andNot(on, u2 < 0 || u1 > length)
	d1 := lanes((x1-f.r1x)*nx) + lanes((y1-f.r1y)*ny)
	d2 := lanes((x2-f.r1x)*nx) + lanes((y2-f.r1y)*ny)
	span := u2 - u1
	wide := mask(span > 1e-6)
	ox, oy, od := x1, y1, d1
	left, right := mask(wide && u1 < 0), mask(wide && u2 > length)
	if left {
		s := -u1 / span
		x1, y1, d1 = ox+lanes(s*(x2-ox)), oy+lanes(s*(y2-oy)), od+lanes(s*(d2-od))
	}
	if right {
		s := (length - u1) / span
		x2, y2, d2 = ox+lanes(s*(x2-ox)), oy+lanes(s*(y2-oy)), od+lanes(s*(d2-od))
	}
	id1, id2 = id1+choose(left, clipped, 0), id2+choose(right, clipped, 0)
	ra, rb := choose(own, l.radius, skin), choose(own, skin, l.radius)
	on1, on2 := mask(on && d1 <= reach), mask(on && d2 <= reach)
	straight := !mask(lanes(l.px*l.nx)+lanes(l.py*l.ny) < 0.999)
	l.p[0].add(on1, x1, y1, nx, ny, d1, ra, rb, id1)
	l.p[1].add(on2, x2, y2, nx, ny, d2, ra, rb, id2)
	shared := andNot(straight && on1 && left && l.atStart(&l.p[0]), own)
	l.p[0].on = choose(shared, 0, l.p[0].on)
	shared = andNot(andNot(straight && on2 && right && l.atStart(&l.p[1]), own), shared)
	l.p[1].on = choose(shared, 0, l.p[1].on)
	for i := range l.p[:2] {
		p := &l.p[i]
		if own {
			p.nx, p.ny = -p.nx, -p.ny
		}
	}
}

// atStart reports whether a point is at the beginning of the segment.
func (l *laneLand) atStart(p *lanePlace) mask {
	return lanes((p.px-l.x1)*l.ny)-lanes((p.py-l.y1)*l.nx) < linearSlop
}

// find finds the points of all pairs, and leaves room for others.
func (l *laneLand) find(found []manifold, round bool) {
	l.place()
	points := 2
	if round {
		l.round()
		points = l.n
		if l.n == 2 {
			points = 3
		}
	} else {
		l.polygon()
	}
	var on [3]uint32
	for i := range points {
		on[i] = bitsOf(l.p[i].on != 0)
	}
	for e, which := range l.near[:l.count] {
		m := &found[which]
		m.n = 0
		for i := range points {
			if on[i]>>e&1 != 0 {
				p := &l.p[i]
				q := &m.p[m.n]
				q.nx, q.ny, q.px, q.py = *at(&p.nx, e), *at(&p.ny, e), *at(&p.px, e), *at(&p.py, e)
				q.sep, q.reach, q.id = *at(&p.sep, e), *at(&p.reach, e), uint32(*at(&p.id, e))
				m.n++
			}
		}
	}
	l.count = 0
}

// take takes in a shape of w and segment i of the ground with points g, as segmentOf describes it.
func (l *laneLand) take(w *World, shape int32, g []gvert, i int, which int32) {
	e := l.count
	p, q := &g[i], &g[i+1]
	*at(&l.x1, e), *at(&l.y1, e), *at(&l.x2, e), *at(&l.y2, e) = p.x, p.y, q.x, q.y
	*at(&l.nx, e), *at(&l.ny, e), *at(&l.length, e) = p.nx, p.ny, p.length
	*at(&l.px, e), *at(&l.py, e), *at(&l.fx, e), *at(&l.fy, e), *at(&l.last, e) = -1, 0, 1, 0, 1
	if i > 0 {
		*at(&l.px, e), *at(&l.py, e) = g[i-1].nx, g[i-1].ny
	}
	if i+2 < len(g) {
		*at(&l.fx, e), *at(&l.fy, e), *at(&l.last, e) = q.nx, q.ny, 0
	}
	info, sh := &w.m.shapes[shape], &w.shapes[shape]
	b := &w.bodies[info.body]
	*at(&l.x, e), *at(&l.y, e), *at(&l.s, e), *at(&l.c, e) = b.x, b.y, b.s, b.c
	*at(&l.radius, e), *at(&l.margin, e) = sh.thickness(), w.margin(shape)
	for i, v := range w.verts[info.vert0:][:l.n] {
		to := &l.v[i]
		*at(&to.x, e), *at(&to.y, e), *at(&to.nx, e), *at(&to.ny, e) = v.x, v.y, v.nx, v.ny
	}
	l.near[e] = which
	l.count++
}

// laneLands finds where shapes land, for worlds of a model.
type laneLands struct {
	kinds [2 * scene.MaxCorners]laneLand // by corners; round ones, then others
	near  []nearby
	found []manifold // of each
	ends  []int      // of the pairs of each world
}

// detect finds the contacts of worlds, as World.detect.
func (l *laneLands) detect(ws []*World, dt float32) {
	for len(ws) > 0 {
		l.near, l.ends = l.near[:0], l.ends[:0]
		for i, w := range ws {
			if i+4 < len(ws) { // not all callers have fetched them, and the nearest cache does not hold all
				ws[i+4].Prefetch()
			}
			w.reach(dt)
			if !l.approach(w) {
				break
			}
			l.ends = append(l.ends, len(l.near))
		}
		for k := range l.kinds {
			if kind := &l.kinds[k]; kind.count > 0 {
				kind.find(l.found, k < scene.MaxCorners)
			}
		}
		begin := 0
		for i, end := range l.ends {
			ws[i].keepFound(l.near[begin:end], l.found[begin:end], dt)
			begin = end
		}
		ws = ws[len(l.ends):]
		if len(l.ends) == 0 {
			ws[0].detect(dt)
			ws = ws[1:]
		}
	}
}

// approach lists the pairs of shapes and segments of w that may touch, and reports whether
// there is room for them.
func (l *laneLands) approach(w *World) bool {
	begin := len(l.near)
	for at := range w.m.landing {
		s := &w.m.landing[at]
		sh, box, v := &w.shapes[s.b], &w.boxes[s.b], w.groundVerts(int(s.a))
		if sh.on == 0 || box.hix < v[0].x || box.lox > v[len(v)-1].x {
			continue
		}
		kind := int(sh.n) - 1
		if round := sh.n == 1 || sh.thickness() > skin; !round {
			kind += scene.MaxCorners
		}
		to := &l.kinds[kind]
		to.n = int(sh.n)
		for i := segmentAt(v, w.grounds[s.a].perX, box.lox); i+1 < len(v) && v[i].x <= box.hix; i++ {
			if geom.Max(v[i].y, v[i+1].y)+skin < box.loy {
				continue
			}
			if len(l.near) == cap(l.near) {
				l.near = l.near[:begin]
				return false
			}
			to.take(w, s.b, v, i, int32(len(l.near)))
			l.near = append(l.near, nearby{int32(at), int32(i)})
			if to.count == laneCount {
				to.find(l.found, kind < scene.MaxCorners)
			}
		}
	}
	return true
}
