//go:build lanesource

package physics

import "math/bits"

// soloMost is the number of worlds up to which they are solved for one by one.
const soloMost = laneCount / 2

// A laneFree is an impulse strictly within its bounds in those worlds in which in is not 0.
type laneFree struct {
	in       lanes
	x        lanes
	sum      lanes
	down, up lanes
	friction lanes // 0 unless it is tangential
	slide    lanes
	slip     lanes
	has      uint32 // a bit for each world
	row      int32
	normal   bool      // of a contact
	_        [13]int32 // so that all lanes are where a cache line begins
}

// A laneUnknown is the n-th free impulse of each world.
type laneUnknown struct {
	x, soft     lanes
	d, sum      lanes
	down, up    lanes
	friction    lanes
	slide, slip lanes
	held        lanes // 1 where it has met its bound
	on          lanes // 1 where there is an n-th one
}

// refine solves for the free impulses of the worlds in which in holds.
func (g *laneGroup) refine(in mask) {
	count, slides := g.collectFree(in)
	in = in && count <= maxFree && (count >= 2 || count == 1 && slides != 0)
	if !some(in) {
		return
	}
	if worlds := bitsOf(in); bits.OnesCount32(worlds) <= soloMost {
		g.refineAlone(worlds)
	} else {
		g.refineTogether(in)
	}
	for i := range g.free {
		f := &g.free[i]
		if m := mask(in && f.in != 0); some(m) {
			g.applyFree(f, m)
		}
	}
}

// refineTogether solves for the free impulses of the worlds in which in holds, a world a lane.
func (g *laneGroup) refineTogether(in mask) {
	g.lineUpFree(bitsOf(in))
	on := in
	for range maxHolds {
		jammed := on && g.solveFree()
		if some(jammed) {
			g.unslide(bitsOf(jammed))
		}
		free := andNot(on, jammed)
		step, at, upper := g.longest()
		for i := range g.unknowns {
			u := &g.unknowns[i]
			up, down := g.rates(i)
			d := lanes(u.d * step)
			if free {
				u.sum += d
				u.slip += lanes(u.slide * d)
				u.up, u.down = laneMax(u.up-lanes(up*step), 0), laneMax(u.down-lanes(down*step), 0)
				u.x = lanes(u.x * (1 - step))
			}
		}
		on = andNot(on, free && at < 0)
		if !some(on) {
			break
		}
		g.hold(at, upper, free)
	}
	g.handBack()
}

// rates returns how fast unknown i approaches its bounds on the way to the solution.
func (g *laneGroup) rates(i int) (up, down lanes) {
	u := &g.unknowns[i]
	widening := lanes(0)
	if i > 0 {
		widening = choose(u.friction != 0, lanes(u.friction*g.unknowns[i-1].d), 0)
	}
	return u.d - widening, -u.d - widening
}

// longest returns which part of the solution the bounds allow, the number of the impulse that meets
// its bound first, -1 if none does, and 1 where that is its upper bound.
func (g *laneGroup) longest() (step, at, upper lanes) {
	step, at = 1, -1
	for i := range g.unknowns {
		u := &g.unknowns[i]
		up, down := g.rates(i)
		if m := mask(up > 0 && lanes(up*step) > u.up && u.held == 0); m {
			step, at, upper = u.up/up, lanes(float32(i)), 1
		}
		if m := mask(down > 0 && lanes(down*step) > u.down && u.held == 0); m {
			step, at, upper = u.down/down, lanes(float32(i)), 0
		}
	}
	return step, at, upper
}

// hold keeps the impulses at which the bounds were met where they are, in the worlds in which in
// holds. Friction stays at its bound as that moves.
func (g *laneGroup) hold(at, upper lanes, in mask) {
	n := len(g.unknowns)
	for i := range g.unknowns {
		u := &g.unknowns[i]
		here := mask(in && at == lanes(float32(i)))
		if !some(here) {
			continue
		}
		u.held = choose(here, 1, u.held)
		here = here && u.friction != 0
		if !some(here) {
			continue
		}
		slide := choose(upper != 0, u.friction, -u.friction)
		normal := &g.unknowns[i-1]
		normal.slide = choose(here, slide, normal.slide)
		for k := range n {
			row := g.matrix[k*n : k*n+n]
			if here {
				row[i-1] += lanes(slide * row[i])
			}
		}
	}
}

// unslide keeps friction as it is in some worlds, where it would follow the normal impulse.
func (g *laneGroup) unslide(worlds uint32) {
	for l := range laneCount {
		if worlds>>l&1 == 0 {
			continue
		}
		for k := range g.unknown[l] {
			if slide := at(&g.unknowns[k].slide, l); *slide != 0 {
				*slide = 0
				g.assembleColumn(k, l)
			}
		}
	}
}

