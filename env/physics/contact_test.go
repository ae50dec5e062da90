package physics

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

func grounded(bodies ...scene.Body) *scene.Scene {
	return &scene.Scene{Gravity: vec(0, -10), Bodies: bodies, Grounds: []scene.Ground{flat(0)}}
}

// Every shape rests on every kind of surface with its surfaces within the slop of touching.
func TestRestHeight(t *testing.T) {
	capsule := scene.Body{Name: "b", Position: vec(0, 1), Shapes: []scene.Shape{
		{Kind: scene.Capsule, Points: []geom.Vec{{X: -0.5}, {X: 0.5}}, Radius: 0.25, Density: 1, Friction: 0.5},
	}}
	floors := map[string]func(s *scene.Scene) float64{ // adds a floor at height 0 and returns its skin
		"ground": func(s *scene.Scene) float64 { s.Grounds = []scene.Ground{flat(0)}; return skin },
		"segment": func(s *scene.Scene) float64 {
			s.Bodies = append(s.Bodies, scene.Body{Name: "floor", Kind: scene.Static, Shapes: []scene.Shape{
				{Kind: scene.Segment, Points: []geom.Vec{{X: -5}, {X: 5}}, Friction: 0.5}}})
			return skin
		},
		"chain": func(s *scene.Scene) float64 {
			s.Bodies = append(s.Bodies, scene.Body{Name: "floor", Kind: scene.Static, Shapes: []scene.Shape{
				{Kind: scene.Chain, Points: []geom.Vec{{X: -5}, {X: -1}, {X: 0.1}, {X: 5}}, Friction: 0.5}}})
			return skin
		},
		"box": func(s *scene.Scene) float64 {
			b := box("floor", 0, -1, 5, 1)
			b.Kind = scene.Static
			s.Bodies = append(s.Bodies, b)
			return skin
		},
		"capsule": func(s *scene.Scene) float64 {
			s.Bodies = append(s.Bodies, scene.Body{Name: "floor", Kind: scene.Static, Shapes: []scene.Shape{
				{Kind: scene.Capsule, Points: []geom.Vec{{X: -5, Y: -1}, {X: 5, Y: -1}}, Radius: 1, Friction: 0.5}}})
			return 0
		},
	}
	for name, b := range map[string]scene.Body{"box": box("b", 0, 1, 0.5, 0.25), "disc": disc("b", 0, 1, 0.25), "capsule": capsule} {
		for floor, add := range floors {
			s := &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{b}}
			want := 0.25 + add(s)
			if name == "box" {
				want += skin
			}
			w := compile(t, s)
			for range 300 {
				w.Step(1. / 60)
			}
			p, a := w.Pose(0)
			near64(t, name+" on "+floor+": height", float64(p.Y), want-linearSlop/2, linearSlop)
			near64(t, name+" on "+floor+": angle", float64(a), 0, 1e-3)
			if v, spin := w.Velocity(0); v.Len() > 1e-3 || geom.Abs(spin) > 1e-3 {
				t.Errorf("%s on %s does not rest: %v, %v", name, floor, v, spin)
			}
			if !w.Touching(0) || !w.TouchingGround(0) || w.RestTime(0) < 2 {
				t.Errorf("%s on %s: touching %v, ground %v, rest time %v", name, floor, w.Touching(0), w.TouchingGround(0), w.RestTime(0))
			}
		}
	}
}

// A block on an incline slides if and only if tan(angle) > mu, with a = g (sin - mu cos).
func TestFrictionCone(t *testing.T) {
	for _, deg := range []float64{5, 15, 25, 35} {
		for _, mu := range []float64{0.1, 0.3, 0.6} {
			a := deg * math.Pi / 180
			sn, cs := float32(math.Sin(a)), float32(math.Cos(a))
			b := box("block", 0, 0, 0.5, 0.25)
			b.Shapes[0].Friction = float32(mu)
			s := grounded(b)
			s.Grounds[0].Friction = float32(mu)
			s.Gravity = vec(10*sn, -10*cs)
			s.Bodies[0].Position = vec(0, 0.25+2*skin)
			w := compile(t, s)
			const n, dt = 60, 1. / 60
			for range n {
				w.Step(dt)
			}
			v, _ := w.Velocity(0)
			want := math.Max(0, 10*(math.Sin(a)-mu*math.Cos(a))) * n * dt
			near64(t, fmt.Sprintf("speed on %v degrees with mu %v", deg, mu), float64(v.X), want, 0.005+0.002*want)
		}
	}
}

