// Package walker is a two-legged robot that has to walk over generated terrain, registered as
// walker-v0. With its preset "classic" it is the task of Gymnasium's BipedalWalker-v3, and with
// "hardcore" comparable to the hardcore version of that.
//
// # Description
//
// A hull stands on two legs, each with a motor in its hip and one in its knee. It is to walk
// to the far end of a trail of about 93 m, over grass that may be rough and broken by stumps,
// pits and stairs. It sees the ground before it by ten rays.
//
// # Action space
//
// Four numbers, a motor each: their signs say which way the joint is driven, at up to 4 rad/s
// (hips) or 6 rad/s (knees), and their sizes with which part of the motors' torque.
//
// # Observation space
//
// Angle, spin and velocity of the hull; angle and speed of each hip and knee, and whether the
// foot touches the ground; and for each ray, from straight down to nearly straight ahead, which
// part of its length is free. Scaled as in the classic task.
//
// # Reward
//
// Each step gives 130/30 for a metre forwards, less 5 for a radian that the hull leans more,
// less a little for the torque spent. The step in which the walker falls, or walks off the
// beginning of the trail, gives -100 and nothing besides.
//
// # Start
//
// Standing with bent knees on even ground, pushed for one step by a small horizontal force.
// That step precedes the first observation.
//
// # Episode end
//
// Terminated when the hull touches the ground, leaves the trail backwards, or passes the finish
// ten points before the trail's end. Truncated after `max_steps`.
//
// # Level parameters
//
// See `terrarium describe env walker-v0`. A level's seed decides the exact terrain and the push
// at the start; nothing in an episode is random beside it. The difficulty of a level is a
// weighted mean of how far its parameters lie on the way from the easiest to the hardest value;
// see [Config.Difficulty].
//
// # Baselines
//
// Mean return over 400 fresh episodes, with its standard error:
//
//	levels      random actions    scripted controller
//	classic     -102.9 ± 0.7      297.8 ± 0.0
//	defaults    -105.3 ± 1.0      103.8 ± 8.3
//	hardcore    -102.7 ± 0.7      -81.2 ± 1.0
//
// In Gymnasium 1.4's BipedalWalker-v3, random actions get -99.3 ± 0.8 (300 episodes), and of
// its episodes fewer end in a fall (65 %, here 75 %). The scripted gait, found in this
// engine, does not survive its first steps there: the start is a balance that a few
// centimetres tip over.
//
// # Version history
//
//   - v0: first version. Against BipedalWalker-v3: contacts and joints are solved to
//     convergence, the walker starts in the pose that the classic one is thrown into by its
//     first two steps, treads of stairs are level, the trail ends in grass, and hard trails too
//     are truncated after 1600 steps.
package walker

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// ID is the registered name.
const ID = "walker-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

// Config holds the options.
type Config struct {
	MaxSteps int `json:"max_steps" doc:"steps after which an episode is truncated"`
}

// New returns the default options.
func New() *Config { return &Config{MaxSteps: 1600} }

// Columns of the facts.
const (
	factProgress = iota
	factSway
	factEffort
	factFell
	factLost
	factFinished
	factDistance
	factSpeed
	factHeight
	factTilt
	factFoot1
	factFoot2
	factCount
)

