//go:build lanesource

package physics

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
