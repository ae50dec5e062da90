// Package arm is reaching with a planar arm of several links, registered as arm-v0.
//
// # Description
//
// A chain of links is fixed to the world at one end. The agent drives its joints and has to
// bring the tip to a target and to hold it there. Links do not collide with each other, and
// joints turn without limits.
//
// # Action space
//
// One number from -1 to 1 a joint. A joint's strength falls from the level's torque at
// the base with the square of the length that it has to move, and no joint drives itself faster
// than the level's speed. With the option `control` = "torque" the action is a share of the
// strength, with "velocity" a share of the speed, which the motor keeps up if it is strong
// enough.
//
// # Observation space
//
// Cosine and sine of each joint's angle, which is 0 where the link goes straight on, and its
// speed; the lengths of the links; where the tip is, as seen from the base, and where the
// target, as seen from the tip; the radius of the target.
//
// # Reward
//
// Each step: minus the distance of the tip from the target, in metres; 1 while it is within the
// target's radius; -0.05 times the mean square of the action.
//
// # Start
//
// At rest. The arm points along x and each joint is bent by an angle uniform within
// `start_spread`, drawn from the level's seed.
//
// # Episode end
//
// Never terminated; truncated after `max_steps`.
//
// # Level parameters
//
// Length, taper and mass of the arm, torque and speed of its motors, damping, gravity, place
// and size of the target, and spread of the start. Every target can be reached: it is not
// nearer than the longest link is longer than the others together. Presets are "flat", without
// gravity, which is the default, and "upright", with it. The difficulty of a level is Fitts's
// index log2(1 + d/w) of a target of width w at distance d from the first place of the tip, as a
// share of the largest there can be, in MacKenzie's form ("Fitts' Law as a Research and Design
// Tool in Human-Computer Interaction", 1992, equation 3).
//
// # Baselines
//
// Mean return over 300 fresh episodes, with standard error:
//
//	policy      preset flat   preset upright
//	random      -85.5 ± 1.8     -102.4 ± 2.2
//	scripted     55.7 ± 1.2      -13.6 ± 0.6
//
// # Version history
//
//   - v0: first version.
package arm

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// ID is the registered name.
const ID = "arm-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

const (
	minLinks = 2
	maxLinks = 12

	dt       float32 = 0.04
	substeps         = 2
	effort   float32 = -0.05 // reward for the mean square of the action

	startPurpose rng.Purpose = 0x61726d // the first angles, under the level's seed
)

// Kinds of control.
const (
	Torque   = "torque"
	Velocity = "velocity"
)

// Config holds the options.
type Config struct {
	Links    int    `json:"links" doc:"number of links, 2 to 12"`
	Control  string `json:"control" doc:"what actions are: torque or velocity"`
	MaxSteps int    `json:"max_steps" doc:"steps after which an episode is truncated"`
}

// New returns the default options.
func New() *Config { return &Config{Links: 3, Control: Torque, MaxSteps: 100} }

// The level's parameters, in the order of the Spec.
const (
	length = iota
	taper
	mass
	torque
	speed
	damping
	gravity
	targetDistance
	targetAngle
	targetRadius
	startSpread
	paramCount
)

// The facts, in the order of the Spec.
const (
	factDistance = iota
	factReached
	factEffort
	factX
	factY
	factSpeed
	factEnergy
)

var params = [paramCount]env.Param{
	length:         {Name: "length", Lo: 0.5, Hi: 2, Default: env.Range{1, 1}, Unit: "m", Doc: "of the whole arm"},
	taper:          {Name: "taper", Lo: 0.5, Hi: 2, Default: env.Range{0.7, 1.4}, Doc: "length of the last link as a share of the first; those between change evenly"},
	mass:           {Name: "mass", Lo: 0.5, Hi: 2, Default: env.Range{1, 1}, Unit: "kg", Doc: "of the whole arm, spread evenly over its length"},
	torque:         {Name: "torque", Lo: 0.5, Hi: 20, Default: env.Range{2, 2}, Unit: "N m", Doc: "strength of the joint at the base"},
	speed:          {Name: "speed", Lo: 1, Hi: 8, Default: env.Range{5, 5}, Unit: "rad/s", Doc: "to which a motor drives its joint"},
	damping:        {Name: "damping", Lo: 0.5, Hi: 8, Default: env.Range{2, 2}, Unit: "1/s", Doc: "rate at which air slows the links"},
	gravity:        {Name: "gravity", Lo: 0, Hi: 10, Default: env.Range{0, 0}, Unit: "m/s^2", Doc: "against y"},
	targetDistance: {Name: "target_distance", Lo: 0.35, Hi: 1, Default: env.Range{0.4, 0.95}, Doc: "of the target from the base, as a share of the arm's length"},
	targetAngle:    {Name: "target_angle", Lo: -math.Pi, Hi: math.Pi, Default: env.Range{-math.Pi, math.Pi}, Unit: "rad", Doc: "direction of the target from the base, counter-clockwise from x"},
	targetRadius:   {Name: "target_radius", Lo: 0.02, Hi: 0.2, Default: env.Range{0.05, 0.05}, Unit: "m", Doc: "of the target"},
	startSpread:    {Name: "start_spread", Lo: 0, Hi: math.Pi, Default: env.Range{1, 1}, Unit: "rad", Doc: "bound of each joint's first angle"},
}

