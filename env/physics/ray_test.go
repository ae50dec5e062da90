package physics

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// depth is how far p lies inside a shape of the world, computed in float64 from the definition
// of the shape; negative outside.
func depth(w *World, shape int, p geom.Vec) float64 {
	info := &w.m.shapes[shape]
	w.place(shape)
	v := w.world[info.vert0:][:w.shapes[shape].n]
	x, y := float64(p.X), float64(p.Y)
	if len(v) > 2 {
		least := math.Inf(1)
		for i := range v {
			q := &v[next(i, len(v))]
			ex, ey := float64(q.x-v[i].x), float64(q.y-v[i].y)
			least = math.Min(least, (ex*(y-float64(v[i].y))-ey*(x-float64(v[i].x)))/math.Hypot(ex, ey))
		}
		return least
	}
	a, b := &v[0], &v[len(v)-1]
	ex, ey := float64(b.x-a.x), float64(b.y-a.y)
	t := 0.0
	if l := ex*ex + ey*ey; l > 0 {
		t = math.Max(0, math.Min(1, ((x-float64(a.x))*ex+(y-float64(a.y))*ey)/l))
	}
	return float64(w.shapes[shape].radius) - math.Hypot(x-float64(a.x)-t*ex, y-float64(a.y)-t*ey)
}

// A ray walked in small steps finds the same surfaces as RayCast.
func TestRayCast(t *testing.T) {
	s := zoo()
	s.Grounds[0].Points = []geom.Vec{{X: -5, Y: 0.2}, {X: -2, Y: -0.3}, {X: 0}, {X: 0, Y: 0.4}, {X: 1, Y: 0.3}, {X: 1.5}, {X: 6, Y: 0.5}}
	s.Bodies[len(s.Bodies)-1].Shapes[1].Kind = scene.Segment
	w := compile(t, s)
	for i := range 40 {
		w.SetMotor(0, float32(i%3), 1)
		w.Step(1. / 50)
	}
	r := rng.New(11).Stream(1, 0, 0)
	hits := 0
	for range 400 {
		from, to := vec(r.Range(-6, 6), r.Range(-1, 5)), vec(r.Range(-6, 6), r.Range(-1, 5))
		got, hit := w.RayCast(from, to, ^uint32(0))
		want, clear := walk(w, from, to)
		if hit {
			hits++
		}
		const step = 1. / 2000
		f := float64(got.Fraction)
		grazes := hit && f < want && onSurface(w, from.Add(to.Sub(from).Mul(got.Fraction))) // for less than a step of the walk
		if math.Abs(f-want) > 2*step && math.Abs(f-clear) > 2*step && !grazes {
			t.Fatalf("from %v to %v: hit at %v of body %d, want %v", from, to, got.Fraction, got.Body, want)
		}
		if hit && (got.Normal.Dot(to.Sub(from)) > 0 || geom.Abs(got.Normal.Len()-1) > 1e-3) {
			t.Fatalf("from %v to %v: normal %v", from, to, got.Normal)
		}
	}
	if hits < 200 {
		t.Errorf("only %d of 400 rays hit", hits)
	}
}

// onSurface reports whether p is on the surface of something, within a millimetre.
func onSurface(w *World, p geom.Vec) bool {
	for i := range w.m.shapes {
		if math.Abs(depth(w, i, p)) < 1e-3 {
			return true
		}
	}
	lo, hi := w.GroundHeight(0, p.X-1e-3), w.GroundHeight(0, p.X+1e-3)
	return p.Y > geom.Min(lo, hi)-1e-3 && p.Y < geom.Max(lo, hi)+1e-3
}

// walk returns the fraction at which a ray first enters a shape or the ground or crosses a
// segment; and the same without what it only grazes.
func walk(w *World, from, to geom.Vec) (first, deep float64) {
	const n = 2000
	first, deep = 1, 1
	inside := make([]bool, len(w.m.shapes)+1)
	side := func(i int, p geom.Vec) float64 {
		a, b := &w.world[w.m.shapes[i].vert0], &w.world[w.m.shapes[i].vert0+1]
		return float64((b.x-a.x)*(p.Y-a.y) - (b.y-a.y)*(p.X-a.x))
	}
	across := func(i int, p, q geom.Vec) bool { // the ends of a segment lie on different sides of the line from p to q
		v := w.world[w.m.shapes[i].vert0:]
		d := q.Sub(p)
		return d.Cross(vec(v[0].x, v[0].y).Sub(p))*d.Cross(vec(v[1].x, v[1].y).Sub(p)) <= 0
	}
	for k := 0; k <= n; k++ {
		f := float64(k) / n
		p := from.Add(to.Sub(from).Mul(float32(f)))
		for i := range w.m.shapes {
			if w.m.shapes[i].sensor {
				continue
			}
			if b := &w.shapes[i]; w.m.shapes[i].moves && p.Sub(w.Centre(int(w.m.shapes[i].body))).Len() > 2*b.bound+1 {
				continue // far away
			}
			d := depth(w, i, p)
			if w.shapes[i].radius == 0 && w.shapes[i].n == 2 { // a segment: crossed where its side changes
				if k == 0 {
					continue
				}
				q := from.Add(to.Sub(from).Mul(float32(f - 1./n)))
				if side(i, p)*side(i, q) <= 0 && across(i, q, p) {
					first, deep = math.Min(first, f), math.Min(deep, f)
				}
				continue
			}
			if d > 0 && !inside[i] && k > 0 {
				first = math.Min(first, f)
			}
			if d > 0.005 && !inside[i] && k > 0 {
				deep = math.Min(deep, f)
			}
			inside[i] = d > 0 && (inside[i] || k == 0) // a ray that starts inside does not see the shape
		}
		v, under := w.groundVerts(0), &inside[len(w.m.shapes)]
		beside := p.X < v[0].x || p.X > v[len(v)-1].x // a ray from there meets the ground from above only
		below := beside || p.Y < w.GroundHeight(0, p.X)
		if below && !beside && !*under && k > 0 {
			first, deep = math.Min(first, f), math.Min(deep, f)
		}
		*under = below
		if first < 1 && deep < 1 {
			return first, deep
		}
	}
	return first, deep
}

// The rays of a scene move with their bodies, and do not see them.
func TestCastRays(t *testing.T) {
	s := grounded(box("b", 0, 2, 0.5, 0.5))
	s.Rays = []scene.Ray{
		{Name: "turning", Body: "b", From: vec(0, 0), Along: vec(0, -4)},
		{Name: "upright", Body: "b", From: vec(0.25, 0), Along: vec(0, -4), Upright: true},
		{Name: "blind", Body: "b", Along: vec(0, -4), Mask: 8},
	}
	w := compile(t, s)
	var d [3]float32
	w.SetPose(0, vec(0, 2), math.Pi/3)
	w.CastRays(d[:])
	near64(t, "turning ray", float64(d[0]), 1, 1e-6) // 4 m down a slant of 60 degrees reach as deep as 2 m
	near64(t, "upright ray", float64(d[1]), (2+0.25*math.Sin(math.Pi/3))/4, 1e-6)
	near64(t, "masked ray", float64(d[2]), 1, 0)
	w.SetPose(0, vec(0, 2), math.Pi/4)
	w.CastRays(d[:])
	near64(t, "turning ray", float64(d[0]), math.Sqrt2/2, 1e-6)
}
