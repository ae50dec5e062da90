package model

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// noisy returns pairs ordered by the sum of the first observation, the first wrong ones of them
// with turned labels.
func noisy(t *testing.T, n, wrong int) (*feedback.Store, []feedback.Record) {
	t.Helper()
	s, segs := generalStore(t, 2*n)
	worth := func(seg feedback.Segment) float32 {
		v, _ := s.View(seg)
		return v.Obs[0] + v.Obs[2] + v.Obs[4]
	}
	var rs []feedback.Record
	for i := range n {
		r := feedback.Better(segs[2*i], segs[2*i+1])
		if (worth(segs[2*i]) < worth(segs[2*i+1])) != (i < wrong) {
			r.Label = 0
		}
		rs = append(rs, r)
	}
	return s, rs
}

var oneLayer = Shape{Inputs: []string{"obs"}, Hidden: []int{16}, Members: 1}

// Turned labels get the weakest votes, and flipping as many repairs most of them.
func TestVotes(t *testing.T) {
	const n, wrong = 300, 60
	s, rs := noisy(t, n, wrong)
	o := DefaultTraining()
	o.HeldOut = 0
	pool := nn.NewPool(2)
	defer pool.Close()
	votes, err := Votes(oneLayer, s, rs, 6, o, pool)
	if err != nil {
		t.Fatal(err)
	}
	bad := 0
	for _, i := range Weakest(votes)[:wrong] {
		if i < wrong {
			bad++
		}
	}
	if bad < wrong*3/4 {
		t.Errorf("of the %d weakest votes %d are on turned labels", wrong, bad)
	}
	count := func(treated []feedback.Record) (right int) {
		_, clean := noisy(t, n, 0)
		label := map[feedback.Segment]float32{}
		for _, r := range clean {
			label[r.Segments[0]] = r.Label
		}
		for _, r := range treated {
			if (r.Label > 0.5) == (label[r.Segments[0]] > 0.5) {
				right++
			}
		}
		return right
	}
	for _, c := range []struct {
		t          Treatment
		size, more int
	}{{Treatment{Flip: 0.2}, n, 260}, {Treatment{Drop: 0.2}, 240, 210}, {Treatment{Soft: true}, n, 260}, {Treatment{Flip: 0.2, Margin: true}, n, 260}} {
		out, err := Treat(rs, votes, c.t)
		if err != nil || len(out) != c.size || count(out) < c.more {
			t.Errorf("%+v: %d records, %d right, %v", c.t, len(out), count(out), err)
		}
		for _, r := range out {
			if c.t.Margin && !(r.Margin >= 0) || !c.t.Margin && r.Margin != 0 {
				t.Errorf("%+v: margin %v", c.t, r.Margin)
			}
		}
	}
	if _, err := Treat(rs, votes[1:], Treatment{}); err == nil {
		t.Error("a vote too few is accepted")
	}
	if _, err := Votes(oneLayer, s, rs, 3, o, pool); err == nil {
		t.Error("an odd number of voters is accepted")
	}
}

func TestLikeness(t *testing.T) {
	for _, d := range []float32{-1.5, -0.2, 0.3, 2} {
		y, dy := [][]float32{{d, 0.5}, {0.5}}, [][]float32{{0, 0}, {0}}
		likeness(nil, y, dy)
		const h = 1e-3
		y[0][0] = d + h
		up := likeness(nil, y, [][]float32{{0, 0}, {0}})
		y[0][0] = d - h
		down := likeness(nil, y, [][]float32{{0, 0}, {0}})
		if want := (up - down) / (2 * h); math.Abs(want-float64(dy[0][0])) > 1e-3 || dy[1][0] != -dy[0][0] {
			t.Errorf("d %v: gradient %v, want %v", d, dy, want)
		}
	}
}

// MetaRM learns the labels as well, and by another way.
func TestFitMeta(t *testing.T) {
	s, rs := noisy(t, 300, 0)
	o := DefaultTraining()
	o.Epochs = 10
	pool := nn.NewPool(1)
	defer pool.Close()
	learn := func(step float64) (accuracy, apart float64) {
		e, err := NewEnsemble(oneLayer, s.Shape(), rng.New(1))
		if err != nil {
			t.Fatal(err)
		}
		if err := FitMeta(e, s, rs[:200], rs[200:250], step, o, pool); err != nil {
			t.Fatal(err)
		}
		q, err := Measure(e, s, rs[250:])
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs[200:250] {
			a, _ := s.View(r.Segments[0])
			b, _ := s.View(r.Segments[1])
			var p [1]float32
			e.Prefer(p[:], a, b)
			apart += math.Abs(float64(p[0])-0.5) / 50
		}
		return q.Accuracy, apart
	}
	plain, near := learn(0)
	meta, far := learn(0.5)
	t.Logf("accuracy %.3f, apart %.3f; with MetaRM %.3f, %.3f", plain, near, meta, far)
	if plain < 0.85 || meta < 0.85 {
		t.Errorf("accuracy %.3f, with MetaRM %.3f", plain, meta)
	}
	if far == near {
		t.Error("MetaRM changes nothing")
	}
}
