//go:build lanesource

package physics

import "unsafe"

// laneFan casts rays from one origin, a ray a lane, at the ground with points v, as castGround
// does with each of them. The ways of the rays lead to the right or straight up or down; the first
// segment to look at is given. It writes their hit fractions, 1 where nothing is hit, to dst, which may be for
// fewer rays than there are lanes.
func laneFan(v []gvert, first int, originX, originY float32, alongX, alongY, dst []float32) {
	dx, dy := take(&alongX[:laneCount][0]), take(&alongY[:laneCount][0])
	ox, oy := lanes(originX), lanes(originY)
	lo, hi := laneMin(ox, ox+dx), laneMax(ox, ox+dx)
	fraction := lanes(1)
	last := len(v) - 2
	on := mask(hi >= lo) // where rays end before the first segment, or begin behind the last, the loop sees it
	for i := first; i >= 0 && i <= last; i++ {
		p := &v[i]
		x, y, nx, ny := lanes(p.x), lanes(p.y), lanes(p.nx), lanes(p.ny)
		on = on && x <= hi && lanes(v[i+1].x) >= lo
		if !some(on) {
			break
		}
		down := lanes(dx*nx) + lanes(dy*ny)
		above := lanes((ox-x)*nx) + lanes((oy-y)*ny)
		meets := mask(on && down < 0 && above >= 0 && above < lanes(-down*fraction))
		if !some(meets) {
			continue
		}
		f := above / -down
		px, py := ox+lanes(f*dx)-x, oy+lanes(f*dy)-y
		u := lanes(px*ny) - lanes(py*nx)
		hit := mask(meets && u >= 0 && u <= lanes(p.length))
		fraction = choose(hit, f, fraction)
		on = andNot(on, hit)
	}
	var all [laneCount]float32
	put(&all[0], fraction)
	copy(dst, all[:])
}

// A laneBeam is a ray of a fan in all worlds.
type laneBeam struct {
	on   lanes // 1 while it may still hit something
	end  lanes // how far right it leads
	hits lanes // at which fraction it hits
}

// A laneSegment is a segment of a ground in all worlds, as the words of its points are in memory.
type laneSegment struct{ x, y, nx, ny, length, end, _, _ lanes }

// castFan casts the fan of every world that has been stepped, as laneFan does, and leaves what it hits to CastRays.
func (g *laneGroup) castFan() {
	f := g.m.fan
	if f == nil {
		return
	}
	b := &g.bodies[f.body]
	fx, fy := lanes(f.from.X)-b.lcx, lanes(f.from.Y)-b.lcy
	ox, oy := b.x+(lanes(b.c*fx)-lanes(b.s*fy)), b.y+(lanes(b.s*fx)+lanes(b.c*fy))
	for i := range g.beams {
		e := &g.beams[i]
		e.end, e.hits = ox+lanes(f.x[i]), 1
		e.on = choose(g.live != 0 && e.end >= ox, 1, 0)
	}
	var from, to [laneCount]unsafe.Pointer
	var left lanes // segments
	for l := range laneCount {
		w := g.ws[0]
		to[l] = unsafe.Pointer(&g.void[0])
		if l < len(g.ws) {
			w = g.ws[l]
			if g.alone>>l&1 == 0 {
				to[l] = unsafe.Pointer(&w.cast[0])
			}
		}
		v := w.groundVerts(f.ground)
		first := segmentAt(v, w.grounds[f.ground].perX, *at(&ox, l))
		from[l], *at(&left, l) = unsafe.Pointer(&v[first]), float32(len(v)-1-first)
	}
	for n := 0; g.castAt(&from, ox, oy, lanes(float32(n)) < left); n++ {
		for l := range laneCount {
			if float32(n+1) < *at(&left, l) {
				from[l] = unsafe.Add(from[l], sizeof[gvert]())
			}
		}
	}
	g.cast[castDone], g.cast[castX], g.cast[castY] = 1, ox, oy
	for i := range g.beams {
		g.cast[castHits+i] = g.beams[i].hits
	}
	scatter(&g.cast[0], &to, len(g.cast)/4)
}

// castAt casts the fans at one segment of each world, where in holds, and reports whether any ray leads on.
func (g *laneGroup) castAt(from *[laneCount]unsafe.Pointer, ox, oy lanes, in mask) (going bool) {
	var s laneSegment
	gather(&s.x, from, 2)
	in = in && s.end >= ox
	above := lanes((ox-s.x)*s.nx) + lanes((oy-s.y)*s.ny)
	for i := range g.beams {
		e := &g.beams[i]
		on := mask(in && e.on != 0 && s.x <= e.end)
		if !some(on) {
			e.on = 0
			continue
		}
		dx, dy := lanes(g.m.fan.x[i]), lanes(g.m.fan.y[i])
		down := lanes(dx*s.nx) + lanes(dy*s.ny)
		meets := mask(on && down < 0 && above >= 0 && above < -down)
		if some(meets) {
			h := above / -down
			px, py := ox+lanes(h*dx)-s.x, oy+lanes(h*dy)-s.y
			u := lanes(px*s.ny) - lanes(py*s.nx)
			hit := mask(meets && u >= 0 && u <= s.length)
			e.hits = choose(hit, h, e.hits)
			on = andNot(on, hit)
		}
		e.on = choose(on, 1, 0)
		going = going || some(on)
	}
	return going
}
