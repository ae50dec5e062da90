package physics

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

func near64(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s = %.6g, want %.6g within %.2g", what, got, want, tolerance)
	}
}

// Semi-implicit Euler falls exactly h = g dt^2 n(n+1)/2 in n steps.
func TestFreeFall(t *testing.T) {
	w := compile(t, &scene.Scene{Gravity: vec(1, -10), Bodies: []scene.Body{disc("ball", 3, 0, 0.5)}})
	w.SetVelocity(0, vec(0, 4), 2)
	const n, dt = 100, 0.01
	for range n {
		w.Step(dt)
	}
	p, a := w.Pose(0)
	fall := float64(dt*dt) * n * (n + 1) / 2
	near64(t, "x", float64(p.X), 3+fall, 1e-4)
	near64(t, "y", float64(p.Y), 4*n*dt-10*fall, 1e-4)
	near64(t, "angle", float64(a), 2*n*dt, 1e-5)
	v, spin := w.Velocity(0)
	near64(t, "vy", float64(v.Y), 4-10*n*dt, 1e-4)
	near64(t, "spin", float64(spin), 2, 0)
}

func TestDamping(t *testing.T) {
	b := disc("ball", 0, 0, 0.5)
	b.Velocity, b.Spin, b.LinearDamping, b.AngularDamping = vec(1, 0), 1, 0.5, 2
	w := compile(t, &scene.Scene{Bodies: []scene.Body{b}})
	for range 1000 {
		w.Step(0.001)
	}
	v, spin := w.Velocity(0)
	near64(t, "speed after 1 s", float64(v.X), math.Exp(-0.5), 1e-3)
	near64(t, "spin after 1 s", float64(spin), math.Exp(-2), 1e-3)
}

// pendulumScene hangs a box, whose centre is length below the pivot.
func pendulumScene(length, hw, hh, angle float32) *scene.Scene {
	r := geom.Rotation(angle)
	b := box("bob", 0, 0, hw, hh)
	b.Position, b.Angle = r.Apply(vec(0, -length)), angle
	return &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{b}, Joints: []scene.Joint{
		{Name: "pivot", Kind: scene.Revolute, B: "bob", AnchorB: vec(0, length)},
	}}
}

// period returns the mean period of a pendulum over several swings.
func period(w *World, dt float32) float64 {
	var first, last float64
	n, before := 0, w.JointPosition(0)
	for i := range 100000 {
		w.Step(dt)
		now := w.JointPosition(0)
		if before < 0 && now >= 0 {
			at := (float64(i) + float64(before/(before-now))) * float64(dt)
			if n == 0 {
				first = at
			}
			last = at
			if n++; n == 6 {
				break
			}
		}
		before = now
	}
	return (last - first) / 5
}

// A compound pendulum swings with T = 2 pi sqrt((I + m l^2)/(m g l)) (1 + a^2/16 + 11 a^4/3072 ...).
func TestPendulumPeriod(t *testing.T) {
	for _, c := range []struct{ length, hw, hh, amplitude float32 }{
		{1, 0.05, 0.05, 0.1}, {0.5, 0.05, 0.5, 0.1}, {0.3, 0.4, 0.2, 0.1}, {1, 0.1, 0.1, 1},
	} {
		w := compile(t, pendulumScene(c.length, c.hw, c.hh, c.amplitude))
		mass, inertia := w.Mass(0)
		l, a := float64(c.length), float64(c.amplitude)
		want := 2 * math.Pi * math.Sqrt((float64(inertia)+float64(mass)*l*l)/(float64(mass)*10*l))
		want *= 1 + a*a/16 + 11*a*a*a*a/3072
		near64(t, fmt.Sprintf("period of %v", c), period(w, 0.002), want, 0.004*want)
	}
}

// energy returns kinetic plus potential energy.
func energy(w *World) float64 {
	k, p := w.Energy()
	return float64(k) + float64(p)
}

// A step along the tangent, projected on the next tangent, keeps the part cos(w dt) of the speed
// of the centre, so that a pendulum of moment m l^2 + I loses the part (w dt)^2 m l^2/(m l^2 + I)
// of its kinetic energy. This error of semi-implicit Euler with exact joints, of first order in
// dt, is Box2D's too; there must be no other.
func TestPendulumEnergy(t *testing.T) {
	for _, dt := range []float32{0.02, 0.005, 0.001} {
		w := compile(t, pendulumScene(1, 0.05, 0.05, math.Pi/2))
		mass, inertia := w.Mass(0)
		e, loss := energy(w), 0.0
		for range int(5 / dt) {
			w.Step(dt)
			k, _ := w.Energy()
			turn := float64(w.JointSpeed(0) * dt)
			loss += float64(k) * turn * turn * float64(mass/(mass+inertia))
		}
		t.Logf("dt %v: loses %.4f of m g l in 5 s", dt, (e-energy(w))/(10*float64(mass)))
		near64(t, fmt.Sprintf("loss of energy with dt %v", dt), e-energy(w), loss, 0.06*loss)
	}
}

// The energy of a double pendulum, which is chaotic, converges with dt too.
func TestDoublePendulum(t *testing.T) {
	var loss []float64
	for _, dt := range []float32{0.002, 0.001, 0.0005} {
		s := pendulumScene(1, 0.1, 0.1, math.Pi/2)
		s.Bodies = append(s.Bodies, box("bob2", 2, 0, 0.1, 0.1))
		s.Joints = append(s.Joints, scene.Joint{Name: "second", Kind: scene.Revolute, A: "bob", B: "bob2", AnchorB: vec(-1, 0)})
		w := compile(t, s)
		m, _ := w.Mass(0)
		e := energy(w)
		for range int(2 / dt) {
			w.Step(dt)
		}
		loss = append(loss, (e-energy(w))/(30*float64(m)))
		p, q := w.JointAnchors(1)
		near64(t, "gap of the second joint", float64(p.Sub(q).Len()), 0, 2e-4)
	}
	t.Logf("loses %.5f of its energy in 2 s", loss)
	for i, l := range loss {
		near64(t, "loss", l, 0, 0.03/float64(int(1)<<i))
	}
	near64(t, "loss with half the step", loss[2]/loss[1], 0.5, 0.1)
}

