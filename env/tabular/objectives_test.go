package tabular

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// longRun returns the mean reward a step over very many steps, by multiplying the chain out.
func longRun(m *MDP, pi Policy, r Reward) float64 {
	at, next := append([]float64(nil), m.Start...), make([]float64, m.States)
	const burn, steps = 1000, 2000
	mean, sum := m.Expected(r), 0.0
	for t := range burn + steps {
		clear(next)
		for s, p := range at {
			for a := range m.Actions {
				w := p * pi[s*m.Actions+a]
				if w == 0 {
					continue
				}
				if t >= burn {
					sum += w * mean[s*m.Actions+a]
				}
				for n, q := range m.Row(s, a) {
					next[n] += w * q
				}
			}
		}
		at, next = next, at
	}
	return sum / steps
}

// The best mean reward is that of the best of all deterministic policies, each followed for long.
func TestOptimalAverageAgainstBruteForce(t *testing.T) {
	for seed := range uint64(20) {
		m := Random(Family{States: 4, Actions: 2, Gamma: 0.5, Branch: 4}, rng.New(seed))
		r := m.RandomReward(rng.New(seed).Fold(1))
		got, err := m.OptimalAverage(r)
		if err != nil {
			t.Fatal(err)
		}
		best := math.Inf(-1)
		for code := range 1 << m.States {
			choice := make([]int, m.States)
			for s := range choice {
				choice[s] = code >> s & 1
			}
			best = max(best, longRun(m, m.Choose(choice), r))
		}
		if own := longRun(m, got.Policy, r); math.Abs(got.Gain-best) > 1e-6 || math.Abs(own-best) > 1e-6 {
			t.Errorf("seed %d: gain %v, of its policy %v, the best is %v", seed, got.Gain, own, best)
		}
	}
}

// Who discounts much takes the small reward at once, and the mean does not.
func TestAverageIsNotDiscounted(t *testing.T) {
	m, r := Loops(0.5)
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	got, err := m.OptimalAverage(r)
	if err != nil || math.Abs(got.Gain-5./3) > 1e-12 || got.Policy[1] != 1 {
		t.Errorf("%+v, %v; want a gain of 5/3 by the long way", got, err)
	}
	// h(1) + g = h(2) and h(2) + g = 5.
	if math.Abs(got.Bias[2]-(5-5./3)) > 1e-12 || math.Abs(got.Bias[1]-(5-10./3)) > 1e-12 {
		t.Errorf("bias %v", got.Bias)
	}
	if s := m.Optimal(r); s.Policy[0] != 1 {
		t.Errorf("with a discount of a half the policy is %v, want the short way", s.Policy)
	}
	apart := &MDP{States: 2, Actions: 1, Gamma: 0.5, P: []float64{1, 0, 0, 1}, Start: []float64{0.5, 0.5}}
	if _, err := apart.OptimalAverage(apart.NewReward()); err == nil {
		t.Error("two states that are never left are accepted")
	}
}

// The regularised optimum is better than every neighbour and every random policy, has the values of
// the soft Bellman equation, and lies between the prior and the optimum.
func TestOptimalRegularised(t *testing.T) {
	for seed := range uint64(10) {
		m := Random(Family{States: 5, Actions: 3, Gamma: 0.9, Branch: 3}, rng.New(seed))
		r, random := m.RandomReward(rng.New(seed).Fold(1)), rng.New(seed).Stream(9, 0, 0)
		prior := m.random(&random)
		const alpha = 0.3
		got := m.OptimalRegularised(r, prior, alpha)
		value := func(pi Policy) float64 { return m.Return(pi, m.Regularised(r, pi, prior, alpha)) }
		best := value(got.Policy)
		for range 200 {
			other := m.random(&random)
			for _, share := range []float64{1, 0.1, 0.001} {
				mixed := make(Policy, len(other))
				for i := range mixed {
					mixed[i] = (1-share)*got.Policy[i] + share*other[i]
				}
				if v := value(mixed); v > best+1e-12 {
					t.Fatalf("seed %d: %v is worth %v, the optimum %v", seed, mixed, v, best)
				}
			}
		}
		for s := range m.States {
			z := 0.0
			for a := range m.Actions {
				z += prior[s*m.Actions+a] * math.Exp(got.Q[s*m.Actions+a]/alpha)
			}
			if want := alpha * math.Log(z); math.Abs(got.V[s]-want) > 1e-9 {
				t.Errorf("seed %d: value of state %d is %v, want %v", seed, s, got.V[s], want)
			}
		}
		hard := m.Optimal(r)
		if cold := m.OptimalRegularised(r, prior, 1e-4); math.Abs(cold.V[0]-hard.V[0]) > 0.02 {
			t.Errorf("seed %d: with little regularisation state 0 is worth %v, want about %v", seed, cold.V[0], hard.V[0])
		}
		hot := m.OptimalRegularised(r, prior, 1e6)
		for i, p := range hot.Policy {
			if math.Abs(p-prior[i]) > 1e-5 {
				t.Errorf("seed %d: with much regularisation the policy is %v, want the prior %v", seed, hot.Policy, prior)
				break
			}
		}
	}
}

// random returns a policy that may do everything.
func (m *MDP) random(s *rng.Stream) Policy {
	pi := make(Policy, m.States*m.Actions)
	for i := range pi {
		pi[i] = -math.Log(1 - s.Float64())
	}
	for row := pi; len(row) > 0; row = row[m.Actions:] {
		sum := 0.0
		for _, p := range row[:m.Actions] {
			sum += p
		}
		for a := range m.Actions {
			row[a] /= sum
		}
	}
	return pi
}
