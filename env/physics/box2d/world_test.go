package box2d_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics/box2d"
	"github.com/terrarium-rl/terrarium/env/physics/internal/reference"
	"github.com/terrarium-rl/terrarium/env/scene"
)

const dt float32 = 1. / 50

func disc(name string, x, y float32, sh scene.Shape) scene.Body {
	sh.Kind, sh.Points = scene.Circle, []geom.Vec{{}}
	if sh.Radius == 0 {
		sh.Radius = 0.5
	}
	sh.Density = 1
	return scene.Body{Name: name, Position: geom.Vec{X: x, Y: y}, Shapes: []scene.Shape{sh}}
}

func flat(f scene.Filter) scene.Ground {
	return scene.Ground{Name: "ground", Points: []geom.Vec{{X: -50}, {X: 50}}, Friction: 0.5, Filter: f}
}

func open(t testing.TB, s *scene.Scene) *box2d.World { return openWith(t, s, 0, 0) }

func openWith(t testing.TB, s *scene.Scene, velocity, position int) *box2d.World {
	t.Helper()
	w, err := box2d.New(s, box2d.Options{Velocity: velocity, Position: position})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func run(w *box2d.World, steps int) {
	for range steps {
		w.Step(dt)
	}
}

func near(t *testing.T, what string, got, want, tolerance float32) {
	t.Helper()
	if !(geom.Abs(got-want) <= tolerance) {
		t.Errorf("%s: got %v, want %v within %v", what, got, want, tolerance)
	}
}

// The library ignores filters unless it is given a contact filter, and then lets fixtures
// without one collide with nothing.
func TestFilters(t *testing.T) {
	s := &scene.Scene{Gravity: geom.Vec{Y: -10}, Grounds: []scene.Ground{flat(scene.Filter{Category: 4})}, Bodies: []scene.Body{
		disc("default", 0, 2, scene.Shape{}),
		disc("through", 5, 2, scene.Shape{Filter: scene.Filter{Mask: 3}}),
		disc("on", 10, 2, scene.Shape{Filter: scene.Filter{Mask: 4}}),
		disc("wide", 15, 2, scene.Shape{Filter: scene.Filter{Category: 1 << 20, Mask: 1<<20 | 4}}),
		disc("friend", 20, 2, scene.Shape{Filter: scene.Filter{Group: -3}}),
		disc("friend2", 20.1, 4, scene.Shape{Filter: scene.Filter{Group: -3}}),
	}}
	w := open(t, s)
	run(w, 100)
	for name, want := range map[string]float32{"default": 0.505, "on": 0.505, "wide": 0.505, "friend": 0.505, "friend2": 0.505} {
		at, _ := w.Pose(w.Body(name))
		near(t, "height of "+name, at.Y, want, 0.002)
		if b := w.Body(name); !w.Touching(b) || !w.TouchingGround(b) {
			t.Errorf("%s does not touch the ground", name)
		}
	}
	if at, _ := w.Pose(w.Body("through")); at.Y > -10 {
		t.Errorf("a disc that does not collide with the ground stopped at height %v", at.Y)
	}
	if w.TouchingBodies(w.Body("friend"), w.Body("friend2")) {
		t.Error("discs of a group that does not collide touch")
	}
}

func TestSensors(t *testing.T) {
	zone := disc("zone", 0, 1, scene.Shape{Sensor: true})
	zone.Kind = scene.Static
	s := &scene.Scene{Gravity: geom.Vec{Y: -10}, Bodies: []scene.Body{disc("a", 0.2, 3, scene.Shape{}), disc("b", 5, 3, scene.Shape{}), zone}}
	w := open(t, s)
	sensor, a, b := w.Shape(w.Body("zone"), 0), w.Body("a"), w.Body("b")
	if w.Step(dt); w.Overlaps(sensor, a) {
		t.Error("the sensor sees the disc too early")
	}
	run(w, 30) // 1.8 m further down
	if !w.Overlaps(sensor, a) || w.Overlaps(sensor, b) || w.Touching(a) || !w.TouchingBodies(w.Body("zone"), a) {
		t.Error("the sensor should overlap disc a, and not collide with it")
	}
	at, _ := w.Pose(a)
	near(t, "height in free fall", at.Y, 3-10*dt*dt*31*32/2, 1e-4)
}

func TestMasses(t *testing.T) {
	s := &scene.Scene{Bodies: []scene.Body{{Name: "all", Shapes: []scene.Shape{
		{Kind: scene.Circle, Points: []geom.Vec{{X: 0.3, Y: -0.2}}, Radius: 0.4, Density: 2},
		{Kind: scene.Capsule, Points: []geom.Vec{{X: -1, Y: 0.5}, {X: 0.5, Y: 1}}, Radius: 0.2, Density: 3},
		{Kind: scene.Polygon, Points: []geom.Vec{{X: 1, Y: 1}, {X: 2, Y: 1}, {X: 1.5, Y: 2.5}}, Density: 1},
	}}}}
	want := s.Bodies[0].Mass() // float32, by other formulas
	w := open(t, s)
	mass, inertia := w.Mass(0)
	near(t, "mass", mass, want.Mass, 1e-5*want.Mass)
	near(t, "inertia", inertia, want.Inertia, 1e-4*want.Inertia)
	near(t, "centre x", w.Centre(0).X, want.Centre.X, 1e-5)
	near(t, "centre y", w.Centre(0).Y, want.Centre.Y, 1e-5)
}

// A capsule's inertia, integrated over a grid.
func TestCapsuleInertia(t *testing.T) {
	const l, r, n = 1.5, 0.4, 2000
	var area, inertia float64
	for i := range n {
		for k := range n {
			x, y := (float64(i)+0.5)/n*(l+2*r)-l/2-r, (float64(k)+0.5)/n*2*r-r
			dx := max(0, math.Abs(x)-l/2)
			if dx*dx+y*y <= r*r {
				area++
				inertia += x*x + y*y
			}
		}
	}
	cell := (l + 2*r) * 2 * r / n / n
	s := &scene.Scene{Bodies: []scene.Body{{Name: "c", Shapes: []scene.Shape{
		{Kind: scene.Capsule, Points: []geom.Vec{{Y: -l / 2}, {Y: l / 2}}, Radius: r, Density: 1},
	}}}}
	w := open(t, s)
	mass, moment := w.Mass(0)
	near(t, "mass", mass, float32(area*cell), 1e-3)
	near(t, "inertia", moment, float32(inertia*cell), 1e-3)
}

func TestRays(t *testing.T) {
	wall := scene.Body{Name: "wall", Kind: scene.Static, Position: geom.Vec{X: 5}, Shapes: []scene.Shape{
		{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.5, 2, 0), Filter: scene.Filter{Category: 2}},
	}}
	pill := scene.Body{Name: "pill", Position: geom.Vec{X: 3, Y: 0.5}, Shapes: []scene.Shape{
		{Kind: scene.Capsule, Points: []geom.Vec{{X: -0.5}, {X: 0.5}}, Radius: 0.25, Density: 1},
	}}
	ghost := disc("ghost", 1.5, 0, scene.Shape{Sensor: true})
	eye := disc("eye", 0, 0, scene.Shape{})
	s := &scene.Scene{
		Bodies: []scene.Body{wall, pill, ghost, eye}, Grounds: []scene.Ground{{Name: "g", Points: []geom.Vec{{X: -9, Y: -1}, {X: 9, Y: -1}}}},
		Rays: []scene.Ray{
			{Name: "front", Body: "eye", Along: geom.Vec{X: 10}},
			{Name: "down", Body: "eye", Along: geom.Vec{Y: -4}, Upright: true},
			{Name: "back", Body: "eye", Along: geom.Vec{X: -10}},
		},
	}
	w := open(t, s)
	dst := make([]float32, 3)
	w.CastRays(dst)
	near(t, "front", dst[0], 0.45, 1e-6) // the wall, beyond the sensor and below the pill
	near(t, "down", dst[1], 0.25, 1e-6)
	near(t, "back", dst[2], 1, 0)
	w.SetPose(w.Body("eye"), geom.Vec{}, math.Pi)
	w.CastRays(dst)
	near(t, "back, turned", dst[2], 0.45, 1e-6)
	near(t, "down, upright", dst[1], 0.25, 1e-6)

	for _, c := range []struct {
		name             string
		from, to         geom.Vec
		mask             uint32
		fraction, nx, ny float32
		body             int
	}{
		{"top of the pill", geom.Vec{X: 3, Y: 2.75}, geom.Vec{X: 3, Y: -0.25}, 1, 2. / 3, 0, 1, 1},
		{"end of the pill", geom.Vec{X: 1, Y: 0.5}, geom.Vec{X: 4, Y: 0.5}, 1, 0.416667, -1, 0, 1},
		{"grazing its side", geom.Vec{X: 1, Y: 0.745}, geom.Vec{X: 5, Y: 0.745}, 1, (1.5 - 0.049749) / 4, -0.198997, 0.98, 1},
		{"from inside it", geom.Vec{X: 3, Y: 0.5}, geom.Vec{X: 6, Y: 0.5}, 2, 0.5, -1, 0, 0},
		{"past it by mask", geom.Vec{X: 1, Y: 0.5}, geom.Vec{X: 5, Y: 0.5}, 2, 0.875, -1, 0, 0},
		{"the ground", geom.Vec{X: -3, Y: 1}, geom.Vec{X: -3, Y: -3}, 1, 0.5, 0, 1, -1},
	} {
		h, ok := w.RayCast(c.from, c.to, c.mask)
		if !ok || h.Body != c.body {
			t.Errorf("%s: hit %v of body %d, want body %d", c.name, ok, h.Body, c.body)
		}
		near(t, c.name+": fraction", h.Fraction, c.fraction, 1e-5)
		near(t, c.name+": normal x", h.Normal.X, c.nx, 1e-3)
		near(t, c.name+": normal y", h.Normal.Y, c.ny, 1e-3)
	}
	if h, ok := w.RayCast(geom.Vec{X: 1, Y: 0.76}, geom.Vec{X: 4, Y: 0.76}, 1); ok {
		t.Errorf("a ray above the pill hit body %d", h.Body)
	}
}

