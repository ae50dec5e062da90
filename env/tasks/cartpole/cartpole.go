// Package cartpole is the cart-pole of Barto, Sutton and Anderson, "Neuronlike Adaptive Elements
// That Can Solve Difficult Learning Control Problems" (IEEE Trans. SMC 13, 1983), registered as
// cartpole-v0. It has closed-form dynamics and no physics engine behind it.
//
// # Description
//
// A pole stands on a frictionless hinge of a cart that runs on a frictionless track. The agent
// pushes the cart and has to keep the pole up and the cart on the track. The equations of
// motion, the explicit Euler steps of 0.02 s (positions move with the old velocities), the
// limits and the default numbers are those of Gymnasium's CartPole-v1, so that returns compare;
// here they are computed in float32.
//
// # Action space
//
// One choice: 0 pushes left, 1 pushes right, with the level's force. With the option
// `continuous`, one number from -1 to 1, a share of that force.
//
// # Observation space
//
// Position and velocity of the cart, angle (0 is upright, clockwise is positive) and angular
// velocity of the pole.
//
// # Reward
//
// 1 a step, the last one included: the fact `alive`. The largest return is `max_steps`, 500.
//
// # Start
//
// Each of the four numbers is uniform in plus or minus `start_spread`, drawn from the level's
// seed: a level is one exact start.
//
// # Episode end
//
// Terminated when the cart is more than 2.4 m from the middle or the pole more than 12 degrees
// from upright; truncated after `max_steps`.
//
// # Level parameters
//
// Gravity, the two masses, half the length of the pole, the force and the spread of the start.
// Preset "classic" has Gymnasium's numbers, which are the defaults; "varied" draws each from a
// range around them. The difficulty of a level is how far the worst start of its spread
// leans, as a share of the farthest lean that its force can still catch.
//
// # Baselines
//
// Mean return over 1000 fresh episodes, with standard error:
//
//	policy     preset classic   preset varied
//	random         22.2 ± 0.4      24.8 ± 0.5
//	scripted      500.0 ± 0.0     500.0 ± 0.0
//
// # Version history
//
//   - v0: first version.
package cartpole

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// ID is the registered name.
const ID = "cartpole-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

const (
	dt         float32 = 0.02
	trackLimit float32 = 2.4
	angleLimit float32 = 12 * math.Pi / 180

	startPurpose rng.Purpose = 0x63617274 // the start state, under the level's seed
)

// Config holds the options.
type Config struct {
	Continuous bool `json:"continuous" doc:"the action is a number from -1 to 1, a share of the force, instead of left or right"`
	MaxSteps   int  `json:"max_steps" doc:"steps after which an episode is truncated"`
}

// New returns the default options.
func New() *Config { return &Config{MaxSteps: 500} }

// The level's parameters, in the order of the Spec.
const (
	gravity = iota
	cartMass
	poleMass
	halfLength
	force
	startSpread
	paramCount
)

