package scene

import (
	"encoding/binary"
	"image"
	"image/color"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// A Painter rasterises lists with soft edges, exactly as far as pixels are covered. The zero
// value is ready for use. A Painter is not safe for concurrent use.
type Painter struct {
	cov  coverage
	cam  Camera     // to pixels of cov
	path []geom.Vec // of the shape at hand, in pixels
	text textBuffer
	ink  ink
}

// An ink is where coverage goes: with a colour into img, or with a shade into gray.
type ink struct {
	img   *image.RGBA
	clip  image.Rectangle // part of img that cov stands for
	gray  []float32
	color color.NRGBA
	shade float32
}

// Paint draws l on area of dst in the colours of t, as [Fit] places it. The result is opaque.
func (p *Painter) Paint(dst *image.RGBA, area image.Rectangle, l *List, t *Theme) {
	gradient(dst, area.Intersect(dst.Rect), t.Top, t.Bottom)
	p.Over(dst, area, l, t)
}

// Over is Paint without the background: over what dst shows already, which must be opaque.
func (p *Painter) Over(dst *image.RGBA, area image.Rectangle, l *List, t *Theme) {
	area = area.Intersect(dst.Rect)
	if area.Empty() {
		return
	}
	lo, hi := l.Bounds()
	p.begin(Fit(image.Rectangle{Max: area.Size()}, lo, hi), area.Dx(), area.Dy())
	p.ink.img, p.ink.clip = dst, area

	edge := geom.Clamp(t.Edge*float32(min(area.Dx(), area.Dy())), 0.75, 2.5)
	for i := 0; i < len(l.items); {
		n := 1
		s := &t.Roles[l.items[i].role]
		if s.Merge && l.items[i].kind != Label {
			for i+n < len(l.items) && l.items[i+n].role == l.items[i].role && l.items[i+n].kind != Label {
				n++
			}
			p.merged(l, i, i+n, s, edge)
		} else {
			p.shape(l, &l.items[i], s, edge)
		}
		i += n
	}
	p.ink.img = nil
}

// Stroke draws the line through pts, in pixels from the corner of dst and width pixels wide, over
// what dst shows.
func (p *Painter) Stroke(dst *image.RGBA, pts []geom.Vec, width float32, c color.NRGBA) {
	p.begin(Camera{}, dst.Rect.Dx(), dst.Rect.Dy())
	p.ink.img, p.ink.clip = dst, dst.Rect
	p.path = append(p.path[:0], pts...)
	p.stroke(width, false)
	p.flushIn(c)
	p.ink.img = nil
}

// Shades are the gray levels of roles in Raster: apart from each other and from the
// background, which is 0, most for what matters most.
var Shades = [env.Roles]float32{
	env.RoleGround: 0.35, env.RoleAgent: 1, env.RoleOther: 0.9, env.RoleLimb: 0.8, env.RoleObject: 0.65,
	env.RoleGoal: 0.5, env.RoleHazard: 0.25, env.RoleKey: 0.75, env.RoleJoint: 0.6, env.RoleForce: 0.45,
}

// Raster draws l in w x h gray levels from 0 to 1, row by row from the top, into dst: what a
// camera shows to an agent. Each role has the shade of [Shades]; there are no outlines, and
// sensors, labels and decoration are left out. It panics if dst does not have w*h elements.
func (p *Painter) Raster(dst []float32, w, h int, l *List) {
	if len(dst) != w*h {
		panic("scene: Raster: dst must have w*h elements")
	}
	clear(dst)
	lo, hi := l.Bounds()
	cam := Fit(image.Rect(0, 0, w, h), lo, hi)
	p.begin(cam, w, h)
	p.ink.gray = dst
	for i := range l.items {
		it := &l.items[i]
		shade := Shades[it.role]
		if shade == 0 || it.kind == Label {
			continue
		}
		if shade != p.ink.shade { // neighbours of one shade become one shape, without seams
			p.flush()
			p.ink.shade = shade
		}
		p.outline(l, it)
		if it.kind == Line {
			p.stroke(max(1, it.size*cam.Scale), false)
		} else {
			p.fill()
		}
	}
	p.flush()
	p.ink.gray = nil
}

// begin prepares for a picture of w x h pixels.
func (p *Painter) begin(cam Camera, w, h int) {
	p.cov.resize(w, h)
	p.cam = cam
}

// shape draws one shape.
func (p *Painter) shape(l *List, it *item, s *Style, edge float32) {
	p.outline(l, it)
	switch it.kind {
	case Label:
		p.label(it.text, p.path[0], s)
	case Line:
		p.line(it.size*p.cam.Scale, edge, s)
	default:
		p.fill()
		p.flushIn(s.Fill)
		p.stroke(edge, true)
		p.flushIn(s.Edge)
		if r := it.size * p.cam.Scale; it.kind == Circle && s.Spoke && r > 2*edge {
			c, rim := p.centre(l, it), geom.Rotation(it.spoke)
			p.path = append(p.path[:0], c, geom.Vec{X: c.X + r*rim.C, Y: c.Y - r*rim.S})
			p.stroke(edge, false)
			p.flushIn(s.Edge)
		}
	}
}

// line draws p.path; if it is wide enough to be an area, then as one.
func (p *Painter) line(width, edge float32, s *Style) {
	p.stroke(max(edge, width), false)
	if width <= 4*edge {
		p.flushIn(s.Line)
		return
	}
	p.flushIn(s.Edge)
	p.stroke(width-2*edge, false)
	p.flushIn(s.Fill)
}

// merged draws items i to j as one: the outlines, and over their inner halves the fills.
func (p *Painter) merged(l *List, i, j int, s *Style, edge float32) {
	for k := i; k < j; k++ {
		it := &l.items[k]
		p.outline(l, it)
		switch it.kind {
		case Line:
			p.stroke(max(edge, it.size*p.cam.Scale), false)
		case Polygon, Circle:
			p.stroke(2*edge, true)
		}
	}
	p.flushIn(s.Edge)
	for k := i; k < j; k++ {
		it := &l.items[k]
		p.outline(l, it)
		switch width := it.size * p.cam.Scale; it.kind {
		case Line:
			if width > 4*edge {
				p.stroke(width-2*edge, false)
			}
		case Polygon, Circle:
			p.fill()
		}
	}
	p.flushIn(s.Fill)
}

// far limits pixel coordinates, so that distant points of a broken world cannot overflow.
const far = 1 << 18

func (p *Painter) pixel(v geom.Vec) geom.Vec {
	x, y := p.cam.Pixel(v)
	return geom.Vec{X: geom.Clamp(x, -far, far), Y: geom.Clamp(y, -far, far)}
}

func (p *Painter) centre(l *List, it *item) geom.Vec { return p.pixel(l.pts[it.first]) }

// outline makes p.path the points of a shape in pixels.
func (p *Painter) outline(l *List, it *item) {
	p.path = p.path[:0]
	if it.kind == Circle {
		p.disc(p.centre(l, it), it.size*p.cam.Scale)
		return
	}
	for _, v := range l.pts[it.first:it.end] {
		p.path = append(p.path, p.pixel(v))
	}
}

// unit holds the corners of a regular polygon, in the direction in which areas are positive.
var unit = func() (u [64]geom.Vec) {
	for i := range u {
		s, c := geom.Sincos(float32(i) * 2 * 3.14159265 / float32(len(u)))
		u[i] = geom.Vec{X: c, Y: s}
	}
	return u
}()

// corners returns how far apart the corners of a disc of radius r pixels are taken from unit:
// with them the disc is less than a tenth of a pixel too flat.
func corners(r float32) int {
	switch {
	case r < 2:
		return len(unit) / 8
	case r < 6:
		return len(unit) / 16
	case r < 24:
		return len(unit) / 32
	}
	return 1
}

// disc appends the corners of a disc to p.path.
func (p *Painter) disc(c geom.Vec, r float32) {
	r = geom.Clamp(r, 0, far)
	for i := 0; i < len(unit); i += corners(r) {
		p.path = append(p.path, geom.Vec{X: c.X + r*unit[i].X, Y: c.Y + r*unit[i].Y})
	}
}

// fill covers the polygon through p.path, turned so that areas are positive.
func (p *Painter) fill() {
	var area float32
	last := p.path[len(p.path)-1]
	for _, v := range p.path {
		area += last.Cross(v)
		last = v
	}
	if area >= 0 {
		for _, v := range p.path {
			p.cov.edge(last.X, last.Y, v.X, v.Y)
			last = v
		}
		return
	}
	for _, v := range p.path {
		p.cov.edge(v.X, v.Y, last.X, last.Y)
		last = v
	}
}

// stroke covers the line through p.path, width pixels wide with round joins and ends.
func (p *Painter) stroke(width float32, closed bool) {
	half, n := width/2, len(p.path)
	i := 1
	if closed {
		i = 0
	}
	for ; i < n; i++ {
		a, b := p.path[(i+n-1)%n], p.path[i]
		d := b.Sub(a)
		length := d.Len()
		if length == 0 {
			continue
		}
		m := geom.Vec{X: -d.Y, Y: d.X}.Mul(half / length)
		p.quad(a.Sub(m), b.Sub(m), b.Add(m), a.Add(m))
		p.join(b, half)
		if !closed && i == 1 {
			p.join(a, half)
		}
	}
}

// join covers a disc about v.
func (p *Painter) join(v geom.Vec, r float32) {
	if r < 0.7 {
		return // the lines themselves overlap enough
	}
	step := corners(r)
	last := unit[len(unit)-step]
	for i := 0; i < len(unit); i += step {
		u := unit[i]
		p.cov.edge(v.X+r*last.X, v.Y+r*last.Y, v.X+r*u.X, v.Y+r*u.Y)
		last = u
	}
}

func (p *Painter) quad(a, b, c, d geom.Vec) {
	p.cov.edge(a.X, a.Y, b.X, b.Y)
	p.cov.edge(b.X, b.Y, c.X, c.Y)
	p.cov.edge(c.X, c.Y, d.X, d.Y)
	p.cov.edge(d.X, d.Y, a.X, a.Y)
}

func (p *Painter) flushIn(c color.NRGBA) {
	p.ink.color = c
	p.flush()
}

// flush inks what is covered, and uncovers it.
func (p *Painter) flush() {
	in := &p.ink
	if in.gray != nil {
		p.cov.spans(func(x, y int, cover []float32) {
			for i, c := range cover {
				g := &in.gray[y*p.cov.w+x+i]
				*g += (in.shade - *g) * c
			}
		})
		return
	}
	p.cov.spans(func(x, y int, cover []float32) {
		at := in.img.PixOffset(in.clip.Min.X+x, in.clip.Min.Y+y)
		blend(in.img.Pix[at:at+4*len(cover)], cover, in.color)
	})
}

// blend draws c, as far as it covers, over opaque pixels.
func blend(pix []uint8, cover []float32, c color.NRGBA) {
	r, g, b := int32(c.R), int32(c.G), int32(c.B)
	full := uint32(c.R) | uint32(c.G)<<8 | uint32(c.B)<<16 | 255<<24
	alpha := float32(c.A) * (256.0 / 255)
	for i, f := range cover {
		a := int32(f*alpha + 0.5)
		px := pix[4*i : 4*i+4 : 4*i+4]
		switch {
		case a <= 0:
		case a >= 256:
			binary.LittleEndian.PutUint32(px, full)
		default:
			px[0] = uint8(int32(px[0]) + ((r-int32(px[0]))*a+128)>>8)
			px[1] = uint8(int32(px[1]) + ((g-int32(px[1]))*a+128)>>8)
			px[2] = uint8(int32(px[2]) + ((b-int32(px[2]))*a+128)>>8)
		}
	}
}

// gradient fills area from top to bottom.
func gradient(dst *image.RGBA, area image.Rectangle, top, bottom color.NRGBA) {
	for y := area.Min.Y; y < area.Max.Y; y++ {
		c := mix(top, bottom, (float32(y-area.Min.Y)+0.5)/float32(area.Dy()))
		row := dst.Pix[dst.PixOffset(area.Min.X, y) : dst.PixOffset(area.Max.X-1, y)+4]
		row[0], row[1], row[2], row[3] = c.R, c.G, c.B, 255
		for n := 4; n < len(row); n *= 2 {
			copy(row[n:], row[:n])
		}
	}
}
