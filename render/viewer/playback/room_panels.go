package playback

import (
	"fmt"
	"image"
	"image/color"
	"path/filepath"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	world "github.com/terrarium-rl/terrarium/env/scene"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
)

// A column lays out lines from top to bottom.
type column struct {
	p   *roomPainter
	r   image.Rectangle
	y   int
	row int
}

func (p *roomPainter) column(r image.Rectangle) column {
	return column{p, r.Inset(p.screen.px(8)), r.Min.Y + p.screen.px(8), p.screen.px(24)}
}

func (c *column) head(text string) {
	c.y += c.p.screen.px(16)
	c.p.dst.Text(float32(c.r.Min.X), float32(c.y), 12.5*c.p.screen.scale, text, c.p.t.Roles[env.RoleAgent].Fill)
	c.y += c.p.screen.px(6)
}

func (c *column) full() bool { return c.y+c.row > c.r.Max.Y }

func (c *column) button(text, key string, active bool, do func(s *State)) {
	if !c.full() {
		c.p.button(image.Rect(c.r.Min.X, c.y, c.r.Max.X, c.y+c.row), text, key, active, do)
		c.y += c.row + c.p.screen.px(3)
	}
}

// buttons draws several in a row, of widths in hundredths.
func (c *column) buttons(bs ...button) {
	if c.full() {
		return
	}
	x := c.r.Min.X
	for _, b := range bs {
		w := b.r.Dx() * c.r.Dx() / 100
		c.p.button(image.Rect(x, c.y, x+w-c.p.screen.px(3), c.y+c.row), b.text, "", false, b.do)
		x += w
	}
	c.y += c.row + c.p.screen.px(3)
}

// text writes lines that are broken to fit.
func (c *column) text(text string, colour color.NRGBA) {
	size := 12 * c.p.screen.scale
	line := ""
	flush := func() {
		if line != "" && !c.full() {
			c.y += c.p.screen.px(16)
			c.p.dst.Text(float32(c.r.Min.X), float32(c.y), size, line, colour)
		}
		line = ""
	}
	for word := range strings.FieldsSeq(text) {
		if line != "" && c.p.dst.Width(size, line+" "+word) > float32(c.r.Dx()) {
			flush()
		}
		line = strings.TrimSpace(line + " " + word)
	}
	flush()
}

// tools draws the tools at the left.
func (p *roomPainter) tools(r image.Rectangle) {
	e, col := p.e, p.column(r)
	col.head("draw")
	for t := range toolCount {
		if t == Hinge {
			col.head("join and equip")
		}
		key := ""
		if t < 10 {
			key = fmt.Sprint(int(t+1) % 10)
		}
		col.button(t.String(), key, e.Tool == t, func(s *State) { s.RoomEditor.Tool, s.RoomEditor.corners = t, nil })
	}
	col.head("what is drawn")
	col.button("is: "+e.Role.String(), "", false, func(s *State) { s.RoomEditor.Role = after(drawnRoles, s.RoomEditor.Role) })
	col.button(map[bool]string{true: "fixed", false: "can move"}[e.Static || e.Role == env.RoleGround], "", false, func(s *State) { s.RoomEditor.Static = !s.RoomEditor.Static })
	col.button(map[bool]string{true: "no grid", false: "on the grid"}[e.Free], "", false, func(s *State) { s.RoomEditor.Free = !s.RoomEditor.Free })
}

// strip draws the buttons at the bottom.
func (p *roomPainter) strip(r image.Rectangle) {
	c, x := &p.screen, r.Min.X+p.screen.px(8)
	for _, k := range Keys {
		if k.Room && k.Short != "" {
			w := int(p.dst.Width(12.5*c.scale, k.Short+"   "+k.Shown)) + c.px(18)
			p.button(image.Rect(x, r.Min.Y+c.px(7), x+w, r.Max.Y-c.px(7)), k.Short, k.Shown, false, k.Do)
			x += w + c.px(5)
		}
	}
	name := filepath.Base(p.e.Path)
	if p.e.Path == "" {
		name = "not saved yet"
	} else if p.e.Dirty() {
		name += " (changed)"
	}
	if p.Message != "" && p.since < newsTime {
		name = p.Message
	}
	p.dst.Text(float32(x+c.px(8)), float32(r.Min.Y+r.Max.Y)/2+4*c.scale, 12*c.scale, name, p.t.Text)
}

// facts draws what is picked and the rules at the right.
func (p *roomPainter) facts(r image.Rectangle) {
	e, col := p.e, p.column(r)
	switch {
	case e.Err != nil:
		col.head("cannot be played")
		col.text(e.Err.Error(), p.t.Roles[env.RoleHazard].Fill)
	case len(e.Doubts) > 0:
		col.head("can be played, but")
		for _, d := range e.Doubts {
			col.text(d, p.t.Roles[env.RoleHazard].Fill)
		}
	default:
		col.head("can be played")
	}
	if e.Miss != nil {
		col.text(e.Miss.Error(), p.t.Roles[env.RoleHazard].Fill)
	}
	p.picked(&col)
	p.rules(&col)
}

