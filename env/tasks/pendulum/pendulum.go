// Package pendulum is the swing-up of a torque-limited pendulum, registered as pendulum-v0. It
// has closed-form dynamics and no physics engine behind it.
//
// # Description
//
// A rod turns on a fixed hinge. The motor is too weak to lift it at once: the agent has to swing
// it up and then balance it upright. The equation of motion, the semi-implicit Euler steps of
// 0.05 s (the angle moves with the new angular velocity), the limit of the speed, the reward
// and the default numbers are those of Gymnasium's Pendulum-v1, so that returns compare; here
// they are computed in float32 and the angle is kept within half a turn of upright.
//
// # Action space
//
// One number from -1 to 1: the torque of the motor, counter-clockwise, as a share of the
// level's largest. Gymnasium's action is the torque itself.
//
// # Observation space
//
// Cosine and sine of the angle, which is 0 upright and grows counter-clockwise, and the angular
// velocity.
//
// # Reward
//
// -(angle^2 + 0.1 velocity^2 + 0.001 torque^2), of the angle and velocity at which the torque
// was chosen, as three facts.
//
// # Start
//
// The angle is uniform within `start_angle` of upright, the angular velocity within
// `start_speed`, drawn from the level's seed: a level is one exact start.
//
// # Episode end
//
// Never terminated; truncated after `max_steps`.
//
// # Level parameters
//
// Gravity, mass and length of the rod, torque, friction of the hinge, limit of the speed and
// the two bounds of the start. Preset "classic" has Gymnasium's numbers, which are the
// defaults; "varied" draws each from a range around them. The difficulty of a level is
// (1-r)(1-a): r is the torque as a share of what holds the rod level, a the share of the
// start's angles at which the torque can hold the rod.
//
// # Baselines
//
// Mean return over 1000 fresh episodes, with standard error:
//
//	policy     preset classic     preset varied
//	random      -1228.2 ± 9.1     -1380.8 ± 8.0
//	scripted     -150.0 ± 2.8     -323.0 ± 12.0
//
// # Version history
//
//   - v0: first version.
package pendulum

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// ID is the registered name.
const ID = "pendulum-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

const (
	dt           float32     = 0.05
	startPurpose rng.Purpose = 0x70656e64 // the start state, under the level's seed
)

// Config holds the options.
type Config struct {
	MaxSteps int `json:"max_steps" doc:"steps after which an episode is truncated"`
}

// New returns the default options.
func New() *Config { return &Config{MaxSteps: 200} }

// The level's parameters, in the order of the Spec.
const (
	gravity = iota
	mass
	length
	torque
	friction
	maxSpeed
	startAngle
	startSpeed
	paramCount
)

// Spec checks the options and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	if c.MaxSteps < 1 {
		return nil, fmt.Errorf("env %s: max_steps is %d, want at least 1", ID, c.MaxSteps)
	}
	inf := float32(math.Inf(1))
	const (
		pi       = math.Pi
		speed    = 30 // bound of max_speed
		strength = 20 // bound of torque
	)
	return &env.Spec{
		ID:   ID,
		Doc:  "Swing a rod up with a motor too weak to lift it at once, and balance it upright.",
		Ends: "Never terminated; truncated after `max_steps`.",
		History: []string{
			"v0: first version.",
		},
		Obs: []env.Field{
			{Name: "cos", Len: 1, Lo: -1, Hi: 1, Doc: "cosine of the angle from upright"},
			{Name: "sin", Len: 1, Lo: -1, Hi: 1, Doc: "sine of the angle from upright, counter-clockwise"},
			{Name: "angular_velocity", Len: 1, Lo: -speed, Hi: speed, Unit: "rad/s", Doc: "counter-clockwise, within the level's max_speed"},
		},
		Act: []env.Field{
			{Name: "torque", Len: 1, Lo: -1, Hi: 1, Doc: "counter-clockwise torque, as a share of the level's largest"},
		},
		Facts: []env.Field{
			{Name: "angle_squared", Len: 1, Lo: 0, Hi: pi * pi, Unit: "rad^2", Doc: "square of the angle from upright before the step"},
			{Name: "speed_squared", Len: 1, Lo: 0, Hi: speed * speed, Unit: "rad^2/s^2", Doc: "square of the angular velocity before the step"},
			{Name: "torque_squared", Len: 1, Lo: 0, Hi: strength * strength, Unit: "N^2 m^2", Doc: "square of the torque"},
			{Name: "angle", Len: 1, Lo: -pi, Hi: pi, Unit: "rad", Doc: "from upright, counter-clockwise, after the step"},
			{Name: "energy", Len: 1, Lo: -inf, Hi: inf, Unit: "J", Doc: "kinetic and potential energy after the step, less that of rest upright"},
			{Name: "upright", Len: 1, Lo: 0, Hi: 1, Doc: "1 if the rod is within 0.2 rad of upright after the step"},
		},
		Reward: []env.Term{
			{Fact: "angle_squared", Weight: -1, Doc: "distance from upright"},
			{Fact: "speed_squared", Weight: -0.1, Doc: "motion"},
			{Fact: "torque_squared", Weight: -0.001, Doc: "effort"},
		},
		Params: []env.Param{
			gravity:    {Name: "gravity", Lo: 1, Hi: 25, Default: env.Range{10, 10}, Unit: "m/s^2", Doc: "downward acceleration"},
			mass:       {Name: "mass", Lo: 0.2, Hi: 4, Default: env.Range{1, 1}, Unit: "kg", Doc: "of the rod, spread evenly"},
			length:     {Name: "length", Lo: 0.4, Hi: 2, Default: env.Range{1, 1}, Unit: "m", Doc: "of the rod"},
			torque:     {Name: "torque", Lo: 0.2, Hi: strength, Default: env.Range{2, 2}, Unit: "N m", Doc: "the motor's largest"},
			friction:   {Name: "friction", Lo: 0, Hi: 1, Default: env.Range{0, 0}, Unit: "N m s", Doc: "torque of the hinge against a turn of 1 rad/s"},
			maxSpeed:   {Name: "max_speed", Lo: 4, Hi: speed, Default: env.Range{8, 8}, Unit: "rad/s", Doc: "the rod turns no faster"},
			startAngle: {Name: "start_angle", Lo: 0, Hi: pi, Default: env.Range{pi, pi}, Unit: "rad", Doc: "bound of the first angle from upright"},
			startSpeed: {Name: "start_speed", Lo: 0, Hi: 4, Default: env.Range{1, 1}, Unit: "rad/s", Doc: "bound of the first angular velocity"},
		},
		Presets: []env.Preset{
			{Name: "classic", Doc: "the numbers of Gymnasium's Pendulum-v1"},
			{Name: "varied", Doc: "every number from a range around the classic one", Params: map[string]env.Range{
				"gravity": {6, 14}, "mass": {0.7, 1.4}, "length": {0.7, 1.3}, "torque": {1.5, 3},
				"friction": {0, 0.1}, "max_speed": {8, 12}, "start_speed": {0, 2},
			}},
		},
		Agents: 1, Dt: dt, MaxSteps: c.MaxSteps,
	}, nil
}

