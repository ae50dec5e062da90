//go:build lanesource

package physics

import "github.com/terrarium-rl/terrarium/env/scene"

// A laneVert is a corner of a shape, and the normal of the edge that starts there.
type laneVert struct{ x, y, nx, ny lanes }

// A laneStretch is a segment of a ground, as in stretch: words of its points from the normal of the
// segment before to that of the one after.
type laneStretch struct {
	px, py, _      lanes
	x1, y1         lanes
	nx, ny, length lanes
	x2, y2         lanes
	fx, fy         lanes
}

// A laneLand is a shape near a segment of a ground in each world, as land looks at them one by one. All
// shapes have the same number of corners.
type laneLand struct {
	laneStretch
	last             lanes                      // 1 if it is
	v                [scene.MaxCorners]laneVert // corners in the world
	radius, margin   lanes                      // of the shape, and how near it has to be
	friction, bounce lanes                      // of the shape on the ground
	p                [3]lanePlace               // what was found
	faces            laneFaces                  // of polygons: kept here, for Go would clear it each time
	n                int                        // corners
	polygons         uint32                     // a bit for each world in which the shape is a polygon with so many
	_                [13]int32                  // so that all lanes are where a cache line begins
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

// place takes the corners of a shape of b into the world.
func (l *laneLand) place(local []laneVert, b *laneBody) {
	for i := range local {
		from, to := &local[i], &l.v[i]
		to.x, to.y = b.x+(lanes(b.c*from.x)-lanes(b.s*from.y)), b.y+(lanes(b.s*from.x)+lanes(b.c*from.y))
		to.nx, to.ny = lanes(b.c*from.nx)-lanes(b.s*from.ny), lanes(b.s*from.nx)+lanes(b.c*from.ny)
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

// parts returns a bit for each world in which a polygon has no points on the segment from (x1, y1) to (x2, y2) with
// normal (nx, ny): along that, or along the normal of one of its own edges, it is too far away, as landPolygon judges.
func (l *laneLand) parts(x1, y1, x2, y2, nx, ny lanes) uint32 {
	far := lanes(1e30)
	for i := range l.v[:l.n] {
		d := lanes((l.v[i].x-x1)*nx) + lanes((l.v[i].y-y1)*ny)
		far = choose(d < far, d, far)
	}
	for i := range l.v[:l.n] {
		e := &l.v[i]
		d1 := lanes((x1-e.x)*e.nx) + lanes((y1-e.y)*e.ny)
		d2 := lanes((x2-e.x)*e.nx) + lanes((y2-e.y)*e.ny)
		d := laneMin(d1, d2)
		far = choose(d > far, d, far)
	}
	return bitsOf(far > l.radius+skin+l.margin)
}

// polygon finds the points of polygons in those worlds, a bit each, of which parts has shown that there may be any,
// as landPolygon.
func (l *laneLand) polygon(worlds uint32) {
	sep := lanes(1e30)
	for i := range l.v[:l.n] {
		d := lanes((l.v[i].x-l.x1)*l.nx) + lanes((l.v[i].y-l.y1)*l.ny)
		sep = choose(d < sep, d, sep)
	}
	best, f := lanes(-1e30), &l.faces
	for i := range l.v[:l.n] {
		e := &l.v[i]
		d1 := lanes((l.x1-e.x)*e.nx) + lanes((l.y1-e.y)*e.ny)
		d2 := lanes((l.x2-e.x)*e.nx) + lanes((l.y2-e.y)*e.ny)
		d := laneMin(d1, d2)
		better := worlds &^ (bitsOf(d <= best) | bitsOf(d <= sep))
		if better == 0 {
			continue
		}
		first := mask(d1 < d2) // the end of the segment that is nearest
		better &= bitsOf(laneBetween(choose(first, l.px, l.nx), choose(first, l.py, l.ny),
			choose(first, l.nx, l.fx), choose(first, l.ny, l.fy), -e.nx, -e.ny))
		if better != 0 {
			best = choose(maskOf(better), d, best)
			f.take(&l.v, i, l.n, maskOf(better))
		}
	}
	own := worlds & bitsOf(best > sep+0.1*linearSlop) // the edge is one of the polygon
	l.face(f)
	if own != 0 {
		l.ownFace(f, maskOf(own))
	}
	l.clip(f, maskOf(own), maskOf(worlds), l.radius+skin+l.margin)
}

// laneFaces is the edges that clip looks at: the one from r1 to r2, with normal n, and the one from q1
// to q2 that faces it.
type laneFaces struct {
	r1x, r1y, r2x, r2y, nx, ny lanes
	q1x, q1y, q2x, q2y         lanes
	edge, facing               lanes // their numbers
	best                       laneEdge
}

// A laneEdge is an edge of a polygon: its ends, its normal, its number.
type laneEdge struct{ x1, y1, x2, y2, nx, ny, number lanes }

// take makes the best edge edge i of n, where in holds.
func (f *laneFaces) take(v *[scene.MaxCorners]laneVert, i, n int, in mask) {
	p, q, b := &v[i], &v[next(i, n)], &f.best
	if in {
		b.x1, b.y1, b.x2, b.y2, b.nx, b.ny, b.number = p.x, p.y, q.x, q.y, p.nx, p.ny, lanes(float32(i))
	}
}

// face makes f the segment and the edge of the polygon that faces it.
func (l *laneLand) face(f *laneFaces) {
	least := lanes(1e30)
	for i := range l.v[:l.n] {
		v, w := &l.v[i], &l.v[next(i, l.n)]
		if s := lanes(v.nx*l.nx) + lanes(v.ny*l.ny); s < least {
			least, f.facing = s, lanes(float32(i))
			f.q1x, f.q1y, f.q2x, f.q2y = v.x, v.y, w.x, w.y
		}
	}
	f.r1x, f.r1y, f.r2x, f.r2y = l.x2, l.y2, l.x1, l.y1
	f.nx, f.ny, f.edge = l.nx, l.ny, 0
}

// ownFace makes f the best edge of the polygon and the segment, where own holds.
func (l *laneLand) ownFace(f *laneFaces, own mask) {
	b := &f.best
	// The segment is a hull of two edges, the upper one first, which leads to the left.
	up := lanes(l.nx*b.nx) + lanes(l.ny*b.ny)
	lower := mask(lanes(-l.nx*b.nx)+lanes(-l.ny*b.ny) < choose(up < 1e30, up, 1e30))
	if own {
		f.q1x, f.q1y = choose(lower, l.x1, l.x2), choose(lower, l.y1, l.y2)
		f.q2x, f.q2y = choose(lower, l.x2, l.x1), choose(lower, l.y2, l.y1)
		f.facing = choose(lower, 1, 0)
		f.r1x, f.r1y, f.r2x, f.r2y, f.nx, f.ny, f.edge = b.x1, b.y1, b.x2, b.y2, b.nx, b.ny, b.number
	}
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
	if some(left) {
		s := -u1 / span
		x1, y1, d1 = choose(left, ox+lanes(s*(x2-ox)), x1), choose(left, oy+lanes(s*(y2-oy)), y1), choose(left, od+lanes(s*(d2-od)), d1)
	}
	if some(right) {
		s := (length - u1) / span
		x2, y2, d2 = choose(right, ox+lanes(s*(x2-ox)), x2), choose(right, oy+lanes(s*(y2-oy)), y2), choose(right, od+lanes(s*(d2-od)), d2)
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
