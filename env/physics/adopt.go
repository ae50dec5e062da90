package physics

import (
	"slices"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// An Outcome is what a step of another engine led to, for [World.Adopt].
type Outcome struct {
	Bodies   []Motion  // one a body
	Motors   []float32 // one a joint: what its motor gave, N m s or N s
	Contacts []Touch
}

// A Motion is where a body is and how it moves.
type Motion struct {
	Centre   geom.Vec // of mass
	Angle    float32  // rad, not wrapped
	Velocity geom.Vec // of the centre of mass, m/s
	Spin     float32  // rad/s
}

// A Touch is a point at which two bodies touch. A is GroundBody for grounds, B never.
type Touch struct {
	Contact
	ShapeA, ShapeB int // numbers of the shapes; ShapeA means nothing for grounds
	Sensor         bool
}

// Adopt takes the outcome of a step of dt seconds that another engine made in place of
// [World.Step]. Queries answer as after a step: what touches, for how long bodies have rested,
// what motors gave. Contacts beyond the room there is are dropped and counted.
func (w *World) Adopt(o *Outcome, dt float32) {
	for _, i := range w.m.moving {
		b, m := &w.bodies[i], &o.Bodies[i]
		b.x, b.y, b.a = m.Centre.X, m.Centre.Y, m.Angle
		b.s, b.c = geom.Sincos(b.a)
		b.vx, b.vy, b.w = m.Velocity.X, m.Velocity.Y, m.Spin
		b.fx, b.fy, b.t = 0, 0, 0
		b.touch = 0
		if m.Velocity.Dot(m.Velocity) > restSpeed*restSpeed || geom.Abs(m.Spin) > angularSlop {
			b.rest = 0
		} else {
			b.rest += dt
		}
		w.placeShapes(int(i))
	}
	for i := range w.joints {
		w.joints[i].im, w.joints[i].il = o.Motors[i], 0
	}
	w.head.contacts = 0
	for i := range o.Contacts {
		w.adoptContact(&o.Contacts[i])
	}
}

func (w *World) adoptContact(t *Touch) {
	if int(w.head.contacts) == len(w.contacts) {
		w.head.dropped++
		return
	}
	c := &w.contacts[w.head.contacts]
	*c = contact{ // of no slot, so that no step takes its impulse for that of a contact of its own
		slot: noShape, feature: w.head.contacts, a: uint32(t.A), b: uint32(t.B), sa: uint32(t.ShapeA), sb: uint32(t.ShapeB), flags: isTouching,
		nx: t.Normal.X, ny: t.Normal.Y, px: t.Point.X, py: t.Point.Y, sep: t.Separation, ni: t.Impulse, ti: t.Friction,
	}
	w.head.contacts++
	if t.A == GroundBody {
		c.a, c.sa = uint32(len(w.bodies)-1), noShape
	}
	if t.Sensor {
		c.flags |= isSensor
		return
	}
	w.touch(c.a, c.b)
	w.touch(c.b, c.a)
}

// Edited reports whether anything in w differs from o, a world of the same Model, but velocities,
// motors, gravity, and the forces of the coming step.
func (w *World) Edited(o *World) bool {
	for i := range w.bodies {
		a, b := w.bodies[i], o.bodies[i]
		a.vx, a.vy, a.w, a.fx, a.fy, a.t = b.vx, b.vy, b.w, b.fx, b.fy, b.t
		if a != b {
			return true
		}
	}
	for i := range w.joints {
		a, b := w.joints[i], o.joints[i]
		a.speed, a.max = b.speed, b.max
		if a != b {
			return true
		}
	}
	n := w.head.contacts
	return n != o.head.contacts || !slices.Equal(w.contacts[:n], o.contacts[:n]) || !slices.Equal(w.shapes, o.shapes) ||
		!slices.Equal(w.verts, o.verts) || !slices.Equal(w.grounds, o.grounds) || !slices.Equal(w.gverts, o.gverts)
}

// Force returns the force on a body and the torque about its centre of mass that the coming step
// will apply, beside gravity: what ApplyForce and its siblings have added up.
func (w *World) Force(body int) (force geom.Vec, torque float32) {
	b := &w.bodies[body]
	return geom.Vec{X: b.fx, Y: b.fy}, b.t
}

// Motor returns the speed and the greatest torque or force of a joint's motor, as SetMotor takes
// them; zeros for joints without one.
func (w *World) Motor(joint int) (speed, most float32) {
	if k := w.m.joints[joint].kind; k != scene.Revolute && k != scene.Prismatic {
		return 0, 0
	}
	return w.joints[joint].speed, w.joints[joint].max
}

// Enabled reports whether a shape takes part in collisions, as SetEnabled decides.
func (w *World) Enabled(shape int) bool { return w.shapes[shape].on != 0 }
