package box2d_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/physics/box2d"
	"github.com/terrarium-rl/terrarium/env/physics/internal/reference"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// engine is what the cross-checks ask of either engine.
type engine interface {
	reference.Engine
	JointSpeed(joint int) float32
	MotorImpulse(joint int) float32
	TouchingGround(body int) bool
	TouchingBodies(a, b int) bool
	Overlaps(sensor, body int) bool
	CastRays(dst []float32)
	Thrust(thruster int, throttle float32)
	Energy() (kinetic, potential float32)
	Mass(body int) (mass, inertia float32)
	SetVelocity(body int, v geom.Vec, spin float32)
}

var (
	_ engine = (*box2d.World)(nil)
	_ engine = (*physics.World)(nil)
)

// both runs f with either engine, as a subtest.
func both(t *testing.T, s *scene.Scene, f func(t *testing.T, w engine)) {
	t.Helper()
	m, err := physics.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("physics", func(t *testing.T) { f(t, m.NewWorld()) })
	t.Run("box2d", func(t *testing.T) { f(t, open(t, s)) })
}

func steps(w engine, n int) {
	for range n {
		w.Step(dt)
	}
}

// skin is how much higher than geometry says a shape may rest: Box2D keeps 0.02 m between
// polygons and lets them sink by 0.005 m, env/physics lets shapes sink by its slop only.
const skin = 0.0201

func shapes() map[string]scene.Shape {
	return map[string]scene.Shape{
		"circle":   {Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: 0.5},
		"capsule":  {Kind: scene.Capsule, Points: []geom.Vec{{X: -0.5}, {X: 0.5}}, Radius: 0.25},
		"box":      {Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.6, 0.3, 0)},
		"triangle": {Kind: scene.Polygon, Points: []geom.Vec{{X: -0.5, Y: -0.4}, {X: 0.5, Y: -0.4}, {Y: 0.6}}},
	}
}

func TestRestHeights(t *testing.T) {
	want := map[string]float32{"circle": 0.5, "capsule": 0.25, "box": 0.3, "triangle": 0.4}
	for name, sh := range shapes() {
		sh.Density, sh.Friction = 1, 0.5
		g := flat(scene.Filter{})
		s := &scene.Scene{Gravity: geom.Vec{Y: -10}, Grounds: []scene.Ground{g}, Bodies: []scene.Body{
			{Name: "b", Position: geom.Vec{Y: want[name] + 0.5}, Shapes: []scene.Shape{sh}},
		}}
		t.Run(name, func(t *testing.T) {
			both(t, s, func(t *testing.T, w engine) {
				steps(w, 200)
				at, angle := w.Pose(0)
				near(t, "height", at.Y, want[name], skin)
				near(t, "angle", angle, 0, 0.01)
				near(t, "drift", at.X, 0, 0.01)
				if v, spin := w.Velocity(0); v.Len() > 1e-3 || geom.Abs(spin) > 1e-3 {
					t.Errorf("still moves: %v, %v", v, spin)
				}
				if !w.TouchingGround(0) {
					t.Error("does not touch the ground it lies on")
				}
			})
		})
	}
}

