//go:build lanesource

package physics

import (
	"math"
	"unsafe"
)

// A laneKnot is a point of a ground in all worlds, with the fields of gvert.
type laneKnot struct{ x, y, nx, ny, length lanes }

const (
	viewKnots   = 32 // points in a view, at most
	knotsAtOnce = 4  // points whose words are whole fours
)

// A laneView is a part of a ground in all worlds, which the shapes nearby and rays look at: points one after the
// other, in each world from one on that is left of them, so that none looks for its own.
type laneView struct {
	knots  [viewKnots]laneKnot
	start  lanes                     // the number of the first segment
	left   lanes                     // segments from there on
	lo     lanes                     // the left side of the leftmost shape that may land
	points [laneCount]unsafe.Pointer // the first
	before [laneCount]unsafe.Pointer // the normal and length of the segment before
	rest   [laneCount]int            // points behind it
	taken  int                       // points that have been taken in; none if the view has not been chosen
	_      [14]int32                 // so that all lanes are where a cache line begins
}

// right is right of all that there is.
func right() lanes { return lanes(float32(math.Inf(1))) }

// oversee chooses which parts of grounds are seen: those from the leftmost shape on that may land there.
func (g *laneGroup) oversee() {
	for i := range g.views {
		g.views[i].taken, g.views[i].lo = 0, right()
	}
	for i := range g.m.landing {
		s := &g.m.landing[i]
		v, lo := &g.views[s.a], g.boxes[s.b].lox
		v.lo = choose(andNot(g.live != 0 && lo < v.lo, sameWord(g.shapes[s.b].on, 0)), lo, v.lo)
	}
	for i := range g.views {
		if v := &g.views[i]; some(v.lo < right()) {
			g.seat(int32(i), v.lo)
		}
	}
}

// seat makes the view of a ground begin left of lo, or with its first segment. Worlds in which nothing is looked
// at, whose lo is right of all, may begin anywhere.
func (g *laneGroup) seat(ground int32, lo lanes) {
	v, info, none := &g.views[ground], &g.m.grounds[ground], right()
	from := g.m.pointsAt() + int(info.vert0)*sizeof[gvert]()
	for l := range laneCount {
		points := unsafe.Slice((*gvert)(unsafe.Add(g.memory[l], from)), int(*wordOf(&g.grounds[ground].n, l)))
		last, i, x := len(points)-2, 0, *at(&lo, l)
		w := g.ws[min(l, len(g.ws)-1)]
		switch {
		case x == *at(&none, l):
		case ground == 0:
			i = segmentFrom(points, min(int(w.seen), last), x)
			w.seen = uint16(min(i, math.MaxUint16))
		default:
			i = segmentAt(points, *at(&g.grounds[ground].perX, l), x)
		}
		v.points[l], v.rest[l] = unsafe.Pointer(&points[i]), last+1-i
		*at(&v.start, l), *at(&v.left, l) = float32(i), float32(last+1-i)
	}
	v.begin()
}

// begin takes in the first points.
func (v *laneView) begin() {
	for l := range laneCount {
		v.before[l] = unsafe.Add(v.points[l], -12)
	}
	v.taken = 0
	v.take()
}

// take takes in further points. What is taken for those beyond the last one has no meaning.
func (v *laneView) take() {
	var from [laneCount]unsafe.Pointer
	for l := range laneCount {
		from[l] = unsafe.Add(v.points[l], min(v.taken, v.rest[l])*sizeof[gvert]())
	}
	gather(&v.knots[v.taken].x, &from, knotsAtOnce*sizeof[gvert]()/16)
	v.taken += knotsAtOnce
}

// sees reports whether segment k is in view, which it comes into if there is room.
func (v *laneView) sees(k int) bool {
	if k+1 < v.taken {
		return true
	}
	if v.taken == viewKnots {
		return false
	}
	v.take()
	return true
}

// advance moves the view on, to the first segment that was not in it.
func (v *laneView) advance() {
	for l := range laneCount {
		n := min(viewKnots-1, v.rest[l])
		v.points[l] = unsafe.Add(v.points[l], n*sizeof[gvert]())
		v.rest[l] -= n
		*at(&v.start, l), *at(&v.left, l) = *at(&v.start, l)+float32(n), float32(v.rest[l])
	}
	v.begin()
}

// covers reports whether no world has what begins at lo left of its view.
func (v *laneView) covers(lo lanes) bool {
	return v.taken > 0 && !some(v.start > 0 && v.knots[0].x >= lo)
}
