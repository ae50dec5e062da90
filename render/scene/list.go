package scene

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// Kind says which shape a Shape is.
type Kind uint8

const (
	Polygon Kind = iota // filled, through Pts
	Circle              // filled, about Pts[0]
	Line                // open, through Pts
	Label               // Text at Pts[0]
)

// A Shape is one thing to draw, in metres, y up.
type Shape struct {
	Kind  Kind
	Role  env.Role
	Pts   []geom.Vec // owned by the list, valid until its Reset
	Size  float32    // Circle: radius; Line: width, 0 meaning a hairline
	Spoke float32    // Circle: angle of its mark, in radians
	Text  string     // Label
}

// A List is a Canvas that keeps what is drawn on it, back to front. Shapes with a number that
// is not finite are left out. The zero value is empty and ready for use.
type List struct {
	lo, hi geom.Vec
	items  []item
	pts    []geom.Vec

	origin, unit geom.Vec // of Chart; a unit of 0 without
}

// An item is a Shape whose points are pts[first:end] of the list.
type item struct {
	kind        Kind
	role        env.Role
	first, end  int32
	size, spoke float32
	text        string
}

// Reset empties l and keeps its memory.
func (l *List) Reset() {
	l.lo, l.hi, l.origin, l.unit = geom.Vec{}, geom.Vec{}, geom.Vec{}, geom.Vec{}
	l.items, l.pts = l.items[:0], l.pts[:0]
}

// Len returns the number of shapes.
func (l *List) Len() int { return len(l.items) }

// At returns shape i.
func (l *List) At(i int) Shape {
	it := &l.items[i]
	return Shape{it.kind, it.role, l.pts[it.first:it.end:it.end], it.size, it.spoke, it.text}
}

// Bounds returns the rectangle to show: what View suggested, or else the box around all points,
// or else the unit square.
func (l *List) Bounds() (lo, hi geom.Vec) {
	lo, hi = l.lo, l.hi
	if !(lo.X < hi.X && lo.Y < hi.Y) && len(l.pts) > 0 {
		lo, hi = l.pts[0], l.pts[0]
		for i := range l.items {
			it := &l.items[i]
			for _, p := range l.pts[it.first:it.end] {
				lo = geom.Vec{X: min(lo.X, p.X-it.size), Y: min(lo.Y, p.Y-it.size)}
				hi = geom.Vec{X: max(hi.X, p.X+it.size), Y: max(hi.Y, p.Y+it.size)}
			}
		}
	}
	if !(lo.X < hi.X && lo.Y < hi.Y) {
		return geom.Vec{}, geom.Vec{X: 1, Y: 1}
	}
	return lo, hi
}

// View suggests what to show.
func (l *List) View(lo, hi geom.Vec) { l.lo, l.hi = lo, hi }

// Chart keeps where observed places lie.
func (l *List) Chart(origin, unit geom.Vec) {
	if finite1(origin) && finite1(unit) {
		l.origin, l.unit = origin, unit
	}
}

// Charted returns what Chart was told, or ok = false if it was not called.
func (l *List) Charted() (origin, unit geom.Vec, ok bool) {
	return l.origin, l.unit, l.unit != geom.Vec{}
}

// Polygon keeps a filled polygon. Fewer than three points are ignored.
func (l *List) Polygon(role env.Role, pts []geom.Vec) {
	if len(pts) >= 3 && finite(pts) {
		l.add(item{kind: Polygon, role: role}, pts)
	}
}

// Circle keeps a disc.
func (l *List) Circle(role env.Role, centre geom.Vec, radius, spoke float32) {
	if finite1(centre) && geom.Finite(radius) && geom.Finite(spoke) {
		l.add1(item{kind: Circle, role: role, size: radius, spoke: spoke}, centre)
	}
}

// Line keeps an open line. Fewer than two points are ignored.
func (l *List) Line(role env.Role, width float32, pts []geom.Vec) {
	if len(pts) >= 2 && finite(pts) && geom.Finite(width) {
		l.add(item{kind: Line, role: role, size: width}, pts)
	}
}

// Label keeps a text.
func (l *List) Label(role env.Role, at geom.Vec, text string) {
	if finite1(at) {
		l.add1(item{kind: Label, role: role, text: text}, at)
	}
}

func (l *List) add(it item, pts []geom.Vec) {
	it.first = int32(len(l.pts))
	l.pts = append(l.pts, pts...)
	it.end = int32(len(l.pts))
	l.items = append(l.items, it)
}

// add1 is add without a slice, which would have to be allocated.
func (l *List) add1(it item, at geom.Vec) {
	it.first = int32(len(l.pts))
	l.pts = append(l.pts, at)
	it.end = it.first + 1
	l.items = append(l.items, it)
}

func finite1(v geom.Vec) bool { return geom.Finite(v.X) && geom.Finite(v.Y) }

func finite(pts []geom.Vec) bool {
	for _, v := range pts {
		if !finite1(v) {
			return false
		}
	}
	return true
}

var _ env.Canvas = (*List)(nil)
