// Package ensuwo checks what Coste, Anwar, Kirk and Krueger, "Reward Model Ensembles Help Mitigate
// Overoptimization" (ICLR 2024), claim: that a careful combination of reward models is over-optimised
// less than a single one, with noisy labels above all: under best-of-n, claim ens-uwo, and under PPO with
// a small penalty on divergence, claim ens-uwo-learned. See the READMEs.
package ensuwo

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

func init() {
	papers.Register(papers.Claim{
		Name: "ens-uwo", Paper: "Coste et al. 2024",
		Doc:  "Ensembles that count disagreement against a behaviour are over-optimised less than a single model.",
		Arms: []string{"uwo-0.5", "uwo-0.1", "worst", "mean", "single", "apart-0.5"}, Treatment: "uwo-0.5", Control: "single",
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
	wild    = 0.15 // of the pool that is chosen from, and that annotators never saw
)

// choices are the numbers of behaviours that the best is taken of.
var choices = []int{1, 4, 16, 64, 256, 512}

// A setting is what models are learned from.
type setting struct {
	Seed             uint64
	Levels, PerLevel int // of the pool
	Pairs            int
	Flips            float64
	Apart            bool // each model has answers of its own, to questions of its own
}

// Judged is models, with what each makes of a pool.
type Judged struct {
	Models [][]byte        // states
	Scales []combine.Scale // of their returns over the lab
	Proxy  [][][]float64   // by model and level: returns, scaled to mean 0 and deviation 1 over the lab
	Gold   [][]float64     // by level
	Base   []byte          // state of a policy that imitates the lab; of the claim about learning
}

func cell(c papers.Cell) (papers.Row, error) {
	s := setting{Seed: c.Seed, Levels: 25, PerLevel: 1024, Pairs: 400, Apart: c.Arm == "apart-0.5"}
	if c.Scale == papers.Smoke {
		s.Levels, s.PerLevel, s.Pairs = 6, 256, 120
	}
	row := papers.Row{}
	for prefix, flips := range map[string]float64{"": 0.25, "clean ": 0} {
		if s.Flips = flips; flips == 0 && s.Apart {
			continue
		}
		j, err := papers.Fixture(c, "ens-uwo models", s, s.judge)
		if err != nil {
			return nil, err
		}
		curve, err := j.bestOf(c.Arm)
		if err != nil {
			return nil, err
		}
		for i, n := range choices {
			row[fmt.Sprintf("%sgold@%d", prefix, n)] = curve[i]
		}
		row[prefix+"drop"] = slices.Max(curve) - curve[len(curve)-1]
	}
	return row, c.Context.Err()
}

// judge trains models that differ in their first weights and in the order of data, and lets them judge
// the pool, of which there may be none.
func (s setting) judge() (j Judged, err error) {
	lab, pool, err := rmlab.NewWithPool(s.Seed, max(s.Levels, 1), max(s.PerLevel, 2), wild)
	if err != nil {
		return j, err
	}
	pool.Levels = pool.Levels[:s.Levels]
	for _, segs := range pool.Levels {
		gold, err := pool.Gold(rmlab.Standard.Score, segs)
		if err != nil {
			return j, err
		}
		j.Gold = append(j.Gold, gold)
	}
	for k := range members {
		ask, answer := lab.Key.Fold(1), lab.Key
		if s.Apart {
			ask, answer = lab.Key.Fold(uint64(200+k)), lab.Key.Fold(uint64(300+k))
		}
		records, err := lab.Teach(lab.Pairs(s.Pairs, ask), rmlab.Standard.Score, rmlab.Teaching{Right: 0.9, Flips: s.Flips, Key: answer})
		if err != nil {
			return j, err
		}
		o := rmlab.Fitting()
		o.Key = lab.Key.Fold(uint64(100 + k))
		e, err := lab.Train(rmlab.Shape(), records, o)
		if err != nil {
			return j, err
		}
		if err := j.add(lab, pool, e); err != nil {
			return j, err
		}
	}
	return j, nil
}

// add adds a model.
func (j *Judged) add(lab, pool *rmlab.Lab, e *model.Ensemble) error {
	scale, err := combine.Calibrate(e, lab.Store, slices.Concat(lab.Levels...))
	if err != nil {
		return err
	}
	state, err := e.AppendBinary(nil)
	if err != nil {
		return err
	}
	var proxy [][]float64
	for _, segs := range pool.Levels {
		y, err := pool.Returns(combine.Normalise(e, scale), segs)
		if err != nil {
			return err
		}
		proxy = append(proxy, y)
	}
	j.Models, j.Scales, j.Proxy = append(j.Models, state), append(j.Scales, scale), append(j.Proxy, proxy)
	return nil
}

// bestOf returns the gold of the best of each number of behaviours, the mean over levels. For single it
// is also the mean over the models.
func (j *Judged) bestOf(arm string) ([]float64, error) {
	curve := make([]float64, len(choices))
	for level, gold := range j.Gold {
		var proxies [][]float64
		if arm == "single" {
			for k := range members {
				proxies = append(proxies, j.Proxy[k][level])
			}
		} else {
			joined, err := joined(arm)
			if err != nil {
				return nil, err
			}
			proxies = [][]float64{make([]float64, len(gold))}
			for i := range gold {
				var x [members]float32
				for k := range x {
					x[k] = float32(j.Proxy[k][level][i])
				}
				proxies[0][i] = float64(joined(x))
			}
		}
		for _, proxy := range proxies {
			for i, n := range choices {
				g, err := eval.BestOf(proxy, gold, min(n, len(gold)))
				if err != nil {
					return nil, err
				}
				curve[i] += g / float64(len(proxies)*len(j.Gold))
			}
		}
	}
	return curve, nil
}

// joined returns what an arm makes of the returns of the models, by the scorers of package combine.
func joined(arm string) (func(x [members]float32) float32, error) {
	var x [members]float32
	var told []model.Scorer
	for k := range x {
		told = append(told, model.ScorerOf(func(step []float32, _ feedback.View) { step[0] = x[k] }))
	}
	joint, ok := map[string]func() model.Scorer{
		"mean":      func() model.Scorer { return combine.Mean(told...) },
		"worst":     func() model.Scorer { return combine.Min(told...) },
		"uwo-0.1":   func() model.Scorer { return combine.UWO(0.1, told...) },
		"uwo-0.5":   func() model.Scorer { return combine.UWO(0.5, told...) },
		"apart-0.5": func() model.Scorer { return combine.UWO(0.5, told...) },
		"single":    func() model.Scorer { return told[0] },
	}[arm]
	if !ok {
		return nil, fmt.Errorf("unknown arm %q", arm)
	}
	s, one := joint(), feedback.View{Trajectory: feedback.Trajectory{Reward: make([]float32, 1)}} // of one step
	var out model.Out
	return func(returns [members]float32) float32 {
		x = returns
		s.Score(&out, one)
		return out.Return
	}, nil
}
