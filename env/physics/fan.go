package physics

import "github.com/terrarium-rl/terrarium/env/geom"

// A fan is the rays of a model if they can be cast together: all start at one point of a body, keep
// their directions as it turns, lead to the right or straight up or down, and see one ground and
// nothing else.
type fan struct {
	body   int
	from   geom.Vec
	ground int
	x, y   []float32 // where the rays lead; then, up to a multiple of the most lanes, rays straight up, which hit nothing
}

// What the steps in lanes leave for CastRays: whether they have cast the fan, from where, and what its rays hit.
const (
	castDone = iota // 1 if they have, and the ground is the same
	castX
	castY
	castHits
)

// room returns the number of words that keep what the rays hit, which are taken four at a time.
func (f *fan) room(rays int) int {
	if f == nil {
		return 0
	}
	return (castHits + rays + 3) / 4 * 4
}

// forgetCast makes CastRays cast the fan again.
func (w *World) forgetCast() {
	if len(w.cast) > 0 {
		w.cast[castDone] = 0
	}
}

// fanRays casts at most fanWidth rays of a fan together, if this processor can; nil if it cannot.
var (
	fanRays  func(v []gvert, first int, originX, originY float32, alongX, alongY, dst []float32)
	fanWidth int
)

// findFan returns the fan of m, nil if the rays are none.
func (m *Model) findFan() *fan {
	if len(m.rays) < 2 {
		return nil
	}
	first := &m.rays[0]
	f := &fan{body: int(first.body), from: first.from, ground: -1}
	for i := range m.rays {
		r := &m.rays[i]
		if r.body != first.body || r.from != first.from || r.mask != first.mask || !r.upright || r.along.X < 0 {
			return nil
		}
		f.x, f.y = append(f.x, r.along.X), append(f.y, r.along.Y)
	}
	for g := range m.grounds {
		if sees(first.mask, m.grounds[g].filter.Category) {
			if f.ground >= 0 {
				return nil
			}
			f.ground = g
		}
	}
	for i := range m.shapes {
		s := &m.shapes[i]
		if !s.sensor && s.body != first.body && sees(first.mask, s.filter.Category) {
			return nil
		}
	}
	if f.ground < 0 {
		return nil
	}
	for len(f.x)%16 != 0 {
		f.x, f.y = append(f.x, 0), append(f.y, 1)
	}
	return f
}

// castFan does what CastRays does, and reports whether it can.
func (w *World) castFan(dst []float32) bool {
	f := w.m.fan
	if f == nil || fanRays == nil {
		return false
	}
	o := w.WorldPoint(f.body, f.from)
	if c := w.cast; c[castDone] == 1 && c[castX] == o.X && c[castY] == o.Y {
		copy(dst[:len(w.m.rays)], c[castHits:])
		return true
	}
	v := w.groundVerts(f.ground)
	first := segmentAt(v, w.grounds[f.ground].perX, o.X)
	rays := len(w.m.rays)
	for i := 0; i < rays; i += fanWidth {
		k := min(i+fanWidth, rays)
		fanRays(v, first, o.X, o.Y, f.x[i:i+fanWidth], f.y[i:i+fanWidth], dst[i:k])
	}
	return true
}
