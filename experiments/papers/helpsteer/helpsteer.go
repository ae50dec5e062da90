// Package helpsteer checks what Wang et al., "HelpSteer2-Preference: Complementing Ratings with
// Preferences" (ICLR 2025), claim: that ratings and preferences teach a reward model about alike, and
// that a model of ratings is the best start for one of preferences. See the README beside it.
package helpsteer

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

var preferences = []string{"bradley-terry", "margin", "scaled"}

func init() {
	papers.Register(papers.Claim{
		Name: "helpsteer", Paper: "Wang et al. 2025",
		Doc:  "Ratings first, then preferences by strength: better than preferences alone, and no worse than ratings.",
		Arms: append([]string{"combined", "ratings", "ratings-on", "extrapolated", "coin"}, preferences...), Treatment: "combined", Control: "coin",
		Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 10, papers.Full: 30},
		From:  3000, // what comes after ratings is learned in smaller steps since 2000 to 2009 were looked at
		Cell:  cell,
		Pass: []papers.Bound{
			alike("accuracy", "ratings", preferences, 0.03),
			papers.Greater("accuracy", "combined", "scaled", 0),
			papers.Greater("accuracy", "combined", "ratings", -0.005),
			ahead("accuracy", "combined", "ratings"),
		},
		Also: []papers.Bound{
			papers.Greater("accuracy", "extrapolated", "combined", 0),
			papers.Greater("accuracy", "scaled", "bradley-terry", 0),
			papers.Greater("accuracy", "combined", "ratings-on", 0),
			papers.Greater("accuracy", "ratings-on", "ratings", 0),
			papers.Greater("best of 64", "combined", "scaled", 0),
			papers.Greater("best of 64", "combined", "ratings", 0),
		},
	})
}

// alike says that the mean over seeds of metric in arm a differs by less than limit from that
// of the best of others, as the card has it: of means.
func alike(metric, a string, others []string, limit float64) papers.Bound {
	return papers.Point(fmt.Sprintf("%s: |%s - best of %v| < %g", metric, a, others, limit), limit, true, func(t *papers.Table) (float64, error) {
		mean, err := t.Mean(a, metric)
		if err != nil {
			return 0, err
		}
		best := math.Inf(-1)
		for _, arm := range others {
			m, err := t.Mean(arm, metric)
			if err != nil {
				return 0, err
			}
			best = max(best, m)
		}
		return math.Abs(mean - best), nil
	})
}

// ahead says that the mean of metric in arm a is above that in arm b, without an interval.
func ahead(metric, a, b string) papers.Bound {
	full := papers.Greater(metric, a, b, 0)
	return papers.Point(fmt.Sprintf("%s: mean of %s - %s > 0", metric, a, b), 0, false, func(t *papers.Table) (float64, error) {
		i, err := full.Effect(t)
		return i.Value, err
	})
}

const (
	pairs      = 400
	noise      = 0.6 // deviations of the return, of each judgement before it is rounded
	passes     = 20
	afterwards = 12   // passes over preferences of a model that has learned the ratings
	gently     = 2e-4 // is the length of their steps; that of others is 4e-3
	validation = 200  // more comparisons, which choose how far extrapolation goes
)

// beyond are the lengths of extrapolation to choose from; 1 is none.
var beyond = []float32{0.8, 1, 1.2, 1.5, 2}

const purposeNoise rng.Purpose = 0x68656c01

func cell(c papers.Cell) (papers.Row, error) {
	levels, questions := 40, 1000
	if c.Scale == papers.Smoke {
		levels, questions = 20, 500
	}
	lab, err := rmlab.New(rmlab.Config{Seed: c.Seed, Levels: levels, PerLevel: 64})
	if err != nil {
		return nil, err
	}
	rated, compared, err := judge(lab, lab.Pairs(pairs, lab.Key.Fold(1)), 0, c.Arm == "coin")
	if err != nil {
		return nil, err
	}
	o := rmlab.Fitting()
	o.Key, o.Epochs = lab.Key, passes
	var m *model.Ensemble
	switch c.Arm {
	case "ratings":
		m, err = lab.Train(rmlab.Shape(), rated, o)
	case "bradley-terry", "margin", "scaled":
		m, err = lab.Train(rmlab.Shape(), as(c.Arm)(compared), o)
	case "ratings-on": // as combined, but with the ratings again
		if m, err = lab.Train(rmlab.Shape(), rated, o); err == nil {
			err = lab.Refine(m, rated, onward(o))
		}
	case "combined", "coin":
		m, _, err = combined(lab, rated, compared, o)
	case "extrapolated":
		m, err = extrapolated(lab, rated, compared, o)
	default:
		err = fmt.Errorf("unknown arm %q", c.Arm)
	}
	if err != nil {
		return nil, err
	}
	row := papers.Row{}
	if row["accuracy"], err = lab.Accuracy(m, lab.Pairs(questions, lab.Key.Fold(2)), rmlab.Standard.Score); err != nil {
		return nil, err
	}
	row["best of 64"], err = best(c.Seed, m)
	return row, err
}

