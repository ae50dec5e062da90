package box2d

import (
	"math"

	b2 "github.com/ByteArena/box2d"
)

// A limited joint of the library has the limits of Box2D 2.4. The library's own, of Box2D 2.3, notice that
// a joint is beyond a limit in the step after: a knee that the ground stretches at 8 rad/s overshoots by
// 9 degrees, and is stopped with a jerk. From 2.4 on a limit is an inequality of speeds as those of
// contacts are: a joint that is c away from it may approach it by c in the step (Catto, "Soft
// constraints", GDC 2011, has the form). TestTrajectories compares with C++ Box2D 2.4.1.
type limited struct {
	b2.B2JointInterface
	inner
	away           [2]float64 // from the lower and the upper limit, at the beginning of the step
	impulse        [2]float64 // that these give, 0 or more
	a, b           int        // bodies in the solver
	ux, uy, ta, tb float64    // Jacobian of the position: along (-ux, -uy) and -ta of body a, ux, uy and tb of b
	mass           float64    // that it has along this
}

// inner is what limited uses of the library's revolute or prismatic joint.
type inner struct {
	slides       bool // prismatic, not revolute
	lo, hi       float64
	limit, motor *bool    // whether it has them
	speed, most  *float64 // of the motor
	given        *float64 // impulse of the motor
	prepare      func(l *limited, d b2.B2SolverData) (position float64)
}

// limit gives a joint that was just created the limits of Box2D 2.4, if it has any.
func limit(w *b2.B2World, j b2.B2JointInterface) {
	l := &limited{B2JointInterface: j}
	switch j := j.(type) {
	case *b2.B2RevoluteJoint:
		l.inner = inner{
			false, j.M_lowerAngle, j.M_upperAngle, &j.M_enableLimit, &j.M_enableMotor,
			&j.M_motorSpeed, &j.M_maxMotorTorque, &j.M_motorImpulse,
			func(l *limited, d b2.B2SolverData) float64 {
				l.a, l.b, l.mass = j.M_indexA, j.M_indexB, j.M_motorMass
				l.ta, l.tb = 1, 1
				return d.Positions[l.b].A - d.Positions[l.a].A - j.M_referenceAngle
			},
		}
	case *b2.B2PrismaticJoint:
		l.inner = inner{
			true, j.M_lowerTranslation, j.M_upperTranslation, &j.M_enableLimit, &j.M_enableMotor,
			&j.M_motorSpeed, &j.M_maxMotorForce, &j.M_motorImpulse,
			func(l *limited, d b2.B2SolverData) float64 {
				l.a, l.b, l.mass = j.M_indexA, j.M_indexB, j.M_motorMass
				l.ux, l.uy, l.ta, l.tb = j.M_axis.X, j.M_axis.Y, j.M_a1, j.M_a2
				a, b := &d.Positions[l.a], &d.Positions[l.b]
				onA := b2.B2RotVec2Mul(b2.MakeB2RotFromAngle(a.A), b2.B2Vec2Sub(j.M_localAnchorA, j.M_localCenterA))
				onB := b2.B2RotVec2Mul(b2.MakeB2RotFromAngle(b.A), b2.B2Vec2Sub(j.M_localAnchorB, j.M_localCenterB))
				return l.ux*(b.C.X+onB.X-a.C.X-onA.X) + l.uy*(b.C.Y+onB.Y-a.C.Y-onA.Y)
			},
		}
	default:
		return
	}
	if !*l.limit {
		return
	}
	*l.limit = false
	// The library reaches joints by these pointers only.
	j.GetEdgeA().Joint, j.GetEdgeB().Joint = l, l
	w.M_jointList = l
	if next := j.GetNext(); next != nil {
		next.SetPrev(l)
	}
}

func (l *limited) InitVelocityConstraints(d b2.B2SolverData) {
	l.B2JointInterface.InitVelocityConstraints(d)
	position := l.prepare(l, d)
	l.away = [2]float64{position - l.lo, l.hi - position}
	for i := range l.impulse {
		l.impulse[i] *= d.Step.DtRatio
	}
	l.push(d, l.impulse[0]-l.impulse[1])
}

// rate is that of the position.
func (l *limited) rate(d b2.B2SolverData) float64 {
	a, b := &d.Velocities[l.a], &d.Velocities[l.b]
	return l.ux*(b.V.X-a.V.X) + l.uy*(b.V.Y-a.V.Y) + l.tb*b.W - l.ta*a.W
}

func (l *limited) push(d b2.B2SolverData, impulse float64) {
	a, b := &d.Velocities[l.a], &d.Velocities[l.b]
	p, q := l.GetBodyA(), l.GetBodyB()
	a.V.X -= p.M_invMass * impulse * l.ux
	a.V.Y -= p.M_invMass * impulse * l.uy
	a.W -= p.M_invI * impulse * l.ta
	b.V.X += q.M_invMass * impulse * l.ux
	b.V.Y += q.M_invMass * impulse * l.uy
	b.W += q.M_invI * impulse * l.tb
}

// SolveVelocityConstraints solves motor, limits, and then what the library does for the anchors.
func (l *limited) SolveVelocityConstraints(d b2.B2SolverData) {
	driven := *l.motor
	if driven {
		most := d.Step.Dt * *l.most
		was := *l.given
		*l.given = math.Max(-most, math.Min(was+l.mass*(*l.speed-l.rate(d)), most))
		l.push(d, *l.given-was)
	}
	for i, sign := range [2]float64{1, -1} {
		was := l.impulse[i]
		l.impulse[i] = math.Max(was-l.mass*(sign*l.rate(d)+math.Max(l.away[i], 0)/d.Step.Dt), 0)
		l.push(d, sign*(l.impulse[i]-was))
	}
	*l.motor = false
	l.B2JointInterface.SolveVelocityConstraints(d)
	*l.motor = driven
}

// SolvePositionConstraints leaves a slop of 2 degrees beyond limits of angles, and is content with two. What
// the library does for limits of lengths is as in 2.4.
func (l *limited) SolvePositionConstraints(d b2.B2SolverData) bool {
	if l.slides {
		*l.limit = true
		defer func() { *l.limit = false }()
		return l.B2JointInterface.SolvePositionConstraints(d)
	}
	const slop, most = b2.B2_angularSlop, b2.B2_maxAngularCorrection
	angle, c := l.prepare(l, d), 0.0
	switch {
	case l.hi-l.lo < 2*slop:
		c = math.Max(-most, math.Min(angle-l.lo, most))
	case angle <= l.lo:
		c = math.Max(-most, math.Min(angle-l.lo+slop, 0))
	case angle >= l.hi:
		c = math.Max(0, math.Min(angle-l.hi-slop, most))
	}
	d.Positions[l.a].A += l.GetBodyA().M_invI * l.mass * c
	d.Positions[l.b].A -= l.GetBodyB().M_invI * l.mass * c
	return l.B2JointInterface.SolvePositionConstraints(d) && math.Abs(c) <= slop
}
