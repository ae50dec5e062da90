package model

import (
	"errors"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Linear learns rewards r = w . phi that are linear in features, from preferences by any of the
// models of Knox et al., "Models of human preference for learning reward functions" (2022). The
// number that a segment is judged by is
//
//	partial return   sum_t r_t
//	regret, det.     sum_t r_t + V(s_T) - V(s_0)             eq. 3, negated
//	regret           sum_t Q(s_t, a_t) - V(s_t)              eq. 4, negated
//
// with optimal values under w itself. They move with w by successor features of a pool of
// policies, as in the authors' program: of psi_i, the discounted sums of features of policy i,
//
//	V(w) = sum_i p_i psi_i . w      p = softmax over i of (psi_i . w / Temperature)
//
// A pool that holds the true optimal policy would give the answer away.
type Linear struct {
	// Pool holds successor features: Pool[k][i] are those of policy i at place k, a state or a
	// state with an action.
	Pool [][][]float64

	Temperature float64 // of the softmax over the pool, above 0; the authors use 0.001
	LearnRate   float64 // of Adam
	Steps       int     // full gradient steps
	Penalty     float64 // squared weights times this are added to the loss, 0 or more
}

// NewLinear returns the default: 400 steps of 0.05 at temperature 0.001, without penalty.
func NewLinear(pool [][][]float64) *Linear {
	return &Linear{Pool: pool, Temperature: 0.001, LearnRate: 0.05, Steps: 400}
}

// A Utility is the number a segment is judged by, as a function of the weights: Phi . w + the sum
// of the values at the places in Plus - the sum of those in Minus.
type Utility struct {
	Phi         []float64
	Plus, Minus []int // places of the pool
}

// PartialReturn is the utility of a segment whose features sum to phi.
func PartialReturn(phi []float64) Utility { return Utility{Phi: phi} }

// Regret is the utility of a segment in a deterministic world between two places. An end below 0
// is a terminal state, whose value is 0.
func Regret(phi []float64, start, end int) Utility {
	u := Utility{Phi: phi, Minus: []int{start}}
	if end >= 0 {
		u.Plus = []int{end}
	}
	return u
}

// Advantage is the utility of a segment in any world: q are the places of its actions, v those of
// the states they were taken in.
func Advantage(features int, q, v []int) Utility {
	return Utility{Phi: make([]float64, features), Plus: q, Minus: v}
}

// Utilities returns the utility of each of us under w.
func (l *Linear) Utilities(us []Utility, w []float64) []float64 {
	values := make([]float64, len(l.Pool))
	for k := range l.Pool {
		values[k] = softValue(l.Pool[k], w, l.Temperature, nil)
	}
	out := make([]float64, len(us))
	for i := range us {
		out[i] = us[i].of(w, values)
	}
	return out
}

// of returns the utility under w, given the values of all places.
func (u *Utility) of(w, values []float64) float64 {
	x := dot(u.Phi, w)
	for _, k := range u.Plus {
		x += values[k]
	}
	for _, k := range u.Minus {
		x -= values[k]
	}
	return x
}

// add adds scale times the gradient of the utility to grad, given those of the values.
func (u *Utility) add(grad []float64, scale float64, slopes [][]float64) {
	axpy(grad, scale, u.Phi)
	for _, k := range u.Plus {
		axpy(grad, scale, slopes[k])
	}
	for _, k := range u.Minus {
		axpy(grad, -scale, slopes[k])
	}
}

// softValue returns sum_i p_i v_i of v_i = psi_i . w, and sets grad, unless it is nil, to its
// gradient, sum_i p_i (1 + (v_i - V)/T) psi_i.
func softValue(psi [][]float64, w []float64, temperature float64, grad []float64) float64 {
	v, most := make([]float64, len(psi)), math.Inf(-1)
	for i := range psi {
		v[i] = dot(psi[i], w)
		most = max(most, v[i])
	}
	z, value := 0.0, 0.0
	p := make([]float64, len(psi))
	for i := range v {
		p[i] = math.Exp((v[i] - most) / temperature)
		z += p[i]
	}
	for i := range v {
		p[i] /= z
		value += p[i] * v[i]
	}
	if grad != nil {
		clear(grad)
		for i := range psi {
			if c := p[i] * (1 + (v[i]-value)/temperature); c != 0 {
				axpy(grad, c, psi[i])
			}
		}
	}
	return value
}

func dot[F float32 | float64](a, b []F) (s F) {
	for i, x := range a {
		s += x * b[i]
	}
	return s
}

// axpy adds c times x to y.
func axpy(y []float64, c float64, x []float64) {
	for i, v := range x {
		y[i] += c * v
	}
}

// A LinearPair is two segments with the probability that the first is better.
type LinearPair struct {
	A, B  Utility
	Label float64
}

// Loss returns the mean cross-entropy of the pairs under w, P(A better) = logistic(U(A) - U(B)),
// and, unless grad is nil, sets it to the gradient.
func (l *Linear) Loss(pairs []LinearPair, w, grad []float64) float64 {
	values, slopes := make([]float64, len(l.Pool)), make([][]float64, len(l.Pool))
	for k := range l.Pool {
		if grad != nil {
			slopes[k] = make([]float64, len(w))
		}
		values[k] = softValue(l.Pool[k], w, l.Temperature, slopes[k])
	}
	clear(grad)
	n, loss := float64(len(pairs)), 0.0
	for i := range pairs {
		p := &pairs[i]
		d := p.A.of(w, values) - p.B.of(w, values)
		// -log s(d) = max(-d, 0) + log(1 + exp(-|d|)); with the label, (1-p) d more
		loss += (math.Max(-d, 0) + math.Log1p(math.Exp(-math.Abs(d))) + (1-p.Label)*d) / n
		if grad != nil {
			c := (1/(1+math.Exp(-d)) - p.Label) / n
			p.A.add(grad, c, slopes)
			p.B.add(grad, -c, slopes)
		}
	}
	for k, x := range w {
		loss += l.Penalty * x * x
		if grad != nil {
			grad[k] += 2 * l.Penalty * x
		}
	}
	return loss
}

// Fit returns the weights of the lowest loss that full-batch Adam comes across, from small random
// ones. Without noise in the labels their scale means nothing.
func (l *Linear) Fit(pairs []LinearPair, features int, key rng.Key) (w []float64, loss float64, err error) {
	if len(pairs) == 0 || features < 1 || !(l.Temperature > 0) {
		return nil, 0, fmt.Errorf("model: %d pairs, %d features, temperature %v: want at least 1, 1 and above 0", len(pairs), features, l.Temperature)
	}
	r := key.Stream(purposeShuffle, 0, 0)
	w = make([]float64, features)
	for k := range w {
		w[k] = 0.1 * float64(r.Norm())
	}
	best, least := append([]float64(nil), w...), math.Inf(1)
	grad, m, v := make([]float64, features), make([]float64, features), make([]float64, features)
	for t := 1; t <= l.Steps; t++ {
		x := l.Loss(pairs, w, grad)
		if math.IsNaN(x) {
			return nil, 0, errors.New("model: the loss of the pairs is not a number")
		}
		if x < least {
			least = x
			copy(best, w)
		}
		for k, g := range grad { // Kingma and Ba 2015, algorithm 1
			m[k] += 0.1 * (g - m[k])
			v[k] += 0.001 * (g*g - v[k])
			w[k] -= l.LearnRate * m[k] / (1 - math.Pow(0.9, float64(t))) / (math.Sqrt(v[k]/(1-math.Pow(0.999, float64(t)))) + 1e-8)
		}
	}
	return best, least, nil
}
