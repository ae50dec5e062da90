package tabular

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// An AverageSolution is what is best for the mean reward a step in the long run.
type AverageSolution struct {
	Policy Policy    // deterministic
	Gain   float64   // the mean reward a step
	Bias   []float64 // of each state: how much more is earned from there than from state 0, in all
}

// OptimalAverage maximises the mean reward a step, without a discount, by Howard's policy iteration:
// a policy's gain g and bias h solve h + g = r + P h with h(0) = 0 (Puterman, "Markov Decision
// Processes", 1994, sections 8.2.1 and 8.6.1). It fails if a policy that it meets has several sets of
// states that it never leaves, so that the gain depends on where it begins.
func (m *MDP) OptimalAverage(r Reward) (AverageSolution, error) {
	choice := make([]int, m.States)
	for {
		pi := m.Choose(choice)
		g, h, err := m.bias(pi, r)
		if err != nil {
			return AverageSolution{}, err
		}
		scale := 1.0
		for _, x := range h {
			scale = max(scale, math.Abs(x))
		}
		undiscounted := *m
		undiscounted.Gamma = 1
		q, stable := undiscounted.ActionValues(r, h), true
		for s := range m.States {
			for a, x := range q[s*m.Actions : (s+1)*m.Actions] {
				if x > q[s*m.Actions+choice[s]]+1e-10*scale {
					choice[s], stable = a, false
				}
			}
		}
		if stable {
			return AverageSolution{Policy: pi, Gain: g, Bias: h}, nil
		}
	}
}

// bias returns the gain and the bias of a policy. The column of h(0), which is 0, is used for g.
func (m *MDP) bias(pi Policy, r Reward) (gain float64, h []float64, err error) {
	undiscounted := *m
	undiscounted.Gamma = 1
	a, b, mean := undiscounted.chain(pi), mat.NewVecDense(m.States, nil), m.Expected(r)
	for s := range m.States {
		a.Set(s, 0, 1)
		for k := range m.Actions {
			b.SetVec(s, b.AtVec(s)+pi[s*m.Actions+k]*mean[s*m.Actions+k])
		}
	}
	var x mat.VecDense
	if err := x.SolveVec(a, b); err != nil {
		return 0, nil, fmt.Errorf("tabular: a policy's long run depends on where it begins, or hardly does not: %w", err)
	}
	h = append([]float64(nil), x.RawVector().Data...)
	gain, h[0] = h[0], 0
	return gain, h, nil
}

// Regularised returns r less alpha times the divergence of a policy from a prior, in nats, as a reward
// of its own: its Values are those of the objective E sum gamma^t (R - alpha KL(pi | prior)). With
// the uniform prior that is alpha times the policy's entropy more, less a constant. States in which the
// policy does what the prior never does are worth minus infinity.
func (m *MDP) Regularised(r Reward, pi, prior Policy, alpha float64) Reward {
	out := m.NewReward()
	for s := range m.States {
		kl := 0.0
		for a := range m.Actions {
			if p := pi[s*m.Actions+a]; p > 0 {
				kl += p * math.Log(p/prior[s*m.Actions+a])
			}
		}
		for i := m.At(s, 0, 0); i < m.At(s+1, 0, 0); i++ {
			out[i] = r[i] - alpha*kl
		}
	}
	return out
}

// OptimalRegularised maximises E sum gamma^t (R - alpha KL(pi | prior)), for alpha above 0. The best
// policy is prior exp(Q/alpha), normalised (Geist, Scherrer and Pietquin, "A Theory of Regularized
// Markov Decision Processes", ICML 2019, section 3); policy iteration finds it, each step evaluated
// exactly, to 1e-12.
func (m *MDP) OptimalRegularised(r Reward, prior Policy, alpha float64) Solution {
	if !(alpha > 0) || len(prior) != m.States*m.Actions {
		panic(fmt.Sprintf("tabular: regularised by %v with a prior of %d numbers, want above 0 and %d", alpha, len(prior), m.States*m.Actions))
	}
	pi := append(Policy(nil), prior...)
	for {
		v := m.Values(pi, m.Regularised(r, pi, prior, alpha))
		q := m.ActionValues(r, v)
		next, moved := m.soften(q, prior, alpha), 0.0
		for i, p := range next {
			moved = max(moved, math.Abs(p-pi[i]))
		}
		if pi = next; moved < 1e-12 {
			return Solution{Policy: pi, V: v, Q: q}
		}
	}
}

// soften returns prior exp(q/alpha), normalised in each state.
func (m *MDP) soften(q []float64, prior Policy, alpha float64) Policy {
	out := make(Policy, len(q))
	for s := range m.States {
		most, sum := math.Inf(-1), 0.0
		row := out[s*m.Actions : (s+1)*m.Actions]
		for a := range row {
			if prior[s*m.Actions+a] > 0 {
				most = max(most, q[s*m.Actions+a])
			}
		}
		for a := range row {
			if p := prior[s*m.Actions+a]; p > 0 {
				row[a] = p * math.Exp((q[s*m.Actions+a]-most)/alpha)
			}
			sum += row[a]
		}
		for a := range row {
			row[a] /= sum
		}
	}
	return out
}
