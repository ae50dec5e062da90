package sandbox

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// A compiled room is what its worlds share.
type compiled struct {
	room    *Room
	model   *physics.Model
	lo, hi  geom.Vec
	middle  geom.Vec
	drives  []drive
	first   [MostControls]int // the first joint of each column, or -1
	bound   [MostControls]bool
	rules   []rule
	bodies  []bodyTraits
	groups  []int32 // of each body: things that hang together have one number; -1 for those that are held
	subject int     // the body that facts are about
	hard    float32 // difficulty, 0 to 1
}

// A drive is a control with numbers for names.
type drive struct {
	column          int
	joint, thruster int // one of them is -1
	sign            float32
	speed, most     float32 // of a motor
}

// A rule has numbers for names.
type rule struct {
	Rule
	a, b   []int // bodies
	region scene.Goal
	hold   int32 // steps
}

// bodyTraits are the parts of an observation that do not change.
type bodyTraits struct {
	mobile, agent, goal, hazard, round float32
	width, height                      float32 // halves
	inner                              float32 // radius of a disc about the centre of mass that lies within the body, about
}

// compile makes a valid room ready to be played.
func compile(r *Room) (*compiled, error) {
	m, err := physics.Compile(&r.Scene)
	if err != nil {
		return nil, err
	}
	c := &compiled{room: r, model: m}
	c.lo, c.hi = r.Bounds()
	c.middle = c.lo.Add(c.hi).Mul(0.5)
	for i := range c.first {
		c.first[i] = -1
	}
	for _, k := range r.controls() {
		c.bind(k)
	}
	for i := range r.Rules {
		u := rule{Rule: r.Rules[i], hold: int32(r.Rules[i].Hold/dt + 0.5), a: r.selected(r.Rules[i].A)}
		if u.When == Inside {
			u.region = r.Goals[r.goal(u.B)]
		} else {
			u.b = r.selected(u.B)
		}
		c.rules = append(c.rules, u)
	}
	for i := range r.Bodies {
		c.bodies = append(c.bodies, traits(&r.Bodies[i]))
	}
	c.group()
	c.subject = c.find(func(b *scene.Body) bool { return b.Role == env.RoleAgent && b.Kind == scene.Dynamic },
		func(b *scene.Body) bool { return b.Kind != scene.Static }, func(*scene.Body) bool { return true })
	c.hard = c.difficulty()
	return c, nil
}

// difficulty returns a mean of shares from 0 to 1: how far the start is from winning, and how many
// rules and hazards there are to heed.
func (c *compiled) difficulty() float32 {
	w := newWorld([]*compiled{c})
	w.Reset(&env.Level{Params: []float32{gravity: 1, strength: 1, shove: 0}}, rng.Key{})
	far := geom.Min(w.Distance/c.hi.Sub(c.lo).Len(), 1)
	hazards := float32(0)
	for i := range c.bodies {
		hazards += c.bodies[i].hazard
	}
	return (float32(2*far) + geom.Min(hazards/4, 1) + float32(len(c.rules)-1)/(MostRules-1)) / 4
}

func (c *compiled) bind(k Control) {
	d := drive{column: k.Column, joint: -1, thruster: -1, sign: 1}
	if k.Reverse {
		d.sign = -1
	}
	if k.Thruster != "" {
		d.thruster = c.model.Thruster(k.Thruster)
	} else {
		d.joint = c.model.Joint(k.Joint)
		motor := c.room.Joints[d.joint].Motor
		d.speed, d.most = motor.Speed, motor.Max
		if c.first[k.Column] < 0 {
			c.first[k.Column] = d.joint
		}
	}
	c.bound[k.Column] = true
	c.drives = append(c.drives, d)
}

// find returns the first body that one of the conditions holds for, the first of them if possible.
func (c *compiled) find(conditions ...func(*scene.Body) bool) int {
	for _, is := range conditions {
		for i := range c.room.Bodies {
			if is(&c.room.Bodies[i]) {
				return i
			}
		}
	}
	return 0
}

func traits(b *scene.Body) (t bodyTraits) {
	is := func(yes bool) float32 {
		if yes {
			return 1
		}
		return 0
	}
	t.mobile, t.agent = is(b.Kind != scene.Static), is(b.Role == env.RoleAgent)
	t.goal, t.hazard = is(b.Role == env.RoleGoal), is(b.Role == env.RoleHazard)
	if len(b.Shapes) == 0 {
		return t
	}
	t.round = is(b.Shapes[0].Kind == scene.Circle)
	lo, hi := extent(b)
	t.width, t.height = 0.5*(hi.X-lo.X), 0.5*(hi.Y-lo.Y)
	t.inner = geom.Min(t.width, t.height)
	return t
}

// extent returns the box around the shapes of a body, in its coordinates.
func extent(b *scene.Body) (lo, hi geom.Vec) {
	for i := range b.Shapes {
		s := &b.Shapes[i]
		for k, p := range s.Points {
			if i == 0 && k == 0 {
				lo, hi = p.Sub(geom.Vec{X: s.Radius, Y: s.Radius}), p.Add(geom.Vec{X: s.Radius, Y: s.Radius})
			}
			lo = geom.Vec{X: geom.Min(lo.X, p.X-s.Radius), Y: geom.Min(lo.Y, p.Y-s.Radius)}
			hi = geom.Vec{X: geom.Max(hi.X, p.X+s.Radius), Y: geom.Max(hi.Y, p.Y+s.Radius)}
		}
	}
	return lo, hi
}

// group numbers the things that hang together. What hangs on the world or on something that does
// not respond to forces is held.
func (c *compiled) group() {
	bodies := c.room.Bodies
	c.groups = make([]int32, len(bodies))
	for i := range bodies {
		c.groups[i] = int32(i)
		if bodies[i].Kind != scene.Dynamic {
			c.groups[i] = -1
		}
	}
	for range bodies { // as often as the longest chain needs
		for k := range c.room.Joints {
			j := &c.room.Joints[k]
			b, g := c.room.Body(j.B), int32(-1)
			a := c.room.Body(j.A)
			if a >= 0 {
				g = min(c.groups[a], c.groups[b])
				c.groups[a] = g
			}
			c.groups[b] = g
		}
	}
}

// gap returns how far a point is from the shapes of a body, 0 inside, m. The point is in the
// coordinates of the body.
func gap(b *scene.Body, p geom.Vec) float32 {
	least := float32(1e30)
	for i := range b.Shapes {
		s := &b.Shapes[i]
		d := p.Sub(s.Points[0]).Len()
		last := len(s.Points) - 1
		inside := s.Kind == scene.Polygon
		for k := range s.Points {
			next := k + 1
			if k == last {
				if s.Kind != scene.Polygon {
					break
				}
				next = 0
			}
			a, e := s.Points[k], s.Points[next].Sub(s.Points[k])
			t := geom.Clamp(p.Sub(a).Dot(e)/e.Dot(e), 0, 1)
			d = geom.Min(d, p.Sub(a.Add(e.Mul(t))).Len())
			inside = inside && e.Cross(p.Sub(a)) >= 0
		}
		if inside {
			d = 0
		}
		least = geom.Min(least, geom.Max(d-s.Radius, 0))
	}
	return least
}
