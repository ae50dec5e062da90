// Package maze is the search of a disc for the way through generated mazes with keys and doors,
// registered as maze-v0. Walls lie on a grid of cells of 1 m, so that contacts and rays are
// found in constant time, without a physics engine; a test compares it with one.
//
// # Description
//
// A disc of 1 kg is pushed over the floor of a maze and has to reach its goal. Doors may bar the
// way. Each is opened by touching it once its key has been picked up, by touching that.
// Every maze can be solved, and only with all of its keys; see gen.Maze. What the agent
// sees does not tell the walls beyond its rays: it has to explore, and to remember.
//
// # Action space
//
// The force on the disc in x and y, as a share of the level's largest; longer vectors than 1
// are shortened. With the option `discrete`, one choice: none, east, north, west, south. With a
// television of mode `remote`, a second choice, to switch it or not.
//
// # Observation space
//
// Position, in cells of 1 m from the lower left corner, and velocity. Rays in evenly spaced
// directions, the first to the east, each with the distance of the nearest wall or closed
// door, at most the option `range`, and two flags, for a door whose key is missing and one
// whose key is held. Whether each key is held. With the option `goal`, where the goal lies as
// seen from the disc; with `key_positions` the same for each key that lies in the maze, which is
// 0 for the others. Fields that an option empties are left out.
//
// # Rooms and television
//
// With the option `room`, cells are rooms that are so many cells wide, with doorways of one cell
// between them, and a post stands where cells of a room meet: size then counts rooms. With the option
// `tv`, the observation ends with that many numbers between 0 and 1 that mean nothing, which
// curiosity about errors falls for (Burda et al., "Large-scale study of curiosity-driven
// learning", ICLR 2019, section 4): new ones each step; or, by the option `tv_mode`, `near` in one
// cell of the maze, and 0 elsewhere; or `remote` when a second action, of 0 or 1, switches.
//
// # Reward
//
// 1 for reaching the goal, and nothing else: the fact `reached`. The option `progress` adds
// that weight for each step that the shortest way to the goal, in cells and by way of the
// missing keys, becomes shorter, and takes it away when it becomes longer.
//
// # Start
//
// At rest in the middle of the start cell.
//
// # Episode end
//
// Terminated at the goal; truncated after `max_steps`.
//
// # Level parameters
//
// Those of the generator, size, branching, loops, distance of the goal and keys, and those of
// the motion: thickness of the walls, radius, force, drag, friction and bounce. Presets are
// "tiny", "keyless" and "hard". The difficulty of a level is the logarithm of the number
// of cells on its shortest solution, as a share of that of the longest there could be.
//
// # Baselines
//
// Mean return over 300 fresh episodes, with standard error:
//
//	policy       tiny          keyless       defaults      hard
//	random       0.33 ± 0.03   0.02 ± 0.01   0.01 ± 0.01   0.00 ± 0.00
//	scripted     0.97 ± 0.01   0.83 ± 0.02   0.76 ± 0.02   0.36 ± 0.03
//
// # Version history
//
//   - v0: first version.
package maze

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// ID is the registered name.
const ID = "maze-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

const (
	dt         float32 = 0.05
	substeps           = 4 // short enough for a disc at full speed not to jump through a wall
	maxSpeed   float32 = 8 // m/s, the largest force over the smallest drag
	goalRadius float32 = 0.3
	keyRadius  float32 = 0.15
	maxRays            = 64

	mazePurpose rng.Purpose = 0x6d617a65 // the maze, under the level's seed
	tvPurpose   rng.Purpose = 0x6d747600 // where the television is, likewise, and what it shows
)