// Forces act for one step: dv = F dt / m, and an impulse gives what a force of J/dt gives.
func TestForces(t *testing.T) {
	s := &scene.Scene{Bodies: []scene.Body{disc("a", 0, 0, scene.Shape{})}, Thrusters: []scene.Thruster{
		{Name: "jet", Body: "a", At: geom.Vec{X: -0.5}, Direction: geom.Vec{Y: 2}, Max: 8},
	}}
	w := open(t, s)
	mass, inertia := w.Mass(0)
	w.SetPose(0, geom.Vec{}, math.Pi/2)
	w.Thrust(0, 0.5) // local y is now -x, local -x is -y: force (-4, 0) at (0, -0.5)
	w.Step(dt)
	v, spin := w.Velocity(0)
	near(t, "vx", v.X, -4*dt/mass, 1e-6)
	near(t, "vy", v.Y, 0, 1e-6)
	near(t, "spin", spin, -0.5*4*dt/inertia, 1e-5)
	w.Step(dt)
	if v2, _ := w.Velocity(0); v2 != v {
		t.Errorf("the thrust acts on: velocity %v became %v", v, v2)
	}
	w.Reset()
	w.ApplyImpulse(0, geom.Vec{X: -4 * dt}, geom.Vec{Y: -0.5})
	v3, spin3 := w.Velocity(0)
	near(t, "vx by impulse", v3.X, v.X, 1e-6)
	near(t, "spin by impulse", spin3, spin, 1e-5)
	w.ApplySpin(0, inertia)
	w.ApplyTorque(0, inertia/dt)
	w.ApplyForce(0, geom.Vec{Y: mass / dt}, w.Centre(0))
	w.Step(dt)
	v4, spin4 := w.Velocity(0)
	near(t, "vy by force", v4.Y, 1, 1e-5)
	near(t, "spin by torque", spin4, spin3+2, 1e-5)
}

