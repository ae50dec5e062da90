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
	x, y lanes // where it leads
	end  lanes // how far right it may still hit something
	hits lanes // at which fraction it hits
}

// aim makes the rays of the fan.
func (g *laneGroup) aim() {
	f := g.m.fan
	if f == nil {
		return
	}
	g.beams, g.cast = make([]laneBeam, len(g.m.rays)), make([]lanes, f.room(len(g.m.rays)))
	for i := range g.beams {
		g.beams[i].x, g.beams[i].y = lanes(f.x[i]), lanes(f.y[i])
	}
}

// castFan casts the fan of every world that has been stepped, as laneFan does, and leaves what it hits to CastRays.
func (g *laneGroup) castFan() {
	f := g.m.fan
	if f == nil {
		return
	}
	b, v := &g.bodies[f.body], &g.views[f.ground]
	fx, fy := lanes(f.from.X)-b.lcx, lanes(f.from.Y)-b.lcy
	ox, oy := b.x+(lanes(b.c*fx)-lanes(b.s*fy)), b.y+(lanes(b.s*fx)+lanes(b.c*fy))
	lo := choose(g.live != 0, ox, right())
	if !v.covers(lo) {
		g.seat(int32(f.ground), lo)
	}
	for i := range g.beams {
		e := &g.beams[i]
		e.end, e.hits = choose(g.live != 0, ox+e.x, -right()), 1
	}
	for beams := g.beams; len(beams) > 0; {
		k := 0
		for ; len(beams) > 0 && v.sees(k); k++ {
			beams = v.cast(k, beams, ox, oy)
		}
		if len(beams) > 0 {
			v.advance()
		}
	}
	g.cast[castDone], g.cast[castX], g.cast[castY] = 1, ox, oy
	for i := range g.beams {
		g.cast[castHits+i] = g.beams[i].hits
	}
	to := g.nowhere
	for l, w := range g.ws {
		if g.alone>>l&1 == 0 {
			to[l] = unsafe.Pointer(&w.cast[0])
		}
	}
	scatter(&g.cast[0], &to, len(g.cast)/4)
}

// cast casts rays from (ox, oy) at segment k of the view. It returns those from the first on that leads on.
func (v *laneView) cast(k int, beams []laneBeam, ox, oy lanes) []laneBeam {
	p, q := &v.knots[k], &v.knots[k+1]
	going := bitsOf(v.left > lanes(float32(k)))
	for len(beams) > 0 && bitsOf(p.x <= beams[0].end)&going == 0 {
		beams = beams[1:]
	}
	above := lanes((ox-p.x)*p.nx) + lanes((oy-p.y)*p.ny)
	going &= bitsOf(q.x >= ox) & bitsOf(above >= 0)
	if going == 0 {
		return beams
	}
	for i := range beams {
		e := &beams[i]
		down := -(lanes(e.x*p.nx) + lanes(e.y*p.ny))
		meets := going & bitsOf(p.x <= e.end) & bitsOf(down > 0) & bitsOf(above < down)
		if meets == 0 {
			continue
		}
		h := above / down
		x, y := ox+lanes(h*e.x)-p.x, oy+lanes(h*e.y)-p.y
		u := lanes(x*p.ny) - lanes(y*p.nx)
		hit := maskOf(meets) && u >= 0 && u <= p.length
		e.hits, e.end = choose(hit, h, e.hits), choose(hit, -right(), e.end)
	}
	return beams
}
