package playback

import (
	"fmt"
	"image"
	"image/color"
	"path/filepath"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	world "github.com/terrarium-rl/terrarium/env/scene"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A benchView is where things of a Bench are on the picture.
type benchView struct {
	cam     scene.Camera
	area    image.Rectangle
	buttons []button
}

// A button is a part of the picture that does something when it is clicked.
type button struct {
	r    image.Rectangle
	text string
	do   func(s *State)
}

// world returns what lies at a pixel, and how far the mouse may miss it, m.
func (v *benchView) world(x, y int) (p geom.Vec, slack float32) {
	scale := max(v.cam.Scale, 1e-6)
	return geom.Vec{X: (float32(x) - v.cam.X) / scale, Y: (v.cam.Y - float32(y)) / scale}, 9 / scale
}

// at returns the button at a pixel, the topmost of several, or nil.
func (v *benchView) at(x, y int) *button {
	for i := len(v.buttons) - 1; i >= 0; i-- {
		if image.Pt(x, y).In(v.buttons[i].r) {
			return &v.buttons[i]
		}
	}
	return nil
}

// drawRoom puts a room on a list as it is at the start.
func (b *Bench) drawRoom(l *scene.List) {
	r := b.Room
	l.Reset()
	lo, hi := r.Bounds()
	l.View(lo, hi)
	for i := range r.Grounds {
		pts := slices.Clone(r.Grounds[i].Points)
		n := len(pts)
		l.Polygon(env.RoleGround, append(pts, geom.Vec{X: pts[n-1].X, Y: lo.Y - 1}, geom.Vec{X: pts[0].X, Y: lo.Y - 1}))
	}
	for _, g := range r.Goals {
		l.Circle(g.Role, g.Centre, g.Radius, 0)
	}
	for i := range r.Bodies {
		b.drawBody(l, i)
	}
	for i := range r.Rays {
		from, to := b.sight(i)
		l.Line(env.RoleSensor, 0, []geom.Vec{from, to})
	}
	for i := range r.Thrusters {
		from, to := b.arrow(i)
		across := geom.Vec{X: from.Y - to.Y, Y: to.X - from.X}.Mul(0.3)
		l.Polygon(env.RoleForce, []geom.Vec{from, to.Add(across), to.Sub(across)})
	}
	for i := range r.Joints {
		p, q := r.At(i)
		if k := r.Joints[i].Kind; k == world.Distance || k == world.Prismatic {
			l.Line(env.RoleJoint, 0, []geom.Vec{p, q})
		}
		l.Circle(env.RoleJoint, q, 0.05, 0)
		if r.Joints[i].Motor != nil {
			l.Circle(env.RoleKey, q, 0.025, 0)
		}
	}
}

func (b *Bench) drawBody(l *scene.List, i int) {
	o := &b.Room.Bodies[i]
	for k := range o.Shapes {
		s := &o.Shapes[k]
		pts := make([]geom.Vec, len(s.Points))
		for n, p := range s.Points {
			pts[n] = b.world(i, p)
		}
		switch s.Kind {
		case world.Circle:
			l.Circle(o.Role, pts[0], s.Radius, o.Angle)
		case world.Capsule:
			l.Polygon(o.Role, capsule(pts[0], pts[1], s.Radius))
		case world.Polygon:
			l.Polygon(o.Role, pts)
		default:
			l.Line(o.Role, 0.02, pts)
		}
	}
}

// capsule returns a polygon like the capsule.
func capsule(a, b geom.Vec, r float32) (pts []geom.Vec) {
	const n = 10
	d := b.Sub(a)
	start := geom.Atan2(d.Y, d.X) - geom.Pi/2
	for _, end := range [2]geom.Vec{b, a} {
		for i := range n + 1 {
			s, c := geom.Sincos(start + float32(i)*(geom.Pi/n))
			pts = append(pts, end.Add(geom.Vec{X: r * c, Y: r * s}))
		}
		start += geom.Pi
	}
	return pts
}

// A benchPainter draws a Bench.
type benchPainter struct {
	*State
	b   *Bench
	dst Surface
	t   *look
}

// bench draws the level editor on the whole picture.
func (s *State) bench(dst Surface, t *look) {
	c := &s.screen
	p := benchPainter{s, s.Bench, dst, t}
	size := dst.Size()
	dst.Fill(image.Rectangle{Max: size}, t.Mat)
	p.b.view.buttons = p.b.view.buttons[:0]
	left, right, strip := c.px(150), c.px(310), c.px(40)
	if size.X < c.px(900) {
		right = c.px(230)
	}
	area := image.Rect(left, 0, max(size.X-right, left+1), max(size.Y-strip, 1))
	c.area = area
	c.cell = area.Size()
	p.b.drawRoom(&c.list)
	s.frame(&c.list)
	lo, hi := c.list.Bounds()
	p.b.view.cam, p.b.view.area = scene.Fit(area, lo, hi), area
	dst.World(area, &c.list, t.Theme)
	p.grid(area)
	p.marks(area)
	p.tools(image.Rect(0, 0, left, size.Y-strip))
	p.facts(image.Rect(area.Max.X, 0, size.X, size.Y-strip))
	p.strip(image.Rect(0, size.Y-strip, size.X, size.Y))
}

func (p *benchPainter) pixel(v geom.Vec) geom.Vec {
	x, y := p.b.view.cam.Pixel(v)
	return geom.Vec{X: x, Y: y}
}

// grid draws the lines of whole metres.
func (p *benchPainter) grid(area image.Rectangle) {
	cam := &p.b.view.cam
	if cam.Scale < 8 {
		return
	}
	colour := faint(p.t.Text, 22)
	lo, _ := p.b.view.world(area.Min.X, area.Max.Y)
	hi, _ := p.b.view.world(area.Max.X, area.Min.Y)
	for x := geom.Floor(lo.X) + 1; x < hi.X; x++ {
		at, _ := cam.Pixel(geom.Vec{X: x})
		p.dst.Fill(image.Rect(int(at), area.Min.Y, int(at)+1, area.Max.Y), colour)
	}
	for y := geom.Floor(lo.Y) + 1; y < hi.Y; y++ {
		_, at := cam.Pixel(geom.Vec{Y: y})
		p.dst.Fill(image.Rect(area.Min.X, int(at), area.Max.X, int(at)+1), colour)
	}
}

// path draws a line through points of the world, cut off at the border of the picture of it.
func (p *benchPainter) path(width float32, colour color.NRGBA, pts ...geom.Vec) {
	line := p.screen.pts[:0]
	for _, v := range pts {
		q := p.pixel(v)
		a := p.b.view.area
		line = append(line, geom.Vec{X: geom.Clamp(q.X, float32(a.Min.X), float32(a.Max.X)), Y: geom.Clamp(q.Y, float32(a.Min.Y), float32(a.Max.Y))})
	}
	p.screen.pts = line
	p.dst.Stroke(line, width*p.screen.scale, colour)
}

// ring draws a circle about a point of the world, of a radius in metres.
func (p *benchPainter) ring(width float32, colour color.NRGBA, at geom.Vec, radius float32) {
	pts := make([]geom.Vec, 0, 33)
	for i := range 33 {
		s, c := geom.Sincos(float32(i) * geom.Pi / 16)
		pts = append(pts, at.Add(geom.Vec{X: radius * c, Y: radius * s}))
	}
	p.path(width, colour, pts...)
}

// marks draws what is picked, its handles, and what is being drawn.
func (p *benchPainter) marks(image.Rectangle) {
	b, accent := p.b, p.t.Roles[env.RoleHazard].Fill
	_, slack := b.view.world(0, 0)
	i := b.Picked.Index
	switch b.Picked.Kind {
	case PickBody:
		lo, hi := outline(&b.Room.Bodies[i])
		corner := func(x, y float32) geom.Vec { return b.world(i, geom.Vec{X: x, Y: y}) }
		p.path(2, accent, corner(lo.X, lo.Y), corner(hi.X, lo.Y), corner(hi.X, hi.Y), corner(lo.X, hi.Y), corner(lo.X, lo.Y))
	case PickJoint:
		_, at := b.Room.At(i)
		p.ring(2, accent, at, slack)
	case PickThruster:
		from, to := b.arrow(i)
		p.path(3, accent, from, to)
	case PickRay:
		from, to := b.sight(i)
		p.path(3, accent, from, to)
	case PickRegion:
		g := &b.Room.Goals[i]
		p.ring(2, accent, g.Centre, g.Radius)
	}
	if turn, scale, ok := b.handles(slack); ok && b.Tool == Pointer {
		if b.Picked.Kind == PickBody {
			p.ring(2.5, accent, turn, slack*0.7)
		}
		d := slack * 0.6
		p.path(2.5, accent, scale.Add(geom.Vec{X: -d, Y: -d}), scale.Add(geom.Vec{X: d, Y: -d}), scale.Add(geom.Vec{X: d, Y: d}), scale.Add(geom.Vec{X: -d, Y: d}), scale.Add(geom.Vec{X: -d, Y: -d}))
	}
	for k := range b.corners {
		p.ring(2, accent, b.corners[k], slack/2)
		p.path(2, accent, b.corners[max(k-1, 0)], b.corners[k])
	}
	if d := &b.drag; d.kind == dragDraw {
		end := b.snap(d.at)
		switch b.Tool {
		case Box:
			p.path(2, accent, d.from, geom.Vec{X: end.X, Y: d.from.Y}, end, geom.Vec{X: d.from.X, Y: end.Y}, d.from)
		case Ball, Region:
			p.ring(2, accent, d.from, end.Sub(d.from).Len())
		default:
			p.path(2, accent, d.from, d.at)
		}
	}
}

// button draws a button and remembers it. An active one stands out; the key is what does the same.
func (p *benchPainter) button(r image.Rectangle, text, key string, active bool, do func(s *State)) {
	c := &p.screen
	fill, ink := faint(p.t.Text, 22), p.t.Text
	if active {
		fill, ink = p.t.Roles[env.RoleAgent].Fill, p.t.Mat
	}
	p.dst.Fill(r, fill)
	size := 12.5 * c.scale
	for len(text) > 0 && p.dst.Width(size, text) > float32(r.Dx()-c.px(12)) {
		_, n := lastRune(text)
		text = text[:len(text)-n]
	}
	y := float32(r.Min.Y+r.Max.Y)/2 + size*0.35
	p.dst.Text(float32(r.Min.X+c.px(7)), y, size, text, ink)
	if key != "" {
		p.dst.Text(float32(r.Max.X-c.px(7))-p.dst.Width(size, key), y, size, key, faint(ink, 150))
	}
	p.b.view.buttons = append(p.b.view.buttons, button{r, text, do})
}

// A column lays out lines from top to bottom.
type column struct {
	p   *benchPainter
	r   image.Rectangle
	y   int
	row int
}

func (p *benchPainter) column(r image.Rectangle) column {
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
func (p *benchPainter) tools(r image.Rectangle) {
	b, col := p.b, p.column(r)
	col.head("draw")
	for t := range toolCount {
		if t == Hinge {
			col.head("join and equip")
		}
		key := ""
		if t < 10 {
			key = fmt.Sprint(int(t+1) % 10)
		}
		col.button(t.String(), key, b.Tool == t, func(s *State) { s.Bench.Tool, s.Bench.corners = t, nil })
	}
	col.head("what is drawn")
	col.button("is: "+b.Role.String(), "", false, func(s *State) { s.Bench.Role = after(benchRoles, s.Bench.Role) })
	col.button(map[bool]string{true: "fixed", false: "can move"}[b.Static || b.Role == env.RoleGround], "", false, func(s *State) { s.Bench.Static = !s.Bench.Static })
	col.button(map[bool]string{true: "no grid", false: "on the grid"}[b.Free], "", false, func(s *State) { s.Bench.Free = !s.Bench.Free })
}

// strip draws the buttons at the bottom.
func (p *benchPainter) strip(r image.Rectangle) {
	c, x := &p.screen, r.Min.X+p.screen.px(8)
	for _, k := range Keys {
		if k.Bench && k.Short != "" {
			w := int(p.dst.Width(12.5*c.scale, k.Short+"   "+k.Shown)) + c.px(18)
			p.button(image.Rect(x, r.Min.Y+c.px(7), x+w, r.Max.Y-c.px(7)), k.Short, k.Shown, false, k.Do)
			x += w + c.px(5)
		}
	}
	name := filepath.Base(p.b.Path)
	if p.b.Path == "" {
		name = "not saved yet"
	} else if p.b.Dirty() {
		name += " (changed)"
	}
	if p.Message != "" && p.since < newsTime {
		name = p.Message
	}
	p.dst.Text(float32(x+c.px(8)), float32(r.Min.Y+r.Max.Y)/2+4*c.scale, 12*c.scale, name, p.t.Text)
}

// facts draws what is picked and the rules at the right.
func (p *benchPainter) facts(r image.Rectangle) {
	b, col := p.b, p.column(r)
	switch {
	case b.Err != nil:
		col.head("cannot be played")
		col.text(b.Err.Error(), p.t.Roles[env.RoleHazard].Fill)
	case len(b.Doubts) > 0:
		col.head("can be played, but")
		for _, d := range b.Doubts {
			col.text(d, p.t.Roles[env.RoleHazard].Fill)
		}
	default:
		col.head("can be played")
	}
	if b.Miss != nil {
		col.text(b.Miss.Error(), p.t.Roles[env.RoleHazard].Fill)
	}
	p.picked(&col)
	p.rules(&col)
}

// picked draws what is picked.
func (p *benchPainter) picked(col *column) {
	b, r, i := p.b, p.b.Room, p.b.Picked.Index
	do := func(f func(b *Bench)) func(s *State) { return func(s *State) { f(s.Bench) } }
	switch b.Picked.Kind {
	case PickNone:
		col.head(fmt.Sprintf("%d of %d bodies, %d controls", len(r.Bodies), sandbox.MostBodies, len(r.Joints)+len(r.Thrusters)))
		col.buttons(
			button{r: wide(50), text: fmt.Sprintf("gravity %.1f", -r.Gravity.Y), do: do(func(b *Bench) { b.change(func(r *sandbox.Room) { r.Gravity.Y = lighter(r.Gravity.Y) }) })},
			button{r: wide(50), text: "show what there is", do: do(func(b *Bench) {
				b.change(func(r *sandbox.Room) {
					r.View = nil
					lo, hi := r.Bounds()
					r.View = &world.View{Lo: lo, Hi: hi}
				})
			})})
	case PickBody:
		o := &r.Bodies[i]
		col.head(fmt.Sprintf("%s, %.2f kg", o.Name, o.Mass().Mass))
		col.button("is: "+o.Role.String(), "r", false, do((*Bench).NextRole))
		col.button(map[bool]string{true: "fixed", false: "can move"}[o.Kind == world.Static], "x", false, do((*Bench).ToggleStatic))
		for _, q := range []struct {
			name   string
			values []float32
			of     func(s *world.Shape) *float32
		}{
			{"density", []float32{0.2, 0.5, 1, 2, 4, 8}, func(s *world.Shape) *float32 { return &s.Density }},
			{"friction", []float32{0, 0.2, 0.5, 0.8, 1.2, 2}, func(s *world.Shape) *float32 { return &s.Friction }},
			{"bounce", []float32{0, 0.3, 0.6, 0.9}, func(s *world.Shape) *float32 { return &s.Restitution }},
		} {
			col.button(fmt.Sprintf("%s %.2g", q.name, *q.of(&o.Shapes[0])), "", false, do(func(b *Bench) {
				b.onBody(func(r *sandbox.Room, i int) {
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
		col.button(fmt.Sprintf("action column %v", r.Columns("", t.Name)), "k", false, do((*Bench).NextColumn))
	case PickRegion:
		g := &r.Goals[i]
		col.head(fmt.Sprintf("%s, radius %.2f m", g.Name, g.Radius))
	case PickRay:
		y := &r.Rays[i]
		col.head(fmt.Sprintf("%s on %s, %.2g m", y.Name, y.Body, y.Along.Len()))
		col.buttons(stepped("length", func(r *sandbox.Room, f float32) { r.Rays[i].Along = r.Rays[i].Along.Mul(f) })...)
		col.button(map[bool]string{true: "stays upright", false: "turns with the body"}[y.Upright], "", false,
			do(func(b *Bench) { b.change(func(r *sandbox.Room) { r.Rays[i].Upright = !r.Rays[i].Upright }) }))
	}
}

// motor draws the motor and the limits of a hinge or a slider.
func (p *benchPainter) motor(col *column, j *world.Joint) {
	b, i := p.b, p.b.Picked.Index
	do := func(f func(b *Bench)) func(s *State) { return func(s *State) { f(s.Bench) } }
	col.button(map[bool]string{true: "has a motor", false: "no motor"}[j.Motor != nil], "o", j.Motor != nil, do((*Bench).ToggleMotor))
	if j.Motor != nil {
		col.buttons(stepped(fmt.Sprintf("speed %.2g", j.Motor.Speed), func(r *sandbox.Room, f float32) { r.Joints[i].Motor.Speed *= f })...)
		col.buttons(stepped(fmt.Sprintf("most %.2g", j.Motor.Max), func(r *sandbox.Room, f float32) { r.Joints[i].Motor.Max *= f })...)
		col.button("other way round", "", false, do(func(b *Bench) { b.change(func(r *sandbox.Room) { r.Joints[i].Motor.Speed *= -1 }) }))
		col.button(fmt.Sprintf("action column %v", b.Room.Columns(j.Name, "")), "k", false, do((*Bench).NextColumn))
	}
	limit := "no limits"
	if j.Limits != nil {
		limit = fmt.Sprintf("limits %.2g to %.2g", j.Limits[0], j.Limits[1])
	}
	col.button(limit, "", j.Limits != nil, do(func(b *Bench) {
		b.change(func(r *sandbox.Room) {
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
func (p *benchPainter) rules(col *column) {
	r := p.b.Room
	col.head("rules")
	for i := range r.Rules {
		u := &r.Rules[i]
		edit := func(f func(u *sandbox.Rule)) func(s *State) {
			return func(s *State) { s.Bench.change(func(r *sandbox.Room) { f(&r.Rules[i]) }) }
		}
		then := map[sandbox.Then]string{sandbox.Win: "win", sandbox.Lose: "lose", sandbox.Measure: "only measure"}[u.Then]
		col.buttons(
			button{r: wide(35), text: u.A, do: edit(func(u *sandbox.Rule) { u.A = after(p.b.subjects(), u.A) })},
			button{r: wide(22), text: string(u.When), do: edit(func(u *sandbox.Rule) { p.b.nextWhen(u) })},
			p.object(u, edit),
			button{r: wide(8), text: "\u00d7", do: func(s *State) {
				s.Bench.change(func(r *sandbox.Room) { r.Rules = slices.Delete(r.Rules, i, i+1) })
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
		button{r: wide(50), text: "+ rule", do: func(s *State) { s.Bench.AddRule() }},
		button{r: wide(50), text: "the usual ones", do: func(s *State) { s.Bench.change((*sandbox.Room).Usual) }})
}

// object draws what a rule compares with.
func (p *benchPainter) object(u *sandbox.Rule, edit func(func(u *sandbox.Rule)) func(s *State)) button {
	switch u.When {
	case sandbox.Touch:
		return button{r: wide(35), text: u.B, do: edit(func(u *sandbox.Rule) { u.B = after(p.b.subjects(), u.B) })}
	case sandbox.Inside:
		return button{r: wide(35), text: u.B, do: edit(func(u *sandbox.Rule) { u.B = after(p.b.regions(), u.B) })}
	case sandbox.Outside:
		return button{r: wide(35), text: "what is shown", do: func(*State) {}}
	}
	return button{r: wide(35), text: fmt.Sprintf("%.1f", u.Value), do: edit(func(u *sandbox.Rule) {
		u.Value = larger([]float32{-2, -1, 0, 0.5, 1, 1.5, 2, 3, 4, 6, 8}, u.Value)
	})}
}

// subjects are what rules can be about.
func (b *Bench) subjects() (names []string) {
	for _, role := range benchRoles {
		if slices.ContainsFunc(b.Room.Bodies, func(o world.Body) bool { return o.Role == role }) {
			names = append(names, "@"+role.String())
		}
	}
	for i := range b.Room.Bodies {
		names = append(names, b.Room.Bodies[i].Name)
	}
	return names
}

func (b *Bench) regions() (names []string) {
	for i := range b.Room.Goals {
		names = append(names, b.Room.Goals[i].Name)
	}
	return names
}

// nextWhen gives a rule another predicate, with something to compare with.
func (b *Bench) nextWhen(u *sandbox.Rule) {
	whens := []sandbox.When{sandbox.Touch, sandbox.Inside, sandbox.Outside, sandbox.Above, sandbox.Below, sandbox.Faster}
	if len(b.Room.Goals) == 0 {
		whens = slices.Delete(whens, 1, 2)
	}
	u.When, u.B, u.Value = after(whens, u.When), "", 0
	switch u.When {
	case sandbox.Touch:
		u.B = b.subjects()[0]
	case sandbox.Inside:
		u.B = b.regions()[0]
	case sandbox.Above, sandbox.Faster:
		u.Value = 1
	}
}

// AddRule adds a rule that wins, to be changed.
func (b *Bench) AddRule() {
	if names := b.subjects(); len(names) > 0 && len(b.Room.Rules) < sandbox.MostRules {
		b.change(func(r *sandbox.Room) {
			r.Rules = append(r.Rules, sandbox.Rule{When: sandbox.Touch, A: names[0], B: names[len(names)-1], Then: sandbox.Win})
		})
	}
}

// wide is the width of a button in hundredths.
func wide(percent int) image.Rectangle { return image.Rect(0, 0, percent, 1) }

// stepped are buttons that make something smaller and larger.
func stepped(text string, by func(r *sandbox.Room, factor float32)) []button {
	change := func(f float32) func(s *State) {
		return func(s *State) { s.Bench.change(func(r *sandbox.Room) { by(r, f) }) }
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
