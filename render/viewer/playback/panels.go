package playback

import (
	"fmt"
	"image"
	"image/color"
	"slices"
	"unicode/utf8"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/render/replay"
)

func lastRune(s string) (rune, int) { return utf8.DecodeLastRuneInString(s) }

// panels draws what is asked for about the selected track at the borders of the window: graphs at
// the left from the bottom up, numbers or the map at the right, the level at the top.
func (s *State) panels(dst Surface, t *look) {
	c, p := &s.screen, s.selected()
	bottom := c.area.Max.Y - c.px(12)
	box := func(height int) image.Rectangle {
		r := image.Rect(c.px(12), bottom-c.px(height), min(c.px(330), dst.Size().X-c.px(12)), bottom)
		bottom = r.Min.Y - c.px(6)
		plate(dst, r, t)
		return r.Inset(c.px(8))
	}
	if s.Graph {
		s.graph(dst, box(80), p, t)
	}
	if s.Terms && len(p.Spec().Reward) > 0 {
		s.terms(dst, box(110+16*len(p.Spec().Reward)), p, t)
	}
	if s.Judged {
		s.judged(dst, box(120), p, t)
	}
	if s.Map != nil && !s.HideMap {
		s.elites(dst, t)
	} else if s.Panel {
		s.numbers(dst, p, t)
	}
	if s.Editor != nil {
		s.level(dst, t)
	}
}

func (c *screen) label(dst Surface, x, y int, size float32, text string, colour color.NRGBA) {
	dst.Text(float32(x), float32(y), size*c.scale, text, colour)
}

// graph draws the return of an episode up to now.
func (s *State) graph(dst Surface, box image.Rectangle, p *Track, t *look) {
	c := &s.screen
	sums := p.Returns()[:p.Step()+1]
	lo, hi := min(slices.Min(sums), 0), max(slices.Max(sums), 0)
	c.label(dst, box.Min.X, box.Min.Y+c.px(8), 11, "return "+replay.Number(p.Return(), 1), t.Text)
	box.Min.Y += c.px(14)
	zero := box.Max.Y - int(-lo/max(hi-lo, 1e-9)*float64(box.Dy()))
	dst.Fill(image.Rect(box.Min.X, zero, box.Max.X, zero+1), faint(t.Text, 90))
	s.curve(dst, box, len(sums), p.Len()+1, lo, hi, func(i int) float64 { return sums[i] }, t.Roles[env.RoleAgent].Fill)
}

// termRoles are the roles whose colours terms of the reward have.
var termRoles = [...]env.Role{env.RoleAgent, env.RoleHazard, env.RoleGoal, env.RoleKey, env.RoleOther, env.RoleObject, env.RoleLimb}

// terms draws the sums of the terms of the reward, stacked: gains up, losses down.
func (s *State) terms(dst Surface, box image.Rectangle, p *Track, t *look) {
	c, spec := &s.screen, p.Spec()
	n := len(spec.Reward)
	sums := p.terms()
	steps := len(sums) / n
	colour := func(i int) color.NRGBA { return t.Roles[termRoles[i%len(termRoles)]].Fill }
	for i, term := range spec.Reward {
		y := box.Min.Y + c.px(10+16*i)
		dst.Fill(image.Rect(box.Min.X, y-c.px(8), box.Min.X+c.px(10), y), colour(i))
		c.label(dst, box.Min.X+c.px(16), y, 11, term.Fact, t.Text)
		v := replay.Number(sums[(steps-1)*n+i], 2)
		c.label(dst, box.Max.X-int(dst.Width(11*c.scale, v)), y, 11, v, t.Text)
	}
	box.Min.Y += c.px(16 * n)
	var lo, hi float64
	for at := range steps {
		var down, up float64
		for _, v := range sums[at*n : (at+1)*n] {
			down, up = down+min(v, 0), up+max(v, 0)
		}
		lo, hi = min(lo, down), max(hi, up)
	}
	if hi == lo {
		return
	}
	y := func(v float64) int { return box.Max.Y - int((v-lo)/(hi-lo)*float64(box.Dy())) }
	const column = 3 // pixels
	for x := 0; x < box.Dx(); x += column {
		at := x * (p.Len() + 1) / box.Dx()
		if at >= steps {
			break
		}
		var down, up float64
		for i, v := range sums[at*n : (at+1)*n] {
			from := &up
			if v < 0 {
				from = &down
			}
			a, b := y(*from), y(*from+v)
			*from += v
			dst.Fill(image.Rect(box.Min.X+x, min(a, b), min(box.Min.X+x+column, box.Max.X), max(a, b)), colour(i))
		}
	}
	dst.Fill(image.Rect(box.Min.X, y(0), box.Max.X, y(0)+1), t.Text)
}

