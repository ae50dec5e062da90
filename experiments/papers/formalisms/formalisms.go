// Package formalisms checks what Subramani et al., "On The Expressivity of Objective-Specification
// Formalisms in Reinforcement Learning" (ICLR 2024), prove: which orderings of policies rewards,
// machines, averages, regularised rewards, functions of returns and temporal logic can express, and
// which they cannot. See the README beside it.
package formalisms

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tabular"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/rewards/spec"
)

func init() {
	papers.Register(papers.Claim{
		Name: "formalisms", Paper: "Subramani et al. 2024",
		Doc:  "What sums of rewards cannot order, machines, averages, regularisers or logic can, each something else.",
		Arms: []string{"checker", "credulous"}, Treatment: "checker", Control: "credulous",
		Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 20, papers.Full: 100},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Share("all right", "checker", 1),
			papers.Under("gap", "checker", 1e-6),
		},
		Also: []papers.Bound{papers.Above("right", "checker", 11.99)},
	})
}

// A verdict is a wanted ordering of policies, with what a formalism sees of them, and whether it can
// express it.
type verdict struct {
	name string
	x    [][]float64 // features of each policy
	o    spec.Ordering
	want bool
}

const purposeWorld rng.Purpose = 0x666f7201

func cell(c papers.Cell) (papers.Row, error) {
	r := rng.New(c.Seed).Stream(purposeWorld, 0, 0)
	gamma := 0.8 + 0.19*r.Float64()
	cases, err := all(gamma, &r)
	if err != nil {
		return nil, err
	}
	row := papers.Row{"right": 0, "gap": 0, "all right": 1}
	for _, k := range cases {
		ok := true
		if c.Arm == "checker" {
			v, err := spec.Express(k.x, k.o)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k.name, err)
			}
			ok = v.Ok
			row["gap"] = max(row["gap"], v.Gap)
		}
		row[k.name] = 0
		if ok == k.want {
			row["right"]++
			row[k.name] = 1
		} else {
			row["all right"] = 0
		}
	}
	return row, nil
}

func all(gamma float64, r *rng.Stream) ([]verdict, error) {
	var out []verdict
	for _, f := range []func(float64, *rng.Stream) ([]verdict, error){diamond, eventually, mixture, middle} {
		v, err := f(gamma, r)
		if err != nil {
			return nil, err
		}
		out = append(out, v...)
	}
	return out, nil
}

// world returns a world whose steps lead with certainty from each state by each action.
func world(gamma float64, to [][]int) *tabular.MDP {
	m := &tabular.MDP{States: len(to), Actions: len(to[0]), Gamma: gamma, Start: make([]float64, len(to))}
	m.P = make([]float64, m.States*m.Actions*m.States)
	m.Start[0] = 1
	for s, row := range to {
		for a, n := range row {
			m.P[m.At(s, a, n)] = 1
		}
	}
	return m
}

func features(of func(tabular.Policy) []float64, pis []tabular.Policy) (x [][]float64) {
	for _, pi := range pis {
		x = append(x, of(pi))
	}
	return x
}

// diamond: a first choice, a common place, a second choice. The four policies' occupancies m are such
// that m(00) + m(11) = m(01) + m(10), so that no sum of rewards has 00 and 11 both above 01 and 10; a
// machine that remembers the first choice does, and so does the first action of a history.
func diamond(gamma float64, _ *rng.Stream) ([]verdict, error) {
	// 0 start, 1 and 2 the choice, 3 common, 4 and 5 the choice, 6 end.
	m := world(gamma, [][]int{{1, 2}, {3, 3}, {3, 3}, {4, 5}, {6, 6}, {6, 6}, {6, 6}})
	var pis []tabular.Policy
	for _, c := range [][2]int{{0, 0}, {1, 1}, {0, 1}, {1, 0}} {
		pis = append(pis, m.Choose([]int{c[0], 0, 0, c[1], 0, 0, 0}))
	}
	machine, err := spec.NewMachine([]string{"second"}, []string{"first", "second"}, map[string][]spec.Move{
		"first": {{When: "second", To: "second"}},
	})
	if err != nil {
		return nil, err
	}
	p, _, err := spec.Product(m, spec.Labels{0, 0, 1, 0, 0, 0, 0}, machine)
	if err != nil {
		return nil, err
	}
	same := spec.Ordering{Better: [][2]int{{0, 2}, {0, 3}, {1, 2}, {1, 3}}}
	one := spec.Ordering{Better: [][2]int{{0, 2}, {2, 1}, {3, 1}}}
	remembered := features(func(pi tabular.Policy) []float64 { return p.Occupancy(spec.Lift(m, machine, pi)) }, pis)
	return []verdict{
		{"diamond: rewards", features(m.Occupancy, pis), same, false},
		{"diamond: regularised", features(func(pi tabular.Policy) []float64 { return spec.Spread(m, pi) }, pis), same, false},
		{"diamond: machine", remembered, same, true},
		{"one corner: rewards", features(m.Occupancy, pis), one, true},
	}, nil
}