// Spec checks the options and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	switch {
	case c.Links < minLinks || c.Links > maxLinks:
		return nil, fmt.Errorf("env %s: links is %d, want %d to %d", ID, c.Links, minLinks, maxLinks)
	case c.Control != Torque && c.Control != Velocity:
		return nil, fmt.Errorf("env %s: control is %q, want %q or %q", ID, c.Control, Torque, Velocity)
	case c.MaxSteps < 1:
		return nil, fmt.Errorf("env %s: max_steps is %d, want at least 1", ID, c.MaxSteps)
	}
	inf, n := float32(math.Inf(1)), c.Links
	act := env.Field{Name: "torque", Len: n, Lo: -1, Hi: 1, Doc: "of each joint, counter-clockwise, as a share of its strength"}
	if c.Control == Velocity {
		act = env.Field{Name: "velocity", Len: n, Lo: -1, Hi: 1, Doc: "of each joint, counter-clockwise, as a share of the level's speed"}
	}
	return &env.Spec{
		ID:   ID,
		Doc:  "Drive the joints of an arm to bring its tip to a target, and hold it there.",
		Ends: "Never terminated; truncated after `max_steps`.",
		History: []string{
			"v0: first version.",
		},
		Obs: []env.Field{
			{Name: "angle_cos", Len: n, Lo: -1, Hi: 1, Doc: "cosine of each joint's angle, from the base on"},
			{Name: "angle_sin", Len: n, Lo: -1, Hi: 1, Doc: "sine of each joint's angle, counter-clockwise"},
			{Name: "joint_speed", Len: n, Lo: -inf, Hi: inf, Unit: "rad/s", Doc: "rate of change of each joint's angle"},
			{Name: "lengths", Len: n, Lo: 0, Hi: 2, Unit: "m", Doc: "of the links"},
			{Name: "tip", Len: 2, Lo: -2.1, Hi: 2.1, Unit: "m", Doc: "from the base to the tip in x and y"},
			{Name: "target", Len: 2, Lo: -4.1, Hi: 4.1, Unit: "m", Doc: "from the tip to the target in x and y"},
			{Name: "radius", Len: 1, Lo: 0.02, Hi: 0.2, Unit: "m", Doc: "of the target"},
		},
		Act: []env.Field{act},
		Facts: []env.Field{
			factDistance: {Name: "distance", Len: 1, Lo: 0, Hi: 4.1, Unit: "m", Doc: "of the tip from the target's centre"},
			factReached:  {Name: "reached", Len: 1, Lo: 0, Hi: 1, Doc: "1 while the tip is within the target"},
			factEffort:   {Name: "effort", Len: 1, Lo: 0, Hi: 1, Doc: "mean square of the action"},
			factX:        {Name: "x", Len: 1, Lo: -2.1, Hi: 2.1, Unit: "m", Doc: "of the tip"},
			factY:        {Name: "y", Len: 1, Lo: -2.1, Hi: 2.1, Unit: "m", Doc: "of the tip"},
			factSpeed:    {Name: "speed", Len: 1, Lo: 0, Hi: inf, Unit: "m/s", Doc: "of the tip"},
			factEnergy:   {Name: "energy", Len: 1, Lo: -inf, Hi: inf, Unit: "J", Doc: "kinetic and potential energy of the arm"},
		},
		Reward: []env.Term{
			{Fact: "distance", Weight: -1, Doc: "distance of the tip from the target"},
			{Fact: "reached", Weight: 1, Doc: "while the tip is at the target"},
			{Fact: "effort", Weight: effort, Doc: "effort"},
		},
		Params: slices.Clone(params[:]),
		Presets: []env.Preset{
			{Name: "flat", Doc: "on a table: the defaults"},
			{Name: "upright", Doc: "against gravity, with a stronger arm", Params: map[string]env.Range{"gravity": {9.8, 9.8}, "torque": {12, 12}}},
		},
		Agents: 1, Dt: dt, MaxSteps: c.MaxSteps,
	}, nil
}

// New returns one world.
func (c *Config) New() env.Env { return newWorld(c) }

// Difficulty returns Fitts's index of difficulty, as a share of the largest.
func (c *Config) Difficulty(l *env.Level) float32 {
	var a pose
	a.place(c.Links, l)
	d := a.tip.Sub(target(l)).Len()
	w := 2 * l.Params[targetRadius]
	return geom.Log(1+d/w) / geom.Log(1+2*params[length].Hi/(2*params[targetRadius].Lo))
}

// target returns where the target of a level is.
func target(l *env.Level) geom.Vec {
	sin, cos := geom.Sincos(l.Params[targetAngle])
	return geom.Vec{X: cos, Y: sin}.Mul(l.Params[targetDistance] * l.Params[length])
}

// A pose is how an arm lies at the start.
type pose struct {
	lengths [maxLinks]float32
	joints  [maxLinks + 1]geom.Vec // where links begin; the last one is where the arm ends
	angles  [maxLinks]float32      // of links, against x
	tip     geom.Vec
}

// place computes the pose at the start of a level.
func (a *pose) place(links int, l *env.Level) {
	*a = pose{}
	sum := float32(0)
	for i := range links {
		a.lengths[i] = 1 + float32((l.Params[taper]-1)*float32(i))/float32(links-1)
		sum += a.lengths[i]
	}
	r := rng.New(l.Seed).Stream(startPurpose, 0, 0)
	angle, at := float32(0), geom.Vec{}
	for i := range links {
		a.lengths[i] *= l.Params[length] / sum
		angle += r.Range(-l.Params[startSpread], l.Params[startSpread])
		sin, cos := geom.Sincos(angle)
		a.joints[i], a.angles[i] = at, angle
		at = at.Add(geom.Vec{X: float32(a.lengths[i] * cos), Y: float32(a.lengths[i] * sin)})
	}
	a.joints[links], a.tip = at, at
}

var (
	_ env.SimEnv   = (*world)(nil)
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
	_ env.Grader   = (*Config)(nil)
)