// judged draws what the policy expects, above how undecided it is.
func (s *State) judged(dst Surface, box image.Rectangle, p *Track, t *look) {
	c := &s.screen
	if p.Judge == nil {
		c.label(dst, box.Min.X, box.Min.Y+c.px(12), 11, "this policy says neither value nor entropy", t.Text)
		return
	}
	rows := p.judge()
	for i, name := range [2]string{"value", "entropy"} {
		half := box
		half.Min.Y += i * box.Dy() / 2
		half.Max.Y = half.Min.Y + box.Dy()/2 - c.px(4)
		lo, hi := float64(rows[0][i]), float64(rows[0][i])
		for _, r := range rows {
			lo, hi = min(lo, float64(r[i])), max(hi, float64(r[i]))
		}
		c.label(dst, half.Min.X, half.Min.Y+c.px(8), 11, name+" "+replay.Number(float64(rows[len(rows)-1][i]), 2), t.Text)
		half.Min.Y += c.px(14)
		role := [2]env.Role{env.RoleGoal, env.RoleHazard}[i]
		s.curve(dst, half, len(rows), p.Len()+1, lo, hi, func(k int) float64 { return float64(rows[k][i]) }, t.Roles[role].Fill)
	}
}

// numbers lists the last observation, action and facts of an episode at the right.
func (s *State) numbers(dst Surface, p *Track, t *look) {
	c, spec := &s.screen, p.Spec()
	line, wide := c.px(17), c.px(250)
	b := p.Batch()
	type section struct {
		name   string
		fields []env.Field
		row    []float32
	}
	sections := [3]section{{"observation", spec.Obs, b.Obs}}
	if p.Step() > 0 {
		// Observations may be many: what does not fit is the last of them.
		sections = [3]section{{"action", spec.Act, b.Act}, {"facts", spec.Facts, b.Facts}, {"observation", spec.Obs, b.Next}}
	}
	lines := 0
	for _, sec := range sections {
		if sec.name != "" {
			lines += 1 + env.Width(sec.fields)
		}
	}
	right := dst.Size().X
	box := image.Rect(right-wide, c.area.Min.Y+c.px(8), right-c.px(8), min(c.area.Min.Y+c.px(20)+lines*line, c.area.Max.Y-c.px(8)))
	plate(dst, box, t)
	y := box.Min.Y + c.px(4)
	for _, sec := range sections {
		if sec.name == "" {
			continue
		}
		if y += line; y > box.Max.Y-4 {
			return
		}
		c.label(dst, box.Min.X+c.px(8), y, 12, sec.name, t.Roles[env.RoleAgent].Fill)
		at := 0
		for _, f := range sec.fields {
			for i := range f.Len {
				if y += line; y > box.Max.Y-4 {
					return
				}
				s.meter(dst, image.Rect(box.Min.X+c.px(8), y-line, box.Max.X-c.px(8), y), f, i, sec.row[at], t)
				at++
			}
		}
	}
}

// meter writes a value of a field, with a bar of where it lies between the field's bounds.
func (s *State) meter(dst Surface, r image.Rectangle, f env.Field, i int, v float32, t *look) {
	name := f.Name
	if f.Len > 1 {
		name = fmt.Sprintf("%s %d", f.Name, i)
	}
	c := &s.screen
	c.label(dst, r.Min.X+c.px(8), r.Max.Y, 12, name, t.Text)
	c.label(dst, r.Max.X-c.px(110), r.Max.Y, 12, replay.Number(float64(v), 3), t.Text)
	lo, hi := f.Lo, f.Hi
	if f.Choices > 0 {
		lo, hi = 0, float32(f.Choices-1)
	}
	span := hi - lo
	if !(span > 0) || span-span != 0 {
		return // without bounds there is no bar
	}
	bar := image.Rect(r.Max.X-c.px(48), r.Max.Y-c.px(8), r.Max.X, r.Max.Y-c.px(3))
	dst.Fill(bar, faint(t.Text, 50))
	bar.Max.X = bar.Min.X + int(max(0, min((v-lo)/span, 1))*float32(bar.Dx()))
	dst.Fill(bar, t.Roles[env.RoleAgent].Fill)
}