// A shape that starts inside the ground, or inside another, comes out within a second, to the
// slop, and is not thrown: the displacement must not become velocity.
func TestOverlap(t *testing.T) {
	want := map[string]float32{"circle": 0.5, "capsule": 0.25, "box": 0.3, "triangle": 0.4}
	for name, sh := range shapes() {
		sh.Density, sh.Friction = 1, 0.5
		s := &scene.Scene{Gravity: geom.Vec{Y: -10}, Grounds: []scene.Ground{flat(scene.Filter{})}, Bodies: []scene.Body{
			{Name: "sunk", Position: geom.Vec{Y: want[name] - 0.1}, Shapes: []scene.Shape{sh}},
			{Name: "on it", Position: geom.Vec{X: 20, Y: 0.25}, Shapes: []scene.Shape{{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 1, 0.25, 0), Density: 1}}},
			{Name: "in that", Position: geom.Vec{X: 20, Y: 0.5 + want[name] - 0.1}, Shapes: []scene.Shape{sh}},
		}}
		t.Run(name, func(t *testing.T) {
			both(t, s, func(t *testing.T, w engine) {
				fastest := float32(0)
				for range 50 {
					w.Step(dt)
					for i := range s.Bodies {
						v, _ := w.Velocity(i)
						fastest = max(fastest, v.Len())
					}
				}
				at, _ := w.Pose(0)
				near(t, "height of what began in the ground", at.Y, want[name]+skin/2, skin/2+0.001)
				below, _ := w.Pose(1)
				above, _ := w.Pose(2)
				near(t, "distance of what began in a box", above.Y-below.Y, 0.25+want[name]+skin/2, skin/2+0.005)
				near(t, "greatest speed", fastest, 0, 0.25) // a step or two of falling
			})
		})
	}
}

// Without contacts both engines integrate by semi-implicit Euler: y after n steps is
// v n dt - g dt^2 n (n + 1) / 2 exactly, but for rounding.
func TestFreeFall(t *testing.T) {
	b := disc("b", 0, 0, scene.Shape{})
	b.Velocity, b.Spin = geom.Vec{X: 3, Y: 4}, 2
	both(t, &scene.Scene{Gravity: geom.Vec{Y: -10}, Bodies: []scene.Body{b}}, func(t *testing.T, w engine) {
		for n := float32(1); n <= 100; n++ {
			w.Step(dt)
			at, angle := w.Pose(0)
			near(t, "x", at.X, 3*n*dt, 1e-4)
			near(t, "y", at.Y, 4*n*dt-10*dt*dt*n*(n+1)/2, 2e-4)
			near(t, "angle", angle, 2*n*dt, 1e-4)
		}
	})
}

// Damping divides velocities by 1 + c dt each step.
func TestDamping(t *testing.T) {
	b := disc("b", 0, 0, scene.Shape{})
	b.Velocity, b.Spin, b.LinearDamping, b.AngularDamping = geom.Vec{X: 3}, 2, 0.5, 1.5
	both(t, &scene.Scene{Bodies: []scene.Body{b}}, func(t *testing.T, w engine) {
		steps(w, 100)
		v, spin := w.Velocity(0)
		near(t, "velocity", v.X, float32(3/math.Pow(1+0.5*float64(dt), 100)), 1e-4)
		near(t, "spin", spin, float32(2/math.Pow(1+1.5*float64(dt), 100)), 1e-4)
	})
}

// The period of a pendulum of amplitude a is 4 K(sin(a/2)) / omega with omega^2 = m g l / I.
// The quarter periods between zeros are interpolated within a step; semi-implicit Euler is of
// first order but its error in the period is of second order, (omega dt)^2 / 24 = 0.02 %. What is
// left is the decay of the amplitude by position correction, 5 % over the first swing here,
// which shortens the period by less than 1 %.
func TestPendulumPeriod(t *testing.T) {
	for _, amplitude := range []float64{0.2, 0.6, 1} {
		sin, cos := math.Sincos(amplitude)
		rod := scene.Shape{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.05, 0.5, 0), Density: 1}
		s := &scene.Scene{
			Gravity: geom.Vec{Y: -10},
			Bodies:  []scene.Body{{Name: "rod", Position: geom.Vec{X: float32(0.5 * sin), Y: float32(-0.5 * cos)}, Angle: float32(amplitude), Shapes: []scene.Shape{rod}}},
			Joints:  []scene.Joint{{Name: "pivot", Kind: scene.Revolute, B: "rod", AnchorB: geom.Vec{Y: 0.5}}},
		}
		inertia := (0.1*0.1+1)/12 + 0.25 // about the pivot, per mass
		omega := math.Sqrt(10 * 0.5 / inertia)
		period := 4 * ellipticK(math.Sin(amplitude/2)) / omega
		t.Run(fmt.Sprint(amplitude), func(t *testing.T) {
			both(t, s, func(t *testing.T, w engine) {
				var zeros []float64
				_, last := w.Pose(0)
				for n := 1; len(zeros) < 3; n++ {
					w.Step(dt)
					_, a := w.Pose(0)
					if last*a < 0 {
						zeros = append(zeros, (float64(n)-float64(a/(a-last)))*float64(dt))
					}
					last = a
				}
				near(t, "period", float32(zeros[2]-zeros[0]), float32(period), float32(0.01*period))
			})
		})
	}
}

