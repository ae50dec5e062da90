package physics

import (
	"fmt"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// shove disturbs a world as a task might.
func shove(w *World, r *rng.Stream, step int) {
	m := w.Model()
	for j := range m.joints {
		if k := m.joints[j].kind; (k == scene.Revolute || k == scene.Prismatic) && r.IntN(4) == 0 {
			w.SetMotor(j, r.Range(-6, 6), geom.Max(0, r.Range(-20, 80)))
		}
	}
	for b := range m.Bodies() {
		if m.bodies[b].kind == scene.Dynamic && r.IntN(20) == 0 {
			w.ApplyForce(b, geom.Vec{X: r.Range(-20, 20), Y: r.Range(-20, 20)}, w.Centre(b))
			w.ApplySpin(b, r.Range(-0.2, 0.2))
		}
	}
}

// finiteWorld reports whether all poses are finite.
func finiteWorld(w *World) bool {
	for i := range w.bodies {
		if b := &w.bodies[i]; !geom.Finite(b.x + b.y + b.a) {
			return false
		}
	}
	return true
}

// randomScene is a scene of any bodies, shapes and joints, static and kinematic ones, sensors, loops
// and bouncing surfaces among them, on rough ground.
func randomScene(seed uint64) *scene.Scene {
	r := rng.New(seed).Stream(3, 0, 0)
	s := &scene.Scene{Name: fmt.Sprint("random", seed), Gravity: geom.Vec{X: r.Range(-1, 1), Y: -10}}
	if r.IntN(5) > 0 {
		g := scene.Ground{Name: "g", Friction: r.Range(0, 2), Restitution: r.Range(0, 0.5)}
		for x := float32(-30); x < 30; x += r.Range(0.3, 3) {
			g.Points = append(g.Points, geom.Vec{X: x, Y: r.Range(-0.6, 0.6)})
		}
		s.Grounds = append(s.Grounds, g)
	}
	n := 1 + r.IntN(9)
	for i := range n {
		b := scene.Body{
			Name: fmt.Sprint("b", i), Position: geom.Vec{X: r.Range(-2, 2), Y: r.Range(1, 5)}, Angle: r.Range(-3, 3),
			Velocity: geom.Vec{X: r.Range(-5, 5), Y: r.Range(-9, 2)}, Spin: r.Range(-8, 8), FixedRotation: r.IntN(9) == 0,
			LinearDamping: geom.Max(0, r.Range(-1, 1)), AngularDamping: geom.Max(0, r.Range(-1, 1)),
		}
		for range 1 + r.IntN(2) {
			b.Shapes = append(b.Shapes, someShape(&r))
		}
		switch {
		case i > 0 && r.IntN(8) == 0:
			b.Kind, b.Velocity, b.Spin = scene.Static, geom.Vec{}, 0
		case i > 0 && r.IntN(8) == 0:
			b.Kind = scene.Kinematic
		}
		if i > 0 && r.IntN(4) > 0 {
			if j, ok := someJoint(&r, &s.Bodies[r.IntN(i)], &b); ok {
				s.Joints = append(s.Joints, j)
			}
		}
		s.Bodies = append(s.Bodies, b)
	}
	return s
}

func someShape(r *rng.Stream) scene.Shape {
	sh := scene.Shape{Density: r.Range(0.5, 8), Friction: r.Range(0, 1), Restitution: geom.Max(0, r.Range(-0.5, 0.8)), Sensor: r.IntN(12) == 0}
	at := geom.Vec{X: r.Range(-0.2, 0.2), Y: r.Range(-0.2, 0.2)}
	switch r.IntN(3) {
	case 0:
		sh.Kind, sh.Points, sh.Radius = scene.Circle, []geom.Vec{at}, r.Range(0.1, 0.5)
	case 1:
		sh.Kind, sh.Points, sh.Radius = scene.Capsule, []geom.Vec{at, {X: r.Range(0.3, 0.7)}}, r.Range(0.05, 0.3)
	case 2:
		sh.Kind, sh.Points = scene.Polygon, scene.Box(at, r.Range(0.1, 0.6), r.Range(0.1, 0.6), r.Range(0, 3))
	}
	return sh
}

// someJoint joins b to a, with its anchors a little apart at times.
func someJoint(r *rng.Stream, a, b *scene.Body) (scene.Joint, bool) {
	if a.Kind != scene.Dynamic && b.Kind != scene.Dynamic {
		return scene.Joint{}, false
	}
	j := scene.Joint{
		Name: b.Name, A: a.Name, B: b.Name, Kind: []scene.JointKind{scene.Revolute, scene.Prismatic, scene.Weld, scene.Distance}[r.IntN(4)],
		AnchorA: geom.Vec{X: r.Range(-0.4, 0.4), Y: r.Range(-0.4, 0.4)}, AnchorB: geom.Vec{X: r.Range(-0.4, 0.4), Y: r.Range(-0.4, 0.4)},
		Reference: b.Angle - a.Angle, Collide: r.IntN(3) == 0,
	}
	b.Position = a.Position.Add(geom.Rotation(a.Angle).Apply(j.AnchorA)).Sub(geom.Rotation(b.Angle).Apply(j.AnchorB))
	if r.IntN(6) == 0 {
		b.Position.X += r.Range(-0.1, 0.1) // closeWide
	}
	switch j.Kind {
	case scene.Distance:
		j.Reference = 0
		b.Position = b.Position.Add(geom.Vec{X: 0.7})
		if r.IntN(2) == 0 {
			j.Limits = &[2]float32{0.3, 0.9}
		}
		return j, true
	case scene.Prismatic:
		j.Axis = geom.Vec{X: 1, Y: r.Range(-1, 1)}
	case scene.Weld:
		return j, true
	}
	if r.IntN(2) == 0 {
		j.Limits = &[2]float32{r.Range(-1, 0), r.Range(0, 1)}
	}
	if r.IntN(2) == 0 {
		j.Motor = &scene.Motor{Speed: r.Range(-6, 6), Max: r.Range(0, 50)}
	}
	return j, true
}

// Scenes that ask for the impossible stay finite: bodies pinned to two others that drift apart (25,
// 40, 72, 174), and bodies that something unstoppable pushes into the ground (88, 94). With maxTurn and
// maxSpeed lifted, 40, 88, 174 and ten of the others end in NaN.
func TestFinite(t *testing.T) {
	seeds := []uint64{25, 40, 72, 88, 94, 174}
	for seed := range uint64(150) {
		if !testing.Short() {
			seeds = append(seeds, 1000+seed)
		}
	}
	valid := 0
	for _, seed := range seeds {
		s := randomScene(seed)
		if s.Validate() != nil {
			continue
		}
		valid++
		m, err := Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint32(2) {
			w := m.NewWorld()
			r := rng.New(7).Stream(1, i, 0)
			w.SetVelocity(0, geom.Vec{X: r.Range(-3, 3), Y: r.Range(-3, 3)}, r.Range(-1, 1))
			for step := range 120 {
				shove(w, &r, step)
				w.Step(1. / 50)
				if !finiteWorld(w) {
					t.Fatalf("%s: world %d is not finite after step %d", s.Name, i, step)
				}
			}
		}
	}
	if valid < len(seeds)/2 {
		t.Errorf("only %d of %d scenes are valid", valid, len(seeds))
	}
}
