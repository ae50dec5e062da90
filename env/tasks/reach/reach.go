// Package reach is an arm of many links that has to end its motion in one of a few areas behind
// walls, registered as reach-v0: the redundant arm of Paolo, Coninx, Laflaquiere and Doncieux,
// "Discovering and exploiting sparse rewards in a learned behavior space" (2023), in a room of our
// own. It is the sparse sister of arm-v0, without forces.
//
// # Description
//
// A room of 2 m by 2 m. The arm, 0.95 m long, is fixed to the middle and has links of equal length.
// A wall with a gap stands across the room right of the middle. A motion that would bring a link
// against a wall or out of the room does not happen.
//
// # Action space
//
// The speed of each joint, as a share of the level's largest. Joints turn by 90 degrees
// either way.
//
// # Observation space
//
// The angle of each joint: all that the paper's agents see. With the option `full`, also where the
// tip is, the way from the tip to each area and to the gap, and their sizes.
//
// # Reward
//
// Only the last step is rewarded, and only where the tip then is within an area: by 1 in its
// middle, falling to 0 at its edge.
//
// # Start
//
// The arm is straight and points to the left.
//
// # Episode end
//
// Truncated after `max_steps`.
//
// # Level parameters
//
// Middles and radii of three areas, the place of the wall, place and width of its gap, and the
// speed of the joints. The preset "fixed" is always the same room: a large area near the start, one
// of middle size above the base, and a small one behind the gap. The difficulty of a level is how
// small its areas and its gap are.
//
// # Baselines
//
// Mean return over 300 fresh episodes of default levels, with the standard error: random actions
// 0.039 ± 0.008, the scripted controller 0.949 ± 0.008.
//
// # Version history
//
//   - v0: first version.
package reach

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// ID is the registered name.
const ID = "reach-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

const maxLinks = 40

// Config holds the options.
type Config struct {
	Links    int  `json:"links" doc:"number of links, 2 to 40"`
	Full     bool `json:"full" doc:"observe the tip and the areas, which the paper's agents do not"`
	MaxSteps int  `json:"max_steps" doc:"steps after which an episode is truncated, and the tip's place is rewarded"`
}

// New returns the default options.
func New() *Config { return &Config{Links: 20, Full: true, MaxSteps: 100} }

const areas = 3

// Columns of the level parameters. Those of the areas come three times.
const (
	areaX = iota
	areaY
	areaRadius
	perArea
	wall = perArea*areas + iota - perArea - 1
	gap
	gapWidth
	speed
	paramCount
)

func params() []env.Param {
	ps := make([]env.Param, 0, paramCount)
	places := [areas][2]env.Range{{{-0.8, -0.3}, {-0.8, 0.8}}, {{-0.3, 0.1}, {0.4, 0.8}}, {{0.5, 0.8}, {-0.4, 0.4}}}
	radii := [areas]env.Range{{0.15, 0.25}, {0.1, 0.2}, {0.08, 0.15}}
	for i := range areas {
		p := func(name string, lo, hi float32, def env.Range, doc string) env.Param {
			return env.Param{Name: fmt.Sprintf("area_%d_%s", i+1, name), Lo: lo, Hi: hi, Default: def, Unit: "m", Doc: doc}
		}
		ps = append(ps,
			p("x", -1, 1, places[i][0], "middle of an area"), p("y", -1, 1, places[i][1], "middle of an area"),
			p("radius", 0.05, 0.4, radii[i], "of an area"))
	}
	return append(ps,
		env.Param{Name: "wall_x", Lo: 0.2, Hi: 0.6, Default: env.Range{0.3, 0.4}, Unit: "m", Doc: "of the wall"},
		env.Param{Name: "gap_y", Lo: -0.5, Hi: 0.5, Default: env.Range{-0.3, 0.3}, Unit: "m", Doc: "middle of the gap in the wall"},
		env.Param{Name: "gap_width", Lo: 0.1, Hi: 2, Default: env.Range{0.3, 0.5}, Unit: "m", Doc: "of the gap"},
		env.Param{Name: "speed", Lo: 0.2, Hi: 4, Default: env.Range{1, 1}, Unit: "rad/s", Doc: "largest of the joints"},
	)
}

