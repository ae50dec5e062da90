// Package secrets2 checks what Wang et al., "Secrets of RLHF in Large Language Models Part II: Reward
// Modeling" (2024), claim: that votes of several reward models find the pairs whose labels are wrong,
// that treating pairs by them makes better models, and that MetaRM does not harm. See the README.
package secrets2

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// treatments are the arms that differ by what is done to pairs.
var treatments = map[string]model.Treatment{
	"plain":       {},
	"flip":        {Flip: 0.2},
	"drop":        {Drop: 0.2},
	"soft":        {Soft: true},
	"flip-margin": {Flip: 0.2, Margin: true},
}

func init() {
	papers.Register(papers.Claim{
		Name: "secrets2", Paper: "Wang et al. 2024",
		Doc:  "Votes of models that did not see a label tell whether it is right; treating pairs by them helps.",
		Arms: []string{"flip", "soft", "flip-margin", "drop", "meta", "plain", "any"}, Treatment: "flip", Control: "any",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 30},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Under("right 1", "flip", 0.55),
			papers.Above("right 5", "flip", 0.93),
			papers.Greater("accuracy", "flip", "plain", 0),
			papers.Greater("accuracy", "soft", "plain", 0),
			papers.Greater("accuracy", "flip-margin", "plain", 0),
			papers.Greater("shifted", "meta", "plain", -0.01),
		},
		Also: []papers.Bound{
			papers.Greater("accuracy", "drop", "plain", 0),
			papers.Greater("shifted", "meta", "plain", 0),
			papers.Greater("accuracy without flips", "flip", "plain", 0),
			papers.Greater("accuracy without flips", "soft", "plain", 0),
			papers.Greater("accuracy without flips", "drop", "plain", 0),
		},
	})
}

const (
	flipped = 0.2  // labels
	ahead   = 0.05 // of MetaRM: length of the move before each step
)

const purposeAny rng.Purpose = 0x73656301

func cell(c papers.Cell) (papers.Row, error) {
	pairs, voters, questions := 800, 10, 1000
	if c.Scale == papers.Smoke {
		pairs, voters, questions = 300, 4, 500
	}
	lab, err := rmlab.New(rmlab.Config{Seed: c.Seed, Levels: 40, PerLevel: 64})
	if err != nil {
		return nil, err
	}
	row := papers.Row{}
	asked, held := lab.Pairs(pairs, lab.Key.Fold(1)), lab.Pairs(questions, lab.Key.Fold(2))
	for _, flips := range []float64{flipped, 0} {
		rs, err := lab.Teach(asked, rmlab.Standard.Score, rmlab.Teaching{Right: 0.9, Flips: flips, Key: lab.Key})
		if err != nil {
			return nil, err
		}
		clean, err := lab.Teach(asked, rmlab.Standard.Score, rmlab.Teaching{})
		if err != nil {
			return nil, err
		}
		m, err := train(c.Arm, lab, rs, clean, voters, row, flips > 0)
		if err != nil {
			return nil, err
		}
		acc, err := lab.Accuracy(m, held, rmlab.Standard.Score)
		if err != nil {
			return nil, err
		}
		if flips == 0 {
			row["accuracy without flips"] = acc
			continue
		}
		row["accuracy"] = acc
		if row["shifted"], err = shifted(lab, rs, m); err != nil {
			return nil, err
		}
	}
	return row, c.Context.Err()
}

// train makes the model of an arm. With tell it also says in row how many labels are right in
// each fifth of the pairs by their votes.
func train(arm string, lab *rmlab.Lab, rs, clean []feedback.Record, voters int, row papers.Row, tell bool) (*model.Ensemble, error) {
	o := rmlab.Fitting()
	o.Key = lab.Key
	switch arm {
	case "plain":
		return lab.Train(rmlab.Shape(), rs, o)
	case "meta":
		return meta(lab, rs, o)
	case "any": // as flip, of pairs drawn by lot
		r := lab.Key.Stream(purposeAny, 0, 0)
		votes := make([]model.Vote, len(rs))
		for i := range votes {
			votes[i].Mean = r.Float64()
		}
		return treated(lab, rs, clean, votes, treatments["flip"], o, row, tell)
	}
	t, ok := treatments[arm]
	if !ok {
		return nil, fmt.Errorf("unknown arm %q", arm)
	}
	pool := nn.NewPool(1)
	defer pool.Close()
	voting := o
	voting.Key = lab.Key.Fold(3)
	votes, err := model.Votes(rmlab.Shape(), lab.Store, rs, voters, voting, pool)
	if err != nil {
		return nil, err
	}
	return treated(lab, rs, clean, votes, t, o, row, tell)
}