// Spec checks the options and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	if c.MaxSteps < 1 {
		return nil, fmt.Errorf("env %s: max_steps is %d, want at least 1", ID, c.MaxSteps)
	}
	inf := float32(math.Inf(1))
	act := env.Field{Name: "push", Len: 1, Choices: 2, Doc: "0 pushes the cart left, 1 right"}
	solved := float32(475) * float32(c.MaxSteps) / 500
	if c.Continuous {
		act = env.Field{Name: "push", Len: 1, Lo: -1, Hi: 1, Doc: "force on the cart to the right, as a share of the level's force"}
	}
	return &env.Spec{
		ID:  ID,
		Doc: "Push a cart left or right so that the pole hinged on it stays upright and the cart stays on its track.",
		Ends: "Terminated when the cart is more than 2.4 m from the middle or the pole more than 12 degrees from " +
			"upright; truncated after `max_steps`.",
		History: []string{
			"v0: first version.",
		},
		Obs: []env.Field{
			{Name: "position", Len: 1, Lo: -2 * trackLimit, Hi: 2 * trackLimit, Unit: "m", Doc: "of the cart; it fails beyond 2.4"},
			{Name: "velocity", Len: 1, Lo: -inf, Hi: inf, Unit: "m/s", Doc: "of the cart"},
			{Name: "angle", Len: 1, Lo: -geom.Pi, Hi: geom.Pi, Unit: "rad", Doc: "of the pole, clockwise from upright; it fails beyond 0.2094"},
			{Name: "angular_velocity", Len: 1, Lo: -inf, Hi: inf, Unit: "rad/s", Doc: "of the pole, clockwise"},
		},
		Act: []env.Field{act},
		Facts: []env.Field{
			{Name: "alive", Len: 1, Lo: 0, Hi: 1, Doc: "always 1: the pole was up when the step began"},
			{Name: "fell", Len: 1, Lo: 0, Hi: 1, Doc: "1 if the pole fell over"},
			{Name: "off_track", Len: 1, Lo: 0, Hi: 1, Doc: "1 if the cart left the track"},
			{Name: "x", Len: 1, Lo: -2 * trackLimit, Hi: 2 * trackLimit, Unit: "m", Doc: "position of the cart"},
			{Name: "lean", Len: 1, Lo: 0, Hi: geom.Pi, Unit: "rad", Doc: "distance of the pole from upright"},
			{Name: "effort", Len: 1, Lo: 0, Hi: 1, Doc: "square of the push, as a share of the largest"},
		},
		Reward: []env.Term{{Fact: "alive", Weight: 1, Doc: "for every step"}},
		Params: []env.Param{
			gravity:     {Name: "gravity", Lo: 1, Hi: 25, Default: env.Range{9.8, 9.8}, Unit: "m/s^2", Doc: "downward acceleration"},
			cartMass:    {Name: "cart_mass", Lo: 0.2, Hi: 5, Default: env.Range{1, 1}, Unit: "kg", Doc: "mass of the cart"},
			poleMass:    {Name: "pole_mass", Lo: 0.01, Hi: 2, Default: env.Range{0.1, 0.1}, Unit: "kg", Doc: "mass of the pole, spread evenly"},
			halfLength:  {Name: "half_length", Lo: 0.1, Hi: 2, Default: env.Range{0.5, 0.5}, Unit: "m", Doc: "half the length of the pole"},
			force:       {Name: "force", Lo: 1, Hi: 50, Default: env.Range{10, 10}, Unit: "N", Doc: "of a push"},
			startSpread: {Name: "start_spread", Lo: 0, Hi: 0.2, Default: env.Range{0.05, 0.05}, Doc: "bound of each number of the start state"},
		},
		Presets: []env.Preset{
			{Name: "classic", Doc: "the numbers of Gymnasium's CartPole-v1"},
			{Name: "varied", Doc: "every number from a range around the classic one", Params: map[string]env.Range{
				"gravity": {5, 15}, "cart_mass": {0.5, 2}, "pole_mass": {0.05, 0.5},
				"half_length": {0.25, 1}, "force": {5, 20}, "start_spread": {0.02, 0.1},
			}},
		},
		Agents: 1, Dt: dt, MaxSteps: c.MaxSteps, Solved: solved,
	}, nil
}

// New returns one world.
func (c *Config) New() env.Env { return &world{continuous: c.Continuous} }

// Difficulty returns the largest divergence that a start of l can have, as a share of what can
// be recovered. Linearised about upright, the pole falls as exp(rate t), and the lean
// angle + angularVelocity/rate returns only while it is below force/(weight of cart and pole).
func (c *Config) Difficulty(l *env.Level) float32 {
	p := l.Params
	mass := p[cartMass] + p[poleMass]
	rate := geom.Sqrt(p[gravity] * mass / (p[halfLength] * (float32(mass*(4.0/3)) - p[poleMass])))
	caught := geom.Min(angleLimit, p[force]/(mass*p[gravity]))
	return geom.Clamp(p[startSpread]*(1+1/rate)/caught, 0, 1)
}

// state is everything a world remembers within an episode.
type state struct {
	X, V, Angle, Spin                              float32
	Gravity, CartMass, PoleMass, HalfLength, Force float32
}

