package tabular

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

func small(seed uint64) (*MDP, Reward) {
	m := Random(Family{States: 5, Actions: 3, Gamma: 0.9, Branch: 3}, rng.New(seed))
	return m, m.RandomReward(rng.New(seed + 100))
}

// Against all 243 deterministic policies, evaluated by iteration instead of by solving.
func TestOptimalAgainstBruteForce(t *testing.T) {
	for seed := range uint64(5) {
		m, r := small(seed)
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		best := math.Inf(-1)
		for code := range 243 {
			choice, c := make([]int, 5), code
			for s := range choice {
				choice[s], c = c%3, c/3
			}
			v := make([]float64, 5)
			for range 400 {
				next := make([]float64, 5)
				for s, a := range choice {
					for n, p := range m.Row(s, a) {
						next[s] += p * (r[m.At(s, a, n)] + 0.9*v[n])
					}
				}
				v = next
			}
			j := 0.0
			for _, x := range v {
				j += x / 5
			}
			best = max(best, j)
		}
		sol := m.Optimal(r)
		if got := m.Return(sol.Policy, r); math.Abs(got-best) > 1e-9 {
			t.Errorf("seed %d: optimal return %v, the best of all policies has %v", seed, got, best)
		}
		for s := range m.States { // Bellman's equation
			most := math.Inf(-1)
			for _, q := range sol.Q[s*3 : s*3+3] {
				most = max(most, q)
			}
			if math.Abs(most-sol.V[s]) > 1e-9 {
				t.Errorf("seed %d, state %d: value %v, best action %v", seed, s, sol.V[s], most)
			}
		}
	}
}

// The return is the reward weighted by the occupancy, which sums to 1/(1-gamma).
func TestOccupancy(t *testing.T) {
	m, r := small(7)
	pi := m.Uniform()
	pi[0], pi[1], pi[2] = 0.7, 0.3, 0
	d, mean, sum, j := m.Occupancy(pi), m.Expected(r), 0.0, 0.0
	for i := range d {
		sum += d[i]
		j += d[i] * mean[i]
	}
	if math.Abs(sum-10) > 1e-9 || math.Abs(j-m.Return(pi, r)) > 1e-9 {
		t.Errorf("occupancy sums to %v, want 10; return by it %v, want %v", sum, j, m.Return(pi, r))
	}
}

// A corridor of n cells pays 1 at its end: the value k steps before it is gamma^(k-1)/(1-gamma).
func TestGrid(t *testing.T) {
	g, err := NewGrid([]string{"S...", "####"}, 0.5, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := g.NewReward()
	for s := range g.States {
		for a := range g.Actions {
			r[g.At(s, a, 3)] = 1
		}
	}
	sol := g.Optimal(r)
	for s, want := range []float64{0.5, 1, 2, 2} { // at the end itself bumping stays and is paid
		if math.Abs(sol.V[s]-want) > 1e-12 {
			t.Errorf("cell %d: value %v, want %v", s, sol.V[s], want)
		}
	}
	for _, bad := range [][]string{nil, {""}, {"##"}, {"..", "."}} {
		if _, err := NewGrid(bad, 0.5, 0); err == nil {
			t.Errorf("plan %q is accepted", bad)
		}
	}
}

// From D one walks 3 cells to P and 3 back: a parcel every 6 steps, the first after 3.
func TestDelivery(t *testing.T) {
	d, err := NewDelivery([]string{"P..D"}, 0.9, 0)
	if err != nil {
		t.Fatal(err)
	}
	sol := d.Optimal(d.Delivered())
	n := d.Grid.States
	want := math.Pow(0.9, 2) / (1 - math.Pow(0.9, 6)) // on board at P
	if got := sol.V[n+d.P]; math.Abs(got-want) > 1e-12 {
		t.Errorf("value at P with the parcel %v, want %v", got, want)
	}
	for _, bad := range [][]string{{"P.."}, {"PDD"}, {"D.."}} {
		if _, err := NewDelivery(bad, 0.9, 0); err == nil {
			t.Errorf("plan %q is accepted", bad)
		}
	}
}

func TestInvariance(t *testing.T) {
	for seed := range uint64(4) {
		m, r := small(seed)
		phi := []float64{1, -2, 3, 0.5, 10}
		p := m.Invariance(r, m.Shaped(r, phi))
		if !p.Shaped || !p.Same || p.Residual > 1e-9 {
			t.Errorf("seed %d: shaping is not found out: %+v", seed, p)
		}
		for s := range phi {
			if math.Abs(p.Potential[s]-phi[s]) > 1e-6 {
				t.Errorf("seed %d: potential %v, want %v", seed, p.Potential, phi)
				break
			}
		}
		// A bonus for one action is no shaping, and turns what is optimal round.
		odd := append(Reward(nil), r...)
		for n := range m.States {
			odd[m.At(2, 1, n)] += 50
			odd[m.At(3, 1, n)] += 50
		}
		if p := m.Invariance(r, odd); p.Shaped || p.Residual < 1 {
			t.Errorf("seed %d: a bonus passes for shaping: %+v", seed, p)
		}
		if p := m.Invariance(r, r.Negative()); p.Shaped || p.Same || p.Witness < 0 {
			t.Errorf("seed %d: the contrary passes for the same: %+v", seed, p)
		}
	}
}

// Redistribution among successors changes the reward and no return.
func TestRedistributed(t *testing.T) {
	m, r := small(3)
	o := m.Redistributed(r, 2, rng.New(9))
	moved := 0.0
	for i := range r {
		moved = max(moved, math.Abs(o[i]-r[i]))
	}
	if a, b := m.Return(m.Uniform(), r), m.Return(m.Uniform(), o); math.Abs(a-b) > 1e-10 || moved < 1 {
		t.Errorf("returns %v and %v, largest change %v", a, b, moved)
	}
}

func TestValidate(t *testing.T) {
	m, _ := small(1)
	m.P[0] += 0.5
	if m.Validate() == nil {
		t.Error("probabilities that sum to 1.5 are valid")
	}
	m, _ = small(1)
	m.Gamma = 1
	if m.Validate() == nil {
		t.Error("gamma of 1 is valid")
	}
}