func treated(lab *rmlab.Lab, rs, clean []feedback.Record, votes []model.Vote, t model.Treatment, o model.Training, row papers.Row, tell bool) (*model.Ensemble, error) {
	if tell {
		order := model.Weakest(votes)
		for fifth := range 5 {
			part, right := order[fifth*len(order)/5:(fifth+1)*len(order)/5], 0.0
			for _, i := range part {
				if rs[i].Label == clean[i].Label {
					right += 1 / float64(len(part))
				}
			}
			row[fmt.Sprintf("right %d", fifth+1)] = right
		}
	}
	learn, err := model.Treat(rs, votes, t)
	if err != nil {
		return nil, err
	}
	return lab.Train(rmlab.Shape(), learn, o)
}

// better returns the lab of the share of each level's trajectories that a scorer likes best, as an
// agent that learns by it would come to show.
func better(lab *rmlab.Lab, s model.Scorer, share float64) (*rmlab.Lab, error) {
	out := &rmlab.Lab{Store: lab.Store, Key: lab.Key}
	for _, segs := range lab.Levels {
		y, err := lab.Returns(s, segs)
		if err != nil {
			return nil, err
		}
		order := make([]int, len(segs))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(i, j int) int {
			switch {
			case y[i] > y[j]:
				return -1
			case y[i] < y[j]:
				return 1
			}
			return 0
		})
		var kept []feedback.Segment
		for _, i := range order[:max(2, int(share*float64(len(order))))] {
			kept = append(kept, segs[i])
		}
		out.Levels = append(out.Levels, kept)
	}
	return out, nil
}

// rounds are how far an agent has come that follows a model: the best half, quarter and eighth.
var rounds = []float64{0.5, 0.25, 0.125}

// shifted is the accuracy of m on pairs of what agents show that follow the plain model.
func shifted(lab *rmlab.Lab, rs []feedback.Record, m model.Scorer) (mean float64, err error) {
	o := rmlab.Fitting()
	o.Key = lab.Key
	plain, err := lab.Train(rmlab.Shape(), rs, o)
	if err != nil {
		return 0, err
	}
	for i, share := range rounds {
		there, err := better(lab, plain, share)
		if err != nil {
			return 0, err
		}
		acc, err := lab.Accuracy(m, there.Pairs(500, lab.Key.Fold(uint64(10+i))), rmlab.Standard.Score)
		if err != nil {
			return 0, err
		}
		mean += acc / float64(len(rounds))
	}
	return mean, nil
}

// meta learns by MetaRM, with pairs of the best quarter by the plain model, without labels.
func meta(lab *rmlab.Lab, rs []feedback.Record, o model.Training) (*model.Ensemble, error) {
	plain, err := lab.Train(rmlab.Shape(), rs, o)
	if err != nil {
		return nil, err
	}
	there, err := better(lab, plain, rounds[1])
	if err != nil {
		return nil, err
	}
	var unlabelled []feedback.Record
	for _, q := range there.Pairs(len(rs), lab.Key.Fold(20)) {
		unlabelled = append(unlabelled, pair(q))
	}
	e, err := model.NewEnsemble(rmlab.Shape(), lab.Store.Shape(), o.Key)
	if err != nil {
		return nil, err
	}
	if err := e.FitInputs(lab.Store); err != nil {
		return nil, err
	}
	pool := nn.NewPool(1)
	defer pool.Close()
	return e, model.FitMeta(e, lab.Store, rs, unlabelled, ahead, o, pool)
}

func pair(q label.Query) feedback.Record {
	r := feedback.Better(q.A, q.B)
	r.Label = 0.5
	return r
}
