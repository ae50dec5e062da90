// Package sandbox is worlds that people draw: any scene, with controls and goal predicates,
// registered as sandbox-v0. The viewer's level editor makes them, `terrarium level` checks and
// generates them, and `terrarium run room.json` trains in one at once.
//
// # Description
//
// A [Room] is a scene of up to 16 bodies, the motors and thrusters that the agent controls, and
// rules: the room is won when all rules that win hold, and lost when one that loses does. As in
// Kinetix (Matthews, Beukman, Lu and Foerster, "Kinetix: Investigating the Training of General
// Agents through Open-Ended Physics-Based Control Tasks", 2024) one policy can play all rooms:
// observations and actions have the same columns in each, and those that a room does not need
// are 0 or do nothing. Rooms here state their goals; touching green with blue is one of them.
//
// # Action space
//
// Six numbers from -1 to 1. Each drives the motors and thrusters that the room binds to its column.
//
// # Observation space
//
// For each of 16 bodies: presence, whether it can move, whether it is the agent's, a goal or a
// hazard, position from the middle of the view, cosine and sine of its angle, velocity, spin,
// half its width and height, whether it is round, and whether it touches something. For each
// column of the action, position and speed of the first joint bound to it. Goal regions, rays,
// and the distance from winning.
//
// # Reward
//
// 1 for winning, -1 for losing, and 0.1 for each metre by which the distance from winning shrank.
// That distance is, summed over the rules that win and do not hold, how far the nearest bodies
// concerned are from making it hold.
//
// # Start
//
// As the room says; things that hang together are moved by a common velocity of up to `shove`.
//
// # Episode end
//
// Terminated when the room is won or lost; truncated after `max_steps`.
//
// # Level parameters
//
// Gravity and the strength of motors and thrusters as shares of what the room says, and the shove;
// where there are several rooms, which. The difficulty of a level is a mean of how far its start is
// from winning, how many rules and hazards there are, how heavy things are and how weak motors.
//
// # Baselines
//
// Mean return over 100 fresh episodes of each room of the program, and how many were won:
//
//	policy        car      lift     rocket      shot
//	random     -0.03  0  -0.25  0   0.00  0  -0.36 15
//	scripted    0.50  0   0.22  0  -0.00  0   0.07 31
//
// # Version history
//
//   - v0: first version.
package sandbox

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// ID is the registered name.
const ID = "sandbox-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

const (
	dt       float32 = 1. / 30 // s
	substeps         = 2

	mostRooms = 4096
)

// Config holds the options.
type Config struct {
	Rooms     []string `json:"rooms" doc:"of each room its JSON text, or the name of one that comes with the program"`
	Generated int      `json:"generated" doc:"number of generated rooms after those"`
	Seed      uint64   `json:"seed" doc:"of the generated rooms"`
	MaxSteps  int      `json:"max_steps" doc:"steps after which an episode is truncated"`

	made *made
}

// made is what has been made of options.
type made struct {
	key   string
	rooms []*compiled
	err   error
}

// New returns the default options: the room "car".
func New() *Config { return &Config{Rooms: []string{"car"}, MaxSteps: 300} }

// Of returns options for some rooms.
func Of(rooms ...*Room) (*Config, error) {
	c := New()
	c.Rooms = c.Rooms[:0:0]
	for _, r := range rooms {
		text, err := r.Text()
		if err != nil {
			return nil, err
		}
		c.Rooms = append(c.Rooms, string(text))
	}
	return c, nil
}

