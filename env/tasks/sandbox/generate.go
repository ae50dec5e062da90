package sandbox

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

const (
	generatePurpose rng.Purpose = 0x726f6f6d // what a generated room is made of
	mutatePurpose   rng.Purpose = 0x6d757461 // how a room is changed by chance

	width, height float32 = 8, 5 // of generated rooms, m
	attempts              = 64   // before giving up
)

// Generate returns a room by chance: a vehicle with wheels, a craft with thrusters, or an arm, with
// blocks in between it and a goal, and perhaps hazards. It is valid, nothing overlaps at the
// start, and doing nothing for three seconds neither wins nor loses it. Whether anything wins it,
// nobody knows.
func Generate(key rng.Key) *Room {
	for i := range uint32(attempts) {
		s := key.Stream(generatePurpose, 0, i)
		d := drawer{r: Empty(), s: &s}
		d.room()
		if d.r.Validate() == nil && !d.r.overlaps() && idle(d.r) {
			return d.r
		}
	}
	r, err := Named("car")
	if err != nil {
		panic("sandbox: " + err.Error()) // it is part of the program
	}
	return r
}

// Empty returns an empty room with a floor, a ceiling and sides.
func Empty() *Room {
	r := &Room{}
	r.Gravity = geom.Vec{Y: -9.81}
	r.View = &scene.View{Hi: geom.Vec{X: width, Y: height}}
	const t = 0.2 // of half the thickness
	for _, w := range []struct {
		name         string
		x, y, hw, hh float32
	}{
		{"floor", width / 2, -t + 0.2, width/2 + 2*t, t}, {"ceiling", width / 2, height + t, width/2 + 2*t, t},
		{"left", -t, height / 2, t, height / 2}, {"right", width + t, height / 2, t, height / 2},
	} {
		r.Bodies = append(r.Bodies, scene.Body{
			Name: w.name, Kind: scene.Static, Position: geom.Vec{X: w.x, Y: w.y}, Role: env.RoleGround,
			Shapes: []scene.Shape{{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, w.hw, w.hh, 0), Friction: 1}},
		})
	}
	return r
}

// A drawer draws a room by chance.
type drawer struct {
	r *Room
	s *rng.Stream
}

func (d *drawer) box(x, y, hw, hh float32) scene.Body {
	return scene.Body{
		Position: geom.Vec{X: x, Y: y},
		Shapes:   []scene.Shape{{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, hw, hh, 0), Density: 1, Friction: 0.8}},
	}
}

func (d *drawer) ball(x, y, radius float32) scene.Body {
	return scene.Body{
		Position: geom.Vec{X: x, Y: y},
		Shapes:   []scene.Shape{{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: radius, Density: 1, Friction: 0.8}},
	}
}

func (d *drawer) room() {
	left := d.s.IntN(2) == 0
	x := func(v float32) float32 { // from the agent's side
		if left {
			return v
		}
		return width - v
	}
	switch d.s.IntN(3) {
	case 0:
		d.car(x(d.s.Range(1, 1.6)))
	case 1:
		d.craft(x(d.s.Range(0.8, 2)), d.s.Range(1, 2.5))
	default:
		d.arm(x(d.s.Range(2.5, 3.5)))
	}
	for range d.s.IntN(3) { // blocks
		b := d.box(x(d.s.Range(3, 6)), 0, d.s.Range(0.1, 0.6), d.s.Range(0.05, 0.35))
		b.Position.Y = 0.2 + b.Shapes[0].Points[2].Y + 0.002
		b.Role = env.RoleObject
		if d.s.IntN(2) == 0 {
			b.Kind, b.Role = scene.Static, env.RoleGround
		}
		d.r.Add(b)
	}
	goal := d.ball(x(d.s.Range(5.5, 7.5)), 0, d.s.Range(0.15, 0.35))
	goal.Role = env.RoleGoal
	goal.Position.Y = 0.202 + goal.Shapes[0].Radius
	if d.s.IntN(2) == 0 {
		goal.Kind, goal.Position.Y = scene.Static, d.s.Range(0.6, 2.5)
	}
	d.r.Add(goal)
	for range d.s.IntN(3) {
		h := d.box(x(d.s.Range(3, 7.5)), d.s.Range(0.5, 4.5), d.s.Range(0.1, 0.4), d.s.Range(0.1, 0.4))
		h.Kind, h.Role = scene.Static, env.RoleHazard
		d.r.Add(h)
	}
	d.r.Usual()
}

