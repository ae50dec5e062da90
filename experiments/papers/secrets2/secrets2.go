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

// views are the contrastive losses: SimCSE's temperature and share of dropped numbers, the authors' weight.
var views = map[string]model.Contrast{
	"contrast":             {Weight: 0.1, Tau: 0.05, Drop: 0.1},
	"contrast-differences": {Weight: 0.1, Tau: 0.05, Drop: 0.1, Differences: true},
}

// treatments are the arms that differ by what is done to pairs.
var treatments = map[string]model.Treatment{
	"plain":       {},
	"flip":        {Flip: 0.2},
	"drop":        {Drop: 0.2},
	"soft":        {Soft: true},
	"flip-margin": {Flip: 0.2, Margin: true},

	"flip-negative": {}, // as many as votes are negative
}

func init() {
	papers.Register(papers.Claim{
		Name: "secrets2", Paper: "Wang et al. 2024",
		Doc: "Votes of models that did not see a label tell whether it is right; treating pairs by them helps.",
		Arms: []string{
			"flip", "soft", "flip-margin", "drop", "flip-negative", "meta", "contrast", "contrast-differences", "plain", "any",
		},
		Treatment: "flip", Control: "any",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 30},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Under("right 1", "flip", 0.55),
			papers.Above("right 5", "flip", 0.93),
			papers.Greater("accuracy", "flip", "plain", 0),
			papers.Greater("accuracy", "soft", "plain", 0),
			papers.Greater("accuracy", "flip-margin", "plain", 0),
			papers.Greater("shifted", "meta", "plain", -0.01),
			papers.Greater("shifted", "contrast", "plain", -0.01),
		},
		Also: []papers.Bound{
			papers.Greater("accuracy", "drop", "plain", 0),
			papers.Greater("shifted", "meta", "plain", 0),
			papers.Greater("shifted", "contrast", "plain", 0),
			papers.Greater("shifted", "contrast-differences", "plain", -0.01),
			papers.Greater("accuracy", "contrast", "plain", 0),
			papers.Greater("accuracy", "contrast-differences", "plain", 0),
			papers.Greater("accuracy", "flip-negative", "flip", 0),
			papers.Greater("accuracy without flips", "flip", "plain", 0),
			papers.Greater("accuracy without flips", "soft", "plain", 0),
			papers.Greater("accuracy without flips", "drop", "plain", 0),
			papers.Greater("accuracy without flips", "flip-negative", "plain", -0.01),
		},
	})
}

const (
	flipped = 0.2  // labels
	ahead   = 0.05 // of MetaRM: length of the move before each step
)

const purposeAny rng.Purpose = 0x73656301

// A setting is what models vote on.
type setting struct {
	Seed                  uint64
	Levels, Pairs, Voters int
	Flips                 float64
}

// answers are pairs with the labels of a noisy teacher and the right ones.
type answers struct {
	lab       *rmlab.Lab
	rs, clean []feedback.Record
	o         model.Training
	pool      *nn.Pool
}

func (s setting) ask(pool *nn.Pool) (a answers, err error) {
	if a.lab, err = rmlab.New(rmlab.Config{Seed: s.Seed, Levels: s.Levels, PerLevel: 64}); err != nil {
		return a, err
	}
	asked := a.lab.Pairs(s.Pairs, a.lab.Key.Fold(1))
	teaching := rmlab.Teaching{Right: 0.9, Flips: s.Flips, Key: a.lab.Key}
	if a.rs, err = a.lab.Teach(asked, rmlab.Standard.Score, teaching); err != nil {
		return a, err
	}
	a.clean, err = a.lab.Teach(asked, rmlab.Standard.Score, rmlab.Teaching{})
	a.o, a.pool = rmlab.Fitting(), pool
	a.o.Key = a.lab.Key
	return a, err
}

func cell(c papers.Cell) (papers.Row, error) {
	s, questions := setting{Seed: c.Seed, Levels: 40, Pairs: 800, Voters: 10}, 1000
	if c.Scale == papers.Smoke {
		s.Levels, s.Pairs, s.Voters, questions = 20, 150, 4, 300
	}
	pool := nn.NewPool(1)
	defer pool.Close()
	row := papers.Row{}
	for _, s.Flips = range []float64{flipped, 0} {
		a, err := s.ask(pool)
		if err != nil {
			return nil, err
		}
		m, err := a.train(c, s, row)
		if err != nil {
			return nil, err
		}
		acc, err := a.lab.Accuracy(m, a.lab.Pairs(questions, a.lab.Key.Fold(2)), rmlab.Standard.Score)
		if err != nil {
			return nil, err
		}
		if s.Flips == 0 {
			row["accuracy without flips"] = acc
			continue
		}
		row["accuracy"] = acc
		if row["shifted"], err = a.shifted(c, s, m); err != nil {
			return nil, err
		}
	}
	return row, c.Context.Err()
}

