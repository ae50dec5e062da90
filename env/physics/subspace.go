package physics

import "github.com/terrarium-rl/terrarium/env/geom"

// Gauss-Seidel sweeps find out quickly which motors saturate, which limits and contacts push
// and which slide, but then converge slowly, the more so the longer the chain of motors. From
// time to time the impulses that are strictly within their bounds are therefore solved for
// exactly, all others kept; then the bounds are applied and the sweeps go on (projected
// Gauss-Seidel with subspace minimisation: Silcowitz, Niebe and Erleben, "Projected Gauss-Seidel
// subspace minimization method for interactive rigid body dynamics", GRAPP 2010).

const (
	maxFree      = 32   // more free impulses than that are left to the sweeps
	freeDepends  = 1e-4 // a pivot below this part of its diagonal is implied by those before it, and dropped
	firstSolve   = 2    // sweeps before the first exact solution
	solveEvery   = 1    // sweeps between exact solutions
	maxSolutions = 6
	maxHolds     = 8 // bounds met in one solution
	unbounded    = 1e30
)

// free is an impulse strictly within its bounds.
type free struct {
	j              [6]float32
	a, b           int32 // first velocity of each body
	da, na, db, nb int32 // its response, as in row
	resp           int32
	index          int32 // of the axis or row
	kind           freeKind
	x, k           float32 // speed that is missing, and that which a unit of impulse gains by itself
	d, sum         float32 // impulse that brings it about, and what is to be applied
	down, up       float32 // how far the impulse is from its bounds
	slide          float32 // of a contact that slides: tangential impulse with a unit of normal impulse
	held           bool    // it has met its bound
}

type freeKind int32

const (
	bounded freeKind = iota // not free
	motorFree
	lowerFree
	upperFree
	normalFree
	tangentFree
)

// refine solves for the free impulses, by an active set method: it goes towards the solution as
// far as the bounds allow, holds the impulse that met its bound, and solves for the others. What
// speed is missing then is the same part of what was missing, so that the matrix is assembled
// once.
func (w *World) refine() {
	w.collectFree()
	n := len(w.free)
	if n < 2 || n > maxFree {
		return
	}
	w.assembleFree()
	for range maxHolds {
		w.solveFree()
		step, at := float32(1), -1
		for i := range w.free {
			f := &w.free[i]
			if f.d > 0 && f.d*step > f.up {
				step, at = f.up/f.d, i
			}
			if f.d < 0 && -f.d*step > f.down {
				step, at = f.down/-f.d, i
			}
		}
		for i := range w.free {
			f := &w.free[i]
			d := float32(f.d * step)
			f.sum += d
			f.up, f.down = geom.Max(f.up-d, 0), geom.Max(f.down+d, 0)
			f.x *= 1 - step
		}
		if at < 0 {
			break
		}
		w.free[at].held = true
	}
	for i := range w.free {
		w.applyFree(&w.free[i])
	}
}

func (w *World) collectFree() {
	w.free = w.free[:0]
	for i := range w.axes {
		x := &w.axes[i]
		f := free{j: x.j, a: x.a, b: x.b, db: x.dof, nb: x.n, resp: x.resp, index: int32(i), k: x.k}
		rel := x.speed(w.v)
		_, f.kind = x.solve(rel)
		switch f.kind {
		case motorFree:
			f.x, f.down, f.up = x.want-rel, x.most+x.impulse, x.most-x.impulse
		case lowerFree:
			f.x, f.down, f.up = x.lo-rel, x.impulse-x.stalled(rel), unbounded
		case upperFree:
			f.x, f.down, f.up = x.hi-rel, unbounded, x.stalled(rel)-x.impulse
		}
		if x.em == 0 || !(f.down > 0 && f.up > 0) {
			continue
		}
		w.free = append(w.free, f)
	}
	for i := range w.rows {
		r := &w.rows[i]
		if r.ni <= 0 || len(w.free)+2 > cap(w.free) {
			continue
		}
		f := free{
			j: [6]float32{-r.nx, -r.ny, -r.rna, r.nx, r.ny, r.rnb}, a: r.a, b: r.b,
			da: r.da, na: r.na, db: r.db, nb: r.nb, resp: r.resp, index: int32(i), kind: normalFree, k: r.kn,
			x: r.least - r.normalSpeed(w.v), down: r.ni, up: unbounded,
		}
		most := float32(r.friction * r.ni)
		switch {
		case r.ti >= most:
			f.slide = r.friction
		case r.ti <= -most:
			f.slide = -r.friction
		}
		w.free = append(w.free, f)
		if f.slide == 0 && most > 0 {
			f.j = [6]float32{-r.ny, r.nx, -r.rta, r.ny, -r.nx, r.rtb}
			f.resp += r.na + r.nb
			f.kind, f.x, f.k, f.down, f.up = tangentFree, -r.tangentSpeed(w.v), r.kt, most+r.ti, most-r.ti
			w.free = append(w.free, f)
		}
	}
}

