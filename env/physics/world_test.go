package physics

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// drive acts on a world at random, but reproducibly.
func drive(w *World, r *rng.Stream) {
	for j := range w.m.joints {
		if k := w.m.joints[j].kind; k == scene.Revolute || k == scene.Prismatic {
			w.SetMotor(j, r.Range(-5, 5), 20*r.Float32())
		}
	}
	b := int(w.m.moving[r.IntN(len(w.m.moving))])
	w.ApplyForce(b, vec(r.Range(-5, 5), r.Range(-5, 5)), w.Centre(b).Add(vec(0.1, 0)))
	w.Step(1. / 50)
}

// zoo has every shape, joint and kind of body.
func zoo() *scene.Scene {
	s := chainScene(4)
	s.Bodies = append(s.Bodies, box("box", 0.5, 2, 0.3, 0.2), disc("disc", 1, 3, 0.25), disc("low", -1, 1, 0.2), box("crate", 3, 1, 0.3, 0.3))
	lift := box("lift", -2, 0.5, 0.5, 0.1)
	lift.Kind, lift.Velocity = scene.Kinematic, vec(0.2, 0)
	walls := scene.Body{Name: "walls", Kind: scene.Static, Shapes: []scene.Shape{
		{Kind: scene.Chain, Points: []geom.Vec{{X: -4, Y: 5}, {X: -4, Y: 0}, {X: -3, Y: -0.1}}},
		{Kind: scene.Segment, Points: []geom.Vec{{X: 5, Y: 5}, {X: 5, Y: -1}}},
		{Kind: scene.Circle, Points: []geom.Vec{{X: 2.2, Y: 0.1}}, Radius: 0.3},
		{Kind: scene.Circle, Points: []geom.Vec{{X: 1, Y: 0.5}}, Radius: 1, Sensor: true},
	}}
	s.Bodies = append(s.Bodies, lift, walls)
	s.Joints = append(s.Joints,
		scene.Joint{Name: "slide", Kind: scene.Prismatic, A: "link0", B: "low", AnchorB: vec(0, -0.3), Axis: vec(0, 1), Limits: &[2]float32{-0.5, 0.5}},
		scene.Joint{Name: "rod", Kind: scene.Distance, A: "box", B: "disc", AnchorA: vec(0.3, 0)},
		scene.Joint{Name: "rope", Kind: scene.Distance, A: "lift", B: "box", Limits: &[2]float32{0, 3}},
		scene.Joint{Name: "weld", Kind: scene.Weld, A: "disc", B: "crate", AnchorA: vec(0, 0.5), AnchorB: vec(0, -0.3)},
	)
	s.Rays = []scene.Ray{{Name: "ray", Body: "box", Along: vec(0, -5)}}
	return s
}

func scenes() map[string]*scene.Scene {
	return map[string]*scene.Scene{"lander": landerScene(), "biped": bipedScene(), "chain": chainScene(8), "zoo": zoo()}
}

func TestSnapshot(t *testing.T) {
	for name, s := range scenes() {
		w := compile(t, s)
		r := rng.New(5).Stream(1, 0, 0)
		for range 80 {
			drive(w, &r)
		}
		state := w.AppendState(nil)
		if len(state) != w.m.StateLen() {
			t.Fatalf("%s: state of %d bytes, want %d", name, len(state), w.m.StateLen())
		}
		copied, restored := w.m.NewWorld(), w.m.NewWorld()
		for range 30 { // what they did before must not matter
			restored.Step(1. / 50)
		}
		copied.CopyFrom(w)
		if err := restored.SetState(state); err != nil {
			t.Fatal(err)
		}
		for i := range 100 {
			r1, r2, r3 := r, r, r
			drive(w, &r1)
			drive(copied, &r2)
			drive(restored, &r3)
			r = r1
			want := w.AppendState(nil)
			if !bytes.Equal(copied.AppendState(nil), want) || !bytes.Equal(restored.AppendState(nil), want) {
				t.Fatalf("%s: copies differ after %d steps", name, i+1)
			}
		}
		w.Reset()
		if !bytes.Equal(w.AppendState(nil), w.m.NewWorld().AppendState(nil)) {
			t.Errorf("%s: Reset does not lead back to the beginning", name)
		}
	}
}

func TestSetStateErrors(t *testing.T) {
	w := compile(t, zoo())
	for range 50 {
		w.Step(1. / 50)
	}
	good := w.AppendState(nil)
	if err := w.SetState(good[:len(good)-1]); err == nil {
		t.Error("a short state is accepted")
	}
	r := rng.New(2).Stream(1, 0, 0)
	for range 3000 { // broken states are refused or harmless, but never panic
		bad := bytes.Clone(good)
		for range 1 + r.IntN(3) {
			bad[r.IntN(len(bad))] ^= byte(1 << r.IntN(8))
		}
		if err := w.SetState(bad); err == nil {
			w.Step(1. / 50)
			w.CastRays(make([]float32, 1))
		}
	}
}