// level lists the parameters of the open level, with sliders.
func (s *State) level(dst Surface, t *look) {
	c, e := &s.screen, s.Editor
	line := c.px(22)
	box := image.Rect(c.px(12), c.area.Min.Y+c.px(36), c.px(12)+c.px(430), c.area.Min.Y+c.px(36)+(e.Rows()+3)*line)
	plate(dst, box, t)
	plate(dst, box, t)
	accent := t.Roles[env.RoleAgent].Fill
	y := box.Min.Y + line
	c.label(dst, box.Min.X+c.px(10), y, 14, "level of "+e.Spec.ID, accent)
	row := func(i int, name, value string) {
		y += line
		if i == e.Row {
			dst.Fill(image.Rect(box.Min.X+c.px(4), y-c.px(15), box.Max.X-c.px(4), y+c.px(5)), faint(accent, 50))
		}
		c.label(dst, box.Min.X+c.px(10), y, 13, name, t.Text)
		c.label(dst, min(box.Max.X-c.px(110), box.Max.X-c.px(10)-int(dst.Width(13*c.scale, value))), y, 13, value, t.Text)
	}
	for i, p := range e.Spec.Params {
		digits := 3
		if p.Integer {
			digits = 0
		}
		row(i, p.Name, replay.Number(float64(e.Level.Params[i]), digits)+" "+p.Unit)
		slider := image.Rect(box.Min.X+c.px(150), y-c.px(8), box.Max.X-c.px(125), y-c.px(2))
		c.sliders = append(c.sliders, slider)
		dst.Fill(slider, faint(t.Text, 60))
		at := slider.Min.X + int(e.Fraction(i)*float32(slider.Dx()))
		dst.Fill(image.Rect(slider.Min.X, slider.Min.Y, at, slider.Max.Y), accent)
		dst.Fill(image.Rect(at-c.px(3), slider.Min.Y-c.px(4), at+c.px(3), slider.Max.Y+c.px(4)), accent)
	}
	row(len(e.Spec.Params), "seed", fmt.Sprint(e.Level.Seed))
	y += line
	switch {
	case e.Err != nil:
		c.label(dst, box.Min.X+c.px(10), y, 12, "cannot be played: "+e.Err.Error(), t.Roles[env.RoleHazard].Fill)
	case e.Hard >= 0:
		c.label(dst, box.Min.X+c.px(10), y, 12, fmt.Sprintf("valid; difficulty %.2f of 1      n seed  m mutate  g generate  s save", e.Hard), t.Text)
	default:
		c.label(dst, box.Min.X+c.px(10), y, 12, "valid      n seed  m mutate  g generate  s save", t.Text)
	}
}

// help lists the keys in the middle, in three columns.
func (s *State) help(dst Surface, t *look) {
	c := &s.screen
	type row struct{ shown, doc string }
	var rows []row
	for i := range Keys {
		k := &Keys[i]
		first := func(is func(k Key) bool) bool { return slices.IndexFunc(Keys, is) == i }
		switch {
		case first(func(k Key) bool { return k.Level }):
			rows = append(rows, row{"", "While a level is open (l):"})
		case first(func(k Key) bool { return k.Label }):
			rows = append(rows, row{"", "While pairs are compared (w):"})
		case first(func(k Key) bool { return k.Room }):
			rows = append(rows, row{"", "While a room is drawn (l in the sandbox):"}, row{"1 to 0", "tools"})
		}
		if k.Shown != "" {
			rows = append(rows, row{k.Shown, k.Doc})
		}
	}
	rows = append(rows, row{"", "Always:"}, row{"F12", "a picture of this window"}, row{"q", "quit"})
	const columns = 3
	split := (len(rows) + columns - 1) / columns
	size := dst.Size()
	line := min(c.px(23), (size.Y-c.px(60))/(split+1))
	wide := min(c.px(400), (size.X-c.px(60))/columns)
	text := min(float32(line)*0.62, float32(wide)*0.042)
	box := image.Rect(0, 0, columns*wide+c.px(20), (split+1)*line+c.px(12))
	box = box.Add(image.Pt((size.X-box.Dx())/2, (size.Y-box.Dy())/2))
	plate(dst, box, t)
	plate(dst, box, t)
	for i, r := range rows {
		x := float32(box.Min.X + c.px(20) + i/split*wide)
		y := float32(box.Min.Y + (i%split+1)*line)
		if r.shown == "" {
			dst.Text(x, y, text, r.doc, t.Roles[env.RoleHazard].Fill)
			continue
		}
		dst.Text(x, y, text, r.shown, t.Roles[env.RoleAgent].Fill)
		dst.Text(x+float32(wide)*0.22, y, text, r.doc, t.Text)
	}
}
