package arm

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// draw returns a level from everywhere in the ranges.
func draw(c *Config, seed uint64) *env.Level {
	s, _ := c.Spec()
	l := &env.Level{Params: make([]float32, len(s.Params)), Seed: seed}
	r := rng.New(seed).Stream(1, 0, 0)
	for i, p := range s.Params {
		l.Params[i] = r.Range(p.Lo, p.Hi)
	}
	return l
}

// twin is an arm of two links in float64, after the Lagrangian of a two-link manipulator (Spong,
// Hutchinson and Vidyasagar, "Robot Modeling and Control", 2006, section 7.4).
type twin struct {
	l1, c1, c2, m1, m2, i1, i2, g float64
	torque                        [2]float64
}

func (a *twin) slope(q [4]float64) [4]float64 {
	q1, q2, v1, v2 := q[0], q[1], q[2], q[3]
	m11 := a.i1 + a.i2 + a.m1*a.c1*a.c1 + a.m2*(a.l1*a.l1+a.c2*a.c2+2*a.l1*a.c2*math.Cos(q2))
	m12 := a.i2 + a.m2*(a.c2*a.c2+a.l1*a.c2*math.Cos(q2))
	m22 := a.i2 + a.m2*a.c2*a.c2
	h := -a.m2 * a.l1 * a.c2 * math.Sin(q2)
	r2 := a.torque[1] + h*v1*v1 - a.m2*a.c2*a.g*math.Cos(q1+q2)
	r1 := a.torque[0] - h*(2*v1*v2+v2*v2) - (a.m1*a.c1+a.m2*a.l1)*a.g*math.Cos(q1) - a.m2*a.c2*a.g*math.Cos(q1+q2)
	det := m11*m22 - m12*m12
	return [4]float64{v1, v2, (m22*r1 - m12*r2) / det, (m11*r2 - m12*r1) / det}
}

// rk4 advances q by h with the classic Runge-Kutta method.
func (a *twin) rk4(q [4]float64, h float64) [4]float64 {
	at := func(k [4]float64, f float64) (x [4]float64) {
		for i := range x {
			x[i] = q[i] + f*h*k[i]
		}
		return x
	}
	k1 := a.slope(q)
	k2 := a.slope(at(k1, 0.5))
	k3 := a.slope(at(k2, 0.5))
	k4 := a.slope(at(k3, 1))
	for i := range q {
		q[i] += h / 6 * (k1[i] + 2*k2[i] + 2*k3[i] + k4[i])
	}
	return q
}

// Under gravity and torques, two links move as the Lagrangian says.
func TestTwoLinksMatchTheLagrangian(t *testing.T) {
	c := &Config{Links: 2, Control: Torque, MaxSteps: 100}
	w := newWorld(c)
	r := rng.New(4).Stream(0, 0, 0)
	for seed := range uint64(20) {
		l := draw(c, seed)
		l.Params[torque] = min(l.Params[torque], 2) // lest it whirls, and the smallest error grows
		w.Reset(l, rng.Key{})
		w.Speed = 1000
		for i := range 2 {
			w.phys.SetDamping(w.link[i], 0, 0)
		}
		m1, i1 := w.phys.Mass(w.link[0])
		m2, i2 := w.phys.Mass(w.link[1])
		if d := m1 + m2 - l.Params[mass]; geom.Abs(d) > 1e-5*l.Params[mass] {
			t.Fatalf("level %d: the links weigh %v kg, want %v", seed, m1+m2, l.Params[mass])
		}
		act := []float32{r.Range(-0.5, 0.5), r.Range(-0.5, 0.5)}
		a := &twin{
			l1: float64(w.Lengths[0]), c1: float64(w.Lengths[0]) / 2, c2: float64(w.Lengths[1]) / 2,
			m1: float64(m1), m2: float64(m2), i1: float64(i1), i2: float64(i2), g: float64(l.Params[gravity]),
			torque: [2]float64{float64(act[0] * w.Strength[0]), float64(act[1] * w.Strength[1])},
		}
		q := [4]float64{float64(w.phys.JointPosition(w.joint[0])), float64(w.phys.JointPosition(w.joint[1]))}
		const h, steps = 0.0005, 600
		for range steps {
			w.drive(act)
			w.phys.Step(h)
			q = a.rk4(q, h)
		}
		for i := range 2 {
			got, speed := float64(w.phys.JointPosition(w.joint[i])), math.Abs(q[2])+math.Abs(q[3])
			if math.Abs(got-q[i]) > 0.002*(1+speed) {
				t.Errorf("level %d: joint %d is at %.4f after %v s, want %.4f", seed, i, got, h*steps, q[i])
			}
		}
	}
}