// Config holds the options.
type Config struct {
	MaxSize      int     `json:"max_size" doc:"largest level size, 4 to 32 cells a side, 2 to 16 where they are rooms"`
	Room         int     `json:"room" doc:"cells a side of a room; 1 makes a maze of single cells"`
	MaxKeys      int     `json:"max_keys" doc:"most keys a level has, 0 to 3"`
	Rays         int     `json:"rays" doc:"number of rays, 0 to 64"`
	Range        float32 `json:"range" doc:"reach of a ray, in cells"`
	Goal         bool    `json:"goal" doc:"show where the goal lies"`
	KeyPositions bool    `json:"key_positions" doc:"show where the keys lie"`
	Discrete     bool    `json:"discrete" doc:"choose among no force and full force in four directions"`
	Progress     float32 `json:"progress" doc:"reward for each cell that the shortest way becomes shorter"`
	TV           int     `json:"tv" doc:"numbers that a television shows, 0 to 16"`
	TVMode       string  `json:"tv_mode" doc:"when it shows new ones: always, near (in its cell only) or remote (by an action)"`
	MaxSteps     int     `json:"max_steps" doc:"steps after which an episode is truncated"`
}

// New returns the default options.
func New() *Config {
	return &Config{MaxSize: 8, Room: 1, MaxKeys: 2, Rays: 8, Range: 4, Goal: true, KeyPositions: true, TVMode: "always", MaxSteps: 2000}
}

// side returns the cells a side of the largest maze.
func (c *Config) side() int { return c.MaxSize * c.Room }

// least is the smallest level size.
func (c *Config) least() float32 {
	if c.Room > 1 {
		return 2
	}
	return 3
}

// The level's parameters, in the order of the Spec. Keys is left out where there are none.
const (
	size = iota
	branching
	loops
	distance
	wall
	radius
	force
	drag
	friction
	bounce
	keys
	paramCount
)

// The facts, in the order of the Spec.
const (
	factReached = iota
	factKeys
	factDoors
	factX
	factY
	factCell
	factNew
	factVisited
	factDistance
	factProgress
	factContact
)

func (c *Config) check() error {
	fail := func(option string, got any, want string) error {
		return fmt.Errorf("env %s: %s is %v, want %s", ID, option, got, want)
	}
	switch {
	case c.Room < 1 || c.Room > gen.MazeSize/2:
		return fail("room", c.Room, "1 to 16")
	case c.Room == 1 && (c.MaxSize < 4 || c.MaxSize > gen.MazeSize):
		return fail("max_size", c.MaxSize, "4 to 32")
	case c.MaxSize < 2 || c.side() > gen.MazeSize:
		return fail("max_size", c.MaxSize, fmt.Sprintf("2 to %d rooms of %d cells, 32 cells a side in all", gen.MazeSize/c.Room, c.Room))
	case c.MaxKeys < 0 || c.MaxKeys > gen.MazeKeys:
		return fail("max_keys", c.MaxKeys, "0 to 3")
	case c.Rays < 0 || c.Rays > maxRays:
		return fail("rays", c.Rays, "0 to 64")
	case !(c.Range >= 1 && c.Range <= gen.MazeSize):
		return fail("range", c.Range, "1 to 32")
	case !geom.Finite(c.Progress):
		return fail("progress", c.Progress, "a number")
	case c.TV < 0 || c.TV > maxTV:
		return fail("tv", c.TV, "0 to 16")
	case !slices.Contains(tvModes, c.TVMode):
		return fail("tv_mode", c.TVMode, "always, near or remote")
	case c.MaxSteps < 1:
		return fail("max_steps", c.MaxSteps, "at least 1")
	}
	return nil
}

// Spec checks the options and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &env.Spec{
		ID:   ID,
		Doc:  "Push a disc through a maze to its goal, fetching the keys of the doors that bar the way.",
		Ends: "Terminated at the goal; truncated after `max_steps`.",
		History: []string{
			"v0: first version.",
		},
		Obs: c.observation(),
		Act: []env.Field{
			{Name: "force", Len: 2, Lo: -1, Hi: 1, Doc: "on the disc in x and y, as a share of the level's force"},
		},
		Facts:  c.facts(),
		Reward: []env.Term{{Fact: "reached", Weight: 1, Doc: "for reaching the goal"}},
		Params: c.params(),
		Agents: 1, Dt: dt, MaxSteps: c.MaxSteps,
	}
	if c.Discrete {
		s.Act = []env.Field{{Name: "force", Len: 1, Choices: 5, Doc: "none, east, north, west or south"}}
	}
	if c.TV > 0 && c.TVMode == tvRemote {
		s.Act = append(s.Act, env.Field{Name: "remote", Len: 1, Choices: 2, Doc: "1 to switch the television"})
	}
	if c.Progress != 0 {
		s.Reward = append(s.Reward, env.Term{Fact: "progress", Weight: c.Progress, Doc: "for each cell nearer to the goal on the shortest way"})
	}
	s.Presets = c.presets()
	return s, nil
}

