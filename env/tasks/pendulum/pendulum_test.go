package pendulum

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func TestConformance(t *testing.T) {
	envtest.Run(t, func() env.Config { return New() })
}

func level(seed uint64) *env.Level {
	return &env.Level{Params: []float32{10, 1, 1, 2, 0, 8, math.Pi, 1}, Seed: seed}
}

func newBatch(t testing.TB) *env.Batch {
	t.Helper()
	s, err := New().Spec()
	if err != nil {
		t.Fatal(err)
	}
	return env.NewBatch(s, 1)
}

// Gymnasium's Pendulum-v1 step in float64, as its documentation gives it.
func TestStepMatchesFloat64Twin(t *testing.T) {
	b := newBatch(t)
	w := &world{}
	r := rng.New(1).Stream(0, 0, 0)
	for seed := range uint64(200) {
		w.Reset(level(seed), rng.Key{})
		for range 50 {
			th, om := float64(w.Angle), float64(w.Spin)
			b.Act[0] = r.Range(-1, 1)
			u := 2 * float64(b.Act[0])
			cost := th*th + 0.1*om*om + 0.001*u*u
			newOm := om + (3*10/2.0*math.Sin(th)+3*u)*0.05
			newOm = math.Min(math.Max(newOm, -8), 8)
			newTh := math.Remainder(th+newOm*0.05, 2*math.Pi)
			w.Step(b)
			if math.Abs(float64(w.Spin)-newOm) > 2e-6 || math.Abs(math.Remainder(float64(w.Angle)-newTh, 2*math.Pi)) > 1e-6 {
				t.Fatalf("step to %v, %v; want %v, %v", w.Angle, w.Spin, newTh, newOm)
			}
			f := b.Facts
			if got := float64(f[0] + 0.1*f[1] + 0.001*f[2]); math.Abs(got-cost) > 1e-5*(1+cost) {
				t.Fatalf("cost %v, want %v", got, cost)
			}
		}
	}
}

// period returns that of a free swing of the given amplitude about hanging: 4 sqrt(I/(m g l/2))
// K(sin(amplitude/2)), with the complete elliptic integral K by the arithmetic-geometric mean.
func period(g, l, amplitude float64) float64 {
	a, b := 1.0, math.Cos(amplitude/2)
	for range 10 {
		a, b = (a+b)/2, math.Sqrt(a*b)
	}
	return 4 * math.Sqrt(2*l/(3*g)) * math.Pi / (2 * a)
}

// A free swing keeps its energy on average and has the period of the elliptic integral.
func TestFreeSwing(t *testing.T) {
	for _, c := range []struct{ g, l, amplitude float32 }{{1, 2, 0.3}, {1, 2, 1.5}, {1.6, 2, 2.5}} {
		w := &world{state{Angle: math.Pi - c.amplitude, Gravity: c.g, Mass: 1, Length: c.l, MaxSpeed: 30}}
		start := w.energy()
		crossings, first, last, drift := 0, 0.0, 0.0, 0.0
		const steps = 4000
		for i := range steps {
			before := math.Remainder(float64(w.Angle)-math.Pi, 2*math.Pi)
			w.advance(0)
			after := math.Remainder(float64(w.Angle)-math.Pi, 2*math.Pi)
			if before < 0 && after >= 0 {
				last = (float64(i) - before/(after-before)) * float64(dt)
				if crossings == 0 {
					first = last
				}
				crossings++
			}
			drift += float64(w.energy()-start) / steps
		}
		got, want := (last-first)/float64(crossings-1), period(float64(c.g), float64(c.l), float64(c.amplitude))
		if math.Abs(got-want) > 2e-3*want {
			t.Errorf("g %v, l %v, amplitude %v: period %.4f s, want %.4f s", c.g, c.l, c.amplitude, got, want)
		}
		if span := float64(c.g * c.l); math.Abs(drift) > 0.01*span {
			t.Errorf("amplitude %v: the energy is off by %g J on average", c.amplitude, drift)
		}
	}
}

func TestFrictionStopsIt(t *testing.T) {
	w := &world{state{Angle: 1, Gravity: 10, Mass: 1, Length: 1, Friction: 0.5, MaxSpeed: 8}}
	for range 1000 {
		w.advance(0)
	}
	if math.Abs(math.Abs(float64(w.Angle))-math.Pi) > 1e-3 || math.Abs(float64(w.Spin)) > 1e-3 {
		t.Errorf("it rests at %v rad with %v rad/s, want hanging still", w.Angle, w.Spin)
	}
}

func TestDifficulty(t *testing.T) {
	c, l := New(), level(0)
	if d := c.Difficulty(l); math.Abs(float64(d)-0.6*(1-math.Asin(0.4)/math.Pi)) > 1e-5 {
		t.Errorf("classic difficulty %v", d)
	}
	l.Params[torque] = 6
	if d := c.Difficulty(l); d != 0 {
		t.Errorf("difficulty %v with a motor that can lift the rod, want 0", d)
	}
}

func TestGolden(t *testing.T) {
	envtest.Golden(t, func() env.Config { return New() }, 0xbddee4f6626a1144)
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