// assembleFree writes the matrix of speeds, a row each, that unit impulses, a column each, bring
// about. A sliding contact's impulse comes with its friction, which makes the matrix unsymmetric.
func (w *World) assembleFree() {
	n := len(w.free)
	v := w.response
	for k := range w.free {
		g := &w.free[k]
		normal := w.resp[g.resp:][:g.na+g.nb]
		copy(v[g.da:], normal[:g.na])
		copy(v[g.db:], normal[g.na:])
		if g.slide != 0 {
			tangent := w.resp[g.resp+g.na+g.nb:][:g.na+g.nb]
			v.add(g.da, tangent[:g.na], g.slide)
			v.add(g.db, tangent[g.na:], g.slide)
		}
		for i := range w.free {
			f := &w.free[i]
			a, b := (*[3]float32)(v[f.a:]), (*[3]float32)(v[f.b:])
			w.dense[i*n+k] = float32(f.j[0]*a[0]) + float32(f.j[1]*a[1]) + float32(f.j[2]*a[2]) +
				(float32(f.j[3]*b[0]) + float32(f.j[4]*b[1]) + float32(f.j[5]*b[2]))
		}
		clear(v[g.da : g.da+g.na])
		clear(v[g.db : g.db+g.nb])
	}
}

// solveFree factorises the matrix into L and U, of which L has a diagonal of ones, and solves
// for the impulses that are not held.
func (w *World) solveFree() {
	n := len(w.free)
	a := w.dense[n*n : 2*n*n]
	copy(a, w.dense[:n*n])
	for k := range n {
		row, f := a[k*n:k*n+n], &w.free[k]
		x := f.x
		for i := range k {
			l := row[i] * a[i*n+i] // the diagonal of U is kept inverted
			row[i] = l
			x -= float32(l * w.free[i].d)
			if l != 0 {
				u := a[i*n : i*n+n]
				for p := i + 1; p < n; p++ {
					row[p] -= float32(l * u[p])
				}
			}
		}
		f.d = x
		if d := row[k]; d > freeDepends*f.k && !f.held {
			row[k] = 1 / d
		} else {
			row[k] = 0
		}
	}
	for k := n - 1; k >= 0; k-- {
		row := a[k*n : k*n+n]
		s := float32(0) // for those dropped or held
		if row[k] != 0 {
			s = w.free[k].d
			for i := k + 1; i < n; i++ {
				s -= float32(row[i] * w.free[i].d)
			}
			s *= row[k]
		}
		w.free[k].d = s
	}
}

// applyFree adds the impulse found for f, which its bounds allow up to rounding.
func (w *World) applyFree(f *free) {
	d := f.sum
	switch f.kind {
	case normalFree:
		r := &w.rows[f.index]
		n := geom.Max(r.ni+d, 0)
		d, r.ni = n-r.ni, n
		if f.slide != 0 {
			r.ti += float32(f.slide * d)
			w.slide(w.v, r, float32(f.slide*d))
		}
	case tangentFree:
		w.rows[f.index].ti += d
	default:
		w.axes[f.index].impulse += d
	}
	w.v.add(f.da, w.resp[f.resp:f.resp+f.na], d)
	w.v.add(f.db, w.resp[f.resp+f.na:f.resp+f.na+f.nb], d)
}