func TestStack(t *testing.T) {
	for _, n := range []int{5, 10} {
		var bodies []scene.Body
		for i := range n {
			bodies = append(bodies, box(fmt.Sprint(i), 0.02*float32(i%2), 0.55+float32(i)*1.03, 0.5, 0.5))
		}
		w := compile(t, grounded(bodies...))
		for range 600 {
			w.Step(1. / 60)
		}
		for i := range n {
			p, a := w.Pose(i)
			near64(t, fmt.Sprintf("height of box %d of %d", i, n), float64(p.Y), 0.5+float64(i)+(1+float64(i))*(2*skin-linearSlop/2), 0.004*float64(i+1))
			near64(t, fmt.Sprintf("x of box %d of %d", i, n), float64(p.X), 0.02*float64(i%2), 0.02)
			near64(t, fmt.Sprintf("angle of box %d of %d", i, n), float64(a), 0, 0.01)
		}
		if v, _ := w.Velocity(n - 1); v.Len() > 0.01 {
			t.Errorf("the top of %d boxes still moves at %v", n, v)
		}
	}
}

func TestPyramid(t *testing.T) {
	var bodies []scene.Body
	for row := range 6 {
		for i := range 6 - row {
			bodies = append(bodies, box(fmt.Sprint(row, i), float32(i)*1.1+float32(row)*0.55, 0.55+float32(row)*1.04, 0.5, 0.5))
		}
	}
	w := compile(t, grounded(bodies...))
	for range 300 {
		w.Step(1. / 60)
	}
	p, a := w.Pose(len(bodies) - 1)
	near64(t, "height of the top", float64(p.Y), 5.5, 0.15)
	near64(t, "angle of the top", float64(a), 0, 0.02)
	if w.DroppedContacts() != 0 {
		t.Errorf("%d contacts dropped", w.DroppedContacts())
	}
}

// A ball that bounces with restitution e reaches e^2 of its height, within what a step changes.
func TestRestitution(t *testing.T) {
	for _, e := range []float32{0, 0.5, 0.8, 1} {
		b := disc("ball", 0, 2+0.25+skin, 0.25)
		b.Shapes[0].Restitution = e
		w := compile(t, grounded(b))
		const dt = 1. / 240
		top, bounced := 0.0, false
		for range 5 * 240 {
			w.Step(dt)
			v, _ := w.Velocity(0)
			if w.Touching(0) {
				if bounced {
					break
				}
			} else if v.Y > 0 {
				bounced = true
			}
			if p, _ := w.Pose(0); bounced {
				top = max(top, float64(p.Y)-0.25-skin)
			}
		}
		near64(t, fmt.Sprintf("height after a bounce with e=%v", e), top, 2*float64(e)*float64(e), 0.05)
	}
}

// Discs collide head on and off centre: momentum is kept, and with e = 1 energy too.
func TestCollisions(t *testing.T) {
	for _, offset := range []float32{0, 0.2, 0.45} {
		for _, e := range []float32{0, 0.6, 1} {
			a, b := disc("a", -2, 0, 0.5), disc("b", 2, offset, 0.3)
			a.Shapes[0].Restitution, a.Shapes[0].Friction, b.Shapes[0].Friction = e, 0.4, 0.4
			a.Velocity, b.Velocity, b.Spin = vec(5, 0), vec(-3, 0), 2
			w := compile(t, &scene.Scene{Bodies: []scene.Body{a, b}})
			momentum := func() (px, py, l float64) {
				for i := range 2 {
					m, inertia := w.Mass(i)
					v, spin := w.Velocity(i)
					c := w.Centre(i)
					px += float64(m * v.X)
					py += float64(m * v.Y)
					l += float64(inertia*spin + m*c.Cross(v))
				}
				return px, py, l
			}
			px, py, l := momentum()
			k0, _ := w.Energy()
			for range 120 {
				w.Step(1. / 120)
			}
			qx, qy, ql := momentum()
			near64(t, "px", qx, px, 1e-4)
			near64(t, "py", qy, py, 1e-4)
			near64(t, "angular momentum", ql, l, 0.06)
			k, _ := w.Energy()
			va, _ := w.Velocity(0)
			vb, _ := w.Velocity(1)
			if offset == 0 {
				near64(t, fmt.Sprintf("separation speed with e=%v", e), float64(vb.X-va.X), 8*float64(e), 0.05)
			}
			if k > k0*1.0001 {
				t.Errorf("offset %v, e %v: energy grows from %v to %v", offset, e, k0, k)
			}
		}
	}
}