// The arm lies as the level says and holds together.
func TestStartAndJoints(t *testing.T) {
	for _, links := range []int{2, 5, 12} {
		c := &Config{Links: links, Control: Torque, MaxSteps: 100}
		s, err := c.Spec()
		if err != nil {
			t.Fatal(err)
		}
		w, b := newWorld(c), env.NewBatch(s, 1)
		r := rng.New(4).Stream(0, 0, 0)
		for seed := range uint64(50) {
			l := draw(c, seed)
			w.Reset(l, rng.Key{})
			var a pose
			a.place(links, l)
			sum := float32(0)
			for _, x := range a.lengths {
				sum += x
			}
			if geom.Abs(sum-l.Params[length]) > 1e-5 || geom.Abs(a.lengths[links-1]/a.lengths[0]-l.Params[taper]) > 1e-5 {
				t.Errorf("lengths %v", a.lengths)
			}
			if d := w.tip().Sub(a.tip).Len(); d > 1e-5 {
				t.Errorf("level %d: the tip is %v from where the angles put it", seed, d)
			}
			for range 50 {
				for i := range b.Act {
					b.Act[i] = r.Range(-1, 1)
				}
				w.Step(b)
			}
			for i := 1; i < links; i++ {
				at, _ := w.phys.Pose(w.link[i])
				end := w.phys.WorldPoint(w.link[i-1], geom.Vec{X: w.Lengths[i-1]})
				if d := at.Sub(end).Len(); d > 0.01*l.Params[length] {
					t.Errorf("%d links, level %d: joint %d gapes by %v m", links, seed, i, d)
				}
			}
		}
	}
}

// No target is out of reach: not too far, nor too near for the longest link to fold back.
func TestTargetsAreReachable(t *testing.T) {
	for links := minLinks; links <= maxLinks; links++ {
		c := &Config{Links: links, Control: Torque, MaxSteps: 100}
		for seed := range uint64(200) {
			l := draw(c, seed)
			if seed%2 == 0 {
				l.Params[taper], l.Params[targetDistance] = params[taper].Hi, params[targetDistance].Lo
			}
			var a pose
			a.place(links, l)
			longest := float32(0)
			for _, x := range a.lengths {
				longest = max(longest, x)
			}
			if d := target(l).Len(); d > l.Params[length]*1.00001 || d < 2*longest-l.Params[length] {
				t.Fatalf("%d links %v cannot reach %v m", links, a.lengths, d)
			}
		}
	}
}

func TestMotorsKeepTheirSpeed(t *testing.T) {
	c := &Config{Links: 3, Control: Velocity, MaxSteps: 100}
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	w, b := newWorld(c), env.NewBatch(s, 1)
	l := &env.Level{Params: make([]float32, len(s.Params))}
	for i, p := range s.Params {
		l.Params[i] = p.Default[0]
	}
	w.Reset(l, rng.Key{})
	b.Act[0], b.Act[1], b.Act[2] = 0.2, -0.1, 0
	for range 25 {
		w.Step(b)
	}
	for i, want := range []float32{1, -0.5, 0} {
		if got := w.phys.JointSpeed(w.joint[i]); geom.Abs(got-want) > 0.01 {
			t.Errorf("joint %d turns at %v rad/s, want %v", i, got, want)
		}
	}
}

func TestFacts(t *testing.T) {
	c := New()
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	w, b := newWorld(c), env.NewBatch(s, 1)
	l := draw(c, 3)
	w.Reset(l, rng.Key{})
	b.Act[0], b.Act[1], b.Act[2] = 1, -0.5, 0
	w.Target = w.tip().Add(geom.Vec{X: 10})
	w.Step(b)
	f := b.Facts
	if f[factReached] != 0 || geom.Abs(f[factEffort]-1.25/3) > 1e-6 {
		t.Errorf("facts %v", f)
	}
	if d := w.Target.Sub(geom.Vec{X: f[factX], Y: f[factY]}).Len(); geom.Abs(d-f[factDistance]) > 1e-6 {
		t.Errorf("distance %v, want %v", f[factDistance], d)
	}
	w.Target, w.Radius = w.tip(), 0.2
	w.Step(b)
	if f[factReached] != 1 {
		t.Error("the target is not reached from within")
	}
}

func TestDifficultyIsFittsIndex(t *testing.T) {
	c := New()
	l := draw(c, 3)
	var a pose
	a.place(3, l)
	d, w := float64(a.tip.Sub(target(l)).Len()), 2*float64(l.Params[targetRadius])
	if got, want := float64(c.Difficulty(l)), math.Log2(1+d/w)/math.Log2(1+4/0.04); math.Abs(got-want) > 1e-5 {
		t.Errorf("difficulty %v, want %v", got, want)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []Config{{Links: 1, Control: Torque, MaxSteps: 1}, {Links: 13, Control: Torque, MaxSteps: 1}, {Links: 3, Control: "force", MaxSteps: 1}, {Links: 3, Control: Torque}} {
		if _, err := c.Spec(); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
