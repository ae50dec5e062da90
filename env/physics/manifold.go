package physics

import "github.com/terrarium-rl/terrarium/env/geom"

// A hull is a convex shape in world coordinates: the convex hull of its corners, grown by
// radius. One corner makes a circle, two a capsule or a segment.
type hull struct {
	v      []vert
	radius float32 // including skin
}

// skin is how thick the surface of polygons, segments and grounds is, as in Box2D 2.4: bodies
// rest with their corners 2*skin - linearSlop apart, so that small penetrations stay within the
// skins and never make a box catch on the joint of two segments.
const skin = 0.01

// linearSlop is the overlap, in m, that is left uncorrected to keep contacts alive.
const linearSlop = 0.005

// point is where two hulls touch or are about to.
type point struct {
	nx, ny float32 // from the first hull to the second
	px, py float32 // midway between the surfaces
	sep    float32 // distance of the surfaces, negative if they overlap
	reach  float32 // distance of the centres at which two discs touch, 0 if no such meet
	id     uint32  // which features meet
}

// manifold is all points of two hulls.
type manifold struct {
	n int
	p [3]point
}

// add appends a point: (x, y) is on the surface of the second hull without its radius rb, at
// distance d from that of the first without its radius ra, along the normal (nx, ny).
func (m *manifold) add(x, y, nx, ny, d, ra, rb float32, id uint32) {
	mid := 0.5 * (float32(d-ra) + rb) // from (x, y) back to the middle
	m.p[m.n] = point{nx, ny, x - float32(nx*mid), y - float32(ny*mid), d - ra - rb, 0, id}
	m.n++
}

// flip exchanges the roles of the hulls.
func (m *manifold) flip() {
	for i := range m.p[:m.n] {
		p := &m.p[i]
		p.nx, p.ny = -p.nx, -p.ny
	}
}

// collide fills m with the points of a and b that are closer than margin.
func (m *manifold) collide(a, b *hull, margin float32) {
	m.n = 0
	disc := len(a.v) == 1
	switch {
	case disc && len(b.v) == 1:
		m.discs(a.v[0].x, a.v[0].y, b.v[0].x, b.v[0].y, a.radius, b.radius, margin, 0)
	case disc || len(b.v) == 1:
		if disc {
			a, b = b, a
		}
		m.hullDisc(a, b, margin)
		if disc {
			m.flip()
		}
	default:
		m.hulls(a, b, margin)
	}
}

// discs adds the point of two circles.
func (m *manifold) discs(ax, ay, bx, by, ra, rb, margin float32, id uint32) {
	dx, dy := bx-ax, by-ay
	reach := ra + rb + margin
	d2 := float32(dx*dx) + float32(dy*dy)
	if d2 > reach*reach {
		return
	}
	// Kernels hold a copy of add for each place that calls it, here and in clip.
	d, nx, ny, across := geom.Sqrt(d2), float32(0), float32(1), float32(0)
	if d < 1e-9 {
		d = 0
	} else {
		nx, ny, across = dx/d, dy/d, ra+rb
	}
	m.add(bx, by, nx, ny, d, ra, rb, id)
	m.p[m.n-1].reach = across
}

// misses reports whether two discs at distance sep, moving at (vx, vy) relative to each other
// for dt, pass each other with at most twice the slop of overlap. The plane of a speculative
// contact would stop them all the same, as a disc that rolls over the joint of two segments.
func (p *point) misses(vx, vy, dt float32) bool {
	if p.reach == 0 || p.sep <= 0 {
		return false
	}
	d := p.sep + p.reach // the way between the centres is d times the normal
	mx, my := vx*dt, vy*dt
	along := float32(p.nx*mx) + float32(p.ny*my)
	way := float32(mx*mx) + float32(my*my)
	if along >= 0 || way == 0 {
		return false // they separate: the contact does nothing
	}
	t := geom.Min(-d*along/way, 1) // when they are nearest
	x, y := float32(d*p.nx)+float32(t*mx), float32(d*p.ny)+float32(t*my)
	least := p.reach - 2*linearSlop
	return float32(x*x)+float32(y*y) > least*least
}

// hullDisc adds the point of a hull of at least two corners and a circle.
func (m *manifold) hullDisc(a, b *hull, margin float32) {
	x, y := b.v[0].x, b.v[0].y
	best, at := float32(-1e30), 0
	for i := range a.v {
		e := &a.v[i]
		if s := float32((x-e.x)*e.nx) + float32((y-e.y)*e.ny); s > best {
			best, at = s, i
		}
	}
	if best > a.radius+b.radius+margin {
		return
	}
	after := next(at, len(a.v))
	e, f := &a.v[at], &a.v[after]
	if best > 0 || len(a.v) == 2 { // outside the corners: the nearest feature may be a corner
		tx, ty := f.x-e.x, f.y-e.y
		corner := -1
		if float32((x-e.x)*tx)+float32((y-e.y)*ty) <= 0 {
			corner = at
		} else if float32((x-f.x)*tx)+float32((y-f.y)*ty) >= 0 {
			corner = after
		}
		if corner >= 0 {
			c := &a.v[corner]
			m.discs(c.x, c.y, x, y, a.radius, b.radius, margin, uint32(corner))
			return
		}
	}
	m.add(x, y, e.nx, e.ny, best, a.radius, b.radius, uint32(at)|faceFeature)
}

