package sandbox

import (
	"slices"
	"strconv"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// The methods of this file change a room that somebody draws. They keep names unique and
// references whole: what refers to something that is removed is removed too. Bodies, joints and
// regions are given by their index. A room in the making need not be valid.

// World stands for the fixed world where an edit takes a body.
const World = -1

// free returns a name that is not taken: the prefix and a number.
func free(prefix string, taken func(string) int) string {
	for i := 1; ; i++ {
		if name := prefix + strconv.Itoa(i); taken(name) < 0 {
			return name
		}
	}
}

// Add adds a body, of the name that it has or, if that is taken or missing, another one, and
// returns its index.
func (r *Room) Add(b scene.Body) int {
	if b.Name == "" || r.Body(b.Name) >= 0 {
		b.Name = free(string(b.Shapes[0].Kind), r.Body)
	}
	r.Bodies = append(r.Bodies, b)
	return len(r.Bodies) - 1
}

// Remove removes a body and what refers to it.
func (r *Room) Remove(body int) {
	name := r.Bodies[body].Name
	r.Bodies = slices.Delete(r.Bodies, body, body+1)
	r.Joints = slices.DeleteFunc(r.Joints, func(j scene.Joint) bool { return j.A == name || j.B == name })
	r.Thrusters = slices.DeleteFunc(r.Thrusters, func(t scene.Thruster) bool { return t.Body == name })
	r.Rays = slices.DeleteFunc(r.Rays, func(y scene.Ray) bool { return y.Body == name })
	r.tidy()
}

// RemoveJoint removes a joint and the controls of its motor.
func (r *Room) RemoveJoint(joint int) {
	r.Joints = slices.Delete(r.Joints, joint, joint+1)
	r.tidy()
}

// RemoveThruster removes a thruster and its controls.
func (r *Room) RemoveThruster(thruster int) {
	r.Thrusters = slices.Delete(r.Thrusters, thruster, thruster+1)
	r.tidy()
}

// RemoveGoal removes a goal region and the rules about it.
func (r *Room) RemoveGoal(goal int) {
	r.Goals = slices.Delete(r.Goals, goal, goal+1)
	r.tidy()
}

// tidy drops controls and rules that refer to nothing.
func (r *Room) tidy() {
	r.Controls = slices.DeleteFunc(r.Controls, func(c Control) bool {
		if c.Thruster != "" {
			return r.thruster(c.Thruster) < 0
		}
		j := r.joint(c.Joint)
		return j < 0 || !motor(&r.Joints[j])
	})
	r.Rules = slices.DeleteFunc(r.Rules, func(u Rule) bool {
		return len(r.selected(u.A)) == 0 || u.When == Touch && len(r.selected(u.B)) == 0 || u.When == Inside && r.goal(u.B) < 0
	})
}

// Hanging returns the bodies that move when one is moved by hand: itself, and what joints connect
// to it without going through something static.
func (r *Room) Hanging(body int) []int {
	found := []int{body}
	for i := 0; i < len(found); i++ {
		if r.Bodies[found[i]].Kind == scene.Static {
			continue
		}
		name := r.Bodies[found[i]].Name
		for k := range r.Joints {
			j := &r.Joints[k]
			for _, pair := range [2][2]string{{j.A, j.B}, {j.B, j.A}} {
				if other := r.Body(pair[1]); pair[0] == name && other >= 0 &&
					r.Bodies[other].Kind != scene.Static && !slices.Contains(found, other) {
					found = append(found, other)
				}
			}
		}
	}
	return found
}

// Move moves a body, and what hangs on it.
func (r *Room) Move(body int, by geom.Vec) {
	for _, i := range r.Hanging(body) {
		r.Bodies[i].Position = r.Bodies[i].Position.Add(by)
	}
	r.follow(body)
}

// Rotate turns a body, and what hangs on it, about its origin.
func (r *Room) Rotate(body int, angle float32) {
	turn, about := geom.Rotation(angle), r.Bodies[body].Position
	for _, i := range r.Hanging(body) {
		b := &r.Bodies[i]
		b.Position = about.Add(turn.Apply(b.Position.Sub(about)))
		b.Angle += angle
		b.Velocity = turn.Apply(b.Velocity)
	}
	r.follow(body)
}

// Scale makes a body larger, in both directions about its origin, with what is fixed to it. What
// is joined to it stays joined.
func (r *Room) Scale(body int, x, y float32) {
	b := &r.Bodies[body]
	scale := func(v geom.Vec) geom.Vec { return geom.Vec{X: v.X * x, Y: v.Y * y} }
	for i := range b.Shapes {
		s := &b.Shapes[i]
		for k := range s.Points {
			s.Points[k] = scale(s.Points[k])
		}
		s.Radius *= geom.Sqrt(geom.Abs(x * y))
	}
	for i := range r.Joints {
		if j := &r.Joints[i]; j.A == b.Name {
			j.AnchorA = scale(j.AnchorA)
		} else if j.B == b.Name {
			j.AnchorB = scale(j.AnchorB)
		}
	}
	for i := range r.Thrusters {
		if t := &r.Thrusters[i]; t.Body == b.Name {
			t.At = scale(t.At)
		}
	}
	for i := range r.Rays {
		if y := &r.Rays[i]; y.Body == b.Name {
			y.From = scale(y.From)
		}
	}
	r.rejoin(body)
}

// At returns where the anchors of a joint are in the world.
func (r *Room) At(joint int) (onA, onB geom.Vec) {
	j := &r.Joints[joint]
	return r.point(r.Body(j.A), j.AnchorA), r.point(r.Body(j.B), j.AnchorB)
}

// point returns where a local point of a body is.
func (r *Room) point(body int, p geom.Vec) geom.Vec {
	if body < 0 {
		return p
	}
	b := &r.Bodies[body]
	return b.Position.Add(geom.Rotation(b.Angle).Apply(p))
}

// Local returns a point of the world in the coordinates of a body.
func (r *Room) Local(body int, p geom.Vec) geom.Vec {
	if body < 0 {
		return p
	}
	b := &r.Bodies[body]
	return geom.Rotation(b.Angle).Unapply(p.Sub(b.Position))
}

// follow moves the anchors that a body and what hangs on it have on static bodies and on the world
// to where the bodies now are.
func (r *Room) follow(body int) {
	moved := r.Hanging(body)
	for k := range r.Joints {
		j := &r.Joints[k]
		a, b := r.Body(j.A), r.Body(j.B)
		inA, inB := slices.Contains(moved, a), slices.Contains(moved, b)
		if inA == inB || j.Kind == scene.Distance {
			continue
		}
		onA, onB := r.At(k)
		if inB {
			j.AnchorA = r.Local(a, onB)
		} else {
			j.AnchorB = r.Local(b, onA)
		}
		r.reference(j)
	}
}

// reference makes the current angle that which a joint keeps, or counts from.
func (r *Room) reference(j *scene.Joint) {
	if j.Kind == scene.Distance {
		return
	}
	j.Reference = r.Bodies[r.Body(j.B)].Angle
	if a := r.Body(j.A); a >= 0 {
		j.Reference -= r.Bodies[a].Angle
	}
}

// rejoin moves the bodies that hang on one, so that their anchors meet again.
func (r *Room) rejoin(body int) {
	done := []int{body}
	for i := 0; i < len(done); i++ {
		for k := range r.Joints {
			j := &r.Joints[k]
			if j.Kind == scene.Distance || j.Kind == scene.Prismatic {
				continue
			}
			onA, onB := r.At(k)
			a, b, off := r.Body(j.A), r.Body(j.B), onA.Sub(onB) // b is moved to a
			if b == done[i] {
				a, b, off = b, a, off.Mul(-1)
			}
			if a != done[i] || slices.Contains(done, b) {
				continue
			}
			if b < 0 || r.Bodies[b].Kind == scene.Static {
				if a == r.Body(j.A) {
					j.AnchorB = r.Local(b, onA)
				} else {
					j.AnchorA = r.Local(b, onB)
				}
				continue
			}
			r.Bodies[b].Position = r.Bodies[b].Position.Add(off)
			done = append(done, b)
		}
	}
}

// Join connects two bodies, of which the first may be World, at a point of the world. A rod joins
// the origin of a to the point on b; a slider moves along the x axis of a. It returns the joint.
func (r *Room) Join(kind scene.JointKind, a, b int, at geom.Vec) int {
	j := scene.Joint{Name: free(string(kind), r.joint), Kind: kind, B: r.Bodies[b].Name, AnchorA: r.Local(a, at), AnchorB: r.Local(b, at)}
	if a >= 0 {
		j.A = r.Bodies[a].Name
	}
	switch kind {
	case scene.Distance:
		if a >= 0 {
			j.AnchorA = geom.Vec{}
		} else {
			j.AnchorA = at.Add(geom.Vec{Y: 1})
		}
	case scene.Prismatic:
		j.Axis, j.Limits = geom.Vec{X: 1}, &[2]float32{-0.5, 0.5}
	}
	r.Joints = append(r.Joints, j)
	r.reference(&r.Joints[len(r.Joints)-1])
	return len(r.Joints) - 1
}

// ToggleMotor gives a revolute or prismatic joint a motor that suits what it moves, or takes it
// away. It reports whether the joint is of such a kind.
func (r *Room) ToggleMotor(joint int) bool {
	j := &r.Joints[joint]
	if j.Kind != scene.Revolute && j.Kind != scene.Prismatic {
		return false
	}
	if j.Motor != nil {
		j.Motor = nil
		r.tidy()
		return true
	}
	m := r.Bodies[r.Body(j.B)].Mass()
	if j.Motor = (&scene.Motor{Speed: 8, Max: max(2, 20*m.Mass*0.3)}); j.Kind == scene.Prismatic {
		j.Motor = &scene.Motor{Speed: 2, Max: max(5, 30*m.Mass)}
	}
	r.bind(Control{Joint: j.Name})
	return true
}

// AddThruster puts a thruster on a body at a point of the world, strong enough to lift what hangs
// together, and returns its index.
func (r *Room) AddThruster(body int, at, direction geom.Vec) int {
	mass := float32(0)
	for _, i := range r.Hanging(body) {
		m := r.Bodies[i].Mass()
		mass += m.Mass
	}
	b := &r.Bodies[body]
	t := scene.Thruster{
		Name: free("thruster", r.thruster), Body: b.Name, At: r.Local(body, at),
		Direction: geom.Rotation(b.Angle).Unapply(direction), Max: max(1, 1.6*mass*max(r.Gravity.Len(), 2)),
	}
	r.Thrusters = append(r.Thrusters, t)
	r.bind(Control{Thruster: t.Name})
	return len(r.Thrusters) - 1
}

// bind adds a control to those that are listed, if any are, with a column of its own if possible.
func (r *Room) bind(c Control) {
	if len(r.Controls) == 0 {
		return
	}
	for c.Column < MostControls-1 && slices.ContainsFunc(r.Controls, func(o Control) bool { return o.Column == c.Column }) {
		c.Column++
	}
	r.Controls = append(r.Controls, c)
}

// Column gives a joint or a thruster, of which one name is empty, the next column, and lists all
// controls.
func (r *Room) Column(joint, thruster string) {
	r.Controls = slices.Clone(r.controls())
	for i := range r.Controls {
		if c := &r.Controls[i]; c.Joint == joint && c.Thruster == thruster {
			c.Column = (c.Column + 1) % MostControls
		}
	}
}

// Columns returns the columns that drive a joint or a thruster, of which one name is empty.
func (r *Room) Columns(joint, thruster string) (columns []int) {
	for _, c := range r.controls() {
		if c.Joint == joint && c.Thruster == thruster {
			columns = append(columns, c.Column)
		}
	}
	return columns
}

// SetRole changes what a body is, and drops rules about roles that no body has any more.
func (r *Room) SetRole(body int, role env.Role) {
	r.Bodies[body].Role = role
	r.tidy()
}

// ToggleStatic makes a body static, or movable. It reports whether its shapes allow that.
func (r *Room) ToggleStatic(body int) bool {
	b := &r.Bodies[body]
	if b.Kind != scene.Static {
		b.Kind, b.Velocity, b.Spin = scene.Static, geom.Vec{}, 0
		return true
	}
	for i := range b.Shapes {
		if k := b.Shapes[i].Kind; k == scene.Segment || k == scene.Chain {
			return false
		}
		if b.Shapes[i].Density == 0 {
			b.Shapes[i].Density = 1
		}
	}
	b.Kind = scene.Dynamic
	return true
}

// AddRegion adds a goal region and returns its index.
func (r *Room) AddRegion(centre geom.Vec, radius float32) int {
	r.Goals = append(r.Goals, scene.Goal{Name: free("region", r.goal), Role: env.RoleGoal, Centre: centre, Radius: radius})
	return len(r.Goals) - 1
}

// Find returns the body at a point, the topmost of several, or World.
func (r *Room) Find(p geom.Vec, slack float32) int {
	for i := len(r.Bodies) - 1; i >= 0; i-- {
		if b := &r.Bodies[i]; len(b.Shapes) > 0 && gap(b, r.Local(i, p)) <= slack {
			return i
		}
	}
	return World
}

// Usual replaces the rules by those that the roles suggest, which are the rules of Kinetix: the agent
// is to touch a goal, and to be in each region; it loses by touching a hazard, or by leaving.
func (r *Room) Usual() {
	has := func(role env.Role) bool {
		return slices.ContainsFunc(r.Bodies, func(b scene.Body) bool { return b.Role == role })
	}
	r.Rules = r.Rules[:0:0]
	if has(env.RoleAgent) && has(env.RoleGoal) {
		r.Rules = append(r.Rules, Rule{When: Touch, A: "@agent", B: "@goal", Then: Win})
	}
	for i := range r.Goals {
		if has(env.RoleAgent) {
			r.Rules = append(r.Rules, Rule{When: Inside, A: "@agent", B: r.Goals[i].Name, Then: Win})
		}
	}
	if has(env.RoleAgent) && has(env.RoleHazard) {
		r.Rules = append(r.Rules, Rule{When: Touch, A: "@agent", B: "@hazard", Then: Lose})
	}
	if has(env.RoleAgent) {
		r.Rules = append(r.Rules, Rule{When: Outside, A: "@agent", Then: Lose})
	}
}

// Doubts says what is likely to be a mistake in a valid room: bodies that overlap at the start, and
// rules that doing nothing makes true.
func (r *Room) Doubts() (doubts []string) {
	for i := range r.Bodies {
		for k := range r.Bodies {
			if r.overlap(i, k) {
				doubts = append(doubts, r.Bodies[i].Name+" and "+r.Bodies[k].Name+" overlap at the start")
			}
		}
	}
	c, err := compile(r)
	if err != nil {
		return append(doubts, err.Error())
	}
	w := newWorld([]*compiled{c})
	switch won, lost, still := w.wait(); {
	case won > 0:
		doubts = append(doubts, "doing nothing wins")
	case lost > 0:
		doubts = append(doubts, "doing nothing loses")
	case !still:
		doubts = append(doubts, "something flies apart")
	}
	return doubts
}

// MoveJoint moves the anchors of a joint within its bodies.
func (r *Room) MoveJoint(joint int, by geom.Vec) {
	onA, onB := r.At(joint)
	j := &r.Joints[joint]
	j.AnchorA, j.AnchorB = r.Local(r.Body(j.A), onA.Add(by)), r.Local(r.Body(j.B), onB.Add(by))
}

// AddRay puts a distance sensor on a body at a point of the world and returns its index.
func (r *Room) AddRay(body int, from, along geom.Vec) int {
	b := &r.Bodies[body]
	name := free("ray", func(name string) int {
		return slices.IndexFunc(r.Rays, func(y scene.Ray) bool { return y.Name == name })
	})
	r.Rays = append(r.Rays, scene.Ray{Name: name, Body: b.Name, From: r.Local(body, from), Along: geom.Rotation(b.Angle).Unapply(along)})
	return len(r.Rays) - 1
}
