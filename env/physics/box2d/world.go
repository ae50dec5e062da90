// Package box2d runs scenes on github.com/ByteArena/box2d, a Go translation of Box2D 2.3 in
// float64, with the limits of joints of Box2D 2.4. It is the second opinion on env/physics: another
// solver, written by other people, for the same [scene.Scene]. It is 10 to 30 times slower,
// allocates in every step, and knows no snapshots: a state is reached again by repeating the steps
// that led to it, which gives the same bits.
//
//	w, err := box2d.New(s, box2d.Options{})
//	hull := w.Body("hull")
//	w.Step(1.0 / 50)
//	at, angle := w.Pose(hull)
//
// The methods of [World] mean what those of physics.World mean. To change shapes or materials,
// change the Scene and make another World.
//
// What differs from env/physics by design:
//   - The solver iterates: what it has not reached after Options.Velocity sweeps stays undone.
//   - Shapes may overlap by 0.005 m before anything pushes them apart, so that a polygon rests
//     0.015 m above the ground and a circle or capsule 0.005 m, 0.005 m less than in env/physics.
//   - Contacts are found at the start of a step, so Touching shows them one step later, unless
//     continuous collision stopped a fast body at the surface.
//   - Grounds are solid from both sides.
//   - A distance joint is a rod, or a rope if its lower limit is 0; other limits are refused.
package box2d

import (
	"errors"
	"fmt"
	"sync"

	b2 "github.com/ByteArena/box2d"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// ErrUnsupported is wrapped by errors about what this engine cannot do and env/physics can.
var ErrUnsupported = errors.New("env/physics/box2d cannot do this, env/physics can")

// Options chooses how hard the solver works.
type Options struct {
	Velocity int // sweeps over the velocity constraints of a step; 0 means 180, as in gym's Box2D tasks
	Position int // most sweeps over the position constraints; 0 means 60, as in gym's Box2D tasks
	Substeps int // of a Stepper: equal steps that it makes of each; 0 means 1
}

// A World is one world of a scene. It is not safe for concurrent use, but different worlds may
// be used by different goroutines at once.
type World struct {
	scene   scene.Scene
	opt     Options
	w       *b2.B2World
	ground  *b2.B2Body   // grounds and the world's end of joints
	bodies  []*b2.B2Body // in the order of the scene
	joints  []b2.B2JointInterface
	shapes  int  // how many
	sensors bool // some shape is a sensor
}

// libraryState guards the counters that the library keeps in package variables and writes
// without locks: in continuous collision, and in overlap tests of sensors.
var libraryState sync.Mutex

// touchOnce makes the library fill its table of contact types, another package variable, which
// it does without a lock when the first contact of the process is created.
var touchOnce sync.Once

func firstTouch() {
	w := b2.MakeB2World(b2.MakeB2Vec2(0, 0))
	for range 2 {
		def := b2.MakeB2BodyDef()
		def.Type = b2.B2BodyType.B2_dynamicBody
		c := b2.MakeB2CircleShape()
		c.M_radius = 1
		w.CreateBody(&def).CreateFixture(&c, 1)
	}
	w.Step(0.01, 1, 1)
}

// New returns a world in the initial state of s, of which it keeps nothing. The error wraps
// ErrUnsupported if only env/physics can run the scene.
func New(s *scene.Scene, o Options) (*World, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("box2d: scene %s: %w", s.Name, err)
	}
	return build(s.Clone(), o)
}

// build is New for a scene that is known to be valid, and that the World may keep.
func build(s *scene.Scene, o Options) (*World, error) {
	touchOnce.Do(firstTouch)
	if o.Velocity == 0 {
		o.Velocity = 180
	}
	if o.Position == 0 {
		o.Position = 60
	}
	if o.Velocity < 0 || o.Position < 0 || o.Substeps < 0 {
		return nil, fmt.Errorf("box2d: options are %d and %d sweeps and %d substeps, want positive numbers", o.Velocity, o.Position, o.Substeps)
	}
	w := &World{scene: *s, opt: o}
	if err := w.tryBuild(); err != nil {
		return nil, fmt.Errorf("box2d: scene %s: %w", s.Name, err)
	}
	return w, nil
}

// tryBuild turns the library's assertions, such as about polygons of a few millimetres, into an error.
func (w *World) tryBuild() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the library refuses it (%v): %w", r, ErrUnsupported)
		}
	}()
	return w.build()
}

// Reset returns to the scene's initial state.
func (w *World) Reset() {
	if err := w.build(); err != nil {
		panic("box2d: " + err.Error()) // New has built the same scene
	}
}

// Step advances the world by dt seconds. Forces applied since the last step act throughout it
// and are then forgotten.
func (w *World) Step(dt float32) {
	if w.sensors {
		libraryState.Lock()
	}
	w.w.Step(float64(dt), w.opt.Velocity, w.opt.Position) // without continuous collision, which follows
	if !w.sensors {
		libraryState.Lock()
	}
	defer libraryState.Unlock()
	step := b2.MakeB2TimeStep()
	step.Dt, step.Inv_dt, step.DtRatio = float64(dt), 1/float64(dt), 1
	step.VelocityIterations, step.PositionIterations = w.opt.Velocity, w.opt.Position
	step.WarmStarting = true
	w.w.SolveTOI(step)
}

// Body returns the number of the named body. It, Joint, Thruster and Ray panic if there is none.
func (w *World) Body(name string) int {
	return find("body", name, w.scene.Bodies, func(b *scene.Body) string { return b.Name })
}

// Joint returns the number of the named joint.
func (w *World) Joint(name string) int {
	return find("joint", name, w.scene.Joints, func(j *scene.Joint) string { return j.Name })
}

// Shape returns the number of the i-th shape of a body; each segment of a chain counts as one.
func (w *World) Shape(body, i int) int { return w.bodies[body].M_userData.(int) + i }

// Thruster returns the number of the named thruster.
func (w *World) Thruster(name string) int {
	return find("thruster", name, w.scene.Thrusters, func(t *scene.Thruster) string { return t.Name })
}

// Ray returns the number of the named ray.
func (w *World) Ray(name string) int {
	return find("ray", name, w.scene.Rays, func(r *scene.Ray) string { return r.Name })
}

func find[T any](kind, name string, list []T, nameOf func(*T) string) int {
	for i := range list {
		if nameOf(&list[i]) == name {
			return i
		}
	}
	panic(fmt.Sprintf("box2d: the scene has no %s %q", kind, name))
}

func vec(v geom.Vec) b2.B2Vec2 { return b2.MakeB2Vec2(float64(v.X), float64(v.Y)) }

func back(v b2.B2Vec2) geom.Vec { return geom.Vec{X: float32(v.X), Y: float32(v.Y)} }
