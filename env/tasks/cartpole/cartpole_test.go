package cartpole

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// twin is Gymnasium's CartPoleEnv.step in float64, as written in its documentation.
func twin(s [4]float64, p []float64, force float64) [4]float64 {
	g, mc, mp, l := p[0], p[1], p[2], p[3]
	x, v, th, om := s[0], s[1], s[2], s[3]
	temp := (force + mp*l*om*om*math.Sin(th)) / (mc + mp)
	thacc := (g*math.Sin(th) - math.Cos(th)*temp) / (l * (4.0/3 - mp*math.Cos(th)*math.Cos(th)/(mc+mp)))
	xacc := temp - mp*l*thacc*math.Cos(th)/(mc+mp)
	return [4]float64{x + 0.02*v, v + 0.02*xacc, th + 0.02*om, om + 0.02*thacc}
}

func level(seed uint64) *env.Level {
	return &env.Level{Params: []float32{9.8, 1, 0.1, 0.5, 10, 0.05}, Seed: seed}
}

func newBatch(t testing.TB, c *Config) *env.Batch {
	t.Helper()
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return env.NewBatch(s, 1)
}

func TestConformance(t *testing.T) {
	t.Run("Discrete", func(t *testing.T) { envtest.Run(t, func() env.Config { return New() }) })
	t.Run("Continuous", func(t *testing.T) {
		envtest.Run(t, func() env.Config { return &Config{Continuous: true, MaxSteps: 300} })
	})
}

func TestStepMatchesFloat64Twin(t *testing.T) {
	c := New()
	b := newBatch(t, c)
	w := c.New().(*world)
	r := rng.New(1).Stream(0, 0, 0)
	varied := []env.Range{{1, 25}, {0.2, 5}, {0.01, 2}, {0.1, 2}, {1, 50}, {0, 0.2}}
	worst := 0.0
	for seed := range uint64(2000) {
		l := level(seed)
		for i, v := range varied {
			l.Params[i] = r.Range(v[0], v[1])
		}
		w.Reset(l, rng.Key{})
		p := make([]float64, len(l.Params))
		for i, v := range l.Params {
			p[i] = float64(v)
		}
		for range 20 {
			s := [4]float64{float64(w.X), float64(w.V), float64(w.Angle), float64(w.Spin)}
			b.Act[0] = float32(r.IntN(2))
			want := twin(s, p, (2*float64(b.Act[0])-1)*p[4])
			w.Step(b)
			for i, got := range []float32{w.X, w.V, w.Angle, w.Spin} {
				worst = max(worst, math.Abs(float64(got)-want[i])/(1+math.Abs(want[i])))
			}
			if b.End[0] != env.Running {
				break
			}
		}
	}
	if worst > 2e-6 {
		t.Errorf("a step is off by %g of its value", worst)
	}
}

// Without a push the accelerations must leave the mechanical energy as it is. They are read off
// one step, so rounding of the velocities limits how well.
func TestAccelerationsConserveEnergy(t *testing.T) {
	r := rng.New(3).Stream(0, 0, 0)
	for range 1000 {
		w := world{state: state{
			V: r.Range(-2, 2), Angle: r.Range(-3, 3), Spin: r.Range(-3, 3),
			Gravity: r.Range(1, 25), CartMass: r.Range(0.2, 5), PoleMass: r.Range(0.01, 2), HalfLength: r.Range(0.1, 2),
		}}
		s := w.state
		w.advance(0)
		a, alpha := float64(w.V-s.V)/float64(dt), float64(w.Spin-s.Spin)/float64(dt)
		v, om, sin, cos := float64(s.V), float64(s.Spin), math.Sin(float64(s.Angle)), math.Cos(float64(s.Angle))
		mc, m, l, g := float64(s.CartMass), float64(s.PoleMass), float64(s.HalfLength), float64(s.Gravity)
		// E = (mc+m)v²/2 + m l cos(angle) v spin + (4/3 m l²)spin²/2 + m g l cos(angle)
		power := (mc+m)*v*a + m*l*(-sin*om*v*om+cos*(a*om+v*alpha)) + 4.0/3*m*l*l*om*alpha - m*g*l*sin*om
		terms := math.Abs((mc+m)*v*a) + 4.0/3*m*l*l*math.Abs(om*alpha) + math.Abs(m*g*l*sin*om)
		kinetic := (mc+m)*v*v + 4.0/3*m*l*l*om*om
		if math.Abs(power) > 1e-5*(terms+kinetic) {
			t.Fatalf("power %g of %g at %+v", power, terms, s)
		}
	}
}

func TestEpisodeEnds(t *testing.T) {
	c := New()
	b := newBatch(t, c)
	w := c.New().(*world)
	for _, e := range []struct {
		x, angle float32
		end      env.End
		fell     float32
	}{
		{0, 0.2, env.Running, 0}, {0, 0.21, env.Terminated, 1}, {0, -0.21, env.Terminated, 1},
		{2.39, 0, env.Running, 0}, {2.41, 0, env.Terminated, 0}, {-2.41, 0, env.Terminated, 0},
	} {
		w.Reset(level(0), rng.Key{})
		w.X, w.V, w.Angle, w.Spin = e.x, 0, e.angle, 0
		w.Step(b)
		if b.End[0] != e.end || b.Facts[1] != e.fell {
			t.Errorf("x %v, angle %v: %v, fell %v; want %v, %v", e.x, e.angle, b.End[0], b.Facts[1], e.end, e.fell)
		}
	}
}

// Gymnasium reports random play at about 22 steps an episode.
func TestRandomPlay(t *testing.T) {
	v, err := env.NewVec(New(), env.VecOptions{Worlds: 16})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.Reset(7)
	b := env.NewBatch(v.Spec(), v.Len())
	r := rng.New(8).Stream(0, 0, 0)
	steps, episodes := 0, 0
	for range 2000 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		for i := range b.Act {
			b.Act[i] = float32(r.IntN(2))
		}
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		for _, e := range b.End {
			steps++
			if e != env.Running {
				episodes++
			}
		}
	}
	if mean := float64(steps) / float64(episodes); mean < 20 || mean > 24 {
		t.Errorf("random play lasts %.1f steps, want about 22", mean)
	}
}

func TestDifficulty(t *testing.T) {
	c, l := New(), level(0)
	classic := c.Difficulty(l)
	l.Params[startSpread] = 0.1
	if d := c.Difficulty(l); !(classic > 0 && d > classic && d <= 1) {
		t.Errorf("difficulty %v at spread 0.05, %v at 0.1", classic, d)
	}
}

func TestGolden(t *testing.T) {
	envtest.Golden(t, func() env.Config { return New() }, 0x4f2ba13f04520e4c)
}

func BenchmarkVec(b *testing.B) {
	v, err := env.NewVec(New(), env.VecOptions{Worlds: 256, Workers: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	v.Reset(1)
	batch := env.NewBatch(v.Spec(), v.Len())
	envtest.RandomActions(v.Spec(), batch, rng.New(1), 0)
	b.ReportAllocs()
	for b.Loop() {
		if v.Observe(batch) != nil || v.Step(batch) != nil {
			b.Fatal("a step failed")
		}
	}
	b.ReportMetric(float64(b.N)*256/b.Elapsed().Seconds(), "steps/s")
}
