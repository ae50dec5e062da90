// Package curling is an arm of two links that shoves a ball over a table into one of two areas,
// registered as curling-v0. It is the task of the same name in Paolo, Coninx, Laflaquiere and
// Doncieux, "Discovering and exploiting sparse rewards in a learned behavior space" (2023), in
// dynamics of our own.
//
// # Description
//
// A square table of 3 m with a border. The arm stands at the middle of the lower border, on a
// column 0.3 m inside. Its links, of 0.6 m, are driven by motors that nothing can slow: what
// they meet is pushed away. The ball slides, slowed by friction, and bounces off the border.
//
// # Action space
//
// The speed of each joint, as a share of the level's largest. The shoulder turns from 0 to 180
// degrees, the elbow by 160 degrees either way.
//
// # Observation space
//
// Place of the ball, angle and speed of each joint: the six numbers of the paper. With the option
// `full`, also the ball's velocity, the way from the ball to each area, their radius, and the
// friction.
//
// # Reward
//
// Only the last step is rewarded, and only where the ball then lies within an area: by 1 in its
// middle, falling to 0 at its edge. An episode that never touches the ball tells nothing.
//
// # Start
//
// The ball at rest to the right of the arm, which is bent to the left.
//
// # Episode end
//
// Truncated after `max_steps`.
//
// # Level parameters
//
// See `terrarium describe env curling-v0`. The preset "fixed" has always the same table. The
// difficulty of a level is a mean of how small and how far from the ball its areas are.
//
// # Baselines
//
// Mean return over 300 fresh episodes of default levels, with the 95 % interval: random actions
// 0.011 (0.003 to 0.021), the scripted controller 0.26 (0.23 to 0.29).
//
// # Version history
//
//   - v0: first version.
package curling

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// ID is the registered name.
const ID = "curling-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

// Config holds the options.
type Config struct {
	Full     bool `json:"full" doc:"observe the ball's velocity, the areas and the friction, which the paper's agents do not"`
	MaxSteps int  `json:"max_steps" doc:"steps after which an episode is truncated, and the ball's place is rewarded"`
}

// New returns the default options.
func New() *Config { return &Config{Full: true, MaxSteps: 500} }

// Columns of the level parameters.
const (
	ballX = iota
	ballY
	area1X
	area1Y
	area2X
	area2Y
	radius
	friction
	bounce
	speed
	paramCount
)

var params = []env.Param{
	ballX:    {Name: "ball_x", Lo: 0.17, Hi: 0.4, Default: env.Range{0.2, 0.4}, Unit: "m", Doc: "of the ball at the start, right of the middle"},
	ballY:    {Name: "ball_y", Lo: -0.55, Hi: -0.3, Default: env.Range{-0.5, -0.35}, Unit: "m", Doc: "of the ball at the start, above the middle"},
	area1X:   {Name: "area_1_x", Lo: -1.2, Hi: 1.2, Default: env.Range{-1.1, -0.3}, Unit: "m", Doc: "middle of the first area"},
	area1Y:   {Name: "area_1_y", Lo: -1.2, Hi: 1.2, Default: env.Range{0.2, 1.1}, Unit: "m", Doc: "middle of the first area"},
	area2X:   {Name: "area_2_x", Lo: -1.2, Hi: 1.2, Default: env.Range{0.3, 1.1}, Unit: "m", Doc: "middle of the second area"},
	area2Y:   {Name: "area_2_y", Lo: -1.2, Hi: 1.2, Default: env.Range{0.2, 1.1}, Unit: "m", Doc: "middle of the second area"},
	radius:   {Name: "area_radius", Lo: 0.1, Hi: 0.6, Default: env.Range{0.2, 0.35}, Unit: "m", Doc: "of both areas"},
	friction: {Name: "friction", Lo: 0.05, Hi: 1, Default: env.Range{0.2, 0.5}, Unit: "m/s^2", Doc: "deceleration of the sliding ball"},
	bounce:   {Name: "bounce", Lo: 0, Hi: 0.9, Default: env.Range{0.3, 0.7}, Doc: "share of the speed with which the ball leaves border and arm"},
	speed:    {Name: "speed", Lo: 0.5, Hi: 6, Default: env.Range{3, 3}, Unit: "rad/s", Doc: "largest of the joints"},
}

func presets() []env.Preset {
	return []env.Preset{{Name: "fixed", Doc: "one table, with an area in each far corner", Params: map[string]env.Range{
		"ball_x": {0.3, 0.3}, "ball_y": {-0.45, -0.45}, "area_1_x": {-0.9, -0.9}, "area_1_y": {0.9, 0.9}, "area_2_x": {0.8, 0.8}, "area_2_y": {0.2, 0.2},
		"area_radius": {0.3, 0.3}, "friction": {0.3, 0.3}, "bounce": {0.5, 0.5}, "speed": {3, 3},
	}}}
}

