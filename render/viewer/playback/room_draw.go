package playback

import (
	"errors"
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
)

// draw adds what the tool makes of a drag.
func (e *RoomEditor) draw(from, to geom.Vec) {
	end := e.snap(to)
	size := end.Sub(from)
	switch e.Tool {
	case Box:
		half := geom.Vec{X: geom.Abs(size.X) / 2, Y: geom.Abs(size.Y) / 2}
		if half.X < thinnest || half.Y < thinnest {
			half = geom.Vec{X: 0.2, Y: 0.2} // a click
			size = geom.Vec{}
		}
		e.add(from.Add(size.Mul(0.5)), scene.Shape{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, half.X, half.Y, 0)})
	case Ball:
		radius := size.Len()
		if radius < thinnest {
			radius = 0.2
		}
		e.add(from, scene.Shape{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: radius})
	case Bar:
		if size.Len() < 2*thinnest {
			size = geom.Vec{X: 0.6}
		}
		half := size.Mul(0.5)
		e.add(from.Add(half), scene.Shape{Kind: scene.Capsule, Points: []geom.Vec{half.Mul(-1), half}, Radius: barRadius})
	case Region:
		radius := size.Len()
		if radius < thinnest {
			radius = 0.4
		}
		e.Picked = Pick{PickRegion, e.Room.AddRegion(from, radius)}
	case Hinge:
		e.join(scene.Revolute, from, from)
	case Slider:
		e.join(scene.Prismatic, from, from)
	case Glue:
		e.join(scene.Weld, from, from)
	case Rod:
		e.join(scene.Distance, from, to)
	case Jet, Eye:
		e.attach(from, to)
	}
}

// add adds a body of one shape, and picks it.
func (e *RoomEditor) add(at geom.Vec, s scene.Shape) {
	s.Density, s.Friction = 1, 0.8
	o := scene.Body{Position: at, Role: e.Role, Shapes: []scene.Shape{s}}
	if e.Static || e.Role == env.RoleGround {
		o.Kind = scene.Static
	}
	e.Picked = Pick{PickBody, e.Room.Add(o)}
}

// corner adds a corner of a polygon, or, at the first one, closes it.
func (e *RoomEditor) corner(p geom.Vec, slack float32) {
	if n := len(e.corners); n > 0 && (p.Sub(e.corners[0]).Len() < 1.5*slack || n == scene.MaxCorners) {
		e.closePolygon()
		return
	}
	e.corners = append(e.corners, p)
}

// closePolygon adds the polygon of the corners that have been clicked, in whatever order they run.
func (e *RoomEditor) closePolygon() {
	pts := hull(e.corners)
	e.corners = nil
	if len(pts) < 3 {
		e.Miss = errors.New("a polygon needs three corners that are not on one line")
		return
	}
	mid := scene.PolygonMass(pts, 1).Centre
	for i := range pts {
		pts[i] = pts[i].Sub(mid)
	}
	if e.Miss = scene.Convex(pts); e.Miss != nil {
		return
	}
	e.change(func(*sandbox.Room) { e.add(mid, scene.Shape{Kind: scene.Polygon, Points: pts}) })
}

// hull returns the convex hull of points, counter-clockwise (Andrew, "Another efficient algorithm
// for convex hulls in two dimensions", 1979).
func hull(pts []geom.Vec) []geom.Vec {
	p := slices.Clone(pts)
	slices.SortFunc(p, func(a, b geom.Vec) int {
		if a.X != b.X {
			return sign(a.X - b.X)
		}
		return sign(a.Y - b.Y)
	})
	var h []geom.Vec
	for range 2 {
		base := len(h)
		for _, v := range p {
			for len(h) >= base+2 && h[len(h)-1].Sub(h[len(h)-2]).Cross(v.Sub(h[len(h)-1])) <= 1e-6 {
				h = h[:len(h)-1]
			}
			h = append(h, v)
		}
		h = h[:len(h)-1]
		slices.Reverse(p)
	}
	return h
}

func sign(v float32) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}

// join connects what lies at two points: for all but rods the same one, where it connects the two
// topmost bodies, or one and the world.
func (e *RoomEditor) join(kind scene.JointKind, from, to geom.Vec) {
	r := e.Room
	first := r.Find(to, 0)
	second := sandbox.World
	if kind == scene.Distance {
		second = r.Find(from, 0)
	} else if first != sandbox.World {
		for i := first - 1; i >= 0 && second == sandbox.World; i-- {
			below := r.Clone()
			below.Bodies = below.Bodies[:i+1]
			second = below.Find(to, 0)
			i = max(second, 0)
		}
	}
	if first == second || first == sandbox.World && second == sandbox.World {
		e.Miss = fmt.Errorf("there is nothing to join: use the %s on a body", e.Tool)
		return
	}
	if first == sandbox.World || r.Bodies[first].Kind == scene.Static && second != sandbox.World {
		first, second = second, first
		from, to = to, from
	}
	if r.Bodies[first].Kind == scene.Static {
		e.Miss = fmt.Errorf("the %s would join things that do not move", e.Tool)
		return
	}
	at := to
	k := r.Join(kind, second, first, at)
	if kind == scene.Distance {
		r.Joints[k].AnchorA = r.Local(second, from)
	}
	e.Picked = Pick{PickJoint, k}
}

// attach puts a thruster or a ray on the body at a point, directed by the drag.
func (e *RoomEditor) attach(from, to geom.Vec) {
	r := e.Room
	body := r.Find(from, 0)
	if body == sandbox.World || e.Tool == Jet && r.Bodies[body].Kind != scene.Dynamic {
		e.Miss = fmt.Errorf("a %s belongs on a body that moves: press there, and drag where it points", e.Tool)
		return
	}
	along := to.Sub(from)
	if e.Tool == Jet {
		if along.Len() < thinnest {
			along = geom.Vec{Y: 1}
		}
		e.Picked = Pick{PickThruster, r.AddThruster(body, from, along)}
		return
	}
	if along.Len() < thinnest {
		along = geom.Vec{X: 2}
	}
	e.Picked = Pick{PickRay, r.AddRay(body, from, along)}
}