// lineUpFree numbers the free impulses of each of some worlds and writes the matrix of the speeds
// that unit impulses, a column each, bring about.
func (g *laneGroup) lineUpFree(worlds uint32) {
	n := 0
	for l := range laneCount {
		g.unknown[l] = g.unknown[l][:0]
		if worlds>>l&1 == 0 {
			continue
		}
		for i := range g.free {
			if g.free[i].has>>l&1 != 0 {
				g.unknown[l] = append(g.unknown[l], int32(i))
			}
		}
		n = max(n, len(g.unknown[l]))
	}
	g.unknowns = g.unknowns[:n]
	clear(g.unknowns)
	clear(g.matrix[:n*n])
	for l := range laneCount {
		for k, i := range g.unknown[l] {
			f, u := &g.free[i], &g.unknowns[k]
			*at(&u.x, l), *at(&u.down, l), *at(&u.up, l) = *at(&f.x, l), *at(&f.down, l), *at(&f.up, l)
			*at(&u.friction, l), *at(&u.slide, l) = *at(&f.friction, l), *at(&f.slide, l)
			*at(&u.soft, l), *at(&u.on, l) = *at(&g.rows[f.row].soft, l), 1
			g.assembleColumn(k, l)
		}
	}
}

// assembleColumn writes the speeds that a unit of unknown k brings about in world l. A sliding
// contact's impulse comes with its friction.
func (g *laneGroup) assembleColumn(k, l int) {
	n, rows := len(g.unknowns), len(g.rows)
	own := int(g.free[g.unknown[l][k]].row)
	normal := g.dense[own*rows:][:rows]
	slide := *at(&g.unknowns[k].slide, l)
	if slide == 0 {
		for p, e := range g.unknown[l] {
			*at(&g.matrix[p*n+k], l) = *at(&normal[g.free[e].row], l)
		}
		return
	}
	tangent := g.dense[(own+1)*rows:][:rows]
	for p, e := range g.unknown[l] {
		row := g.free[e].row
		*at(&g.matrix[p*n+k], l) = *at(&normal[row], l) + float32(slide**at(&tangent[row], l))
	}
}

// handBack gives the solution to the free impulses.
func (g *laneGroup) handBack() {
	for l := range laneCount {
		for k, i := range g.unknown[l] {
			*at(&g.free[i].sum, l), *at(&g.free[i].slip, l) = *at(&g.unknowns[k].sum, l), *at(&g.unknowns[k].slip, l)
		}
	}
}

// addFree appends an impulse that is free where in holds.
func (g *laneGroup) addFree(row int32, in mask) *laneFree {
	g.free = g.free[:len(g.free)+1]
	f := &g.free[len(g.free)-1]
	f.in, f.has, f.row, f.normal = choose(in, 1, 0), bitsOf(in), row, false
	f.friction, f.slide, f.slip = 0, 0, 0
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

// solveFree factorises the matrix into L and U, of which L has a diagonal of ones, and solves
// for the impulses that are not held. Where a world has fewer unknowns than others, rows and
// columns of the rest are zero, which changes nothing for its own. It returns where friction jams
// them, and there is no solution.
func (g *laneGroup) solveFree() (jammed mask) {
	n := len(g.unknowns)
	us := g.unknowns[:n]
	var slides mask
	for k := range us {
		slides = slides || us[k].slide != 0
	}
	a := g.matrix[n*n : 2*n*n]
	copy(a, g.matrix[:n*n])
	for k := range us {
		row, u := a[k*n:k*n+n], &us[k]
		x := u.x
		for i := range us[:k] {
			l := row[i] * a[i*n+i] // the diagonal of U is kept inverted
			row[i] = l
			x -= lanes(l * us[i].d)
			m := mask(l != 0)
			above := a[i*n : i*n+n]
			for p := i + 1; p < n; p++ {
				if m {
					row[p] -= lanes(l * above[p])
				}
			}
		}
		u.d = x
		in := mask(u.on != 0 && u.held == 0)
		firm := mask(in && row[k] > lanes(0.5*u.soft))
		jammed = jammed || andNot(in && slides, firm)
		row[k] = choose(firm, 1/row[k], 0)
	}
	for k := n - 1; k >= 0; k-- {
		row := a[k*n : k*n+n]
		s := us[k].d
		for i := k + 1; i < n; i++ {
			s -= lanes(row[i] * us[i].d)
		}
		us[k].d = choose(row[k] != 0, lanes(s*row[k]), 0)
	}
	return jammed
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
