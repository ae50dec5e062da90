package model

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

func randomRows(r *rng.Stream, n, features int) [][]float64 {
	x := make([][]float64, n)
	for i := range x {
		x[i] = make([]float64, features)
		for k := range x[i] {
			x[i][k] = float64(r.Norm())
		}
	}
	return x
}

// Gradients of all three models must be those of finite differences, with values that move.
func TestLinearGradients(t *testing.T) {
	const features = 4
	r := rng.New(2).Stream(1, 0, 0)
	rows := func(n int) [][]float64 { return randomRows(&r, n, features) }
	l := &Linear{Temperature: 0.5, Penalty: 0.01, Pool: [][][]float64{rows(6), rows(6), rows(6), rows(6)}}
	for name, make := range map[string]func() Utility{
		"partial return": func() Utility { return PartialReturn(rows(1)[0]) },
		"regret":         func() Utility { return Regret(rows(1)[0], r.IntN(2), 2+r.IntN(2)) },
		"regret to end":  func() Utility { return Regret(rows(1)[0], r.IntN(4), -1) },
		"advantage":      func() Utility { return Advantage(features, []int{0, r.IntN(4)}, []int{2, r.IntN(4)}) },
	} {
		pairs := []LinearPair{{make(), make(), 1}, {make(), make(), 0.3}, {make(), make(), 0}}
		w := rows(1)[0]
		grad := rows(1)[0] // overwritten
		l.Loss(pairs, w, grad)
		for k := range w {
			const h = 1e-5
			was := w[k]
			w[k] = was + h
			up := l.Loss(pairs, w, nil)
			w[k] = was - h
			down := l.Loss(pairs, w, nil)
			w[k] = was
			if want := (up - down) / (2 * h); math.Abs(want-grad[k]) > 1e-7 {
				t.Errorf("%s: gradient of weight %d is %v, want %v", name, k, grad[k], want)
			}
		}
	}
	// At a low temperature the value is the largest of the pool, however large the numbers.
	psi := [][]float64{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}
	if v := softValue(psi, []float64{1e6, 2e6, -3e6, 0}, 1e-3, nil); v != 2e6 {
		t.Errorf("value %v, want 2e6", v)
	}
}

func TestLinearFit(t *testing.T) {
	r := rng.New(4).Stream(1, 0, 0)
	truth := []float64{1, -2, 0.5}
	var pairs []LinearPair
	for range 300 {
		x := randomRows(&r, 2, 3)
		p := LinearPair{A: PartialReturn(x[0]), B: PartialReturn(x[1])}
		if dot(x[0], truth) > dot(x[1], truth) {
			p.Label = 1
		}
		pairs = append(pairs, p)
	}
	w, loss, err := NewLinear(nil).Fit(pairs, 3, rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	if cos := dot(w, truth) / math.Sqrt(dot(w, w)*dot(truth, truth)); cos < 0.995 || loss > 0.2 {
		t.Errorf("weights %v have cosine %v with the truth, loss %v", w, cos, loss)
	}
	if _, _, err := NewLinear(nil).Fit(nil, 3, rng.New(1)); err == nil {
		t.Error("no pairs are fitted")
	}
}
