package physics

import (
	"github.com/terrarium-rl/terrarium/env/geom"
)

// Touching reports whether a body touched anything that it collides with in the last step.
func (w *World) Touching(body int) bool { return w.bodies[body].touch&touchAny != 0 }

// TouchingGround reports whether a body touched a ground or a static body in the last step.
func (w *World) TouchingGround(body int) bool { return w.bodies[body].touch&touchGround != 0 }

// TouchingBodies reports whether two bodies touched in the last step; a sensor touches what it
// overlaps.
func (w *World) TouchingBodies(a, b int) bool {
	for i := range w.contacts[:w.head.contacts] {
		c := &w.contacts[i]
		if c.flags&isTouching != 0 && (int(c.a) == a && int(c.b) == b || int(c.a) == b && int(c.b) == a) {
			return true
		}
	}
	return false
}

// Overlaps reports whether a sensor shape overlapped any shape of a body at the beginning of
// the last step.
func (w *World) Overlaps(sensor, body int) bool {
	for i := range w.contacts[:w.head.contacts] {
		c := &w.contacts[i]
		if c.flags&isSensor != 0 && (int(c.sa) == sensor && int(c.b) == body || int(c.sb) == sensor && int(c.a) == body) {
			return true
		}
	}
	return false
}

// A Contact is a point at which two bodies touched in the last step.
type Contact struct {
	A, B          int      // bodies; A is GroundBody for grounds
	Point, Normal geom.Vec // Normal points from A to B
	Separation    float32  // at the beginning of the step, m; negative if they overlapped
	Impulse       float32  // along the normal, N s
	Friction      float32  // impulse along the tangent (Normal.Y, -Normal.X) on B, N s
}

// Contacts returns how many points Contact knows.
func (w *World) Contacts() int { return int(w.head.contacts) }

// Contact returns the i-th contact point, and whether the bodies really touched there: points
// are also prepared in advance, and kept for sensors.
func (w *World) Contact(i int) (c Contact, touching bool) {
	k := &w.contacts[:w.head.contacts][i]
	c = Contact{
		A: w.outside(int(k.a)), B: int(k.b), Point: geom.Vec{X: k.px, Y: k.py}, Normal: geom.Vec{X: k.nx, Y: k.ny},
		Separation: k.sep, Impulse: k.ni, Friction: k.ti,
	}
	return c, k.flags&(isTouching|isSensor) == isTouching
}

// DroppedContacts returns how many contact points since the last Reset found no room and were
// ignored. The room is 8 points for each shape that can move, plus 8.
func (w *World) DroppedContacts() int { return int(w.head.dropped) }

// GroundBody is the number that grounds have as bodies in answers.
const GroundBody = -1

func (w *World) outside(body int) int {
	if body == len(w.bodies)-1 {
		return GroundBody
	}
	return body
}
