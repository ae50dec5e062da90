package physics

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// heightOf is GroundHeight by a look at all points.
func heightOf(points []geom.Vec, x float32) float32 {
	last := len(points) - 1
	if x <= points[0].X {
		return points[0].Y
	}
	if x >= points[last].X {
		return points[last].Y
	}
	i := 0
	for points[i+1].X < x {
		i++
	}
	p, q := points[i], points[i+1]
	return p.Y + float32((q.Y-p.Y)*((x-p.X)/(q.X-p.X)))
}

// The height of a ground is that of its points, wherever the last one was asked for: near by, far away, at
// walls and ends, and before the ground was another.
func TestGroundHeight(t *testing.T) {
	s := zoo()
	s.Grounds[0].Capacity = 40
	w := compile(t, s)
	r := rng.New(5).Stream(1, 0, 0)
	walls := 0
	for range 60 {
		points := []geom.Vec{{X: r.Range(-9, 3), Y: r.Range(-1, 1)}}
		for range 1 + r.IntN(39) {
			next := points[len(points)-1].Add(geom.Vec{X: r.Range(0.01, 2), Y: r.Range(-1, 1)})
			if n := len(points); n > 1 && r.IntN(4) == 0 && points[n-1].X > points[n-2].X {
				next.X = points[n-1].X
				walls++
			}
			points = append(points, next)
		}
		if n := len(points); points[n-1].X == points[n-2].X { // terrains end level
			points[n-1].X += 0.5
		}
		w.SetGround(0, points)
		x := points[0].X
		for range 200 {
			switch r.IntN(8) {
			case 0:
				x = points[r.IntN(len(points))].X
			case 1:
				x = r.Range(-10, 20)
			default:
				x += r.Range(-0.2, 0.3)
			}
			if got, want := w.GroundHeight(0, x), heightOf(points, x); got != want {
				t.Fatalf("height %v at %v of %v, want %v", got, x, points, want)
			}
		}
	}
	if walls < 100 {
		t.Errorf("only %d walls", walls)
	}
}