const (
	faceFeature = 0x40
	clipped     = 0x400 // the point is where an edge was cut off, not its end
)

func next(i, n int) int {
	if i++; i == n {
		return 0
	}
	return i
}

// widest returns the edge of a whose line keeps b farthest away, and that distance: the
// separating axis test.
func widest(a, b []vert) (best float32, at int) {
	best = -1e30
	for i := range a {
		e := &a[i]
		least := float32(1e30)
		for k := range b {
			if s := float32((b[k].x-e.x)*e.nx) + float32((b[k].y-e.y)*e.ny); s < least {
				least = s
			}
		}
		if least > best {
			best, at = least, i
		}
	}
	return best, at
}

// hulls adds the points of two hulls of at least two corners each, by the separating axis test
// and by clipping the incident edge to the reference edge (Gregorius, "The separating axis test
// between convex polyhedra", GDC 2013; in the plane as in Box2D).
func (m *manifold) hulls(a, b *hull, margin float32) {
	reach := a.radius + b.radius + margin
	sa, ea := widest(a.v, b.v)
	if sa > reach {
		return
	}
	sb, eb := widest(b.v, a.v)
	if sb > reach {
		return
	}
	id := uint32(0)
	if sb > sa+0.1*linearSlop {
		a, b, ea, sa, id = b, a, eb, sb, 0x800
	}
	m.clip(a, b, ea, sa, reach, id)
	if id != 0 {
		m.flip()
	}
}

// clip adds the points of hull b on the reference edge of hull a, at distance sep.
func (m *manifold) clip(a, b *hull, edge int, sep, reach float32, id uint32) {
	r1, r2 := &a.v[edge], &a.v[next(edge, len(a.v))]
	rx, ry, nx, ny := r1.x, r1.y, r1.nx, r1.ny
	inc := incident(b.v, nx, ny)
	q1, q2 := &b.v[inc], &b.v[next(inc, len(b.v))]
	round := a.radius > skin || b.radius > skin
	if round && sep > 0.1*linearSlop && m.corners(r1, r2, q1, q2, a.radius, b.radius, reach, id|uint32(edge)<<3|uint32(inc)) {
		return
	}
	tx, ty := -ny, nx
	length := float32((r2.x-rx)*tx) + float32((r2.y-ry)*ty)
	// Along the reference edge, the incident edge of the other hull runs backwards.
	x1, y1, x2, y2 := q2.x, q2.y, q1.x, q1.y
	u1 := float32((x1-rx)*tx) + float32((y1-ry)*ty)
	u2 := float32((x2-rx)*tx) + float32((y2-ry)*ty)
	id |= uint32(edge)<<3 | uint32(inc)
	id1, id2 := id|0x100, id|0x200
	if u2 < u1 {
		x1, y1, x2, y2, u1, u2, id1, id2 = x2, y2, x1, y1, u2, u1, id2, id1
	}
	if u2 < 0 || u1 > length {
		return
	}
	d1 := float32((x1-rx)*nx) + float32((y1-ry)*ny)
	d2 := float32((x2-rx)*nx) + float32((y2-ry)*ny)
	if span := u2 - u1; span > 1e-6 {
		ox, oy, od, ou := x1, y1, d1, u1
		if u1 < 0 {
			f := -ou / span
			x1, y1, d1 = ox+float32(f*(x2-ox)), oy+float32(f*(y2-oy)), od+float32(f*(d2-od))
			id1 |= clipped
		}
		if u2 > length {
			f := (length - ou) / span
			x2, y2, d2 = ox+float32(f*(x2-ox)), oy+float32(f*(y2-oy)), od+float32(f*(d2-od))
			id2 |= clipped
		}
	}
	for range 2 { // one point, then the other
		if d1 <= reach {
			m.add(x1, y1, nx, ny, d1, a.radius, b.radius, id1)
		}
		x1, y1, d1, id1 = x2, y2, d2, id2
	}
}

// incident returns the edge that faces the direction n most.
func incident(v []vert, nx, ny float32) (at int) {
	least := float32(1e30)
	for i := range v {
		if s := float32(v[i].nx*nx) + float32(v[i].ny*ny); s < least {
			least, at = s, i
		}
	}
	return at
}

// corners adds the single point of two rounded hulls whose nearest features are corners, and
// reports whether they are.
func (m *manifold) corners(r1, r2, q1, q2 *vert, ra, rb, reach float32, id uint32) bool {
	least := float32(1e30)
	p, q := r1, q1
	for _, e := range [2]*vert{r1, r2} {
		for _, f := range [2]*vert{q1, q2} {
			dx, dy := f.x-e.x, f.y-e.y
			if d := float32(dx*dx) + float32(dy*dy); d < least {
				least, p, q = d, e, f
			}
		}
	}
	// Each must be the nearest point of its own edge to the other.
	if inside(p, other(p, r1, r2), q) || inside(q, other(q, q1, q2), p) {
		return false
	}
	m.discs(p.x, p.y, q.x, q.y, ra, rb, reach-ra-rb, id)
	return true
}

func other(p, a, b *vert) *vert {
	if p == a {
		return b
	}
	return a
}

// inside reports whether q projects onto the edge from p to o rather than beyond p.
func inside(p, o, q *vert) bool {
	return float32((q.x-p.x)*(o.x-p.x))+float32((q.y-p.y)*(o.y-p.y)) > 0
}
