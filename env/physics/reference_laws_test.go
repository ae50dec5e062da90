package physics_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// The tests of this file compare the engine with closed forms and with an integrator of
// another kind, where no other engine is needed.

func compile(t *testing.T, s *scene.Scene) (*physics.Model, *physics.World) {
	t.Helper()
	m, err := physics.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return m, m.NewWorld()
}

func vec(x, y float64) geom.Vec { return geom.Vec{X: float32(x), Y: float32(y)} }

func near(t *testing.T, what string, got float32, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tolerance) {
		t.Errorf("%s: got %v, want %v within %v", what, got, want, tolerance)
	}
}

func rodBody(name string, half, density, x, y, angle float64) scene.Body {
	return scene.Body{Name: name, Position: vec(x, y), Angle: float32(angle), Shapes: []scene.Shape{
		{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.05, float32(half), 0), Density: float32(density)},
	}}
}

// doublePendulum integrates two rods of equal mass, length 2h and inertia about the centre i (per
// mass), by the Lagrangian equations of motion and classical Runge-Kutta of fourth order:
// with d = a - b and l = 2h,
//
//	(i + h^2 + l^2) a” + l h cos(d) b” = -l h sin(d) b'^2 - (h + l) g sin a
//	l h cos(d) a” + (i + h^2) b” = l h sin(d) a'^2 - h g sin b
func doublePendulum(a, b, h, i, g, duration float64) (float64, float64) {
	l := 2 * h
	f := func(y [4]float64) [4]float64 {
		sin, cos := math.Sincos(y[0] - y[1])
		m11, m12, m22 := i+h*h+l*l, l*h*cos, i+h*h
		r1 := -l*h*sin*y[3]*y[3] - (h+l)*g*math.Sin(y[0])
		r2 := l*h*sin*y[2]*y[2] - h*g*math.Sin(y[1])
		det := m11*m22 - m12*m12
		return [4]float64{y[2], y[3], (r1*m22 - r2*m12) / det, (r2*m11 - r1*m12) / det}
	}
	add := func(y, k [4]float64, s float64) [4]float64 {
		for i := range y {
			y[i] += s * k[i]
		}
		return y
	}
	const n = 20000
	dt := duration / n
	y := [4]float64{a, b}
	for range n {
		k1 := f(y)
		k2 := f(add(y, k1, dt/2))
		k3 := f(add(y, k2, dt/2))
		k4 := f(add(y, k3, dt))
		for i := range y {
			y[i] += dt / 6 * (k1[i] + 2*k2[i] + 2*k3[i] + k4[i])
		}
	}
	return y[0], y[1]
}

// Semi-implicit Euler is of first order: with a quarter of the step, about a quarter of the
// error. The limit is the exact motion of a double pendulum.
func TestConvergence(t *testing.T) {
	const a, b, h, duration = 0.8, 0.3, 0.5, 1.2
	i := (0.1*0.1 + 4*h*h) / 12
	wantA, wantB := doublePendulum(a, b, h, i, 10, duration)
	x, y := 2*h*math.Sin(a), -2*h*math.Cos(a)
	s := &scene.Scene{
		Gravity: vec(0, -10),
		Bodies: []scene.Body{
			rodBody("a", h, 1, x/2, y/2, a),
			rodBody("b", h, 1, x+h*math.Sin(b), y-h*math.Cos(b), b),
		},
		Joints: []scene.Joint{
			{Name: "a", Kind: scene.Revolute, B: "a", AnchorB: vec(0, h)},
			{Name: "b", Kind: scene.Revolute, A: "a", B: "b", AnchorA: vec(0, -h), AnchorB: vec(0, h)},
		},
	}
	var errs []float64
	var angles [][2]float64
	for _, hz := range []int{50, 200, 800} {
		_, w := compile(t, s)
		for range int(math.Round(duration * float64(hz))) {
			w.Step(1 / float32(hz))
		}
		_, ga := w.Pose(0)
		_, gb := w.Pose(1)
		angles = append(angles, [2]float64{float64(ga), float64(gb)})
		errs = append(errs, math.Hypot(float64(ga)-wantA, float64(gb)-wantB))
	}
	t.Logf("errors %.2g at 50, 200 and 800 Hz, rad", errs)
	for k := 1; k < len(errs); k++ {
		if ratio := errs[k-1] / errs[k]; ratio < 3 || ratio > 6 {
			t.Errorf("a quarter of the step divides the error by %.2f, want about 4: %.3g", ratio, errs)
		}
	}
	// Richardson's extrapolation removes the first order; what is left is of second order at 200 Hz.
	for k, want := range []float64{wantA, wantB} {
		near(t, "extrapolated angle", float32((4*angles[2][k]-angles[1][k])/3), want, errs[0]/16)
	}
}

