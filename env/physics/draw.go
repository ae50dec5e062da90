package physics

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// View returns a rectangle worth showing: the scene's, or one around all its grounds and shapes.
func (w *World) View() (lo, hi geom.Vec) {
	if v := w.m.view; v != nil {
		return v.Lo, v.Hi
	}
	lo, hi = geom.Vec{X: 1e30, Y: 1e30}, geom.Vec{X: -1e30, Y: -1e30}
	include := func(x, y float32) {
		lo = geom.Vec{X: geom.Min(lo.X, x), Y: geom.Min(lo.Y, y)}
		hi = geom.Vec{X: geom.Max(hi.X, x), Y: geom.Max(hi.Y, y)}
	}
	for g := range w.m.grounds {
		for _, v := range w.groundVerts(g) {
			include(v.x, v.y)
		}
	}
	for i := range w.boxes {
		w.box(i, 0)
		include(w.boxes[i].lox, w.boxes[i].loy)
		include(w.boxes[i].hix, w.boxes[i].hiy)
	}
	if lo.X > hi.X {
		return geom.Vec{X: -1, Y: -1}, geom.Vec{X: 1, Y: 1}
	}
	margin := 0.05*(hi.X-lo.X+hi.Y-lo.Y) + 0.1
	return lo.Sub(geom.Vec{X: margin, Y: margin}), hi.Add(geom.Vec{X: margin, Y: margin})
}

// Draw draws grounds, goals, bodies and joints, in this order, on a canvas whose View the caller
// has called. What is disabled is left out. Unlike the simulation it allocates.
func (w *World) Draw(c env.Canvas) {
	lo, _ := w.View()
	for g := range w.m.grounds {
		w.drawGround(c, g, lo.Y)
	}
	for _, g := range w.m.goals {
		c.Circle(g.Role, g.Centre, g.Radius, 0)
	}
	for i := range w.m.shapes {
		if w.shapes[i].on != 0 {
			w.drawShape(c, i)
		}
	}
	for j := range w.m.joints {
		p, q := w.JointAnchors(j)
		if k := w.m.joints[j].kind; k == scene.Distance || k == scene.Prismatic {
			c.Line(env.RoleJoint, 0, []geom.Vec{p, q})
		}
		c.Circle(env.RoleJoint, q, jointDot, 0)
	}
}

const jointDot = 0.03 // m

// drawGround fills the terrain down to a bottom below everything shown.
func (w *World) drawGround(c env.Canvas, ground int, bottom float32) {
	v := w.groundVerts(ground)
	pts := make([]geom.Vec, 0, len(v)+2)
	for i := range v {
		pts = append(pts, geom.Vec{X: v[i].x, Y: v[i].y})
		bottom = geom.Min(bottom, v[i].y-1)
	}
	pts = append(pts, geom.Vec{X: pts[len(v)-1].X, Y: bottom}, geom.Vec{X: pts[0].X, Y: bottom})
	c.Polygon(env.RoleGround, pts)
}

func (w *World) drawShape(c env.Canvas, shape int) {
	info, s := &w.m.shapes[shape], &w.shapes[shape]
	role := w.m.bodies[info.body].role
	w.place(shape)
	v := w.world[info.vert0:][:s.n]
	pts := make([]geom.Vec, len(v))
	for i := range v {
		pts[i] = geom.Vec{X: v[i].x, Y: v[i].y}
	}
	switch info.kind {
	case scene.Circle:
		c.Circle(role, pts[0], s.radius, w.bodies[info.body].a)
	case scene.Capsule:
		c.Polygon(role, capsuleOutline(pts[0], pts[1], s.radius))
	case scene.Polygon:
		c.Polygon(role, pts)
	default:
		c.Line(role, 2*skin, pts)
	}
}

// capsuleOutline returns a polygon like the capsule: two half circles.
func capsuleOutline(a, b geom.Vec, r float32) (pts []geom.Vec) {
	const n = 8
	d := b.Sub(a)
	start := geom.Atan2(d.Y, d.X) - geom.Pi/2
	for _, end := range [2]geom.Vec{b, a} {
		for i := range n + 1 {
			s, co := geom.Sincos(start + float32(i)*(geom.Pi/n))
			pts = append(pts, end.Add(geom.Vec{X: r * co, Y: r * s}))
		}
		start += geom.Pi
	}
	return pts
}
