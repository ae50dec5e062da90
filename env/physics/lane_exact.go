//go:build lanesource

package physics

import "math/bits"

// A laneExact solves for the free impulses of worlds of several groups, a world a lane. How many there are of them, and how
// many bounds they meet, differs between worlds: those with the fewest come first, and where one is done,
// the next takes its lane.
type laneExact struct {
	unknowns []laneUnknown
	matrix   []lanes // the speeds, a row each, that unit impulses, a column each, bring about
	factors  []lanes // of the matrix
	width    int     // numbers between rows of both
	on       lanes   // 1 where there is a world
	rounds   lanes   // for how many bounds it has been solved for
	seats    [laneCount]laneSeat
	waiting  []laneSeat
	order    []laneSeat // those that are waiting, fewest free impulses first
	next     int        // of order
	solo     laneSolo
	rows     [maxFree]int32 // of the free impulses of the world that is taken in
}

// A laneSeat is a world that is solved for, the one in a lane of a group.
type laneSeat struct {
	g           *laneGroup
	lane, count int
}

// A laneUnknown is the n-th free impulse of each world.
type laneUnknown struct {
	x, least    lanes
	d, sum      lanes
	down, up    lanes
	friction    lanes
	slide, slip lanes
	held        lanes // 1 where it has met its bound, or there is no n-th one
}

// soloMost is the number of worlds up to which they are solved for one by one.
const soloMost = laneCount / 8

func newLaneExact() *laneExact {
	return &laneExact{
		unknowns: make([]laneUnknown, 0, maxFree),
		matrix:   make([]lanes, maxFree*maxFree), factors: make([]lanes, maxFree*maxFree),
	}
}

// add lets the world in a lane of g wait, which has a number of free impulses.
func (e *laneExact) add(g *laneGroup, lane, count int) {
	e.waiting = append(e.waiting, laneSeat{g, lane, count})
}

// solve solves for the free impulses of the worlds that wait.
func (e *laneExact) solve() {
	if len(e.waiting) == 0 {
		return
	}
	e.sort()
	if len(e.order) <= soloMost {
		for i := range e.order {
			p := &e.order[i]
			e.solo.refine(p.g, p.lane, p.count)
		}
		return
	}
	e.width = e.order[len(e.order)-1].count
	e.unknowns = e.unknowns[:e.width]
	for k := range e.unknowns {
		e.unknowns[k] = laneUnknown{held: 1}
	}
	clear(e.matrix[:e.width*e.width])
	e.on, e.next = 0, 0
	for l := range laneCount {
		e.seats[l].count = 0
		e.enter(l)
	}
	e.narrow()
	for {
		on := mask(e.on != 0)
		if !some(on) {
			return
		}
		if over := e.round(on); some(over) {
			e.leave(bitsOf(over))
		}
	}
}

// sort orders the worlds that wait, fewest free impulses first.
func (e *laneExact) sort() {
	var first [maxFree + 2]int
	for i := range e.waiting {
		first[e.waiting[i].count]++
	}
	n := 0
	for c := range first {
		first[c], n = n, n+first[c]
	}
	if cap(e.order) < n {
		e.order = make([]laneSeat, cap(e.waiting))
	}
	e.order = e.order[:n]
	for i := range e.waiting {
		p := &e.waiting[i]
		e.order[first[p.count]] = *p
		first[p.count]++
	}
	e.waiting = e.waiting[:0]
}

// round solves for the impulses that are not held and goes towards the solution as far as the bounds allow, in the
// worlds in which on holds. It returns where that is all.
func (e *laneExact) round(on mask) (over mask) {
	e.rounds += 1
	jammed := on && e.factorise()
	if some(jammed) {
		e.unslide(bitsOf(jammed))
	}
	free := andNot(on, jammed)
	step, at, upper := e.longest()
	for i := range e.unknowns {
		u := &e.unknowns[i]
		up, down := e.rates(i)
		d := lanes(u.d * step)
		if free {
			u.sum += d
			u.slip += lanes(u.slide * d)
			u.up, u.down = laneMax(u.up-lanes(up*step), 0), laneMax(u.down-lanes(down*step), 0)
			u.x = lanes(u.x * (1 - step))
		}
	}
	over = on && (free && at < 0 || e.rounds >= maxHolds)
	if going := andNot(free, over); some(going) {
		e.hold(at, upper, going)
	}
	return over
}

