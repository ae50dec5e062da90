package envtest

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Fast is the config of a trivial environment on which any learner succeeds within seconds: a
// point on a line is to be brought to a goal. It is for tests of whatever needs an environment;
// it is not registered.
type Fast struct {
	Continuous bool `json:"continuous" doc:"push with a force from -1 to 1 instead of left, none, right"`
	Agents     int  `json:"agents" doc:"points in each world, every one with a goal of its own"`
}

// NewFast returns the default options: discrete actions, one agent.
func NewFast() *Fast { return &Fast{Agents: 1} }

// Spec describes the environment: reward is minus the distance to the goal, at best about -2
// and under random actions about -30 an episode of 40 steps.
func (c *Fast) Spec() (*env.Spec, error) {
	if c.Agents < 1 || c.Agents > 8 {
		return nil, fmt.Errorf("fast-v0: agents is %d, want 1 to 8", c.Agents)
	}
	act := env.Field{Name: "push", Len: 1, Choices: 3, Doc: "left, none, right"}
	if c.Continuous {
		act = env.Field{Name: "push", Len: 1, Lo: -1, Hi: 1}
	}
	return &env.Spec{
		ID: "fast-v0", Doc: "A point on a line, to be brought to a goal.",
		Obs: []env.Field{
			{Name: "offset", Len: 1, Lo: -6, Hi: 6, Unit: "m", Doc: "from the point to the goal"},
			{Name: "velocity", Len: 1, Lo: -4, Hi: 4, Unit: "m/s"},
		},
		Act: []env.Field{act},
		Facts: []env.Field{
			{Name: "distance", Len: 1, Lo: 0, Hi: 6, Unit: "m", Doc: "from the point to the goal"},
			{Name: "effort", Len: 1, Lo: 0, Hi: 1, Doc: "size of the push"},
		},
		Reward: []env.Term{{Fact: "distance", Weight: -1}, {Fact: "effort", Weight: -0.01}},
		Params: []env.Param{
			{Name: "goal", Lo: -2, Hi: 2, Default: env.Range{-1, 1}, Unit: "m"},
			{Name: "drag", Lo: 0.1, Hi: 1, Default: env.Range{0.5, 0.5}},
		},
		Agents: c.Agents, Dt: 0.1, MaxSteps: 40, Solved: -5,
	}, nil
}

// New returns one world.
func (c *Fast) New() env.Env { return &fast{c: *c, p: make([]point, c.Agents)} }

type point struct{ x, v, goal float32 }

type fast struct {
	c    Fast
	drag float32
	p    []point
}

func (f *fast) Reset(l *env.Level, key rng.Key) {
	f.drag = l.Params[1]
	for i := range f.p {
		r := key.Stream(1, uint32(i), 0)
		f.p[i] = point{x: r.Range(-1, 1), goal: l.Params[0] + r.Range(-0.1, 0.1)}
	}
}

func (f *fast) Observe(obs []float32) {
	for i := range f.p {
		obs[2*i], obs[2*i+1] = f.p[i].goal-f.p[i].x, f.p[i].v
	}
}

func (f *fast) Step(b *env.Batch) {
	for i := range f.p {
		p, u := &f.p[i], b.Act[i]
		if !f.c.Continuous {
			u--
		}
		p.v = geom.Clamp(p.v+float32(0.1*(float32(4*u)-float32(f.drag*p.v))), -4, 4)
		p.x = geom.Clamp(p.x+float32(0.1*p.v), -3, 3)
		b.Facts[2*i], b.Facts[2*i+1] = geom.Abs(p.goal-p.x), geom.Abs(u)
		b.End[i] = env.Running
	}
}

func (f *fast) AppendState(dst []byte) []byte {
	put := func(x float32) { dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(x)) }
	put(f.drag)
	for _, p := range f.p {
		put(p.x)
		put(p.v)
		put(p.goal)
	}
	return dst
}

func (f *fast) SetState(s []byte) error {
	if len(s) != 4+12*len(f.p) {
		return fmt.Errorf("fast-v0: state of %d bytes, want %d", len(s), 4+12*len(f.p))
	}
	get := func(i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(s[4*i:])) }
	f.drag = get(0)
	for i := range f.p {
		f.p[i] = point{get(1 + 3*i), get(2 + 3*i), get(3 + 3*i)}
	}
	return nil
}

func (f *fast) Draw(c env.Canvas) {
	c.View(geom.Vec{X: -3.2, Y: -1}, geom.Vec{X: 3.2, Y: 1})
	c.Line(env.RoleGround, 0.02, []geom.Vec{{X: -3.2, Y: -0.2}, {X: 3.2, Y: -0.2}})
	for i, p := range f.p {
		role := env.RoleAgent
		if i > 0 {
			role = env.RoleOther
		}
		c.Circle(env.RoleGoal, geom.Vec{X: p.goal}, 0.1, 0)
		c.Circle(role, geom.Vec{X: p.x}, 0.15, 0)
	}
}

// Difficulty is the distance of the goal from the middle.
func (c *Fast) Difficulty(l *env.Level) float32 { return geom.Abs(l.Params[0]) / 2 }

var (
	_ env.Config   = (*Fast)(nil)
	_ env.Grader   = (*Fast)(nil)
	_ env.StateEnv = (*fast)(nil)
	_ env.Picture  = (*fast)(nil)
)