// best returns the true return of the best of 64 by a model, on levels of their own.
func best(seed uint64, m model.Scorer) (float64, error) {
	pool, err := rmlab.New(rmlab.Config{Seed: seed + 1_000_000, Levels: 20, PerLevel: 128})
	if err != nil {
		return 0, err
	}
	curve, err := pool.BestOf(m, rmlab.Standard.Score, 64)
	if err != nil {
		return 0, err
	}
	return curve[0], nil
}

// judge rates the trajectories of all questions from 0 to 4, less 2, and compares those of each
// with a strength of 1 to 3. Both are of the true returns in deviations, with noise of their own.
// A coin tells neither.
func judge(lab *rmlab.Lab, qs []label.Query, stream uint32, coin bool) (rated, compared []feedback.Record, err error) {
	all, err := lab.Gold(rmlab.Standard.Score, slices.Concat(lab.Levels...))
	if err != nil {
		return nil, nil, err
	}
	scale := stats.Summarize(all)
	r := lab.Key.Stream(purposeNoise, stream, 0)
	for _, q := range qs {
		y, err := lab.Gold(rmlab.Standard.Score, []feedback.Segment{q.A, q.B})
		if err != nil {
			return nil, nil, err
		}
		both := feedback.Record{Kind: feedback.Rated, Segments: []feedback.Segment{q.A, q.B}, Weight: 1, Source: "rated"}
		for i := range both.Segments {
			y[i] = (y[i] - scale.Mean) / scale.Std
			if coin {
				y[i] = float64(r.Norm())
			}
			rating := min(max(math.Round(y[i]+noise*float64(r.Norm())), -2), 2)
			both.Ratings = append(both.Ratings, float32(rating))
		}
		rated = append(rated, both)
		d := y[0] - y[1] + noise*float64(r.Norm())
		better := feedback.Better(q.A, q.B)
		if d < 0 {
			better.Label = 0
		}
		better.Strength = float32(min(max(math.Round(2*math.Abs(d)), 1), 3))
		compared = append(compared, better)
	}
	return rated, compared, nil
}

// as returns what makes of the strength of preferences a margin by which the scores should differ
// (the authors' margin Bradley-Terry), a number of repetitions (their scaled one), or nothing.
func as(arm string) feedback.Op {
	return feedback.Map(func(r *feedback.Record) {
		switch arm {
		case "margin":
			r.Margin = r.Strength
		case "scaled":
			r.Weight = r.Strength
		}
	})
}

// combined learns the ratings, brings the scores to the scale of the preferences, and learns
// these. It also returns the weights in between.
func combined(lab *rmlab.Lab, rated, compared []feedback.Record, o model.Training) (*model.Ensemble, [][]float32, error) {
	m, err := lab.Train(rmlab.Shape(), rated, o)
	if err != nil {
		return nil, nil, err
	}
	if err := rescale(lab, m, compared); err != nil {
		return nil, nil, err
	}
	from := [][]float32{slices.Clone(m.Params[0])}
	return m, from, lab.Refine(m, as("scaled")(compared), onward(o))
}

// onward is the training of a model that has learned the ratings.
func onward(o model.Training) model.Training {
	o.Epochs, o.LearningRate, o.Key = afterwards, gently, o.Key.Fold(1)
	return o
}

// extrapolated goes as far beyond the refinement of combined as orders the most of some more comparisons
// right.
func extrapolated(lab *rmlab.Lab, rated, compared []feedback.Record, o model.Training) (*model.Ensemble, error) {
	m, from, err := combined(lab, rated, compared, o)
	if err != nil {
		return nil, err
	}
	_, check, err := judge(lab, lab.Pairs(validation, lab.Key.Fold(3)), 1, false)
	if err != nil {
		return nil, err
	}
	to, right := m.Params, -1.0
	var chosen [][]float32
	for _, f := range beyond {
		if m.Params, err = model.Extrapolate(from, to, f); err != nil {
			return nil, err
		}
		q, err := model.Measure(m, lab.Store, check)
		if err != nil {
			return nil, err
		}
		if q.Accuracy > right {
			right, chosen = q.Accuracy, m.Params
		}
	}
	m.Params = chosen
	return m, nil
}

// rescale multiplies the last layer by the number that makes preferences likeliest under the
// model of Bradley and Terry, found by golden section on its logarithm.
func rescale(lab *rmlab.Lab, m *model.Ensemble, rs []feedback.Record) error {
	gaps := make([]float64, len(rs))
	for i, r := range rs {
		y, err := lab.Returns(m, r.Segments)
		if err != nil {
			return err
		}
		if gaps[i] = y[0] - y[1]; r.Label == 0 {
			gaps[i] = -gaps[i]
		}
	}
	loss := func(logarithm float64) (sum float64) {
		for _, d := range gaps {
			sum -= math.Log(max(label.Logistic(math.Exp(logarithm)*d), 1e-30))
		}
		return sum
	}
	lo, hi := -6.0, 6.0
	for range 60 {
		a, b := hi-(hi-lo)/math.Phi, lo+(hi-lo)/math.Phi
		if loss(a) < loss(b) {
			hi = b
		} else {
			lo = a
		}
	}
	hidden := rmlab.Shape().Hidden
	last := m.Params[0][len(m.Params[0])-hidden[len(hidden)-1]-1:]
	for i := range last {
		last[i] *= float32(math.Exp(lo))
	}
	return nil
}