// A block slides without friction down a wedge that slides without friction on the ground: the
// wedge of mass M accelerates by m g sin cos / (M + m sin^2).
func TestWedge(t *testing.T) {
	const angle = 0.5
	sin, cos := math.Sincos(angle)
	wedge := scene.Body{Name: "wedge", Position: vec(0, 0.02), Shapes: []scene.Shape{
		{Kind: scene.Polygon, Points: []geom.Vec{vec(-4, 0), vec(0, 0), vec(-4, 4*math.Tan(angle))}, Density: 0.5},
	}}
	// The block's centre lies 0.25 above the slope, which falls to the right, and the skins.
	at := func(along, up float64) geom.Vec { return vec(-along*cos+up*sin, 0.02+along*sin+up*cos) }
	block := scene.Body{Name: "block", Position: at(3.5, 0.27), Angle: -angle, Shapes: []scene.Shape{
		{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.5, 0.25, 0), Density: 4},
	}}
	s := &scene.Scene{
		Gravity: vec(0, -10), Bodies: []scene.Body{wedge, block},
		Grounds: []scene.Ground{{Name: "g", Points: []geom.Vec{vec(-50, 0), vec(50, 0)}}},
	}
	_, w := compile(t, s)
	const dt, n = 1. / 50, 30
	for range 5 {
		w.Step(dt) // closes the gaps that rounding and slop leave
	}
	v0, _ := w.Velocity(0)
	u0, _ := w.Velocity(1)
	for range n {
		w.Step(dt)
	}
	v1, _ := w.Velocity(0)
	u1, _ := w.Velocity(1)
	mw, _ := w.Mass(0)
	mb, _ := w.Mass(1)
	want := -float64(mb) * 10 * sin * cos / (float64(mw) + float64(mb)*sin*sin)
	near(t, "wedge's acceleration", (v1.X-v0.X)/(n*dt), want, 0.02*math.Abs(want))
	near(t, "block's horizontal acceleration", (u1.X-u0.X)/(n*dt), -want*float64(mw/mb), 0.02*math.Abs(want))
	near(t, "horizontal momentum", v1.X*mw+u1.X*mb, 0, 1e-3)
}

// A force below friction times weight does not move a box, a greater one accelerates it by
// (F - friction m g) / m.
func TestFrictionCone(t *testing.T) {
	const mu, dt = 0.4, 1. / 50
	for _, factor := range []float32{0.5, 0.95, 1.05, 2} {
		s := &scene.Scene{
			Gravity: vec(0, -10), Grounds: []scene.Ground{{Name: "g", Points: []geom.Vec{vec(-50, 0), vec(50, 0)}, Friction: mu}},
			Bodies: []scene.Body{{Name: "box", Position: vec(0, 0.215), Shapes: []scene.Shape{
				{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.5, 0.2, 0), Density: 3, Friction: mu},
			}}},
		}
		_, w := compile(t, s)
		for range 25 {
			w.Step(dt)
		}
		mass, _ := w.Mass(0)
		for range 50 {
			w.ApplyForce(0, geom.Vec{X: factor * mu * mass * 10}, w.Centre(0))
			w.Step(dt)
		}
		v, spin := w.Velocity(0)
		near(t, fmt.Sprintf("velocity after 1 s at %v of the greatest friction", factor), v.X, math.Max(0, float64(factor)-1)*mu*10, 0.01)
		near(t, "spin", spin, 0, 1e-3)
	}
}

// A disc hits the end of a rod at right angles, without friction and elastically: with the
// rod's reduced mass mu = 1/(1/m + h^2/I), the impulse is 2 v / (1/md + 1/mu).
func TestOffCentreImpact(t *testing.T) {
	rod := scene.Body{Name: "rod", Shapes: []scene.Shape{
		{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.1, 1, 0), Density: 1, Restitution: 1},
	}}
	disc := scene.Body{Name: "disc", Position: vec(-1, 0.75), Velocity: vec(5, 0), Shapes: []scene.Shape{
		{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: 0.2, Density: 2, Restitution: 1},
	}}
	_, w := compile(t, &scene.Scene{Bodies: []scene.Body{rod, disc}})
	mr, ir := w.Mass(0)
	md, _ := w.Mass(1)
	for range 10 { // they meet in the 7th step; later the other end hits the disc
		w.Step(1. / 50)
	}
	r := 0.75
	j := 2 * 5 / (1/float64(md) + 1/float64(mr) + r*r/float64(ir))
	vr, spin := w.Velocity(0)
	vd, turn := w.Velocity(1)
	near(t, "rod's velocity", vr.X, j/float64(mr), 1e-3)
	near(t, "rod's spin", spin, -j*r/float64(ir), 2e-3)
	near(t, "disc's velocity", vd.X, 5-j/float64(md), 1e-3)
	near(t, "disc's spin", turn, 0, 1e-5)
}

