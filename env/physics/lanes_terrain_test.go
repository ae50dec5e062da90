//go:build goexperiment.simd && amd64

package physics

import (
	"bytes"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// rugged returns points of a ground from x on, steps up and down among them.
func rugged(r *rng.Stream, x, width float32, n int) []geom.Vec {
	points := []geom.Vec{{X: x}}
	for len(points) < n {
		p := points[len(points)-1]
		if p.X += r.Range(0.3, 1.7) * width; r.Range(0, 1) < 0.2 {
			p.X = points[len(points)-1].X // a wall
		}
		p.Y = r.Range(-0.4, 0.4)
		points = append(points, p)
	}
	return points
}

// Shapes may be wider than what is seen of a ground at once, far apart, on grounds of their own, of several kinds,
// and beyond the ends.
func TestLanesTerrain(t *testing.T) {
	for name, width := range map[string]float32{"fine": 0.02, "coarse": 0.5} {
		s := &scene.Scene{Name: name, Gravity: geom.Vec{Y: -10}, Grounds: []scene.Ground{flat(0), flat(-3)}}
		s.Grounds[1].Name = "below"
		s.Grounds[0].Capacity, s.Grounds[1].Capacity = 400, 40
		hexagon := scene.Body{Name: "hexagon", Position: geom.Vec{X: 1, Y: 2.5}, Shapes: []scene.Shape{{
			Kind: scene.Polygon, Points: []geom.Vec{{X: 0.3}, {X: 0.2, Y: 0.3}, {X: -0.2, Y: 0.3}, {X: -0.3}, {X: -0.2, Y: -0.3}, {X: 0.2, Y: -0.3}},
			Density: 1, Friction: 0.5,
		}}}
		s.Bodies = []scene.Body{box("wide", 2, 1.6, 1.8, 0.1), hexagon, disc("disc", -3, 2, 0.3), box("far", 7, 1, 0.2, 0.5), box("out", 400, 1, 0.3, 0.3)}
		s.Bodies[3].Shapes[0].Filter.Category = 2
		s.Rays = []scene.Ray{
			{Name: "down", Body: "disc", Along: geom.Vec{Y: -4}, Upright: true, Mask: 4},
			{Name: "ahead", Body: "disc", Along: geom.Vec{X: 6, Y: -2}, Upright: true, Mask: 4},
		}
		s.Grounds[0].Filter.Category = 4
		m, err := Compile(s)
		if err != nil || m.fan == nil {
			t.Fatal("no fan", err)
		}
		for _, lanes := range laneWidths() {
			compareOnTerrain(t, m, lanes, width)
		}
	}
}

func compareOnTerrain(t *testing.T, m *Model, width int, segment float32) {
	g, sc := m.newLanes(width), m.newScratch()
	var plain, lanes []*World
	for i := range 2*width + 5 {
		w, r := m.NewWorld(), rng.New(11).Stream(1, uint32(i), 0)
		w.SetGround(0, rugged(&r, -8, segment, 20+9*(i%40)))
		w.SetGround(1, rugged(&r, -8, 1, 10+i%30))
		w.SetEnabled(m.Shape(2, 0), i%7 > 0)
		for b := range m.Bodies() - 1 {
			p, _ := w.Pose(b)
			w.SetPose(b, p.Add(geom.Vec{X: r.Range(-3, 3)}), r.Range(-3, 3))
			w.SetVelocity(b, geom.Vec{X: r.Range(-4, 4)}, r.Range(-3, 3))
		}
		o := m.NewWorld()
		o.CopyFrom(w)
		plain, lanes = append(plain, w), append(lanes, o)
	}
	contacts := 0
	var rays, found [2]float32
	for step := range 150 {
		for i, w := range plain {
			if i%5 == 0 && step == 80 { // elsewhere, at once
				for _, x := range []*World{w, lanes[i]} {
					x.SetPose(0, geom.Vec{X: -6, Y: 1.5}, 0.2)
				}
			}
			w.Step(1. / 50)
			contacts += w.Contacts()
		}
		g(lanes, 1./50, sc, &convoy{})
		for i := range plain {
			if !bytes.Equal(plain[i].AppendState(nil), lanes[i].AppendState(nil)) {
				t.Fatalf("segments of %v m, width %d: world %d differs after step %d\n%s", segment, width, i, step, difference(plain[i], lanes[i]))
			}
			lanes[i].CastRays(rays[:])
			plain[i].forgetCast()
			plain[i].CastRays(found[:])
			if rays != found {
				t.Fatalf("segments of %v m, width %d: world %d sees %v after step %d, want %v", segment, width, i, rays, step, found)
			}
		}
	}
	if contacts < 100*len(plain) {
		t.Errorf("only %d contacts", contacts)
	}
}
