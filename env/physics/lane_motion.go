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
	dof     lanes // b
	a, b    int32
	za, zb  int32
	sa, sb  int32
	na, nb  int32
	parts   []lanePart // if b differs between worlds
	has     uint32     // a bit for each world that has this row
	_       [17]int32  // so that rows begin at different places of a cache, and all lanes are where a cache line begins
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
	b0, b1, b2 := b[0], b[1], b[2]
	for i := range r.parts {
		p := &r.parts[i]
		if b, in := v[p.dof:p.dof+3], mask(p.in != 0); in {
			b0, b1, b2 = b[0], b[1], b[2]
		}
	}
	sum := lanes(r.j[0]*a[0]) + lanes(r.j[1]*a[1]) + lanes(r.j[2]*a[2]) +
		(lanes(r.j[3]*b0) + lanes(r.j[4]*b1) + lanes(r.j[5]*b2))
	if r.na > 0 {
		sum -= laneDot(react[r.za:r.za+r.na], v[r.sa:])
	}
	return sum - laneDot(react[r.zb:r.zb+r.nb], v[r.sb:])
}

// push adds an impulse along r where m holds.
func (v laneMotion) push(r *laneRow, react []lanes, f lanes, m mask) {
	if len(r.parts) > 0 {
		v.pushMixed(r, react, f, m)
		return
	}
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

// pushMixed is push for a second body that differs between worlds.
func (v laneMotion) pushMixed(r *laneRow, react []lanes, f lanes, m mask) {
	a := v[r.a : r.a+3]
	if m {
		a[0] += lanes(r.m[0] * f)
		a[1] += lanes(r.m[1] * f)
		a[2] += lanes(r.m[2] * f)
	}
	least := r.parts[0].first
	for i := range r.parts {
		least = min(least, r.parts[i].first)
	}
	for i := range r.parts {
		p := &r.parts[i]
		b, in := v[p.dof:p.dof+3], m && p.in != 0
		if in {
			b[0] += lanes(r.m[3] * f)
			b[1] += lanes(r.m[4] * f)
			b[2] += lanes(r.m[5] * f)
		}
		skip := p.first - least
		laneAdd(v[r.sb+skip:], react[r.zb+skip:r.zb+r.nb], f, in)
	}
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

// addRow appends the row with Jacobian j of two bodies for the worlds in which in holds.
func (g *laneGroup) addRow(j *[6]lanes, a, b int32, impulse lanes, in mask) {
	r := g.newRow(j, a, b, in)
	ta, tb := g.m.bodies[a].tree, g.m.bodies[b].tree
	ground := int32(len(g.bodies) - 1) // has no joints
	if ta >= 0 && ta != tb {
		r.za, r.sa, r.na = g.reaction(ta, a, ground, j)
	}
	if tb >= 0 {
		if ta != tb {
			a = ground
		}
		r.zb, r.sb, r.nb = g.reaction(tb, a, b, j)
	}
	g.startRow(r, impulse, in)
}

// addPair is addRow for two rows of the same bodies.
func (g *laneGroup) addPair(i, j *[6]lanes, a, b int32, f, h lanes, in mask) {
	r := g.newRow(i, a, b, in)
	s := g.newRow(j, a, b, in)
	ta, tb := g.m.bodies[a].tree, g.m.bodies[b].tree
	ground := int32(len(g.bodies) - 1)
	if ta >= 0 && ta != tb {
		r.za, r.sa, r.na = g.reactionBoth(ta, a, ground, i, j)
		s.za, s.sa, s.na = r.za+g.m.trees[ta].rows, r.sa, r.na
	}
	if tb >= 0 {
		if ta != tb {
			a = ground
		}
		r.zb, r.sb, r.nb = g.reactionBoth(tb, a, b, i, j)
		s.zb, s.sb, s.nb = r.zb+g.m.trees[tb].rows, r.sb, r.nb
	}
	g.startRow(r, f, in)
	g.startRow(s, h, in)
}

// newRow appends a row as it is without joints.
func (g *laneGroup) newRow(j *[6]lanes, a, b int32, in mask) *laneRow {
	g.rows = g.rows[:len(g.rows)+1]
	r := &g.rows[len(g.rows)-1]
	p, q := &g.bodies[a], &g.bodies[b]
	r.has = bitsOf(in)
	r.j = *j
	r.m[0], r.m[1], r.m[2] = p.invM*j[0], p.invM*j[1], p.invI*j[2]
	r.m[3], r.m[4], r.m[5] = q.invM*j[3], q.invM*j[4], q.invI*j[5]
	r.a, r.b = g.m.bodies[a].dof, g.m.bodies[b].dof
	r.dof, r.parts = lanes(float32(r.b)), nil
	r.za, r.sa, r.na, r.zb, r.sb, r.nb = 0, 0, 0, 0, 0, 0
	r.k = lanes(j[0]*r.m[0]) + lanes(j[1]*r.m[1]) + lanes(j[2]*r.m[2]) +
		(lanes(j[3]*r.m[3]) + lanes(j[4]*r.m[4]) + lanes(j[5]*r.m[5]))
	return r
}

// startRow takes from a row what its reactions take back, and starts it with an impulse.
func (g *laneGroup) startRow(r *laneRow, impulse lanes, in mask) {
	g.convoy.bring()
	free := r.k
	if r.na > 0 {
		z := g.react[r.za : r.za+r.na]
		r.k -= laneDot(z, z)
	}
	if r.nb > 0 {
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

// reactionBoth is reaction for unit impulses along i and j; those to j lie t.rows behind.
func (g *laneGroup) reactionBoth(tree, a, b int32, i, j *[6]lanes) (z, s, n int32) {
	t := &g.m.trees[tree]
	at := len(g.react)
	g.react = g.react[:at+2*int(t.rows)]
	clear(g.react[at:])
	x, y := g.react[at:][:t.rows], g.react[at+int(t.rows):][:t.rows]
	cs := g.constraints[t.row0 : t.row0+t.rows]
	first := t.rows
	for _, l := range g.m.bodies[a].links {
		m := cs[l.row].m[l.side : l.side+3]
		x[l.row] = lanes(i[0]*m[0]) + lanes(i[1]*m[1]) + lanes(i[2]*m[2])
		y[l.row] = lanes(j[0]*m[0]) + lanes(j[1]*m[1]) + lanes(j[2]*m[2])
		first = min(first, l.row)
	}
	for _, l := range g.m.bodies[b].links {
		m := cs[l.row].m[l.side : l.side+3]
		x[l.row] += lanes(i[3]*m[0]) + lanes(i[4]*m[1]) + lanes(i[5]*m[2])
		y[l.row] += lanes(j[3]*m[0]) + lanes(j[4]*m[1]) + lanes(j[5]*m[2])
		first = min(first, l.row)
	}
	laneForwardBoth(t, g.factor(t), x, y, int(first))
	return int32(at) + first, int32(g.m.dofs) + 3 + t.row0 + first, t.rows - first
}

// assemble computes the speeds along all rows that a unit of impulse along each brings about, as far as they are
// new, and the speeds along them of the worlds in which in holds. Axes have a row each, grips two, of
// which what they share is loaded once.
func (g *laneGroup) assemble(in mask) {
	n, axes, old := len(g.rows), len(g.axes), g.coupled
	if some(in) {
		g.begin(&g.now, in)
	}
	if n == old {
		return
	}
	for k := old - 1; k > 0; k-- { // rows of the matrix become longer
		copy(g.dense[k*n:k*n+old], g.dense[k*old:])
	}
	g.coupled = n
	for k := old; k < n; k++ {
		g.convoy.bring()
		r := &g.rows[k]
		g.dense[k*n+k] = r.k
		for i := range min(k, axes) {
			if q := &g.rows[i]; q.has&r.has != 0 {
				g.couple(k, i)
			}
		}
	}
	for k := max(axes, old); k < n; k += 2 {
		r := &g.rows[k]
		g.couple(k+1, k)
		for i := axes; i < k; i += 2 {
			if q := &g.rows[i]; q.has&r.has != 0 {
				g.coupleTwice(k, i)
			}
		}
	}
}

// couple computes the speed along row k that a unit of impulse along row i brings about, or the other
// way round.
func (g *laneGroup) couple(k, i int) {
	r, q := &g.rows[k], &g.rows[i]
	var x lanes
	if len(r.parts)+len(q.parts) > 0 {
		x = r.directMixed(q)
	} else {
		x = r.direct(q)
	}
	if r.na > 0 {
		c, end := r.shared(q, r.sa, r.na)
		x -= laneDot(g.react[r.za+r.na-c:r.za+r.na], g.react[end-c:end])
	}
	c, end := r.shared(q, r.sb, r.nb)
	x -= laneDot(g.react[r.zb+r.nb-c:r.zb+r.nb], g.react[end-c:end])
	n := len(g.rows)
	g.dense[i*n+k], g.dense[k*n+i] = x, x
}

// coupleTwice is couple for rows k and k+1 with rows i and i+1, which are of two grips.
func (g *laneGroup) coupleTwice(k, i int) {
	r, s, q, p := &g.rows[k], &g.rows[k+1], &g.rows[i], &g.rows[i+1]
	var rq, rp, sq, sp lanes
	if len(r.parts)+len(q.parts) > 0 {
		rq, rp, sq, sp = laneDirects(r, s, q, p)
	} else if r.a == q.a || r.a == q.b || r.b == q.a || r.b == q.b {
		rq, rp, sq, sp = r.direct(q), r.direct(p), s.direct(q), s.direct(p)
	}
	if n := r.na; n > 0 {
		if c, end := r.shared(q, r.sa, n); c > 0 {
			_, other := s.shared(p, r.sa, n)
			z, y := r.za+n, s.za+n
			a, b, d, e := laneDots(g.react[z-c:z], g.react[y-c:y], g.react[end-c:end], g.react[other-c:other])
			rq, rp, sq, sp = rq-a, rp-b, sq-d, sp-e
		}
	}
	n := r.nb
	if c, end := r.shared(q, r.sb, n); c > 0 {
		_, other := s.shared(p, r.sb, n)
		z, y := r.zb+n, s.zb+n
		a, b, d, e := laneDots(g.react[z-c:z], g.react[y-c:y], g.react[end-c:end], g.react[other-c:other])
		rq, rp, sq, sp = rq-a, rp-b, sq-d, sp-e
	}
	m := len(g.rows)
	to := g.dense[k*m+i:]
	to[0], to[1], to[m], to[m+1] = rq, rp, sq, sp
	to = g.dense[i*m+k:]
	to[0], to[1], to[m], to[m+1] = rq, sq, rp, sp
}

// direct returns the speed along r that a unit of impulse along q brings about without joints.
func (r *laneRow) direct(q *laneRow) lanes {
	var a, b lanes
	switch r.a {
	case q.a:
		a = lanes(r.j[0]*q.m[0]) + lanes(r.j[1]*q.m[1]) + lanes(r.j[2]*q.m[2])
	case q.b:
		a = lanes(r.j[0]*q.m[3]) + lanes(r.j[1]*q.m[4]) + lanes(r.j[2]*q.m[5])
	}
	switch r.b {
	case q.a:
		b = lanes(r.j[3]*q.m[0]) + lanes(r.j[4]*q.m[1]) + lanes(r.j[5]*q.m[2])
	case q.b:
		b = lanes(r.j[3]*q.m[3]) + lanes(r.j[4]*q.m[4]) + lanes(r.j[5]*q.m[5])
	}
	return a + b
}

// laneDirects is directMixed for r and s with q and p.
func laneDirects(r, s, q, p *laneRow) (rq, rp, sq, sp lanes) {
	return r.directMixed(q), r.directMixed(p), s.directMixed(q), s.directMixed(p)
}

// directMixed is direct where the second bodies differ between worlds.
func (r *laneRow) directMixed(q *laneRow) lanes {
	var a, b lanes
	if r.a == q.a {
		a = lanes(r.j[0]*q.m[0]) + lanes(r.j[1]*q.m[1]) + lanes(r.j[2]*q.m[2])
	} else if same := q.where(r.a); some(same) {
		a = choose(same, lanes(r.j[0]*q.m[3])+lanes(r.j[1]*q.m[4])+lanes(r.j[2]*q.m[5]), 0)
	}
	if same := mask(r.dof == q.dof); some(same) {
		b = choose(same, lanes(r.j[3]*q.m[3])+lanes(r.j[4]*q.m[4])+lanes(r.j[5]*q.m[5]), 0)
	}
	if same := r.where(q.a); some(same) {
		b = choose(same, lanes(r.j[3]*q.m[0])+lanes(r.j[4]*q.m[1])+lanes(r.j[5]*q.m[2]), b)
	}
	return a + b
}

// where returns in which worlds the second body of r has the velocities from dof on.
func (r *laneRow) where(dof int32) (in mask) {
	if len(r.parts) == 0 {
		return r.dof == lanes(float32(dof))
	}
	for i := range r.parts {
		if p := &r.parts[i]; p.dof == dof {
			in = p.in != 0
		}
	}
	return in
}

// shared returns how many of the n reactions of r that act at s have a counterpart among those of q,
// and where the latter end. Reactions of a tree may begin anywhere, but all end at its last constraint.
func (r *laneRow) shared(q *laneRow, s, n int32) (count, end int32) {
	switch {
	case q.nb > 0 && q.sb+q.nb == s+n:
		return min(n, q.nb), q.zb + q.nb
	case q.na > 0 && q.sa+q.na == s+n:
		return min(n, q.na), q.za + q.na
	}
	return 0, 0
}

// laneDots returns the products of p and q with x and y.
func laneDots(p, q, x, y []lanes) (px, py, qx, qy lanes) {
	q, x, y = q[:len(p)], x[:len(p)], y[:len(p)]
	for i, a := range p {
		b, c, d := q[i], x[i], y[i]
		px += lanes(a * c)
		py += lanes(a * d)
		qx += lanes(b * c)
		qy += lanes(b * d)
	}
	return px, py, qx, qy
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
