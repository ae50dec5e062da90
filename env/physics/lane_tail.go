//go:build lanesource

package physics

// tailAfter is the number of sweeps after which worlds that have not converged leave their
// groups to be swept together with those of others. Few need more, but some need many: in
// their groups all other lanes would idle meanwhile.
const tailAfter = 6

// A laneTail solves the worlds of several groups. Those that leave their groups are swept in its own, for which
// it needs their rows only.
type laneTail struct {
	laneGroup // with rows, axes, grips, speeds and the matrix of the worlds in question
	from      [laneCount]*laneGroup
	lane      [laneCount]int
	picked    [laneCount][]int32 // rows of each
	count     int
	groups    []*laneGroup
	own       []*laneGroup // the one above
	exact     *laneExact
	order     lineup
}

func newLaneTail(m *Model) *laneTail {
	t := &laneTail{}
	t.laneGroup = *newLaneGroup(m)
	t.own, t.exact = []*laneGroup{&t.laneGroup}, newLaneExact()
	for l := range t.picked {
		t.picked[l] = make([]int32, 0, maxDense)
	}
	return t
}

// solve finds the impulses of the worlds of some groups.
func (t *laneTail) solve(groups []*laneGroup) {
	for _, g := range groups {
		g.open = g.live
	}
	stay := tailAfter
	for more := true; more; stay = 0 { // few worlds need more rows when they are solved: they are swept together at once
		for _, g := range groups {
			g.going = g.open
			g.assemble(g.open != 0)
		}
		t.sweepAll(groups, 0, stay)
		t.collect(groups, stay)
		more = false
		for _, g := range groups {
			if in := mask(g.open != 0); some(in) {
				g.apply(in)
				g.settle(&g.now, in)
				in = g.takeIn(sweepTolerance, in)
				g.open = choose(in, 1, 0)
				more = more || some(in)
			}
		}
	}
}

// sweepAll makes sweeps from to to of the worlds of some groups that have not converged yet.
func (t *laneTail) sweepAll(groups []*laneGroup, from, to int) {
	for i := from; i < to; i++ {
		going := false
		for _, g := range groups {
			g.sweep()
			going = going || some(g.going != 0)
		}
		if !going {
			return
		}
		if i >= firstSolve && i < firstSolve+maxSolutions {
			for _, g := range groups {
				g.seek(t.exact)
			}
			t.exact.solve()
			for _, g := range groups {
				g.improve()
			}
		}
	}
}

// collect makes sweeps from from on of the worlds of some groups that have not converged yet.
func (t *laneTail) collect(groups []*laneGroup, from int) {
	for _, g := range groups {
		left := bitsOf(g.going != 0)
		for l := range laneCount {
			if left>>l&1 != 0 {
				t.from[t.count], t.lane[t.count] = g, l
				t.count++
			}
			if t.count == laneCount {
				t.run(from)
			}
		}
	}
	t.run(from)
}

// run sweeps the worlds that are waiting until they converge.
func (t *laneTail) run(from int) {
	if t.count == 0 {
		return
	}
	axes, grips := 0, 0
	for e := range t.count {
		g, l := t.from[e], t.lane[e]
		t.picked[e] = t.picked[e][:0]
		for i := range g.axes {
			if *at(&g.axes[i].in, l) != 0 {
				t.picked[e] = append(t.picked[e], int32(i))
			}
		}
		axes = max(axes, len(t.picked[e]))
		n := 0
		for i := range g.grips {
			if *at(&g.grips[i].in, l) != 0 {
				n++
			}
		}
		grips = max(grips, n)
	}
	t.axes, t.grips = t.axes[:axes], t.grips[:grips]
	t.rows = t.rows[:axes+2*grips]
	t.now.speeds = t.now.speeds[:len(t.rows)]
	clear(t.axes)
	clear(t.grips)
	clear(t.rows)
	for i := range t.grips {
		t.grips[i].row = int32(axes + 2*i)
	}
	t.going = 0
	for e := range t.count {
		t.take(e)
		*at(&t.going, e) = 1
	}
	t.sweepAll(t.own, from, maxSweeps)
	for e := range t.count {
		t.give(e)
	}
	t.count = 0
}

// take copies a world into lane e.
func (t *laneTail) take(e int) {
	g, l := t.from[e], t.lane[e]
	axes := len(t.picked[e])
	for k, i := range t.picked[e] {
		x, y := &g.axes[i], &t.axes[k]
		*at(&y.in, e), *at(&y.at, e) = 1, *at(&x.at, l)
		*at(&y.want, e), *at(&y.most, e), *at(&y.lo, e), *at(&y.hi, e) = *at(&x.want, l), *at(&x.most, l), *at(&x.lo, l), *at(&x.hi, l)
	}
	k := 0
	for i := range g.grips {
		x := &g.grips[i]
		if *at(&x.in, l) == 0 {
			continue
		}
		y := &t.grips[k]
		k++
		*at(&y.in, e), *at(&y.friction, e), *at(&y.least, e) = 1, *at(&x.friction, l), *at(&x.least, l)
		t.picked[e] = append(t.picked[e], x.row, x.row+1)
	}
	n, rows := len(t.rows), len(g.rows)
	shift := len(t.axes) - axes // of the rows of grips, if others have more axes
	for k, i := range t.picked[e] {
		to := k
		if k >= axes {
			to += shift
		}
		r, s := &g.rows[i], &t.rows[to]
		*at(&s.k, e), *at(&s.em, e), *at(&s.soft, e), *at(&s.impulse, e) = *at(&r.k, l), *at(&r.em, l), *at(&r.soft, l), *at(&r.impulse, l)
		*at(&t.now.speeds[to], e) = *at(&g.now.speeds[i], l)
		from, row := g.dense[int(i)*rows:][:rows], t.dense[to*n:][:n]
		for p, q := range t.picked[e] {
			if p >= axes {
				p += shift
			}
			*at(&row[p], e) = *at(&from[q], l)
		}
	}
}

// give copies what sweeps change back to the group of the world in lane e.
func (t *laneTail) give(e int) {
	g, l := t.from[e], t.lane[e]
	axis := 0
	for k, i := range t.picked[e] {
		if int(i) < len(g.axes) {
			*at(&g.axes[i].at, l) = *at(&t.axes[k].at, e)
			axis++
		} else {
			k += len(t.axes) - axis
		}
		*at(&g.rows[i].impulse, l) = *at(&t.rows[k].impulse, e)
		*at(&g.now.speeds[i], l) = *at(&t.now.speeds[k], e)
	}
}
