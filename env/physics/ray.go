package physics

import "github.com/terrarium-rl/terrarium/env/geom"

// A Hit is where a ray met a surface.
type Hit struct {
	Fraction float32  // of the way, 0 to 1; 1 if nothing was hit
	Normal   geom.Vec // of the surface, against the ray
	Body     int      // whose it was, or GroundBody
}

// RayCast returns the first surface between two points, among shapes whose category is in mask
// and which are not sensors, and whether there is one. A ray that starts inside a shape does
// not see it, and one that comes from below a ground does not see that.
func (w *World) RayCast(from, to geom.Vec, mask uint32) (Hit, bool) {
	o, d, hit, found := from, to.Sub(from), Hit{Fraction: 1}, false
	for g := range w.m.grounds {
		if sees(mask, w.m.grounds[g].filter.Category) && w.castGround(g, o, d, &hit) {
			hit.Body, found = GroundBody, true
		}
	}
	for i := range w.m.shapes {
		if w.m.visible(i, mask, -1) && w.shapes[i].on != 0 && w.castShape(i, o, d, &hit) {
			hit.Body, found = int(w.m.shapes[i].body), true
		}
	}
	return hit, found
}

// CastRays writes the hit fraction of each of the scene's rays to dst; 1 where nothing is hit.
func (w *World) CastRays(dst []float32) {
	if w.castFan(dst) {
		return
	}
	for i := range w.m.rays {
		r := &w.m.rays[i]
		along := r.along
		if !r.upright {
			along = w.Rot(int(r.body)).Apply(along)
		}
		from := w.WorldPoint(int(r.body), r.from)
		hit := Hit{Fraction: 1}
		for g := range w.m.grounds {
			if sees(r.mask, w.m.grounds[g].filter.Category) {
				w.castGround(g, from, along, &hit)
			}
		}
		for _, s := range r.shapes {
			if w.shapes[s].on != 0 {
				w.castShape(int(s), from, along, &hit)
			}
		}
		dst[i] = hit.Fraction
	}
}

// visible reports whether a ray that does not see the body self sees a shape.
func (m *Model) visible(shape int, mask uint32, self int32) bool {
	s := &m.shapes[shape]
	return !s.sensor && s.body != self && sees(mask, s.filter.Category)
}

func sees(mask, category uint32) bool {
	if category == 0 {
		category = 1
	}
	return mask&category != 0
}

// castGround shortens hit to the first segment that the ray comes down on.
func (w *World) castGround(ground int, o, d geom.Vec, hit *Hit) bool {
	v := w.groundVerts(ground)
	last := len(v) - 2
	lo, hi := geom.Min(o.X, o.X+d.X), geom.Max(o.X, o.X+d.X)
	i, step := segmentAt(v, w.grounds[ground].perX, o.X), 1
	if d.X < 0 {
		step = -1
		for i < last && v[i+1].x <= o.X { // from the last segment that begins at o.X
			i++
		}
	}
	for ; i >= 0 && i <= last && v[i].x <= hi && v[i+1].x >= lo; i += step {
		p := &v[i]
		down := float32(d.X*p.nx) + float32(d.Y*p.ny)
		above := float32((o.X-p.x)*p.nx) + float32((o.Y-p.y)*p.ny)
		if down >= 0 || above < 0 || above >= -down*hit.Fraction {
			continue
		}
		f := above / -down
		x, y := o.X+float32(f*d.X)-p.x, o.Y+float32(f*d.Y)-p.y
		if u := float32(x*p.ny) - float32(y*p.nx); u >= 0 && u <= p.length {
			hit.Fraction, hit.Normal = f, geom.Vec{X: p.nx, Y: p.ny}
			return true
		}
	}
	return false
}

// castShape shortens hit to a shape.
func (w *World) castShape(i int, o, d geom.Vec, hit *Hit) bool {
	info, s := &w.m.shapes[i], &w.shapes[i]
	if info.moves {
		b := &w.bodies[info.body]
		x, y := b.rotate(s.cx, s.cy)
		if !near(o, d, b.x+x, b.y+y, s.bound) {
			return false
		}
		w.place(i) // the last step left the corners behind the body
	} else {
		x := &w.boxes[i]
		if geom.Max(o.X, o.X+d.X) < x.lox || geom.Min(o.X, o.X+d.X) > x.hix || geom.Max(o.Y, o.Y+d.Y) < x.loy || geom.Min(o.Y, o.Y+d.Y) > x.hiy {
			return false
		}
	}
	v := w.world[info.vert0:][:s.n]
	switch s.n {
	case 1:
		return castDisc(v[0].x, v[0].y, s.radius, o, d, hit)
	case 2:
		return castCapsule(&v[0], &v[1], s.radius, o, d, hit)
	}
	return castPolygon(v, o, d, hit)
}

