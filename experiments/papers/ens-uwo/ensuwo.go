// Package ensuwo checks what Coste, Anwar, Kirk and Krueger, "Reward Model Ensembles Help Mitigate
// Overoptimization" (ICLR 2024), claim: that a careful combination of reward models is over-optimised
// less than a single one under best-of-n, with noisy labels above all. See the README beside it.
package ensuwo

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/combine"
	"github.com/terrarium-rl/terrarium/rewards/eval"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func init() {
	papers.Register(papers.Claim{
		Name: "ens-uwo", Paper: "Coste et al. 2024",
		Doc:  "Ensembles that count disagreement against a behaviour are over-optimised less than a single model.",
		Arms: []string{"uwo-0.5", "uwo-0.1", "worst", "mean", "single"}, Treatment: "uwo-0.5", Control: "single",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 30},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Above("drop", "single", 0),
			papers.Greater("gold@512", "uwo-0.5", "single", 0),
			papers.Greater("gold@512", "worst", "single", 0),
			papers.Times("drop", "uwo-0.5", "single", 0.5, true),
		},
		Also: []papers.Bound{
			papers.Greater("gold@512", "uwo-0.5", "mean", 0),
			papers.Greater("gold@512", "worst", "mean", 0),
			papers.Greater("gold@512", "mean", "single", 0),
			papers.Greater("gold@512", "uwo-0.1", "single", 0),
			papers.Above("clean drop", "single", 0),
			papers.Greater("clean gold@512", "uwo-0.5", "single", 0),
		},
	})
}

const (
	members = 5
	pairs   = 400
	wild    = 0.15 // of the pool that is chosen from, and that annotators never saw
)

// choices are the numbers of behaviours that the best is taken of.
var choices = []int{1, 4, 16, 64, 256, 512}

func cell(c papers.Cell) (papers.Row, error) {
	levels, perLevel := 25, 1024
	if c.Scale == papers.Smoke {
		levels, perLevel = 6, 512
	}
	lab, pool, err := rmlab.NewWithPool(c.Seed, levels, perLevel, wild)
	if err != nil {
		return nil, err
	}
	row := papers.Row{}
	for prefix, flips := range map[string]float64{"": 0.25, "clean ": 0} {
		models, err := train(lab, flips)
		if err != nil {
			return nil, err
		}
		candidates, err := arms(c.Arm, models)
		if err != nil {
			return nil, err
		}
		curve := make([]float64, len(choices))
		for _, s := range candidates {
			for _, segs := range pool.Levels {
				if err := add(curve, s, pool, segs, 1/float64(len(candidates)*len(pool.Levels))); err != nil {
					return nil, err
				}
			}
		}
		peak := curve[0]
		for i, n := range choices {
			row[fmt.Sprintf("%sgold@%d", prefix, n)] = curve[i]
			peak = max(peak, curve[i])
		}
		row[prefix+"drop"] = peak - curve[len(curve)-1]
	}
	return row, c.Context.Err()
}

// train returns models that differ in their first weights and in the order of data, each with mean 0
// and deviation 1 over the lab.
func train(lab *rmlab.Lab, flips float64) ([]model.Scorer, error) {
	records, err := lab.Teach(lab.Pairs(pairs, lab.Key.Fold(1)), rmlab.Standard.Score, rmlab.Teaching{Right: 0.9, Flips: flips, Key: lab.Key})
	if err != nil {
		return nil, err
	}
	var all []feedback.Segment
	for _, segs := range lab.Levels {
		all = append(all, segs...)
	}
	var out []model.Scorer
	for k := range members {
		o := rmlab.Fitting()
		o.Key = lab.Key.Fold(uint64(100 + k))
		e, err := lab.Train(rmlab.Shape(), records, o)
		if err != nil {
			return nil, err
		}
		scale, err := combine.Calibrate(e, lab.Store, all)
		if err != nil {
			return nil, err
		}
		out = append(out, combine.Normalise(e, scale))
	}
	return out, nil
}

// arms returns what an arm optimises: one scorer, or several whose results are averaged.
func arms(arm string, models []model.Scorer) ([]model.Scorer, error) {
	switch arm {
	case "single":
		return models, nil
	case "mean":
		return []model.Scorer{combine.Mean(models...)}, nil
	case "worst":
		return []model.Scorer{combine.Min(models...)}, nil
	case "uwo-0.1":
		return []model.Scorer{combine.UWO(0.1, models...)}, nil
	case "uwo-0.5":
		return []model.Scorer{combine.UWO(0.5, models...)}, nil
	}
	return nil, fmt.Errorf("unknown arm %q", arm)
}

// add adds the gold of what a scorer chooses on a level, times share, to the curve.
func add(curve []float64, s model.Scorer, pool *rmlab.Lab, segs []feedback.Segment, share float64) error {
	proxy, err := pool.Returns(s, segs)
	if err != nil {
		return err
	}
	gold, err := pool.Gold(rmlab.Standard.Score, segs)
	if err != nil {
		return err
	}
	for i, n := range choices {
		g, err := eval.BestOf(proxy, gold, min(n, len(segs)))
		if err != nil {
			return err
		}
		curve[i] += share * g
	}
	return nil
}