// compile returns the rooms, which are made once for the same options.
func (c *Config) compile() ([]*compiled, error) {
	key := fmt.Sprintf("%d %d %q", c.Generated, c.Seed, c.Rooms)
	if c.made != nil && c.made.key == key {
		return c.made.rooms, c.made.err
	}
	m := &made{key: key}
	add := func(r *Room, err error) {
		if m.err != nil {
			return
		}
		var made *compiled
		if err == nil {
			made, err = compile(r)
		}
		if err != nil {
			m.err = fmt.Errorf("env %s: rooms[%d]: %w", ID, len(m.rooms), err)
			return
		}
		m.rooms = append(m.rooms, made)
	}
	for _, text := range c.Rooms {
		if strings.HasPrefix(strings.TrimSpace(text), "{") {
			add(Decode([]byte(text)))
		} else {
			add(Named(text))
		}
	}
	for i := range c.Generated {
		add(Generate(rng.New(c.Seed).Fold(uint64(i))), nil)
	}
	c.made = m
	return m.rooms, m.err
}

// Room returns a copy of the i-th room.
func (c *Config) Room(i int) (*Room, error) {
	rooms, err := c.compile()
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= len(rooms) {
		return nil, fmt.Errorf("env %s: there is no room %d, but %d", ID, i, len(rooms))
	}
	return rooms[i].room.Clone(), nil
}

// Columns of the level parameters. Which room is left out where there is one only.
const (
	gravity = iota
	strength
	shove
	which
)

var params = [which]env.Param{
	gravity:  {Name: "gravity", Lo: 0.5, Hi: 1.5, Default: env.Range{1, 1}, Doc: "share of the room's"},
	strength: {Name: "strength", Lo: 0.5, Hi: 1, Default: env.Range{1, 1}, Doc: "share of what motors and thrusters can do"},
	shove:    {Name: "shove", Lo: 0, Hi: 1, Default: env.Range{0.1, 0.1}, Unit: "m/s", Doc: "bound of both components of the first velocities"},
}

// Columns of the facts; those of the rules come last.
const (
	factWon = iota
	factLost
	factApproach
	factDistance
	factEffort
	factX
	factY
	factRule
)

// Spec checks the options, compiles the rooms, and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	n := len(c.Rooms) + c.Generated
	switch {
	case c.MaxSteps < 1:
		return nil, fmt.Errorf("env %s: max_steps is %d, want at least 1", ID, c.MaxSteps)
	case c.Generated < 0 || n < 1 || n > mostRooms:
		return nil, fmt.Errorf("env %s: rooms are %d and generated %d, want 1 to %d in all", ID, len(c.Rooms), c.Generated, mostRooms)
	}
	if _, err := c.compile(); err != nil {
		return nil, err
	}
	ps := slices.Clone(params[:])
	if n > 1 {
		ps = append(ps, env.Param{Name: "room", Lo: 0, Hi: float32(n - 1), Default: env.Range{0, float32(n - 1)}, Integer: true, Doc: "which of the rooms"})
	}
	return &env.Spec{
		ID:   ID,
		Doc:  "Win rooms that people have drawn: make the rules hold that win, and none that loses, with the motors and thrusters there are.",
		Ends: "Terminated when the room is won or lost; truncated after `max_steps`.",
		History: []string{
			"v0: first version.",
		},
		Obs: observation(), Facts: facts(),
		Act: []env.Field{{Name: "control", Len: MostControls, Lo: -1, Hi: 1, Doc: "of the motors and thrusters that the room binds to each column"}},
		Reward: []env.Term{
			{Fact: "won", Weight: 1, Doc: "for winning"},
			{Fact: "lost", Weight: -1, Doc: "for losing"},
			{Fact: "approach", Weight: 0.1, Doc: "for each metre nearer to winning"},
		},
		Params: ps, Agents: 1, Dt: dt, MaxSteps: c.MaxSteps,
	}, nil
}

