// Package lsc checks what Wang et al., "Transforming and Combining Rewards for Aligning Large Language
// Models" (ICML 2024), claim: that the log-sigmoid of a reward, centred at a reference, adds up over
// properties to being good in all of them, and leaves fewer cases hardly improved. See the README.
package lsc

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/combine"
	"github.com/terrarium-rl/terrarium/rewards/eval"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// divergences from the base policy at which policies are compared, in nats.
var divergences = []float64{0.5, 1, 1.5, 2.5, 3.5}

func init() {
	c := papers.Claim{
		Name: "lsc", Paper: "Wang et al. 2024",
		Doc:  "Sums of log-sigmoids of rewards are good in all properties more often than sums of rewards.",
		Arms: []string{"lsc", "raw", "first"}, Treatment: "lsc", Control: "first",
		Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 10, papers.Full: 30},
		Cell:  cell,
	}
	for _, kl := range []string{"1.5", "2.5", "3.5"} {
		c.Pass = append(c.Pass, papers.Greater("both@"+kl, "lsc", "raw", 0))
	}
	for _, kl := range []string{"2.5", "3.5"} {
		c.Pass = append(c.Pass, papers.Less("under@"+kl, "lsc", "raw", 0))
	}
	for _, kl := range []string{"0.5", "1"} {
		c.Also = append(c.Also, papers.Greater("both@"+kl, "lsc", "raw", 0))
	}
	papers.Register(c)
}

// The two properties: to the goal; away from the hazard, and not too fast.
var properties = []rmlab.Gold{{rmlab.Progress: 1}, {rmlab.Hazard: -1.5, rmlab.Overspeed: -1}}

// quantiles of a level's pool that count as good enough, in each property.
var enough = []float64{0.7, 0.5}

const (
	pairs     = 500
	beta      = 2    // of the teacher, on returns in deviations
	reference = 0.85 // quantile of the base policy's rewards on a level
	rollouts  = 64   // of the base policy, for the reference
	poor      = 0.2  // probability of being good in both below which a level is hardly improved
)

func cell(c papers.Cell) (papers.Row, error) {
	levels, perLevel := 40, 256
	if c.Scale == papers.Smoke {
		levels, perLevel = 16, 128
	}
	lab, pool, err := rmlab.NewWithPool(c.Seed, levels, perLevel+rollouts, 0)
	if err != nil {
		return nil, err
	}
	var models []*model.Ensemble
	for k, gold := range properties {
		m, err := train(lab, gold, uint64(k))
		if err != nil {
			return nil, err
		}
		models = append(models, m)
	}
	row := papers.Row{}
	for _, segs := range pool.Levels {
		// The first trajectories are the base policy's that references are estimated from.
		reward, err := combined(c.Arm, models, pool, segs[:rollouts], segs[rollouts:])
		if err != nil {
			return nil, err
		}
		good, err := goodInBoth(pool, segs[rollouts:])
		if err != nil {
			return nil, err
		}
		for _, kl := range divergences {
			p, err := eval.TiltedTo(reward, kl)
			if err != nil {
				return nil, err
			}
			both := 0.0
			for i, g := range good {
				if g {
					both += p[i]
				}
			}
			row[fmt.Sprintf("both@%g", kl)] += both / float64(levels)
			at := fmt.Sprintf("under@%g", kl)
			row[at] += 0
			if both < poor {
				row[at] += 1 / float64(levels)
			}
		}
	}
	return row, c.Context.Err()
}

// train fits a model of one property to answers by Bradley and Terry's model. Its scale is that of
// the answers' noise, which the transformation needs.
func train(lab *rmlab.Lab, gold rmlab.Gold, k uint64) (*model.Ensemble, error) {
	qs := lab.Pairs(pairs, lab.Key.Fold(1+k))
	records, err := lab.TeachAt(qs, gold.Score, beta, lab.Key.Fold(k))
	if err != nil {
		return nil, err
	}
	o := rmlab.Fitting()
	o.Key = lab.Key.Fold(10 + k)
	return lab.Train(rmlab.Shape(), records, o)
}

// combined returns the combined reward of each trajectory of a level.
func combined(arm string, models []*model.Ensemble, pool *rmlab.Lab, base, segs []feedback.Segment) ([]float64, error) {
	var scorers []model.Scorer
	for _, m := range models {
		switch arm {
		case "raw":
			scorers = append(scorers, m)
		case "lsc", "first":
			y, err := pool.Returns(m, base)
			if err != nil {
				return nil, err
			}
			slices.Sort(y)
			scorers = append(scorers, combine.LSC(m, combine.Constant(float32(y[int(reference*float64(len(y)))]))))
		default:
			return nil, fmt.Errorf("unknown arm %q", arm)
		}
	}
	if arm == "first" { // the first property alone
		scorers = scorers[:1]
	}
	weights := make([]float32, len(scorers))
	for i := range weights {
		weights[i] = 1
	}
	return pool.Returns(combine.Sum(weights, scorers...), segs)
}

// goodInBoth reports which trajectories reach the quantiles of their level in both golds.
func goodInBoth(pool *rmlab.Lab, segs []feedback.Segment) ([]bool, error) {
	good := make([]bool, len(segs))
	for i := range good {
		good[i] = true
	}
	for k, gold := range properties {
		y, err := pool.Gold(gold.Score, segs)
		if err != nil {
			return nil, err
		}
		sorted := slices.Clone(y)
		slices.Sort(sorted)
		least := sorted[int(enough[k]*float64(len(sorted)))]
		for i, v := range y {
			good[i] = good[i] && v >= least
		}
	}
	return good, nil
}
