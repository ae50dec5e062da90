package spec

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/terrarium-rl/terrarium/env/tabular"
)

// A Labels is the set of atoms that hold in each state of a world, as bits in the order of
// Machine.Atoms. A machine reads that of the state a step leads to.
type Labels []int

// Product joins a machine to a world: state u*m.States+s is state s of the world with the machine in
// u. It also returns the machine's reward there. Optimal policies of the product are best for the
// objective among all policies that remember the machine.
func Product(m *tabular.MDP, labels Labels, machine *Machine) (*tabular.MDP, tabular.Reward, error) {
	if len(labels) != m.States {
		return nil, nil, fmt.Errorf("spec: labels of %d states, want %d", len(labels), m.States)
	}
	n, k := m.States, len(machine.Names)
	p := &tabular.MDP{States: n * k, Actions: m.Actions, Gamma: m.Gamma, Start: make([]float64, n*k)}
	p.P = make([]float64, p.States*p.Actions*p.States)
	copy(p.Start, m.Start)
	r := p.NewReward()
	for u := range k {
		for s := range n {
			for a := range m.Actions {
				for to, prob := range m.Row(s, a) {
					if prob == 0 {
						continue
					}
					v := machine.Next[u][labels[to]]
					i := p.At(u*n+s, a, v*n+to)
					p.P[i] += prob
					r[i] = machine.Reward[u][labels[to]]
				}
			}
		}
	}
	return p, r, p.Validate()
}

// Lift returns the policy of a product that acts by the state of the world alone.
func Lift(m *tabular.MDP, machine *Machine, pi tabular.Policy) tabular.Policy {
	var out tabular.Policy
	for range machine.Names {
		out = append(out, pi...)
	}
	return out
}

// LongRun returns the share of time that a policy spends in each state and action in the long run,
// from the start: the limit of averages over ever longer times. As a reward of each, times these
// shares, gives the mean reward a step, it is what average-reward objectives see.
func LongRun(m *tabular.MDP, pi tabular.Policy) []float64 {
	n := m.States
	// A chain that stays with probability a half has the same shares, and no periods.
	p := mat.NewDense(n, n, nil)
	for s := range n {
		for a := range m.Actions {
			for to, prob := range m.Row(s, a) {
				p.Set(s, to, p.At(s, to)+pi[s*m.Actions+a]*prob/2)
			}
		}
		p.Set(s, s, p.At(s, s)+0.5)
	}
	for range 40 { // 2^40 steps
		var q mat.Dense
		q.Mul(p, p)
		p.Copy(&q)
		for s := range n { // rounding must not grow with the steps
			sum := mat.Sum(p.RowView(s))
			for to := range n {
				p.Set(s, to, p.At(s, to)/sum)
			}
		}
	}
	out := make([]float64, n*m.Actions)
	for s, start := range m.Start {
		for to := range n {
			for a := range m.Actions {
				out[to*m.Actions+a] += start * p.At(s, to) * pi[to*m.Actions+a]
			}
		}
	}
	return out
}

// Probability returns the probability that a policy of a product fulfils the machine's formula, for
// machines of formulas without G F.
func Probability(p *tabular.MDP, machine *Machine, pi tabular.Policy) float64 {
	n, sum := p.States/len(machine.Names), 0.0
	for i, share := range LongRun(p, pi) {
		if u := i / p.Actions / n; machine.Wins[u] || machine.Keeps[u] {
			sum += share
		}
	}
	return sum
}
