// Package tabular holds worlds of few states, in which everything about rewards and policies can be
// computed exactly: values, optimal policies, occupancies. What is claimed of rewards is proved here
// before it is measured in worlds of physics.
//
//	m := tabular.Random(tabular.Family{States: 32, Actions: 4, Gamma: 0.95, Branch: 4}, rng.New(1))
//	best := m.Optimal(r)                      // values, and a policy
//	j := m.Return(best.Policy, r)             // what it earns from the start
//
// Rewards are tables of their own, not part of the world: several are compared in one. The formulas
// are those of Sutton and Barto, "Reinforcement Learning" (2018), chapters 3 and 4.
package tabular

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// An MDP is a Markov decision process without a reward.
type MDP struct {
	States, Actions int
	Gamma           float64   // discount factor, 0 or more and below 1
	P               []float64 // of state s, action a, successor n: P[(s*Actions+a)*States+n]; rows sum to 1
	Start           []float64 // probability to begin in each state
}

// A Reward is a number for each state, action and successor, laid out as MDP.P.
type Reward []float64

// A Policy is the probability of each action in each state: Policy[s*Actions+a].
type Policy []float64

// Validate reports the first thing wrong with m.
func (m *MDP) Validate() error {
	switch {
	case m.States < 1 || m.Actions < 1:
		return fmt.Errorf("tabular: %d states and %d actions, want at least 1 of each", m.States, m.Actions)
	case !(m.Gamma >= 0 && m.Gamma < 1):
		return fmt.Errorf("tabular: gamma is %v, want 0 or more and below 1", m.Gamma)
	case len(m.P) != m.States*m.Actions*m.States || len(m.Start) != m.States:
		return fmt.Errorf("tabular: %d transition and %d start probabilities, want %d and %d",
			len(m.P), len(m.Start), m.States*m.Actions*m.States, m.States)
	}
	for i := range m.States * m.Actions {
		if err := distribution(m.P[i*m.States : (i+1)*m.States]); err != nil {
			return fmt.Errorf("tabular: successors of state %d, action %d: %w", i/m.Actions, i%m.Actions, err)
		}
	}
	if err := distribution(m.Start); err != nil {
		return fmt.Errorf("tabular: start: %w", err)
	}
	return nil
}

func distribution(p []float64) error {
	sum := 0.0
	for _, x := range p {
		if !(x >= 0) {
			return fmt.Errorf("a probability is %v", x)
		}
		sum += x
	}
	if math.Abs(sum-1) > 1e-9 {
		return fmt.Errorf("the probabilities sum to %v, want 1", sum)
	}
	return nil
}

// NewReward returns a reward of 0.
func (m *MDP) NewReward() Reward { return make(Reward, len(m.P)) }

// At returns where the number of a state, action and successor stands in P and in a Reward.
func (m *MDP) At(s, a, n int) int { return (s*m.Actions+a)*m.States + n }

// Row returns the probabilities of the successors of a state and action.
func (m *MDP) Row(s, a int) []float64 { return m.P[m.At(s, a, 0):m.At(s, a, m.States)] }

// Uniform returns the policy that takes all actions alike.
func (m *MDP) Uniform() Policy {
	p := make(Policy, m.States*m.Actions)
	for i := range p {
		p[i] = 1 / float64(m.Actions)
	}
	return p
}

// Expected returns the mean reward of each state and action.
func (m *MDP) Expected(r Reward) []float64 {
	out := make([]float64, m.States*m.Actions)
	for i := range out {
		for n, p := range m.P[i*m.States : (i+1)*m.States] {
			out[i] += p * r[i*m.States+n]
		}
	}
	return out
}

// chain returns I - gamma P of a policy.
func (m *MDP) chain(pi Policy) *mat.Dense {
	a := mat.NewDense(m.States, m.States, nil)
	for s := range m.States {
		for k := range m.Actions {
			for n, p := range m.Row(s, k) {
				a.Set(s, n, a.At(s, n)-m.Gamma*pi[s*m.Actions+k]*p)
			}
		}
		a.Set(s, s, a.At(s, s)+1)
	}
	return a
}

