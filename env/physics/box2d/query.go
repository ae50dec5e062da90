package box2d

import (
	b2 "github.com/ByteArena/box2d"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// The exported fields of bodies are read, not their getters, which copy the body.

// Pose returns the position of the origin and the angle of a body, rad, not wrapped.
func (w *World) Pose(body int) (origin geom.Vec, angle float32) {
	b := w.bodies[body]
	return back(b.M_xf.P), float32(b.M_sweep.A)
}

// Centre returns the centre of mass of a body.
func (w *World) Centre(body int) geom.Vec { return back(w.bodies[body].M_sweep.C) }

// Velocity returns the velocity of the centre of mass of a body and its spin, rad/s.
func (w *World) Velocity(body int) (v geom.Vec, spin float32) {
	b := w.bodies[body]
	return back(b.M_linearVelocity), float32(b.M_angularVelocity)
}

// VelocityAt returns the velocity of the point of a body that is now at p.
func (w *World) VelocityAt(body int, p geom.Vec) geom.Vec {
	return back(velocityAt(w.bodies[body], vec(p)))
}

func velocityAt(b *b2.B2Body, p b2.B2Vec2) b2.B2Vec2 {
	r := b2.B2Vec2Sub(p, b.M_sweep.C)
	return b2.MakeB2Vec2(b.M_linearVelocity.X-b.M_angularVelocity*r.Y, b.M_linearVelocity.Y+b.M_angularVelocity*r.X)
}

// WorldPoint returns where the local point p of a body is.
func (w *World) WorldPoint(body int, p geom.Vec) geom.Vec {
	return back(b2.B2TransformVec2Mul(w.bodies[body].M_xf, vec(p)))
}

// LocalPoint is the inverse of WorldPoint.
func (w *World) LocalPoint(body int, p geom.Vec) geom.Vec {
	return back(b2.B2TransformVec2MulT(w.bodies[body].M_xf, vec(p)))
}

// Mass returns the mass of a body, kg, and its moment of inertia about the centre of mass,
// kg m^2; both are 0 for bodies that are not dynamic.
func (w *World) Mass(body int) (mass, inertia float32) {
	b := w.bodies[body]
	return float32(b.M_mass), float32(b.M_I)
}

// SetPose moves a body, keeping its velocity. Bodies joined to it are not moved along.
func (w *World) SetPose(body int, origin geom.Vec, angle float32) {
	w.bodies[body].SetTransform(vec(origin), float64(angle))
}

// SetVelocity sets the velocity of the centre of mass and the spin.
func (w *World) SetVelocity(body int, v geom.Vec, spin float32) {
	w.bodies[body].SetLinearVelocity(vec(v))
	w.bodies[body].SetAngularVelocity(float64(spin))
}

// SetGravity sets the acceleration of gravity, m/s^2.
func (w *World) SetGravity(g geom.Vec) { w.w.SetGravity(vec(g)) }

// Gravity returns the acceleration of gravity.
func (w *World) Gravity() geom.Vec { return back(w.w.M_gravity) }

// ApplyForce makes a force, N, act on a body at the world point p during the next step.
func (w *World) ApplyForce(body int, force, p geom.Vec) {
	w.bodies[body].ApplyForce(vec(force), vec(p), true)
}

// ApplyTorque makes a torque, N m, act during the next step.
func (w *World) ApplyTorque(body int, torque float32) {
	w.bodies[body].ApplyTorque(float64(torque), true)
}

// ApplyImpulse changes the velocities of a body at once, N s at the world point p.
func (w *World) ApplyImpulse(body int, impulse, p geom.Vec) {
	w.bodies[body].ApplyLinearImpulse(vec(impulse), vec(p), true)
}

// ApplySpin changes the spin of a body at once by an angular impulse, N m s.
func (w *World) ApplySpin(body int, impulse float32) {
	w.bodies[body].ApplyAngularImpulse(float64(impulse), true)
}

// Thrust runs a thruster at a throttle from 0 to 1 during the next step.
func (w *World) Thrust(thruster int, throttle float32) {
	t := &w.scene.Thrusters[thruster]
	b := w.bodies[w.bodyNamed(t.Body)]
	d := vec(t.Direction)
	d.Normalize()
	force := b2.B2Vec2MulScalar(float64(t.Max)*float64(throttle), b2.B2RotVec2Mul(b.M_xf.Q, d))
	b.ApplyForce(force, b2.B2TransformVec2Mul(b.M_xf, vec(t.At)), true)
}

// SetMotor drives a joint towards a speed with at most the given torque, N m, or force, N.
// A maximum of 0 switches the motor off. Joints without motors ignore it.
func (w *World) SetMotor(joint int, speed, most float32) {
	switch j := w.joints[joint].(type) {
	case *b2.B2RevoluteJoint:
		j.EnableMotor(most > 0)
		j.SetMotorSpeed(float64(speed))
		j.SetMaxMotorTorque(float64(most))
	case *b2.B2PrismaticJoint:
		j.EnableMotor(most > 0)
		j.SetMotorSpeed(float64(speed))
		j.SetMaxMotorForce(float64(most))
	}
}

// JointPosition returns the angle (revolute, rad), translation (prismatic, m) or length
// (distance, m) of a joint, and 0 for a weld.
func (w *World) JointPosition(joint int) float32 {
	switch j := w.joints[joint].(type) {
	case *b2.B2RevoluteJoint:
		return float32(j.M_bodyB.M_sweep.A - j.M_bodyA.M_sweep.A - j.M_referenceAngle)
	case *b2.B2PrismaticJoint:
		return float32(j.GetJointTranslation())
	case *b2.B2WeldJoint:
		return 0
	}
	a, b := w.anchors(joint)
	return float32(b2.B2Vec2Distance(a, b))
}

// JointSpeed returns the rate of change of JointPosition.
func (w *World) JointSpeed(joint int) float32 {
	switch j := w.joints[joint].(type) {
	case *b2.B2RevoluteJoint:
		return float32(j.M_bodyB.M_angularVelocity - j.M_bodyA.M_angularVelocity)
	case *b2.B2PrismaticJoint:
		return float32(j.GetJointSpeed())
	case *b2.B2WeldJoint:
		return 0
	}
	a, b := w.anchors(joint)
	j := w.joints[joint]
	u := b2.B2Vec2Sub(b, a)
	u.Normalize()
	return float32(b2.B2Vec2Dot(u, b2.B2Vec2Sub(velocityAt(j.GetBodyB(), b), velocityAt(j.GetBodyA(), a))))
}

func (w *World) anchors(joint int) (a, b b2.B2Vec2) {
	s, j := &w.scene.Joints[joint], w.joints[joint]
	return b2.B2TransformVec2Mul(j.GetBodyA().M_xf, vec(s.AnchorA)), b2.B2TransformVec2Mul(j.GetBodyB().M_xf, vec(s.AnchorB))
}

// JointAnchor returns where the anchor on body B is.
func (w *World) JointAnchor(joint int) geom.Vec {
	_, b := w.anchors(joint)
	return back(b)
}

// MotorImpulse returns what the motor of a joint gave in the last step, N m s or N s.
func (w *World) MotorImpulse(joint int) float32 {
	switch j := w.joints[joint].(type) {
	case *b2.B2RevoluteJoint:
		return float32(j.M_motorImpulse)
	case *b2.B2PrismaticJoint:
		return float32(j.M_motorImpulse)
	}
	return 0
}

// Touching reports whether a body touches anything that it collides with.
func (w *World) Touching(body int) bool {
	return w.anyContact(body, func(mine, other *b2.B2Fixture) bool { return !mine.M_isSensor && !other.M_isSensor })
}

// TouchingGround reports whether a body touches a ground or a static body.
func (w *World) TouchingGround(body int) bool {
	return w.anyContact(body, func(mine, other *b2.B2Fixture) bool {
		return !mine.M_isSensor && !other.M_isSensor && other.M_body.M_type == b2.B2BodyType.B2_staticBody
	})
}

// TouchingBodies reports whether two bodies touch; a sensor of one touches what it overlaps.
func (w *World) TouchingBodies(a, b int) bool {
	return w.anyContact(a, func(_, other *b2.B2Fixture) bool { return other.M_body == w.bodies[b] })
}

// Overlaps reports whether a sensor shape overlaps any shape of a body.
func (w *World) Overlaps(sensor, body int) bool {
	return w.anyContact(body, func(_, other *b2.B2Fixture) bool { return partOf(other).shape == sensor && other.M_isSensor })
}

func (w *World) anyContact(body int, ok func(mine, other *b2.B2Fixture) bool) bool {
	b := w.bodies[body]
	for e := b.M_contactList; e != nil; e = e.Next {
		if !e.Contact.IsTouching() {
			continue
		}
		mine, other := e.Contact.GetFixtureA(), e.Contact.GetFixtureB()
		if mine.M_body != b {
			mine, other = other, mine
		}
		if ok(mine, other) {
			return true
		}
	}
	return false
}

// Energy returns the kinetic energy of all dynamic bodies, and their potential energy in the
// gravity field relative to the height of the world's origin, J.
func (w *World) Energy() (kinetic, potential float32) {
	var k, p float64
	for _, b := range w.bodies {
		if b.M_type != b2.B2BodyType.B2_dynamicBody {
			continue
		}
		v := b.M_linearVelocity
		k += 0.5*b.M_mass*(v.X*v.X+v.Y*v.Y) + 0.5*b.M_I*b.M_angularVelocity*b.M_angularVelocity
		p -= b.M_mass * b2.B2Vec2Dot(w.w.M_gravity, b.M_sweep.C)
	}
	return float32(k), float32(p)
}
