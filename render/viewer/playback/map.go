package playback

import (
	"fmt"
	"image"
	"image/color"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/render/replay"
)

// A Map shows what a quality-diversity search found: policies in the plane of two measures of
// their behaviour, coloured by how good they are. A click plays one.
type Map struct {
	Title  string
	Axes   [2]Axis // the second has no name where there is one measure only
	Points []Point
	Chosen int // the point that plays
	Play   func(i int) (*Track, error)

	box   image.Rectangle // of the points, in pixels
	track *Track
}

// An Axis is a measure and the range that is shown.
type Axis struct {
	Name   string
	Lo, Hi float32
}

// A Point is a policy of a Map.
type Point struct {
	At    [2]float32
	Score float32
}

// pixel returns where a point lies.
func (m *Map) pixel(p *Point) image.Point {
	at := func(i, size int) int {
		a := m.Axes[i]
		if a.Hi <= a.Lo {
			return size / 2
		}
		return int(max(0, min((p.At[i]-a.Lo)/(a.Hi-a.Lo), 1)) * float32(size-1))
	}
	return image.Pt(m.box.Min.X+at(0, m.box.Dx()), m.box.Max.Y-1-at(1, m.box.Dy()))
}

// nearest returns the point nearest to a pixel, if the pixel is on the map.
func (m *Map) nearest(x, y int) (best int, ok bool) {
	if !image.Pt(x, y).In(m.box.Inset(-6)) || len(m.Points) == 0 {
		return 0, false
	}
	least := 1 << 60
	for i := range m.Points {
		d := m.pixel(&m.Points[i]).Sub(image.Pt(x, y))
		if far := d.X*d.X + d.Y*d.Y; far < least {
			least, best = far, i
		}
	}
	return best, true
}

// chooseElite plays a point of the map, in the place of the one before.
func (s *State) chooseElite(i int) {
	m := s.Map
	if len(s.Tracks) >= Most && m.track == nil {
		s.Say(fmt.Sprintf("there are %d episodes already", Most))
		return
	}
	t, err := m.Play(i)
	if s.fail(err) {
		return
	}
	t.branch = true
	m.Chosen = i
	at := slices.Index(s.Tracks, m.track)
	if m.track != nil && at >= 0 {
		s.fail(m.track.Close())
		s.Tracks[at] = t
	} else {
		s.Tracks = append(s.Tracks, t)
		at = len(s.Tracks) - 1
	}
	m.track = t
	s.Selected, s.Solo, s.Time, s.Playing = at, true, 0, true
}

// elites draws the map at the right.
func (s *State) elites(dst Surface, t *look) {
	c, m := &s.screen, s.Map
	right := dst.Size().X - c.px(8)
	side := min(c.px(420), right/2, c.area.Dy()-c.px(20))
	frame := image.Rect(right-side, c.area.Min.Y+c.px(8), right, c.area.Min.Y+c.px(8)+side)
	plate(dst, frame, t)
	plate(dst, frame, t)
	m.box = image.Rect(frame.Min.X+c.px(14), frame.Min.Y+c.px(28), frame.Max.X-c.px(14), frame.Max.Y-c.px(26))
	p := &m.Points[m.Chosen]
	lo, hi := p.Score, p.Score
	for i := range m.Points {
		lo, hi = min(lo, m.Points[i].Score), max(hi, m.Points[i].Score)
	}
	c.label(dst, frame.Min.X+c.px(14), frame.Min.Y+c.px(19), 13,
		fmt.Sprintf("%s: %d policies, %s to %s; here %s", m.Title, len(m.Points), replay.Number(float64(lo), 1),
			replay.Number(float64(hi), 1), replay.Number(float64(p.Score), 1)), t.Text)
	dst.Fill(m.box, faint(t.Text, 25))
	half := max(2, min(m.box.Dx()/100, c.px(6)))
	for i := range m.Points {
		q := &m.Points[i]
		at, f := m.pixel(q), float32(0.5)
		if hi > lo {
			f = (q.Score - lo) / (hi - lo)
		}
		dst.Fill(image.Rect(at.X-half, at.Y-half, at.X+half, at.Y+half).Intersect(m.box), heatColour(f))
	}
	at := m.pixel(p)
	border(dst, image.Rect(at.X-half-c.px(4), at.Y-half-c.px(4), at.X+half+c.px(4), at.Y+half+c.px(4)), t.Roles[env.RoleHazard].Fill)
	text := m.Axes[0].Name + " \u2192"
	if m.Axes[1].Name != "" {
		text += "   " + m.Axes[1].Name + " \u2191"
	}
	c.label(dst, frame.Min.X+c.px(14), frame.Max.Y-c.px(9), 12, text, t.Text)
}

// heatColours go from dark blue to yellow with growing lightness (cividis, Nuñez, Anderton and Renslow,
// "Optimizing colormaps with consideration for color vision deficiency", 2018), at fifths.
var heatColours = [...]color.NRGBA{
	{0, 32, 77, 255}, {56, 74, 108, 255}, {107, 110, 116, 255}, {155, 146, 120, 255}, {207, 186, 103, 255}, {255, 234, 70, 255},
}

func heatColour(f float32) color.NRGBA {
	x := max(0, min(f, 1)) * float32(len(heatColours)-1)
	i := min(int(x), len(heatColours)-2)
	a, b, f := heatColours[i], heatColours[i+1], x-float32(i)
	m := func(p, q uint8) uint8 { return uint8(float32(p) + (float32(q)-float32(p))*f + 0.5) }
	return color.NRGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 255}
}
