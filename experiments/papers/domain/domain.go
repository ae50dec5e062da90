// Package domain checks what Nath et al., "Leveraging Domain Knowledge for Efficient Reward
// Modelling in RLHF" (2024), claim: that a reward model of a few features needs a small share of the
// answers that one of raw data needs. See the README beside it.
package domain

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func init() {
	papers.Register(papers.Claim{
		Name: "domain", Paper: "Nath et al. 2024",
		Doc: "A reward model of seven features learns from a twentieth of the answers that one of steps needs.",
		Arms: []string{
			"features-50", "features-100", "features-2000", "clean-2000", "linear-50", "linear-2000", "two-of-four-50", "noise-50",
			"raw-50", "raw-250", "raw-1000", "raw-2000",
		},
		Treatment: "features-50", Control: "noise-50",
		Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 10, papers.Full: 30},
		From:  2000, // slopes are measured by their sizes since 1000 to 1009 were looked at
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Greater("accuracy", "features-50", "raw-1000", -0.01),
			papers.Greater("accuracy", "features-50", "raw-50", 0.1),
			papers.Greater("accuracy", "features-50", "two-of-four-50", 0),
			papers.Share("ranked", "features-50", 0.8),
		},
		Also: []papers.Bound{
			papers.Greater("accuracy", "features-100", "features-50", 0),
			papers.Greater("accuracy", "features-50", "raw-2000", -0.01),
			papers.Share("ranked", "features-2000", 0.8),
			papers.Share("ranked", "clean-2000", 0.8),
			papers.Share("ranked", "linear-2000", 0.8),
			papers.Greater("gold@256", "features-50", "two-of-four-50", 0),
			papers.Greater("gold@256", "features-50", "raw-1000", 0),
		},
	})
}

// gold weighs four parts; score adds a term that no weighing of the features' means can express.
var gold = rmlab.Gold{rmlab.Progress: 1, rmlab.Hazard: -1.5, rmlab.Energy: -0.2, rmlab.Overspeed: -0.7}

const interaction = -1 // of progress and hazard

func score(dst []float32, v feedback.View) {
	gold.Score(dst, v)
	for i := range dst {
		f := v.Facts[i*rmlab.Parts:]
		dst[i] += interaction * float32(f[rmlab.Progress]*f[rmlab.Hazard])
	}
}

// features are the means of the parts and the share of the time that passes before the goal is
// near for the first time.
var features = model.Features{Width: rmlab.Parts + 1, Of: func(dst []float32, v feedback.View) {
	clear(dst)
	dst[rmlab.Parts] = 1
	n := float32(v.Len())
	for i := range v.Len() {
		for k := range rmlab.Parts {
			dst[k] += v.Facts[i*rmlab.Parts+k] / n
		}
		if t := float32(i) / n; v.Facts[i*rmlab.Parts+rmlab.Progress] > 0.5 {
			dst[rmlab.Parts] = min(dst[rmlab.Parts], t)
		}
	}
}}

// without features leaves some out.
func without(drop ...int) model.Features {
	return model.Features{Width: features.Width, Of: func(dst []float32, v feedback.View) {
		features.Of(dst, v)
		for _, k := range drop {
			dst[k] = 0
		}
	}}
}

// noise are numbers that are the segment's own, and tell nothing.
var noise = model.Features{Width: features.Width, Of: func(dst []float32, v feedback.View) {
	x := v.Segment.Traj
	for k := range dst {
		x = x*6364136223846793005 + 1442695040888963407
		dst[k] = float32(x>>40) / (1 << 24)
	}
}}

// choices are the numbers of behaviours, by pilots whom no annotator saw too, that the best is taken of.
var choices = []int{1, 4, 16, 64, 256}