// ellipticK is the complete elliptic integral of the first kind by the arithmetic-geometric mean.
func ellipticK(k float64) float64 {
	a, b := 1., math.Sqrt(1-k*k)
	for range 20 {
		a, b = (a+b)/2, math.Sqrt(a*b)
	}
	return math.Pi / (2 * a)
}

// A box slides down an incline from tan(angle) = friction on, with a = g (sin - friction cos).
func TestFrictionAngle(t *testing.T) {
	for _, mu := range []float64{0.2, 0.5, 0.9} {
		for _, factor := range []float64{0.9, 0.97, 1.03, 1.2} {
			angle := math.Atan(mu) * factor
			sin, cos := math.Sincos(angle)
			at := func(along, up float64) geom.Vec {
				return geom.Vec{X: float32(along*cos - up*sin), Y: float32(along*sin + up*cos)}
			}
			sh := scene.Shape{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.6, 0.3, 0), Density: 2, Friction: float32(mu)}
			s := &scene.Scene{
				Gravity: geom.Vec{Y: -10},
				Bodies:  []scene.Body{{Name: "box", Position: at(0, 0.3), Angle: float32(angle), Shapes: []scene.Shape{sh}}},
				Grounds: []scene.Ground{{Name: "incline", Points: []geom.Vec{at(-99, 0), at(9, 0)}, Friction: float32(mu)}},
			}
			accel := max(0, 10*(sin-mu*cos))
			t.Run(fmt.Sprintf("%v/%v", mu, factor), func(t *testing.T) {
				both(t, s, func(t *testing.T, w engine) {
					steps(w, 50) // settles
					v0, _ := w.Velocity(0)
					steps(w, 100)
					v1, _ := w.Velocity(0)
					near(t, "acceleration", (v0.X-v1.X)/(2*float32(cos)), float32(accel), 0.01)
				})
			})
		}
	}
}

// A motor of speed 0 holds a horizontal arm with the torque m g l; one that is too weak lets it
// fall with the difference.
func TestMotorTorque(t *testing.T) {
	arm := func(most float32) *scene.Scene {
		sh := scene.Shape{Kind: scene.Capsule, Points: []geom.Vec{{X: -0.5}, {X: 0.5}}, Radius: 0.1, Density: 3}
		return &scene.Scene{
			Gravity: geom.Vec{Y: -10}, Bodies: []scene.Body{{Name: "arm", Position: geom.Vec{X: 0.5}, Shapes: []scene.Shape{sh}}},
			Joints: []scene.Joint{{Name: "motor", Kind: scene.Revolute, B: "arm", AnchorB: geom.Vec{X: -0.5}, Motor: &scene.Motor{Max: most}}},
		}
	}
	both(t, arm(1000), func(t *testing.T, w engine) {
		steps(w, 50)
		mass, _ := w.Mass(0)
		near(t, "torque", w.MotorImpulse(0)/dt, mass*10*0.5, 0.01)
		near(t, "angle", w.JointPosition(0), 0, 1e-3)
	})
	both(t, arm(2), func(t *testing.T, w engine) {
		mass, inertia := w.Mass(0)
		w.Step(dt)
		near(t, "speed", w.JointSpeed(0), -(mass*10*0.5-2)/(inertia+mass*0.25)*dt, 1e-3)
		near(t, "torque", w.MotorImpulse(0)/dt, 2, 1e-4)
	})
}

