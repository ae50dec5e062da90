package mesh

import (
	"image"
	"image/color"

	"github.com/terrarium-rl/terrarium/render/scene"
)

// An Atlas is a texture of glyphs, drawn when they are first needed: white, as opaque as the glyph
// covers each pixel.
type Atlas struct {
	Img     *image.RGBA     // of AtlasSize pixels a side
	Changed image.Rectangle // what has been drawn since Clean

	glyphs  map[glyphKey]glyph
	painter scene.Painter
	scratch *image.RGBA
	x, y, h int // where the next glyph goes, and the height of its row
	full    bool
}

// AtlasSize is the number of pixels of each side of an Atlas.
const AtlasSize = 1024

type glyphKey struct {
	r    rune
	size int
}

type glyph struct {
	at      image.Rectangle
	advance float32
}

const bearing = 2 // pixels of room at each side of a glyph

func newAtlas() *Atlas {
	a := &Atlas{Img: image.NewRGBA(image.Rect(0, 0, AtlasSize, AtlasSize)), glyphs: map[glyphKey]glyph{}}
	a.clear()
	return a
}

// Clean notes that the texture has been brought up to date.
func (a *Atlas) Clean() { a.Changed = image.Rectangle{} }

func (a *Atlas) clear() {
	clear(a.Img.Pix)
	clear(a.glyphs)
	for y := range 4 {
		for x := range 4 {
			a.Img.SetRGBA(x, y, color.RGBA{255, 255, 255, 255})
		}
	}
	a.x, a.y, a.h, a.full = 6, 0, 6, false
	a.Changed = a.Img.Rect
}

// begin starts a picture. An atlas that the last one filled is emptied.
func (a *Atlas) begin() {
	if a.full {
		a.clear()
	}
}

// pixels returns the size of glyphs of a text: they are drawn in whole sizes.
func pixels(size float32) int { return max(4, min(int(size+0.5), 96)) }

// Width returns the length of text in pixels.
func (a *Atlas) Width(size float32, text string) (w float32) {
	for _, r := range text {
		w += a.glyph(r, pixels(size)).advance
	}
	return w
}

func (a *Atlas) glyph(r rune, size int) glyph {
	key := glyphKey{r, size}
	g, ok := a.glyphs[key]
	if !ok {
		g = a.draw(r, size)
		a.glyphs[key] = g
	}
	return g
}

// draw adds a glyph. If there is no room it stays invisible for the rest of the picture.
func (a *Atlas) draw(r rune, size int) glyph {
	if a.scratch == nil {
		a.scratch = image.NewRGBA(image.Rect(0, 0, 200, 160))
	}
	s := a.scratch
	for i := range s.Pix {
		s.Pix[i] = 255 * uint8(i&3/3) // opaque black
	}
	advance := a.painter.Text(s, bearing, float32(size), float32(size), string(r), color.NRGBA{255, 255, 255, 255})
	w, h := min(int(advance+0.999)+2*bearing, s.Rect.Dx()), min(size+size/2, s.Rect.Dy())
	if a.x+w > AtlasSize {
		a.x, a.y, a.h = 0, a.y+a.h, 0
	}
	if a.y+h > AtlasSize {
		a.full = true
		return glyph{advance: advance}
	}
	at := image.Rect(a.x, a.y, a.x+w, a.y+h)
	for y := range h {
		for x := range w {
			v := s.Pix[s.PixOffset(x, y)]
			a.Img.SetRGBA(a.x+x, a.y+y, color.RGBA{v, v, v, v})
		}
	}
	a.Changed = a.Changed.Union(at)
	a.x, a.h = a.x+w, max(a.h, h)
	return glyph{at, advance}
}

// Text writes text from (x, y), the left end of its base line, and returns its width.
func (m *Mesh) Text(x, y, size float32, text string, c color.NRGBA) float32 {
	px := pixels(size)
	t := tintOf(c)
	pen, base := x, int(y+0.5)
	for _, r := range text {
		g := m.Atlas.glyph(r, px)
		if !g.at.Empty() && r != ' ' {
			left := int(pen+0.5) - bearing
			m.glyph(image.Rect(left, base-px, left+g.at.Dx(), base-px+g.at.Dy()), g.at, t)
		}
		pen += g.advance
	}
	return pen - x
}

func (m *Mesh) glyph(to, from image.Rectangle, t tint) {
	p, q := rectOf(to), rectOf(from)
	if m.outside(p) {
		return
	}
	b := m.batch(4, true)
	v0, i0 := len(b.Vertices), len(b.Indices)
	b.Vertices = append(b.Vertices,
		Vertex{p.x0, p.y0, q.x0, q.y0, t.r, t.g, t.b, t.a}, Vertex{p.x1, p.y0, q.x1, q.y0, t.r, t.g, t.b, t.a},
		Vertex{p.x1, p.y1, q.x1, q.y1, t.r, t.g, t.b, t.a}, Vertex{p.x0, p.y1, q.x0, q.y1, t.r, t.g, t.b, t.a})
	i := uint16(v0)
	b.quad(i, i+1, i+2, i+3)
	m.trim(b, v0, i0)
}
