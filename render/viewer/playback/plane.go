package playback

import (
	"image"
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A Plane is what a run knows of the places of its world: how often training was in each, and the bonus
// for novelty that was paid there. Cells are numbered row by row from the lower left corner.
type Plane struct {
	Lo, Hi     geom.Vec
	Metres     bool // of what is drawn; else worlds say where a place is by env.Charter, or have no overlay
	Cols, Rows int
	Visits     []float64 // 0 where nobody was
	Bonus      []float64 // mean; NaN where nobody was
}

// Overlay says what of a Plane is shown.
type Overlay uint8

const (
	OverlayNone Overlay = iota
	OverlayVisits
	OverlayBonus
	overlayCount
)

// nextOverlay shows something else of the plane.
func (s *State) nextOverlay() {
	if s.Plane == nil {
		s.Say("no run shown has a map of training: it needs places, as in maze-v0, lander-v0 or sandbox-v0")
		return
	}
	s.Overlay = (s.Overlay + 1) % overlayCount
	s.Say([overlayCount]string{"no map of training", "map of training: visits, on a scale of powers", "map of training: mean bonus"}[s.Overlay])
}

// value returns what an overlay shows of a cell, NaN where there is nothing.
func (p *Plane) value(o Overlay, cell int) float64 {
	if o == OverlayBonus {
		return p.Bonus[cell]
	}
	if p.Visits[cell] == 0 {
		return math.NaN()
	}
	return math.Log1p(p.Visits[cell])
}

// draw colours the cells of a plane on area, which shows l.
func (p *Plane) draw(dst Surface, area image.Rectangle, l *scene.List, o Overlay) {
	origin, unit, ok := l.Charted()
	switch {
	case p.Metres:
		origin, unit = geom.Vec{}, geom.Vec{X: 1, Y: 1}
	case !ok:
		return
	}
	least, most := math.Inf(1), math.Inf(-1)
	for i := range p.Visits {
		if v := p.value(o, i); !math.IsNaN(v) {
			least, most = min(least, v), max(most, v)
		}
	}
	if o == OverlayVisits {
		least = 0
	}
	lo, hi := l.Bounds()
	cam := scene.Fit(area, lo, hi)
	size := geom.Vec{X: (p.Hi.X - p.Lo.X) / float32(p.Cols), Y: (p.Hi.Y - p.Lo.Y) / float32(p.Rows)}
	for i := range p.Visits {
		v := p.value(o, i)
		if math.IsNaN(v) {
			continue
		}
		at := geom.Vec{X: p.Lo.X + float32(i%p.Cols)*size.X, Y: p.Lo.Y + float32(i/p.Cols)*size.Y}
		to := at.Add(size)
		x0, y1 := cam.Pixel(origin.Add(geom.Vec{X: at.X * unit.X, Y: at.Y * unit.Y}))
		x1, y0 := cam.Pixel(origin.Add(geom.Vec{X: to.X * unit.X, Y: to.Y * unit.Y}))
		r := image.Rect(int(geom.Floor(x0)), int(geom.Floor(y0)), int(geom.Floor(x1)), int(geom.Floor(y1))).Intersect(area)
		f := 0.5
		if most > least {
			f = (v - least) / (most - least)
		}
		dst.Fill(r, faint(heatColour(float32(f)), 150))
	}
}
