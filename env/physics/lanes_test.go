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
	lost := 0
	for step := range steps {
		for i := range plain {
			r := streams[i]
			shove(plain[i], &streams[i], step)
			shove(lanes[i], &r, step)
			plain[i].Step(1. / 50)
		}
		g(lanes, 1./50, sc)
		for i := range plain {
			p, q = plain[i].AppendState(p[:0]), lanes[i].AppendState(q[:0])
			if bytes.Equal(p, q) {
				continue
			}
			if !finiteWorld(plain[i]) && !finiteWorld(lanes[i]) { // NaNs have many bit patterns
				plain[i].Reset()
				lanes[i].Reset()
				lost++
			} else {
				t.Fatalf("%s: world %d differs after step %d\n%s", name, i, step, difference(plain[i], lanes[i]))
			}
		}
	}
	if lost > 0 {
		t.Logf("%s: %d times a world was lost to NaN, both ways", name, lost)
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