// Bodies that collide in empty space keep momentum and angular momentum, and gain no energy.
func TestConservation(t *testing.T) {
	const purpose rng.Purpose = 7
	for seed := range uint64(10) {
		r := rng.New(seed).Stream(purpose, 0, 0)
		s := &scene.Scene{}
		for i := range 12 {
			sh := scene.Shape{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: 0.35}
			switch i % 3 {
			case 1:
				sh = scene.Shape{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, 0.4, 0.3, 0)}
			case 2:
				sh = scene.Shape{Kind: scene.Capsule, Points: []geom.Vec{vec(-0.3, 0), vec(0.3, 0)}, Radius: 0.2}
			}
			sh.Density, sh.Friction, sh.Restitution = r.Range(0.5, 2), r.Range(0, 1), r.Range(0, 1)
			x, y := float32(i%4)-1.5, float32(i/4)-1
			s.Bodies = append(s.Bodies, scene.Body{
				Name: fmt.Sprint("b", i), Position: geom.Vec{X: 1.3 * x, Y: 1.3 * y}, Angle: r.Range(-3, 3), Spin: r.Range(-4, 4),
				Velocity: geom.Vec{X: r.Range(-2, 2) - 2*x, Y: r.Range(-2, 2) - 2*y}, Shapes: []scene.Shape{sh},
			})
		}
		_, w := compile(t, s)
		p0, l0, e0 := momenta(w, len(s.Bodies))
		touched, moved := false, 0.
		for range 150 {
			moved += stepShift(w, len(s.Bodies))
			for i := range s.Bodies {
				touched = touched || w.Touching(i)
			}
		}
		p1, l1, e1 := momenta(w, len(s.Bodies))
		if !touched {
			t.Fatalf("seed %d: nothing collided", seed)
		}
		near(t, fmt.Sprintf("seed %d: change of momentum, x", seed), float32(p1[0]-p0[0]), 0, 1e-3)
		near(t, fmt.Sprintf("seed %d: change of momentum, y", seed), float32(p1[1]-p0[1]), 0, 1e-3)
		near(t, fmt.Sprintf("seed %d: change of angular momentum by impulses", seed), float32(l1-l0-moved), 0, 1e-3)
		if e1 > e0*1.001 {
			t.Errorf("seed %d: energy rose from %v to %v J", seed, e0, e1)
		}
	}
}

// stepShift makes a step and returns what the displacements that undo overlaps, which leave
// velocities alone, did to the angular momentum: the sum of d x m v.
func stepShift(w *physics.World, bodies int) (l float64) {
	const dt = 1. / 50
	before := make([]geom.Vec, bodies)
	for i := range before {
		before[i] = w.Centre(i)
	}
	w.Step(dt)
	for i, c := range before {
		v, _ := w.Velocity(i)
		mass, _ := w.Mass(i)
		l += float64(mass * w.Centre(i).Sub(c).Sub(v.Mul(dt)).Cross(v))
	}
	return l
}

func momenta(w *physics.World, bodies int) (p [2]float64, l, e float64) {
	for i := range bodies {
		m32, i32 := w.Mass(i)
		m, in := float64(m32), float64(i32)
		c := w.Centre(i)
		v, spin := w.Velocity(i)
		vx, vy, om := float64(v.X), float64(v.Y), float64(spin)
		p[0] += m * vx
		p[1] += m * vy
		l += m*(float64(c.X)*vy-float64(c.Y)*vx) + in*om
		e += 0.5*m*(vx*vx+vy*vy) + 0.5*in*om*om
	}
	return p, l, e
}

// A prismatic joint on an incline: with a motor that is too weak to hold, the box accelerates by
// g sin - F/m, and rotation is prevented whatever torque acts.
func TestSlider(t *testing.T) {
	sin, cos := math.Sincos(0.6)
	s := &scene.Scene{
		Gravity: vec(0, -10),
		Bodies: []scene.Body{{Name: "box", Angle: 0.3, Position: vec(1, 2), Shapes: []scene.Shape{
			{Kind: scene.Polygon, Points: scene.Box(vec(0.3, 0.1), 0.5, 0.2, 0), Density: 2},
		}}},
		Joints: []scene.Joint{{
			Name: "rail", Kind: scene.Prismatic, B: "box", AnchorA: vec(1, 2), Axis: vec(-2*cos, -2*sin), Reference: 0.3, Motor: &scene.Motor{Max: 1.5},
		}},
	}
	_, w := compile(t, s)
	const dt = 1. / 50
	for range 50 {
		w.ApplyTorque(0, 30)
		w.Step(dt)
	}
	mass, _ := w.Mass(0)
	want := 10*sin - 1.5/float64(mass)
	near(t, "speed after 1 s", w.JointSpeed(0), want, 1e-3)
	near(t, "way after 1 s", w.JointPosition(0), want*(1+dt)/2, 2e-3)
	_, angle := w.Pose(0)
	near(t, "angle", angle, 0.3, 1e-4)
	near(t, "motor force", w.MotorImpulse(0)/dt, -1.5, 1e-4)
}