func observation() []env.Field {
	inf := float32(math.Inf(1))
	const n = MostBodies
	flag := func(name, doc string) env.Field { return env.Field{Name: name, Len: n, Lo: 0, Hi: 1, Doc: doc} }
	free := func(name string, n int, unit, doc string) env.Field {
		return env.Field{Name: name, Len: n, Lo: -inf, Hi: inf, Unit: unit, Doc: doc}
	}
	return []env.Field{
		flag("present", "1 for each body that there is"),
		flag("mobile", "1 if the body can move"),
		flag("agent", "1 if it is the agent's"),
		flag("goal", "1 if it is a goal"),
		flag("hazard", "1 if it is a hazard"),
		free("position", 2*n, "m", "of its centre of mass from the middle of the view, x and y"),
		{Name: "angle", Len: 2 * n, Lo: -1, Hi: 1, Doc: "cosine and sine"},
		free("velocity", 2*n, "m/s", "x and y"),
		free("spin", n, "rad/s", "counter-clockwise"),
		{Name: "size", Len: 2 * n, Lo: 0, Hi: inf, Unit: "m", Doc: "half its width and height, not turned"},
		flag("round", "1 if its first shape is a circle"),
		flag("touching", "1 if it touched something"),
		{Name: "bound", Len: MostControls, Lo: 0, Hi: 1, Doc: "1 for each column of the action that does something"},
		free("joint", MostControls, "rad or m", "position of the first joint of each column"),
		free("joint_speed", MostControls, "rad/s or m/s", "of that joint"),
		free("region", 2*MostGoals, "m", "middle of each goal region from that of the view"),
		{Name: "region_radius", Len: MostGoals, Lo: 0, Hi: inf, Unit: "m", Doc: "0 for those that there are not"},
		{Name: "ray", Len: MostRays, Lo: 0, Hi: 1, Doc: "how far each ray sees, as a share of its length"},
		{Name: "distance", Len: 1, Lo: 0, Hi: inf, Unit: "m", Doc: "from winning"},
	}
}

func facts() []env.Field {
	inf := float32(math.Inf(1))
	fs := []env.Field{
		factWon:      {Name: "won", Len: 1, Lo: 0, Hi: 1, Doc: "1 when all rules that win hold"},
		factLost:     {Name: "lost", Len: 1, Lo: 0, Hi: 1, Doc: "1 when a rule that loses holds"},
		factApproach: {Name: "approach", Len: 1, Lo: -inf, Hi: inf, Unit: "m", Doc: "by which the distance from winning shrank"},
		factDistance: {Name: "distance", Len: 1, Lo: 0, Hi: inf, Unit: "m", Doc: "from winning"},
		factEffort:   {Name: "effort", Len: 1, Lo: 0, Hi: 1, Doc: "mean square of the actions that do something"},
		factX:        {Name: "x", Len: 1, Lo: -inf, Hi: inf, Unit: "m", Doc: "of the agent's first body, or else the first that moves"},
		factY:        {Name: "y", Len: 1, Lo: -inf, Hi: inf, Unit: "m", Doc: "of that body"},
	}
	for i := range MostRules {
		fs = append(fs, env.Field{Name: fmt.Sprintf("rule_%d", i+1), Len: 1, Lo: 0, Hi: 1, Doc: "1 when this rule of the room holds"})
	}
	return fs
}

// New returns one world.
func (c *Config) New() env.Env {
	rooms, err := c.compile()
	if err != nil {
		panic("sandbox: New of options that Spec has refused: " + err.Error())
	}
	return newWorld(rooms)
}

// Difficulty returns that of the room, which a level's own parameters change by no more than its
// gravity and weakness do.
func (c *Config) Difficulty(l *env.Level) float32 {
	rooms, err := c.compile()
	if err != nil {
		return 0
	}
	room := 0
	if len(l.Params) > which {
		room = int(l.Params[which])
	}
	weak := (l.Params[gravity] - params[gravity].Lo + float32(2*(params[strength].Hi-l.Params[strength]))) / 2
	return geom.Clamp(float32(0.9*rooms[room].hard)+float32(0.1*weak), 0, 1)
}

var (
	_ env.Grader   = (*Config)(nil)
	_ env.SimEnv   = (*world)(nil)
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
	_ env.Detailed = (*world)(nil)

	_ env.MultiScene = (*world)(nil)
)
