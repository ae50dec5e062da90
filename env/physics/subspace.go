package physics

import "github.com/terrarium-rl/terrarium/env/geom"

// Gauss-Seidel sweeps find out quickly which motors saturate, which limits and contacts push
// and which slide, but then converge slowly, the more so the longer the chain of motors. From
// time to time the impulses that are strictly within their bounds are therefore solved for
// exactly, all others kept; then the bounds are applied and the sweeps go on (projected
// Gauss-Seidel with subspace minimisation: Silcowitz, Niebe and Erleben, "Projected Gauss-Seidel
// subspace minimization method for interactive rigid body dynamics", GRAPP 2010).

const (
	maxFree      = 32
	firstSolve   = 2 // sweeps before the first exact solution
	maxSolutions = 20
	maxHolds     = 16 // bounds met in one solution
	unbounded    = 1e30
)

// free is an impulse strictly within its bounds.
type free struct {
	row      int32
	kind     freeKind
	x        float32 // speed that is missing
	d, sum   float32 // impulse that brings it about, and what is to be applied
	down, up float32 // how far the impulse is from its bounds
	friction float32 // of a tangential impulse: its coefficient
	slide    float32 // of a contact that slides: tangential impulse with a unit of normal impulse
	slip     float32 // the tangential impulse that came so
	held     bool    // it has met its bound
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
	if n < 1 || n == 1 && w.free[0].slide == 0 {
		return // nothing to solve at once
	}
	w.assembleFree()
	for range maxHolds {
		if !w.solveFree() {
			w.unslide()
			continue
		}
		step, at, upper := w.longest()
		for i := range w.free {
			f := &w.free[i]
			up, down := w.rates(i)
			d := float32(f.d * step)
			f.sum += d
			f.slip += float32(f.slide * d)
			f.up, f.down = geom.Max(f.up-float32(up*step), 0), geom.Max(f.down-float32(down*step), 0)
			f.x = float32(f.x * (1 - step))
		}
		if at < 0 {
			break
		}
		w.hold(at, upper)
	}
	for i := range w.free {
		w.applyFree(&w.free[i])
	}
}

// rates returns how fast free impulse i approaches its bounds on the way to the solution. Those of
// friction move with the normal impulse, which is the one before it.
func (w *World) rates(i int) (up, down float32) {
	f := &w.free[i]
	widening := float32(0)
	if f.kind == tangentFree {
		widening = float32(f.friction * w.free[i-1].d)
	}
	return f.d - widening, -f.d - widening
}

// longest returns which part of the solution the bounds allow, the impulse that meets its bound
// first, -1 if none does, and whether that is its upper bound.
func (w *World) longest() (step float32, at int, upper bool) {
	step, at = 1, -1
	for i := range w.free {
		f := &w.free[i]
		if f.held {
			continue
		}
		up, down := w.rates(i)
		if up > 0 && up*step > f.up {
			step, at, upper = f.up/up, i, true
		}
		if down > 0 && down*step > f.down {
			step, at, upper = f.down/down, i, false
		}
	}
	return step, at, upper
}

// hold keeps a free impulse at the bound that it has met. Friction stays at its bound as that
// moves: the contact slides from now on.
func (w *World) hold(at int, upper bool) {
	f := &w.free[at]
	f.held = true
	if f.kind != tangentFree {
		return
	}
	normal := &w.free[at-1]
	normal.slide = -f.friction
	if upper {
		normal.slide = f.friction
	}
	n := len(w.free)
	for i := range n {
		w.matrix[i*n+at-1] += float32(normal.slide * w.matrix[i*n+at])
	}
}

// unslide keeps friction as it is, where it would follow the normal impulse: without that, the
// matrix is symmetric and positive definite.
func (w *World) unslide() {
	for k := range w.free {
		if f := &w.free[k]; f.slide != 0 {
			f.slide = 0
			w.assembleColumn(k)
		}
	}
}

func (w *World) collectFree() {
	w.free = w.free[:0]
	for i := range w.axes {
		n := len(w.free)
		if n == maxFree {
			break
		}
		x, r, f := &w.axes[i], &w.rows[i], &w.free[:n+1][n]
		rel := w.speed(&w.now, int32(i))
		f.begin(int32(i), bounded)
		_, f.kind = x.solve(r, rel)
		switch f.kind {
		case motorFree:
			f.x, f.down, f.up = x.want-rel, x.most+r.impulse, x.most-r.impulse
		case lowerFree:
			f.x, f.down, f.up = x.lo-rel, r.impulse-x.stalled(x.lo), unbounded
		case upperFree:
			f.x, f.down, f.up = x.hi-rel, unbounded, x.stalled(x.hi)-r.impulse
		}
		if f.down > 0 && f.up > 0 {
			w.free = w.free[:n+1]
		}
	}
	for i := range w.grips {
		g := &w.grips[i]
		n, t := w.rows[g.row].impulse, w.rows[g.row+1].impulse
		at := len(w.free)
		if n <= 0 || at+2 > maxFree {
			continue
		}
		f := &w.free[:at+1][at]
		f.begin(g.row, normalFree)
		f.x, f.down, f.up = g.least-w.speed(&w.now, g.row), n, unbounded
		most := float32(g.friction * n)
		switch {
		case t >= most:
			f.slide = g.friction
		case t <= -most:
			f.slide = -g.friction
		}
		w.free = w.free[:at+1]
		if f.slide == 0 && most > 0 {
			w.free = w.free[:at+2]
			f = &w.free[at+1]
			f.begin(g.row+1, tangentFree)
			f.x, f.down, f.up, f.friction = -w.speed(&w.now, g.row+1), most+t, most-t, g.friction
		}
	}
}

