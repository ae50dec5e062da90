package prefmodel

import (
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// features of a step: one for every step, and what the cell holds that it leads to.
const (
	step = iota
	rough
	coin
	hazard // ends the episode
	goal   // ends the episode
	bump   // into a wall or a block, which leaves the agent where it is
	features
)

const (
	discount = 0.999
	moves    = 4
)

// A world is a deterministic delivery grid. States are its cells; those that end an episode have
// no way out and value 0.
type world struct {
	n      int
	cell   []int // what a cell holds: one of the features, step for nothing, -1 for a block
	truth  []float64
	starts []int // cells an episode may begin in
}

const purpose rng.Purpose = 0x70726566

// newWorld draws a grid of 5 to 7 squared and the true reward.
func newWorld(seed uint64) *world {
	r := rng.New(seed).Stream(purpose, 0, 0)
	w := &world{n: 5 + r.IntN(3), truth: make([]float64, features)}
	w.cell = make([]int, w.n*w.n)
	for i := range w.cell {
		switch x := r.Float64(); {
		case x < 0.10:
			w.cell[i] = -1
		case x < 0.20:
			w.cell[i] = hazard
		case x < 0.35:
			w.cell[i] = coin
		case x < 0.55:
			w.cell[i] = rough
		}
	}
	w.cell[r.IntN(len(w.cell))] = goal
	for i, c := range w.cell {
		if c == step || c == rough || c == coin {
			w.starts = append(w.starts, i)
		}
	}
	w.truth = randomReward(&r)
	return w
}

// randomReward draws weights of either sign as the authors' random tasks have them: ends are worth
// many steps or none, the rest a few.
func randomReward(r *rng.Stream) []float64 {
	pick := func(x ...float64) float64 { return x[r.IntN(len(x))] }
	w := make([]float64, features)
	w[step] = -1
	w[rough] = pick(-4, -2, -1, 0.5)
	w[coin] = pick(-2, -1, 0.5, 0.9)
	w[hazard] = pick(-50, -10, -5, -2)
	w[goal] = pick(0, 1, 5, 10, 50)
	w[bump] = pick(-5, -2, -1)
	return w
}

// move returns where a move leads, or -1 if it ends the episode there, and adds its features.
func (w *world) move(s, a int, phi []float64) int {
	x, y := s%w.n, s/w.n
	dx, dy := [moves]int{1, 0, -1, 0}[a], [moves]int{0, 1, 0, -1}[a]
	to := s
	if nx, ny := x+dx, y+dy; nx >= 0 && ny >= 0 && nx < w.n && ny < w.n && w.cell[ny*w.n+nx] != -1 {
		to = ny*w.n + nx
	} else {
		phi[bump]++
	}
	phi[step]++
	c := w.cell[to]
	if c > step {
		phi[c]++
	}
	if c == hazard || c == goal {
		return -1
	}
	return to
}

// successor returns the discounted sums of features of a policy, one row a state: the solution of
// psi = phi + discount P psi. policy[s*moves+a] is the probability of a move.
func (w *world) successor(policy []float64) (*mat.Dense, error) {
	n := len(w.cell)
	a, b := mat.NewDense(n, n, nil), mat.NewDense(n, features, nil)
	for s := range n {
		a.Set(s, s, 1)
		if c := w.cell[s]; c == -1 || c == hazard || c == goal {
			continue
		}
		for m := range moves {
			p := policy[s*moves+m]
			if p == 0 {
				continue
			}
			phi := make([]float64, features)
			to := w.move(s, m, phi)
			for k, f := range phi {
				b.Set(s, k, b.At(s, k)+p*f)
			}
			if to >= 0 {
				a.Set(s, to, a.At(s, to)-discount*p)
			}
		}
	}
	psi := new(mat.Dense)
	if err := psi.Solve(a, b); err != nil {
		return nil, fmt.Errorf("successor features: %w", err)
	}
	return psi, nil
}

// optimal returns an optimal deterministic policy for a reward and its successor features, by
// policy iteration (Howard 1960).
func (w *world) optimal(reward []float64) (policy []float64, psi *mat.Dense, err error) {
	n := len(w.cell)
	policy = make([]float64, n*moves)
	for s := range n {
		policy[s*moves] = 1
	}
	for range 200 {
		if psi, err = w.successor(policy); err != nil {
			return nil, nil, err
		}
		value := make([]float64, n)
		for s := range n {
			for k, r := range reward {
				value[s] += psi.At(s, k) * r
			}
		}
		changed := false
		for _, s := range w.starts {
			now, best, most := -1, -1, 0.0
			var q [moves]float64
			for m := range moves {
				if policy[s*moves+m] == 1 {
					now = m
				}
				phi := make([]float64, features)
				to := w.move(s, m, phi)
				for k, f := range phi {
					q[m] += f * reward[k]
				}
				if to >= 0 {
					q[m] += discount * value[to]
				}
				if best < 0 || q[m] > most {
					best, most = m, q[m]
				}
			}
			if most > q[now]+1e-9 {
				policy[s*moves+now], policy[s*moves+best] = 0, 1
				changed = true
			}
		}
		if !changed {
			return policy, psi, nil
		}
	}
	return nil, nil, fmt.Errorf("policy iteration does not end")
}

// worth returns the mean over starts of the true return of a policy with successor features psi.
func (w *world) worth(psi *mat.Dense) (sum float64) {
	for _, s := range w.starts {
		for k, r := range w.truth {
			sum += psi.At(s, k) * r
		}
	}
	return sum / float64(len(w.starts))
}

// uniform returns the policy that moves anywhere.
func (w *world) uniform() []float64 {
	p := make([]float64, len(w.cell)*moves)
	for i := range p {
		p[i] = 1.0 / moves
	}
	return p
}
