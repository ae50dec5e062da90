package physics

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// Inspect draws a layer: where bodies touched in the last step, joints with their axes and limits,
// or the forces at contacts and the velocities of bodies. dt is the duration of that step in s.
func (w *World) Inspect(c env.Canvas, l env.Layer, dt float32) {
	switch l {
	case env.LayerContacts:
		for i := range w.Contacts() {
			if k, touching := w.Contact(i); touching {
				c.Circle(env.RoleHazard, k.Point, w.mark(), 0)
				c.Line(env.RoleHazard, 0, []geom.Vec{k.Point, k.Point.Add(k.Normal.Mul(5 * w.mark()))})
			}
		}
	case env.LayerJoints:
		for j := range w.m.joints {
			w.inspectJoint(c, j)
		}
	case env.LayerForces:
		w.inspectForces(c, dt)
	}
}

// mark returns the radius of marks: a little of the largest shape that moves.
func (w *World) mark() (m float32) {
	for _, i := range w.m.movers {
		m = geom.Max(m, 0.08*w.shapes[i].bound)
	}
	return m
}

// inspectJoint draws the anchors of a joint, what they are anchored to, and the range of a hinge.
func (w *World) inspectJoint(c env.Canvas, j int) {
	m := w.mark()
	p, q := w.JointAnchors(j)
	info := &w.m.joints[j]
	for _, end := range [2]struct {
		body int32
		at   geom.Vec
	}{{info.a, p}, {info.b, q}} {
		if w.m.bodies[end.body].kind != scene.Static {
			c.Line(env.RoleJoint, 0, []geom.Vec{w.Centre(int(end.body)), end.at})
		}
		c.Circle(env.RoleJoint, end.at, m, 0)
	}
	if info.kind == scene.Revolute && info.limited {
		lo, hi := w.joints[j].lo, w.joints[j].hi
		_, angle := w.Pose(int(info.a))
		const n = 12
		var arc [n + 1]geom.Vec
		for i := range arc {
			s, co := geom.Sincos(angle - geom.Pi/2 + lo + (hi-lo)*float32(i)/n)
			arc[i] = q.Add(geom.Vec{X: 5 * m * co, Y: 5 * m * s})
		}
		c.Line(env.RoleJoint, 0, arc[:])
	}
}

// inspectForces draws the force at each contact, 20 marks long for the weight of all bodies, and the
// way of each body in a tenth of a second.
func (w *World) inspectForces(c env.Canvas, dt float32) {
	var weight float32
	for b := range w.m.bodies {
		if w.m.bodies[b].kind == scene.Dynamic {
			mass, _ := w.Mass(b)
			weight += mass
			v, _ := w.Velocity(b)
			w.arrow(c, env.RoleSensor, w.Centre(b), v.Mul(0.1))
		}
	}
	weight *= geom.Max(w.Gravity().Len(), 1)
	for i := range w.Contacts() {
		k, touching := w.Contact(i)
		if !touching {
			continue
		}
		f := k.Normal.Mul(k.Impulse).Add(geom.Vec{X: k.Normal.Y, Y: -k.Normal.X}.Mul(k.Friction))
		w.arrow(c, env.RoleForce, k.Point, f.Mul(20*w.mark()/(dt*weight)))
	}
}

// arrow draws a vector from a point.
func (w *World) arrow(c env.Canvas, role env.Role, from, along geom.Vec) {
	length, m := along.Len(), w.mark()
	if length < 0.5*m {
		return
	}
	to := from.Add(along)
	u := along.Mul(1 / length)
	side := geom.Vec{X: -u.Y, Y: u.X}.Mul(m)
	back := to.Sub(u.Mul(geom.Min(2*m, length)))
	c.Line(role, 0.5*m, []geom.Vec{from, back})
	c.Polygon(role, []geom.Vec{to, back.Add(side), back.Sub(side)})
}