func TestRodAndRays(t *testing.T) {
	bob := disc("bob", 1, 0, scene.Shape{Radius: 0.2})
	s := &scene.Scene{
		Gravity: geom.Vec{Y: -10}, Bodies: []scene.Body{bob}, Grounds: []scene.Ground{{Name: "g", Points: []geom.Vec{{X: -5, Y: -3}, {X: 5, Y: -3}}}},
		Joints: []scene.Joint{{Name: "rod", Kind: scene.Distance, B: "bob"}},
		Rays:   []scene.Ray{{Name: "down", Body: "bob", Along: geom.Vec{Y: -5}, Upright: true}},
	}
	both(t, s, func(t *testing.T, w engine) {
		ray := make([]float32, 1)
		lowest := float32(0)
		for range 150 {
			w.Step(dt)
			at, _ := w.Pose(0)
			lowest = min(lowest, at.Y)
			near(t, "length", w.JointPosition(0), 1, 0.006) // the slop
			w.CastRays(ray)
			near(t, "ray", ray[0]*5, at.Y+3, 1e-4)
		}
		near(t, "lowest point", lowest, -1, 0.02)
	})
}

// Boxes and discs dropped into a bin come to rest with the same mean height in both engines,
// by statistics: single trajectories are chaotic.
func TestPile(t *testing.T) {
	heights := map[string][]float64{}
	for seed := range uint64(10) {
		s := pile(seed)
		m, err := physics.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		for name, w := range map[string]engine{"physics": m.NewWorld(), "box2d": openWith(t, s, 40, 15)} {
			steps(w, 400)
			sum, mass := 0., 0.
			for i := range 12 {
				c, m := w.Centre(i), float32(0)
				m, _ = w.Mass(i)
				sum += float64(c.Y * m)
				mass += float64(m)
				if c.Y < 0.1 || c.X < -2 || c.X > 2 {
					t.Errorf("%s, seed %d: body %d left the bin, at %v", name, seed, i, c)
				}
			}
			if k, _ := w.Energy(); k > 0.05*float32(mass) { // 0.3 m/s
				t.Errorf("%s, seed %d: the pile still moves with %v J", name, seed, k)
			}
			heights[name] = append(heights[name], sum/mass)
		}
	}
	a, b := meanAndError(heights["physics"]), meanAndError(heights["box2d"])
	// Three standard errors, and the skin of the two or three layers below a body.
	if tolerance := 3*math.Hypot(a[1], b[1]) + 1.5*skin; math.Abs(a[0]-b[0]) > tolerance {
		t.Errorf("mean height of piles: physics %.3f, box2d %.3f, want them within %.3f", a[0], b[0], tolerance)
	}
	t.Logf("mean height of piles: physics %.4f +- %.4f, box2d %.4f +- %.4f m", a[0], a[1], b[0], b[1])
}

func meanAndError(x []float64) [2]float64 {
	var sum, squares float64
	for _, v := range x {
		sum += v
		squares += v * v
	}
	n := float64(len(x))
	mean := sum / n
	return [2]float64{mean, math.Sqrt(max(0, squares/n-mean*mean) / (n - 1))}
}

