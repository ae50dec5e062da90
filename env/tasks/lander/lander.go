// Package lander is a spacecraft with two legs that has to land on the pad of a moon, registered
// as lander-v0. With its preset "classic" it is the game of Gymnasium's LunarLander-v3.
//
// # Description
//
// A hull hangs from nothing but its engines: one below, and one on each side of the top, which
// turn it. Fuel is free of limits but not of cost. Terrain, pad, start, wind, gravity, engine
// power and the sizes of hull and legs come from the level. The pad is level and lies between
// two flags; landing elsewhere is possible, and worth less because the reward is measured from
// the pad.
//
// # Action space
//
// One choice: 0 does nothing, 1 fires the left engine (which turns the craft
// counter-clockwise), 2 the main engine, 3 the right one. With the option `continuous`, two
// numbers: `main`, which above 0 fires with 50 to 100 % of the power, and `side`, which below
// -0.5 fires the left engine and above 0.5 the right one, with 50 to 100 %. The thrust of
// every firing is perturbed at random.
//
// # Observation space
//
// Position relative to the pad, velocity, angle, spin, and whether each leg touches the
// ground, scaled as in the classic game. The numbers are not limited, but stay below about 1.5
// in sensible flight.
//
// # Reward
//
// Each step gives what it gained in nearness to the pad, slowness, uprightness and legs on the
// ground (the fact `shaping`), less a little for firing the engines. The step that ends the
// episode gives 100 for rest, -100 for anything else, and nothing besides.
//
// # Start
//
// Above the ground at the level's place, height and angle, pushed for one step by a force
// that the level draws from its `kick`. That step precedes the first observation, as in the
// classic game; so the first reward already contains a gain.
//
// # Episode end
//
// Terminated when the hull touches the ground, when the craft leaves the view to a side, and
// when hull and legs have been still for half a second. Truncated after `max_steps`.
//
// # Level parameters
//
// See `terrarium describe env lander-v0`. A level's seed decides the terrain, the direction of
// the kick and the phase of the wind; only the perturbations of the thrust differ from one
// episode to another of the same level. Preset "classic" fixes everything but the terrain and
// the kick to the classic game's values; "windy" adds its wind.
//
// The difficulty of a level is a weighted mean of how far its parameters lie on the way from
// the easiest to the hardest value; see [Config.Difficulty].
//
// # Baselines
//
// Mean return over 2000 fresh episodes, with its standard error:
//
//	levels      random actions    scripted controller
//	classic     -175.0 ± 2.6      278.1 ± 0.6
//	defaults    -200.2 ± 3.0      239.0 ± 1.9
//	windy       -266.8 ± 3.5      109.7 ± 4.9
//
// In Gymnasium 1.4's LunarLander-v3, random actions get -186.0 ± 2.5 (2000 episodes), and a
// first form of the scripted controller 272 (150 episodes) where it got 269 here. Episodes of
// random actions are as long in both: half of them between 76 and 107 steps.
//
// # Version history
//
//   - v0: first version. Against LunarLander-v3: contacts and joints are solved to convergence, a
//     leg reports contact as long as it touches anything, and the start has the legs in their
//     places rather than drawn there during the first step. Hard landings are a little softer:
//     in falls at random the hull touches the ground with 8.2 m/s after the legs gave way, in
//     Box2D at the same time step, which stops the legs and lets the hull fall on, with 9.4;
//     at a sixteenth of the time step both have 8.3. Hence the better return of random actions.
package lander

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// ID is the registered name.
const ID = "lander-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

// Config holds the options.
type Config struct {
	Continuous bool `json:"continuous" doc:"two throttles from -1 to 1 instead of a choice of four"`
	MaxSteps   int  `json:"max_steps" doc:"steps after which an episode is truncated"`
}

// New returns the default options.
func New() *Config { return &Config{MaxSteps: 1000} }

// Columns of the facts.
const (
	factShaping = iota
	factMain
	factSide
	factLanded
	factCrashed
	factLost
	factOnPad
	factOffset
	factHeight
	factSpeed
	factTilt
	factSpin
	factCount
)

// Columns of the observation.
const (
	obsX = iota
	obsY
	obsVX
	obsVY
	obsAngle
	obsSpin
	obsRight
	obsLeft
	obsCount
)

