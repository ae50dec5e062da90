// Package mesh turns draw lists, rectangles and text into triangles for a graphics card.
//
// Edges are soft: a fringe one pixel wide around each shape fades from its colour to nothing, so
// that no multisampling is needed. Text samples one texture, an [Atlas] of glyphs; a picture is drawn
// in as many batches as text and shapes take turns. There is no window in this package, and its
// pictures are tested without one.
package mesh

import (
	"image"
	"image/color"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// A Vertex is a corner of triangles.
type Vertex struct {
	X, Y       float32 // pixels, y down
	U, V       float32 // pixels of the atlas
	R, G, B, A float32 // 0 to 1, multiplied by A; the texture is multiplied with it
}

// MostVertices is the number of vertices that a Batch holds at most.
const MostVertices = 1<<16 - 1

// A Batch is triangles to draw with one call.
type Batch struct {
	Vertices []Vertex
	Indices  []uint16 // three a triangle
	Text     bool     // they sample the atlas; others have colours alone, which is cheaper to draw
}

// A Mesh collects triangles in drawing order. Use New. It reuses its memory.
type Mesh struct {
	Atlas   *Atlas
	batches []Batch
	used    int // batches in use

	size   image.Point
	clip   rect
	outer  bool // the shape at hand reaches beyond clip
	path   []geom.Vec
	normal []geom.Vec
	ears   []int
	tail   []uint16 // scratch of clipping
	cut    [2][]Vertex
}

type rect struct{ x0, y0, x1, y1 float32 }

func rectOf(r image.Rectangle) rect {
	return rect{float32(r.Min.X), float32(r.Min.Y), float32(r.Max.X), float32(r.Max.Y)}
}

// New returns an empty mesh.
func New() *Mesh { return &Mesh{Atlas: newAtlas()} }

// Reset empties m for a picture of the given size.
func (m *Mesh) Reset(size image.Point) {
	for i := range m.batches {
		m.batches[i].Vertices, m.batches[i].Indices = m.batches[i].Vertices[:0], m.batches[i].Indices[:0]
	}
	m.used = 0
	m.Atlas.begin()
	m.size = size
	m.clip = rectOf(image.Rectangle{Max: size})
}

// Size returns the size of the picture.
func (m *Mesh) Size() image.Point { return m.size }

// Width returns the length of a line of text, in pixels.
func (m *Mesh) Width(size float32, text string) float32 { return m.Atlas.Width(size, text) }

// Batches returns what has been collected since Reset. It is valid until the next Reset.
func (m *Mesh) Batches() []Batch { return m.batches[:m.used] }

// room returns a batch with room for n vertices.
func (m *Mesh) room(n int) *Batch { return m.batch(n, false) }

func (m *Mesh) batch(n int, text bool) *Batch {
	if m.used == 0 || len(m.batches[m.used-1].Vertices)+n > MostVertices || m.batches[m.used-1].Text != text {
		if m.used == len(m.batches) {
			m.batches = append(m.batches, Batch{})
		}
		m.used++
		m.batches[m.used-1].Text = text
	}
	return &m.batches[m.used-1]
}

// tint is a colour as vertices have it.
type tint struct{ r, g, b, a float32 }

func tintOf(c color.NRGBA) tint {
	a := float32(c.A) / 255
	f := a / 255
	return tint{float32(c.R) * f, float32(c.G) * f, float32(c.B) * f, a}
}

func (t tint) fade(f float32) tint { return tint{t.r * f, t.g * f, t.b * f, t.a * f} }

// white is the place of the atlas where it is white.
const white = 1.5

func (b *Batch) vertex(p geom.Vec, t tint) uint16 {
	b.Vertices = append(b.Vertices, Vertex{p.X, p.Y, white, white, t.r, t.g, t.b, t.a})
	return uint16(len(b.Vertices) - 1)
}

func (b *Batch) triangle(i, j, k uint16) { b.Indices = append(b.Indices, i, j, k) }

func (b *Batch) quad(i, j, k, l uint16) { b.Indices = append(b.Indices, i, j, k, i, k, l) }

// Fill draws a rectangle with sharp edges.
func (m *Mesh) Fill(r image.Rectangle, c color.NRGBA) { m.Gradient(r, c, c) }

// Gradient draws a rectangle whose colour changes from top to bottom.
func (m *Mesh) Gradient(r image.Rectangle, top, bottom color.NRGBA) {
	q := rectOf(r)
	if m.outside(q) {
		return
	}
	b := m.room(4)
	v0, i0 := len(b.Vertices), len(b.Indices)
	t, u := tintOf(top), tintOf(bottom)
	i := b.vertex(geom.Vec{X: q.x0, Y: q.y0}, t)
	j := b.vertex(geom.Vec{X: q.x1, Y: q.y0}, t)
	k := b.vertex(geom.Vec{X: q.x1, Y: q.y1}, u)
	l := b.vertex(geom.Vec{X: q.x0, Y: q.y1}, u)
	b.quad(i, j, k, l)
	m.trim(b, v0, i0)
}

// Stroke draws the line through pts, width pixels wide with soft edges.
func (m *Mesh) Stroke(pts []geom.Vec, width float32, c color.NRGBA) {
	m.path = append(m.path[:0], pts...)
	m.stroke(width, false, c)
}

// outside reports whether nothing of q is to be seen, and notes whether some of it is not.
func (m *Mesh) outside(q rect) bool {
	c := &m.clip
	m.outer = q.x0 < c.x0 || q.y0 < c.y0 || q.x1 > c.x1 || q.y1 > c.y1
	return q.x1 <= c.x0 || q.y1 <= c.y0 || q.x0 >= c.x1 || q.y0 >= c.y1
}

// trim cuts the triangles since i0, whose vertices begin at v0, at the border, if need be.
func (m *Mesh) trim(b *Batch, v0, i0 int) {
	if !m.outer {
		return
	}
	m.tail = append(m.tail[:0], b.Indices[i0:]...)
	b.Indices = b.Indices[:i0]
	for t := m.tail; len(t) > 0; t = t[3:] {
		m.trimTriangle(b, t[0], t[1], t[2])
	}
}

func (m *Mesh) trimTriangle(b *Batch, i, j, k uint16) {
	p, q, r := &b.Vertices[i], &b.Vertices[j], &b.Vertices[k]
	c := &m.clip
	x0, x1 := min(p.X, q.X, r.X), max(p.X, q.X, r.X)
	y0, y1 := min(p.Y, q.Y, r.Y), max(p.Y, q.Y, r.Y)
	if x1 <= c.x0 || x0 >= c.x1 || y1 <= c.y0 || y0 >= c.y1 {
		return
	}
	if x0 >= c.x0 && x1 <= c.x1 && y0 >= c.y0 && y1 <= c.y1 {
		b.triangle(i, j, k)
		return
	}
	in := append(m.cut[0][:0], *p, *q, *r)
	out := m.cut[1][:0]
	for side := range 4 {
		out = out[:0]
		for n := range in {
			v, w := &in[n], &in[(n+1)%len(in)]
			dv, dw := c.inside(v, side), c.inside(w, side)
			if dv >= 0 {
				out = append(out, *v)
			}
			if dv >= 0 != (dw >= 0) {
				out = append(out, between(v, w, dv/(dv-dw)))
			}
		}
		in, out = out, in
		if len(in) < 3 {
			break
		}
	}
	m.cut[0], m.cut[1] = in, out
	if len(in) < 3 || len(b.Vertices)+len(in) > MostVertices {
		return // a batch that is this full lets a clipped triangle go
	}
	first := uint16(len(b.Vertices))
	b.Vertices = append(b.Vertices, in...)
	for n := 2; n < len(in); n++ {
		b.triangle(first, first+uint16(n)-1, first+uint16(n))
	}
}

// inside returns how far v lies on the right side of a border.
func (c *rect) inside(v *Vertex, side int) float32 {
	switch side {
	case 0:
		return v.X - c.x0
	case 1:
		return c.x1 - v.X
	case 2:
		return v.Y - c.y0
	}
	return c.y1 - v.Y
}

func between(v, w *Vertex, f float32) Vertex {
	m := func(a, b float32) float32 { return a + (b-a)*f }
	return Vertex{
		m(v.X, w.X), m(v.Y, w.Y), m(v.U, w.U), m(v.V, w.V),
		m(v.R, w.R), m(v.G, w.G), m(v.B, w.B), m(v.A, w.A),
	}
}