// picked draws what is picked.
func (p *roomPainter) picked(col *column) {
	e, r, i := p.e, p.e.Room, p.e.Picked.Index
	do := func(f func(*RoomEditor)) func(s *State) { return func(s *State) { f(s.RoomEditor) } }
	switch e.Picked.Kind {
	case PickNone:
		col.head(fmt.Sprintf("%d of %d bodies, %d controls", len(r.Bodies), sandbox.MostBodies, len(r.Joints)+len(r.Thrusters)))
		col.buttons(
			button{r: wide(50), text: fmt.Sprintf("gravity %.1f", -r.Gravity.Y), do: do(func(e *RoomEditor) { e.change(func(r *sandbox.Room) { r.Gravity.Y = lighter(r.Gravity.Y) }) })},
			button{r: wide(50), text: "show what there is", do: do(func(e *RoomEditor) {
				e.change(func(r *sandbox.Room) {
					r.View = nil
					lo, hi := r.Bounds()
					r.View = &world.View{Lo: lo, Hi: hi}
				})
			})})
	case PickBody:
		o := &r.Bodies[i]
		col.head(fmt.Sprintf("%s, %.2f kg", o.Name, o.Mass().Mass))
		col.button("is: "+o.Role.String(), "r", false, do((*RoomEditor).NextRole))
		col.button(map[bool]string{true: "fixed", false: "can move"}[o.Kind == world.Static], "x", false, do((*RoomEditor).ToggleStatic))
		for _, q := range []struct {
			name   string
			values []float32
			of     func(s *world.Shape) *float32
		}{
			{"density", []float32{0.2, 0.5, 1, 2, 4, 8}, func(s *world.Shape) *float32 { return &s.Density }},
			{"friction", []float32{0, 0.2, 0.5, 0.8, 1.2, 2}, func(s *world.Shape) *float32 { return &s.Friction }},
			{"bounce", []float32{0, 0.3, 0.6, 0.9}, func(s *world.Shape) *float32 { return &s.Restitution }},
		} {
			col.button(fmt.Sprintf("%s %.2g", q.name, *q.of(&o.Shapes[0])), "", false, do(func(e *RoomEditor) {
				e.onBody(func(r *sandbox.Room, i int) {
					for k := range r.Bodies[i].Shapes {
						v := q.of(&r.Bodies[i].Shapes[k])
						*v = larger(q.values, *v)
					}
				})
			}))
		}
	case PickJoint:
		j := &r.Joints[i]
		col.head(fmt.Sprintf("%s: %s of %s and %s", j.Name, j.Kind, map[bool]string{true: "the world", false: j.A}[j.A == ""], j.B))
		if j.Kind == world.Revolute || j.Kind == world.Prismatic {
			p.motor(col, j)
		}
	case PickThruster:
		t := &r.Thrusters[i]
		col.head(fmt.Sprintf("%s on %s", t.Name, t.Body))
		col.buttons(stepped(fmt.Sprintf("%.2g N", t.Max), func(r *sandbox.Room, f float32) { r.Thrusters[i].Max *= f })...)
		col.button(fmt.Sprintf("action column %v", r.Columns("", t.Name)), "k", false, do((*RoomEditor).NextColumn))
	case PickRegion:
		g := &r.Goals[i]
		col.head(fmt.Sprintf("%s, radius %.2f m", g.Name, g.Radius))
	case PickRay:
		y := &r.Rays[i]
		col.head(fmt.Sprintf("%s on %s, %.2g m", y.Name, y.Body, y.Along.Len()))
		col.buttons(stepped("length", func(r *sandbox.Room, f float32) { r.Rays[i].Along = r.Rays[i].Along.Mul(f) })...)
		col.button(map[bool]string{true: "stays upright", false: "turns with the body"}[y.Upright], "", false,
			do(func(e *RoomEditor) { e.change(func(r *sandbox.Room) { r.Rays[i].Upright = !r.Rays[i].Upright }) }))
	}
}