func TestRope(t *testing.T) {
	s := &scene.Scene{
		Gravity: geom.Vec{Y: -10}, Bodies: []scene.Body{disc("bob", 0, -0.2, scene.Shape{Radius: 0.1})},
		Joints: []scene.Joint{{Name: "rope", Kind: scene.Distance, B: "bob", Limits: &[2]float32{0, 1.5}}},
	}
	w := open(t, s)
	run(w, 20)
	near(t, "length of a slack rope", w.JointPosition(0), 0.2+10*dt*dt*20*21/2, 1e-4)
	run(w, 300)
	near(t, "length of a taut rope", w.JointPosition(0), 1.5, 0.006)
}

func TestUnsupported(t *testing.T) {
	base := func() *scene.Scene {
		return &scene.Scene{Name: "odd", Bodies: []scene.Body{disc("a", 0, -1, scene.Shape{})}}
	}
	spring := base()
	spring.Joints = []scene.Joint{{Name: "strut", Kind: scene.Distance, B: "a", Limits: &[2]float32{0.5, 2}}}
	tiny := base()
	tiny.Bodies[0].Shapes[0] = scene.Shape{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.0005, 0.0005, 0), Density: 1e6}
	thin := base()
	thin.Bodies[0].Shapes[0] = scene.Shape{Kind: scene.Capsule, Points: []geom.Vec{{}, {X: 1}}, Radius: 0.01, Density: 1}
	for want, s := range map[string]*scene.Scene{`joint "strut"`: spring, "scene odd": tiny, `body "a": shape 0`: thin} {
		if _, err := box2d.New(s, box2d.Options{}); !errors.Is(err, box2d.ErrUnsupported) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: got error %v", want, err)
		}
	}
	bad := base()
	bad.Bodies[0].Name = ""
	if _, err := box2d.New(bad, box2d.Options{}); err == nil || errors.Is(err, box2d.ErrUnsupported) {
		t.Errorf("a body without a name: got error %v", err)
	}
	if _, err := box2d.New(base(), box2d.Options{Velocity: -1}); err == nil {
		t.Error("negative sweeps were accepted")
	}
}

