package eval

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tabular"
)

func tables(seed uint64) (*tabular.MDP, tabular.Reward) {
	m := tabular.Random(tabular.Family{States: 8, Actions: 3, Gamma: 0.9, Branch: 3}, rng.New(seed))
	return m, m.RandomReward(rng.New(seed + 50))
}

// What changes no policy's rank is no distance to STARC; the opposite is the largest one.
func TestExactInvariance(t *testing.T) {
	for seed := range uint64(5) {
		m, r := tables(seed)
		phi := m.RandomReward(rng.New(seed + 90))[:m.States]
		same := m.Redistributed(m.Shaped(r, phi), 1, rng.New(seed+70))
		for i := range same {
			same[i] *= 2.5
		}
		if d := ExactSTARC(m, r, same); d > 1e-8 {
			t.Errorf("seed %d: distance of an equivalent reward %v", seed, d)
		}
		if d := ExactSTARC(m, r, r.Negative()); math.Abs(d-2) > 1e-12 {
			t.Errorf("seed %d: distance of the opposite %v, want 2", seed, d)
		}
		if d := ExactRegret(m, r, same); d > 1e-9 {
			t.Errorf("seed %d: regret of an equivalent reward %v", seed, d)
		}
		if d := ExactRegret(m, r, r.Negative()); math.Abs(d-1) > 1e-9 {
			t.Errorf("seed %d: regret of the opposite %v, want 1", seed, d)
		}
		// EPIC and DARD know shaping and scale, not redistribution.
		shaped := m.Shaped(r, phi)
		for i := range shaped {
			shaped[i] *= 2.5
		}
		if e, d := ExactEPIC(m, r, shaped), ExactDARD(m, r, shaped); e > 1e-6 || d > 1e-6 {
			t.Errorf("seed %d: EPIC %v, DARD %v of a shaped reward", seed, e, d)
		}
		if e, d := ExactEPIC(m, r, r.Negative()), ExactDARD(m, r, r.Negative()); math.Abs(e-1) > 1e-9 || math.Abs(d-1) > 1e-9 {
			t.Errorf("seed %d: EPIC %v, DARD %v of the opposite, want 1", seed, e, d)
		}
	}
	m, r := tables(1)
	if d := ExactSTARC(m, m.NewReward(), r); math.Abs(d-1) > 1e-12 {
		t.Errorf("distance of nothing to something %v, want 1", d)
	}
}

// The canonical form of DARD against a Monte Carlo estimate of its definition.
func TestExactDARDDefinition(t *testing.T) {
	m, r := tables(3)
	c := dardCanonical(m, r)
	s := rng.New(4).Stream(9, 0, 0)
	draw := func(p []float64) int {
		u := s.Float64()
		for n, x := range p {
			if u -= x; u < 0 {
				return n
			}
		}
		return len(p) - 1
	}
	const from, act, to, draws = 2, 1, 5, 200_000
	sum, square := 0.0, 0.0
	for range draws {
		a := s.IntN(m.Actions)
		x, y := draw(m.Row(from, a)), draw(m.Row(to, a))
		d := m.Gamma*r[m.At(to, a, y)] - r[m.At(from, a, x)] - m.Gamma*r[m.At(x, a, y)]
		sum += d
		square += d * d
	}
	mean := sum / draws
	dev := math.Sqrt((square/draws - mean*mean) / draws)
	if got, want := c[m.At(from, act, to)], r[m.At(from, act, to)]+mean; math.Abs(got-want) > 4*dev {
		t.Errorf("canonical reward %v, by sampling %v +- %v", got, want, dev)
	}
}