// Spec checks the options and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	if c.MaxSteps < 1 {
		return nil, fmt.Errorf("env %s: max_steps is %d, want at least 1", ID, c.MaxSteps)
	}
	inf := float32(math.Inf(1))
	act := []env.Field{{Name: "engine", Len: 1, Choices: 4, Doc: "0 none, 1 left, 2 main, 3 right"}}
	if c.Continuous {
		act = []env.Field{
			{Name: "main", Len: 1, Lo: -1, Hi: 1, Doc: "above 0: fire the main engine at (1 + main) / 2 of its power"},
			{Name: "side", Len: 1, Lo: -1, Hi: 1, Doc: "below -0.5, above 0.5: fire the left or the right engine at |side| of its power"},
		}
	}
	flag := func(name, doc string) env.Field { return env.Field{Name: name, Len: 1, Lo: 0, Hi: 1, Doc: doc} }
	return &env.Spec{
		ID:  ID,
		Doc: "Fire the engines of a spacecraft to land it, upright and slowly, on the pad of a rugged moon, and to bring it to rest there.",
		Ends: "Terminated when the hull touches the ground, when the craft leaves the view to a side, and when hull " +
			"and legs have been still for half a second. Truncated after `max_steps`.",
		History: []string{
			"v0: first version. Against LunarLander-v3: contacts and joints are solved to convergence, a leg " +
				"reports contact as long as it touches anything, and the start has the legs in their places rather " +
				"than drawn there during the first step. Hard landings are a little softer: in falls at random the " +
				"hull touches the ground with 8.2 m/s after the legs gave way, in Box2D at the same time step, which " +
				"stops the legs and lets the hull fall on, with 9.4; at a sixteenth of the time step both have 8.3. " +
				"Hence the better return of random actions.",
		},
		Obs: []env.Field{
			{Name: "x", Len: 1, Lo: -2.5, Hi: 2.5, Unit: "10 m", Doc: "of the craft's origin, right of the pad's centre"},
			{Name: "y", Len: 1, Lo: -inf, Hi: inf, Unit: "6.67 m", Doc: "height of the craft's origin above the pad, less 0.6 m"},
			{Name: "vx", Len: 1, Lo: -inf, Hi: inf, Unit: "5 m/s", Doc: "velocity of the hull to the right"},
			{Name: "vy", Len: 1, Lo: -inf, Hi: inf, Unit: "7.5 m/s", Doc: "velocity of the hull upwards"},
			{Name: "angle", Len: 1, Lo: -inf, Hi: inf, Unit: "rad", Doc: "of the hull, counter-clockwise, not wrapped"},
			{Name: "spin", Len: 1, Lo: -inf, Hi: inf, Unit: "2.5 rad/s", Doc: "of the hull, counter-clockwise"},
			flag("right_leg", "1 if the right leg touches the ground"),
			flag("left_leg", "1 if the left leg touches the ground"),
		},
		Act: act,
		Facts: []env.Field{
			factShaping: {Name: "shaping", Len: 1, Lo: -inf, Hi: inf, Doc: "change of -100 |(x, y)| - 100 |(vx, vy)| - 100 |angle| + 10 for each leg on the ground, as observed; 0 in the step that ends the episode"},
			factMain:    {Name: "main_engine", Len: 1, Lo: 0, Hi: 1, Doc: "power of the main engine; 0 in the step that ends the episode"},
			factSide:    {Name: "side_engine", Len: 1, Lo: 0, Hi: 1, Doc: "power of the side engines; 0 in the step that ends the episode"},
			factLanded:  flag("landed", "1 if the craft came to rest"),
			factCrashed: flag("crashed", "1 if the hull touched the ground"),
			factLost:    flag("lost", "1 if the craft left the view"),
			factOnPad:   flag("on_pad", "1 if both legs touch the ground and the craft's origin is between the flags"),
			factOffset:  {Name: "offset", Len: 1, Lo: -25, Hi: 25, Unit: "m", Doc: "of the craft's origin, right of the pad's centre"},
			factHeight:  {Name: "height", Len: 1, Lo: -inf, Hi: inf, Unit: "m", Doc: "of the craft's origin above the ground below it"},
			factSpeed:   {Name: "speed", Len: 1, Lo: 0, Hi: inf, Unit: "m/s", Doc: "of the hull"},
			factTilt:    {Name: "tilt", Len: 1, Lo: 0, Hi: inf, Unit: "rad", Doc: "angle of the hull from upright, not wrapped"},
			factSpin:    {Name: "turning", Len: 1, Lo: -inf, Hi: inf, Unit: "rad/s", Doc: "spin of the hull, counter-clockwise"},
		},
		Reward: []env.Term{
			{Fact: "shaping", Weight: 1, Doc: "what the step gained"},
			{Fact: "main_engine", Weight: -0.3, Doc: "fuel of the main engine"},
			{Fact: "side_engine", Weight: -0.03, Doc: "fuel of the side engines"},
			{Fact: "landed", Weight: 100, Doc: "for coming to rest"},
			{Fact: "crashed", Weight: -100, Doc: "for touching the ground with the hull"},
			{Fact: "lost", Weight: -100, Doc: "for leaving the view"},
		},
		Params: slices.Clone(params), Presets: presets(),
		Agents: 1, Dt: dt, MaxSteps: c.MaxSteps, Solved: 200,
	}, nil
}

// New returns one world.
func (c *Config) New() env.Env { return newWorld(c.Continuous) }

// Columns of the level parameters.
const (
	roughness = iota
	padX
	padWidth
	startX
	startHeight
	startAngle
	kick
	wind
	turbulence
	gravity
	mainEngine
	sideEngine
	hullSize
	legLength
	paramCount
)

