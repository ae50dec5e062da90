package playback

import (
	"image"
	"image/color"
	"image/draw"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A Surface is what the viewer draws itself on, in pixels, y down. The window's is made of
// triangles, see package mesh; tests and screenshots use a [Picture].
type Surface interface {
	Size() image.Point
	Fill(r image.Rectangle, c color.NRGBA)

	// World draws a list and the background of worlds on area, Over the list alone.
	World(area image.Rectangle, l *scene.List, t *scene.Theme)
	Over(area image.Rectangle, l *scene.List, t *scene.Theme)

	// Stroke draws an open line, which it does not retain.
	Stroke(pts []geom.Vec, width float32, c color.NRGBA)

	// Text writes a line from (x, y), the left end of its base line, size pixels high, and
	// returns its width, as Width does.
	Text(x, y, size float32, text string, c color.NRGBA) float32
	Width(size float32, text string) float32
}

// A Picture is a Surface of pixels.
type Picture struct {
	Img     *image.RGBA
	painter scene.Painter
}

// NewPicture returns a Picture of the given size.
func NewPicture(width, height int) *Picture {
	return &Picture{Img: image.NewRGBA(image.Rect(0, 0, width, height))}
}

// Size returns the size of the picture.
func (p *Picture) Size() image.Point { return p.Img.Rect.Size() }

// Fill blends a colour over a rectangle.
func (p *Picture) Fill(r image.Rectangle, c color.NRGBA) {
	draw.Draw(p.Img, r, image.NewUniform(c), image.Point{}, draw.Over)
}

// World draws a list and its background.
func (p *Picture) World(area image.Rectangle, l *scene.List, t *scene.Theme) {
	p.painter.Paint(p.Img, area, l, t)
}

// Over draws a list.
func (p *Picture) Over(area image.Rectangle, l *scene.List, t *scene.Theme) {
	p.painter.Over(p.Img, area, l, t)
}

// Stroke draws a line.
func (p *Picture) Stroke(pts []geom.Vec, width float32, c color.NRGBA) {
	p.painter.Stroke(p.Img, pts, width, c)
}

// Text writes a line.
func (p *Picture) Text(x, y, size float32, text string, c color.NRGBA) float32 {
	return p.painter.Text(p.Img, x, y, size, text, c)
}

// Width returns the length of a line of text.
func (p *Picture) Width(size float32, text string) float32 { return p.painter.Width(size, text) }

var _ Surface = (*Picture)(nil)
