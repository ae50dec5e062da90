package playback

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A screen is where things are on the picture, and what draws them.
type screen struct {
	list, other scene.List
	looks       [2]look // light, dark
	cols        int
	cell        image.Point // size
	area        image.Rectangle
	bar         image.Rectangle
	sliders     []image.Rectangle // of level parameters, while a level is open
	scale       float32           // of text and controls: the display's
	pts         []geom.Vec
	lines       []string // captions
}

// A look is a theme with what the viewer derives from it.
type look struct {
	*scene.Theme
	ghost, noRays, layer *scene.Theme
}

func newLook(t *scene.Theme) look {
	ghost, noRays, layer := *t, *t, *t
	for r := range ghost.Roles {
		s := &ghost.Roles[r]
		s.Merge = false
		switch env.Role(r) {
		case env.RoleAgent, env.RoleOther, env.RoleLimb, env.RoleObject, env.RoleForce:
			s.Fill.A, s.Edge.A, s.Line.A = s.Fill.A/4, s.Edge.A/2, s.Line.A/3
		default:
			*s = scene.Style{}
		}
	}
	noRays.Roles[env.RoleSensor] = scene.Style{}
	// What layers say stands out whatever lies below it.
	layer.Roles[env.RoleJoint] = t.Roles[env.RoleKey]
	return look{t, &ghost, &noRays, &layer}
}

const (
	gap       = 3  // pixels between episodes
	barHeight = 36 // of the strip with the bar
)

// px scales a length of the controls.
func (c *screen) px(v int) int { return int(float32(v)*c.scale + 0.5) }

// layout divides a picture among n episodes, in cells of about the ratio width to height.
func (c *screen) layout(r image.Rectangle, n int, ratio float64) {
	strip := c.px(barHeight)
	c.area = image.Rect(r.Min.X, r.Min.Y, r.Max.X, max(r.Min.Y+1, r.Max.Y-strip))
	c.bar = image.Rect(r.Min.X+12, r.Max.Y-strip, max(r.Min.X+13, r.Max.X-c.px(230)), r.Max.Y)
	best := 0.0
	for cols := 1; cols <= n; cols++ {
		rows := (n + cols - 1) / cols
		w, h := (c.area.Dx()-gap*(cols-1))/cols, (c.area.Dy()-gap*(rows-1))/rows
		// The cells are as good as the picture that fits into them is large.
		if size := min(float64(w), float64(h)*ratio); size > best || cols == 1 {
			w = max(min(w, int(float64(h)*ratio+0.5)), 1)
			best, c.cols, c.cell = size, cols, image.Pt(w, max(h, 1))
		}
	}
	// What is to spare of the width stays free on both sides.
	used := c.cols*(c.cell.X+gap) - gap
	c.area.Min.X += (c.area.Dx() - used) / 2
	c.area.Max.X = c.area.Min.X + used
}

// place returns the cell of an episode.
func (c *screen) place(i int) image.Rectangle {
	at := c.area.Min.Add(image.Pt(i%c.cols*(c.cell.X+gap), i/c.cols*(c.cell.Y+gap)))
	return image.Rectangle{Min: at, Max: at.Add(c.cell)}.Intersect(c.area)
}

// at returns the episode at a pixel.
func (c *screen) at(x, y int) (int, bool) {
	if c.cols == 0 || !image.Pt(x, y).In(c.area) {
		return 0, false
	}
	col, row := (x-c.area.Min.X)/(c.cell.X+gap), (y-c.area.Min.Y)/(c.cell.Y+gap)
	return row*c.cols + col, col < c.cols
}

func (c *screen) onBar(x, y int) (float64, bool) {
	if !image.Pt(x, y).In(c.bar) {
		return 0, false
	}
	return float64(x-c.bar.Min.X) / float64(max(c.bar.Dx()-1, 1)), true
}

func (c *screen) onSlider(x, y int) (int, bool) {
	for i, r := range c.sliders {
		if image.Pt(x, y).In(r.Inset(-3)) {
			return i, true
		}
	}
	return 0, false
}

// look returns the theme in use.
func (s *State) look() *look {
	c := &s.screen
	if c.looks[0].Theme == nil {
		c.looks = [2]look{newLook(scene.Light()), newLook(scene.Dark())}
	}
	if s.Dark {
		return &c.looks[1]
	}
	return &c.looks[0]
}