// rollout returns a hash of all states of a case.
func rollout(c *reference.Case, w *box2d.World) uint64 {
	h := fnv.New64a()
	for t := 1; t <= min(c.Steps, 40); t++ {
		c.Step(w, w, t)
		for i := range c.Scene.Bodies {
			fmt.Fprintln(h, reference.Read(w, i))
		}
	}
	return h.Sum64()
}

// Several goroutines step worlds at once, from the first contact of the process on if this
// test runs alone, and get the same bits as one alone. The race detector watches in CI.
func TestGoroutines(t *testing.T) {
	cases := reference.Cases()
	cases = append(cases, &reference.Case{Name: "sensor", Steps: 60, Scene: scene.Scene{Gravity: geom.Vec{Y: -10}, Grounds: []scene.Ground{flat(scene.Filter{})}, Bodies: []scene.Body{
		disc("a", 0, 1, scene.Shape{}), disc("b", 0.3, 2, scene.Shape{Sensor: true}),
	}}})
	const goroutines = 4
	var hashes [goroutines][]uint64
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range cases {
				c := cases[(i+g*7)%len(cases)]
				w, err := box2d.New(&c.Scene, box2d.Options{Velocity: 20, Position: 10})
				if err != nil {
					t.Error(err)
					return
				}
				hashes[g] = append(hashes[g], rollout(c, w))
			}
		})
	}
	wg.Wait()
	for i, c := range cases {
		w, err := box2d.New(&c.Scene, box2d.Options{Velocity: 20, Position: 10})
		if err != nil {
			t.Fatal(err)
		}
		want := rollout(c, w)
		w.Reset()
		if again := rollout(c, w); again != want {
			t.Errorf("%s: another rollout after Reset", c.Name)
		}
		for g := range goroutines {
			k := ((i-g*7)%len(cases) + len(cases)) % len(cases)
			if hashes[g][k] != want {
				t.Errorf("%s: goroutine %d got another rollout", c.Name, g)
			}
		}
	}
}

// Continuous collision is what stops a disc that moves nine diameters a step.
func TestFast(t *testing.T) {
	bullet := disc("a", 0, 100, scene.Shape{Radius: 0.1})
	bullet.Velocity = geom.Vec{Y: -90}
	w := open(t, &scene.Scene{Bodies: []scene.Body{bullet}, Grounds: []scene.Ground{flat(scene.Filter{})}})
	run(w, 100)
	at, _ := w.Pose(0)
	near(t, "height of a stopped disc", at.Y, 0.105, 0.01)
}

func TestLookup(t *testing.T) {
	w := open(t, &scene.Scene{Bodies: []scene.Body{disc("a", 0, 0, scene.Shape{})}})
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), `no body "b"`) {
			t.Errorf("looking up a missing body: panic %v", r)
		}
	}()
	w.Body("b")
}

func ExampleWorld() {
	ball := scene.Body{Name: "ball", Position: geom.Vec{Y: 3}, Shapes: []scene.Shape{
		{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: 0.5, Density: 1},
	}}
	ground := scene.Ground{Name: "ground", Points: []geom.Vec{{X: -5}, {X: 5}}}
	w, err := box2d.New(&scene.Scene{Gravity: geom.Vec{Y: -10}, Bodies: []scene.Body{ball}, Grounds: []scene.Ground{ground}}, box2d.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 100 {
		w.Step(1. / 50)
	}
	at, _ := w.Pose(w.Body("ball"))
	fmt.Printf("it lies at height %.1f\n", at.Y)
	// Output: it lies at height 0.5
}

func vec(x, y float32) geom.Vec { return geom.Vec{X: x, Y: y} }
