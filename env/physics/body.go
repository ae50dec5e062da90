package physics

import (
	"unsafe"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

func sizeof[T any]() int { var t T; return int(unsafe.Sizeof(t)) }

func (b *body) rotate(x, y float32) (float32, float32) {
	return float32(b.c*x) - float32(b.s*y), float32(b.s*x) + float32(b.c*y)
}

// Pose returns the position of the origin of a body and its angle, rad, not wrapped.
func (w *World) Pose(body int) (origin geom.Vec, angle float32) {
	b := &w.bodies[body]
	x, y := b.rotate(b.lcx, b.lcy)
	return geom.Vec{X: b.x - x, Y: b.y - y}, b.a
}

// Rot returns the rotation of a body.
func (w *World) Rot(body int) geom.Rot { return geom.Rot{S: w.bodies[body].s, C: w.bodies[body].c} }

// Centre returns the centre of mass of a body.
func (w *World) Centre(body int) geom.Vec { return geom.Vec{X: w.bodies[body].x, Y: w.bodies[body].y} }

// Velocity returns the velocity of the centre of mass of a body and its spin, rad/s.
func (w *World) Velocity(body int) (v geom.Vec, spin float32) {
	b := &w.bodies[body]
	return geom.Vec{X: b.vx, Y: b.vy}, b.w
}

// VelocityAt returns the velocity of the point of a body that is now at p.
func (w *World) VelocityAt(body int, p geom.Vec) geom.Vec {
	b := &w.bodies[body]
	return geom.Vec{X: b.vx - float32(b.w*(p.Y-b.y)), Y: b.vy + float32(b.w*(p.X-b.x))}
}

// WorldPoint returns where the local point p of a body is.
func (w *World) WorldPoint(body int, p geom.Vec) geom.Vec {
	b := &w.bodies[body]
	x, y := b.rotate(p.X-b.lcx, p.Y-b.lcy)
	return geom.Vec{X: b.x + x, Y: b.y + y}
}

// LocalPoint is the inverse of WorldPoint.
func (w *World) LocalPoint(body int, p geom.Vec) geom.Vec {
	b := &w.bodies[body]
	d := w.Rot(body).Unapply(geom.Vec{X: p.X - b.x, Y: p.Y - b.y})
	return geom.Vec{X: d.X + b.lcx, Y: d.Y + b.lcy}
}

// Mass returns the mass of a body, kg, and its moment of inertia about the centre of mass,
// kg m^2; both are 0 for bodies that are not dynamic.
func (w *World) Mass(body int) (mass, inertia float32) {
	return w.bodies[body].mass, w.bodies[body].inertia
}

// SetPose moves a body, keeping its velocity. Bodies joined to it are not moved along.
func (w *World) SetPose(body int, origin geom.Vec, angle float32) {
	b := &w.bodies[body]
	b.a = angle
	b.s, b.c = geom.Sincos(angle)
	x, y := b.rotate(b.lcx, b.lcy)
	b.x, b.y = origin.X+x, origin.Y+y
	w.placeShapes(body)
}

// SetVelocity sets the velocity of the centre of mass and the spin. A static body has none.
func (w *World) SetVelocity(body int, v geom.Vec, spin float32) {
	if b := &w.bodies[body]; w.m.bodies[body].kind != scene.Static {
		b.vx, b.vy, b.w = v.X, v.Y, spin
	}
}

// SetDamping sets the damping of a body, 1/s.
func (w *World) SetDamping(body int, linear, angular float32) {
	w.bodies[body].linear, w.bodies[body].angular = linear, angular
}

// ApplyForce makes a force, N, act on a body at the world point p during the next step.
func (w *World) ApplyForce(body int, force, p geom.Vec) {
	b := &w.bodies[body]
	b.fx += force.X
	b.fy += force.Y
	b.t += float32((p.X-b.x)*force.Y) - float32((p.Y-b.y)*force.X)
}

// ApplyTorque makes a torque, N m, act during the next step.
func (w *World) ApplyTorque(body int, torque float32) { w.bodies[body].t += torque }

// ApplyImpulse changes the velocities of a body at once, N s at the world point p.
func (w *World) ApplyImpulse(body int, impulse, p geom.Vec) {
	b := &w.bodies[body]
	b.vx += float32(b.invM * impulse.X)
	b.vy += float32(b.invM * impulse.Y)
	b.w += float32(b.invI * (float32((p.X-b.x)*impulse.Y) - float32((p.Y-b.y)*impulse.X)))
}

// ApplySpin changes the spin of a body at once by an angular impulse, N m s.
func (w *World) ApplySpin(body int, impulse float32) {
	w.bodies[body].w += float32(w.bodies[body].invI * impulse)
}

// Thrust runs a thruster at a throttle from 0 to 1 during the next step.
func (w *World) Thrust(thruster int, throttle float32) {
	t := &w.m.thrusters[thruster]
	f := w.Rot(int(t.body)).Apply(t.force.Mul(throttle))
	w.ApplyForce(int(t.body), f, w.WorldPoint(int(t.body), t.at))
}

// Energy returns the kinetic energy of all dynamic bodies, and their potential energy in the
// gravity field relative to the world's origin, J.
func (w *World) Energy() (kinetic, potential float32) {
	for _, i := range w.m.moving {
		b := &w.bodies[i]
		kinetic += float32(0.5 * (float32(b.mass*(float32(b.vx*b.vx)+float32(b.vy*b.vy))) + float32(b.inertia*float32(b.w*b.w))))
		potential -= float32(b.mass * (float32(w.head.gx*b.x) + float32(w.head.gy*b.y)))
	}
	return kinetic, potential
}

// RestTime returns for how many seconds a body has been almost still: slower than 0.01 m/s and
// 2 degrees a second, the thresholds at which Box2D lets bodies sleep. Bodies here never sleep.
func (w *World) RestTime(body int) float32 { return w.bodies[body].rest }