func (c *Config) observation() []env.Field {
	far := float32(c.side())
	fs := []env.Field{
		{Name: "position", Len: 2, Lo: 0, Hi: far, Unit: "m", Doc: "x and y from the lower left corner; cells have 1 m"},
		{Name: "velocity", Len: 2, Lo: -maxSpeed, Hi: maxSpeed, Unit: "m/s", Doc: "in x and y"},
	}
	if n := c.Rays; n > 0 {
		fs = append(fs,
			env.Field{Name: "rays", Len: n, Lo: 0, Hi: c.Range, Unit: "m", Doc: "distance from the disc's centre to the nearest wall or closed door, at most the range; counter-clockwise from east"},
			env.Field{Name: "ray_barred", Len: n, Lo: 0, Hi: 1, Doc: "1 where the ray meets a door whose key is missing"},
			env.Field{Name: "ray_door", Len: n, Lo: 0, Hi: 1, Doc: "1 where the ray meets a door whose key is held"})
	}
	if n := c.MaxKeys; n > 0 {
		fs = append(fs, env.Field{Name: "held", Len: n, Lo: 0, Hi: 1, Doc: "1 for each key that is held"})
	}
	if c.Goal {
		fs = append(fs, env.Field{Name: "goal", Len: 2, Lo: -far, Hi: far, Unit: "m", Doc: "from the disc to the goal in x and y"})
	}
	if n := c.MaxKeys; n > 0 && c.KeyPositions {
		fs = append(fs, env.Field{Name: "keys", Len: 2 * n, Lo: -far, Hi: far, Unit: "m", Doc: "from the disc to each key that lies in the maze, x and y; 0 for others"})
	}
	if c.TV > 0 {
		fs = append(fs, env.Field{Name: "tv", Len: c.TV, Lo: 0, Hi: 1, Doc: "what the television shows: nothing of meaning"})
	}
	return fs
}

func (c *Config) facts() []env.Field {
	cells := float32(c.side() * c.side())
	longest := cells * float32(c.MaxKeys+1)
	return []env.Field{
		factReached:  {Name: "reached", Len: 1, Lo: 0, Hi: 1, Doc: "1 on reaching the goal"},
		factKeys:     {Name: "key_taken", Len: 1, Lo: 0, Hi: gen.MazeKeys, Doc: "number of keys picked up in this step"},
		factDoors:    {Name: "door_opened", Len: 1, Lo: 0, Hi: gen.MazeKeys, Doc: "number of doors opened in this step"},
		factX:        {Name: "x", Len: 1, Lo: 0, Hi: float32(c.side()), Unit: "m", Doc: "position"},
		factY:        {Name: "y", Len: 1, Lo: 0, Hi: float32(c.side()), Unit: "m", Doc: "position"},
		factCell:     {Name: "cell", Len: 1, Lo: 0, Hi: cells - 1, Doc: "number of the cell, row by row"},
		factNew:      {Name: "new_cell", Len: 1, Lo: 0, Hi: 1, Doc: "1 in a cell that was not visited before"},
		factVisited:  {Name: "visited", Len: 1, Lo: 1, Hi: cells, Doc: "number of cells visited so far"},
		factDistance: {Name: "distance", Len: 1, Lo: 0, Hi: longest, Doc: "cells to the goal on the shortest way, by the keys still needed"},
		factProgress: {Name: "progress", Len: 1, Lo: -longest, Hi: longest, Doc: "by how much distance became less"},
		factContact:  {Name: "contact", Len: 1, Lo: 0, Hi: 1, Doc: "1 if the disc touched a wall or a closed door"},
	}
}