// hash of all states along a driven trajectory.
func trajectory(t testing.TB, s *scene.Scene) uint64 {
	w := compile(t, s)
	h := fnv.New64a()
	r := rng.New(7).Stream(1, 0, 0)
	rays := make([]float32, w.m.Rays())
	for range 300 {
		drive(w, &r)
		w.CastRays(rays)
		fmt.Fprintf(h, "%x", rays)
		h.Write(w.AppendState(nil))
	}
	if w.DroppedContacts() != 0 {
		t.Errorf("%d contacts dropped", w.DroppedContacts())
	}
	return h.Sum64()
}

// The bits of trajectories are the same on every machine and with every compiler option, as
//
//	GOAMD64=v3 go test -run Golden ./env/physics
//
// shows where the processor has fused multiply-add. They change only with the arithmetic of
// the engine, which is a new version of every environment that stands on it.
func TestGolden(t *testing.T) {
	want := map[string]uint64{
		"biped":  0xe8f18b51e1cfee4e,
		"chain":  0x3d9ad471aa97f0e3,
		"lander": 0xcc7b6fd81681d8b8,
		"zoo":    0xe6c342b2fbe9ea71,
	}
	for name, s := range scenes() {
		if got := trajectory(t, s); got != want[name] {
			t.Errorf("%s: hash %#x, want %#x", name, got, want[name])
		}
	}
}

func TestNoAllocations(t *testing.T) {
	for name, s := range scenes() {
		w := compile(t, s)
		o := w.m.NewWorld()
		r := rng.New(3).Stream(1, 0, 0)
		rays := make([]float32, w.m.Rays())
		state := make([]byte, 0, w.m.StateLen())
		ground := s.Grounds[0].Points
		first := w.m.shapes[0].kind
		n := testing.AllocsPerRun(200, func() {
			drive(w, &r)
			w.CastRays(rays)
			o.CopyFrom(w)
			state = w.AppendState(state[:0])
			if err := o.SetState(state); err != nil {
				t.Fatal(err)
			}
			w.SetGround(0, ground)
			if first == scene.Capsule {
				w.SetCapsule(0, vec(-0.25, 0), vec(0.25, 0), 0.1)
			}
			w.TouchingBodies(0, 1)
			w.Energy()
		})
		if n != 0 {
			t.Errorf("%s: %v allocations a step", name, n)
		}
	}
}

// Set methods lead to the same world as a scene that says so from the beginning.
func TestSetMethods(t *testing.T) {
	a := zoo()
	b := zoo()
	box := func(s *scene.Scene) *scene.Shape { return &s.Bodies[4].Shapes[0] }
	box(b).Points = scene.Box(vec(0.1, 0.2), 0.5, 0.1, 0.3)
	b.Bodies[5].Shapes[0].Radius, b.Bodies[5].Shapes[0].Density = 0.4, 2
	b.Bodies[0].Shapes[0].Points = []geom.Vec{{X: -0.3}, {X: 0.2, Y: 0.1}}
	b.Grounds[0].Points = []geom.Vec{{X: -40, Y: 0.1}, {X: 40, Y: -0.2}}
	b.Gravity = vec(1, -5)
	b.Bodies[6].Shapes[0].Friction, b.Bodies[6].Shapes[0].Restitution = 0.2, 0.7
	b.Joints[0].AnchorA, b.Joints[0].AnchorB, b.Joints[0].Limits = vec(0.3, 0), vec(-0.2, 0.1), &[2]float32{-0.2, 0.3}

	w, want := compile(t, a), compile(t, b)
	m := w.Model()
	w.SetBox(m.Shape(4, 0), vec(0.1, 0.2), 0.5, 0.1, 0.3)
	w.SetCircle(m.Shape(5, 0), vec(0, 0), 0.4)
	w.SetDensity(m.Shape(5, 0), 2)
	w.SetCapsule(m.Shape(0, 0), vec(-0.3, 0), vec(0.2, 0.1), 0.1)
	w.SetGround(0, b.Grounds[0].Points)
	w.SetGravity(vec(1, -5))
	w.SetSurface(m.Shape(6, 0), 0.2, 0.7)
	w.SetAnchors(0, vec(0.3, 0), vec(-0.2, 0.1))
	w.SetLimits(0, -0.2, 0.3)
	w.SetLength(m.Joint("rod"), want.JointPosition(m.Joint("rod")))
	for i := range m.Bodies() {
		m1, i1 := w.Mass(i)
		m2, i2 := want.Mass(i)
		near64(t, fmt.Sprintf("mass of body %d", i), float64(m1), float64(m2), 1e-6)
		near64(t, fmt.Sprintf("inertia of body %d", i), float64(i1), float64(i2), 1e-6)
		p1, _ := w.Pose(i)
		p2, _ := want.Pose(i)
		near64(t, fmt.Sprintf("way of body %d", i), float64(p1.Sub(p2).Len()), 0, 1e-6)
	}
	for range 20 {
		w.Step(1. / 50)
		want.Step(1. / 50)
	}
	for i := range m.Bodies() {
		p1, a1 := w.Pose(i)
		p2, a2 := want.Pose(i)
		near64(t, fmt.Sprintf("way of body %d after 20 steps", i), float64(p1.Sub(p2).Len()), 0, 1e-4)
		near64(t, fmt.Sprintf("angle of body %d after 20 steps", i), float64(a1), float64(a2), 1e-3)
	}
}

