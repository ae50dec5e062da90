//go:build lanesource

package physics

// A laneMotion is a motion of each world.
type laneMotion []lanes

// A laneSystem is a motion with the speeds along the rows, which are always kept.
type laneSystem struct {
	motion laneMotion
	speeds []lanes
}

// A laneRow is a row in some of the worlds.
type laneRow struct {
	j, m    [6]lanes
	k, em   lanes
	soft    lanes
	impulse lanes
	applied lanes
	pushed  lanes
	a, b    int32
	za, zb  int32
	sa, sb  int32
	na, nb  int32
	has     uint32   // a bit for each world that has this row
	_       [7]int32 // so that all lanes are where a cache line begins
}

func laneDot(x, y []lanes) (sum lanes) {
	y = y[:len(x)]
	for i := range x {
		sum += lanes(x[i] * y[i])
	}
	return sum
}

// speed returns the speed along r.
func (v laneMotion) speed(r *laneRow, react []lanes) lanes {
	a, b := v[r.a:r.a+3], v[r.b:r.b+3]
	sum := lanes(r.j[0]*a[0]) + lanes(r.j[1]*a[1]) + lanes(r.j[2]*a[2]) +
		(lanes(r.j[3]*b[0]) + lanes(r.j[4]*b[1]) + lanes(r.j[5]*b[2]))
	if r.na > 0 {
		sum -= laneDot(react[r.za:r.za+r.na], v[r.sa:])
	}
	return sum - laneDot(react[r.zb:r.zb+r.nb], v[r.sb:])
}

// push adds an impulse along r where m holds.
func (v laneMotion) push(r *laneRow, react []lanes, f lanes, m mask) {
	a, b := v[r.a:r.a+3], v[r.b:r.b+3]
	if m {
		a[0] += lanes(r.m[0] * f)
		a[1] += lanes(r.m[1] * f)
		a[2] += lanes(r.m[2] * f)
		b[0] += lanes(r.m[3] * f)
		b[1] += lanes(r.m[4] * f)
		b[2] += lanes(r.m[5] * f)
	}
	if r.na > 0 {
		laneAdd(v[r.sa:], react[r.za:r.za+r.na], f, m)
	}
	laneAdd(v[r.sb:], react[r.zb:r.zb+r.nb], f, m)
}

// laneAdd adds f times x to y where m holds.
func laneAdd(y, x []lanes, f lanes, m mask) {
	y = y[:len(x)]
	for i := range x {
		if m {
			y[i] += lanes(x[i] * f)
		}
	}
}

// unitPush is push of an impulse of 1 on a motion of zeros.
func (v laneMotion) unitPush(r *laneRow, react []lanes) {
	a, b := v[r.a:r.a+3], v[r.b:r.b+3]
	a[0] += r.m[0]
	a[1] += r.m[1]
	a[2] += r.m[2]
	b[0] += r.m[3]
	b[1] += r.m[4]
	b[2] += r.m[5]
	z := react[r.za : r.za+r.na]
	s := v[r.sa:][:len(z)]
	for i := range z {
		s[i] += z[i]
	}
	z = react[r.zb : r.zb+r.nb]
	s = v[r.sb:][:len(z)]
	for i := range z {
		s[i] += z[i]
	}
}