// Paint draws everything on dst; scale is the number of pixels that the display has for one of
// the controls.
func (s *State) Paint(dst Surface, scale float64) {
	c, t := &s.screen, s.look()
	c.scale = float32(max(scale, 0.5))
	whole := image.Rectangle{Max: dst.Size()}
	c.sliders = c.sliders[:0]
	if s.RoomEditor != nil {
		s.paintRoom(dst, t)
		if s.Help {
			s.help(dst, t)
		}
		return
	}
	if len(s.Tracks) == 0 {
		dst.Fill(whole, t.Mat)
		c.layout(whole, 1, 1)
		s.news(dst, t)
		return
	}
	shown := s.visible()
	shown[0].Draw(&c.list)
	c.layout(whole, len(shown), float64(scene.Ratio(&c.list)))
	s.mat(dst, whole, len(shown), t)
	for i, p := range shown {
		s.episode(dst, c.place(i), p, t)
	}
	s.captions(dst, shown, t)
	if len(shown) > 1 && s.Labels == nil {
		for i, p := range shown {
			if p == s.selected() {
				border(dst, c.place(i), t.Roles[env.RoleAgent].Fill)
			}
		}
	}
	if s.Labels != nil {
		s.question(dst, t)
	} else {
		s.controls(dst, t)
		s.panels(dst, t)
	}
	if s.Labels == nil || s.Failed {
		s.news(dst, t)
	}
	if s.Help {
		s.help(dst, t)
	}
}

// mat fills what no episode covers, and no more: that is most of the work of a slow display.
func (s *State) mat(dst Surface, whole image.Rectangle, n int, t *look) {
	c := &s.screen
	rows := (n + c.cols - 1) / c.cols
	bottom := c.area.Min.Y + rows*(c.cell.Y+gap) - gap
	dst.Fill(image.Rect(whole.Min.X, whole.Min.Y, c.area.Min.X, bottom), t.Mat)
	dst.Fill(image.Rect(c.area.Max.X, whole.Min.Y, whole.Max.X, bottom), t.Mat)
	dst.Fill(image.Rect(whole.Min.X, bottom, whole.Max.X, whole.Max.Y), t.Mat)
	for i := range n {
		r := c.place(i)
		dst.Fill(image.Rect(r.Max.X, r.Min.Y, r.Max.X+gap, r.Max.Y+gap), t.Mat)
		dst.Fill(image.Rect(r.Min.X, r.Max.Y, r.Max.X, r.Max.Y+gap), t.Mat)
	}
	for i := n; i < rows*c.cols; i++ {
		dst.Fill(c.place(i), t.Mat)
		dst.Fill(c.place(i).Add(image.Pt(gap, 0)), t.Mat)
	}
}

// episode draws a track on area, and over it what is asked for.
func (s *State) episode(dst Surface, area image.Rectangle, p *Track, t *look) {
	c := &s.screen
	p.Draw(&c.list)
	s.frame(&c.list)
	lo, hi := c.list.Bounds()
	theme := t.Theme
	if s.NoRays {
		theme = t.noRays
	}
	dst.World(area, &c.list, theme)
	if s.Heat {
		s.heat.draw(dst, area, &c.list, t.Roles[env.RoleHazard].Fill)
	}
	if s.Overlay != OverlayNone && s.Plane != nil && area.Dx() >= 200 {
		s.Plane.draw(dst, area, &c.list, s.Overlay)
	}
	s.layers(dst, area, p, t, lo, hi)
	if s.Solo && !s.Beside && !s.NoGhosts && p.Kin > 0 {
		for _, o := range s.Tracks {
			if o != p && o.Kin == p.Kin && o.Draw(&c.other) {
				c.other.View(lo, hi)
				dst.Over(area, &c.other, t.ghost)
			}
		}
	}
}

// captions says on each episode who plays and what it is worth: first all plates and then all texts,
// so that few batches draw them.
func (s *State) captions(dst Surface, shown []*Track, t *look) {
	c := &s.screen
	if s.Labels != nil { // who plays, and what it was worth, would sway the answer
		return
	}
	c.lines = c.lines[:0]
	for i, p := range shown {
		area, text := c.place(i), ""
		switch w := float32(area.Dx()) / c.scale; {
		case w >= 400:
			text = p.Name + drift(p) + "   " + p.Caption()
		case w >= 200:
			text = p.Name + drift(p) + "   " + p.worth()
		case w >= 80:
			text = p.worth() + drift(p)
		}
		c.lines = append(c.lines, s.caption(dst, area, text, t))
	}
	for i, text := range c.lines {
		area := c.place(i)
		size := c.captionSize(area)
		dst.Text(float32(area.Min.X)+0.6*size, float32(area.Min.Y)+1.12*size, size, text, t.Text)
	}
}

// drift says that an episode is not played as it was recorded.
func drift(p *Track) string {
	if p.Drift() == 0 {
		return ""
	}
	return fmt.Sprintf(" (not as recorded since step %d)", p.Drift())
}

// layers draws what the picture of a world leaves out.
func (s *State) layers(dst Surface, area image.Rectangle, p *Track, t *look, lo, hi geom.Vec) {
	c := &s.screen
	for _, l := range [...]struct {
		on    bool
		layer env.Layer
	}{{s.Contacts, env.LayerContacts}, {s.Joints, env.LayerJoints}, {s.Forces, env.LayerForces}} {
		if l.on {
			c.other.Reset()
			p.Inspect(&c.other, l.layer)
			c.other.View(lo, hi)
			dst.Over(area, &c.other, t.layer)
		}
	}
}