// Nothing passes through a thin wall in one step of 50 m or more.
func TestTunnelling(t *testing.T) {
	bodies := map[string]scene.Body{"disc": disc("b", 0.3, 10, 0.05), "box": box("b", 0.3, 10, 0.05, 0.05), "capsule": {
		Name: "b", Position: vec(0.3, 10), Shapes: []scene.Shape{{Kind: scene.Capsule, Points: []geom.Vec{{X: -0.1}, {X: 0.1}}, Radius: 0.05, Density: 1}},
	}}
	wall := scene.Body{Name: "wall", Kind: scene.Static, Shapes: []scene.Shape{{Kind: scene.Segment, Points: []geom.Vec{{X: -20}, {X: 20}}}}}
	for name, b := range bodies {
		for _, floor := range []string{"wall", "ground"} {
			b.Velocity, b.Spin = vec(0, -3000), 10
			s := &scene.Scene{Bodies: []scene.Body{b}}
			if floor == "wall" {
				s.Bodies = append(s.Bodies, wall)
			} else {
				s.Grounds = []scene.Ground{flat(0)}
			}
			w := compile(t, s)
			for range 20 {
				w.Step(1. / 60)
				if p, _ := w.Pose(0); p.Y < 0.03 {
					t.Fatalf("%s passes through the %s: %v", name, floor, p)
				}
			}
		}
	}
}

// Boxes slide over the joints of ground and chain segments without catching.
func TestSmoothFloor(t *testing.T) {
	var pts []geom.Vec
	for i := range 101 {
		pts = append(pts, vec(float32(i)*0.2-5, 0))
	}
	chain := scene.Body{Name: "floor", Kind: scene.Static, Shapes: []scene.Shape{{Kind: scene.Chain, Points: pts}}}
	capsule := scene.Body{Name: "b", Position: vec(0, 0.3), Shapes: []scene.Shape{{Kind: scene.Capsule, Points: []geom.Vec{{X: -0.2}, {X: 0.2}}, Radius: 0.25, Density: 1}}}
	for name, b := range map[string]scene.Body{"box": box("b", 0, 0.3, 0.25, 0.25), "disc": disc("b", 0, 0.3, 0.25), "capsule": capsule} {
		for _, floor := range []string{"ground", "chain"} {
			b.Velocity, b.Shapes[0].Friction = vec(5, 0), 0
			s := &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{b}}
			if floor == "chain" {
				s.Bodies = append(s.Bodies, chain)
			} else {
				s.Grounds = []scene.Ground{{Name: "g", Points: pts}}
			}
			w := compile(t, s)
			for range 120 {
				w.Step(1. / 60)
			}
			v, _ := w.Velocity(0)
			p, a := w.Pose(0)
			near64(t, name+" on "+floor+": speed", float64(v.X), 5, 0.01)
			near64(t, name+" on "+floor+": angle", float64(a), 0, 0.02)
			near64(t, name+" on "+floor+": height", float64(p.Y), 0.26, 0.02)
		}
	}
}