// eventually: a step is taken with some probability, else one waits. To come there at some time is
// all that counts, so that all positive probabilities are alike: averages say that, and so does the
// probability of F there; sums of discounted rewards cannot, nor can they when regularised.
func eventually(gamma float64, r *rng.Stream) ([]verdict, error) {
	m := world(gamma, [][]int{{0, 1}, {1, 1}})
	var pis []tabular.Policy
	for _, p := range []float64{0.9, 0.5 + 0.2*r.Float64(), 0.1 + 0.2*r.Float64(), 0} {
		pis = append(pis, tabular.Policy{1 - p, p, 1, 0})
	}
	formula, err := spec.ParseLTL("F there")
	if err != nil {
		return nil, err
	}
	machine, err := formula.Machine()
	if err != nil {
		return nil, err
	}
	p, _, err := spec.Product(m, spec.Labels{0, 1}, machine)
	if err != nil {
		return nil, err
	}
	ever := spec.Ordering{Better: [][2]int{{0, 3}}, Equal: [][2]int{{0, 1}, {1, 2}}}
	soon := spec.Ordering{Better: [][2]int{{0, 1}, {1, 2}, {2, 3}}}
	average := func(pi tabular.Policy) []float64 { return visits(m, spec.LongRun(m, pi)) }
	logic := func(pi tabular.Policy) []float64 {
		return []float64{spec.Probability(p, machine, spec.Lift(m, machine, pi))}
	}
	discounted := func(pi tabular.Policy) []float64 { return visits(m, m.Occupancy(pi)) }
	return []verdict{
		{"ever: rewards of states", features(discounted, pis), ever, false},
		{"ever: averages", features(average, pis), ever, true},
		{"ever: logic", features(logic, pis), ever, true},
		{"soon: rewards of states", features(discounted, pis), soon, true},
		{"soon: averages", features(average, pis), soon, false},
	}, nil
}

// visits sums an occupancy up over actions.
func visits(m *tabular.MDP, d []float64) []float64 {
	out := make([]float64, m.States)
	for i, x := range d {
		out[i/m.Actions] += x
	}
	return out
}

// mixture: one place, two actions. To toss a coin is better than either: rewards, linear in the
// probability, cannot say so, with entropy they can.
func mixture(gamma float64, _ *rng.Stream) ([]verdict, error) {
	m := world(gamma, [][]int{{0, 0}})
	pis := []tabular.Policy{{0.5, 0.5}, {1, 0}, {0, 1}}
	coin := spec.Ordering{Better: [][2]int{{0, 1}, {0, 2}}}
	return []verdict{
		{"coin: rewards", features(m.Occupancy, pis), coin, false},
		{"coin: regularised", features(func(pi tabular.Policy) []float64 { return spec.Spread(m, pi) }, pis), coin, true},
	}, nil
}

// middle: a mean speed is wanted, neither more nor less: a function of the return says so.
func middle(gamma float64, r *rng.Stream) ([]verdict, error) {
	m := world(gamma, [][]int{{0, 0}})
	wanted := 0.3 + 0.4*r.Float64()
	pis := []tabular.Policy{{1 - wanted, wanted}, {1, 0}, {0, 1}, {1 - wanted/2, wanted / 2}}
	speed := tabular.Reward{0, 1 - gamma}
	steady := spec.Ordering{Better: [][2]int{{0, 3}, {3, 1}, {0, 2}}}
	return []verdict{{
		"steady: function of the return", features(func(pi tabular.Policy) []float64 {
			return []float64{-math.Pow(m.Return(pi, speed)-wanted, 2)}
		}, pis), steady, true,
	}}, nil
}