// begin empties f.
func (f *free) begin(row int32, kind freeKind) {
	f.row, f.kind, f.held = row, kind, false
	f.x, f.sum, f.down, f.up = 0, 0, 0, 0
	f.friction, f.slide, f.slip = 0, 0, 0
}

// assembleFree writes the matrix of speeds, a row each, that unit impulses, a column each, bring
// about. A sliding contact's impulse comes with its friction, which makes the matrix unsymmetric.
func (w *World) assembleFree() {
	for k := range w.free {
		w.assembleColumn(k)
	}
}

func (w *World) assembleColumn(k int) {
	n, g := len(w.free), &w.free[k]
	if w.now.speeds != nil {
		w.pickColumn(w.matrix[k:], n, g)
		return
	}
	r := &w.rows[g.row]
	w.unit.push(r, w.react, 1)
	if g.slide != 0 {
		w.unit.push(&w.rows[g.row+1], w.react, g.slide)
	}
	for i := range w.free {
		w.matrix[i*n+k] = w.unit.speed(&w.rows[w.free[i].row], w.react)
	}
	w.matrix[k*n+k] += r.soft
	w.unit.forget(r)
}

// pickColumn writes the column of g, of which every n-th element of dst is one.
func (w *World) pickColumn(dst []float32, n int, g *free) {
	rows := int32(len(w.now.speeds))
	normal := w.dense[g.row*rows:][:rows]
	for i := range w.free {
		dst[i*n] = normal[w.free[i].row]
	}
	if g.slide != 0 {
		tangent := w.dense[(g.row+1)*rows:][:rows]
		for i := range w.free {
			dst[i*n] += float32(g.slide * tangent[w.free[i].row])
		}
	}
}

// solveFree factorises the matrix into L and U, of which L has a diagonal of ones, and solves
// for the impulses that are not held. Without sliding contacts, no pivot is below the softness of
// its row. It reports whether that is so with those there are; if it is not, friction jams them,
// and there is no solution near, or more than one.
func (w *World) solveFree() bool {
	free := w.free
	n := len(free)
	a := w.matrix[n*n : 2*n*n]
	copy(a, w.matrix[:n*n])
	for k := range free {
		row, f := a[k*n:k*n+n], &free[k]
		x := f.x
		for i := range free[:k] {
			u := a[i*n+i : i*n+n] // from the diagonal, which is kept inverted
			rest := row[i:]
			rest = rest[:len(u)]
			l := rest[0] * u[0]
			rest[0] = l
			if l != 0 {
				x -= float32(l * free[i].d)
				for p := 1; p < len(u); p++ {
					rest[p] -= float32(l * u[p])
				}
			}
		}
		f.d = x
		switch d := row[k]; {
		case f.held:
			row[k] = 0
		case d > 0.5*w.rows[f.row].soft:
			row[k] = 1 / d
		case w.slides():
			return false
		default:
			row[k] = 0
		}
	}
	for k := n - 1; k >= 0; k-- {
		u, later := a[k*n+k:k*n+n], free[k:]
		later = later[:len(u)]
		s := float32(0) // for those dropped or held
		if u[0] != 0 {
			s = later[0].d
			for i := 1; i < len(u); i++ {
				s -= float32(u[i] * later[i].d)
			}
			s = float32(s * u[0])
		}
		later[0].d = s
	}
	return true
}

// slides reports whether any free impulse takes friction along.
func (w *World) slides() bool {
	for i := range w.free {
		if w.free[i].slide != 0 {
			return true
		}
	}
	return false
}

// applyFree adds the impulse found for f, which its bounds allow up to rounding.
func (w *World) applyFree(f *free) {
	r, d := &w.rows[f.row], f.sum
	if f.kind == normalFree {
		d = geom.Max(r.impulse+d, 0) - r.impulse
		if f.slip != 0 {
			w.rows[f.row+1].impulse += f.slip
			w.change(&w.now, f.row+1, f.slip)
		}
	}
	r.impulse += d
	w.change(&w.now, f.row, d)
}