// Values returns the value of each state under a policy: the solution of v = r + gamma P v
// (Sutton and Barto, eq. 4.4).
func (m *MDP) Values(pi Policy, r Reward) []float64 {
	mean := m.Expected(r)
	b := mat.NewVecDense(m.States, nil)
	for s := range m.States {
		for k := range m.Actions {
			b.SetVec(s, b.AtVec(s)+pi[s*m.Actions+k]*mean[s*m.Actions+k])
		}
	}
	var v mat.VecDense
	if err := v.SolveVec(m.chain(pi), b); err != nil {
		var c mat.Condition
		if !errors.As(err, &c) { // an ill-conditioned chain is still solved
			panic(fmt.Sprintf("tabular: values: %v", err))
		}
	}
	return v.RawVector().Data
}

// Return returns the discounted return of a policy from the start.
func (m *MDP) Return(pi Policy, r Reward) (j float64) {
	for s, v := range m.Values(pi, r) {
		j += m.Start[s] * v
	}
	return j
}

// Occupancy returns the discounted number of times that each state and action is visited from the
// start: the sum over t of gamma^t P(s_t = s, a_t = a). It adds up to 1/(1-Gamma).
func (m *MDP) Occupancy(pi Policy) []float64 {
	var d mat.VecDense
	if err := d.SolveVec(m.chain(pi).T(), mat.NewVecDense(m.States, append([]float64(nil), m.Start...))); err != nil {
		var c mat.Condition
		if !errors.As(err, &c) {
			panic(fmt.Sprintf("tabular: occupancy: %v", err))
		}
	}
	out := make([]float64, m.States*m.Actions)
	for i := range out {
		out[i] = d.AtVec(i/m.Actions) * pi[i]
	}
	return out
}

// ActionValues returns the value of each action in each state, given the values of the states.
func (m *MDP) ActionValues(r Reward, v []float64) []float64 {
	q := m.Expected(r)
	for i := range q {
		for n, p := range m.P[i*m.States : (i+1)*m.States] {
			q[i] += m.Gamma * p * v[n]
		}
	}
	return q
}

// A Solution is what is best under a reward.
type Solution struct {
	Policy Policy    // deterministic: the first of equally good actions
	V      []float64 // values of states
	Q      []float64 // of states and actions
}

// Optimal solves the world by policy iteration (Sutton and Barto, section 4.3). Actions count as
// better only by more than 1e-10 of the largest value, so that it ends.
func (m *MDP) Optimal(r Reward) Solution {
	choice := make([]int, m.States)
	for {
		pi := m.Choose(choice)
		v := m.Values(pi, r)
		q := m.ActionValues(r, v)
		scale := 1.0
		for _, x := range v {
			scale = max(scale, math.Abs(x))
		}
		stable := true
		for s := range m.States {
			for a, x := range q[s*m.Actions : (s+1)*m.Actions] {
				if x > q[s*m.Actions+choice[s]]+1e-10*scale {
					choice[s], stable = a, false
				}
			}
		}
		if stable {
			return Solution{Policy: pi, V: v, Q: q}
		}
	}
}

// Choose returns the policy that takes the given action in each state.
func (m *MDP) Choose(actions []int) Policy {
	p := make(Policy, m.States*m.Actions)
	for s, a := range actions {
		p[s*m.Actions+a] = 1
	}
	return p
}

// Shaped returns r with a potential: r + gamma phi(successor) - phi(state) (Ng, Harada and Russell,
// "Policy invariance under reward transformations", 1999, theorem 1).
func (m *MDP) Shaped(r Reward, phi []float64) Reward {
	out := m.NewReward()
	for i := range out {
		out[i] = r[i] + m.Gamma*phi[i%m.States] - phi[i/m.States/m.Actions]
	}
	return out
}

// Negative returns -r.
func (r Reward) Negative() Reward {
	out := make(Reward, len(r))
	for i, x := range r {
		out[i] = -x
	}
	return out
}