// train makes the model of an arm. Where labels were turned it also says in row how many are right in each
// fifth of the pairs by their votes.
func (a *answers) train(c papers.Cell, s setting, row papers.Row) (*model.Ensemble, error) {
	if v, ok := views[c.Arm]; ok {
		e, err := a.lab.Untrained(rmlab.Shape(), a.o.Key)
		if err != nil {
			return nil, err
		}
		return e, model.FitContrast(e, a.lab.Store, a.rs, v, a.o)
	}
	switch c.Arm {
	case "plain":
		return a.plain(c, s)
	case "meta":
		return a.meta(c, s)
	case "any": // as flip, of pairs drawn by lot
		r := a.lab.Key.Stream(purposeAny, 0, 0)
		votes := make([]model.Vote, len(a.rs))
		for i := range votes {
			votes[i].Mean = r.Float64()
		}
		return a.treated(votes, treatments["flip"], s.Flips > 0, row)
	}
	t, ok := treatments[c.Arm]
	if !ok {
		return nil, fmt.Errorf("unknown arm %q", c.Arm)
	}
	votes, err := papers.Fixture(c, "secrets2 votes", s, func() ([]model.Vote, error) {
		voting := a.o
		voting.Key = a.lab.Key.Fold(3)
		return model.Votes(rmlab.Shape(), a.lab.Store, a.rs, s.Voters, voting, a.pool)
	})
	if err != nil {
		return nil, err
	}
	if c.Arm == "flip-negative" {
		negative := 0
		for _, v := range votes {
			if v.Mean < 0 {
				negative++
			}
		}
		t.Flip = float64(negative) / float64(len(votes))
	}
	return a.treated(votes, t, s.Flips > 0, row)
}

// plain is the model of the labels as they are, made once for all arms.
func (a *answers) plain(c papers.Cell, s setting) (*model.Ensemble, error) {
	state, err := papers.Fixture(c, "secrets2 plain", s, func() ([]byte, error) {
		e, err := a.lab.Train(rmlab.Shape(), a.rs, a.o)
		if err != nil {
			return nil, err
		}
		return e.AppendBinary(nil)
	})
	if err != nil {
		return nil, err
	}
	e, err := a.lab.Untrained(rmlab.Shape(), a.o.Key)
	if err != nil {
		return nil, err
	}
	return e, e.UnmarshalBinary(state)
}

func (a *answers) treated(votes []model.Vote, t model.Treatment, tell bool, row papers.Row) (*model.Ensemble, error) {
	if tell {
		order := model.Weakest(votes)
		for fifth := range 5 {
			part, right := order[fifth*len(order)/5:(fifth+1)*len(order)/5], 0.0
			for _, i := range part {
				if a.rs[i].Label == a.clean[i].Label {
					right += 1 / float64(len(part))
				}
			}
			row[fmt.Sprintf("right %d", fifth+1)] = right
		}
		row["flipped"] = t.Flip
	}
	learn, err := model.Treat(a.rs, votes, t)
	if err != nil {
		return nil, err
	}
	return a.lab.Train(rmlab.Shape(), learn, a.o)
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
func (a *answers) shifted(c papers.Cell, s setting, m model.Scorer) (mean float64, err error) {
	plain, err := a.plain(c, s)
	if err != nil {
		return 0, err
	}
	for i, share := range rounds {
		there, err := better(a.lab, plain, share)
		if err != nil {
			return 0, err
		}
		acc, err := a.lab.Accuracy(m, there.Pairs(500, a.lab.Key.Fold(uint64(10+i))), rmlab.Standard.Score)
		if err != nil {
			return 0, err
		}
		mean += acc / float64(len(rounds))
	}
	return mean, nil
}

// meta learns by MetaRM, with pairs of the best quarter by the plain model, without labels.
func (a *answers) meta(c papers.Cell, s setting) (*model.Ensemble, error) {
	plain, err := a.plain(c, s)
	if err != nil {
		return nil, err
	}
	there, err := better(a.lab, plain, rounds[1])
	if err != nil {
		return nil, err
	}
	var unlabelled []feedback.Record
	for _, q := range there.Pairs(len(a.rs), a.lab.Key.Fold(20)) {
		unlabelled = append(unlabelled, pair(q))
	}
	e, err := a.lab.Untrained(rmlab.Shape(), a.o.Key)
	if err != nil {
		return nil, err
	}
	return e, model.FitMeta(e, a.lab.Store, a.rs, unlabelled, ahead, a.o, a.pool)
}

func pair(q label.Query) feedback.Record {
	r := feedback.Better(q.A, q.B)
	r.Label = 0.5
	return r
}
