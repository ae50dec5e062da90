//go:build lanesource

package physics

import "math/bits"

// A laneFree is an impulse strictly within its bounds in those worlds in which in is not 0.
type laneFree struct {
	in       lanes
	x        lanes
	sum      lanes
	down, up lanes
	friction lanes // 0 unless it is tangential
	slide    lanes
	slip     lanes
	least    lanes  // pivots below are too small
	has      uint32 // a bit for each world
	row      int32
	normal   bool      // of a contact
	_        [13]int32 // so that all lanes are where a cache line begins
}

// seek lists the free impulses of the worlds that have not converged, and lets those wait that are to be solved for.
func (g *laneGroup) seek(e *laneExact) {
	in := mask(g.going != 0)
	g.exact = 0
	if !some(in) {
		return
	}
	count, slides := g.collectFree(in)
	in = in && count <= maxFree && (count >= 2 || count == 1 && slides != 0)
	g.exact = choose(in, 1, 0)
	worlds := bitsOf(in)
	var n [laneCount]int
	for i := range g.free {
		for has := g.free[i].has & worlds; has != 0; has &= has - 1 {
			l := bits.TrailingZeros32(has) % laneCount
			g.unknown[l][n[l]] = int32(i)
			n[l]++
		}
	}
	for ; worlds != 0; worlds &= worlds - 1 {
		l := bits.TrailingZeros32(worlds) % laneCount
		e.add(g, l, n[l])
	}
}

// improve applies the impulses that have been solved for.
func (g *laneGroup) improve() {
	in := mask(g.exact != 0)
	if !some(in) {
		return
	}
	for i := range g.free {
		f := &g.free[i]
		if m := mask(in && f.in != 0); some(m) {
			g.applyFree(f, m)
		}
	}
}

// addFree appends an impulse that is free where in holds.
func (g *laneGroup) addFree(row int32, in mask) *laneFree {
	g.free = g.free[:len(g.free)+1]
	f := &g.free[len(g.free)-1]
	f.in, f.has, f.row, f.normal = choose(in, 1, 0), bitsOf(in), row, false
	f.friction, f.slide, f.slip, f.least = 0, 0, 0, 0.5*g.rows[row].soft
	return f
}

// collectFree lists the free impulses of the worlds in which in holds, and returns how many
// each world has, and where it is not 0 some slide.
func (g *laneGroup) collectFree(in mask) (count, slides lanes) {
	g.free = g.free[:0]
	for i := range g.axes {
		x, r := &g.axes[i], &g.rows[i]
		rel := g.now.speeds[i]
		_, kind := x.solve(r, rel)
		lower, upper := mask(kind == lanes(lowerFree)), mask(kind == lanes(upperFree))
		stalled := x.stalled(choose(lower, x.lo, x.hi))
		want := choose(lower, x.lo, choose(upper, x.hi, x.want))
		down := choose(lower, r.impulse-stalled, choose(upper, unbounded, x.most+r.impulse))
		up := choose(lower, unbounded, choose(upper, stalled-r.impulse, x.most-r.impulse))
		m := in && x.in != 0 && down > 0 && up > 0 && kind != lanes(bounded)
		if some(m) {
			f := g.addFree(int32(i), m)
			f.x, f.down, f.up = want-rel, down, up
			count += f.in
		}
	}
	most := lanes(float32(min(maxFree, len(g.m.joints)+2*g.m.layout.contacts)))
	for i := range g.grips {
		x := &g.grips[i]
		n, t := g.rows[x.row].impulse, g.rows[x.row+1].impulse
		m := in && x.in != 0 && n > 0 && count+2 <= most
		if !some(m) {
			continue
		}
		f := g.addFree(x.row, m)
		f.normal = true
		f.x, f.down, f.up = x.least-g.now.speeds[x.row], n, unbounded
		cone := lanes(x.friction * n)
		f.slide = choose(t >= cone, x.friction, choose(t <= -cone, -x.friction, 0))
		count += f.in
		slides = choose(m && f.slide != 0, 1, slides)
		if m = m && f.slide == 0 && cone > 0; some(m) {
			f := g.addFree(x.row+1, m)
			f.x, f.down, f.up, f.friction = -g.now.speeds[x.row+1], cone+t, cone-t, x.friction
			count += f.in
		}
	}
	return count, slides
}

// applyFree adds the impulse found for f where in holds.
func (g *laneGroup) applyFree(f *laneFree, in mask) {
	r, d := &g.rows[f.row], f.sum
	if f.normal {
		d = laneMax(r.impulse+d, 0) - r.impulse
		if m := mask(in && f.slip != 0); some(m) {
			if m {
				g.rows[f.row+1].impulse += f.slip
			}
			g.change(&g.now, f.row+1, f.slip, m)
		}
	}
	if in {
		r.impulse += d
	}
	g.change(&g.now, f.row, d, in)
}
