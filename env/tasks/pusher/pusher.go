// Package pusher is pushing boxes to their zones, seen from above, registered as pusher-v0.
//
// # Description
//
// A disc of 1 kg moves over the floor of a square room. It has to push each box to the zone
// that is meant for it, so that all of them are in their zones at the same time. The floor
// slows what moves in proportion to its velocity; disc, boxes and walls rub on each other.
//
// # Action space
//
// The force on the disc in x and y, as a share of the level's largest; longer vectors than 1
// are shortened.
//
// # Observation space
//
// Position and velocity of the disc, half the width of the room, the size of the boxes and the
// radius of the zones. For each box: whether there is one, where it is, as seen from the disc,
// its velocity, the cosine and sine of its angle, its spin, where its zone is, as seen from the
// box, and whether it is in it. The columns of boxes that a level does not have are 0.
//
// # Reward
//
// By how many metres all boxes together came nearer to their zones; half of the metres by which
// the disc came nearer to the nearest place behind a box that is not in its zone; 1 for each
// box that enters its zone, -1 for each that leaves; 5 for having all of them in.
//
// # Start
//
// Disc, boxes and zones have places of a grid of three by three, drawn from the level's seed,
// from which they are shifted by up to `spread`; boxes are turned by any angle. There is room
// between every box and the walls for the disc. The disc is at rest, and so are the boxes unless
// the level lets them drift.
//
// # Episode end
//
// Terminated when all boxes are in their zones; truncated after `max_steps`. A box that was
// pushed against a wall can be got away from it only along the wall, so an agent can spoil
// its level.
//
// # Level parameters
//
// Number, size and mass of the boxes, their damping, the room's size, the disc's radius, force
// and drag, friction, the zones' radius, and spread and drift of the start. Presets are "one", a single
// box, and "full", as many as there can be. The difficulty of a level is the sum over boxes of
// Fitts's index log2(1 + d/w) of the box's distance d from a zone of width w, as a share of the
// largest there could be.
//
// # Baselines
//
// Mean return over 300 fresh episodes, with standard error:
//
//	policy       preset one      defaults   preset full
//	random     -0.03 ± 0.02  -0.05 ± 0.02  -0.04 ± 0.02
//	scripted    8.05 ± 0.10   8.69 ± 0.19   9.46 ± 0.23
//
// # Version history
//
//   - v0: first version.
package pusher

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// ID is the registered name.
const ID = "pusher-v0"

func init() { env.Register(ID, func() env.Config { return New() }) }

const (
	mostBoxes = 4
	substeps  = 2

	dt float32 = 0.05 // s

	startPurpose rng.Purpose = 0x70757368 // the first places, under the level's seed
)

// Config holds the options.
type Config struct {
	MaxBoxes int `json:"max_boxes" doc:"most boxes a level has, 1 to 4"`
	MaxSteps int `json:"max_steps" doc:"steps after which an episode is truncated"`
}

// New returns the default options.
func New() *Config { return &Config{MaxBoxes: 2, MaxSteps: 400} }

// The level's parameters, in the order of the Spec. Boxes is left out where there is always one.
const (
	boxSize = iota
	boxMass
	damping
	room
	radius
	force
	drag
	friction
	zoneRadius
	spread
	drift
	boxes
	paramCount
)

// The columns of facts, in the order of the Spec; those of the boxes' distances come last.
const (
	factProgress = iota
	factEntered
	factSolved
	factPlaced
	factContact
	factApproach
	factX
	factY
	factDistance
)

var params = [boxes]env.Param{
	boxSize:    {Name: "box_size", Lo: 0.2, Hi: 0.5, Default: env.Range{0.3, 0.5}, Unit: "m", Doc: "width of a box"},
	boxMass:    {Name: "box_mass", Lo: 0.1, Hi: 2, Default: env.Range{0.5, 0.5}, Unit: "kg", Doc: "of a box"},
	damping:    {Name: "damping", Lo: 0.5, Hi: 4, Default: env.Range{2, 2}, Unit: "N s/m", Doc: "force of the floor against a box, for each m/s"},
	room:       {Name: "room", Lo: 1.8, Hi: 3, Default: env.Range{2, 2}, Unit: "m", Doc: "half the width of the room"},
	radius:     {Name: "radius", Lo: 0.1, Hi: 0.25, Default: env.Range{0.2, 0.2}, Unit: "m", Doc: "of the disc"},
	force:      {Name: "force", Lo: 3, Hi: 20, Default: env.Range{8, 8}, Unit: "N", Doc: "largest force on the disc"},
	drag:       {Name: "drag", Lo: 2, Hi: 6, Default: env.Range{4, 4}, Unit: "1/s", Doc: "rate at which the floor slows the disc"},
	friction:   {Name: "friction", Lo: 0, Hi: 1, Default: env.Range{0.3, 0.3}, Doc: "of disc, boxes and walls on each other"},
	zoneRadius: {Name: "zone_radius", Lo: 0.1, Hi: 0.4, Default: env.Range{0.25, 0.25}, Unit: "m", Doc: "within which a box's centre has to be"},
	spread:     {Name: "spread", Lo: 0, Hi: 1, Default: env.Range{1, 1}, Doc: "how far the start is from a regular grid, as a share of the room there is"},
	drift:      {Name: "drift", Lo: 0, Hi: 0.5, Default: env.Range{0, 0}, Unit: "m/s", Doc: "bound of both components of the boxes' first velocities"},
}