func (c *screen) captionSize(area image.Rectangle) float32 {
	return scene.CaptionSize(area) * max(c.scale, 1)
}

// caption draws the plate of a line on the upper left corner of area, and returns as much of the line
// as there is room for.
func (s *State) caption(dst Surface, area image.Rectangle, text string, t *look) string {
	size := s.screen.captionSize(area)
	pad := size * 0.4
	for len(text) > 0 && int(dst.Width(size, text)+3*pad) > area.Dx() {
		_, n := lastRune(text)
		text = text[:len(text)-n]
	}
	if text != "" {
		right, bottom := int(dst.Width(size, text)+3*pad), int(size+1.6*pad)
		dst.Fill(image.Rect(area.Min.X, area.Min.Y, area.Min.X+right, area.Min.Y+bottom), t.Plate)
	}
	return text
}

// controls draws the bar and what is said beside it.
func (s *State) controls(dst Surface, t *look) {
	c := &s.screen
	middle := (c.bar.Min.Y + c.bar.Max.Y) / 2
	groove := image.Rect(c.bar.Min.X, middle-c.px(2), c.bar.Max.X, middle+c.px(2))
	dst.Fill(groove, faint(t.Text, 60))
	length := s.Length()
	x := func(seconds float64) int {
		if length <= 0 {
			return c.bar.Min.X
		}
		return c.bar.Min.X + int(min(seconds/length, 1)*float64(c.bar.Dx()))
	}
	at, accent := x(s.Time), t.Roles[env.RoleAgent].Fill
	dst.Fill(image.Rect(groove.Min.X, groove.Min.Y, at, groove.Max.Y), accent)
	for _, p := range s.visible() {
		if p.Left > 0 { // where the branch left its origin
			b := x(float64(p.Left) * float64(p.Spec().Dt))
			dst.Fill(image.Rect(b-1, middle-c.px(6), b+1, middle+c.px(6)), t.Roles[env.RoleHazard].Fill)
		}
	}
	dst.Fill(image.Rect(at-c.px(3), middle-c.px(8), at+c.px(3), middle+c.px(8)), accent)
	state := "paused"
	if s.Playing {
		state = fmt.Sprintf("\u00d7%g", s.Speed())
	}
	if s.live() {
		state += "  live"
	}
	text := fmt.Sprintf("%.1f / %.1f s  %s   h: help", min(s.Time, length), length, state)
	dst.Text(float32(c.bar.Max.X+c.px(12)), float32(middle+c.px(5)), 12*c.scale, text, t.Text)
}

// news shows the last message above the bar.
func (s *State) news(dst Surface, t *look) {
	if s.Message == "" || s.since > newsTime && !s.Failed {
		return
	}
	c := &s.screen
	size := 14 * c.scale
	colour := t.Text
	if s.Failed {
		colour = t.Roles[env.RoleHazard].Fill
	}
	w := int(dst.Width(size, s.Message))
	x := max(c.area.Min.X+8, (c.area.Min.X+c.area.Max.X-w)/2)
	box := image.Rect(x-c.px(10), c.area.Max.Y-c.px(40), x+w+c.px(10), c.area.Max.Y-c.px(12))
	plate(dst, box, t)
	dst.Text(float32(x), float32(box.Max.Y-c.px(9)), size, s.Message, colour)
}

// curve draws a line through equally spaced values in box.
func (s *State) curve(dst Surface, box image.Rectangle, n, of int, lo, hi float64, value func(i int) float64, c color.NRGBA) {
	pts := s.screen.pts[:0]
	step := max(1, of/max(box.Dx(), 1))
	for i := 0; i < n; i += step {
		x := float32(box.Min.X) + float32(i)/float32(max(of-1, 1))*float32(box.Dx()-1)
		f := (value(i) - lo) / max(hi-lo, 1e-9)
		if math.IsNaN(f) {
			continue
		}
		pts = append(pts, geom.Vec{X: x, Y: float32(box.Max.Y) - float32(f)*float32(box.Dy())})
	}
	s.screen.pts = pts
	if len(pts) > 1 {
		dst.Stroke(pts, 1.6*s.screen.scale, c)
	}
}

func faint(c color.NRGBA, a uint8) color.NRGBA {
	c.A = a
	return c
}

func plate(dst Surface, r image.Rectangle, t *look) { dst.Fill(r, faint(t.Mat, 215)) }

// border draws the frame of a rectangle.
func border(dst Surface, r image.Rectangle, c color.NRGBA) {
	const w = 2
	dst.Fill(image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+w), c)
	dst.Fill(image.Rect(r.Min.X, r.Max.Y-w, r.Max.X, r.Max.Y), c)
	dst.Fill(image.Rect(r.Min.X, r.Min.Y, r.Min.X+w, r.Max.Y), c)
	dst.Fill(image.Rect(r.Max.X-w, r.Min.Y, r.Max.X, r.Max.Y), c)
}
