package physics

import "github.com/terrarium-rl/terrarium/env/geom"

// A motion is the velocities of all bodies in a form in which impulses change few numbers. Its
// first part, u, is how the bodies would move if the joints did not react to impulses, three
// numbers each: x, y, turn. The second part, s, holds a number for each constraint of the joints,
// from which follows what they take back: with J, M and the factors L and D of K = J M^-1 J^T
// (tree.go),
//
//	v = u - M^-1 J^T L^-T D^-1/2 s
//
// An impulse x along a row g, whose reaction in the joints is z = D^-1/2 L^-1 J M^-1 g, adds
// M^-1 g x to u and z x to s; and the speed g v is g u - z s. So only half a solution with K is
// needed for a row, and the other half once in the end.
type motion []float32

// A row is one unknown impulse: of a motor with the limits of its joint, or along the normal or
// the tangent of a contact. Its Jacobian has six numbers: x, y, turn of body a, then of body b.
type row struct {
	j, m    [6]float32 // Jacobian, and the same times M^-1
	a, b    int32      // first velocity of each body
	za, zb  int32      // its reactions in the trees of a and b: where they are in w.react,
	sa, sb  int32      // where they act in a motion,
	na, nb  int32      // and how many there are; if there is one tree only, a's are none
	k, em   float32    // speed that a unit of impulse gains, softness included, and its inverse
	soft    float32    // speed that a unit of impulse may leave
	impulse float32
	applied float32 // part of the impulse that is in the motion
	pushed  float32 // impulse of the position correction
}

// maxDense is the number of rows up to which speeds are kept rather than computed.
const maxDense = 48

// A system is a motion that impulses along the rows change. If there are few rows, the speeds
// along them are kept instead, and the matrix w.dense says how they change; the motion
// is then brought up to date in the end.
type system struct {
	motion motion
	speeds []float32 // along all rows, nil if there are many
	room   [maxDense]float32
}

// speed returns the speed along r.
func (v motion) speed(r *row, react []float32) float32 {
	a, b := (*[3]float32)(v[r.a:]), (*[3]float32)(v[r.b:])
	sum := float32(r.j[0]*a[0]) + float32(r.j[1]*a[1]) + float32(r.j[2]*a[2]) +
		(float32(r.j[3]*b[0]) + float32(r.j[4]*b[1]) + float32(r.j[5]*b[2]))
	if r.na > 0 {
		sum -= dot(react[r.za:r.za+r.na], v[r.sa:])
	}
	return sum - dot(react[r.zb:r.zb+r.nb], v[r.sb:])
}

func dot(x, y []float32) (sum float32) {
	y = y[:len(x)]
	for i, a := range x {
		sum += float32(a * y[i])
	}
	return sum
}

// push adds an impulse along r.
func (v motion) push(r *row, react []float32, f float32) {
	a, b := (*[3]float32)(v[r.a:]), (*[3]float32)(v[r.b:])
	a[0] += float32(r.m[0] * f)
	a[1] += float32(r.m[1] * f)
	a[2] += float32(r.m[2] * f)
	b[0] += float32(r.m[3] * f)
	b[1] += float32(r.m[4] * f)
	b[2] += float32(r.m[5] * f)
	if r.na > 0 {
		add(v[r.sa:], react[r.za:r.za+r.na], f)
	}
	add(v[r.sb:], react[r.zb:r.zb+r.nb], f)
}

// add adds f times x to y.
func add(y, x []float32, f float32) {
	y = y[:len(x)]
	for i, a := range x {
		y[i] += float32(a * f)
	}
}

// addFours is add for multiples of four numbers.
func addFours(y, x []float32, f float32) {
	for i := 0; i < len(x); i += 4 {
		a, b := (*[4]float32)(x[i:]), (*[4]float32)(y[i:])
		b[0] += float32(a[0] * f)
		b[1] += float32(a[1] * f)
		b[2] += float32(a[2] * f)
		b[3] += float32(a[3] * f)
	}
}

// addRow completes a row of two bodies, whose Jacobian is there, and starts it with an impulse.
func (w *World) addRow(r *row, a, b int32, impulse float32) {
	w.setRow(r, a, b)
	ta, tb := w.m.bodies[a].tree, w.m.bodies[b].tree
	ground := int32(len(w.bodies) - 1) // has no joints
	if ta >= 0 && ta != tb {
		r.za, r.sa, r.na = w.reaction(ta, a, ground, &r.j)
	}
	if tb >= 0 {
		if ta != tb {
			a = ground
		}
		r.zb, r.sb, r.nb = w.reaction(tb, a, b, &r.j)
	}
	w.startRow(r, impulse)
}