func pile(seed uint64) *scene.Scene {
	const purpose rng.Purpose = 1
	r := rng.New(seed).Stream(purpose, 0, 0)
	wall := scene.Body{Name: "bin", Kind: scene.Static, Shapes: []scene.Shape{
		{Kind: scene.Chain, Points: []geom.Vec{{X: -1.5, Y: 9}, {X: -1.5}, {X: 1.5}, {X: 1.5, Y: 9}}, Friction: 0.4},
	}}
	s := &scene.Scene{Gravity: geom.Vec{Y: -10}}
	for i := range 12 {
		sh := scene.Shape{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: r.Range(0.2, 0.35), Density: 1, Friction: 0.4}
		if i%2 == 0 {
			sh = scene.Shape{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, r.Range(0.2, 0.35), r.Range(0.2, 0.35), 0), Density: 1, Friction: 0.4}
		}
		s.Bodies = append(s.Bodies, scene.Body{
			Name: fmt.Sprint("b", i), Position: geom.Vec{X: r.Range(-0.9, 0.9), Y: 0.6 + 0.8*float32(i)}, Angle: r.Range(-1, 1), Shapes: []scene.Shape{sh},
		})
	}
	s.Bodies = append(s.Bodies, wall)
	return s
}

// Rays through random shapes meet the same body at the same fraction in both engines, but for
// those that graze an edge.
func TestRandomRays(t *testing.T) {
	const purpose rng.Purpose = 2
	hits, differ := 0, 0
	for seed := range uint64(20) {
		r := rng.New(seed).Stream(purpose, 0, 0)
		s := &scene.Scene{Grounds: []scene.Ground{{Name: "g", Points: []geom.Vec{{X: -9, Y: -4}, {X: 0, Y: -5}, {X: 0, Y: -4.5}, {X: 9, Y: -4}}}}}
		all := shapes()
		for i, name := range []string{"circle", "capsule", "box", "triangle", "circle", "capsule", "box", "triangle"} {
			sh := all[name]
			sh.Density, sh.Filter.Category = 1, 1<<(i%3)
			s.Bodies = append(s.Bodies, scene.Body{
				Name: fmt.Sprint("b", i), Angle: r.Range(-3, 3), Position: geom.Vec{X: 2*float32(i%4) - 3, Y: 2*float32(i/4) - 1}, Shapes: []scene.Shape{sh},
			})
		}
		m, err := physics.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		p, b := m.NewWorld(), open(t, s)
		for range 200 {
			from, to := geom.Vec{X: r.Range(-6, 6), Y: r.Range(-3, 6)}, geom.Vec{X: r.Range(-6, 6), Y: r.Range(-6, 6)}
			mask := uint32(1 + r.IntN(7))
			hp, okp := p.RayCast(from, to, mask)
			hb, okb := b.RayCast(from, to, mask)
			if okb {
				hits++
			}
			if okp != okb || okb && (hp.Body != hb.Body || geom.Abs(hp.Fraction-hb.Fraction) > 1e-4 || hp.Normal.Sub(hb.Normal).Len() > 1e-2) {
				differ++
				t.Logf("seed %d, ray %v to %v, mask %d: physics %v %v, box2d %v %v", seed, from, to, mask, okp, hp, okb, hb)
			}
		}
	}
	if hits < 1000 || differ > hits/500 {
		t.Errorf("of %d rays that hit, %d differ; want at least 1000, and at most 1 in 500 to graze an edge differently", hits, differ)
	}
}

// Two shapes at random poses touch in both engines or in neither, except where they are
// about as far apart as the skins are thick, in which they differ.
func TestRandomTouches(t *testing.T) {
	const purpose rng.Purpose = 3
	touching, differ := 0, 0
	all := shapes()
	names := []string{"circle", "capsule", "box", "triangle"}
	for seed := range uint64(1500) {
		r := rng.New(seed).Stream(purpose, 0, 0)
		s := &scene.Scene{}
		for _, name := range []string{"a", "b"} {
			sh := all[names[r.IntN(4)]]
			sh.Density = 1
			s.Bodies = append(s.Bodies, scene.Body{
				Name: name, Angle: r.Range(-3, 3), Position: geom.Vec{X: r.Range(-0.9, 0.9), Y: r.Range(-0.9, 0.9)}, Shapes: []scene.Shape{sh},
			})
		}
		m, err := physics.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		p := m.NewWorld()
		p.Step(dt)
		// Pushed apart or together by a skin and more, both of the second opinions must agree with the first.
		if want := p.TouchingBodies(0, 1); want != box2dTouch(t, s, -0.05) && want != box2dTouch(t, s, 0.05) {
			differ++
			t.Logf("seed %d: physics %v, box2d %v", seed, want, !want)
		} else if want {
			touching++
		}
	}
	if touching < 200 || differ > 0 {
		t.Errorf("%d pairs touch, %d differ; want at least 200, and none", touching, differ)
	}
}