// motor draws the motor and the limits of a hinge or a slider.
func (p *roomPainter) motor(col *column, j *world.Joint) {
	e, i := p.e, p.e.Picked.Index
	do := func(f func(*RoomEditor)) func(s *State) { return func(s *State) { f(s.RoomEditor) } }
	col.button(map[bool]string{true: "has a motor", false: "no motor"}[j.Motor != nil], "o", j.Motor != nil, do((*RoomEditor).ToggleMotor))
	if j.Motor != nil {
		col.buttons(stepped(fmt.Sprintf("speed %.2g", j.Motor.Speed), func(r *sandbox.Room, f float32) { r.Joints[i].Motor.Speed *= f })...)
		col.buttons(stepped(fmt.Sprintf("most %.2g", j.Motor.Max), func(r *sandbox.Room, f float32) { r.Joints[i].Motor.Max *= f })...)
		col.button("other way round", "", false, do(func(e *RoomEditor) { e.change(func(r *sandbox.Room) { r.Joints[i].Motor.Speed *= -1 }) }))
		col.button(fmt.Sprintf("action column %v", e.Room.Columns(j.Name, "")), "k", false, do((*RoomEditor).NextColumn))
	}
	limit := "no limits"
	if j.Limits != nil {
		limit = fmt.Sprintf("limits %.2g to %.2g", j.Limits[0], j.Limits[1])
	}
	col.button(limit, "", j.Limits != nil, do(func(e *RoomEditor) {
		e.change(func(r *sandbox.Room) {
			wider := map[float32]*[2]float32{0: {-0.5, 0.5}, 0.5: {-1, 1}, 1: {-2, 2}}
			is := float32(0)
			if l := r.Joints[i].Limits; l != nil {
				is = l[1]
			}
			r.Joints[i].Limits = wider[is]
		})
	}))
}

// rules draws the rules, whose parts change when they are clicked.
func (p *roomPainter) rules(col *column) {
	r := p.e.Room
	col.head("rules")
	for i := range r.Rules {
		u := &r.Rules[i]
		edit := func(f func(u *sandbox.Rule)) func(s *State) {
			return func(s *State) { s.RoomEditor.change(func(r *sandbox.Room) { f(&r.Rules[i]) }) }
		}
		then := map[sandbox.Then]string{sandbox.Win: "win", sandbox.Lose: "lose", sandbox.Measure: "only measure"}[u.Then]
		col.buttons(
			button{r: wide(35), text: u.A, do: edit(func(u *sandbox.Rule) { u.A = after(p.e.subjects(), u.A) })},
			button{r: wide(22), text: string(u.When), do: edit(func(u *sandbox.Rule) { p.e.nextWhen(u) })},
			p.object(u, edit),
			button{r: wide(8), text: "\u00d7", do: func(s *State) {
				s.RoomEditor.change(func(r *sandbox.Room) { r.Rules = slices.Delete(r.Rules, i, i+1) })
			}})
		hold := "at once"
		if u.Hold > 0 {
			hold = fmt.Sprintf("for %.1f s", u.Hold)
		}
		col.buttons(
			button{r: wide(50), text: "   " + hold, do: edit(func(u *sandbox.Rule) { u.Hold = larger([]float32{0, 0.5, 1, 2}, u.Hold) })},
			button{r: wide(50), text: "then " + then, do: edit(func(u *sandbox.Rule) {
				u.Then = after([]sandbox.Then{sandbox.Win, sandbox.Lose, sandbox.Measure}, u.Then)
			})})
	}
	col.buttons(
		button{r: wide(50), text: "+ rule", do: func(s *State) { s.RoomEditor.AddRule() }},
		button{r: wide(50), text: "the usual ones", do: func(s *State) { s.RoomEditor.change((*sandbox.Room).Usual) }})
}

// object draws what a rule compares with.
func (p *roomPainter) object(u *sandbox.Rule, edit func(func(u *sandbox.Rule)) func(s *State)) button {
	switch u.When {
	case sandbox.Touch:
		return button{r: wide(35), text: u.B, do: edit(func(u *sandbox.Rule) { u.B = after(p.e.subjects(), u.B) })}
	case sandbox.Inside:
		return button{r: wide(35), text: u.B, do: edit(func(u *sandbox.Rule) { u.B = after(p.e.regions(), u.B) })}
	case sandbox.Outside:
		return button{r: wide(35), text: "what is shown", do: func(*State) {}}
	}
	return button{r: wide(35), text: fmt.Sprintf("%.1f", u.Value), do: edit(func(u *sandbox.Rule) {
		u.Value = larger([]float32{-2, -1, 0, 0.5, 1, 1.5, 2, 3, 4, 6, 8}, u.Value)
	})}
}

// wide is the width of a button in hundredths.
func wide(percent int) image.Rectangle { return image.Rect(0, 0, percent, 1) }

// stepped are buttons that make something smaller and larger.
func stepped(text string, by func(r *sandbox.Room, factor float32)) []button {
	change := func(f float32) func(s *State) {
		return func(s *State) { s.RoomEditor.change(func(r *sandbox.Room) { by(r, f) }) }
	}
	return []button{{r: wide(18), text: "\u2212", do: change(0.8)}, {r: wide(64), text: text, do: func(*State) {}}, {r: wide(18), text: "+", do: change(1.25)}}
}

// larger returns the least of the values that is larger than v, counted around.
func larger(values []float32, v float32) float32 {
	for _, o := range values {
		if o > v+1e-4 {
			return o
		}
	}
	return values[0]
}

// lighter returns the next weaker gravity, and after none the earth's.
func lighter(g float32) float32 {
	for _, o := range []float32{-9.81, -4, -1.6, 0} {
		if o > g+1e-3 {
			return o
		}
	}
	return -9.81
}
