package scene

import (
	"image"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// A Camera maps metres, y up, to pixels, y down: (X + Scale*x, Y - Scale*y).
type Camera struct{ X, Y, Scale float32 }

// Fit returns the camera that shows the rectangle from lo to hi as large as possible in area:
// in the middle, and at the bottom, so that what is to spare of the height goes to the sky.
func Fit(area image.Rectangle, lo, hi geom.Vec) Camera {
	w, h := float32(area.Dx()), float32(area.Dy())
	scale := min(w/(hi.X-lo.X), h/(hi.Y-lo.Y))
	left := float32(area.Min.X) + (w-scale*(hi.X-lo.X))/2
	return Camera{left - scale*lo.X, float32(area.Max.Y) + scale*lo.Y, scale}
}

// Pixel returns where p lies, in pixels from the top left corner.
func (c Camera) Pixel(p geom.Vec) (x, y float32) { return c.X + c.Scale*p.X, c.Y - c.Scale*p.Y }

// Frame returns the size of a picture of about the given number of pixels in the shape of the
// list's view, with even sides as video encoders want them.
func Frame(l *List, pixels int) (width, height int) {
	lo, hi := l.Bounds()
	ratio := geom.Clamp((hi.X-lo.X)/(hi.Y-lo.Y), 1.0/4, 4)
	h := geom.Sqrt(float32(pixels) / ratio)
	return max(2, int(h*ratio/2+0.5)*2), max(2, int(h/2+0.5)*2)
}
