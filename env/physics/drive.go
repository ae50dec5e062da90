package physics

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

func (w *World) initJoint(i int, s *scene.Joint) {
	j := &w.joints[i]
	j.reference = s.Reference
	if s.Limits != nil {
		j.lo, j.hi = s.Limits[0], s.Limits[1]
	}
	if s.Motor != nil {
		j.speed, j.max = s.Motor.Speed, s.Motor.Max
	}
	if s.Kind == scene.Prismatic {
		u := s.Axis.Mul(1 / s.Axis.Len())
		j.ux, j.uy = u.X, u.Y
	}
	w.SetAnchors(i, s.AnchorA, s.AnchorB)
	if s.Kind == scene.Distance {
		j.length = w.JointPosition(i)
	}
}

// SetMotor drives a joint towards a speed, rad/s or m/s, with at most the given torque, N m, or
// force, N. A maximum of 0 switches the motor off. Only revolute and prismatic joints have one.
func (w *World) SetMotor(joint int, speed, max float32) {
	if k := w.m.joints[joint].kind; k != scene.Revolute && k != scene.Prismatic {
		panic(fmt.Sprintf("physics: SetMotor of the %s joint %q", k, w.m.joints[joint].name))
	}
	w.joints[joint].speed, w.joints[joint].max = speed, max
}

// SetLimits sets the lowest and the highest position of a joint that has limits in the scene.
func (w *World) SetLimits(joint int, lo, hi float32) {
	if !w.m.joints[joint].limited {
		panic(fmt.Sprintf("physics: SetLimits of joint %q, which has none in the scene", w.m.joints[joint].name))
	}
	w.joints[joint].lo, w.joints[joint].hi = lo, hi
}

// SetLength sets the length of a distance joint without limits, m.
func (w *World) SetLength(joint int, length float32) {
	if i := &w.m.joints[joint]; i.kind != scene.Distance || i.limited {
		panic(fmt.Sprintf("physics: SetLength of joint %q, which is no rod", i.name))
	}
	w.joints[joint].length = length
}

// SetAnchors moves the anchors of a joint, local to its two bodies.
func (w *World) SetAnchors(joint int, a, b geom.Vec) {
	j := &w.joints[joint]
	j.ax, j.ay, j.bx, j.by = a.X, a.Y, b.X, b.Y
}

// jointFrame returns the geometry of a joint and its bodies.
func (w *World) jointFrame(i int) (f frame, a, b *body) {
	info := &w.m.joints[i]
	a, b = &w.bodies[info.a], &w.bodies[info.b]
	return w.frame(&w.joints[i], a, b), a, b
}

// JointPosition returns the angle (revolute, rad), translation (prismatic, m) or length
// (distance, m) of a joint; of a weld, how far its angle is off.
func (w *World) JointPosition(joint int) float32 {
	info, j := &w.m.joints[joint], &w.joints[joint]
	if info.kind == scene.Revolute {
		return w.bodies[info.b].a - w.bodies[info.a].a - j.reference
	}
	f, a, b := w.jointFrame(joint)
	switch info.kind {
	case scene.Prismatic:
		ux, uy := j.axis(a)
		return float32(f.dx*ux) + float32(f.dy*uy)
	case scene.Distance:
		_, _, length := f.direction()
		return length
	}
	return b.a - a.a - j.reference
}

// JointSpeed returns the rate of change of JointPosition.
func (w *World) JointSpeed(joint int) float32 {
	if info := &w.m.joints[joint]; info.kind == scene.Revolute {
		return w.bodies[info.b].w - w.bodies[info.a].w
	}
	f, a, b := w.jointFrame(joint)
	var g [6]float32
	switch w.m.joints[joint].kind {
	case scene.Prismatic:
		ux, uy := w.joints[joint].axis(a)
		f.along(&g, ux, uy)
	case scene.Distance:
		ux, uy, _ := f.direction()
		f.between(&g, ux, uy)
	default:
		return b.w - a.w
	}
	return float32(g[0]*a.vx) + float32(g[1]*a.vy) + float32(g[2]*a.w) +
		(float32(g[3]*b.vx) + float32(g[4]*b.vy) + float32(g[5]*b.w))
}

// JointAnchors returns where the anchors on the joint's two bodies are.
func (w *World) JointAnchors(joint int) (onA, onB geom.Vec) {
	f, a, b := w.jointFrame(joint)
	return geom.Vec{X: a.x + f.rax, Y: a.y + f.ray}, geom.Vec{X: b.x + f.rbx, Y: b.y + f.rby}
}

// MotorImpulse returns what the motor of a joint gave in the last step, N m s or N s.
func (w *World) MotorImpulse(joint int) float32 { return w.joints[joint].im }