func (c *Config) params() []env.Param {
	most, what := float32(c.MaxSize), "cells a side"
	if c.Room > 1 {
		what = "rooms a side"
	}
	ps := []env.Param{
		size:      {Name: "size", Lo: c.least(), Hi: most, Default: env.Range{min(4, most), most}, Integer: true, Doc: what},
		branching: {Name: "branching", Lo: 0, Hi: 1, Default: env.Range{0, 1}, Doc: "0: long winding corridors, 1: many short dead ends"},
		loops:     {Name: "loops", Lo: 0, Hi: 1, Default: env.Range{0, 0.2}, Doc: "share of the walls that are taken away"},
		distance:  {Name: "distance", Lo: 0, Hi: 1, Default: env.Range{0.5, 1}, Doc: "of the goal from the start, as a share of the farthest cell's"},
		wall:      {Name: "wall", Lo: 0.05, Hi: 0.3, Default: env.Range{0.1, 0.2}, Unit: "m", Doc: "thickness of walls"},
		radius:    {Name: "radius", Lo: 0.15, Hi: 0.3, Default: env.Range{0.2, 0.2}, Unit: "m", Doc: "of the disc"},
		force:     {Name: "force", Lo: 1, Hi: maxSpeed, Default: env.Range{4, 4}, Unit: "N", Doc: "largest force on the disc"},
		drag:      {Name: "drag", Lo: 1, Hi: 5, Default: env.Range{2, 2}, Unit: "1/s", Doc: "deceleration of a disc of 1 m/s"},
		friction:  {Name: "friction", Lo: 0, Hi: 1, Default: env.Range{0.2, 0.2}, Doc: "of the disc at walls"},
		bounce:    {Name: "bounce", Lo: 0, Hi: 0.9, Default: env.Range{0.2, 0.2}, Doc: "share of the speed with which it leaves a wall that it hits"},
	}
	if c.MaxKeys > 0 {
		ps = append(ps, env.Param{Name: "keys", Lo: 0, Hi: float32(c.MaxKeys), Default: env.Range{0, float32(c.MaxKeys)}, Integer: true,
			Doc: "keys and doors; fewer where the maze has no room"})
	}
	return ps
}

func (c *Config) presets() []env.Preset {
	most := float32(c.MaxSize)
	none, all := map[string]env.Range{}, map[string]env.Range{
		"size": {most, most}, "branching": {0, 0.5}, "loops": {0, 0}, "distance": {1, 1},
	}
	tiny := map[string]env.Range{"size": {c.least(), min(4, most)}, "distance": {0, 1}}
	if c.MaxKeys > 0 {
		k := float32(c.MaxKeys)
		none["keys"], tiny["keys"], all["keys"] = env.Range{0, 0}, env.Range{0, 0}, env.Range{k, k}
	}
	return []env.Preset{
		{Name: "tiny", Doc: "up to 4 cells or rooms a side, no keys", Params: tiny},
		{Name: "keyless", Doc: "the default without keys", Params: none},
		{Name: "hard", Doc: "the largest mazes, without loops, with all keys and the farthest goals", Params: all},
	}
}

// New returns one world.
func (c *Config) New() env.Env {
	s, _ := c.Spec() // accepted before
	w := &world{config: *c, spec: s}
	w.grid.Reserve(c.side())
	w.aimRays()
	return w
}

// Difficulty returns log(1+n) of the number n of cells on the shortest solution, as a share of
// that of a way through all cells once for each key and the goal.
func (c *Config) Difficulty(l *env.Level) float32 {
	var g gen.Grid
	c.build(&g, l)
	longest := float32(c.side() * c.side() * (c.MaxKeys + 1))
	return geom.Log(1+float32(g.Distance(g.Start, 0))) / geom.Log(1+longest)
}

// build builds the maze of a level.
func (c *Config) build(g *gen.Grid, l *env.Level) {
	p := l.Params
	m := gen.Rooms{Side: c.Room, Maze: gen.Maze{Size: int(p[size]), Branching: p[branching], Loops: p[loops], Distance: p[distance]}}
	if len(p) > keys {
		m.Keys = int(p[keys])
	}
	r := rng.New(l.Seed).Stream(mazePurpose, 0, 0)
	m.Build(g, &r)
}

var (
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
	_ env.Grader   = (*Config)(nil)
)