func (d *drawer) car(x float32) {
	hw, radius := d.s.Range(0.3, 0.6), d.s.Range(0.15, 0.28)
	hull := d.box(x, 0.21+float32(1.4*radius), hw, 0.12)
	hull.Name, hull.Role = "hull", env.RoleAgent
	h := d.r.Add(hull)
	var drive []Control
	for i, side := range [2]float32{-1, 1} {
		w := d.ball(x+float32(side*hw), 0.21+radius, radius)
		w.Name, w.Role = [2]string{"rear", "front"}[i], env.RoleLimb
		w.Shapes[0].Friction = 1.2
		k := d.r.Join(scene.Revolute, h, d.r.Add(w), w.Position)
		d.r.ToggleMotor(k)
		d.r.Joints[k].Motor.Speed = -12
		drive = append(drive, Control{Joint: d.r.Joints[k].Name})
	}
	if d.s.IntN(3) == 0 {
		t := d.r.AddThruster(h, hull.Position.Sub(geom.Vec{Y: 0.12}), geom.Vec{Y: 1})
		drive = append(drive, Control{Column: 1, Thruster: d.r.Thrusters[t].Name})
	}
	d.r.Controls = drive
}

func (d *drawer) craft(x, y float32) {
	hw := d.s.Range(0.25, 0.45)
	hull := d.box(x, y, hw, d.s.Range(0.12, 0.25))
	hull.Name, hull.Role, hull.AngularDamping = "hull", env.RoleAgent, 1
	h := d.r.Add(hull)
	low := -hull.Shapes[0].Points[2].Y
	for _, side := range [2]float32{-1, 1} {
		t := d.r.AddThruster(h, geom.Vec{X: x + float32(side*hw*0.9), Y: y + low}, geom.Vec{Y: 1})
		d.r.Thrusters[t].Max *= 0.6
	}
}

// arm hangs two links on a post that stands beside the middle.
func (d *drawer) arm(x float32) {
	length := d.s.Range(0.7, 1)
	at := geom.Vec{X: x, Y: d.s.Range(1, 1.6)}
	before := World
	for i, name := range [2]string{"upper", "fore"} {
		link := d.box(at.X, at.Y+float32(length/2), 0.07, length/2)
		link.Name, link.Role = name, [2]env.Role{env.RoleLimb, env.RoleAgent}[i]
		body := d.r.Add(link)
		k := d.r.Join(scene.Revolute, before, body, at)
		d.r.ToggleMotor(k)
		d.r.Joints[k].Motor.Speed, d.r.Joints[k].Motor.Max = 4, 30
		at.Y += length
		before = body
	}
}

// overlaps reports whether bodies that may collide are on top of each other.
func (r *Room) overlaps() bool {
	for i := range r.Bodies {
		for k := range r.Bodies {
			if r.overlap(i, k) {
				return true
			}
		}
	}
	return false
}

// overlap reports whether the middle of body i is in the other one, or nearly, as far as a disc
// within it tells.
func (r *Room) overlap(i, k int) bool {
	a, b := &r.Bodies[i], &r.Bodies[k]
	if i == k || len(a.Shapes) == 0 || len(b.Shapes) == 0 || a.Kind == scene.Static && b.Kind == scene.Static || r.joined(i, k) {
		return false
	}
	t := traits(a)
	return gap(b, r.Local(k, a.Position)) < 0.9*t.inner && a.Shapes[0].Collides(b.Shapes[0].Filter)
}