// Spec checks the options and describes the environment.
func (c *Config) Spec() (*env.Spec, error) {
	switch {
	case c.MaxBoxes < 1 || c.MaxBoxes > mostBoxes:
		return nil, fmt.Errorf("env %s: max_boxes is %d, want 1 to %d", ID, c.MaxBoxes, mostBoxes)
	case c.MaxSteps < 1:
		return nil, fmt.Errorf("env %s: max_steps is %d, want at least 1", ID, c.MaxSteps)
	}
	most := float32(c.MaxBoxes)
	ps := append([]env.Param(nil), params[:]...)
	one := map[string]env.Range{}
	full := map[string]env.Range{}
	if c.MaxBoxes > 1 {
		ps = append(ps, env.Param{Name: "boxes", Lo: 1, Hi: most, Default: env.Range{1, most}, Integer: true, Doc: "number of boxes"})
		one["boxes"], full["boxes"] = env.Range{1, 1}, env.Range{most, most}
	}
	return &env.Spec{
		ID:  ID,
		Doc: "Push boxes to their zones with a disc, until all are in place.",
		Ends: "Terminated when all boxes are in their zones; truncated after `max_steps`. A box that was pushed " +
			"against a wall can be got away from it only along the wall, so an agent can spoil its level.",
		History: []string{
			"v0: first version.",
		},
		Obs: c.observation(),
		Act: []env.Field{
			{Name: "force", Len: 2, Lo: -1, Hi: 1, Doc: "on the disc in x and y, as a share of the level's force"},
		},
		Facts: c.facts(),
		Reward: []env.Term{
			{Fact: "progress", Weight: 1, Doc: "metres by which boxes came nearer to their zones"},
			{Fact: "approach", Weight: 0.5, Doc: "metres by which the disc came nearer to where it can push"},
			{Fact: "entered", Weight: 1, Doc: "for each box that enters its zone, less those that leave"},
			{Fact: "solved", Weight: 5, Doc: "for having all boxes in their zones"},
		},
		Params: ps,
		Presets: []env.Preset{
			{Name: "one", Doc: "a single box", Params: one},
			{Name: "full", Doc: "as many boxes as there can be", Params: full},
		},
		Agents: 1, Dt: dt, MaxSteps: c.MaxSteps,
	}, nil
}

func (c *Config) observation() []env.Field {
	inf, n := float32(math.Inf(1)), c.MaxBoxes
	const edge, across = 3.3, 6.6 // m, with some room for what a hard push presses into a wall
	return []env.Field{
		{Name: "position", Len: 2, Lo: -edge, Hi: edge, Unit: "m", Doc: "of the disc from the middle of the room, x and y"},
		{Name: "velocity", Len: 2, Lo: -inf, Hi: inf, Unit: "m/s", Doc: "of the disc"},
		{Name: "room", Len: 1, Lo: 1.8, Hi: 3, Unit: "m", Doc: "half the width of the room"},
		{Name: "box_size", Len: 1, Lo: 0.2, Hi: 0.5, Unit: "m", Doc: "width of the boxes"},
		{Name: "zone_radius", Len: 1, Lo: 0.1, Hi: 0.4, Unit: "m", Doc: "of the zones"},
		{Name: "present", Len: n, Lo: 0, Hi: 1, Doc: "1 for each box that there is"},
		{Name: "box", Len: 2 * n, Lo: -across, Hi: across, Unit: "m", Doc: "from the disc to each box, x and y"},
		{Name: "box_velocity", Len: 2 * n, Lo: -inf, Hi: inf, Unit: "m/s", Doc: "of each box"},
		{Name: "box_angle", Len: 2 * n, Lo: -1, Hi: 1, Doc: "cosine and sine of each box's angle"},
		{Name: "box_spin", Len: n, Lo: -inf, Hi: inf, Unit: "rad/s", Doc: "of each box, counter-clockwise"},
		{Name: "zone", Len: 2 * n, Lo: -across, Hi: across, Unit: "m", Doc: "from each box to its zone, x and y"},
		{Name: "placed", Len: n, Lo: 0, Hi: 1, Doc: "1 for each box that is in its zone"},
	}
}

