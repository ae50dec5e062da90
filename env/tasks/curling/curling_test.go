package curling

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]Config{"Default": *New(), "Paper": {Full: false, MaxSteps: 100}} {
		t.Run(name, func(t *testing.T) { envtest.Run(t, func() env.Config { return &c }) })
	}
}

func table(t *testing.T, steps int) (*world, *env.Batch) {
	t.Helper()
	c := &Config{Full: true, MaxSteps: steps}
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	w := c.New().(*world)
	l := &env.Level{Params: make([]float32, paramCount)}
	for i, p := range s.Params {
		l.Params[i] = s.Presets[0].Params[p.Name][0]
	}
	w.Reset(l, rng.New(1))
	return w, env.NewBatch(s, 1)
}

// A ball that slides freely stops after v^2 / (2 friction) metres.
func TestFriction(t *testing.T) {
	w, b := table(t, 500)
	w.V = geom.Vec{X: 0.4, Y: 0.3}
	from := w.Ball
	b.Act[0], b.Act[1] = -1, -1 // the arm turns away
	for range 200 {
		w.Step(b)
	}
	way, want := float64(w.Ball.Sub(from).Len()), 0.25/(2*0.3)
	if w.V != (geom.Vec{}) || math.Abs(way-want) > 0.005 {
		t.Errorf("it slid %v m at last %v, want %v m and rest", way, w.V, want)
	}
}

// Off the border the ball leaves with the share of its speed that bounces, and the angle kept
// where nothing bounces is 0.
func TestBounce(t *testing.T) {
	w, b := table(t, 500)
	w.Params[friction] = 0.05
	w.Ball, w.V = geom.Vec{X: 1.3, Y: 0.5}, geom.Vec{X: 2, Y: 1}
	b.Act[0], b.Act[1] = -1, -1
	for range 10 {
		w.Step(b)
	}
	if math.Abs(float64(w.V.X+1)) > 0.03 || math.Abs(float64(w.V.Y-1)) > 0.03 {
		t.Errorf("velocity %v, want about (-1, 1)", w.V)
	}
}

// A straight arm that sweeps at 3 rad/s hits a ball at rest at distance r with 3 r m/s, and it
// leaves at (1 + bounce) times that, at a right angle to the arm.
func TestShove(t *testing.T) {
	w, b := table(t, 500)
	w.Joint = [2]float32{0.2, 0}
	w.Ball = base.Add(geom.Vec{X: 0, Y: 0.9})
	b.Act[0] = 1
	for w.Touched == 0 {
		if w.Steps > 100 {
			t.Fatal("the arm never touched the ball")
		}
		w.Step(b)
	}
	p := w.points()
	arm := p[2].Sub(p[0]).Mul(1 / (2 * link))
	want := 1.5 * 3 * 0.9
	if v := float64(w.V.Len()); math.Abs(v-want) > 0.1 || math.Abs(float64(w.V.Dot(arm)))/v > 0.1 {
		t.Errorf("velocity %v after contact with an arm along %v, want %v across", w.V, arm, want)
	}
}

// The ball never rests inside the arm or outside the table, whatever the arm does.
func TestStaysOut(t *testing.T) {
	w, b := table(t, 500)
	r := rng.New(3).Stream(0, 0, 0)
	touched := 0
	for i := range 20_000 {
		if i%50 == 0 {
			b.Act[0], b.Act[1] = r.Range(-1, 1), r.Range(-1, 1)
		}
		if i%100 == 0 {
			w.Ball, w.V = geom.Vec{X: r.Range(-0.5, 0.5), Y: r.Range(-0.9, -0.2)}, geom.Vec{}
			continue
		}
		w.Step(b)
		touched += int(w.Touched)
		if geom.Abs(w.Ball.X) > half-ballRadius+1e-5 || geom.Abs(w.Ball.Y) > half-ballRadius+1e-5 {
			t.Fatalf("step %d: the ball is at %v", i, w.Ball)
		}
		if v := w.V.Len(); v > 20 {
			t.Fatalf("step %d: the ball has %v m/s", i, v)
		}
	}
	if touched < 200 {
		t.Errorf("only %d steps with contact", touched)
	}
}

// The score comes in the last step only, and falls from the middle to the edge.
func TestScore(t *testing.T) {
	for _, c := range []struct{ off, want float32 }{{0, 1}, {0.15, 0.5}, {0.31, 0}} {
		w, b := table(t, 3)
		w.Ball = w.area(1).Add(geom.Vec{X: c.off})
		for i := range 3 {
			w.Step(b)
			want := float32(0)
			if i == 2 {
				want = c.want
			}
			if geom.Abs(b.Facts[factScore]-want) > 1e-5 {
				t.Errorf("offset %v, step %d: score %v, want %v", c.off, i, b.Facts[factScore], want)
			}
		}
	}
}