// box2dTouch reports whether the bodies touch with the second moved away from the first by d.
func box2dTouch(t *testing.T, s *scene.Scene, d float32) bool {
	t.Helper()
	moved := *s
	moved.Bodies = append([]scene.Body(nil), s.Bodies...)
	away := moved.Bodies[1].Position.Sub(moved.Bodies[0].Position)
	moved.Bodies[1].Position = moved.Bodies[1].Position.Add(away.Mul(d / max(away.Len(), 1e-3)))
	w := open(t, &moved)
	w.Step(dt)
	return w.TouchingBodies(0, 1)
}

// Random trees of bodies with all kinds of joints and motors move alike: the engines differ by
// less than Box2D differs from itself at a sixteenth of the step, and with such steps they agree.
// Limits are left out: the library's version meets them a step late.
func TestRandomTrees(t *testing.T) {
	const fine = 16
	sum, n := 0., 0
	for seed := range uint64(20) {
		s := tree(seed)
		m, err := physics.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		p, pf := m.NewWorld(), m.NewWorld()
		b, bf := openWith(t, s, 500, 150), openWith(t, s, 60, 20)
		var differ, own, atFine float64
		for range 25 {
			p.Step(dt)
			b.Step(dt)
			for range fine {
				pf.Step(dt / fine)
				bf.Step(dt / fine)
			}
			for i := range s.Bodies {
				differ = max(differ, apart(p, b, i))
				own = max(own, apart(bf, b, i))
				atFine = max(atFine, apart(pf, bf, i))
			}
		}
		t.Logf("seed %d: engines differ by %.4f, at fine steps by %.4f; box2d from itself at fine steps by %.4f", seed, differ, atFine, own)
		if !(differ <= own+1e-3) {
			t.Errorf("seed %d: engines differ by %.3g m or rad, box2d from itself at fine steps by %.3g", seed, differ, own)
		}
		sum += atFine
		n++
	}
	if mean := sum / float64(n); !(mean < 2e-3) {
		t.Errorf("at fine steps the engines differ by %.3g m or rad in the mean, want less than 0.002", mean)
	}
}

// apart returns how far the poses of a body differ, m or rad.
func apart(v, w engine, body int) float64 {
	x, xa := v.Pose(body)
	y, ya := w.Pose(body)
	return max(float64(x.Sub(y).Len()), math.Abs(float64(xa-ya)))
}

