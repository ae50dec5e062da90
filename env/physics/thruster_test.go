package physics

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// A thruster off the centre of mass turns and pushes a free body as Newton and Euler say, in the
// body's own frame: the rates are computed here from mass, inertia and lever alone.
func TestThruster(t *testing.T) {
	const dt, throttle = 1. / 200, 0.5
	b := box("hull", 0, 0, 0.5, 0.25) // half extents
	b.Angle = math.Pi / 2
	m, err := Compile(&scene.Scene{
		Bodies:    []scene.Body{b},
		Thrusters: []scene.Thruster{{Name: "side", Body: "hull", At: vec(0.4, 0), Direction: vec(0, 3), Max: 8}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w := m.NewWorld()
	mass, inertia := w.Mass(0)
	for range 2 {
		w.Thrust(m.Thruster("side"), throttle)
		w.Step(dt)
	}
	v, spin := w.Velocity(0)
	// Local y points to -x of the world after a quarter turn. The lever is 0.4 m.
	wantX := -2 * dt * throttle * 8 / float64(mass)
	wantSpin := 2 * dt * throttle * 8 * 0.4 / float64(inertia)
	if math.Abs(float64(v.X)-wantX) > 1e-4*math.Abs(wantX) || math.Abs(float64(spin)-wantSpin) > 1e-4*wantSpin {
		t.Errorf("velocity %v and spin %v, want %v along x and %v", v, spin, wantX, wantSpin)
	}
	w.Step(dt)
	if after, _ := w.Velocity(0); after != v {
		t.Errorf("the thruster still pushes in a step without Thrust: %v, then %v", v, after)
	}
}

// A world of as many bodies as there may be is stepped and comes to rest; one more is refused.
func TestMostBodies(t *testing.T) {
	s := &scene.Scene{Gravity: vec(0, -10), Grounds: []scene.Ground{{Name: "floor", Points: []geom.Vec{{X: -50}, {X: 50}}, Friction: 0.5}}}
	for i := range scene.MaxBodies {
		s.Bodies = append(s.Bodies, box(fmt.Sprint("box", i), float32(i%8)*1.5-5, 1+float32(i/8)*1.2, 0.3, 0.3))
	}
	m, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	w := m.NewWorld()
	for range 400 {
		w.Step(1. / 50)
	}
	for i := range scene.MaxBodies {
		if at, _ := w.Pose(i); at.Y < 0.3 || at.Y > 2.6 {
			t.Errorf("box %d of 4 rows lies at %v", i, at)
		}
		if w.RestTime(i) < 1 {
			t.Errorf("box %d has not come to rest", i)
		}
	}
	s.Bodies = append(s.Bodies, box("one more", 0, 9, 0.3, 0.3))
	if _, err := Compile(s); err == nil {
		t.Errorf("%d bodies are accepted", len(s.Bodies))
	}
}
