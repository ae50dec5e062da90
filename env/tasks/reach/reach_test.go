package reach

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]Config{"Default": *New(), "Short": {Links: 5, Full: true, MaxSteps: 30}} {
		t.Run(name, func(t *testing.T) { envtest.Run(t, func() env.Config { return &c }) })
	}
}

// Another fingerprint means other results, and so another version of the environment.
func TestGolden(t *testing.T) {
	envtest.Golden(t, func() env.Config { return New() }, 0xe90e1f2625f03c19)
}

func room(t *testing.T, links, steps int) (*world, *env.Batch) {
	t.Helper()
	c := &Config{Links: links, Full: true, MaxSteps: steps}
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

// The tip is where float64 trigonometry says.
func TestTip(t *testing.T) {
	w, b := room(t, 7, 100)
	r := rng.New(1).Stream(0, 0, 0)
	for range 30 {
		for i := range b.Act[:7] {
			b.Act[i] = r.Range(-1, 1)
		}
		w.Step(b)
		angle, x, y := math.Pi, 0.0, 0.0
		for _, a := range w.Joints[:7] {
			angle += float64(a)
			s, c := math.Sincos(angle)
			x, y = x+0.95*c/7, y+0.95*s/7
		}
		if math.Hypot(x-float64(w.Tip.X), y-float64(w.Tip.Y)) > 1e-5 {
			t.Fatalf("the tip is at %v, want (%v, %v)", w.Tip, x, y)
		}
	}
}

// No part of the arm is ever beyond the wall but through the gap, and a motion into it is refused.
func TestWalls(t *testing.T) {
	w, b := room(t, 20, 400)
	r := rng.New(2).Stream(0, 0, 0)
	blocked, through := 0, 0
	for i := range 20_000 {
		if i%200 == 0 {
			w.Reset(&env.Level{Params: append([]float32(nil), w.Params[:]...)}, rng.Key{})
			for j := range b.Act { // turn about, by a random share at each joint
				b.Act[j] = 0.16 + r.Range(-0.03, 0.03)
			}
		}
		if i%200 == 100 {
			for j := range b.Act {
				b.Act[j] = r.Range(-1, 1)
			}
		}
		before := w.Joints
		w.Step(b)
		if w.Blocked == 1 {
			blocked++
			if w.Joints != before {
				t.Fatal("a motion that was refused moved the arm")
			}
		}
		w.place(w.Joints[:20])
		for j := range 20 {
			for k := range 11 { // points along the link
				f := float64(k) / 10
				x := float64(w.pts[j].X)*(1-f) + float64(w.pts[j+1].X)*f
				x2 := float64(w.pts[j].X)*(1-f-0.1) + float64(w.pts[j+1].X)*(f+0.1)
				y := float64(w.pts[j].Y)*(1-f-0.05) + float64(w.pts[j+1].Y)*(f+0.05)
				if k < 10 && (x < 0.35) != (x2 < 0.35) {
					through++
					if math.Abs(y) > 0.2+0.01 {
						t.Fatalf("step %d: link %d crosses the wall at y = %v", i, j, y)
					}
				}
			}
		}
	}
	if blocked < 100 || through < 100 {
		t.Errorf("%d motions refused, %d crossings of the gap: the test tries nothing", blocked, through)
	}
}

// The score comes in the last step only, and falls from the middle to the edge.
func TestScore(t *testing.T) {
	for _, c := range []struct{ off, want float32 }{{0, 1}, {0.1, 0.5}, {0.21, 0}} {
		w, b := room(t, 20, 3)
		clear(b.Act)
		w.Params[areaX], w.Params[areaY] = -0.95+c.off, 0 // the tip of the straight arm is at (-0.95, 0)
		for i := range 3 {
			w.Step(b)
			want := float32(0)
			if i == 2 {
				want = c.want
			}
			if geom.Abs(b.Facts[factScore]-want) > 1e-4 {
				t.Errorf("offset %v, step %d: score %v, want %v", c.off, i, b.Facts[factScore], want)
			}
		}
	}
}
