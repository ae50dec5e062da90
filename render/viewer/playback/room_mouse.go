package playback

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
)

// snap moves a point to the grid.
func (e *RoomEditor) snap(p geom.Vec) geom.Vec {
	if e.Free {
		return p
	}
	round := func(v float32) float32 { return geom.Floor(v/gridSize+0.5) * gridSize }
	return geom.Vec{X: round(p.X), Y: round(p.Y)}
}

// Press takes what lies at a point of the world, or begins to draw; slack is how far the mouse
// may miss, m. It reports false where there is nothing to do, so that the view may move.
func (e *RoomEditor) Press(p geom.Vec, slack float32) bool {
	e.Miss = nil
	e.drag = drag{from: p, at: p, slack: slack / 3, before: e.Room.Clone()}
	switch e.Tool {
	case Pointer:
		return e.grab(p, slack)
	case Corners:
		e.corner(e.snap(p), slack)
		return true
	}
	e.drag.kind = dragDraw
	e.drag.from = e.snap(p)
	if e.Tool == Hinge || e.Tool == Glue || e.Tool == Slider || e.Tool == Jet || e.Tool == Eye || e.Tool == Rod {
		e.drag.from = p // where one body is, or another, should not change by rounding
	}
	return true
}

// grab picks what lies at a point and holds it.
func (e *RoomEditor) grab(p geom.Vec, slack float32) bool {
	r := e.Room
	if turn, scale, ok := e.handles(slack); ok {
		switch {
		case p.Sub(turn).Len() < 1.5*slack:
			e.drag.kind = dragTurn
			return true
		case p.Sub(scale).Len() < 1.5*slack:
			e.drag.kind = dragScale
			return true
		}
	}
	e.Picked = e.find(p, slack)
	e.drag.kind = dragMove
	if e.Picked.Kind == PickBody && r.Bodies[e.Picked.Index].Role == env.RoleGround && r.Bodies[e.Picked.Index].Kind == scene.Static {
		return true
	}
	return e.Picked.Kind != PickNone
}

// find returns what lies at a point: small things first.
func (e *RoomEditor) find(p geom.Vec, slack float32) Pick {
	r := e.Room
	for i := range r.Joints {
		if _, at := r.At(i); at.Sub(p).Len() < slack {
			return Pick{PickJoint, i}
		}
	}
	for i := range r.Thrusters {
		from, to := e.arrow(i)
		if near(p, from, to) < slack {
			return Pick{PickThruster, i}
		}
	}
	for i := range r.Rays {
		from, to := e.sight(i)
		if near(p, from, to) < slack/2 {
			return Pick{PickRay, i}
		}
	}
	if i := r.Find(p, slack/3); i != sandbox.World {
		return Pick{PickBody, i}
	}
	for i := range r.Goals {
		if r.Goals[i].Centre.Sub(p).Len() < r.Goals[i].Radius {
			return Pick{PickRegion, i}
		}
	}
	return Pick{}
}

// near returns the distance of p from the line between a and b.
func near(p, a, b geom.Vec) float32 {
	e := b.Sub(a)
	t := geom.Clamp(p.Sub(a).Dot(e)/max(e.Dot(e), 1e-9), 0, 1)
	return p.Sub(a.Add(e.Mul(t))).Len()
}

// arrow returns where the picture of a thruster begins and ends: against its force.
func (e *RoomEditor) arrow(i int) (from, to geom.Vec) {
	t := &e.Room.Thrusters[i]
	body := e.Room.Body(t.Body)
	from = e.world(body, t.At)
	d := geom.Rotation(e.Room.Bodies[body].Angle).Apply(t.Direction)
	return from, from.Sub(d.Mul(0.35 / max(d.Len(), 1e-6)))
}

// sight returns where a ray begins and ends.
func (e *RoomEditor) sight(i int) (from, to geom.Vec) {
	y := &e.Room.Rays[i]
	body := e.Room.Body(y.Body)
	along := y.Along
	if !y.Upright {
		along = geom.Rotation(e.Room.Bodies[body].Angle).Apply(along)
	}
	from = e.world(body, y.From)
	return from, from.Add(along)
}

// world returns where a local point of a body is.
func (e *RoomEditor) world(body int, p geom.Vec) geom.Vec {
	o := &e.Room.Bodies[body]
	return o.Position.Add(geom.Rotation(o.Angle).Apply(p))
}

