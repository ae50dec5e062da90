// Package prefmodel checks what Knox et al., "Models of human preference for learning reward
// functions" (2022), claim: that preferences by regret tell more of a reward than preferences by
// partial return do. See the README beside it.
package prefmodel

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func init() {
	papers.Register(papers.Claim{
		Name: "prefmodel", Paper: "Knox et al. 2022",
		Doc:  "Regret preferences teach a reward from fewer labels than partial-return preferences do.",
		Arms: []string{"regret", "partial", "crossed", "off"}, Treatment: "regret", Control: "off",
		Seeds: map[papers.Scale]int{papers.Smoke: 12, papers.Quick: 30, papers.Full: 100},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.McNemar("near/exact/300", "regret", "partial", 0.05),
			papers.Share("near/exact/300", "regret", 0.8),
			ahead("near/logistic/100", "regret", "partial"),
			ahead("near/logistic/300", "regret", "partial"),
		},
		Also: []papers.Bound{
			papers.Greater("near/exact/30", "regret", "partial", 0),
			papers.Greater("near/exact/300", "regret", "crossed", 0),
			papers.Above("near/exact/300", "partial", 0.5),
			papers.Greater("return/exact/300", "regret", "partial", 0),
		},
	})
}

// ahead says that metric is 1 for more seeds in arm a than in arm b: the same sign, as the card
// asks for.
func ahead(metric, a, b string) papers.Bound {
	return papers.Point(fmt.Sprintf("%s: seeds of %s - %s > 0", metric, a, b), 0, false, func(t *papers.Table) (d float64, err error) {
		x, y, err := t.Pair(metric, a, b)
		for i := range x {
			d += x[i] - y[i]
		}
		return d, err
	})
}

const (
	length   = 3 // steps of a segment
	poolSize = 60
	most     = 300 // pairs
)

// budgets are the numbers of pairs learned from.
var budgets = []int{30, 100, most}

// A walk is a segment: its features, and the places it is between, the end -1 if it ended.
type walk struct {
	phi        []float64
	start, end int
}

// cell learns the reward of a random world from labels of one model with a learner of one model.
// Worlds, segments and, but for their noise, labels are the same for all arms of a seed.
//
//	regret   labels and learner by regret
//	partial  labels and learner by partial return
//	crossed  labels by regret, learner by partial return
//	off      as partial, by the code of regret with values that are all 0
func cell(c papers.Cell) (papers.Row, error) {
	w := newWorld(c.Seed)
	key := rng.New(c.Seed)
	r := key.Stream(purpose, 1, 0)
	_, truePsi, err := w.optimal(w.truth)
	if err != nil {
		return nil, err
	}
	base, err := w.successor(w.uniform())
	if err != nil {
		return nil, err
	}
	pool, err := w.pool(&r)
	if err != nil {
		return nil, err
	}
	walks := make([]walk, 2*most)
	for i := range walks {
		walks[i] = w.walk(&r)
	}
	row := papers.Row{}
	for noise, name := range []string{"exact", "logistic"} {
		draw := key.Stream(purpose, 2, uint32(noise))
		var pairs []model.LinearPair
		for i := range most {
			a, b := walks[2*i], walks[2*i+1]
			byRegret := c.Arm == "regret" || c.Arm == "crossed"
			d := w.utility(a, byRegret, truePsi) - w.utility(b, byRegret, truePsi)
			u := draw.Float64()
			p := model.LinearPair{A: utility(a, c.Arm), B: utility(b, c.Arm)}
			switch {
			case noise == 0 && math.Abs(d) < 1e-6:
				p.Label = 0.5
			case noise == 0 && d > 0, noise == 1 && u < 1/(1+math.Exp(-d)):
				p.Label = 1
			}
			pairs = append(pairs, p)
		}
		for _, n := range budgets {
			l := model.NewLinear(pool)
			if c.Arm == "off" {
				l.Pool = zeros(len(pool))
			}
			weights, _, err := l.Fit(pairs[:n], features, key)
			if err != nil {
				return nil, err
			}
			_, psi, err := w.optimal(weights)
			if err != nil {
				return nil, err
			}
			j := (w.worth(psi) - w.worth(base)) / (w.worth(truePsi) - w.worth(base))
			at := fmt.Sprintf("%s/%d", name, n)
			row["return/"+at] = math.Max(j, -1) // one world must not outweigh all others
			row["near/"+at] = 0
			if j > 0.9 {
				row["near/"+at] = 1
			}
		}
	}
	return row, c.Context.Err()
}

func utility(x walk, arm string) model.Utility {
	if arm == "partial" || arm == "crossed" {
		return model.PartialReturn(x.phi)
	}
	return model.Regret(x.phi, x.start, x.end)
}

func zeros(places int) [][][]float64 {
	z := make([][][]float64, places)
	for i := range z {
		z[i] = [][]float64{make([]float64, features)}
	}
	return z
}

// pool returns the successor features, at each cell, of policies that are optimal for random
// rewards: half of them drawn as tasks are, half normal. The true one is among them by accident only.
func (w *world) pool(r *rng.Stream) ([][][]float64, error) {
	out := make([][][]float64, len(w.cell))
	for i := range poolSize {
		reward := randomReward(r)
		if i%2 == 1 {
			for k := range reward {
				reward[k] = float64(r.Norm())
			}
		}
		_, psi, err := w.optimal(reward)
		if err != nil {
			return nil, err
		}
		for s := range out {
			out[s] = append(out[s], mat.Row(nil, s, psi))
		}
	}
	return out, nil
}

// walk moves at random from a random start, at most length steps.
func (w *world) walk(r *rng.Stream) walk {
	x := walk{phi: make([]float64, features), start: w.starts[r.IntN(len(w.starts))]}
	x.end = x.start
	for range length {
		if x.end = w.move(x.end, r.IntN(moves), x.phi); x.end < 0 {
			break
		}
	}
	return x
}

// utility is what the labels go by: the true partial return, or minus the true deterministic regret.
func (w *world) utility(x walk, byRegret bool, psi *mat.Dense) (u float64) {
	for k, r := range w.truth {
		u += x.phi[k] * r
		if byRegret {
			u -= psi.At(x.start, k) * r
			if x.end >= 0 {
				u += psi.At(x.end, k) * r
			}
		}
	}
	return u
}