// addPair is addRow for two rows of the same bodies.
func (w *World) addPair(r *[2]row, a, b int32, f, g float32) {
	p, q := &r[0], &r[1]
	for i := range r {
		w.setRow(&r[i], a, b)
	}
	ta, tb := w.m.bodies[a].tree, w.m.bodies[b].tree
	ground := int32(len(w.bodies) - 1)
	for side, tree := range [2]int32{ta, tb} {
		if tree < 0 || side == 0 && ta == tb {
			continue
		}
		x, y := a, b
		switch {
		case ta == tb:
		case side == 0:
			y = ground
		default:
			x = ground
		}
		z, s, n := w.reactionBoth(tree, x, y, &p.j, &q.j)
		if side == 0 {
			p.za, p.sa, p.na = z, s, n
			q.za, q.sa, q.na = z+w.m.trees[tree].rows, s, n
		} else {
			p.zb, p.sb, p.nb = z, s, n
			q.zb, q.sb, q.nb = z+w.m.trees[tree].rows, s, n
		}
	}
	for i, impulse := range [2]float32{f, g} {
		w.startRow(&r[i], impulse)
	}
}

// setRow computes what a row is without joints.
func (w *World) setRow(r *row, a, b int32) {
	p, q := &w.bodies[a], &w.bodies[b]
	j, m := &r.j, &r.m
	m[0], m[1], m[2] = p.invM*j[0], p.invM*j[1], p.invI*j[2]
	m[3], m[4], m[5] = q.invM*j[3], q.invM*j[4], q.invI*j[5]
	r.k = float32(j[0]*m[0]) + float32(j[1]*m[1]) + float32(j[2]*m[2]) +
		(float32(j[3]*m[3]) + float32(j[4]*m[4]) + float32(j[5]*m[5]))
	r.a, r.b = w.m.bodies[a].dof, w.m.bodies[b].dof
	r.za, r.sa, r.na = 0, 0, 0
	r.zb, r.sb, r.nb = 0, 0, 0
	r.impulse, r.applied = 0, 0
}

// startRow takes from a row what its reactions take back, and starts it with an impulse, unless
// the joints forbid any motion along it.
func (w *World) startRow(r *row, impulse float32) {
	free := r.k
	if r.na > 0 {
		r.k -= square(w.react[r.za : r.za+r.na])
	}
	if r.nb > 0 {
		r.k -= square(w.react[r.zb : r.zb+r.nb])
	}
	damping := float32(softness * free)
	r.soft = float32(float32(damping*damping) * inverse(r.k))
	r.k = geom.Max(r.k+r.soft, 0)
	if r.em = inverse(r.k); r.em != 0 && impulse != 0 {
		r.impulse, r.applied = impulse, impulse
		w.now.motion.push(r, w.react, impulse)
	}
}

func square(x []float32) float32 { return dot(x, x) }

// reaction appends the reactions of a tree to a unit impulse along j on its bodies a and b. It
// returns where they are, where they act in a motion, and how many there are: those before
// the first constraint that takes part are left out.
func (w *World) reaction(tree, a, b int32, j *[6]float32) (z, s, n int32) {
	t := &w.m.trees[tree]
	at := len(w.react)
	w.react = w.react[:at+int(t.rows)]
	x := w.react[at:]
	clear(x)
	cs := w.constraints[t.row0 : t.row0+t.rows]
	first := t.rows
	for _, l := range w.m.bodies[a].links {
		m, p := &cs[l.row].m, l.side&3 // 0 or 3, which the compiler does not know
		x[l.row] = float32(j[0]*m[p]) + float32(j[1]*m[p+1]) + float32(j[2]*m[p+2])
		first = min(first, l.row)
	}
	for _, l := range w.m.bodies[b].links {
		m, p := &cs[l.row].m, l.side&3
		x[l.row] += float32(j[3]*m[p]) + float32(j[4]*m[p+1]) + float32(j[5]*m[p+2])
		first = min(first, l.row)
	}
	t.forward(w.factor(t), x, int(first))
	return int32(at) + first, int32(w.m.dofs) + 3 + t.row0 + first, t.rows - first
}

// reactionBoth is reaction for unit impulses along i and j; those to j lie t.rows behind.
func (w *World) reactionBoth(tree, a, b int32, i, j *[6]float32) (z, s, n int32) {
	t := &w.m.trees[tree]
	at := len(w.react)
	w.react = w.react[:at+2*int(t.rows)]
	clear(w.react[at:])
	x, y := w.react[at:][:t.rows], w.react[at+int(t.rows):][:t.rows]
	cs := w.constraints[t.row0 : t.row0+t.rows]
	first := t.rows
	for _, l := range w.m.bodies[a].links {
		m, p := &cs[l.row].m, l.side&3
		x[l.row] = float32(i[0]*m[p]) + float32(i[1]*m[p+1]) + float32(i[2]*m[p+2])
		y[l.row] = float32(j[0]*m[p]) + float32(j[1]*m[p+1]) + float32(j[2]*m[p+2])
		first = min(first, l.row)
	}
	for _, l := range w.m.bodies[b].links {
		m, p := &cs[l.row].m, l.side&3
		x[l.row] += float32(i[3]*m[p]) + float32(i[4]*m[p+1]) + float32(i[5]*m[p+2])
		y[l.row] += float32(j[3]*m[p]) + float32(j[4]*m[p+1]) + float32(j[5]*m[p+2])
		first = min(first, l.row)
	}
	t.forwardBoth(w.factor(t), x, y, int(first))
	return int32(at) + first, int32(w.m.dofs) + 3 + t.row0 + first, t.rows - first
}