// handles returns where the handles of what is picked are, if it has some: for turning above it, for
// scaling at a corner.
func (e *RoomEditor) handles(slack float32) (turn, scale geom.Vec, ok bool) {
	switch e.Picked.Kind {
	case PickBody:
		o := &e.Room.Bodies[e.Picked.Index]
		lo, hi := outline(o)
		return e.world(e.Picked.Index, geom.Vec{X: (lo.X + hi.X) / 2, Y: hi.Y + 3*slack}), e.world(e.Picked.Index, hi.Add(geom.Vec{X: slack, Y: slack}.Mul(0.7))), len(o.Shapes) > 0
	case PickRegion:
		g := &e.Room.Goals[e.Picked.Index]
		far := geom.Vec{X: 1e9, Y: 1e9}
		return far, g.Centre.Add(geom.Vec{X: g.Radius}), true
	}
	return turn, scale, false
}

// outline returns the box around the shapes of a body, in its coordinates.
func outline(o *scene.Body) (lo, hi geom.Vec) {
	for i := range o.Shapes {
		s := &o.Shapes[i]
		for k, p := range s.Points {
			a, z := p.Sub(geom.Vec{X: s.Radius, Y: s.Radius}), p.Add(geom.Vec{X: s.Radius, Y: s.Radius})
			if i == 0 && k == 0 {
				lo, hi = a, z
			}
			lo, hi = geom.Vec{X: min(lo.X, a.X), Y: min(lo.Y, a.Y)}, geom.Vec{X: max(hi.X, z.X), Y: max(hi.Y, z.Y)}
		}
	}
	return lo, hi
}

// Move does what the mouse does at a point while it holds something.
func (e *RoomEditor) Move(p geom.Vec) {
	d := &e.drag
	d.at = p
	d.moved = d.moved || p.Sub(d.from).Len() > d.slack
	if !d.moved || d.kind != dragMove && d.kind != dragTurn && d.kind != dragScale {
		return // a click picks, and changes nothing
	}
	e.Room = d.before.Clone()
	r, i := e.Room, e.Picked.Index
	switch {
	case d.kind == dragMove:
		e.shift(p.Sub(d.from))
	case e.Picked.Kind == PickRegion:
		r.Goals[i].Radius = max(thinnest, e.snap(geom.Vec{X: p.Sub(r.Goals[i].Centre).Len()}).X)
	case e.Picked.Kind != PickBody:
	case d.kind == dragTurn:
		about := r.Bodies[i].Position
		a, z := d.from.Sub(about), p.Sub(about)
		angle := geom.Atan2(a.Cross(z), a.Dot(z))
		if !e.Free { // whole angles of 5 degrees
			const step = 5 * geom.Pi / 180
			angle = geom.Floor((r.Bodies[i].Angle+angle)/step+0.5)*step - r.Bodies[i].Angle
		}
		r.Rotate(i, angle)
	default:
		e.scale(i, p)
	}
}

// shift moves what is picked.
func (e *RoomEditor) shift(by geom.Vec) {
	r, i := e.Room, e.Picked.Index
	switch e.Picked.Kind {
	case PickBody:
		at := r.Bodies[i].Position
		r.Move(i, e.snap(at.Add(by)).Sub(at))
	case PickRegion:
		r.Goals[i].Centre = e.snap(r.Goals[i].Centre.Add(by))
	case PickJoint:
		r.MoveJoint(i, by)
	case PickThruster:
		t := &r.Thrusters[i]
		body := r.Body(t.Body)
		t.At = r.Local(body, e.world(body, t.At).Add(by))
	case PickRay:
		y := &r.Rays[i]
		body := r.Body(y.Body)
		y.From = r.Local(body, e.world(body, y.From).Add(by))
	}
}

// scale makes body i so large that its corner is at p. Round things keep their form.
func (e *RoomEditor) scale(i int, p geom.Vec) {
	r := e.Room
	_, hi := outline(&r.Bodies[i])
	was, now := e.snap(r.Local(i, e.drag.from)), e.snap(r.Local(i, p))
	x, y := (hi.X+now.X-was.X)/hi.X, (hi.Y+now.Y-was.Y)/hi.Y
	if round := r.Bodies[i].Shapes[0].Kind; round == scene.Circle || round == scene.Capsule {
		x = max(x, y)
		y = x
	}
	const least, most = 0.05, 20
	if geom.Finite(x) && geom.Finite(y) {
		r.Scale(i, geom.Clamp(x, least, most), geom.Clamp(y, least, most))
	}
}

// Release lets go of what is held, or finishes what is drawn.
func (e *RoomEditor) Release(p geom.Vec) {
	d := e.drag
	e.drag = drag{}
	switch d.kind {
	case dragMove, dragTurn, dragScale:
		e.changed(d.before)
	case dragDraw:
		e.draw(d.from, p)
		e.changed(d.before)
	}
}
