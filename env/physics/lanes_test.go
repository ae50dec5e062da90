//go:build goexperiment.simd && amd64

package physics

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// compareLanes steps worlds of a scene both ways.
func compareLanes(t *testing.T, name string, s *scene.Scene, width, worlds, steps int) {
	t.Helper()
	m, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	g := m.newLanes(width)
	sc := m.newScratch()
	var plain, lanes []*World
	var streams []rng.Stream
	for i := range worlds {
		a, b := m.NewWorld(), m.NewWorld()
		r := rng.New(7).Stream(1, uint32(i), 0)
		a.SetVelocity(0, geom.Vec{X: r.Range(-3, 3), Y: r.Range(-3, 3)}, r.Range(-1, 1))
		b.CopyFrom(a)
		plain, lanes, streams = append(plain, a), append(lanes, b), append(streams, r)
	}
	var p, q []byte
	for step := range steps {
		for i := range plain {
			r := streams[i]
			shove(plain[i], &streams[i], step)
			shove(lanes[i], &r, step)
			plain[i].Step(1. / 50)
		}
		g(lanes, 1./50, sc, &convoy{})
		for i := range plain {
			p, q = plain[i].AppendState(p[:0]), lanes[i].AppendState(q[:0])
			if !bytes.Equal(p, q) {
				t.Fatalf("%s: world %d differs after step %d\n%s", name, i, step, difference(plain[i], lanes[i]))
			}
			if !finiteWorld(plain[i]) {
				t.Fatalf("%s: world %d is not finite after step %d", name, i, step)
			}
		}
	}
}

func difference(a, b *World) (s string) {
	for i := range a.bodies {
		if a.bodies[i] != b.bodies[i] {
			s += fmt.Sprintf("body %d\n%+v\n%+v\n", i, a.bodies[i], b.bodies[i])
		}
	}
	for i := range a.joints {
		if a.joints[i] != b.joints[i] {
			s += fmt.Sprintf("joint %d\n%+v\n%+v\n", i, a.joints[i], b.joints[i])
		}
	}
	for i := range a.contacts[:a.head.contacts] {
		if a.contacts[i] != b.contacts[i] {
			s += fmt.Sprintf("contact %d\n%+v\n%+v\n", i, a.contacts[i], b.contacts[i])
		}
	}
	return s
}

// TestLanesRandom compares both ways on random scenes.
func TestLanesRandom(t *testing.T) {
	scenes, valid := 60, 0
	if testing.Short() {
		scenes = 20
	}
	for seed := range uint64(scenes) {
		s := randomScene(seed)
		if s.Validate() != nil {
			continue
		}
		valid++
		for _, width := range laneWidths() {
			compareLanes(t, s.Name, s, width, 5+int(seed)%20, 90)
		}
	}
	if valid < scenes/2 {
		t.Errorf("only %d of %d scenes are valid", valid, scenes)
	}
}

// A heap of discs has more contacts than the lanes have room for, and shallow ones fewer.
func TestLanesOverflow(t *testing.T) {
	s := &scene.Scene{Name: "heap", Gravity: geom.Vec{Y: -10}, Grounds: []scene.Ground{flat(0)}}
	for i := range 24 {
		s.Bodies = append(s.Bodies, disc(fmt.Sprint("d", i), float32(i%4)*0.31, 0.2+float32(i/4)*0.31, 0.15))
	}
	for _, width := range laneWidths() {
		compareLanes(t, s.Name, s, width, 20, 200)
	}
}

func TestLanes(t *testing.T) {
	for _, width := range laneWidths() {
		for _, c := range []struct {
			name string
			s    *scene.Scene
		}{{"lander", landerScene()}, {"biped", bipedScene()}, {"chain", chainScene(8)}} {
			t.Run(fmt.Sprint(c.name, width), func(t *testing.T) {
				compareLanes(t, c.name, c.s, width, width, 1000)
				compareLanes(t, c.name, c.s, width, 3, 200)
				compareLanes(t, c.name, c.s, width, 2*batchOf+width+5, 80) // in several batches
			})
		}
	}
}

// Rays cast together hit what they hit alone.
func TestFan(t *testing.T) {
	m, err := Compile(bipedScene())
	if err != nil || m.fan == nil {
		t.Fatal("no fan", err)
	}
	w := m.NewWorld()
	defer func(f func([]gvert, int, float32, float32, []float32, []float32, []float32), n int) {
		fanRays, fanWidth = f, n
	}(fanRays, fanWidth)
	r := rng.New(3).Stream(1, 0, 0)
	var together, alone [10]float32
	hits := 0
	for i := range 3000 {
		if fanRays, fanWidth = laneFan8, laneCount8; i%2 == 0 && laneWidths()[0] == laneCount16 {
			fanRays, fanWidth = laneFan16, laneCount16
		}
		w.SetPose(0, geom.Vec{X: r.Range(-3, 100), Y: r.Range(2, 12)}, r.Range(-2, 2))
		w.CastRays(together[:])
		fanRays = nil
		w.CastRays(alone[:])
		if together != alone {
			t.Fatalf("%v together, %v alone", together, alone)
		}
		if alone[3] < 1 {
			hits++
		}
	}
	if hits < 1000 {
		t.Errorf("only %d hits", hits)
	}
}