// Joints stay closed up to the slop, and what a step along tangents drifts before the next one
// takes it back: w^2 r dt^2/2 for an arm r, and the like for sliding and turning directions.
func TestJointErrors(t *testing.T) {
	weight := box("b", 1.5, 0, 0.5, 0.1)
	for name, j := range map[string]scene.Joint{
		"revolute":  {Kind: scene.Revolute, AnchorA: vec(1, 0), AnchorB: vec(-0.5, 0)},
		"weld":      {Kind: scene.Weld, AnchorA: vec(1, 0), AnchorB: vec(-0.5, 0)},
		"prismatic": {Kind: scene.Prismatic, AnchorA: vec(1, 0), AnchorB: vec(-0.5, 0), Axis: vec(1, 2)},
		"rod":       {Kind: scene.Distance, AnchorA: vec(0, 1), AnchorB: vec(-0.5, 0)},
		"rope":      {Kind: scene.Distance, AnchorA: vec(0, 1), AnchorB: vec(-0.5, 0), Limits: &[2]float32{0, 1.6}},
	} {
		j.Name, j.A, j.B = name, "a", "b"
		s := &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{box("a", 0, 0, 1, 0.1), weight}, Joints: []scene.Joint{
			{Name: "pivot", Kind: scene.Revolute, B: "a", AnchorA: vec(-1, 0), AnchorB: vec(-1, 0)}, j,
		}}
		w := compile(t, s)
		rod := float64(w.JointPosition(1))
		worst, excess := 0.0, -1.0
		const dt = 1. / 60
		for range 200 {
			w.Step(dt)
			f, a, b := w.jointFrame(1)
			pa, pb := w.JointAnchors(1)
			slide := float64(w.VelocityAt(1, pb).Sub(w.VelocityAt(0, pa)).Len())
			wa, wb := float64(a.w), float64(b.w)
			drift := wa*wa*math.Hypot(float64(f.rax), float64(f.ray)) + wb*wb*math.Hypot(float64(f.rbx), float64(f.rby))
			drift = dt * dt * (drift/2 + math.Abs(wa)*slide + slide*slide/(2*1.5))
			gap := math.Hypot(float64(f.dx), float64(f.dy))
			switch j.Kind {
			case scene.Weld:
				gap = max(gap, math.Abs(float64(b.a-a.a)))
			case scene.Prismatic:
				ux, uy := w.joints[1].axis(a)
				gap = max(math.Abs(float64(f.dy*ux-f.dx*uy)), math.Abs(float64(b.a-a.a)))
			case scene.Distance:
				gap -= rod
				if name == "rope" {
					gap = max(0, gap+rod-1.6)
				}
				gap = math.Abs(gap)
			}
			worst, excess = max(worst, gap), max(excess, gap-drift)
		}
		t.Logf("%s: worst error %.5f, beyond drift %.5f", name, worst, excess)
		if excess > 1.1*linearSlop { // a tenth for what is of third order
			t.Errorf("%s: worst error %.4f beyond drift, want at most %v", name, excess, linearSlop)
		}
	}
}

// Four bars and two parallel welds: closed loops, the second of them redundant.
func TestLoops(t *testing.T) {
	bar := func(name string, x, y, angle float32) scene.Body {
		b := box(name, x, y, 0.5, 0.05)
		b.Angle = angle
		return b
	}
	s := &scene.Scene{Gravity: vec(0, -10), Bodies: []scene.Body{
		bar("left", 0, -0.5, math.Pi/2), bar("low", 0.5, -1, 0), bar("right", 1, -0.5, math.Pi/2), bar("glued", 0.5, -1.1, 0),
	}}
	r := func(name, a, b string, p, q geom.Vec) {
		s.Joints = append(s.Joints, scene.Joint{Name: name, Kind: scene.Revolute, A: a, B: b, AnchorA: p, AnchorB: q})
	}
	r("1", "", "left", vec(0, 0), vec(0.5, 0))
	r("2", "left", "low", vec(-0.5, 0), vec(-0.5, 0))
	r("3", "low", "right", vec(0.5, 0), vec(-0.5, 0))
	r("4", "", "right", vec(1, 0), vec(0.5, 0))
	for _, x := range []float32{-0.4, 0.4} {
		s.Joints = append(s.Joints, scene.Joint{Name: fmt.Sprint(x), Kind: scene.Weld, A: "low", B: "glued", AnchorA: vec(x, -0.05), AnchorB: vec(x, 0.05)})
	}
	w := compile(t, s)
	w.SetVelocity(1, vec(1, 0), 0)
	fastest := 0.0
	for range 600 {
		w.Step(1. / 60)
		v, _ := w.Velocity(1)
		fastest = max(fastest, float64(v.Len()))
		for j := range s.Joints {
			p, q := w.JointAnchors(j)
			f, a, b := w.jointFrame(j)
			drift := (a.w*a.w*vec(f.rax, f.ray).Len() + b.w*b.w*vec(f.rbx, f.rby).Len()) / (2 * 60 * 60)
			if d := p.Sub(q).Len(); !(d < drift+linearSlop) {
				t.Fatalf("joint %s is open by %v", s.Joints[j].Name, d)
			}
		}
	}
}
