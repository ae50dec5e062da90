package physics

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// SetGround replaces the points of a ground: at least 2, at most its capacity, and as
// scene.Terrain wants them.
func (w *World) SetGround(ground int, points []geom.Vec) {
	info, g := &w.m.grounds[ground], &w.grounds[ground]
	if len(points) < 2 || len(points) > int(info.verts) {
		panic(fmt.Sprintf("physics: SetGround with %d points, want 2 to %d", len(points), info.verts))
	}
	g.n = uint32(len(points))
	v := w.gverts[info.vert0:][:len(points)]
	for i, p := range points {
		v[i] = gvert{x: p.X, y: p.Y}
		if i+1 < len(points) {
			d := points[i+1].Sub(p)
			l := d.Len()
			v[i].nx, v[i].ny, v[i].length = -d.Y/l, d.X/l, l
		}
	}
	w.forgetCast()
	g.perX = float32(len(points)-1) / (points[len(points)-1].X - points[0].X)
}

// SetGroundSurface changes the friction and restitution of a ground.
func (w *World) SetGroundSurface(ground int, friction, restitution float32) {
	w.grounds[ground].friction, w.grounds[ground].restitution = friction, restitution
}

// GroundHeight returns the height of a ground at x; beyond its ends, that of the end, and at a
// vertical step its foot or its top.
func (w *World) GroundHeight(ground int, x float32) float32 {
	v := w.groundVerts(ground)
	var y float32
	if w.inside(ground, x, &y) {
		return y
	}
	last := len(v) - 1
	if !(x > v[0].x) {
		return v[0].y
	}
	i := segmentAt(v, w.grounds[ground].perX, x)
	p, q := &v[i], &v[i+1]
	if x >= q.x && x >= v[last].x { // the end of a long ground is far away in memory: most need not look there
		return v[last].y
	}
	if q.x <= p.x {
		return q.y
	}
	return p.heightTo(q, x)
}

// inside finds the height of a ground between two points, mostly those between which the last one was found,
// and reports whether x is there.
func (w *World) inside(ground int, x float32, y *float32) bool {
	v := w.groundVerts(ground)
	if i := int(w.hint); i+1 < len(v) {
		if p, q := &v[i], &v[i+1]; p.x < x && x < q.x {
			*y = p.heightTo(q, x)
			return true
		}
	}
	i := segmentAt(v, w.grounds[ground].perX, x)
	w.hint = uint32(i)
	p, q := &v[i], &v[i+1]
	if !(p.x < x && x < q.x) {
		return false
	}
	*y = p.heightTo(q, x)
	return true
}

// heightTo returns the height at x of the straight line from p to q.
func (p *gvert) heightTo(q *gvert, x float32) float32 {
	return p.y + float32((q.y-p.y)*((x-p.x)/(q.x-p.x)))
}

func (w *World) groundVerts(ground int) []gvert {
	return w.gverts[w.m.grounds[ground].vert0:][:w.grounds[ground].n]
}

// segmentAt returns the first segment that ends at or right of x, or the last segment: a guess
// that is right for evenly spaced points, and a walk from there.
func segmentAt(v []gvert, perX, x float32) int {
	last := len(v) - 2
	i := 0
	if guess := (x - v[0].x) * perX; guess > 0 { // not if NaN
		i = last
		if guess < float32(last) {
			i = int(guess)
		}
	}
	for i < last && v[i+1].x < x {
		i++
	}
	for i > 0 && v[i].x >= x {
		i--
	}
	return i
}