// What steps in lanes leave to CastRays is what it would find, and is forgotten where it is not any more.
func TestFanAfterStep(t *testing.T) {
	m, err := Compile(bipedScene())
	if err != nil {
		t.Fatal(err)
	}
	change := []struct {
		name string
		do   func(w, o *World)
		kept bool // what was left
	}{
		{"nothing", func(*World, *World) {}, true},
		{"CopyFrom", func(w, o *World) { w.CopyFrom(o) }, true},
		{"SetGround", func(w, _ *World) { w.SetGround(0, []geom.Vec{{X: -20, Y: 1}, {X: 30, Y: 3}, {X: 60, Y: 2}}) }, false},
		{"SetState", func(w, o *World) {
			if err := w.SetState(o.AppendState(nil)); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"Step", func(w, _ *World) { w.Step(1. / 50) }, false},
		{"SetPose", func(w, _ *World) { w.SetPose(0, geom.Vec{X: 30, Y: 8}, 0.3) }, false},
		{"Reset", func(w, _ *World) { w.Reset() }, false},
	}
	for _, width := range laneWidths() {
		ws := make([]*World, 21)
		for i := range ws {
			ws[i] = m.NewWorld()
			for b := range 5 {
				p, angle := ws[i].Pose(b)
				ws[i].SetPose(b, p.Add(geom.Vec{X: 4 * float32(i%19)}), angle)
			}
			ws[i].SetVelocity(0, geom.Vec{X: float32(i % 7), Y: -float32(i % 5)}, 0)
		}
		step, sc := m.newLanes(width), m.newScratch()
		for range 20 { // until joints are closed: worlds with wide ones are stepped alone
			step(ws, 1./50, sc, &convoy{})
		}
		for _, c := range change {
			step(ws, 1./50, sc, &convoy{})
			for i, w := range ws {
				c.do(w, ws[(i+1)%len(ws)])
			}
			for i, w := range ws {
				o := w.WorldPoint(m.fan.body, m.fan.from)
				if kept := w.cast[castDone] == 1 && w.cast[castX] == o.X && w.cast[castY] == o.Y; kept != c.kept {
					t.Errorf("%s, world %d: rays kept: %v, want %v", c.name, i, kept, c.kept)
				}
				var left, found [10]float32
				w.CastRays(left[:])
				w.forgetCast()
				w.CastRays(found[:])
				if left != found {
					t.Fatalf("%s, world %d: %v left, want %v", c.name, i, left, found)
				}
			}
		}
	}
}

// Worlds of a model may differ in their grounds, in the corners of their shapes and in which take part.
func TestLanesDiffer(t *testing.T) {
	s := &scene.Scene{Name: "differ", Gravity: geom.Vec{Y: -10}, Grounds: []scene.Ground{flat(0)}}
	s.Grounds[0].Capacity = 40
	s.Bodies = []scene.Body{box("a", 0, 1.5, 0.4, 0.2), box("b", 0.3, 2.2, 0.3, 0.3), disc("c", -0.6, 2, 0.2), box("wall", 1.2, 1, 0.1, 1)}
	s.Bodies[3].Kind = scene.Static
	sensor := s.Bodies[3].Shapes[0]
	sensor.Sensor, sensor.Points = true, scene.Box(geom.Vec{X: -1}, 0.5, 0.5, 0)
	s.Bodies[3].Shapes = append(s.Bodies[3].Shapes, sensor)
	s.Joints = []scene.Joint{{Name: "j", Kind: scene.Revolute, A: "a", B: "c", AnchorA: vec(-0.4, 0), AnchorB: vec(0.2, 0)}}
	m, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range laneWidths() {
		g, sc := m.newLanes(width), m.newScratch()
		var plain, lanes []*World
		for i := range 2*width + 3 {
			w, r := m.NewWorld(), rng.New(5).Stream(1, uint32(i), 0)
			points := []geom.Vec{{X: -3}}
			for k := 1; k < 10+i%30; k++ {
				points = append(points, geom.Vec{X: points[k-1].X + r.Range(0.1, 0.5), Y: r.Range(-0.2, 0.2)})
			}
			w.SetGround(0, points)
			if i%3 > 0 {
				w.SetPolygon(m.Shape(1, 0), []geom.Vec{{X: -0.3, Y: -0.2}, {X: 0.3, Y: -0.2}, {Y: 0.4}})
			}
			w.SetEnabled(m.Shape(2, 0), i%5 > 0)
			w.SetVelocity(0, geom.Vec{X: r.Range(-3, 3)}, r.Range(-3, 3))
			o := m.NewWorld()
			o.CopyFrom(w)
			plain, lanes = append(plain, w), append(lanes, o)
		}
		sensed := false
		for step := range 200 {
			for i, w := range plain {
				w.Step(1. / 50)
				sensed = sensed || w.Overlaps(m.Shape(3, 1), 1)
				if i%7 == 3 && step == 100 { // any order is right
					lanes[i], lanes[0], plain[i], plain[0] = lanes[0], lanes[i], plain[0], plain[i]
				}
			}
			g(lanes, 1./50, sc, &convoy{})
			for i := range plain {
				if !bytes.Equal(plain[i].AppendState(nil), lanes[i].AppendState(nil)) {
					t.Fatalf("width %d: world %d differs after step %d\n%s", width, i, step, difference(plain[i], lanes[i]))
				}
			}
		}
		if !sensed {
			t.Error("the sensor has noticed nothing")
		}
	}
}