// softness bounds impulses where joints hold bodies almost rigidly together, as a contact between
// the ends of a chain of welds: the speed k that such an impulse gains is next to nothing of the
// speed free that it would gain without joints, and to separate shapes that overlap it would have
// to be next to infinite. A softness s = (softness free)^2/k lets an impulse x leave the speed s x
// undone: the impulses solve (A + S) x = b, with the matrix A of what speeds they gain and the
// diagonal S of softness. For a single row that is the damped inverse k/(k^2 + (softness free)^2) in
// the place of 1/k (Wampler, IEEE Transactions on Systems, Man and Cybernetics 16, 1986; Nakamura
// and Hanafusa, J. Dynamic Systems 108, 1986): the millionth part less if no joints take part, half
// at k = softness free, and nothing in the limit of rigidity. S also makes A + S regular where
// contacts imply each other, as four of one box.
const softness = 1e-3

// speed returns the speed along row i that the solver sees: what softness allows is part of it.
func (w *World) speed(s *system, i int32) float32 {
	if s.speeds != nil {
		return s.speeds[i]
	}
	return w.motionSpeed(s, &w.rows[i])
}

// motionSpeed is speed, from the motion.
func (w *World) motionSpeed(s *system, r *row) float32 {
	x := r.impulse
	if s == &w.shift {
		x = r.pushed
	}
	return s.motion.speed(r, w.react) + float32(r.soft*x)
}

// change adds an impulse along row i.
func (w *World) change(s *system, i int32, f float32) {
	if s.speeds != nil {
		n := len(s.speeds)
		addFours(s.speeds, w.dense[int(i)*n:][:n], f)
		return
	}
	s.motion.push(&w.rows[i], w.react, f)
}

// assemble computes, if there are few rows, the speeds along all that a unit of impulse along
// each brings about.
func (w *World) assemble() {
	w.begin(&w.now)
	if w.now.speeds == nil {
		return
	}
	n := len(w.now.speeds)
	for k := range w.rows {
		r := &w.rows[k]
		w.dense[k*n+k] = r.k
		for i := range w.rows[:k] {
			x := w.coupling(r, &w.rows[i])
			w.dense[i*n+k], w.dense[k*n+i] = x, x
		}
	}
	for i := range w.rows { // the unused rest of the last four columns
		for k := len(w.rows); k < n; k++ {
			w.dense[i*n+k] = 0
		}
	}
}

// coupling returns the speed along r that a unit of impulse along q brings about, or the other
// way round.
func (w *World) coupling(r, q *row) float32 {
	a, b := float32(0), float32(0)
	switch r.a {
	case q.a:
		a = float32(r.j[0]*q.m[0]) + float32(r.j[1]*q.m[1]) + float32(r.j[2]*q.m[2])
	case q.b:
		a = float32(r.j[0]*q.m[3]) + float32(r.j[1]*q.m[4]) + float32(r.j[2]*q.m[5])
	}
	switch r.b {
	case q.a:
		b = float32(r.j[3]*q.m[0]) + float32(r.j[4]*q.m[1]) + float32(r.j[5]*q.m[2])
	case q.b:
		b = float32(r.j[3]*q.m[3]) + float32(r.j[4]*q.m[4]) + float32(r.j[5]*q.m[5])
	}
	sum := a + b
	if r.na > 0 {
		sum -= w.shared(q, r.za, r.sa, r.na)
	}
	return sum - w.shared(q, r.zb, r.sb, r.nb)
}

// shared returns the product of n reactions at z, which act at s, with those of q in the same
// tree. Reactions of a tree may begin anywhere, but all end at its last constraint.
func (w *World) shared(q *row, z, s, n int32) float32 {
	c, end := int32(0), int32(0)
	switch {
	case q.nb > 0 && q.sb+q.nb == s+n:
		c, end = min(n, q.nb), q.zb+q.nb
	case q.na > 0 && q.sa+q.na == s+n:
		c, end = min(n, q.na), q.za+q.na
	}
	return dot(w.react[z+n-c:z+n], w.react[end-c:end])
}

// begin computes the speeds of s, if they are kept, when its impulses are in its
// motion.
func (w *World) begin(s *system) {
	s.speeds = nil
	if n := len(w.rows); n <= maxDense {
		s.speeds = s.room[:(n+3)/4*4]
		for i := range w.rows {
			s.speeds[i] = w.motionSpeed(s, &w.rows[i])
		}
	}
}

// forget makes v zero where r acts.
func (v motion) forget(r *row) {
	*(*[3]float32)(v[r.a:]), *(*[3]float32)(v[r.b:]) = [3]float32{}, [3]float32{}
	clear(v[r.sa : r.sa+r.na])
	clear(v[r.sb : r.sb+r.nb])
}

// apply brings the motion of the velocities up to date with the impulses.
func (w *World) apply() {
	if w.now.speeds == nil {
		return
	}
	for i := range w.rows {
		r := &w.rows[i]
		if d := r.impulse - r.applied; d != 0 {
			r.applied = r.impulse
			w.now.motion.push(r, w.react, d)
		}
	}
}
