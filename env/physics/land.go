package physics

import "github.com/terrarium-rl/terrarium/env/geom"

// A stretch is one segment of a ground, which is solid below. Its neighbours' normals tell
// which directions a contact at its ends may have, so that nothing catches on a corner that
// does not stick out.
type stretch struct {
	x1, y1, x2, y2 float32
	nx, ny, length float32
	px, py         float32 // normal of the segment before; of a vertical end if there is none
	fx, fy         float32 // normal of the segment after
	last           bool
}

// at returns segment i of the ground with vertices g, its points.
func segmentOf(g []gvert, i int) (s stretch) {
	p, q := &g[i], &g[i+1]
	s = stretch{x1: p.x, y1: p.y, x2: q.x, y2: q.y, nx: p.nx, ny: p.ny, length: p.length, px: -1, fx: 1}
	if i > 0 {
		s.px, s.py = g[i-1].nx, g[i-1].ny
	}
	if i+2 < len(g) {
		s.fx, s.fy = q.nx, q.ny
	} else {
		s.last = true
	}
	return s
}

// between reports whether direction n lies between normals a and b, b clockwise from a, as it
// does at a corner that sticks out; at others none does.
func between(ax, ay, bx, by, nx, ny float32) bool {
	return float32(ax*by)-float32(ay*bx) < 0 && float32(ax*ny)-float32(ay*nx) <= 0 && float32(nx*by)-float32(ny*bx) <= 0
}

// land adds the points of a hull near segment s.
func (m *manifold) land(s *stretch, h *hull, margin float32) {
	m.n = 0
	if h.radius > skin || len(h.v) == 1 {
		m.landRound(s, h, margin)
		return
	}
	m.landPolygon(s, h, margin)
}

// landRound adds the points of a circle or capsule: those of its ends, and of the corner of
// the ground under its side.
func (m *manifold) landRound(s *stretch, h *hull, margin float32) {
	reach := h.radius + skin + margin
	x1, y1, nx, ny := s.x1, s.y1, s.nx, s.ny
	for i := range h.v {
		x, y := h.v[i].x, h.v[i].y
		u := float32((x-x1)*ny) - float32((y-y1)*nx) // along the segment, whose direction is (ny, -nx)
		if u >= 0 && u <= s.length {
			if d := float32((x-x1)*nx) + float32((y-y1)*ny); d <= reach {
				m.add(x, y, nx, ny, d, skin, h.radius, uint32(i))
			}
			continue
		}
		cx, cy, ax, ay, bx, by, end := x1, y1, s.px, s.py, nx, ny, uint32(0x10)
		if u > 0 {
			if !s.last {
				continue
			}
			cx, cy, ax, ay, bx, by, end = s.x2, s.y2, nx, ny, s.fx, s.fy, 0x20
		}
		if between(ax, ay, bx, by, x-cx, y-cy) {
			m.discs(cx, cy, x, y, skin, h.radius, margin, uint32(i)|end)
		}
	}
	if len(h.v) == 2 {
		p, q := &h.v[0], &h.v[1]
		tx, ty := q.x-p.x, q.y-p.y
		u := float32((x1-p.x)*tx) + float32((y1-p.y)*ty)
		if u <= 0 || u >= float32(tx*tx)+float32(ty*ty) {
			return
		}
		for i := range h.v { // the normal of the ground is opposite to that of the side
			gx, gy := -h.v[i].nx, -h.v[i].ny
			d := float32((x1-p.x)*gx) + float32((y1-p.y)*gy)
			if between(s.px, s.py, nx, ny, gx, gy) && -d <= reach {
				m.add(x1-float32(gx*d), y1-float32(gy*d), gx, gy, -d, skin, h.radius, uint32(i)|0x30)
				return
			}
		}
	}
}

// landPolygon adds the points of a polygon, by the separating axis test restricted to the
// directions that the neighbours allow.
func (m *manifold) landPolygon(s *stretch, h *hull, margin float32) {
	reach := h.radius + skin + margin
	x1, y1, x2, y2, nx, ny := s.x1, s.y1, s.x2, s.y2, s.nx, s.ny
	sep := float32(1e30)
	for i := range h.v {
		if d := float32((h.v[i].x-x1)*nx) + float32((h.v[i].y-y1)*ny); d < sep {
			sep = d
		}
	}
	if sep > reach {
		return
	}
	best, at := float32(-1e30), 0
	for i := range h.v {
		e := &h.v[i]
		d1 := float32((x1-e.x)*e.nx) + float32((y1-e.y)*e.ny)
		d2 := float32((x2-e.x)*e.nx) + float32((y2-e.y)*e.ny)
		d := geom.Min(d1, d2)
		if d > reach {
			return
		}
		if d <= best || d <= sep {
			continue
		}
		allowed := false
		if d1 < d2 {
			allowed = between(s.px, s.py, nx, ny, -e.nx, -e.ny)
		} else {
			allowed = between(nx, ny, s.fx, s.fy, -e.nx, -e.ny)
		}
		if allowed {
			best, at = d, i
		}
	}
	g := hull{radius: skin}
	line := [2]vert{{x2, y2, nx, ny}, {x1, y1, -nx, -ny}} // its upper side first
	g.v = line[:]
	p, q, edge, id := &g, h, 0, uint32(0)
	if best > sep+0.1*linearSlop {
		p, q, edge, sep, id = h, &g, at, best, 0x800
	}
	m.clip(p, q, edge, sep, reach, id)
	if id != 0 {
		m.flip()
		return
	}
	m.dropShared(s)
}

// dropShared drops the point at which a polygon crosses the beginning of a segment that goes on
// straight: the segment before has the same point at its end.
func (m *manifold) dropShared(s *stretch) {
	if float32(s.px*s.nx)+float32(s.py*s.ny) < 0.999 {
		return
	}
	for i := range m.p[:m.n] {
		p := &m.p[i]
		if p.id&clipped != 0 && float32((p.px-s.x1)*s.ny)-float32((p.py-s.y1)*s.nx) < linearSlop {
			m.p[i] = m.p[m.n-1]
			m.n--
			return
		}
	}
}