// New returns one world.
func (c *Config) New() env.Env { return &world{} }

// Difficulty returns (1-r)(1-a) for the torque r that is available, as a share of what holds
// the rod level, and the share a of the starts from which it can be lifted straight away.
func (c *Config) Difficulty(l *env.Level) float32 {
	p := l.Params
	r := geom.Min(p[torque]/(p[mass]*p[gravity]*p[length]*0.5), 1)
	held := geom.Atan2(r, geom.Sqrt(1-float32(r*r))) // arcsine of r
	a := float32(1)
	if p[startAngle] > held {
		a = held / p[startAngle]
	}
	return (1 - r) * (1 - a)
}

// state is everything a world remembers within an episode.
type state struct {
	Angle, Spin                                       float32
	Gravity, Mass, Length, Torque, Friction, MaxSpeed float32
}

type world struct{ state }

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, _ rng.Key) {
	p := l.Params[:paramCount]
	r := rng.New(l.Seed).Stream(startPurpose, 0, 0)
	w.state = state{
		Angle: geom.WrapAngle(r.Range(-p[startAngle], p[startAngle])),
		Spin:  r.Range(-p[startSpeed], p[startSpeed]),

		Gravity: p[gravity], Mass: p[mass], Length: p[length],
		Torque: p[torque], Friction: p[friction], MaxSpeed: p[maxSpeed],
	}
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) {
	sin, cos := geom.Sincos(w.Angle)
	obs[0], obs[1], obs[2] = cos, sin, w.Spin
}

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) {
	u := float32(b.Act[0] * w.Torque)
	f := b.Facts
	f[0], f[1], f[2] = float32(w.Angle*w.Angle), float32(w.Spin*w.Spin), float32(u*u)
	w.advance(u)
	f[3], f[4], f[5] = w.Angle, w.energy(), 0
	if geom.Abs(w.Angle) <= 0.2 {
		f[5] = 1
	}
	b.End[0] = env.Running
}

// advance applies a torque for one step. About its end, a rod has the moment of inertia m l^2/3.
func (w *world) advance(torque float32) {
	inertia := float32(w.Mass*float32(w.Length*w.Length)) / 3
	weight := float32(w.Mass*float32(w.Gravity*w.Length)) * 0.5
	total := torque + float32(weight*geom.Sin(w.Angle)) - float32(w.Friction*w.Spin)
	w.Spin = geom.Clamp(w.Spin+float32(dt*total)/inertia, -w.MaxSpeed, w.MaxSpeed)
	w.Angle = geom.WrapAngle(w.Angle + float32(dt*w.Spin))
}

func (w *world) energy() float32 {
	ml := float32(w.Mass * w.Length)
	kinetic := float32(float32(ml*w.Length)*float32(w.Spin*w.Spin)) / 6
	return kinetic + float32(0.5*float32(float32(ml*w.Gravity)*(geom.Cos(w.Angle)-1)))
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

// Draw draws the rod and its hinge.
func (w *world) Draw(c env.Canvas) {
	c.View(geom.Vec{X: -2.2, Y: -2.2}, geom.Vec{X: 2.2, Y: 2.2})
	sin, cos := geom.Sincos(w.Angle)
	tip := geom.Vec{X: -sin, Y: cos}.Mul(w.Length)
	c.Circle(env.RoleGoal, geom.Vec{Y: w.Length}, 0.12, 0)
	c.Line(env.RoleAgent, 0.2, []geom.Vec{{}, tip})
	c.Circle(env.RoleJoint, geom.Vec{}, 0.08, 0)
}

var (
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
	_ env.Grader   = (*Config)(nil)
)
