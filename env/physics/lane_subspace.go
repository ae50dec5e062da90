//go:build lanesource

package physics

// A laneFree is an impulse strictly within its bounds in those worlds in which in is not 0.
type laneFree struct {
	row      int32
	normal   bool // of a contact
	in       lanes
	x        lanes
	d, sum   lanes
	down, up lanes
	slide    lanes
	held     lanes // 1 where it has met its bound
}

// refine solves for the free impulses of the worlds in which in holds.
func (g *laneGroup) refine(in mask) {
	count := g.collectFree(in)
	in = in && count >= 2 && count <= maxFree
	if !some(in) {
		return
	}
	g.keepFree(in)
	g.assembleFree()
	on := in
	for range maxHolds {
		g.solveFree()
		step, at := g.longest()
		for i := range g.free {
			f := &g.free[i]
			d := lanes(f.d * step)
			if on {
				f.sum += d
				f.up, f.down = laneMax(f.up-d, 0), laneMax(f.down+d, 0)
				f.x = lanes(f.x * (1 - step))
				f.held = choose(at == lanes(float32(i)), 1, f.held)
			}
		}
		on = andNot(on, at < 0)
		if !some(on) {
			break
		}
	}
	for i := range g.free {
		g.applyFree(&g.free[i])
	}
}

// longest returns which part of the solution the bounds allow, and the number of the impulse
// that meets its bound first, -1 if none does.
func (g *laneGroup) longest() (step, at lanes) {
	step, at = 1, -1
	for i := range g.free {
		f := &g.free[i]
		up := mask(f.d > 0 && lanes(f.d*step) > f.up)
		down := mask(f.d < 0 && lanes(-f.d*step) > f.down)
		if up || down {
			step, at = choose(up, f.up/f.d, f.down/-f.d), lanes(float32(i))
		}
	}
	return step, at
}

// addFree appends an impulse that is free where in holds.
func (g *laneGroup) addFree(row int32, in mask) *laneFree {
	g.free = g.free[:len(g.free)+1]
	f := &g.free[len(g.free)-1]
	*f = laneFree{row: row, in: choose(in, 1, 0)}
	return f
}

// collectFree lists the free impulses of the worlds in which in holds, and returns how many
// each world has.
func (g *laneGroup) collectFree(in mask) (count lanes) {
	g.free = g.free[:0]
	for i := range g.axes {
		x, r := &g.axes[i], &g.rows[i]
		rel := g.now.speeds[i]
		_, kind := x.solve(r, rel)
		lower, upper := mask(kind == lanes(lowerFree)), mask(kind == lanes(upperFree))
		stalled := x.stalled(rel)
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
		if m = m && f.slide == 0 && cone > 0; some(m) {
			f := g.addFree(x.row+1, m)
			f.x, f.down, f.up = -g.now.speeds[x.row+1], cone+t, cone-t
			count += f.in
		}
	}
	return count
}

// keepFree drops what is free only in worlds where in does not hold.
func (g *laneGroup) keepFree(in mask) {
	n := 0
	for i := range g.free {
		f := &g.free[i]
		f.in = choose(in, f.in, 0)
		if some(f.in != 0) {
			g.free[n] = *f
			n++
		}
	}
	g.free = g.free[:n]
	for i := range g.free {
		f := &g.free[i]
		f.x = choose(f.in != 0, f.x, 0)
		f.d, f.sum = 0, 0
	}
}

// assembleFree writes the matrix of speeds, a row each, that unit impulses, a column each, bring
// about: zeros where the one or the other is not free.
func (g *laneGroup) assembleFree() {
	n, rows := len(g.free), len(g.rows)
	for k := range g.free {
		f := &g.free[k]
		in := mask(f.in != 0)
		normal := g.dense[int(f.row)*rows:][:rows]
		slides := mask(f.slide != 0)
		if !some(slides) {
			for i := range g.free {
				e := &g.free[i]
				g.matrix[i*n+k] = choose(in && e.in != 0, normal[e.row], 0)
			}
			continue
		}
		tangent := g.dense[int(f.row+1)*rows:][:rows]
		for i := range g.free {
			e := &g.free[i]
			a := normal[e.row]
			if slides {
				a += lanes(f.slide * tangent[e.row])
			}
			g.matrix[i*n+k] = choose(in && e.in != 0, a, 0)
		}
	}
}

// solveFree factorises the matrix into L and U, of which L has a diagonal of ones, and solves
// for the impulses that are not held. Where an impulse is not free, its row and column are zero,
// which changes nothing for the others.
func (g *laneGroup) solveFree() {
	n := len(g.free)
	a := g.matrix[n*n : 2*n*n]
	copy(a, g.matrix[:n*n])
	for k := range n {
		row, f := a[k*n:k*n+n], &g.free[k]
		x := f.x
		for i := range k {
			l := row[i] * a[i*n+i] // the diagonal of U is kept inverted
			row[i] = l
			x -= lanes(l * g.free[i].d)
			if m := mask(l != 0); some(m) {
				u := a[i*n : i*n+n]
				for p := i + 1; p < n; p++ {
					if m {
						row[p] -= lanes(l * u[p])
					}
				}
			}
		}
		f.d = x
		off := mask(f.held != 0 || row[k] <= lanes(0.5*g.rows[f.row].soft))
		row[k] = choose(andNot(f.in != 0, off), 1/row[k], 0)
	}
	for k := n - 1; k >= 0; k-- {
		row := a[k*n : k*n+n]
		s := g.free[k].d
		for i := k + 1; i < n; i++ {
			s -= lanes(row[i] * g.free[i].d)
		}
		g.free[k].d = choose(row[k] != 0, lanes(s*row[k]), 0)
	}
}

// applyFree adds the impulse found for f.
func (g *laneGroup) applyFree(f *laneFree) {
	r, d, in := &g.rows[f.row], f.sum, mask(f.in != 0)
	if f.normal {
		d = laneMax(r.impulse+d, 0) - r.impulse
		if m := in && f.slide != 0; some(m) {
			s := lanes(f.slide * d)
			if m {
				g.rows[f.row+1].impulse += s
			}
			g.change(&g.now, f.row+1, s, m)
		}
	}
	if in {
		r.impulse += d
	}
	g.change(&g.now, f.row, d, in)
}