// Spec checks the options and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	if c.MaxSteps < 1 {
		return nil, fmt.Errorf("env %s: max_steps is %d, want at least 1", ID, c.MaxSteps)
	}
	inf := float32(math.Inf(1))
	free := func(name, unit, doc string) env.Field {
		return env.Field{Name: name, Len: 1, Lo: -inf, Hi: inf, Unit: unit, Doc: doc}
	}
	flag := func(name, doc string) env.Field { return env.Field{Name: name, Len: 1, Lo: 0, Hi: 1, Doc: doc} }
	spec := &env.Spec{
		ID:  ID,
		Doc: "Drive the hips and knees of a two-legged robot so that it walks to the far end of a trail without falling.",
		Ends: "Terminated when the hull touches the ground, leaves the trail backwards, or passes the finish ten " +
			"points before the trail's end. Truncated after `max_steps`.",
		History: []string{
			"v0: first version. Against BipedalWalker-v3: contacts and joints are solved to convergence, the " +
				"walker starts in the pose that the classic one is thrown into by its first two steps, treads of " +
				"stairs are level, the trail ends in grass, and hard trails too are truncated after 1600 steps.",
		},
		Obs: []env.Field{
			free("angle", "rad", "of the hull, counter-clockwise: positive leans back"),
			free("spin", "25 rad/s", "of the hull, counter-clockwise"),
			free("vx", "8.33 m/s", "velocity of the hull forwards"),
			free("vy", "12.5 m/s", "velocity of the hull upwards"),
		},
		Facts: []env.Field{
			factProgress: free("progress", "m", "way forwards; 0 in a step that ends with -100"),
			factSway:     free("sway", "rad", "change of the hull's angle from upright; 0 in a step that ends with -100"),
			factEffort:   {Name: "effort", Len: 1, Lo: 0, Hi: 4 * params[torque].Hi, Unit: "N m", Doc: "torque asked from the four motors; 0 in a step that ends with -100"},
			factFell:     flag("fell", "1 if the hull touched the ground"),
			factLost:     flag("lost", "1 if the walker left the trail backwards"),
			factFinished: flag("finished", "1 if the walker passed the finish"),
			factDistance: free("distance", "m", "from the start, forwards"),
			factSpeed:    free("speed", "m/s", "of the hull, forwards"),
			factHeight:   free("height", "m", "of the hull's origin above the ground below it"),
			factTilt:     {Name: "tilt", Len: 1, Lo: 0, Hi: inf, Unit: "rad", Doc: "angle of the hull from upright"},
			factFoot1:    flag("foot_down_1", "1 if the first leg's foot touches the ground"),
			factFoot2:    flag("foot_down_2", "1 if the second leg's foot touches the ground"),
		},
		Reward: []env.Term{
			{Fact: "progress", Weight: 130. / 30, Doc: "for walking forwards"},
			{Fact: "sway", Weight: -5, Doc: "for leaning more"},
			{Fact: "effort", Weight: -0.00035, Doc: "for torque"},
			{Fact: "fell", Weight: -100, Doc: "for falling"},
			{Fact: "lost", Weight: -100, Doc: "for leaving the trail"},
		},
		Params: slices.Clone(params), Presets: presets(),
		Agents: 1, Dt: dt, MaxSteps: c.MaxSteps, Solved: 300,
	}
	for leg, which := range []string{"first", "second"} {
		n := fmt.Sprint("_", leg+1)
		for _, f := range []env.Field{
			free("hip"+n, "rad", "angle of the "+which+" leg's hip; positive swings it forwards"),
			free("hip_speed"+n, "4 rad/s", "rate of that"),
			free("knee"+n, "rad", "angle of the "+which+" leg's knee, plus 1: 1 is straight"),
			free("knee_speed"+n, "6 rad/s", "rate of that"),
			flag("foot"+n, "1 if the foot touches the ground"),
		} {
			spec.Obs = append(spec.Obs, f)
		}
		for _, joint := range []string{"hip", "knee"} {
			spec.Act = append(spec.Act, env.Field{Name: joint + n, Len: 1, Lo: -1, Hi: 1, Doc: "direction and part of the motor's torque"})
		}
	}
	spec.Obs = append(spec.Obs, env.Field{Name: "rays", Len: rays, Lo: 0, Hi: 1, Unit: "5.33 m", Doc: "free way from the hull's origin at 0, 0.15, ... 1.35 rad forwards from straight down"})
	return spec, nil
}

// New returns one world.
func (c *Config) New() env.Env { return newWorld() }

// Columns of the level parameters.
const (
	roughness = iota
	stumpHeight
	pitWidth
	stairHeight
	runUp
	friction
	gravity
	torque
	legLength
	kick
	paramCount
)

