package physics_test

import (
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/physics/internal/reference"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// apart returns how far two worlds of like scenes are from each other, m and rad.
func apart(v, w *physics.World) (most float32) {
	for i := range v.Model().Bodies() {
		p, a := v.Pose(i)
		q, b := w.Pose(i)
		most = geom.Max(most, geom.Max(p.Sub(q).Len(), geom.Abs(a-b)))
	}
	return most
}

// What Scene returns begins where the world is and goes on as it does. The second half of a flight
// is made by a world of that scene; without the impulses of the last step, contacts need a moment,
// and the limits that stand for a rod have a slop of 5 mm.
func TestScene(t *testing.T) {
	for _, c := range reference.Cases() {
		m, err := physics.Compile(&c.Scene)
		if err != nil {
			t.Fatal(err)
		}
		w := m.NewWorld()
		for n := 1; n <= 20; n++ {
			c.Step(w, m, n)
		}
		m2, err := physics.Compile(w.Scene())
		if err != nil {
			t.Errorf("%s: its scene: %v", c.Name, err)
			continue
		}
		again := m2.NewWorld()
		if off := apart(w, again); !(off < 1e-5) {
			t.Errorf("%s: the scene begins %v away", c.Name, off)
		}
		for i := range m.Bodies() {
			ma, ia := w.Mass(i)
			mb, ib := again.Mass(i)
			va, sa := w.Velocity(i)
			vb, sb := again.Velocity(i)
			if geom.Abs(ma-mb) > 1e-4*ma || geom.Abs(ia-ib) > 1e-4*ia || va != vb || sa != sb {
				t.Errorf("%s, body %d: mass %v, inertia %v, velocity %v %v; of the scene %v, %v, %v %v", c.Name, i, ma, ia, va, sa, mb, ib, vb, sb)
			}
		}
		for n := 21; n <= 30; n++ {
			c.Step(w, m, n)
			c.Step(again, m2, n)
		}
		if off := apart(w, again); !(off < 1e-2) {
			t.Errorf("%s: ten steps later the scene is %v away", c.Name, off)
		}
	}
}

// All that Set methods change is in the scene.
func TestSceneHasEdits(t *testing.T) {
	s := &scene.Scene{
		Gravity: geom.Vec{Y: -10},
		Bodies: []scene.Body{
			{Name: "a", Shapes: []scene.Shape{{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 1, 1, 0), Density: 1}}},
			{Name: "b", Position: geom.Vec{X: 4}, Shapes: []scene.Shape{{Kind: scene.Capsule, Points: []geom.Vec{{X: -1}, {X: 1}}, Radius: 0.5, Density: 2}}},
			{Name: "wall", Kind: scene.Static, Shapes: []scene.Shape{{Kind: scene.Chain, Points: []geom.Vec{{X: -9}, {X: -9, Y: 3}, {X: -12, Y: 3}}}}},
		},
		Grounds: []scene.Ground{{Name: "g", Points: []geom.Vec{{X: -50, Y: -5}, {X: 50, Y: -5}}, Capacity: 5}},
		Joints: []scene.Joint{
			{Name: "rod", Kind: scene.Distance, A: "a", B: "b"},
			{Name: "slide", Kind: scene.Prismatic, B: "a", Axis: geom.Vec{X: 3, Y: 4}, Limits: &[2]float32{-1, 1}, Motor: &scene.Motor{Max: 1}, Collide: true},
		},
		Thrusters: []scene.Thruster{{Name: "jet", Body: "b", Direction: geom.Vec{X: 2}, Max: 7}},
		Rays:      []scene.Ray{{Name: "eye", Body: "a", Along: geom.Vec{Y: -9}, Upright: true, Mask: 3}},
		Goals:     []scene.Goal{{Name: "goal", Radius: 1}},
		View:      &scene.View{Lo: geom.Vec{X: -1, Y: -1}, Hi: geom.Vec{X: 1, Y: 1}},
	}
	m, err := physics.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	w := m.NewWorld()
	w.SetGravity(geom.Vec{X: 1})
	w.SetBox(m.Shape(0, 0), geom.Vec{X: 0.5}, 2, 0.5, 0)
	w.SetSurface(m.Shape(0, 0), 0.7, 0.2)
	w.SetDamping(0, 0.1, 0.2)
	w.SetLength(0, 3)
	w.SetLimits(1, -2, 2)
	w.SetMotor(1, 5, 6)
	w.SetAnchors(0, geom.Vec{X: 0.1}, geom.Vec{Y: 0.2})
	w.SetGround(0, []geom.Vec{{X: -5, Y: -5}, {Y: -4}, {X: 5, Y: -5}})
	w.SetGroundSurface(0, 0.3, 0.4)
	got := w.Scene()

	a := got.Bodies[0]
	if p := a.Shapes[0].Points; p[0].Sub(geom.Vec{X: -1.5, Y: -0.5}).Len() > 1e-6 || p[2].Sub(geom.Vec{X: 2.5, Y: 0.5}).Len() > 1e-6 {
		t.Errorf("corners %v", p)
	}
	if a.Shapes[0].Friction != 0.7 || a.Shapes[0].Restitution != 0.2 || a.LinearDamping != 0.1 || a.AngularDamping != 0.2 {
		t.Errorf("body %+v", a)
	}
	if wall := got.Bodies[2].Shapes; len(wall) != 1 || wall[0].Kind != scene.Chain || len(wall[0].Points) != 3 {
		t.Errorf("chain %+v", wall)
	}
	if g := got.Grounds[0]; len(g.Points) != 3 || g.Points[1] != (geom.Vec{Y: -4}) || g.Capacity != 5 || g.Friction != 0.3 || g.Restitution != 0.4 {
		t.Errorf("ground %+v", g)
	}
	if j := got.Joints[0]; *j.Limits != [2]float32{3, 3} || j.A != "a" || j.AnchorA != (geom.Vec{X: 0.1}) || j.AnchorB != (geom.Vec{Y: 0.2}) {
		t.Errorf("rod %+v", j)
	}
	if j := got.Joints[1]; *j.Limits != [2]float32{-2, 2} || *j.Motor != (scene.Motor{Speed: 5, Max: 6}) || j.A != "" || !j.Collide || j.Axis != (geom.Vec{X: 0.6, Y: 0.8}) {
		t.Errorf("slide %+v", j)
	}
	if got.Gravity != (geom.Vec{X: 1}) || got.Thrusters[0].Max != 7 || got.Rays[0].Mask != 3 || got.Goals[0] != s.Goals[0] || *got.View != *s.View {
		t.Errorf("rest of the scene: %+v", got)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

// Edited sees what another engine must be told by building its world anew, and nothing else.
func TestEdited(t *testing.T) {
	c := reference.Cases()[slices.IndexFunc(reference.Cases(), func(c *reference.Case) bool { return len(c.Scene.Grounds) > 0 })]
	m, err := physics.Compile(&c.Scene)
	if err != nil {
		t.Fatal(err)
	}
	was := m.NewWorld()
	was.Step(reference.Dt)
	for name, e := range map[string]struct {
		edit func(w *physics.World)
		want bool
	}{
		"nothing":  {func(*physics.World) {}, false},
		"velocity": {func(w *physics.World) { w.ApplyImpulse(0, geom.Vec{X: 1}, geom.Vec{}) }, false},
		"force":    {func(w *physics.World) { w.ApplyForce(0, geom.Vec{X: 1}, geom.Vec{}) }, false},
		"gravity":  {func(w *physics.World) { w.SetGravity(geom.Vec{}) }, false},
		"pose":     {func(w *physics.World) { w.SetPose(0, geom.Vec{X: 1}, 0) }, true},
		"damping":  {func(w *physics.World) { w.SetDamping(0, 1, 1) }, true},
		"surface":  {func(w *physics.World) { w.SetSurface(0, 0.9, 0.9) }, true},
		"ground":   {func(w *physics.World) { w.SetGroundSurface(0, 0.9, 0.9) }, true},
		"disabled": {func(w *physics.World) { w.SetEnabled(0, false) }, true},
		"reset":    {func(w *physics.World) { w.Reset() }, true},
	} {
		w := m.NewWorld()
		w.CopyFrom(was)
		e.edit(w)
		if got := w.Edited(was); got != e.want {
			t.Errorf("%s: edited %v, want %v", name, got, e.want)
		}
	}
}
