package box2d

import (
	"fmt"

	b2 "github.com/ByteArena/box2d"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/physics"
)

// The engines that step worlds of env/physics with Box2D: at the time step of the task, and with
// four steps of a quarter of it, which tells whether a difference is due to the size of steps.
const (
	Engine = "box2d"
	Fine   = "box2d-fine"
)

func init() {
	env.RegisterOther(Engine, func() env.Stepper { return NewStepper(Options{}) })
	env.RegisterOther(Fine, func() env.Stepper { return NewStepper(Options{Substeps: 4}) })
}

// A Stepper steps worlds of env/physics with Box2D: each has a twin here, which is handed what the
// task did since the last step (forces, motors, velocities), is stepped, and tells the world where
// everything went. A task that moves bodies, or changes shapes, joints or grounds, gets a new
// twin, as it does when an episode begins. What tasks do to a world besides stepping it, such as
// casting rays, env/physics does.
type Stepper struct {
	opt   Options
	twins map[*physics.World]*twin
	err   error
}

// NewStepper returns a Stepper.
func NewStepper(o Options) *Stepper {
	return &Stepper{opt: o, twins: map[*physics.World]*twin{}}
}

// Advance implements env.Stepper. What it cannot do, Err reports.
func (s *Stepper) Advance(sims []env.Sim, dt float32) {
	for _, sim := range sims {
		p, ok := sim.(*physics.World)
		if !ok {
			s.err = fmt.Errorf("box2d: worlds of type %T: %w", sim, ErrUnsupported)
			return
		}
		t := s.twins[p]
		if t == nil {
			t = &twin{seen: p.Model().NewWorld()}
			s.twins[p] = t
		}
		if err := t.advance(p, s.opt, dt); err != nil {
			s.err = err
			return
		}
	}
}

// Err returns why Advance failed, or nil.
func (s *Stepper) Err() error { return s.err }

// A twin is a world of Box2D that does what a world of env/physics is to do.
type twin struct {
	w    *World         // nil before the first step
	seen *physics.World // as the last step left it
	out  physics.Outcome
}

func (t *twin) advance(p *physics.World, o Options, dt float32) error {
	if t.w == nil || p.Edited(t.seen) {
		w, err := build(p.Scene(), o)
		if err != nil {
			return err
		}
		t.w = w
		w.disable(p)
	} else {
		t.nudge(p)
	}
	t.w.SetGravity(p.Gravity())
	for i := range t.w.joints {
		speed, most := p.Motor(i)
		t.w.SetMotor(i, speed, most)
	}
	t.out.Motors = append(t.out.Motors[:0], make([]float32, len(t.w.joints))...)
	n := max(1, o.Substeps)
	for range n {
		for i := range t.w.bodies {
			force, torque := p.Force(i)
			t.w.ApplyForce(i, force, t.w.Centre(i))
			t.w.ApplyTorque(i, torque)
		}
		t.w.Step(dt / float32(n))
		for i := range t.out.Motors {
			t.out.Motors[i] += t.w.MotorImpulse(i)
		}
	}
	t.w.outcome(&t.out)
	p.Adopt(&t.out, dt)
	t.seen.CopyFrom(p)
	return nil
}

// nudge hands on velocities that the task has changed. Others stay as precise as they are here.
func (t *twin) nudge(p *physics.World) {
	for i := range t.w.bodies {
		v, spin := p.Velocity(i)
		if was, wasSpin := t.seen.Velocity(i); v != was || spin != wasSpin {
			t.w.SetVelocity(i, v, spin)
		}
	}
}

// disable takes shapes out of collisions that p has taken out.
func (w *World) disable(p *physics.World) {
	for _, b := range w.bodies {
		for f := b.M_fixtureList; f != nil; f = f.M_next {
			if part := partOf(f); part.shape >= 0 && !p.Enabled(part.shape) {
				part.off = true
			}
		}
	}
}

// outcome writes where bodies are and what touches what. What motors gave is summed up elsewhere. For a static body only env/physics
// knows, which does not ask.
func (w *World) outcome(o *physics.Outcome) {
	o.Bodies, o.Contacts = o.Bodies[:0], o.Contacts[:0]
	for i := range w.bodies {
		m := physics.Motion{Centre: w.Centre(i)}
		_, m.Angle = w.Pose(i)
		m.Velocity, m.Spin = w.Velocity(i)
		o.Bodies = append(o.Bodies, m)
	}
	for c := w.w.M_contactManager.M_contactList; c != nil; c = c.GetNext() {
		if c.IsTouching() {
			o.Contacts = appendTouches(o.Contacts, c)
		}
	}
}

// appendTouches appends the points of a contact, or one without a place if a sensor takes part.
func appendTouches(to []physics.Touch, c b2.B2ContactInterface) []physics.Touch {
	fa, fb := c.GetFixtureA(), c.GetFixtureB()
	t := physics.Touch{Sensor: fa.M_isSensor || fb.M_isSensor}
	t.A, t.ShapeA = partOf(fa).body, numberOf(fa, c.GetChildIndexA())
	t.B, t.ShapeB = partOf(fb).body, numberOf(fb, c.GetChildIndexB())
	turned := fb.M_body.M_type == b2.B2BodyType.B2_staticBody
	if turned {
		t.A, t.B, t.ShapeA, t.ShapeB = t.B, t.A, t.ShapeB, t.ShapeA
	}
	if t.Sensor {
		return append(to, t)
	}
	var wm b2.B2WorldManifold
	c.GetWorldManifold(&wm)
	m := c.GetManifold()
	for i := range m.PointCount {
		t.Point, t.Normal, t.Separation = back(wm.Points[i]), back(wm.Normal), float32(wm.Separations[i])
		if turned {
			t.Normal = t.Normal.Mul(-1)
		}
		t.Impulse, t.Friction = float32(m.Points[i].NormalImpulse), float32(m.Points[i].TangentImpulse)
		to = append(to, t)
	}
	return to
}

// numberOf returns the number of a fixture's shape; the child of a chain is one of its segments.
func numberOf(f *b2.B2Fixture, child int) int {
	p := partOf(f)
	if p.shape >= 0 && f.GetType() == b2.B2Shape_Type.E_chain {
		return p.shape + child
	}
	return p.shape
}

var (
	_ env.Stepper = (*Stepper)(nil)
	_ env.Failer  = (*Stepper)(nil)
)