// Columns of the facts.
const (
	factScore = iota
	factX
	factY
	factSpeed
	factContact
	factArea1
	factArea2
	factDistance1
	factDistance2
	factTipX
	factTipY
	factCount
)

// Spec checks the options and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	if c.MaxSteps < 1 {
		return nil, fmt.Errorf("env %s: max_steps is %d, want at least 1", ID, c.MaxSteps)
	}
	inf, far := float32(math.Inf(1)), float32(2*half*math.Sqrt2)
	obs := []env.Field{
		{Name: "ball", Len: 2, Lo: -half, Hi: half, Unit: "m", Doc: "x and y from the middle of the table"},
		{Name: "joints", Len: 2, Lo: -geom.Pi, Hi: geom.Pi, Unit: "rad", Doc: "angle of the shoulder from the x axis, and of the elbow from straight"},
		{Name: "joint_speeds", Len: 2, Lo: -6, Hi: 6, Unit: "rad/s", Doc: "of shoulder and elbow in the last step"},
	}
	if c.Full {
		obs = append(obs,
			env.Field{Name: "ball_velocity", Len: 2, Lo: -inf, Hi: inf, Unit: "m/s", Doc: "in x and y"},
			env.Field{Name: "areas", Len: 4, Lo: -2 * half, Hi: 2 * half, Unit: "m", Doc: "from the ball to the middle of each area, x and y"},
			env.Field{Name: "area_radius", Len: 1, Lo: 0, Hi: 0.6, Unit: "m", Doc: "of both areas"},
			env.Field{Name: "friction", Len: 1, Lo: 0, Hi: 1, Unit: "m/s^2", Doc: "deceleration of the sliding ball"},
		)
	}
	flag := func(name, doc string) env.Field { return env.Field{Name: name, Len: 1, Lo: 0, Hi: 1, Doc: doc} }
	return &env.Spec{
		ID:   ID,
		Doc:  "Shove a ball over a table with an arm of two links, so that it comes to rest in one of two areas. Nothing else is rewarded.",
		Ends: "Truncated after `max_steps`.",
		History: []string{
			"v0: first version.",
		},
		Obs: obs,
		Act: []env.Field{{Name: "speed", Len: 2, Lo: -1, Hi: 1, Doc: "of shoulder and elbow, counter-clockwise, as a share of the largest"}},
		Facts: []env.Field{
			factScore:     flag("score", "in the last step, 1 in the middle of an area, falling to 0 at its edge; else 0"),
			factX:         {Name: "x", Len: 1, Lo: -half, Hi: half, Unit: "m", Doc: "of the ball"},
			factY:         {Name: "y", Len: 1, Lo: -half, Hi: half, Unit: "m", Doc: "of the ball"},
			factSpeed:     {Name: "speed", Len: 1, Lo: 0, Hi: inf, Unit: "m/s", Doc: "of the ball"},
			factContact:   flag("contact", "1 if the arm touched the ball"),
			factArea1:     flag("in_area_1", "1 while the ball is in the first area"),
			factArea2:     flag("in_area_2", "1 while the ball is in the second area"),
			factDistance1: {Name: "distance_1", Len: 1, Lo: 0, Hi: far, Unit: "m", Doc: "of the ball from the middle of the first area"},
			factDistance2: {Name: "distance_2", Len: 1, Lo: 0, Hi: far, Unit: "m", Doc: "of the ball from the middle of the second area"},
			factTipX:      {Name: "tip_x", Len: 1, Lo: -half, Hi: half, Unit: "m", Doc: "of the arm's tip"},
			factTipY:      {Name: "tip_y", Len: 1, Lo: -3, Hi: half, Unit: "m", Doc: "of the arm's tip"},
		},
		Reward: []env.Term{{Fact: "score", Weight: 1, Doc: "for where the ball lies in the end"}},
		Params: slices.Clone(params), Presets: presets(),
		Agents: 1, Dt: dt, MaxSteps: c.MaxSteps,
	}, nil
}

// New returns one world.
func (c *Config) New() env.Env { return &world{full: c.Full, last: int32(c.MaxSteps)} }

// Difficulty returns the mean of two shares from 0 to 1: how small the areas are, and how far the
// nearer one is from the ball.
func (c *Config) Difficulty(l *env.Level) float32 {
	p := l.Params[:paramCount]
	ball := geom.Vec{X: p[ballX], Y: p[ballY]}
	near := geom.Min(geom.Vec{X: p[area1X], Y: p[area1Y]}.Sub(ball).Len(), geom.Vec{X: p[area2X], Y: p[area2Y]}.Sub(ball).Len())
	small := (params[radius].Hi - p[radius]) / (params[radius].Hi - params[radius].Lo)
	return geom.Clamp((small+geom.Min(near/2, 1))/2, 0, 1)
}