func TestSetEnabled(t *testing.T) {
	door := box("door", 0, 0.5, 0.1, 0.5)
	door.Kind = scene.Static
	w := compile(t, &scene.Scene{Bodies: []scene.Body{door, disc("ball", -2, 0.5, 0.2)}})
	for _, open := range []bool{false, true} {
		w.SetEnabled(w.Model().Shape(0, 0), !open)
		w.SetPose(1, vec(-2, 0.5), 0)
		w.SetVelocity(1, vec(3, 0), 0)
		if _, hit := w.RayCast(vec(-1, 0.5), vec(1, 0.5), ^uint32(0)); hit == open {
			t.Errorf("open %v: the ray hits: %v", open, hit)
		}
		for range 90 {
			w.Step(1. / 60)
		}
		if p, _ := w.Pose(1); (p.X > 0) != open {
			t.Errorf("open %v: the ball is at %v", open, p)
		}
	}
}

func TestPoints(t *testing.T) {
	s := landerScene()
	s.Bodies[0].Angle = 0.7
	w := compile(t, s)
	p := vec(0.3, -0.8)
	q := w.LocalPoint(0, w.WorldPoint(0, p))
	near64(t, "way there and back", float64(q.Sub(p).Len()), 0, 1e-5)
	o, a := w.Pose(0)
	near64(t, "origin", float64(w.WorldPoint(0, geom.Vec{}).Sub(o).Len()), 0, 1e-5)
	near64(t, "angle", float64(a), 0.7, 1e-6)
	w.SetVelocity(0, vec(1, 2), 3)
	v := w.VelocityAt(0, w.Centre(0).Add(vec(1, 0)))
	near64(t, "velocity of a point", float64(v.Sub(vec(1, 5)).Len()), 0, 1e-6)
}

// Broken numbers travel outward for env.NewVec to find; they must not hang or panic.
func TestNaN(t *testing.T) {
	for name, s := range scenes() {
		w := compile(t, s)
		w.ApplyForce(0, vec(float32NaN(), 0), w.Centre(0))
		for range 5 {
			w.Step(1. / 50)
			w.CastRays(make([]float32, w.m.Rays()))
		}
		if p, _ := w.Pose(0); geom.Finite(p.X) {
			t.Errorf("%s: a force that is not a number leads to %v", name, p)
		}
	}
}

func float32NaN() float32 { var z float32; return z / z }

func TestCompileErrors(t *testing.T) {
	s := landerScene()
	s.Joints[0].B = "nobody"
	if _, err := Compile(s); err == nil || err.Error() != `scene lander: joints[0].b: there is no body "nobody"` {
		t.Errorf("error %v", err)
	}
}

func ExampleWorld() {
	ball := scene.Body{Name: "ball", Position: geom.Vec{Y: 2}, Shapes: []scene.Shape{
		{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: 0.5, Density: 1},
	}}
	floor := scene.Ground{Name: "floor", Points: []geom.Vec{{X: -10}, {X: 10}}}
	m, err := Compile(&scene.Scene{Gravity: geom.Vec{Y: -10}, Bodies: []scene.Body{ball}, Grounds: []scene.Ground{floor}})
	if err != nil {
		panic(err)
	}
	w := m.NewWorld()
	for range 100 {
		w.Step(1. / 50)
	}
	at, _ := w.Pose(m.Body("ball"))
	fmt.Printf("the ball rests at %.1f, touching: %v\n", at.Y, w.Touching(m.Body("ball")))
	// Output: the ball rests at 0.5, touching: true
}

// Whatever motors do at random, no world gains more energy in a step than they can give, or
// breaks.
func TestStability(t *testing.T) {
	for name, s := range scenes() {
		w := compile(t, s)
		r := rng.New(9).Stream(1, 0, 0)
		for i := range 15000 {
			if i%300 == 0 {
				w.Reset()
				w.SetVelocity(0, vec(r.Range(-3, 3), r.Range(-3, 3)), r.Range(-3, 3))
			}
			before, _ := w.Energy()
			drive(w, &r)
			if after, _ := w.Energy(); !(after < 3*before+200) { // 20 N m at 5 rad/s in each of 7 joints give 14 J
				t.Fatalf("%s: the energy leaps from %v to %v J in step %d", name, before, after, i)
			}
		}
	}
}