type world struct {
	continuous bool
	state
}

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, _ rng.Key) {
	p := l.Params[:paramCount]
	r := rng.New(l.Seed).Stream(startPurpose, 0, 0)
	s := p[startSpread]
	w.state = state{
		X: r.Range(-s, s), V: r.Range(-s, s), Angle: r.Range(-s, s), Spin: r.Range(-s, s),
		Gravity: p[gravity], CartMass: p[cartMass], PoleMass: p[poleMass], HalfLength: p[halfLength], Force: p[force],
	}
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) {
	obs[0], obs[1], obs[2], obs[3] = w.X, w.V, w.Angle, w.Spin
}

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) {
	push := b.Act[0]
	if !w.continuous {
		push = float32(2*push) - 1
	}
	w.advance(float32(push * w.Force))

	fell, off := geom.Abs(w.Angle) > angleLimit, geom.Abs(w.X) > trackLimit
	b.End[0] = env.Running
	if fell || off {
		b.End[0] = env.Terminated
	}
	f := b.Facts
	f[0], f[1], f[2], f[3], f[4], f[5] = 1, truth(fell), truth(off), w.X, geom.Abs(w.Angle), push*push
}

// advance applies a force to the cart for one step of the explicit Euler method. The
// accelerations solve the frictionless case of equations (1) and (2) of Barto, Sutton and
// Anderson's appendix; see also Florian, "Correct equations for the dynamics of the cart-pole
// system" (2007), (23) and (24).
func (w *world) advance(force float32) {
	sin, cos := geom.Sincos(w.Angle)
	mass := w.CartMass + w.PoleMass
	poleMoment := float32(w.PoleMass * w.HalfLength)
	pushed := (force + float32(poleMoment*float32(float32(w.Spin*w.Spin)*sin))) / mass
	swing := float32(4.0/3) - float32(w.PoleMass*float32(cos*cos))/mass
	angular := (float32(w.Gravity*sin) - float32(cos*pushed)) / float32(w.HalfLength*swing)
	linear := pushed - float32(poleMoment*float32(angular*cos))/mass

	w.X += float32(dt * w.V)
	w.V += float32(dt * linear)
	w.Angle += float32(dt * w.Spin)
	w.Spin += float32(dt * angular)
}

// AppendState appends the exact state.
func (w *world) AppendState(dst []byte) []byte {
	dst, _ = binary.Append(dst, binary.LittleEndian, &w.state) // it holds fixed-size numbers only
	return dst
}

// SetState continues from an appended state.
func (w *world) SetState(src []byte) error {
	if n := binary.Size(&w.state); len(src) != n {
		return fmt.Errorf("malformed state of %d bytes, want %d", len(src), n)
	}
	_, err := binary.Decode(src, binary.LittleEndian, &w.state)
	return err
}

// Draw draws the track, the cart and the pole.
func (w *world) Draw(c env.Canvas) {
	c.View(geom.Vec{X: -3, Y: -0.6}, geom.Vec{X: 3, Y: 2.4})
	c.Line(env.RoleGround, 0.04, []geom.Vec{{X: -trackLimit, Y: 0.3}, {X: -trackLimit, Y: 0}, {X: trackLimit, Y: 0}, {X: trackLimit, Y: 0.3}})
	hinge := geom.Vec{X: w.X, Y: 0.25}
	c.Polygon(env.RoleAgent, []geom.Vec{
		{X: w.X - 0.25, Y: 0.05}, {X: w.X + 0.25, Y: 0.05}, {X: w.X + 0.25, Y: 0.25}, {X: w.X - 0.25, Y: 0.25},
	})
	sin, cos := geom.Sincos(w.Angle)
	tip := hinge.Add(geom.Vec{X: sin, Y: cos}.Mul(2 * w.HalfLength))
	c.Line(env.RoleLimb, 0.08, []geom.Vec{hinge, tip})
	c.Circle(env.RoleJoint, hinge, 0.06, 0)
}

func truth(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

var (
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
	_ env.Grader   = (*Config)(nil)
)