var params = []env.Param{
	roughness:   {Name: "roughness", Lo: 0, Hi: 1, Default: env.Range{0.3, 1}, Doc: "of the terrain: 0 is a plain, 1 the classic moon"},
	padX:        {Name: "pad_x", Lo: -6, Hi: 6, Default: env.Range{-5, 5}, Unit: "m", Doc: "centre of the pad, right of the middle"},
	padWidth:    {Name: "pad_width", Lo: 1.5, Hi: 6, Default: env.Range{2.5, 5}, Unit: "m", Doc: "distance of the flags"},
	startX:      {Name: "start_x", Lo: -7, Hi: 7, Default: env.Range{-5, 5}, Unit: "m", Doc: "start, right of the middle"},
	startHeight: {Name: "start_height", Lo: 5, Hi: 10, Default: env.Range{7, 10}, Unit: "m", Doc: "start, above the classic pad's nominal height"},
	startAngle:  {Name: "start_angle", Lo: -0.5, Hi: 0.5, Default: env.Range{-0.3, 0.3}, Unit: "rad", Doc: "of the craft at the start, counter-clockwise"},
	kick:        {Name: "kick", Lo: 0, Hi: 1500, Default: env.Range{200, 1000}, Unit: "N", Doc: "bound of both components of the force in the step before the first"},
	wind:        {Name: "wind", Lo: 0, Hi: 20, Default: env.Range{0, 10}, Unit: "N", Doc: "greatest force of the wind, which blows while no leg touches the ground"},
	turbulence:  {Name: "turbulence", Lo: 0, Hi: 2, Default: env.Range{0, 1}, Unit: "N m", Doc: "greatest torque of the wind"},
	gravity:     {Name: "gravity", Lo: 2, Hi: 12, Default: env.Range{7, 11}, Unit: "m/s^2", Doc: "downward acceleration"},
	mainEngine:  {Name: "main_engine", Lo: 0.8, Hi: 1.5, Default: env.Range{0.9, 1.2}, Doc: "power of the main engine for the hull's mass, of the classic one"},
	sideEngine:  {Name: "side_engine", Lo: 0.5, Hi: 2, Default: env.Range{0.8, 1.3}, Doc: "power of the side engines for the hull's mass, of the classic one"},
	hullSize:    {Name: "hull_size", Lo: 0.7, Hi: 1.3, Default: env.Range{0.85, 1.15}, Doc: "of the hull and with it the legs, of the classic one; mass grows with the square"},
	legLength:   {Name: "leg_length", Lo: 0.8, Hi: 1.5, Default: env.Range{0.9, 1.3}, Doc: "of the legs for the hull's size, of the classic ones"},
}

func presets() []env.Preset {
	classic := map[string]env.Range{
		"roughness": {1, 1}, "pad_x": {0, 0}, "pad_width": {4, 4},
		"start_x": {0, 0}, "start_height": {10, 10}, "start_angle": {0, 0}, "kick": {1000, 1000},
		"wind": {0, 0}, "turbulence": {0, 0}, "gravity": {10, 10},
		"main_engine": {1, 1}, "side_engine": {1, 1}, "hull_size": {1, 1}, "leg_length": {1, 1},
	}
	windy := map[string]env.Range{"wind": {15, 15}, "turbulence": {1.5, 1.5}}
	for name, r := range classic {
		if _, own := windy[name]; !own {
			windy[name] = r
		}
	}
	return []env.Preset{
		{Name: "classic", Doc: "the numbers of Gymnasium's LunarLander-v3", Params: classic},
		{Name: "windy", Doc: "the numbers of Gymnasium's LunarLander-v3 with enable_wind", Params: windy},
	}
}

// Difficulty returns the mean, weighted as below, of nine shares from 0, easiest, to 1, hardest:
// roughness, narrowness of the pad, its distance from the start, lean at the start, kick, wind,
// turbulence, weakness of the main engine against gravity, and shortness of the legs. It never
// falls when one of these grows; it leaves aside the size of the hull, the power of the side
// engines and the height of the start.
func (c *Config) Difficulty(l *env.Level) float32 {
	p := l.Params[:paramCount]
	share := func(param int) float32 {
		return (p[param] - params[param].Lo) / (params[param].Hi - params[param].Lo)
	}
	weakest := params[gravity].Hi / params[mainEngine].Lo
	strongest := params[gravity].Lo / params[mainEngine].Hi
	d := float32(0)
	for _, term := range [...]struct{ weight, share float32 }{
		{2, share(roughness)},
		{1, 1 - share(padWidth)},
		{2, geom.Abs(p[padX]-p[startX]) / (params[padX].Hi + params[startX].Hi)},
		{1, geom.Abs(p[startAngle]) / params[startAngle].Hi},
		{2, share(kick)},
		{2, share(wind)},
		{1, share(turbulence)},
		{2, (p[gravity]/p[mainEngine] - strongest) / (weakest - strongest)},
		{1, 1 - share(legLength)},
	} {
		d += float32(term.weight * term.share)
	}
	return geom.Clamp(d/14, 0, 1)
}
