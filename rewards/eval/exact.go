package eval

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/tabular"
)

// The distances of this file are exact, in worlds that can be written down as tables. They are
// what STARC, EPIC and DARD estimate elsewhere, and what these are tested against.

// ExactSTARC is the STARC distance of Skalse et al. (2024), definition 3, with value-adjusted
// levelling under the uniform policy (their "VAL") and the Euclidean norm: from 0 to 2, 0 exactly
// where two rewards order all policies alike.
//
//	c(R)(s, a) = E[R(s, a, S') - V(s) + gamma V(S')]
//
// As c takes the mean over successors, redistributing reward among them changes nothing.
func ExactSTARC(m *tabular.MDP, a, b tabular.Reward) float64 {
	return apart(unit(levelled(m, a)), unit(levelled(m, b)))
}

func levelled(m *tabular.MDP, r tabular.Reward) []float64 {
	v := m.Values(m.Uniform(), r)
	c := m.ActionValues(r, v)
	for i := range c {
		c[i] -= v[i/m.Actions]
	}
	return c
}

// ExactEPIC is the EPIC distance of Gleave et al. (2021), definition 4.3, from 0 to 1, with
// states, actions and successors drawn uniformly and independently.
//
//	C(R)(s, a, s') = R(s, a, s') + gamma mean R(s', A, S') - mean R(s, A, S') - gamma mean R(S, A, S')
func ExactEPIC(m *tabular.MDP, a, b tabular.Reward) float64 {
	same := make([]float64, len(m.P))
	for i := range same {
		same[i] = 1
	}
	return pearsonDistance(epicCanonical(m, a), epicCanonical(m, b), same)
}

func epicCanonical(m *tabular.MDP, r tabular.Reward) []float64 {
	mean, all := make([]float64, m.States), 0.0 // of the reward in each state
	for i, x := range r {
		mean[i/m.States/m.Actions] += x / float64(m.Actions*m.States)
	}
	for _, x := range mean {
		all += x / float64(m.States)
	}
	c := make([]float64, len(r))
	for i := range c {
		s, n := i/m.States/m.Actions, i%m.States
		c[i] = r[i] + m.Gamma*mean[n] - mean[s] - m.Gamma*all
	}
	return c
}

// ExactDARD is the DARD distance of Wulfe et al. (2022), definition 3, from 0 to 1, with states
// and actions drawn uniformly and successors by the world.
func ExactDARD(m *tabular.MDP, a, b tabular.Reward) float64 {
	return pearsonDistance(dardCanonical(m, a), dardCanonical(m, b), m.P)
}

func dardCanonical(m *tabular.MDP, r tabular.Reward) []float64 {
	n, share := m.States, 1/float64(m.Actions)
	mean := make([]float64, n) // E R(s, A, S') with S' after A
	for i, x := range m.Expected(r) {
		mean[i/m.Actions] += share * x
	}
	// cross[s][t] = E R(S', A, S'') with S' after A in s and S'' after the same A in t.
	cross := make([]float64, n*n)
	for a := range m.Actions {
		inner := make([]float64, n*n) // of u and t: sum over S'' of P(S''|t, a) R(u, a, S'')
		for u := range n {
			for t := range n {
				for k, p := range m.Row(t, a) {
					inner[u*n+t] += p * r[m.At(u, a, k)]
				}
			}
		}
		for s := range n {
			for u, p := range m.Row(s, a) {
				for t := range n {
					cross[s*n+t] += share * p * inner[u*n+t]
				}
			}
		}
	}
	c := make([]float64, len(r))
	for i := range c {
		s, t := i/n/m.Actions, i%n
		c[i] = r[i] + m.Gamma*mean[t] - mean[s] - m.Gamma*cross[s*n+t]
	}
	return c
}

// ExactRegret says how much worse it is to do what is best under one of two rewards where the
// other one counts, as a share of the range of returns, averaged over both ways: from 0 to 1.
func ExactRegret(m *tabular.MDP, a, b tabular.Reward) float64 {
	pa, pb := m.Optimal(a).Policy, m.Optimal(b).Policy
	return (lost(m, a, pa, pb) + lost(m, b, pb, pa)) / 2
}

func lost(m *tabular.MDP, r tabular.Reward, best, other tabular.Policy) float64 {
	high, low := m.Return(best, r), m.Return(m.Optimal(r.Negative()).Policy, r)
	if high-low <= 1e-12*max(1, math.Abs(high)) {
		return 0 // all policies are alike
	}
	return (high - m.Return(other, r)) / (high - low)
}

// unit scales x to length 1; a reward under which all policies are alike stays 0.
func unit(x []float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	if sum = math.Sqrt(sum); sum < 1e-12 {
		return make([]float64, len(x))
	}
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v / sum
	}
	return out
}

func apart(x, y []float64) float64 {
	sum := 0.0
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	return math.Sqrt(sum)
}

// pearsonDistance is sqrt((1 - rho)/2) with the weighted correlation rho; 0 if neither varies.
func pearsonDistance(x, y, weights []float64) float64 {
	var n, mx, my float64
	for i, w := range weights {
		n += w
		mx += w * x[i]
		my += w * y[i]
	}
	mx, my = mx/n, my/n
	var xx, yy, xy float64
	for i, w := range weights {
		dx, dy := x[i]-mx, y[i]-my
		xx += w * dx * dx
		yy += w * dy * dy
		xy += w * dx * dy
	}
	switch {
	case xx <= 0 && yy <= 0:
		return 0
	case xx <= 0 || yy <= 0:
		return math.Sqrt(0.5)
	}
	return math.Sqrt(max(0, 1-xy/math.Sqrt(xx*yy)) / 2)
}