func presets() []env.Preset {
	return []env.Preset{{Name: "fixed", Doc: "one room, with three areas of different size", Params: map[string]env.Range{
		"area_1_x": {-0.5, -0.5}, "area_1_y": {-0.5, -0.5}, "area_1_radius": {0.2, 0.2},
		"area_2_x": {0, 0}, "area_2_y": {0.7, 0.7}, "area_2_radius": {0.15, 0.15},
		"area_3_x": {0.65, 0.65}, "area_3_y": {-0.1, -0.1}, "area_3_radius": {0.1, 0.1},
		"wall_x": {0.35, 0.35}, "gap_y": {0, 0}, "gap_width": {0.4, 0.4}, "speed": {1, 1},
	}}}
}

// Columns of the facts.
const (
	factScore = iota
	factX
	factY
	factVX
	factVY
	factContact
	factArea  // of the first; the others follow
	factCount = factArea + areas
)

// Spec checks the options and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	switch {
	case c.Links < 2 || c.Links > maxLinks:
		return nil, fmt.Errorf("env %s: links is %d, want 2 to %d", ID, c.Links, maxLinks)
	case c.MaxSteps < 1:
		return nil, fmt.Errorf("env %s: max_steps is %d, want at least 1", ID, c.MaxSteps)
	}
	obs := []env.Field{{Name: "joints", Len: c.Links, Lo: -most, Hi: most, Unit: "rad", Doc: "angle of each joint from straight, from the base on"}}
	if c.Full {
		obs = append(obs,
			env.Field{Name: "tip", Len: 2, Lo: -half, Hi: half, Unit: "m", Doc: "x and y from the base"},
			env.Field{Name: "areas", Len: 2 * areas, Lo: -2 * half, Hi: 2 * half, Unit: "m", Doc: "from the tip to the middle of each area, x and y"},
			env.Field{Name: "radii", Len: areas, Lo: 0, Hi: 0.4, Unit: "m", Doc: "of the areas"},
			env.Field{Name: "gap", Len: 2, Lo: -2 * half, Hi: 2 * half, Unit: "m", Doc: "from the tip to the middle of the gap, x and y"},
			env.Field{Name: "gap_width", Len: 1, Lo: 0, Hi: 2, Unit: "m", Doc: "of the gap"},
		)
	}
	flag := func(name, doc string) env.Field { return env.Field{Name: name, Len: 1, Lo: 0, Hi: 1, Doc: doc} }
	far := float32(maxSpeed)
	facts := []env.Field{
		factScore:   flag("score", "in the last step, 1 in the middle of an area, falling to 0 at its edge; else 0"),
		factX:       {Name: "x", Len: 1, Lo: -half, Hi: half, Unit: "m", Doc: "of the tip"},
		factY:       {Name: "y", Len: 1, Lo: -half, Hi: half, Unit: "m", Doc: "of the tip"},
		factVX:      {Name: "vx", Len: 1, Lo: -far, Hi: far, Unit: "m/s", Doc: "of the tip in the last step"},
		factVY:      {Name: "vy", Len: 1, Lo: -far, Hi: far, Unit: "m/s", Doc: "of the tip in the last step"},
		factContact: flag("contact", "1 if a wall was in the way"),
	}
	for i := range areas {
		facts = append(facts, flag(fmt.Sprintf("in_area_%d", i+1), "1 while the tip is in the area"))
	}
	return &env.Spec{
		ID:   ID,
		Doc:  "Move an arm of many links such that its tip ends in one of three areas, the smallest of them behind a gap in a wall. Nothing else is rewarded.",
		Ends: "Truncated after `max_steps`.",
		History: []string{
			"v0: first version.",
		},
		Obs:   obs,
		Act:   []env.Field{{Name: "speed", Len: c.Links, Lo: -1, Hi: 1, Doc: "of each joint, counter-clockwise, as a share of the largest"}},
		Facts: facts, Reward: []env.Term{{Fact: "score", Weight: 1, Doc: "for where the tip is in the end"}},
		Params: slices.Clone(params()), Presets: presets(),
		Agents: 1, Dt: dt, MaxSteps: c.MaxSteps,
	}, nil
}

// New returns one world.
func (c *Config) New() env.Env {
	return &world{links: c.Links, full: c.Full, last: int32(c.MaxSteps)}
}

// Difficulty returns the mean of how small the largest area and the gap are, as shares from 0 to 1.
func (c *Config) Difficulty(l *env.Level) float32 {
	largest := float32(0)
	for i := range areas {
		largest = geom.Max(largest, l.Params[i*perArea+areaRadius])
	}
	return geom.Clamp((1-float32(largest/0.4)+1-float32(l.Params[gapWidth]/2))/2, 0, 1)
}