// rates returns how fast unknown i approaches its bounds on the way to the solution.
func (e *laneExact) rates(i int) (up, down lanes) {
	u := &e.unknowns[i]
	widening := lanes(0)
	if i > 0 {
		widening = choose(u.friction != 0, lanes(u.friction*e.unknowns[i-1].d), 0)
	}
	return u.d - widening, -u.d - widening
}

// longest returns which part of the solution the bounds allow, the number of the impulse that meets
// its bound first, -1 if none does, and 1 where that is its upper bound.
func (e *laneExact) longest() (step, at, upper lanes) {
	step, at = 1, -1
	for i := range e.unknowns {
		u := &e.unknowns[i]
		up, down := e.rates(i)
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
func (e *laneExact) hold(at, upper lanes, in mask) {
	n := len(e.unknowns)
	for i := range e.unknowns {
		u := &e.unknowns[i]
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
		normal := &e.unknowns[i-1]
		normal.slide = choose(here, slide, normal.slide)
		for k := range n {
			row := e.matrix[k*e.width : k*e.width+n]
			if here {
				row[i-1] += lanes(slide * row[i])
			}
		}
	}
}

// unslide keeps friction as it is in some worlds, where it would follow the normal impulse.
func (e *laneExact) unslide(worlds uint32) {
	for l := range laneCount {
		if worlds>>l&1 == 0 {
			continue
		}
		for k := range e.seats[l].count {
			if slide := at(&e.unknowns[k].slide, l); *slide != 0 {
				*slide = 0
				e.takeColumn(k, l)
			}
		}
	}
}

// enter gives lane l to the next world that waits, if any.
func (e *laneExact) enter(l int) {
	p, before := &e.seats[l], e.seats[l].count
	*at(&e.rounds, l), *at(&e.on, l), p.count = 0, 0, 0
	if e.next < len(e.order) {
		*p = e.order[e.next]
		e.next++
		*at(&e.on, l) = 1
		e.take(l)
	}
	for k := p.count; k < before; k++ { // what the world before had more
		u := &e.unknowns[k]
		*at(&u.x, l), *at(&u.held, l), *at(&u.slide, l), *at(&u.friction, l) = 0, 1, 0, 0
		for i := range p.count {
			*at(&e.matrix[i*e.width+k], l) = 0
		}
	}
}

// take takes in the free impulses of the world in lane l.
func (e *laneExact) take(l int) {
	p := &e.seats[l]
	g, from, slides := p.g, p.lane, false
	unknown := g.unknown[from][:p.count]
	us := e.unknowns[:len(unknown)]
	rows := e.rows[:len(unknown)]
	for k, i := range unknown {
		f, u := &g.free[i], &us[k]
		rows[k] = f.row
		*at(&u.x, l), *at(&u.down, l), *at(&u.up, l) = *at(&f.x, from), *at(&f.down, from), *at(&f.up, from)
		*at(&u.friction, l), *at(&u.least, l) = *at(&f.friction, from), *at(&f.least, from)
		*at(&u.sum, l), *at(&u.slip, l), *at(&u.held, l) = 0, 0, 0
		slide := *at(&f.slide, from)
		*at(&u.slide, l) = slide
		slides = slides || slide != 0
	}
	width, n := e.width, len(g.rows)
	for k, row := range rows {
		own := g.dense[int(row)*n : int(row)*n+n]
		to := e.matrix[k*width : k*width+k+1]
		column := e.matrix[k:]
		for q := range to {
			x := *at(&own[rows[q]], from)
			*at(&to[q], l), *at(&column[q*width], l) = x, x
		}
	}
	if slides {
		for k := range us {
			if *at(&us[k].slide, l) != 0 {
				e.takeColumn(k, l)
			}
		}
	}
}

// takeColumn takes in the speeds that a unit of unknown k brings about in the world of lane l. A sliding
// contact's impulse comes with its friction.
func (e *laneExact) takeColumn(k, l int) {
	p := &e.seats[l]
	g, rows, unknown := p.g, len(p.g.rows), p.g.unknown[p.lane][:p.count]
	own := int(g.free[unknown[k]].row)
	normal := g.dense[own*rows:][:rows]
	slide := *at(&e.unknowns[k].slide, l)
	if slide == 0 {
		for i, f := range unknown {
			*at(&e.matrix[i*e.width+k], l) = *at(&normal[g.free[f].row], p.lane)
		}
		return
	}
	tangent := g.dense[(own+1)*rows:][:rows]
	for i, f := range unknown {
		row := g.free[f].row
		*at(&e.matrix[i*e.width+k], l) = *at(&normal[row], p.lane) + float32(slide**at(&tangent[row], p.lane))
	}
}

// leave gives what was found to the groups of the worlds in some lanes, and the lanes to others.
func (e *laneExact) leave(worlds uint32) {
	e.unknowns = e.unknowns[:e.width]
	for ; worlds != 0; worlds &= worlds - 1 {
		l := bits.TrailingZeros32(worlds) % laneCount
		p := &e.seats[l]
		for k, i := range p.g.unknown[p.lane][:p.count] {
			f := &p.g.free[i]
			*at(&f.sum, p.lane), *at(&f.slip, p.lane) = *at(&e.unknowns[k].sum, l), *at(&e.unknowns[k].slip, l)
		}
		e.enter(l)
	}
	e.narrow()
}

// narrow leaves out unknowns that no world has.
func (e *laneExact) narrow() {
	most := 0
	for l := range e.seats {
		most = max(most, e.seats[l].count)
	}
	e.unknowns = e.unknowns[:most]
}

// factorise factorises the matrix into L and U, of which L has a diagonal of ones, and solves
// for the impulses that are not held. Where a world has fewer unknowns than others, rows and
// columns of the rest are zero, which changes nothing for its own. It returns where friction jams
// them, and there is no solution.
func (e *laneExact) factorise() (jammed mask) {
	us := e.unknowns
	n := len(us)
	var slides mask
	for k := range us {
		slides = slides || us[k].slide != 0
	}
	a := e.factors[:n*n]
	for k := range us {
		row, u := a[k*n:k*n+n], &us[k]
		copy(row, e.matrix[k*e.width:])
		x := u.x
		i := 0
		for ; i+1 < k; i += 2 { // two at a time, so that the rest of the row is loaded and stored once for both
			above, next := a[i*n:i*n+n], a[i*n+n:i*n+2*n]
			l := row[i] * above[i] // the diagonal of U is kept inverted
			row[i] = l
			x -= lanes(l * us[i].d)
			m := mask(l != 0)
			y := row[i+1]
			if m {
				y -= lanes(l * above[i+1])
			}
			f := y * next[i+1]
			row[i+1] = f
			x -= lanes(f * us[i+1].d)
			o := mask(f != 0)
			rest := row[i+2:]
			above, next = above[i+2:][:len(rest)], next[i+2:][:len(rest)]
			for p := range rest {
				y := rest[p]
				if m {
					y -= lanes(l * above[p])
				}
				if o {
					y -= lanes(f * next[p])
				}
				rest[p] = y
			}
		}
		if i < k {
			above := a[i*n : i*n+n]
			l := row[i] * above[i]
			row[i] = l
			x -= lanes(l * us[i].d)
			m := mask(l != 0)
			rest := row[i+1:]
			above = above[i+1:][:len(rest)]
			for p := range rest {
				if m {
					rest[p] -= lanes(l * above[p])
				}
			}
		}
		u.d = x
		in := mask(u.held == 0)
		firm := mask(in && row[k] > u.least)
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
