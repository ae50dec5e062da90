package physics

import (
	"slices"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// Scene returns a scene that begins as w is now, to the rounding of a few additions: where all
// bodies are and how they move, shapes, joints and grounds with all changes by Set methods. Left
// out are what a scene cannot say: impulses of contacts, forces of the coming step, and which
// shapes are not [World.Enabled]. Rods come back as distance joints whose limits are equal.
func (w *World) Scene() *scene.Scene {
	s := &scene.Scene{Gravity: w.Gravity(), Goals: slices.Clone(w.m.goals)}
	if w.m.view != nil {
		view := *w.m.view
		s.View = &view
	}
	for i := range w.m.Bodies() {
		s.Bodies = append(s.Bodies, w.sceneBody(i))
	}
	for i := range w.m.grounds {
		g, info := &w.grounds[i], &w.m.grounds[i]
		sg := scene.Ground{Name: info.name, Capacity: int(info.verts), Friction: g.friction, Restitution: g.restitution, Filter: info.filter}
		for _, v := range w.groundVerts(i) {
			sg.Points = append(sg.Points, geom.Vec{X: v.x, Y: v.y})
		}
		s.Grounds = append(s.Grounds, sg)
	}
	for i := range w.m.joints {
		s.Joints = append(s.Joints, w.sceneJoint(i))
	}
	for _, t := range w.m.thrusters {
		s.Thrusters = append(s.Thrusters, scene.Thruster{
			Name: t.name, Body: w.m.bodies[t.body].name, At: t.at, Direction: t.force, Max: t.force.Len(),
		})
	}
	for _, r := range w.m.rays {
		s.Rays = append(s.Rays, scene.Ray{
			Name: r.name, Body: w.m.bodies[r.body].name, From: r.from, Along: r.along, Upright: r.upright, Mask: r.mask,
		})
	}
	return s
}

func (w *World) sceneBody(i int) scene.Body {
	b, info := &w.bodies[i], &w.m.bodies[i]
	at, angle := w.Pose(i)
	sb := scene.Body{
		Name: info.name, Kind: info.kind, Position: at, Angle: angle, Velocity: geom.Vec{X: b.vx, Y: b.vy}, Spin: b.w,
		LinearDamping: b.linear, AngularDamping: b.angular, FixedRotation: info.fixed, Role: info.role,
	}
	for k := range int(info.shapes) {
		shape := int(info.shape0) + k
		sh := w.sceneShape(shape)
		if n := len(sb.Shapes); sh.Kind == scene.Chain && k > 0 && continues(&sb.Shapes[n-1], &sh) {
			sb.Shapes[n-1].Points = append(sb.Shapes[n-1].Points, sh.Points[1])
			continue
		}
		sb.Shapes = append(sb.Shapes, sh)
	}
	return sb
}

// continues reports whether a segment of a chain begins where the one before it ends.
func continues(chain, next *scene.Shape) bool {
	return chain.Kind == scene.Chain && chain.Points[len(chain.Points)-1] == next.Points[0] &&
		chain.Friction == next.Friction && chain.Restitution == next.Restitution && chain.Sensor == next.Sensor && chain.Filter == next.Filter
}

func (w *World) sceneShape(i int) scene.Shape {
	st, info := &w.shapes[i], &w.m.shapes[i]
	b := &w.bodies[info.body]
	sh := scene.Shape{
		Kind: info.kind, Density: st.density, Friction: st.friction, Restitution: st.restitution, Sensor: info.sensor, Filter: info.filter,
	}
	if info.kind == scene.Circle || info.kind == scene.Capsule {
		sh.Radius = st.radius
	}
	for _, v := range w.verts[info.vert0:][:st.n] {
		sh.Points = append(sh.Points, geom.Vec{X: v.x + b.lcx, Y: v.y + b.lcy})
	}
	return sh
}

func (w *World) sceneJoint(i int) scene.Joint {
	j, info := &w.joints[i], &w.m.joints[i]
	sj := scene.Joint{
		Name: info.name, Kind: info.kind, B: w.m.bodies[info.b].name, Collide: w.m.collide[i], Reference: j.reference,
		AnchorA: geom.Vec{X: j.ax, Y: j.ay}, AnchorB: geom.Vec{X: j.bx, Y: j.by},
	}
	if w.outside(int(info.a)) != GroundBody {
		sj.A = w.m.bodies[info.a].name
	}
	switch {
	case info.limited:
		sj.Limits = &[2]float32{j.lo, j.hi}
	case info.kind == scene.Distance:
		sj.Limits = &[2]float32{j.length, j.length}
	}
	if info.kind == scene.Prismatic {
		sj.Axis = geom.Vec{X: j.ux, Y: j.uy}
	}
	if info.kind == scene.Prismatic || info.kind == scene.Revolute {
		sj.Motor = &scene.Motor{Speed: j.speed, Max: j.max}
	}
	return sj
}