// near reports whether a ray may meet the circle around (x, y).
func near(o, d geom.Vec, x, y, r float32) bool {
	cx, cy := x-o.X, y-o.Y
	cross := float32(d.X*cy) - float32(d.Y*cx)
	d2 := float32(d.X*d.X) + float32(d.Y*d.Y)
	if cross*cross > r*r*d2 {
		return false
	}
	dot := float32(d.X*cx) + float32(d.Y*cy)
	reach := float32(r * geom.Sqrt(d2))
	return dot >= -reach && dot <= d2+reach
}

func castDisc(x, y, r float32, o, d geom.Vec, hit *Hit) bool {
	ox, oy := o.X-x, o.Y-y
	a := float32(d.X*d.X) + float32(d.Y*d.Y)
	b := float32(ox*d.X) + float32(oy*d.Y)
	c := float32(ox*ox) + float32(oy*oy) - float32(r*r)
	disc := float32(b*b) - float32(a*c)
	if c < 0 || b >= 0 || disc < 0 {
		return false
	}
	f := (-b - geom.Sqrt(disc)) / a
	if !(f < hit.Fraction) || f < 0 {
		return false
	}
	hit.Fraction = f
	hit.Normal = geom.Vec{X: (ox + float32(f*d.X)) / r, Y: (oy + float32(f*d.Y)) / r}
	return true
}

// castCapsule meets one of the two long sides or the discs at the ends; for a segment, whose
// radius is 0, the side that faces the ray.
func castCapsule(p, q *vert, r float32, o, d geom.Vec, hit *Hit) bool {
	found := false
	length := geom.Sqrt(float32((q.x-p.x)*(q.x-p.x)) + float32((q.y-p.y)*(q.y-p.y)))
	tx, ty := -p.ny, p.nx // from p to q
	if r > 0 {
		u := float32((o.X-p.x)*tx) + float32((o.Y-p.y)*ty)
		n := float32((o.X-p.x)*p.nx) + float32((o.Y-p.y)*p.ny)
		if u >= 0 && u <= length && geom.Abs(n) < r {
			return false // it starts inside
		}
		for _, e := range [2]*vert{p, q} {
			x, y := o.X-e.x, o.Y-e.y
			if float32(x*x)+float32(y*y) < float32(r*r) {
				return false
			}
		}
		found = castDisc(p.x, p.y, r, o, d, hit)
		found = castDisc(q.x, q.y, r, o, d, hit) || found
	}
	for _, n := range [2]geom.Vec{{X: p.nx, Y: p.ny}, {X: -p.nx, Y: -p.ny}} {
		down := d.Dot(n)
		above := float32((o.X-p.x)*n.X) + float32((o.Y-p.y)*n.Y) - r
		if down >= 0 || above < 0 || above >= -down*hit.Fraction {
			continue
		}
		f := above / -down
		u := float32((o.X+float32(f*d.X)-p.x)*tx) + float32((o.Y+float32(f*d.Y)-p.y)*ty)
		if u >= 0 && u <= length {
			hit.Fraction, hit.Normal = f, n
			found = true
		}
	}
	return found
}

// castPolygon clips the ray to the polygon (Cyrus and Beck, 1978).
func castPolygon(v []vert, o, d geom.Vec, hit *Hit) bool {
	lo, hi, at := float32(0), hit.Fraction, -1
	for i := range v {
		e := &v[i]
		above := float32((o.X-e.x)*e.nx) + float32((o.Y-e.y)*e.ny)
		down := float32(d.X*e.nx) + float32(d.Y*e.ny)
		if down == 0 {
			if above > 0 {
				return false
			}
			continue
		}
		f := -above / down
		if down < 0 {
			if f > lo {
				lo, at = f, i
			}
		} else if f < hi {
			hi = f
		}
		if lo > hi {
			return false
		}
	}
	if at < 0 || !(lo < hit.Fraction) {
		return false
	}
	hit.Fraction, hit.Normal = lo, geom.Vec{X: v[at].nx, Y: v[at].ny}
	return true
}