// addRow appends the row with Jacobian j of two bodies for the worlds in which in holds.
func (g *laneGroup) addRow(j *[6]lanes, a, b int32, impulse lanes, in mask) *laneRow {
	g.rows = g.rows[:len(g.rows)+1]
	r := &g.rows[len(g.rows)-1]
	p, q := &g.bodies[a], &g.bodies[b]
	r.has = bitsOf(in)
	r.j = *j
	r.m[0], r.m[1], r.m[2] = p.invM*j[0], p.invM*j[1], p.invI*j[2]
	r.m[3], r.m[4], r.m[5] = q.invM*j[3], q.invM*j[4], q.invI*j[5]
	r.a, r.b = g.m.bodies[a].dof, g.m.bodies[b].dof
	r.za, r.sa, r.na, r.zb, r.sb, r.nb = 0, 0, 0, 0, 0, 0
	r.k = lanes(j[0]*r.m[0]) + lanes(j[1]*r.m[1]) + lanes(j[2]*r.m[2]) +
		(lanes(j[3]*r.m[3]) + lanes(j[4]*r.m[4]) + lanes(j[5]*r.m[5]))
	free := r.k
	ta, tb := g.m.bodies[a].tree, g.m.bodies[b].tree
	ground := int32(len(g.bodies) - 1) // has no joints
	if ta >= 0 && ta != tb {
		r.za, r.sa, r.na = g.reaction(ta, a, ground, j)
		z := g.react[r.za : r.za+r.na]
		r.k -= laneDot(z, z)
	}
	if tb >= 0 {
		if ta != tb {
			a = ground
		}
		r.zb, r.sb, r.nb = g.reaction(tb, a, b, j)
		z := g.react[r.zb : r.zb+r.nb]
		r.k -= laneDot(z, z)
	}
	damping := lanes(softness * free)
	r.soft = lanes(damping*damping) * laneInverse(r.k)
	r.k = laneMax(r.k+r.soft, 0)
	r.em = laneInverse(r.k)
	pushed := in && r.em != 0 && impulse != 0
	r.impulse = choose(pushed, impulse, 0)
	r.applied, r.pushed = r.impulse, 0
	if some(pushed) {
		g.now.motion.push(r, g.react, impulse, pushed)
	}
	return r
}

// reaction appends the reactions of a tree to a unit impulse along j on its bodies a and b.
func (g *laneGroup) reaction(tree, a, b int32, j *[6]lanes) (z, s, n int32) {
	t := &g.m.trees[tree]
	at := len(g.react)
	g.react = g.react[:at+int(t.rows)]
	x := g.react[at:]
	clear(x)
	cs := g.constraints[t.row0 : t.row0+t.rows]
	first := t.rows
	for _, l := range g.m.bodies[a].links {
		m := cs[l.row].m[l.side : l.side+3]
		x[l.row] = lanes(j[0]*m[0]) + lanes(j[1]*m[1]) + lanes(j[2]*m[2])
		first = min(first, l.row)
	}
	for _, l := range g.m.bodies[b].links {
		m := cs[l.row].m[l.side : l.side+3]
		x[l.row] += lanes(j[3]*m[0]) + lanes(j[4]*m[1]) + lanes(j[5]*m[2])
		first = min(first, l.row)
	}
	laneForward(t, g.factor(t), x, int(first))
	return int32(at) + first, int32(g.m.dofs) + 3 + t.row0 + first, t.rows - first
}

// assemble computes the speeds along all rows that a unit of impulse along each brings about,
// and the speeds along them of the worlds in which in holds.
func (g *laneGroup) assemble(in mask) {
	n := len(g.rows)
	g.begin(&g.now, in)
	unit := g.unit
	for k := range g.rows {
		r := &g.rows[k]
		unit.unitPush(r, g.react)
		g.dense[k*n+k] = r.k
		for i := k + 1; i < n; i++ {
			if g.rows[i].has&r.has == 0 {
				continue
			}
			x := unit.speed(&g.rows[i], g.react)
			g.dense[i*n+k], g.dense[k*n+i] = x, x
		}
		unit.forget(r)
	}
}

// begin computes the speeds of s where in holds.
func (g *laneGroup) begin(s *laneSystem, in mask) {
	s.speeds = s.speeds[:len(g.rows)]
	for i := range s.speeds {
		r := &g.rows[i]
		x := r.impulse
		if s == &g.shift {
			x = r.pushed
		}
		x = s.motion.speed(r, g.react) + lanes(r.soft*x)
		s.speeds[i] = choose(in, x, s.speeds[i])
	}
}

// forget makes v zero where r acts.
func (v laneMotion) forget(r *laneRow) {
	clear(v[r.a : r.a+3])
	clear(v[r.b : r.b+3])
	clear(v[r.sa : r.sa+r.na])
	clear(v[r.sb : r.sb+r.nb])
}

// change adds an impulse f along row i where m holds.
func (g *laneGroup) change(s *laneSystem, i int32, f lanes, m mask) {
	n := len(s.speeds)
	laneAdd(s.speeds, g.dense[int(i)*n:][:n], f, m)
}

// apply brings the motion of the velocities up to date with the impulses where in holds.
func (g *laneGroup) apply(in mask) {
	for i := range g.rows {
		r := &g.rows[i]
		d := r.impulse - r.applied
		m := in && d != 0
		if some(m) {
			if m {
				r.applied = r.impulse
			}
			g.now.motion.push(r, g.react, d, m)
		}
	}
}