func (c *Config) facts() []env.Field {
	inf, n := float32(math.Inf(1)), float32(c.MaxBoxes)
	const edge = 3.3
	return []env.Field{
		factProgress: {Name: "progress", Len: 1, Lo: -inf, Hi: inf, Unit: "m", Doc: "by which all boxes together came nearer to their zones"},
		factEntered:  {Name: "entered", Len: 1, Lo: -n, Hi: n, Doc: "boxes that entered their zones, less those that left"},
		factSolved:   {Name: "solved", Len: 1, Lo: 0, Hi: 1, Doc: "1 when all boxes are in their zones"},
		factPlaced:   {Name: "placed", Len: 1, Lo: 0, Hi: n, Doc: "boxes in their zones"},
		factContact:  {Name: "contact", Len: 1, Lo: 0, Hi: 1, Doc: "1 while the disc touches a box"},
		factApproach: {Name: "approach", Len: 1, Lo: -inf, Hi: inf, Unit: "m", Doc: "by which the disc came nearer to the nearest place from where it can push a box that was not in its zone straight there"},
		factX:        {Name: "x", Len: 1, Lo: -edge, Hi: edge, Unit: "m", Doc: "position of the disc"},
		factY:        {Name: "y", Len: 1, Lo: -edge, Hi: edge, Unit: "m", Doc: "position of the disc"},
		factDistance: {Name: "box_distance", Len: c.MaxBoxes, Lo: 0, Hi: 2 * math.Sqrt2 * edge, Unit: "m", Doc: "of each box from its zone; 0 for those that there are not"},
	}
}

// New returns one world.
func (c *Config) New() env.Env { return newWorld(c) }

// Difficulty returns the sum of the boxes' indices of difficulty, as a share of the largest.
func (c *Config) Difficulty(l *env.Level) float32 {
	var s start
	s.place(l)
	sum, w := float32(0), 2*l.Params[zoneRadius]
	for i := range s.boxes {
		sum += geom.Log(1 + s.zone[i].Sub(s.box[i]).Len()/w)
	}
	longest := 2 * math.Sqrt2 * params[room].Hi
	return sum / (float32(c.MaxBoxes) * geom.Log(1+longest/(2*params[zoneRadius].Lo)))
}

// A start is where things are on a level.
type start struct {
	boxes int
	disc  geom.Vec
	box   [mostBoxes]geom.Vec
	angle [mostBoxes]float32
	drift [mostBoxes]geom.Vec
	zone  [mostBoxes]geom.Vec
}

// place draws the places of a level.
func (s *start) place(l *env.Level) {
	const gap = 0.05 // m, at least, between things
	p := l.Params
	r := rng.New(l.Seed).Stream(startPurpose, 0, 0)
	slots := [9]int32{0, 1, 2, 3, 4, 5, 6, 7, 8}
	r.Shuffle(slots[:])

	diagonal := float32(math.Sqrt2 * p[boxSize])
	reach := p[room] - float32(0.5*diagonal) - float32(2*p[radius]) - gap // of boxes, for the disc to get behind them
	shift := p[spread] * (reach - diagonal - gap) / 3                     // keeps boxes in neighbouring slots apart
	next := 0
	draw := func() geom.Vec {
		at := slots[next]
		next++
		v := geom.Vec{X: float32(at%3 - 1), Y: float32(at/3 - 1)}.Mul(reach - shift)
		return v.Add(geom.Vec{X: r.Range(-shift, shift), Y: r.Range(-shift, shift)})
	}
	*s = start{boxes: 1}
	if len(p) > boxes {
		s.boxes = int(p[boxes])
	}
	s.disc = draw()
	for i := range s.boxes {
		s.box[i], s.zone[i] = draw(), draw()
		s.angle[i] = r.Range(-geom.Pi/4, geom.Pi/4)
		s.drift[i] = geom.Vec{X: r.Range(-p[drift], p[drift]), Y: r.Range(-p[drift], p[drift])}
	}
}

var (
	_ env.SimEnv   = (*world)(nil)
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
	_ env.Grader   = (*Config)(nil)
)
