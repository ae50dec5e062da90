package mesh

import (
	"image/color"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// bounds returns the box around m.path, grown by a margin.
func (m *Mesh) bounds(margin float32) rect {
	q := rect{m.path[0].X, m.path[0].Y, m.path[0].X, m.path[0].Y}
	for _, v := range m.path[1:] {
		q = rect{min(q.x0, v.X), min(q.y0, v.Y), max(q.x1, v.X), max(q.y1, v.Y)}
	}
	return rect{q.x0 - margin, q.y0 - margin, q.x1 + margin, q.y1 + margin}
}

// area returns twice the signed area of m.path.
func (m *Mesh) area() (a float32) {
	last := m.path[len(m.path)-1]
	for _, v := range m.path {
		a += last.Cross(v)
		last = v
	}
	return a
}

// convex reports whether m.path, of positive area, is convex.
func (m *Mesh) convex() bool {
	n := len(m.path)
	p, q := m.path[n-2], m.path[n-1]
	for _, r := range m.path {
		if q.Sub(p).Cross(r.Sub(q)) < 0 {
			return false
		}
		p, q = q, r
	}
	return true
}

// tidy drops points of m.path that coincide with the one before, and turns the path so that its
// area is positive. It reports whether something is left.
func (m *Mesh) tidy() bool {
	const near = 1e-3
	k := 0
	for _, v := range m.path {
		if k == 0 || geom.Abs(v.X-m.path[k-1].X)+geom.Abs(v.Y-m.path[k-1].Y) > near {
			m.path[k] = v
			k++
		}
	}
	for k > 1 && geom.Abs(m.path[0].X-m.path[k-1].X)+geom.Abs(m.path[0].Y-m.path[k-1].Y) <= near {
		k--
	}
	m.path = m.path[:k]
	if k < 3 {
		return false
	}
	a := m.area()
	if a < 0 {
		for i, j := 0, k-1; i < j; i, j = i+1, j-1 {
			m.path[i], m.path[j] = m.path[j], m.path[i]
		}
	}
	return a != 0
}

// thin drops points of m.path that lie less than off pixels from the straight line between those
// beside them: in a small picture of a long terrain, most.
func (m *Mesh) thin(off float32) {
	const far = 16 // pixels
	if len(m.path) < 8 {
		return
	}
	k := 1
	for i := 1; i+1 < len(m.path); i++ {
		a, b, c := m.path[k-1], m.path[i], m.path[i+1]
		d := c.Sub(a)
		cross, length := d.Cross(b.Sub(a)), d.Dot(d)
		if cross*cross < off*off*length && length < far*far && d.Dot(b.Sub(a)) > 0 && d.Dot(c.Sub(b)) > 0 {
			continue
		}
		m.path[k] = b
		k++
	}
	m.path[k] = m.path[len(m.path)-1]
	m.path = m.path[:k+1]
}

// normals sets m.normal to the vectors from the points of m.path to where their outlines meet
// at distance one, on the right of the path: outwards, for a positive area.
func (m *Mesh) normals(closed bool) {
	n := len(m.path)
	m.normal = m.normal[:0]
	direction := func(i int) geom.Vec { // from point i to the next
		d := m.path[(i+1)%n].Sub(m.path[i])
		return d.Mul(1 / max(d.Len(), 1e-6))
	}
	before := direction(n - 1)
	for i := range n {
		after := direction(i)
		if !closed && i == 0 {
			before = after
		}
		if !closed && i == n-1 {
			after = before
		}
		mid := geom.Vec{X: before.Y + after.Y, Y: -before.X - after.X}.Mul(0.5)
		// At a sharp corner the outlines meet far away: twice the distance is far enough.
		m.normal = append(m.normal, mid.Mul(1/max(mid.Dot(mid), 0.25)))
		before = after
	}
}

// fill draws the polygon m.path, with soft edges unless an outline will cover them.
func (m *Mesh) fill(c color.NRGBA, soft bool) {
	if c.A == 0 || !m.tidy() || m.outside(m.bounds(1)) {
		return
	}
	n := len(m.path)
	t := tintOf(c)
	if m.convex() {
		if !soft {
			b := m.room(n)
			v0, i0 := len(b.Vertices), len(b.Indices)
			for _, p := range m.path {
				b.vertex(p, t)
			}
			for i := 2; i < n; i++ {
				b.triangle(uint16(v0), uint16(v0+i-1), uint16(v0+i))
			}
			m.trim(b, v0, i0)
			return
		}
		m.normals(true)
		b := m.room(2 * n)
		v0, i0 := len(b.Vertices), len(b.Indices)
		for i, p := range m.path {
			d := m.normal[i].Mul(0.5)
			b.vertex(p.Sub(d), t)
			b.vertex(p.Add(d), tint{})
		}
		in := func(i int) uint16 { return uint16(v0 + 2*(i%n)) }
		for i := 2; i < n; i++ {
			b.triangle(in(0), in(i-1), in(i))
		}
		for i := range n {
			b.quad(in(i), in(i+1), in(i+1)+1, in(i)+1)
		}
		m.trim(b, v0, i0)
		return
	}
	if !m.slabs(t) {
		m.clipEars(t)
	}
	if soft {
		m.rim(0, 0, c)
	}
}

// rim draws the outside of the outline of m.path, a polygon of positive area: width pixels of c, and
// then a soft edge. It begins inset pixels within the outline, below what will be filled.
func (m *Mesh) rim(width, inset float32, c color.NRGBA) {
	if c.A == 0 || len(m.path) < 3 || m.outside(m.bounds(width+1)) {
		return
	}
	n := len(m.path)
	m.normals(true)
	t := tintOf(c)
	rows := 3
	if width < 1 { // all of it is soft
		rows = 2
		width = max(width-0.5, 0)
	}
	b := m.room(rows * n)
	v0, i0 := len(b.Vertices), len(b.Indices)
	for i, p := range m.path {
		b.vertex(p.Sub(m.normal[i].Mul(inset)), t)
		if rows == 3 {
			b.vertex(p.Add(m.normal[i].Mul(width)), t)
		}
		b.vertex(p.Add(m.normal[i].Mul(width+1)), tint{})
	}
	for i := range n {
		j, k := uint16(v0+rows*i), uint16(v0+rows*((i+1)%n))
		for r := range uint16(rows - 1) {
			b.quad(j+r, k+r, k+r+1, j+r+1)
		}
	}
	m.trim(b, v0, i0)
}

// slabs fills m.path, of positive area, if every vertical line cuts it at most once from top to
// bottom, as it does terrain: between neighbouring corners it is a trapezium. It reports
// whether it could.
func (m *Mesh) slabs(t tint) bool {
	n := len(m.path)
	first, last := 0, 0
	for i, v := range m.path {
		if v.X < m.path[first].X || v.X == m.path[first].X && v.Y < m.path[first].Y {
			first = i
		}
		if v.X > m.path[last].X || v.X == m.path[last].X && v.Y < m.path[last].Y {
			last = i
		}
	}
	// With y down and positive area, the path runs along the top from left to right.
	at := func(i int) geom.Vec { return m.path[(i%n+n)%n] }
	for i := first; (i-last)%n != 0; i++ {
		if at(i+1).X < at(i).X {
			return false
		}
	}
	for i := last; (i-first)%n != 0; i++ {
		if at(i+1).X > at(i).X {
			return false
		}
	}
	b := m.room(10 * n)
	v0, i0 := len(b.Vertices), len(b.Indices)
	up, down := first, first+n // the corners that begin the current pieces of top and bottom
	x := at(first).X
	edge := func(p, q geom.Vec, x float32) geom.Vec {
		if q.X <= p.X {
			return geom.Vec{X: x, Y: q.Y}
		}
		return geom.Vec{X: x, Y: p.Y + (q.Y-p.Y)*(x-p.X)/(q.X-p.X)}
	}
	end := at(last).X
	for x < end {
		for at(up+1).X <= x {
			up++
		}
		for at(down-1).X <= x {
			down--
		}
		next := min(at(up+1).X, at(down-1).X, end)
		p, q := edge(at(up), at(up+1), x), edge(at(up), at(up+1), next)
		r, o := edge(at(down), at(down-1), next), edge(at(down), at(down-1), x)
		b.slab(p, q, r, o, t)
		x = next
	}
	m.trim(b, v0, i0)
	return true
}

// slab draws the trapezium p q r o, whose sides from p to o and from q to r are vertical: as a
// rectangle, which takes cards without hardware a fraction of the time of other triangles, and what
// remains above and below it.
func (b *Batch) slab(p, q, r, o geom.Vec, t tint) {
	top, bottom := max(p.Y, q.Y), min(r.Y, o.Y)
	if top >= bottom {
		b.quad(b.vertex(p, t), b.vertex(q, t), b.vertex(r, t), b.vertex(o, t))
		return
	}
	tl, tr := geom.Vec{X: p.X, Y: top}, geom.Vec{X: q.X, Y: top}
	bl, br := geom.Vec{X: p.X, Y: bottom}, geom.Vec{X: q.X, Y: bottom}
	i, j, k, l := b.vertex(tl, t), b.vertex(tr, t), b.vertex(br, t), b.vertex(bl, t)
	b.quad(i, j, k, l)
	if p.Y < top {
		b.triangle(b.vertex(p, t), j, i)
	} else if q.Y < top {
		b.triangle(i, b.vertex(q, t), j)
	}
	if o.Y > bottom {
		b.triangle(l, k, b.vertex(o, t))
	} else if r.Y > bottom {
		b.triangle(l, k, b.vertex(r, t))
	}
}

// clipEars fills m.path, of positive area, by cutting off corners that contain no other
// (Meisters, "Polygons have ears", 1975). What crosses itself is filled somehow.
func (m *Mesh) clipEars(t tint) {
	n := len(m.path)
	b := m.room(n)
	v0, i0 := len(b.Vertices), len(b.Indices)
	m.ears = m.ears[:0]
	for i, p := range m.path {
		b.vertex(p, t)
		m.ears = append(m.ears, i)
	}
	for stuck := 0; len(m.ears) > 3 && stuck < len(m.ears); {
		k := stuck % len(m.ears)
		if !m.ear(k) {
			stuck++
			continue
		}
		l := len(m.ears)
		b.triangle(uint16(v0+m.ears[(k+l-1)%l]), uint16(v0+m.ears[k]), uint16(v0+m.ears[(k+1)%l]))
		m.ears = append(m.ears[:k], m.ears[k+1:]...)
		stuck = 0
	}
	for i := 2; i < len(m.ears); i++ {
		b.triangle(uint16(v0+m.ears[0]), uint16(v0+m.ears[i-1]), uint16(v0+m.ears[i]))
	}
	m.trim(b, v0, i0)
}

// ear reports whether corner k of those left can be cut off.
func (m *Mesh) ear(k int) bool {
	l := len(m.ears)
	before, after := (k+l-1)%l, (k+1)%l
	p, q, r := m.path[m.ears[before]], m.path[m.ears[k]], m.path[m.ears[after]]
	if q.Sub(p).Cross(r.Sub(q)) <= 0 {
		return false
	}
	for i, e := range m.ears {
		if i == before || i == k || i == after {
			continue
		}
		v := m.path[e]
		if q.Sub(p).Cross(v.Sub(p)) >= 0 && r.Sub(q).Cross(v.Sub(q)) >= 0 && p.Sub(r).Cross(v.Sub(r)) >= 0 {
			return false
		}
	}
	return true
}

// stroke draws the line through m.path with mitred corners.
func (m *Mesh) stroke(width float32, closed bool, c color.NRGBA) {
	if c.A == 0 || len(m.path) < 2 || m.outside(m.bounds(width+1)) {
		return
	}
	n := len(m.path)
	m.normals(closed)
	t := tintOf(c)
	if width < 1 {
		t, width = t.fade(width), 1
	}
	core := (width - 1) / 2 // half of the opaque part
	b := m.room(4 * n)
	v0, i0 := len(b.Vertices), len(b.Indices)
	for i, p := range m.path {
		d := m.normal[i]
		b.vertex(p.Add(d.Mul(core+1)), tint{})
		b.vertex(p.Add(d.Mul(core)), t)
		b.vertex(p.Sub(d.Mul(core)), t)
		b.vertex(p.Sub(d.Mul(core+1)), tint{})
	}
	pieces := n
	if !closed {
		pieces--
	}
	for i := range pieces {
		j, k := uint16(v0+4*i), uint16(v0+4*((i+1)%n))
		b.quad(j, k, k+1, j+1)
		if core > 0 {
			b.quad(j+1, k+1, k+2, j+2)
		}
		b.quad(j+2, k+2, k+3, j+3)
	}
	m.trim(b, v0, i0)
}
