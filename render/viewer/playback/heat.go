package playback

import (
	"image"
	"image/color"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A heat counts where agents have been.
type heat struct {
	size  float32 // of a square, m; 0 before the first visit
	count map[[2]int32]int
	most  int
}

// add counts what l shows.
func (h *heat) add(l *scene.List) {
	at, ok := place(l)
	if !ok {
		return
	}
	if h.size == 0 {
		lo, hi := l.Bounds()
		h.size = max(hi.X-lo.X, hi.Y-lo.Y) / 64
		h.count = map[[2]int32]int{}
	}
	k := [2]int32{int32(geom.Floor(at.X / h.size)), int32(geom.Floor(at.Y / h.size))}
	h.count[k]++
	h.most = max(h.most, h.count[k])
}

// draw colours the squares of a view on area; c is the colour of the one visited most.
func (h *heat) draw(dst Surface, area image.Rectangle, l *scene.List, c color.NRGBA) {
	if h.most == 0 {
		return
	}
	lo, hi := l.Bounds()
	cam := scene.Fit(area, lo, hi)
	for k, n := range h.count {
		x0, y1 := cam.Pixel(geom.Vec{X: float32(k[0]) * h.size, Y: float32(k[1]) * h.size})
		x1, y0 := cam.Pixel(geom.Vec{X: float32(k[0]+1) * h.size, Y: float32(k[1]+1) * h.size})
		r := image.Rect(int(geom.Floor(x0)), int(geom.Floor(y0)), int(geom.Floor(x1)), int(geom.Floor(y1))).Intersect(area)
		c.A = uint8(40 + 180*geom.Sqrt(float32(n)/float32(h.most)))
		dst.Fill(r, c)
	}
}

// visit puts the places of a track up to the moment shown on the heat map.
func (s *State) visit(t *Track) {
	if t.Step() < t.visited {
		return
	}
	t.visited = t.Step() + 1
	if t.Draw(&s.screen.other) {
		s.heat.add(&s.screen.other)
	}
}

// warm starts the heat map with all that is known of the tracks, or ends it.
func (s *State) warm() {
	s.Heat, s.heat = !s.Heat, heat{}
	if !s.Heat {
		return
	}
	for _, t := range s.Tracks {
		was := t.Step()
		t.visited = 0
		for step := range t.Len() + 1 {
			if s.fail(t.Seek(step)) {
				return
			}
			s.visit(t)
		}
		s.fail(t.Seek(was))
	}
}
