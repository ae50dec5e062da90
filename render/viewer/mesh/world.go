package mesh

import (
	"image"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// World draws l on area in the colours of t, where and as [scene.Painter] does, but for corners,
// which are mitred.
func (m *Mesh) World(area image.Rectangle, l *scene.List, t *scene.Theme) {
	m.Gradient(area, t.Top, t.Bottom)
	m.Over(area, l, t)
}

// Over is World without the background.
func (m *Mesh) Over(area image.Rectangle, l *scene.List, t *scene.Theme) {
	if area.Empty() {
		return
	}
	m.clip = rectOf(area)
	lo, hi := l.Bounds()
	d := drawing{Mesh: m, cam: scene.Fit(area, lo, hi), size: min(area.Dx(), area.Dy())}
	d.edge = geom.Clamp(t.Edge*float32(d.size), 0.75, 2.5)
	for i := 0; i < l.Len(); {
		s := l.At(i)
		style := &t.Roles[s.Role]
		n := 1
		if style.Merge && s.Kind != scene.Label {
			for i+n < l.Len() && l.At(i+n).Role == s.Role && l.At(i+n).Kind != scene.Label {
				n++
			}
			d.merge(l, i, i+n, style)
		} else {
			d.shape(&s, style)
		}
		i += n
	}
	m.clip = rectOf(image.Rectangle{Max: m.size})
}

// small is the size, in pixels, below which pictures are drawn with fewer triangles. There are many
// of them then, and a display without a graphics card draws 64 in the time that one takes.
const small = 160

// A drawing is what drawing a world needs.
type drawing struct {
	*Mesh
	cam  scene.Camera
	size int
	edge float32
}

func (d *drawing) pixel(v geom.Vec) geom.Vec {
	const far = 1 << 18 // keeps the points of a broken world within what cards can handle
	x, y := d.cam.Pixel(v)
	return geom.Vec{X: geom.Clamp(x, -far, far), Y: geom.Clamp(y, -far, far)}
}

// outline makes m.path the points of a shape.
func (d *drawing) outline(s *scene.Shape) {
	d.path = d.path[:0]
	if s.Kind != scene.Circle {
		for _, v := range s.Pts {
			d.path = append(d.path, d.pixel(v))
		}
		off := float32(0.2)
		if s.Role == env.RoleBackdrop && d.size < small {
			off = 0.5
		}
		d.thin(off)
		return
	}
	c, r := d.pixel(s.Pts[0]), geom.Clamp(s.Size*d.cam.Scale, 0, 1<<18)
	step := 1
	switch {
	case r < 3:
		step = 8
	case r < 10:
		step = 4
	case r < 40:
		step = 2
	}
	for i := 0; i < len(unit); i += step {
		d.path = append(d.path, geom.Vec{X: c.X + r*unit[i].X, Y: c.Y + r*unit[i].Y})
	}
}

// unit holds the corners of a regular polygon.
var unit = func() (u [64]geom.Vec) {
	for i := range u {
		s, c := geom.Sincos(float32(i) * 2 * geom.Pi / float32(len(u)))
		u[i] = geom.Vec{X: c, Y: s}
	}
	return u
}()

func (d *drawing) shape(s *scene.Shape, style *scene.Style) {
	switch s.Kind {
	case scene.Label:
		size := geom.Clamp(float32(d.size)/24, 8, 24)
		at := d.pixel(s.Pts[0])
		d.Text(at.X-d.Atlas.Width(size, s.Text)/2, at.Y, size, s.Text, style.Fill)
	case scene.Line:
		width := s.Size * d.cam.Scale
		d.outline(s)
		if width <= 4*d.edge {
			d.stroke(max(d.edge, width), false, style.Line)
			return
		}
		d.stroke(width, false, style.Edge)
		d.stroke(width-2*d.edge, false, style.Fill)
	default:
		d.outline(s)
		d.fill(style.Fill, style.Edge.A < 255)
		if d.size < small && len(d.path) > 2 { // half as many triangles, and a fraction of a pixel larger
			d.rim(d.edge/2, 0, style.Edge)
		} else {
			d.stroke(d.edge, true, style.Edge)
		}
		if r := s.Size * d.cam.Scale; s.Kind == scene.Circle && style.Spoke && r > 2*d.edge {
			c, rim := d.pixel(s.Pts[0]), geom.Rotation(s.Spoke)
			d.path = append(d.path[:0], c, geom.Vec{X: c.X + r*rim.C, Y: c.Y - r*rim.S})
			d.stroke(d.edge, false, style.Edge)
		}
	}
}

// merge draws shapes i to j as one: the rims, and then the fills, which cover rims inside of others.
func (d *drawing) merge(l *scene.List, i, j int, style *scene.Style) {
	for k := i; k < j; k++ {
		s := l.At(k)
		d.outline(&s)
		if s.Kind == scene.Line {
			d.stroke(max(d.edge, s.Size*d.cam.Scale), false, style.Edge)
		} else if d.tidy() {
			d.rim(d.edge, 1, style.Edge)
		}
	}
	for k := i; k < j; k++ {
		s := l.At(k)
		d.outline(&s)
		if width := s.Size * d.cam.Scale; s.Kind != scene.Line {
			d.fill(style.Fill, d.edge > 1.2)
		} else if width > 4*d.edge {
			d.stroke(width-2*d.edge, false, style.Fill)
		}
	}
}