// The ground is solid below, also at steps and in valleys.
func TestStairs(t *testing.T) {
	g := scene.Ground{Name: "stairs", Friction: 0.5, Points: []geom.Vec{{X: -5}, {X: 0}, {X: 0, Y: 0.3}, {X: 1, Y: 0.3}, {X: 1, Y: 0.6}, {X: 5, Y: 0.6}, {X: 5, Y: -2}, {X: 6, Y: -2}, {X: 6, Y: 1}, {X: 9, Y: 1}}}
	for _, x := range []float32{-2, -0.3, 0.5, 0.95, 3, 5.5} {
		for _, b := range []scene.Body{box("b", x, 3, 0.2, 0.2), disc("b", x, 3, 0.2)} {
			w := compile(t, &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{b}, Grounds: []scene.Ground{g}})
			for range 300 {
				w.Step(1. / 60)
			}
			p, _ := w.Pose(0)
			if floor := w.GroundHeight(0, p.X); p.Y < floor+0.19 {
				t.Errorf("%s dropped at %v sinks into the ground: %v, ground at %v", b.Shapes[0].Kind, x, p, floor)
			}
		}
	}
	// A box driven against a step stops there.
	b := box("b", -2, 0.15, 0.1, 0.1)
	b.Velocity, b.Shapes[0].Friction = vec(3, 0), 0
	w := compile(t, &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{b}, Grounds: []scene.Ground{g}})
	for range 120 {
		w.Step(1. / 60)
	}
	p, _ := w.Pose(0)
	near64(t, "x at the step", float64(p.X), -0.1-2*skin, 0.01)
}

func TestFilters(t *testing.T) {
	low := box("low", 0, 0.5, 0.5, 0.5)
	for _, c := range []struct {
		a, b    scene.Filter
		collide bool
	}{
		{scene.Filter{}, scene.Filter{}, true},
		{scene.Filter{Mask: 2}, scene.Filter{}, false},
		{scene.Filter{Mask: 2}, scene.Filter{Category: 2}, true},
		{scene.Filter{Group: -1}, scene.Filter{Group: -1}, false},
		{scene.Filter{Group: 3, Mask: 4}, scene.Filter{Group: 3}, true},
	} {
		top := box("top", 0, 2, 0.4, 0.4)
		low.Kind, low.Shapes[0].Filter, top.Shapes[0].Filter = scene.Static, c.a, c.b
		w := compile(t, &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{low, top}})
		for range 120 {
			w.Step(1. / 60)
		}
		if p, _ := w.Pose(1); (p.Y > 1) != c.collide {
			t.Errorf("%+v and %+v: collide %v, want %v", c.a, c.b, p.Y > 1, c.collide)
		}
	}
}

func TestSensor(t *testing.T) {
	zone := disc("zone", 0, 1, 0.5)
	zone.Kind, zone.Shapes[0].Sensor = scene.Static, true
	w := compile(t, &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{zone, disc("ball", 0, 4, 0.2)}})
	inside := 0
	for range 90 {
		w.Step(1. / 60)
		p, _ := w.Pose(1)
		over := w.Overlaps(w.Model().Shape(0, 0), 1)
		if over {
			inside++
		}
		if geom.Abs(p.Y-1) > 1.1 && over {
			t.Fatalf("the sensor sees the ball at %v", p)
		}
		if w.Touching(1) {
			t.Fatal("a sensor counts as touched")
		}
	}
	if inside < 5 {
		t.Errorf("the sensor saw the ball in %d steps", inside)
	}
	p, _ := w.Pose(1)
	near64(t, "height: the sensor stops nothing", float64(p.Y), 4-5*1.5*1.5, 0.2)
}

// So many contacts that no matrix is kept: each box of a long row rests as if it were alone.
func TestManyRows(t *testing.T) {
	pile := func(n int) *World {
		s := &scene.Scene{Gravity: vec(0, -10), Grounds: []scene.Ground{{Name: "floor", Points: []geom.Vec{{X: -5}, {X: 100}}, Friction: 0.5}}}
		for i := range n {
			s.Bodies = append(s.Bodies, box(fmt.Sprint(i), float32(2*i), 0.6, 0.5, 0.5))
			s.Bodies[i].Velocity = vec(1, 0)
		}
		return compile(t, s)
	}
	one, many := pile(1), pile(maxDense/2)
	for range 100 {
		one.Step(1. / 50)
		many.Step(1. / 50)
	}
	if got := many.Contacts(); 2*got <= maxDense {
		t.Fatalf("%d contacts, too few for this test", got)
	}
	want, _ := one.Pose(0)
	for i := range many.m.Bodies() {
		got, angle := many.Pose(i)
		near64(t, "x", float64(got.X-float32(2*i)), float64(want.X), 1e-4)
		near64(t, "y", float64(got.Y), float64(want.Y), 1e-4)
		near64(t, "angle", float64(angle), 0, 1e-4)
	}
}
