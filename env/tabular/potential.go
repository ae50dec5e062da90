package tabular

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
)

// A Proof tells whether one reward is another, shaped by a potential. If it is, both have the same
// optimal policies in every world, whatever else is in it (Ng, Harada and Russell, 1999, theorem 1);
// if it is not, there are worlds in which they have not, and Holds and Witness tell of this one.
type Proof struct {
	Shaped    bool      // the difference is gamma phi(successor) - phi(state), within 1e-9 of its size
	Potential []float64 // phi, the least-squares one; it is determined up to what no reward sees
	Residual  float64   // the largest difference that phi leaves unexplained
	State     int       // where that is
	Action    int
	Successor int

	Same    bool // in this world, the same actions are optimal in every state
	Witness int  // the first state where they are not, or -1
}

// Invariance compares a reward with a shaped one. Transitions that never happen do not count.
func (m *MDP) Invariance(r, shaped Reward) Proof {
	var rows []int
	size := 0.0
	for i, p := range m.P {
		if p > 0 {
			rows = append(rows, i)
			size = max(size, math.Abs(shaped[i]-r[i]))
		}
	}
	a, b := mat.NewDense(len(rows)+m.States, m.States, nil), mat.NewVecDense(len(rows)+m.States, nil)
	for k, i := range rows {
		s, n := i/m.States/m.Actions, i%m.States
		a.Set(k, n, a.At(k, n)+m.Gamma)
		a.Set(k, s, a.At(k, s)-1)
		b.SetVec(k, shaped[i]-r[i])
	}
	for s := range m.States { // a state without transitions has no potential to find
		a.Set(len(rows)+s, s, 1e-12)
	}
	var phi mat.VecDense
	if err := phi.SolveVec(a, b); err != nil {
		var c mat.Condition
		if !errors.As(err, &c) {
			panic("tabular: potential: " + err.Error())
		}
	}
	p := Proof{Potential: phi.RawVector().Data, Witness: -1, Same: true}
	for _, i := range rows {
		s, n := i/m.States/m.Actions, i%m.States
		if d := math.Abs(shaped[i] - r[i] - m.Gamma*p.Potential[n] + p.Potential[s]); d > p.Residual {
			p.Residual, p.State, p.Action, p.Successor = d, s, i/m.States%m.Actions, n
		}
	}
	p.Shaped = p.Residual <= 1e-9*max(1, size)
	x, y := m.Best(r), m.Best(shaped)
	for s := range m.States {
		for k := range m.Actions {
			if x[s*m.Actions+k] != y[s*m.Actions+k] && p.Same {
				p.Same, p.Witness = false, s
			}
		}
	}
	return p
}

// Best reports which actions are optimal in each state, up to 1e-8 of the largest value.
func (m *MDP) Best(r Reward) []bool {
	sol := m.Optimal(r)
	scale := 1.0
	for _, v := range sol.V {
		scale = max(scale, math.Abs(v))
	}
	out := make([]bool, len(sol.Q))
	for i, q := range sol.Q {
		out[i] = q >= sol.V[i/m.Actions]-1e-8*scale
	}
	return out
}
