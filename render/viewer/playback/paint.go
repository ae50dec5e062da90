package playback

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A screen is where things are on the picture, and what draws them.
type screen struct {
	painter     scene.Painter
	list        scene.List
	light, dark *scene.Theme
	cols        int
	cell        image.Point // size
	area        image.Rectangle
	bar         image.Rectangle
}

const (
	gap       = 3  // pixels between episodes
	barHeight = 36 // of the strip with the bar
	textSize  = 14
)

// layout divides a picture among n episodes, in cells of about the ratio width to height.
func (c *screen) layout(r image.Rectangle, n int, ratio float64) {
	c.area = image.Rect(r.Min.X, r.Min.Y, r.Max.X, max(r.Min.Y+1, r.Max.Y-barHeight))
	c.bar = image.Rect(r.Min.X+12, r.Max.Y-barHeight, max(r.Min.X+13, r.Max.X-190), r.Max.Y)
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

// Paint draws everything on dst. After the first pictures of a size it hardly allocates.
func (s *State) Paint(dst *image.RGBA) {
	c := &s.screen
	if c.light == nil {
		c.light, c.dark = scene.Light(), scene.Dark()
	}
	t := c.light
	if s.Dark {
		t = c.dark
	}
	fill(dst, dst.Rect, t.Mat)
	shown := s.visible()
	shown[0].Draw(&c.list)
	c.layout(dst.Rect, len(shown), float64(scene.Ratio(&c.list)))
	for i, p := range shown {
		s.episode(dst, c.place(i), p, t)
	}
	if !s.Solo && len(shown) > 1 {
		border(dst, c.place(s.Selected), t.Roles[env.RoleAgent].Fill)
	}
	s.controls(dst, t)
	p := s.Players[s.Selected]
	if s.Graph {
		s.graph(dst, p, t)
	}
	if s.Panel {
		s.panel(dst, p, t)
	}
	if s.Help {
		s.help(dst, t)
	}
}

func (s *State) episode(dst *image.RGBA, area image.Rectangle, p *replay.Player, t *scene.Theme) {
	c := &s.screen
	p.Draw(&c.list)
	s.frame(&c.list)
	c.painter.Paint(dst, area, &c.list, t)
	switch w := area.Dx(); {
	case w >= 400:
		c.painter.Caption(dst, area, p.Caption(), t)
	case w >= 90:
		c.painter.Caption(dst, area, replay.Number(p.Return(), 1), t)
	}
}

// controls draws the bar and what is said beside it.
func (s *State) controls(dst *image.RGBA, t *scene.Theme) {
	c := &s.screen
	middle := (c.bar.Min.Y + c.bar.Max.Y) / 2
	groove := image.Rect(c.bar.Min.X, middle-2, c.bar.Max.X, middle+2)
	faint := t.Text
	faint.A = 60
	fill(dst, groove, faint)
	length := s.Length()
	at := c.bar.Min.X
	if length > 0 {
		at += int(min(s.Time/length, 1) * float64(c.bar.Dx()))
	}
	accent := t.Roles[env.RoleAgent].Fill
	fill(dst, image.Rect(groove.Min.X, groove.Min.Y, at, groove.Max.Y), accent)
	fill(dst, image.Rect(at-3, middle-8, at+3, middle+8), accent)
	state := "paused"
	if s.Playing {
		state = fmt.Sprintf("\u00d7%g", s.Speed())
	}
	text := fmt.Sprintf("%.1f / %.1f s  %s   h: help", min(s.Time, length), length, state)
	c.painter.Text(dst, float32(c.bar.Max.X+12), float32(middle)+5, 12, text, t.Text)
}

// graph draws the return of an episode up to now, above the bar.
func (s *State) graph(dst *image.RGBA, p *replay.Player, t *scene.Theme) {
	c := &s.screen
	box := image.Rect(c.area.Min.X+12, c.area.Max.Y-92, c.area.Min.X+min(300, c.area.Dx()-12), c.area.Max.Y-12)
	plate(dst, box, t)
	sums := p.Returns()
	lo, hi := 0.0, 0.0
	for _, v := range sums {
		lo, hi = min(lo, v), max(hi, v)
	}
	if hi == lo {
		hi = lo + 1
	}
	inner := box.Inset(8)
	c.painter.Text(dst, float32(inner.Min.X), float32(inner.Min.Y)+8, 11, "return "+replay.Number(p.Return(), 1), t.Text)
	inner.Min.Y += 14
	y := func(v float64) int { return inner.Max.Y - int((v-lo)/(hi-lo)*float64(inner.Dy())) }
	faint := t.Text
	faint.A = 90
	fill(dst, image.Rect(inner.Min.X, y(0), inner.Max.X, y(0)+1), faint)
	for x := inner.Min.X; x < inner.Max.X; x++ {
		k := (x - inner.Min.X) * p.Len() / inner.Dx()
		if k > p.Step() || k >= len(sums) {
			break
		}
		fill(dst, image.Rect(x, y(sums[k])-1, x+2, y(sums[k])+1), t.Roles[env.RoleAgent].Fill)
	}
}

// panel lists the last observation, action and facts of an episode at the right.
func (s *State) panel(dst *image.RGBA, p *replay.Player, t *scene.Theme) {
	const line, wide = 17, 250
	c, spec := &s.screen, p.Spec()
	b := p.Batch()
	type section struct {
		name   string
		fields []env.Field
		row    []float32
	}
	sections := []section{{"observation", spec.Obs, b.Obs}}
	if p.Step() > 0 {
		sections = []section{{"observation", spec.Obs, b.Next}, {"action", spec.Act, b.Act}, {"facts", spec.Facts, b.Facts}}
	}
	lines := 0
	for _, sec := range sections {
		lines += 1 + env.Width(sec.fields)
	}
	box := image.Rect(c.area.Max.X-wide, c.area.Min.Y+8, c.area.Max.X-8, min(c.area.Min.Y+20+lines*line, c.area.Max.Y-8))
	plate(dst, box, t)
	y := box.Min.Y + 4
	for _, sec := range sections {
		y += line
		c.painter.Text(dst, float32(box.Min.X+8), float32(y), 12, sec.name, t.Roles[env.RoleAgent].Fill)
		at := 0
		for _, f := range sec.fields {
			for i := range f.Len {
				y += line
				if y > box.Max.Y-4 {
					return
				}
				s.meter(dst, image.Rect(box.Min.X+8, y-line, box.Max.X-8, y), f, i, sec.row[at], t)
				at++
			}
		}
	}
}

// meter writes a value of a field, with a bar of where it lies between the field's bounds.
func (s *State) meter(dst *image.RGBA, r image.Rectangle, f env.Field, i int, v float32, t *scene.Theme) {
	name := f.Name
	if f.Len > 1 {
		name = fmt.Sprintf("%s %d", f.Name, i)
	}
	c := &s.screen
	c.painter.Text(dst, float32(r.Min.X+8), float32(r.Max.Y), 12, name, t.Text)
	c.painter.Text(dst, float32(r.Max.X-110), float32(r.Max.Y), 12, replay.Number(float64(v), 3), t.Text)
	lo, hi := f.Lo, f.Hi
	if f.Choices > 0 {
		lo, hi = 0, float32(f.Choices-1)
	}
	span := hi - lo
	if !(span > 0) || span-span != 0 {
		return // without bounds there is no bar
	}
	bar := image.Rect(r.Max.X-48, r.Max.Y-8, r.Max.X, r.Max.Y-3)
	faint := t.Text
	faint.A = 50
	fill(dst, bar, faint)
	bar.Max.X = bar.Min.X + int(max(0, min((v-lo)/span, 1))*float32(bar.Dx()))
	fill(dst, bar, t.Roles[env.RoleAgent].Fill)
}

// help lists the keys in the middle.
func (s *State) help(dst *image.RGBA, t *scene.Theme) {
	const line = 22
	c := &s.screen
	size := image.Pt(360, len(Keys)*line+24)
	at := c.area.Min.Add(c.area.Size().Sub(size).Div(2))
	box := image.Rectangle{Min: at, Max: at.Add(size)}
	plate(dst, box, t)
	plate(dst, box, t)
	for i, k := range Keys {
		y := float32(at.Y + 10 + (i+1)*line)
		c.painter.Text(dst, float32(at.X+20), y, textSize, k.Shown, t.Roles[env.RoleAgent].Fill)
		c.painter.Text(dst, float32(at.X+120), y, textSize, k.Doc, t.Text)
	}
}

// fill blends a colour over a rectangle.
func fill(dst *image.RGBA, r image.Rectangle, c color.NRGBA) {
	draw.Draw(dst, r, image.NewUniform(c), image.Point{}, draw.Over)
}

func plate(dst *image.RGBA, r image.Rectangle, t *scene.Theme) {
	c := t.Mat
	c.A = 200
	fill(dst, r, c)
}

// border draws the frame of a rectangle.
func border(dst *image.RGBA, r image.Rectangle, c color.NRGBA) {
	const w = 2
	fill(dst, image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+w), c)
	fill(dst, image.Rect(r.Min.X, r.Max.Y-w, r.Max.X, r.Max.Y), c)
	fill(dst, image.Rect(r.Min.X, r.Min.Y, r.Min.X+w, r.Max.Y), c)
	fill(dst, image.Rect(r.Max.X-w, r.Min.Y, r.Max.X, r.Max.Y), c)
}
