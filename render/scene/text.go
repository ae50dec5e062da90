package scene

import (
	"image"
	"image/color"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// goFont returns the one font of pictures, which is part of the program.
var goFont = sync.OnceValue(func() *sfnt.Font {
	f, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		panic("scene: the embedded font is broken: " + err.Error())
	}
	return f
})

// A textBuffer is what reading glyphs needs.
type textBuffer struct{ sfnt sfnt.Buffer }

// Caption writes a line of text on the upper left corner of area of dst. Text too long for
// the area is cut off.
func (p *Painter) Caption(dst *image.RGBA, area image.Rectangle, text string, t *Theme) {
	area = area.Intersect(dst.Rect)
	if area.Empty() || text == "" {
		return
	}
	p.begin(Camera{}, area.Dx(), area.Dy())
	p.ink.img, p.ink.clip = dst, area
	size := CaptionSize(area)
	pad := size * 0.4
	right, bottom := p.width(text, size)+3*pad, size+1.6*pad
	p.quad(geom.Vec{}, geom.Vec{X: right}, geom.Vec{X: right, Y: bottom}, geom.Vec{Y: bottom})
	p.flushIn(t.Plate)
	p.write(text, 1.5*pad, 0.8*pad+size*0.8, size)
	p.flushIn(t.Text)
	p.ink.img = nil
}

// Text writes text on dst from (x, y), the left end of its base line, size pixels high, and
// returns its width. What lies outside dst is cut off.
func (p *Painter) Text(dst *image.RGBA, x, y, size float32, text string, c color.NRGBA) float32 {
	p.begin(Camera{}, dst.Rect.Dx(), dst.Rect.Dy())
	p.ink.img, p.ink.clip = dst, dst.Rect
	p.write(text, x, y, size)
	p.flushIn(c)
	p.ink.img = nil
	return p.width(text, size)
}

// Width returns the length of a line of text, in pixels.
func (p *Painter) Width(size float32, text string) float32 { return p.width(text, size) }

// CaptionSize returns the font size, in pixels, of captions on area.
func CaptionSize(area image.Rectangle) float32 {
	return geom.Clamp(float32(min(area.Dx(), area.Dy()))/20, 9, 18)
}

// label writes text with the middle of its base line at a pixel.
func (p *Painter) label(text string, at geom.Vec, s *Style) {
	size := geom.Clamp(float32(min(p.cov.w, p.cov.h))/24, 8, 24)
	p.write(text, at.X-p.width(text, size)/2, at.Y, size)
	p.flushIn(s.Fill)
}

// width returns the length of text, in pixels.
func (p *Painter) width(text string, size float32) (w float32) {
	f, ppem := goFont(), fixed.Int26_6(size*64)
	for _, r := range text {
		w += p.advance(f, p.glyph(f, r), ppem)
	}
	return w
}

// write covers the glyphs of text, from x along the base line y.
func (p *Painter) write(text string, x, y, size float32) {
	f, ppem := goFont(), fixed.Int26_6(size*64)
	for _, r := range text {
		g := p.glyph(f, r)
		segments, err := f.LoadGlyph(&p.text.sfnt, g, ppem, nil)
		if err == nil {
			p.contours(segments, x, y)
		}
		x += p.advance(f, g, ppem)
	}
}

// glyph returns the index of a rune; unknown ones show as the font's box.
func (p *Painter) glyph(f *sfnt.Font, r rune) sfnt.GlyphIndex {
	g, err := f.GlyphIndex(&p.text.sfnt, r)
	if err != nil {
		return 0
	}
	return g
}

func (p *Painter) advance(f *sfnt.Font, g sfnt.GlyphIndex, ppem fixed.Int26_6) float32 {
	a, err := f.GlyphAdvance(&p.text.sfnt, g, ppem, font.HintingNone)
	if err != nil {
		return 0
	}
	return float32(a) / 64
}

// contours covers the outlines of a glyph, whose holes turn the other way.
func (p *Painter) contours(segments sfnt.Segments, x, y float32) {
	at := func(v fixed.Point26_6) geom.Vec {
		return geom.Vec{X: x + float32(v.X)/64, Y: y + float32(v.Y)/64}
	}
	var start, pen geom.Vec
	lineTo := func(v geom.Vec) {
		p.cov.edge(pen.X, pen.Y, v.X, v.Y)
		pen = v
	}
	for i := range segments {
		s := &segments[i]
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			lineTo(start)
			start = at(s.Args[0])
			pen = start
		case sfnt.SegmentOpLineTo:
			lineTo(at(s.Args[0]))
		case sfnt.SegmentOpQuadTo:
			a, b, c := pen, at(s.Args[0]), at(s.Args[1])
			for _, f := range [4]float32{0.25, 0.5, 0.75, 1} {
				q := 1 - f
				lineTo(a.Mul(q * q).Add(b.Mul(2 * q * f)).Add(c.Mul(f * f)))
			}
		case sfnt.SegmentOpCubeTo:
			a, b, c, d := pen, at(s.Args[0]), at(s.Args[1]), at(s.Args[2])
			for _, f := range [4]float32{0.25, 0.5, 0.75, 1} {
				q := 1 - f
				lineTo(a.Mul(q * q * q).Add(b.Mul(3 * q * q * f)).Add(c.Mul(3 * q * f * f)).Add(d.Mul(f * f * f)))
			}
		}
	}
	lineTo(start)
}