func (r *Room) joined(a, b int) bool {
	for i := range r.Joints {
		j := &r.Joints[i]
		if p, q := r.Body(j.A), r.Body(j.B); p == a && q == b || p == b && q == a {
			return true
		}
	}
	return false
}

// idle reports whether a valid room is neither won nor lost, and nothing flies apart, by doing
// nothing.
func idle(r *Room) bool {
	c, err := compile(r)
	if err != nil {
		return false
	}
	won, lost, still := newWorld([]*compiled{c}).wait()
	return won == 0 && lost == 0 && still
}

// wait does nothing for three seconds. It returns whether that has won or lost, and whether all
// that moves does so at less than 30 m/s.
func (w *world) wait() (won, lost float32, still bool) {
	w.Reset(&env.Level{Params: []float32{gravity: 1, strength: 1, shove: 0}}, rng.Key{})
	b := &env.Batch{N: 1, Act: make([]float32, MostControls), Facts: make([]float32, factRule+MostRules), End: make([]env.End, 1)}
	for range 90 {
		w.Step(b)
		if b.End[0] != env.Running {
			return b.Facts[factWon], b.Facts[factLost], true
		}
		for i := range w.c.bodies {
			if v, _ := w.phys.Velocity(i); !(v.Len() < 30) {
				return 0, 0, false
			}
		}
	}
	return 0, 0, true
}

// Mutate returns a copy of a valid room with one to three changes by chance: something is moved,
// turned, made larger or smaller, added or removed, or has another role. The result is valid too;
// where chance finds no such change the room is returned as it is.
func (r *Room) Mutate(key rng.Key) *Room {
	for i := range uint32(attempts) {
		s := key.Stream(mutatePurpose, 0, i)
		m := drawer{r: r.Clone(), s: &s}
		changed := false
		for range 1 + s.IntN(3) {
			changed = m.change() || changed
		}
		if changed && m.r.Validate() == nil && !m.r.overlaps() && idle(m.r) {
			return m.r
		}
	}
	return r.Clone()
}

// change makes one change, or finds that it cannot be made.
func (d *drawer) change() bool {
	r, s := d.r, d.s
	lo, hi := r.Bounds()
	i := s.IntN(len(r.Bodies))
	b := &r.Bodies[i]
	if b.Role == env.RoleGround && b.Kind == scene.Static && s.IntN(4) > 0 {
		i = len(r.Bodies) - 1 // walls are seldom worth a change
		b = &r.Bodies[i]
	}
	switch s.IntN(7) {
	case 0, 1:
		r.Move(i, geom.Vec{X: s.Range(-1, 1), Y: s.Range(-0.6, 0.6)})
	case 2:
		r.Rotate(i, s.Range(-0.6, 0.6))
	case 3:
		r.Scale(i, s.Range(0.7, 1.4), 1)
	case 4:
		f := s.Range(0.75, 1.3)
		r.Scale(i, f, f)
	case 5:
		at := geom.Vec{X: s.Range(lo.X, hi.X), Y: s.Range(lo.Y, hi.Y)}
		n := d.box(at.X, at.Y, s.Range(0.1, 0.5), s.Range(0.1, 0.4))
		n.Role = [3]env.Role{env.RoleObject, env.RoleHazard, env.RoleGround}[s.IntN(3)]
		if n.Role != env.RoleObject {
			n.Kind = scene.Static
		}
		had := len(r.Rules)
		r.Add(n)
		if n.Role == env.RoleHazard && had > 0 && len(r.selected("@hazard")) == 1 && len(r.selected("@agent")) > 0 {
			r.Rules = append(r.Rules, Rule{When: Touch, A: "@agent", B: "@hazard", Then: Lose})
		}
	default:
		if b.Role == env.RoleAgent || b.Role == env.RoleLimb || b.Role == env.RoleGround {
			return false
		}
		r.Remove(i)
	}
	return true
}
