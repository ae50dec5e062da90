package physics

import "github.com/terrarium-rl/terrarium/env/geom"

// A constraint is one row of J, the Jacobian of the joints' equality constraints, and the same
// row of J M^-1. Only six velocities take part: those of the joint's two bodies.
type constraint struct {
	j, m  [6]float32 // x, y, turn of body a, then of body b
	a, b  int32      // first velocity of each body, relative to its tree; that of the zeros if it does not respond
	c     float32    // constraint error, m or rad
	drive float32    // the part of J v that is due to kinematic bodies
}

// yield is how soft the joints are: the part of its diagonal that is added to each element of the
// diagonal of K. A constraint that others imply, as in a closed loop of welds, would otherwise have
// a pivot of nothing but rounding error; with it, the constraints share the load. It lies a little
// above rounding error, and so low that a joint which carries a thousand times the weight of its
// bodies gives way at 0.4 mm/s, which the correction of its error takes back.
const yield = 2e-6

// factorise computes L and D of a tree from its constraints: K = L D L^T. L is left in
// k[rows:], and D^-1/2, with 0 for constraints between bodies that cannot move, in k[:rows].
func (t *tree) factorise(cs []constraint, k []float32) {
	rows := int(t.rows)
	k = k[:rows+int(t.entries)]
	clear(k)
	for i := range t.terms {
		e := &t.terms[i]
		j, m := &cs[e.i].j, &cs[e.k].m
		p, q := e.si&3, e.sk&3 // 0 or 3, which the compiler does not know
		k[e.at] += float32(j[p]*m[q]) + float32(j[p+1]*m[q+1]) + float32(j[p+2]*m[q+2])
	}
	for c := range rows {
		k[c] += float32(yield * k[c])
	}
	l := k[rows:]
	target := t.targets
	for c := range rows {
		inv := inverse(k[c])
		k[c] = geom.Sqrt(inv)
		column := l[t.start[c]:t.start[c+1]]
		for p, x := range column {
			f := x * inv
			rest := column[p:]
			at := target[:len(rest)]
			for q, y := range rest {
				k[at[q]] -= float32(y * f)
			}
			target = target[len(rest):]
			column[p] = f
		}
	}
}

// inverse returns 1/k, and 0 if k is not positive: nothing can move.
func inverse(k float32) float32 {
	if k > 0 {
		return 1 / k
	}
	return 0
}

// dot returns the product of a row of J with a row of J M^-1 of the same joint.
func (p *constraint) dot(q *constraint) (s float32) {
	return float32(p.j[0]*q.m[0]) + float32(p.j[1]*q.m[1]) + float32(p.j[2]*q.m[2]) +
		(float32(p.j[3]*q.m[3]) + float32(p.j[4]*q.m[4]) + float32(p.j[5]*q.m[5]))
}

// forward replaces x by D^-1/2 L^-1 x, of which the elements before first are zero.
func (t *tree) forward(k, x []float32, first int) {
	rows := int(t.rows)
	l, x, d, ends := k[rows:], x[:rows], k[:rows], t.start[1:][:rows]
	at := int(t.start[first])
	for c := first; c < rows; c++ {
		xc := x[c]
		end := int(ends[c])
		row := t.row[at:end]
		column := l[at:end][:len(row)]
		for p, r := range row {
			x[r] -= float32(column[p] * xc)
		}
		x[c] = xc * d[c]
		at = end
	}
}

// forwardBoth is forward for x and y at once, which takes little longer than for one.
func (t *tree) forwardBoth(k, x, y []float32, first int) {
	rows := int(t.rows)
	l, x, y, d, ends := k[rows:], x[:rows], y[:rows], k[:rows], t.start[1:][:rows]
	at := int(t.start[first])
	for c := first; c < rows; c++ {
		xc, yc := x[c], y[c]
		end := int(ends[c])
		row := t.row[at:end]
		column := l[at:end][:len(row)]
		for p, r := range row {
			x[r] -= float32(column[p] * xc)
			y[r] -= float32(column[p] * yc)
		}
		x[c], y[c] = xc*d[c], yc*d[c]
		at = end
	}
}

// backward replaces x by L^-T D^-1/2 x.
func (t *tree) backward(k, x []float32) {
	rows := int(t.rows)
	l, x, d, starts := k[rows:], x[:rows], k[:rows], t.start[:rows]
	end := int(t.entries)
	for c := rows - 1; c >= 0; c-- {
		s := float32(x[c] * d[c])
		at := int(starts[c])
		row := t.row[at:end]
		column := l[at:end][:len(row)]
		for p, r := range row {
			s -= float32(column[p] * x[r])
		}
		x[c] = s
		end = at
	}
}

// backwardBoth is backward for x and y at once.
func (t *tree) backwardBoth(k, x, y []float32) {
	rows := int(t.rows)
	l, x, y, d, starts := k[rows:], x[:rows], y[:rows], k[:rows], t.start[:rows]
	end := int(t.entries)
	for c := rows - 1; c >= 0; c-- {
		sx, sy := float32(x[c]*d[c]), float32(y[c]*d[c])
		at := int(starts[c])
		row := t.row[at:end]
		column := l[at:end][:len(row)]
		for p, r := range row {
			sx -= float32(column[p] * x[r])
			sy -= float32(column[p] * y[r])
		}
		x[c], y[c] = sx, sy
		end = at
	}
}

// speed returns the product of a row of J with the velocities v of its tree.
func (c *constraint) speed(v []float32) float32 {
	a, b := (*[3]float32)(v[c.a:]), (*[3]float32)(v[c.b:])
	return float32(c.j[0]*a[0]) + float32(c.j[1]*a[1]) + float32(c.j[2]*a[2]) +
		(float32(c.j[3]*b[0]) + float32(c.j[4]*b[1]) + float32(c.j[5]*b[2]))
}

// push applies impulses -x along the constraints.
func push(cs []constraint, x, v []float32) {
	x = x[:len(cs)]
	for i := range cs {
		c, xi := &cs[i], x[i]
		a := (*[3]float32)(v[c.a:])
		a[0] -= float32(c.m[0] * xi)
		a[1] -= float32(c.m[1] * xi)
		a[2] -= float32(c.m[2] * xi)
		b := (*[3]float32)(v[c.b:])
		b[0] -= float32(c.m[3] * xi)
		b[1] -= float32(c.m[4] * xi)
		b[2] -= float32(c.m[5] * xi)
	}
}
