// Package gpm checks what Zhang et al., "General Preference Modeling with Preference Representations
// for Aligning Language Models" (ICML 2025), claim: that representations with a skew-symmetric score
// model cycles of preference where Bradley and Terry's model guesses, at no loss elsewhere, and lead to
// policies that are harder to exploit. See the README beside it.
package gpm

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func init() {
	papers.Register(papers.Claim{
		Name: "gpm", Paper: "Zhang et al. 2025",
		Doc:  "A skew-symmetric score models cyclic preferences where Bradley-Terry guesses, and is harder to exploit.",
		Arms: []string{"gpm", "bradley-terry", "pairwise", "coin"}, Treatment: "gpm", Control: "coin",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 30},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Above("cyclic", "gpm", 0.9),
			papers.Above("cyclic", "bradley-terry", 0.45),
			papers.Under("cyclic", "bradley-terry", 0.55),
			papers.Less("transitive", "bradley-terry", "gpm", 0.03),
			papers.Under("asymmetry", "gpm", 1e-6),
			papers.Greater("half exploitability", "bradley-terry", "gpm", 0),
		},
		Also: []papers.Bound{
			papers.Greater("cyclic", "gpm", "pairwise", -0.01),
			papers.Greater("mixed", "gpm", "bradley-terry", 0),
			papers.Under("exploitability", "gpm", 0.1),
		},
	})
}

// duels is how preferences among styles come about.
var duels = []string{"cyclic", "transitive", "mixed"}

// A rater says which of two trajectories is better.
type rater interface {
	prefer(a, b feedback.View) float64 // probability that a is
}

func cell(c papers.Cell) (papers.Row, error) {
	pairs, questions := 12_000, 2000
	if c.Scale == papers.Smoke {
		pairs, questions = 1500, 500
	}
	row := papers.Row{}
	for i, kind := range duels {
		d, err := newDuel(c.Seed, kind)
		if err != nil {
			return nil, err
		}
		rs := d.ask(pairs, d.key.Fold(1))
		if c.Arm == "coin" {
			r := d.key.Stream(purposeCoin, uint32(i), 0)
			for k := range rs {
				rs[k].Label = float32(r.IntN(2))
			}
		}
		m, err := fit(c.Arm, d, rs)
		if err != nil {
			return nil, err
		}
		right, asymmetry := 0.0, 0.0
		for _, r := range d.ask(questions, d.key.Fold(2)) {
			a, b, err := d.views(r)
			if err != nil {
				return nil, err
			}
			p, q := m.prefer(a, b), m.prefer(b, a)
			asymmetry = max(asymmetry, math.Abs(p+q-1))
			if r.Label == 0 {
				p = 1 - p
			}
			switch {
			case p > 0.5:
				right++
			case p == 0.5:
				right += 0.5
			}
		}
		row[kind] = right / float64(questions)
		if kind == "cyclic" {
			row["asymmetry"] = asymmetry
			x, err := d.exploitability(c.Arm, m)
			if err != nil {
				return nil, err
			}
			row["exploitability"] = x
			// What the claim compares: half of the baselines', the whole of the treatment's.
			row["half exploitability"] = x
			if c.Arm == "bradley-terry" {
				row["half exploitability"] = x / 2
			}
		}
	}
	return row, c.Context.Err()
}

// fit trains the model of an arm.
func fit(arm string, d *duel, rs []feedback.Record) (rater, error) {
	o := rmlab.Fitting()
	o.Epochs, o.Key = 15, d.key
	switch arm {
	case "gpm", "coin":
		g, err := model.NewGeneral(model.GeneralShape{Inputs: []string{"obs", "act"}, Hidden: []int{32, 32}, Dim: 4, Tau: 0.1},
			d.store.Shape(), d.key)
		if err != nil {
			return nil, err
		}
		if err := g.FitInputs(d.store); err != nil {
			return nil, err
		}
		return general{g}, g.Fit(d.store, rs, o)
	case "bradley-terry":
		lab := rmlab.Lab{Store: d.store}
		e, err := lab.Train(rmlab.Shape(), rs, o)
		return bradleyTerry{e: e}, err
	case "pairwise":
		return newPairwise(d, rs, o)
	}
	return nil, fmt.Errorf("unknown arm %q", arm)
}

type general struct{ *model.General }

func (g general) prefer(a, b feedback.View) float64 { return float64(g.Prefer(a, b)) }

type bradleyTerry struct{ e *model.Ensemble }

func (m bradleyTerry) prefer(a, b feedback.View) float64 {
	var p [1]float32
	m.e.Prefer(p[:], a, b)
	return float64(p[0])
}

// pairwise is a network that sees both trajectories, as the means of their steps, once in each
// order: its cost grows with the square of the number of trajectories to be compared.
type pairwise struct {
	e   *model.Ensemble
	out model.Out
}

const half = 10 // numbers that sum a trajectory up: means of observation and action

func together(a, b feedback.View) feedback.Trajectory {
	t := feedback.Trajectory{Obs: make([]float32, 4*half), Reward: make([]float32, 1)}
	for k, v := range []feedback.View{a, b} {
		to, n := t.Obs[k*half:(k+1)*half], float32(v.Len())
		for i := range v.Len() {
			for j, x := range v.Obs[i*v.Shape.Obs : (i+1)*v.Shape.Obs] {
				to[j] += x / n
			}
			for j, x := range v.Act[i*v.Shape.Act : (i+1)*v.Shape.Act] {
				to[v.Shape.Obs+j] += x / n
			}
		}
	}
	return t
}

func newPairwise(d *duel, rs []feedback.Record, o model.Training) (*pairwise, error) {
	both := rmlab.Lab{Store: feedback.NewStore(feedback.Shape{Obs: 2 * half})}
	var seen []feedback.Record
	for _, r := range rs {
		a, b, err := d.views(r)
		if err != nil {
			return nil, err
		}
		var segs [2]feedback.Segment
		for i, t := range []feedback.Trajectory{together(a, b), together(b, a)} {
			id, err := both.Store.Add(&t)
			if err != nil {
				return nil, err
			}
			segs[i] = feedback.Segment{Traj: id, To: 1}
		}
		pair := feedback.Better(segs[0], segs[1])
		pair.Label = r.Label
		seen = append(seen, pair)
	}
	shape := rmlab.Shape()
	shape.Inputs = []string{"obs"}
	o.Epochs = 25 // of one row a trajectory
	e, err := both.Train(shape, seen, o)
	return &pairwise{e: e}, err
}

func (m *pairwise) prefer(a, b feedback.View) float64 {
	var y [2]float64
	for i, t := range []feedback.Trajectory{together(a, b), together(b, a)} {
		m.e.Score(&m.out, feedback.View{Trajectory: t, Shape: feedback.Shape{Obs: 2 * half}, Segment: feedback.Segment{To: 1}})
		y[i] = float64(m.out.Return)
	}
	return 1 / (1 + math.Exp(y[1]-y[0]))
}
