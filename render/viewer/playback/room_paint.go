package playback

import (
	"image"
	"image/color"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	world "github.com/terrarium-rl/terrarium/env/scene"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A roomView is where things of a RoomEditor are on the picture.
type roomView struct {
	cam     scene.Camera
	area    image.Rectangle
	buttons []button
}

// A button is a part of the picture that does something when it is clicked.
type button struct {
	r    image.Rectangle
	text string
	do   func(s *State)
}

// world returns what lies at a pixel, and how far the mouse may miss it, m.
func (v *roomView) world(x, y int) (p geom.Vec, slack float32) {
	scale := max(v.cam.Scale, 1e-6)
	return geom.Vec{X: (float32(x) - v.cam.X) / scale, Y: (v.cam.Y - float32(y)) / scale}, 9 / scale
}

// at returns the button at a pixel, the topmost of several, or nil.
func (v *roomView) at(x, y int) *button {
	for i := len(v.buttons) - 1; i >= 0; i-- {
		if image.Pt(x, y).In(v.buttons[i].r) {
			return &v.buttons[i]
		}
	}
	return nil
}

// drawRoom puts a room on a list as it is at the start.
func (e *RoomEditor) drawRoom(l *scene.List) {
	r := e.Room
	l.Reset()
	lo, hi := r.Bounds()
	l.View(lo, hi)
	for i := range r.Grounds {
		pts := slices.Clone(r.Grounds[i].Points)
		n := len(pts)
		l.Polygon(env.RoleGround, append(pts, geom.Vec{X: pts[n-1].X, Y: lo.Y - 1}, geom.Vec{X: pts[0].X, Y: lo.Y - 1}))
	}
	for _, g := range r.Goals {
		l.Circle(g.Role, g.Centre, g.Radius, 0)
	}
	for i := range r.Bodies {
		e.drawBody(l, i)
	}
	for i := range r.Rays {
		from, to := e.sight(i)
		l.Line(env.RoleSensor, 0, []geom.Vec{from, to})
	}
	for i := range r.Thrusters {
		from, to := e.arrow(i)
		across := geom.Vec{X: from.Y - to.Y, Y: to.X - from.X}.Mul(0.3)
		l.Polygon(env.RoleForce, []geom.Vec{from, to.Add(across), to.Sub(across)})
	}
	for i := range r.Joints {
		p, q := r.At(i)
		if k := r.Joints[i].Kind; k == world.Distance || k == world.Prismatic {
			l.Line(env.RoleJoint, 0, []geom.Vec{p, q})
		}
		l.Circle(env.RoleJoint, q, 0.05, 0)
		if r.Joints[i].Motor != nil {
			l.Circle(env.RoleKey, q, 0.025, 0)
		}
	}
}

func (e *RoomEditor) drawBody(l *scene.List, i int) {
	o := &e.Room.Bodies[i]
	for k := range o.Shapes {
		s := &o.Shapes[k]
		pts := make([]geom.Vec, len(s.Points))
		for n, p := range s.Points {
			pts[n] = e.world(i, p)
		}
		switch s.Kind {
		case world.Circle:
			l.Circle(o.Role, pts[0], s.Radius, o.Angle)
		case world.Capsule:
			l.Polygon(o.Role, capsule(pts[0], pts[1], s.Radius))
		case world.Polygon:
			l.Polygon(o.Role, pts)
		default:
			l.Line(o.Role, 0.02, pts)
		}
	}
}

// capsule returns a polygon like the capsule.
func capsule(a, b geom.Vec, r float32) (pts []geom.Vec) {
	const n = 10
	d := b.Sub(a)
	start := geom.Atan2(d.Y, d.X) - geom.Pi/2
	for _, end := range [2]geom.Vec{b, a} {
		for i := range n + 1 {
			s, c := geom.Sincos(start + float32(i)*(geom.Pi/n))
			pts = append(pts, end.Add(geom.Vec{X: r * c, Y: r * s}))
		}
		start += geom.Pi
	}
	return pts
}

// A roomPainter draws a RoomEditor.
type roomPainter struct {
	*State
	e   *RoomEditor
	dst Surface
	t   *look
}

// paintRoom draws the level editor on the whole picture.
func (s *State) paintRoom(dst Surface, t *look) {
	c := &s.screen
	p := roomPainter{s, s.RoomEditor, dst, t}
	size := dst.Size()
	dst.Fill(image.Rectangle{Max: size}, t.Mat)
	p.e.view.buttons = p.e.view.buttons[:0]
	left, right, strip := c.px(150), c.px(310), c.px(40)
	if size.X < c.px(900) {
		right = c.px(230)
	}
	area := image.Rect(left, 0, max(size.X-right, left+1), max(size.Y-strip, 1))
	c.area = area
	c.cell = area.Size()
	p.e.drawRoom(&c.list)
	s.frame(&c.list)
	lo, hi := c.list.Bounds()
	p.e.view.cam, p.e.view.area = scene.Fit(area, lo, hi), area
	dst.World(area, &c.list, t.Theme)
	p.grid(area)
	p.marks(area)
	p.tools(image.Rect(0, 0, left, size.Y-strip))
	p.facts(image.Rect(area.Max.X, 0, size.X, size.Y-strip))
	p.strip(image.Rect(0, size.Y-strip, size.X, size.Y))
}

func (p *roomPainter) pixel(v geom.Vec) geom.Vec {
	x, y := p.e.view.cam.Pixel(v)
	return geom.Vec{X: x, Y: y}
}

// grid draws the lines of whole metres.
func (p *roomPainter) grid(area image.Rectangle) {
	cam := &p.e.view.cam
	if cam.Scale < 8 {
		return
	}
	colour := faint(p.t.Text, 22)
	lo, _ := p.e.view.world(area.Min.X, area.Max.Y)
	hi, _ := p.e.view.world(area.Max.X, area.Min.Y)
	for x := geom.Floor(lo.X) + 1; x < hi.X; x++ {
		at, _ := cam.Pixel(geom.Vec{X: x})
		p.dst.Fill(image.Rect(int(at), area.Min.Y, int(at)+1, area.Max.Y), colour)
	}
	for y := geom.Floor(lo.Y) + 1; y < hi.Y; y++ {
		_, at := cam.Pixel(geom.Vec{Y: y})
		p.dst.Fill(image.Rect(area.Min.X, int(at), area.Max.X, int(at)+1), colour)
	}
}

// path draws a line through points of the world, cut off at the border of the picture of it.
func (p *roomPainter) path(width float32, colour color.NRGBA, pts ...geom.Vec) {
	line := p.screen.pts[:0]
	for _, v := range pts {
		q := p.pixel(v)
		a := p.e.view.area
		line = append(line, geom.Vec{X: geom.Clamp(q.X, float32(a.Min.X), float32(a.Max.X)), Y: geom.Clamp(q.Y, float32(a.Min.Y), float32(a.Max.Y))})
	}
	p.screen.pts = line
	p.dst.Stroke(line, width*p.screen.scale, colour)
}

// ring draws a circle about a point of the world, of a radius in metres.
func (p *roomPainter) ring(width float32, colour color.NRGBA, at geom.Vec, radius float32) {
	pts := make([]geom.Vec, 0, 33)
	for i := range 33 {
		s, c := geom.Sincos(float32(i) * geom.Pi / 16)
		pts = append(pts, at.Add(geom.Vec{X: radius * c, Y: radius * s}))
	}
	p.path(width, colour, pts...)
}

// marks draws what is picked, its handles, and what is being drawn.
func (p *roomPainter) marks(image.Rectangle) {
	e, accent := p.e, p.t.Roles[env.RoleHazard].Fill
	_, slack := e.view.world(0, 0)
	i := e.Picked.Index
	switch e.Picked.Kind {
	case PickBody:
		lo, hi := outline(&e.Room.Bodies[i])
		corner := func(x, y float32) geom.Vec { return e.world(i, geom.Vec{X: x, Y: y}) }
		p.path(2, accent, corner(lo.X, lo.Y), corner(hi.X, lo.Y), corner(hi.X, hi.Y), corner(lo.X, hi.Y), corner(lo.X, lo.Y))
	case PickJoint:
		_, at := e.Room.At(i)
		p.ring(2, accent, at, slack)
	case PickThruster:
		from, to := e.arrow(i)
		p.path(3, accent, from, to)
	case PickRay:
		from, to := e.sight(i)
		p.path(3, accent, from, to)
	case PickRegion:
		g := &e.Room.Goals[i]
		p.ring(2, accent, g.Centre, g.Radius)
	}
	if turn, scale, ok := e.handles(slack); ok && e.Tool == Pointer {
		if e.Picked.Kind == PickBody {
			p.ring(2.5, accent, turn, slack*0.7)
		}
		d := slack * 0.6
		p.path(2.5, accent, scale.Add(geom.Vec{X: -d, Y: -d}), scale.Add(geom.Vec{X: d, Y: -d}), scale.Add(geom.Vec{X: d, Y: d}), scale.Add(geom.Vec{X: -d, Y: d}), scale.Add(geom.Vec{X: -d, Y: -d}))
	}
	for k := range e.corners {
		p.ring(2, accent, e.corners[k], slack/2)
		p.path(2, accent, e.corners[max(k-1, 0)], e.corners[k])
	}
	if d := &e.drag; d.kind == dragDraw {
		end := e.snap(d.at)
		switch e.Tool {
		case Box:
			p.path(2, accent, d.from, geom.Vec{X: end.X, Y: d.from.Y}, end, geom.Vec{X: d.from.X, Y: end.Y}, d.from)
		case Ball, Region:
			p.ring(2, accent, d.from, end.Sub(d.from).Len())
		default:
			p.path(2, accent, d.from, d.at)
		}
	}
}

// button draws a button and remembers it. An active one stands out; the key is what does the same.
func (p *roomPainter) button(r image.Rectangle, text, key string, active bool, do func(s *State)) {
	c := &p.screen
	fill, ink := faint(p.t.Text, 22), p.t.Text
	if active {
		fill, ink = p.t.Roles[env.RoleAgent].Fill, p.t.Mat
	}
	p.dst.Fill(r, fill)
	size := 12.5 * c.scale
	for len(text) > 0 && p.dst.Width(size, text) > float32(r.Dx()-c.px(12)) {
		_, n := lastRune(text)
		text = text[:len(text)-n]
	}
	y := float32(r.Min.Y+r.Max.Y)/2 + size*0.35
	p.dst.Text(float32(r.Min.X+c.px(7)), y, size, text, ink)
	if key != "" {
		p.dst.Text(float32(r.Max.X-c.px(7))-p.dst.Width(size, key), y, size, key, faint(ink, 150))
	}
	p.e.view.buttons = append(p.e.view.buttons, button{r, text, do})
}