// tree is a random tree of six bodies, hanging from the world or free.
func tree(seed uint64) *scene.Scene {
	const purpose rng.Purpose = 4
	r := rng.New(seed).Stream(purpose, 0, 0)
	s := &scene.Scene{Gravity: geom.Vec{Y: -10}}
	for i := range 6 {
		angle := r.Range(-3, 3)
		rot := geom.Rotation(angle)
		body := scene.Body{Name: fmt.Sprint("b", i), Angle: angle, Shapes: []scene.Shape{
			{Kind: scene.Polygon, Points: scene.Box(geom.Vec{X: r.Range(-0.1, 0.1)}, r.Range(0.1, 0.5), r.Range(0.1, 0.3), 0), Density: r.Range(0.5, 4), Filter: scene.Filter{Group: -1}},
		}}
		j := scene.Joint{Name: body.Name, B: body.Name, AnchorA: geom.Vec{X: r.Range(-0.4, 0.4), Y: r.Range(-0.4, 0.4)}, AnchorB: geom.Vec{X: r.Range(-0.4, 0.4), Y: r.Range(-0.4, 0.4)}}
		at, parentAngle := j.AnchorA, float32(0)
		if i > 0 {
			parent := &s.Bodies[r.IntN(i)]
			j.A, parentAngle = parent.Name, parent.Angle
			at = parent.Position.Add(geom.Rotation(parent.Angle).Apply(j.AnchorA))
		}
		switch r.IntN(4) {
		case 0:
			j.Kind = scene.Revolute
			if r.IntN(2) == 0 {
				j.Motor = &scene.Motor{Speed: r.Range(-3, 3), Max: r.Range(0, 3)}
			}
		case 1:
			j.Kind, j.Axis, j.Reference = scene.Prismatic, geom.Rotation(r.Range(-3, 3)).Apply(geom.Vec{X: 1}), angle-parentAngle
			if r.IntN(2) == 0 {
				j.Motor = &scene.Motor{Speed: r.Range(-1, 1), Max: r.Range(0, 9)}
			}
		case 2:
			j.Kind, j.Reference = scene.Weld, angle-parentAngle
		case 3:
			j.Kind = scene.Distance
			at = at.Add(geom.Rotation(r.Range(-3, 3)).Apply(geom.Vec{X: r.Range(0.4, 0.8)}))
		}
		body.Position = at.Sub(rot.Apply(j.AnchorB))
		s.Bodies = append(s.Bodies, body)
		if i > 0 || seed%3 > 0 {
			s.Joints = append(s.Joints, j)
		}
	}
	return s
}

// The energy of a swinging chain never grows, and both engines lose it at a like rate.
func TestChainEnergy(t *testing.T) {
	s := chain8(false)
	lost := map[string]float32{}
	both(t, s, func(t *testing.T, w engine) {
		k, p := w.Energy()
		start := k + p
		for n := range 100 {
			w.Step(dt)
			k, p := w.Energy()
			// Semi-implicit Euler's energy oscillates by about m g v dt.
			if k+p > start+0.02*geom.Abs(p) {
				t.Fatalf("step %d: energy rose from %v to %v J", n, start, k+p)
			}
		}
		k, p = w.Energy()
		lost[t.Name()] = start - (k + p)
	})
	a, b := lost[t.Name()+"/physics"], lost[t.Name()+"/box2d"]
	_, p := open(t, s).Energy()
	near(t, "difference of energy lost, in parts of the potential energy", (a-b)/geom.Abs(p), 0, 0.05)
}

// chain8 is eight capsules in a row: hanging from the world, or lying on the ground with motors.
func chain8(onGround bool) *scene.Scene {
	s := &scene.Scene{Name: "chain", Gravity: geom.Vec{Y: -10}}
	last := ""
	for i := range 8 {
		name := fmt.Sprint("link", i)
		x := 0.3 + 0.6*float32(i)
		b := scene.Body{Name: name, Position: geom.Vec{X: x, Y: 0.15}, Shapes: []scene.Shape{
			{Kind: scene.Capsule, Points: []geom.Vec{{X: -0.3}, {X: 0.3}}, Radius: 0.1, Density: 1, Friction: 0.7, Filter: scene.Filter{Group: -1}},
		}}
		s.Bodies = append(s.Bodies, b)
		j := scene.Joint{Name: name, Kind: scene.Revolute, A: last, B: name, AnchorA: geom.Vec{X: 0.3}, AnchorB: geom.Vec{X: -0.3}}
		if last == "" {
			j.AnchorA = geom.Vec{Y: 0.15}
		}
		if onGround {
			j.Motor = &scene.Motor{Max: 5}
			j.Limits = &[2]float32{-1, 1}
		}
		if last != "" || !onGround {
			s.Joints = append(s.Joints, j)
		}
		last = name
	}
	if onGround {
		s.Grounds = []scene.Ground{{Name: "g", Points: []geom.Vec{{X: -50}, {X: 50}}, Friction: 0.7}}
	}
	return s
}