func cell(c papers.Cell) (papers.Row, error) {
	levels, questions := 40, 1000
	if c.Scale == papers.Smoke {
		levels, questions = 20, 500
	}
	at := strings.LastIndexByte(c.Arm, '-')
	n, err := strconv.Atoi(c.Arm[at+1:])
	if err != nil {
		return nil, fmt.Errorf("unknown arm %q", c.Arm)
	}
	if c.Scale == papers.Smoke {
		n = min(n, 400)
	}
	lab, err := rmlab.New(rmlab.Config{Seed: c.Seed, Levels: levels, PerLevel: 64})
	if err != nil {
		return nil, err
	}
	teaching := rmlab.Teaching{Right: 0.9, Flips: 0.1, Key: lab.Key}
	if c.Arm[:at] == "clean" {
		teaching.Flips = 0
	}
	records, err := lab.Teach(lab.Pairs(n, lab.Key.Fold(1)), score, teaching)
	if err != nil {
		return nil, err
	}
	row := papers.Row{"ranked": 0}
	var m model.Scorer
	switch c.Arm[:at] {
	case "raw":
		o := rmlab.Fitting()
		o.Key = lab.Key
		m, err = lab.Train(rmlab.Shape(), records, o)
	case "features", "clean", "linear":
		var e *model.Ensemble
		hidden := []int{8}
		if c.Arm[:at] == "linear" {
			hidden = nil
		}
		if e, err = fit(lab, features, hidden, records); err == nil {
			m = features.Scorer(e)
			row["ranked"], err = ranked(lab, e)
		}
	case "two-of-four":
		m, err = scorer(lab, without(rmlab.Hazard, rmlab.Overspeed), records)
	case "noise":
		m, err = scorer(lab, noise, records)
	default:
		err = fmt.Errorf("unknown arm %q", c.Arm)
	}
	if err != nil {
		return nil, err
	}
	pool, err := rmlab.New(rmlab.Config{Seed: c.Seed + 1_000_000, Levels: levels / 2, PerLevel: 256, Wild: 0.15})
	if err != nil {
		return nil, err
	}
	curve, err := pool.BestOf(m, score, choices...)
	if err != nil {
		return nil, err
	}
	for i, n := range choices {
		row[fmt.Sprintf("gold@%d", n)] = curve[i]
	}
	row["accuracy"], err = lab.Accuracy(m, lab.Pairs(questions, lab.Key.Fold(2)), score)
	return row, err
}

func scorer(lab *rmlab.Lab, f model.Features, rs []feedback.Record) (model.Scorer, error) {
	e, err := fit(lab, f, []int{8}, rs)
	if err != nil {
		return nil, err
	}
	return f.Scorer(e), nil
}

// fit trains a network of features in 200 passes over the records.
func fit(lab *rmlab.Lab, f model.Features, hidden []int, rs []feedback.Record) (*model.Ensemble, error) {
	e, err := model.NewEnsemble(
		model.Shape{Inputs: []string{"obs"}, Hidden: hidden, Activation: nn.Tanh, Members: 1}, f.Shape(), lab.Key)
	if err != nil {
		return nil, err
	}
	all, _, err := f.Project(lab.Store, slices.Concat(lab.Levels...))
	if err != nil {
		return nil, err
	}
	if err := e.FitInputs(all); err != nil {
		return nil, err
	}
	var asked []feedback.Segment
	for i := range rs {
		asked = append(asked, rs[i].Segments...)
	}
	store, segs, err := f.Project(lab.Store, asked)
	if err != nil {
		return nil, err
	}
	seen := slices.Clone(rs)
	for i := range seen {
		seen[i].Segments = segs[2*i : 2*i+2]
	}
	o := rmlab.Fitting()
	o.LearningRate, o.Epochs, o.Key = 3e-3, 200, lab.Key
	pool := nn.NewPool(1)
	defer pool.Close()
	_, err = model.Fit(e, store, seen, o, pool)
	return e, err
}

// ranked returns 1 if the mean sizes of the slopes of the model along the features of the four parts of
// the gold are ordered as its weights are.
func ranked(lab *rmlab.Lab, e *model.Ensemble) (float64, error) {
	const step = 0.01
	var slope [rmlab.Parts]float64
	x := make([]float32, features.Width)
	for _, seg := range slices.Concat(lab.Levels...) {
		v, err := lab.Store.View(seg)
		if err != nil {
			return 0, err
		}
		features.Of(x, v)
		for k := range slope {
			var y [2]model.Out
			for side, d := range []float32{-step, step} {
				moved := model.Features{Width: features.Width, Of: func(dst []float32, _ feedback.View) {
					copy(dst, x)
					dst[k] += d
				}}
				moved.Scorer(e).Score(&y[side], v)
			}
			slope[k] += math.Abs(float64(y[1].Return - y[0].Return))
		}
	}
	order := []int{rmlab.Hazard, rmlab.Progress, rmlab.Overspeed, rmlab.Energy} // by weight
	for i := 1; i < len(order); i++ {
		if slope[order[i]] >= slope[order[i-1]] {
			return 0, nil
		}
	}
	return 1, nil
}
