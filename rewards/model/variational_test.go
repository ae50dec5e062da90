package model

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// crowd returns sets of pairs by annotators of whom every second wants the contrary of the others.
func crowd(t *testing.T, sets, pairs int) (*feedback.Store, [][]feedback.Record) {
	t.Helper()
	s, segs := generalStore(t, 2*pairs*sets)
	var out [][]feedback.Record
	for u := range sets {
		var set []feedback.Record
		for i := range pairs {
			a, b := segs[2*(u*pairs+i)], segs[2*(u*pairs+i)+1]
			va, _ := s.View(a)
			vb, _ := s.View(b)
			if (va.Obs[0] > vb.Obs[0]) != (u%2 == 0) {
				a, b = b, a
			}
			set = append(set, feedback.Better(a, b))
		}
		out = append(out, set)
	}
	return s, out
}

func TestVariationalGradient(t *testing.T) {
	s, sets := crowd(t, 1, 3)
	v, err := NewVariational(VariationalShape{Inputs: []string{"obs"}, Hidden: []int{5}, Latent: 2}, s.Shape(), rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	set, err := v.load(s, sets[0])
	if err != nil {
		t.Fatal(err)
	}
	params := [][]float32{v.Encoder, v.Head, v.Decoder}
	var grads, none [][]float32
	for _, p := range params {
		grads, none = append(grads, make([]float32, len(p))), append(none, make([]float32, len(p)))
	}
	at := func(g [][]float32) float64 {
		noise := rng.New(1).Stream(1, 0, 0)
		loss, _ := v.gradient(&set, &noise, 0.7, g)
		return loss
	}
	at(grads)
	const h = 5e-3
	for k, p := range params {
		for i := range p {
			old := p[i]
			p[i] = old + h
			up := at(none)
			p[i] = old - h
			down := at(none)
			p[i] = old
			if want := (up - down) / (2 * h); math.Abs(want-float64(grads[k][i])) > 5e-3+0.02*math.Abs(want) {
				t.Errorf("part %d, parameter %d: gradient %v, want %v", k, i, grads[k][i], want)
			}
		}
	}
}

// Annotators who want contraries are told apart by a few of their answers.
func TestVariational(t *testing.T) {
	s, sets := crowd(t, 120, 8)
	v, err := NewVariational(VariationalShape{Inputs: []string{"obs"}, Hidden: []int{24}, Latent: 2}, s.Shape(), rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultVariationalTraining()
	o.Epochs, o.LearningRate = 40, 5e-3
	kl, err := v.Fit(s, sets[:100], o)
	if err != nil {
		t.Fatal(err)
	}
	right, all := 0, 0
	for _, set := range sets[100:] {
		mean, std, err := v.Infer(s, set[:4])
		if err != nil {
			t.Fatal(err)
		}
		if !(std[0] > 0) {
			t.Fatalf("deviation %v", std)
		}
		for _, r := range set[4:] {
			var a, b Out
			va, _ := s.View(r.Segments[0])
			vb, _ := s.View(r.Segments[1])
			v.Scorer(mean).Score(&a, va)
			v.Scorer(mean).Score(&b, vb)
			all++
			if a.Return > b.Return {
				right++
			}
		}
	}
	if right < all*8/10 || kl < 0.1 {
		t.Errorf("%d of %d right, divergence %.2f nats", right, all, kl)
	}
	tie := sets[0][0]
	tie.Label = 0.5
	for _, bad := range [][][]feedback.Record{nil, {{tie}}} {
		if _, err := v.Fit(s, bad, o); err == nil {
			t.Errorf("%v is learned from", bad)
		}
	}
}
