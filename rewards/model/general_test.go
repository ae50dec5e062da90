package model

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

func generalStore(t *testing.T, n int) (*feedback.Store, []feedback.Segment) {
	t.Helper()
	s := feedback.NewStore(feedback.Shape{Obs: 2})
	var segs []feedback.Segment
	r := rng.New(5).Stream(1, 0, 0)
	for range n {
		obs := make([]float32, 8)
		c := []float32{r.Norm(), r.Norm()}
		for i := range obs {
			obs[i] = c[i%2] + 0.1*r.Norm()
		}
		id, err := s.Add(&feedback.Trajectory{Obs: obs, Reward: make([]float32, 3)})
		if err != nil {
			t.Fatal(err)
		}
		segs = append(segs, feedback.Segment{Traj: id, To: 3})
	}
	return s, segs
}

// The gradient is that of the loss, by central differences.
func TestGeneralGradient(t *testing.T) {
	s, segs := generalStore(t, 2)
	g, err := NewGeneral(GeneralShape{Inputs: []string{"obs"}, Hidden: []int{6}, Dim: 4, Tau: 0.5}, s.Shape(), rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	r := feedback.Better(segs[0], segs[1])
	r.Label, r.Weight = 0.8, 1.5
	a, _ := s.View(segs[0])
	b, _ := s.View(segs[1])
	grad, none := make([]float32, len(g.Params)), make([]float32, len(g.Params))
	g.gradient(grad, &r, a, b)
	const h = 1e-2
	for i := range g.Params {
		old := g.Params[i]
		g.Params[i] = old + h
		up := g.gradient(none, &r, a, b)
		g.Params[i] = old - h
		down := g.gradient(none, &r, a, b)
		g.Params[i] = old
		if want := (up - down) / (2 * h); math.Abs(want-float64(grad[i])) > 2e-3+0.02*math.Abs(want) {
			t.Errorf("parameter %d (%s): gradient %v, want %v", i, g.net.Where(i), grad[i], want)
		}
	}
}

// A cycle of three directions, each better than the next, is learned, which no reward can: one
// that respects two of the three answers is wrong about the third.
func TestGeneralCycle(t *testing.T) {
	s, segs := generalStore(t, 300)
	kind := func(seg feedback.Segment) int {
		v, _ := s.View(seg)
		x, y := float64(v.Obs[0]+v.Obs[2]+v.Obs[4]), float64(v.Obs[1]+v.Obs[3]+v.Obs[5])
		return int((math.Atan2(y, x) + math.Pi) / (2 * math.Pi / 3) * 0.999999)
	}
	var rs []feedback.Record
	for i := range segs {
		for _, j := range []int{(i + 1) % 300, (i + 7) % 300, (i + 13) % 300} {
			switch (kind(segs[j]) - kind(segs[i]) + 3) % 3 {
			case 1:
				rs = append(rs, feedback.Better(segs[i], segs[j]))
			case 2:
				rs = append(rs, feedback.Better(segs[j], segs[i]))
			}
		}
	}
	g, err := NewGeneral(GeneralShape{Inputs: []string{"obs"}, Hidden: []int{32}, Dim: 4, Tau: 0.1}, s.Shape(), rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultTraining()
	o.Epochs = 30
	half := len(rs) / 2
	if err := g.Fit(s, rs[:half], o); err != nil {
		t.Fatal(err)
	}
	right := 0
	for _, r := range rs[half:] {
		a, _ := s.View(r.Segments[0])
		b, _ := s.View(r.Segments[1])
		p, q := g.Prefer(a, b), g.Prefer(b, a)
		if math.Abs(float64(p+q-1)) > 1e-6 {
			t.Fatalf("P(a, b) = %v, P(b, a) = %v", p, q)
		}
		if p > 0.5 {
			right++
		}
	}
	t.Logf("%d of %d", right, len(rs)-half)
	if acc := float64(right) / float64(len(rs)-half); !(acc >= 0.85) {
		t.Errorf("accuracy %.3f of %d pairs on a cycle", acc, len(rs)-half)
	}
}

func TestGeneralBad(t *testing.T) {
	s, segs := generalStore(t, 2)
	for _, shape := range []GeneralShape{{Inputs: []string{"obs"}, Dim: 3, Tau: 1}, {Inputs: []string{"obs"}, Dim: 2}, {Dim: 2, Tau: 1}} {
		if _, err := NewGeneral(shape, s.Shape(), rng.New(1)); err == nil {
			t.Errorf("%+v is accepted", shape)
		}
	}
	g, err := NewGeneral(GeneralShape{Inputs: []string{"obs"}, Dim: 2, Tau: 1}, s.Shape(), rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	rated := feedback.Record{Kind: feedback.Rated, Segments: segs[:1], Ratings: []float32{1}, Weight: 1}
	for _, rs := range [][]feedback.Record{nil, {rated}, {feedback.Better(segs[0], feedback.Segment{Traj: 1, To: 1})}} {
		if err := g.Fit(s, rs, DefaultTraining()); err == nil {
			t.Errorf("%v is learned from", rs)
		}
	}
}