var params = []env.Param{
	roughness:   {Name: "roughness", Lo: 0, Hi: 3, Default: env.Range{0.5, 2}, Doc: "of the grass: 0 is even, 1 classic"},
	stumpHeight: {Name: "stump_height", Lo: 0, Hi: 1.2, Default: env.Range{0, 0.3}, Unit: "m", Doc: "of stumps, which are as wide, or half of it; 0: there are none"},
	pitWidth:    {Name: "pit_width", Lo: 0, Hi: 2, Default: env.Range{0, 0.6}, Unit: "m", Doc: "of pits, or two thirds of it; 0: there are none"},
	stairHeight: {Name: "stair_height", Lo: 0, Hi: 0.7, Default: env.Range{0, 0.2}, Unit: "m", Doc: "of the steps of stairs, which lead up or down; 0: there are none"},
	runUp:       {Name: "run_up", Lo: 2, Hi: 30, Default: env.Range{5, 15}, Integer: true, Unit: "0.467 m", Doc: "even ground before the walker at the start"},
	friction:    {Name: "friction", Lo: 0.5, Hi: 5, Default: env.Range{1.5, 3}, Doc: "of the ground; that of the feet is 0.2, and the geometric mean counts"},
	gravity:     {Name: "gravity", Lo: 5, Hi: 15, Default: env.Range{9, 11}, Unit: "m/s^2", Doc: "downward acceleration"},
	torque:      {Name: "torque", Lo: 40, Hi: 120, Default: env.Range{70, 100}, Unit: "N m", Doc: "of each motor"},
	legLength:   {Name: "leg_length", Lo: 0.7, Hi: 1.3, Default: env.Range{0.9, 1.1}, Doc: "of the legs, of the classic ones"},
	kick:        {Name: "kick", Lo: 0, Hi: 50, Default: env.Range{0, 10}, Unit: "N", Doc: "bound of the horizontal force in the step before the first"},
}

func presets() []env.Preset {
	classic := map[string]env.Range{
		"roughness": {1, 1}, "stump_height": {0, 0}, "pit_width": {0, 0}, "stair_height": {0, 0},
		"run_up": {10, 10}, "friction": {2.5, 2.5}, "gravity": {10, 10}, "torque": {80, 80}, "leg_length": {1, 1}, "kick": {5, 5},
	}
	hard := map[string]env.Range{}
	for name, r := range classic {
		hard[name] = r
	}
	for name, v := range map[string]float32{"stump_height": gen.HardTrail.Stump, "pit_width": gen.HardTrail.Pit, "stair_height": gen.HardTrail.Stair} {
		hard[name] = env.Range{v, v}
	}
	return []env.Preset{
		{Name: "classic", Doc: "the numbers and the gently rough grass of Gymnasium's BipedalWalker-v3", Params: classic},
		{Name: "flat", Doc: "the same as classic", Params: classic},
		{Name: "hardcore", Doc: "the numbers of BipedalWalker-v3 with hardcore, with its stumps, pits and stairs", Params: hard},
	}
}

// Difficulty returns the mean, weighted as below, of eight shares from 0, easiest, to 1,
// hardest: roughness, sizes of stumps, pits and stairs, shortness of the run-up, slipperiness,
// weakness of the motors against gravity, and kick. It never falls when one of these grows; it
// leaves aside the length of the legs.
func (c *Config) Difficulty(l *env.Level) float32 {
	p := l.Params[:paramCount]
	share := func(param int) float32 {
		return (p[param] - params[param].Lo) / (params[param].Hi - params[param].Lo)
	}
	weakest := params[gravity].Hi / params[torque].Lo
	strongest := params[gravity].Lo / params[torque].Hi
	d := float32(0)
	for _, term := range [...]struct{ weight, share float32 }{
		{2, share(roughness)},
		{4, share(stumpHeight)},
		{4, share(pitWidth)},
		{4, share(stairHeight)},
		{1, 1 - share(runUp)},
		{1, 1 - share(friction)},
		{2, (p[gravity]/p[torque] - strongest) / (weakest - strongest)},
		{1, share(kick)},
	} {
		d += float32(term.weight * term.share)
	}
	return geom.Clamp(d/19, 0, 1)
}
