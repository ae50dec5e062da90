// Package context checks what Pitis et al., "Improving Context-Aware Preference Modeling for Language
// Models" (NeurIPS 2024), claim: that a preference comes about in two steps, first the context, then
// the judgement in it, and that supervising contexts is worth it. See the README beside it.
package context

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// known are the shares of contexts that the first step infers rightly.
var known = []string{"0.5", "0.6", "0.7", "0.8", "0.9", "1"}

func init() {
	c := papers.Claim{
		Name: "context", Paper: "Pitis et al. 2024",
		Doc:       "Pairs that one criterion answers this way and another that way teach a model to mind the criterion.",
		Arms:      []string{"reversals", "agreements", "blind", "shuffled"},
		Treatment: "reversals", Control: "shuffled",
		Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 10, papers.Full: 30},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Above("accuracy", "reversals", 0.8),
			papers.Greater("accuracy", "reversals", "agreements", 0),
			half("accuracy", "blind"),
			monotone("reversals"),
		},
	}
	for _, q := range known {
		c.Pass = append(c.Pass, papers.Under("gap@"+q, "reversals", 0.03))
	}
	papers.Register(c)
}

// half says that metric is one half on every seed.
func half(metric, arm string) papers.Bound {
	return papers.Point(fmt.Sprintf("%s: |%s - 0.5| < 1e-9 on every seed", metric, arm), 1e-9, true, func(t *papers.Table) (most float64, err error) {
		x, err := t.Column(arm, metric)
		for _, v := range x {
			most = max(most, math.Abs(v-0.5))
		}
		return most, err
	})
}

// monotone says that the mean accuracy grows with the share of contexts that are known; it tells
// the smallest step.
func monotone(arm string) papers.Bound {
	return papers.Point(fmt.Sprintf("accuracy of %s grows with the share of known contexts", arm), 0, false, func(t *papers.Table) (float64, error) {
		least, last := math.Inf(1), math.Inf(-1)
		for _, q := range known {
			m, err := t.Mean(arm, "accuracy@"+q)
			if err != nil {
				return 0, err
			}
			least, last = min(least, m-last), m
		}
		return least, nil
	})
}

// Criteria are the parts of the arena that a judge may look at, with the sign of what is good.
var criteria = []struct {
	part int
	sign float32
}{{rmlab.Progress, 1}, {rmlab.Hazard, -1}, {rmlab.Energy, -1}, {rmlab.Overspeed, -1}}

var contextual = model.Contextual{Width: len(criteria)}

func one(k int) []float32 {
	c := make([]float32, len(criteria))
	c[k] = 1
	return c
}

const (
	trained = 500 // pairs, each under two criteria
	tested  = 400
	margin  = 0.5 // deviations of a criterion's return, by which both answers have to be clear
)

const (
	purposeCriteria rng.Purpose = 0x63747801 + iota
	purposeInfer
)

// A case is a pair under two criteria. The records say which trajectory is better under each.
type pairCase struct{ records [2]feedback.Record }

// cases draws pairs and two criteria until n pairs are clear under both, with answers that are
// contrary, or alike.
func cases(lab *rmlab.Lab, n int, contrary bool, key rng.Key) ([]pairCase, error) {
	var scale [4]float64
	values := map[feedback.Segment][4]float64{}
	for k, c := range criteria {
		g := rmlab.Gold{}
		g[c.part] = c.sign
		segs := slices.Concat(lab.Levels...)
		y, err := lab.Gold(g.Score, segs)
		if err != nil {
			return nil, err
		}
		scale[k] = stats.Summarize(y).Std
		for i, seg := range segs {
			v := values[seg]
			v[k] = y[i]
			values[seg] = v
		}
	}
	r := key.Stream(purposeCriteria, 0, 0)
	var out []pairCase
	for batch := uint64(0); len(out) < n; batch++ {
		if batch == 100 {
			return nil, fmt.Errorf("context: only %d of %d pairs are clear under two criteria", len(out), n)
		}
		for _, q := range lab.Pairs(n, key.Fold(batch)) {
			j := r.IntN(len(criteria))
			k := (j + 1 + r.IntN(len(criteria)-1)) % len(criteria)
			dj := (values[q.A][j] - values[q.B][j]) / scale[j]
			dk := (values[q.A][k] - values[q.B][k]) / scale[k]
			if math.Abs(dj) < margin || math.Abs(dk) < margin || (dj*dk < 0) != contrary || len(out) == n {
				continue
			}
			out = append(out, pairCase{[2]feedback.Record{answer(q, j, dj), answer(q, k, dk)}})
		}
	}
	return out, nil
}

func answer(q label.Query, k int, d float64) feedback.Record {
	r := feedback.Better(q.A, q.B)
	r.Context = one(k)
	if d < 0 {
		r.Label = 0
	}
	return r
}

func records(cs []pairCase) (rs []feedback.Record) {
	for _, c := range cs {
		rs = append(rs, c.records[:]...)
	}
	return rs
}

func cell(c papers.Cell) (papers.Row, error) {
	pairs, questions := trained, tested
	if c.Scale == papers.Smoke {
		pairs, questions = 200, 200
	}
	lab, err := rmlab.New(rmlab.Config{Seed: c.Seed, Levels: 40, PerLevel: 64})
	if err != nil {
		return nil, err
	}
	learn, err := cases(lab, pairs, c.Arm != "agreements", lab.Key.Fold(1))
	if err != nil {
		return nil, err
	}
	test, err := cases(lab, questions, true, lab.Key.Fold(2))
	if err != nil {
		return nil, err
	}
	rs, held := records(learn), records(test)
	see := func(rs []feedback.Record) []feedback.Record { return rs }
	switch c.Arm {
	case "reversals", "agreements":
	case "blind":
		see = feedback.Map(func(r *feedback.Record) { r.Context = make([]float32, len(criteria)) })
	case "shuffled":
		rs = shuffled(rs, lab.Key)
	default:
		return nil, fmt.Errorf("unknown arm %q", c.Arm)
	}
	m, err := fit(lab, see(rs))
	if err != nil {
		return nil, err
	}
	row := papers.Row{}
	if row["accuracy"], err = accuracy(lab, m, see(held)); err != nil {
		return nil, err
	}
	wrong, err := accuracy(lab, m, see(mistaken(held, 0, lab.Key)))
	if err != nil {
		return nil, err
	}
	for _, name := range known {
		q, err := strconv.ParseFloat(name, 64)
		if err != nil {
			return nil, err
		}
		inferred := mistaken(held, q, lab.Key.Fold(3))
		share := 0.0
		for i := range held {
			if slices.Equal(inferred[i].Context, held[i].Context) {
				share += 1 / float64(len(held))
			}
		}
		if row["accuracy@"+name], err = accuracy(lab, m, see(inferred)); err != nil {
			return nil, err
		}
		row["gap@"+name] = math.Abs(row["accuracy@"+name] - share*row["accuracy"] - (1-share)*wrong)
	}
	return row, nil
}

// shuffled gives each record the context of another.
func shuffled(rs []feedback.Record, key rng.Key) []feedback.Record {
	order := make([]int32, len(rs))
	for i := range order {
		order[i] = int32(i)
	}
	r := key.Stream(purposeCriteria, 1, 0)
	r.Shuffle(order)
	out := slices.Clone(rs)
	for i := range out {
		out[i].Context = rs[order[i]].Context
	}
	return out
}

// mistaken infers contexts: rightly with probability q, else as one of the others.
func mistaken(rs []feedback.Record, q float64, key rng.Key) []feedback.Record {
	r := key.Stream(purposeInfer, 0, 0)
	return feedback.Map(func(rec *feedback.Record) {
		u, other := r.Float64(), 1+r.IntN(len(criteria)-1)
		if k := slices.Index(rec.Context, 1); u >= q {
			rec.Context = one((k + other) % len(criteria))
		}
	})(rs)
}

// fit trains a network on records and their contexts.
func fit(lab *rmlab.Lab, rs []feedback.Record) (*model.Ensemble, error) {
	store, seen, err := contextual.Project(lab.Store, rs)
	if err != nil {
		return nil, err
	}
	shape := rmlab.Shape()
	shape.Inputs = []string{"obs"}
	e, err := model.NewEnsemble(shape, store.Shape(), lab.Key)
	if err != nil {
		return nil, err
	}
	if err := e.FitInputs(store); err != nil {
		return nil, err
	}
	o := rmlab.Fitting()
	o.Key = lab.Key
	seeing := rmlab.Lab{Store: store}
	return e, seeing.Refine(e, seen, o)
}

func accuracy(lab *rmlab.Lab, m *model.Ensemble, rs []feedback.Record) (float64, error) {
	store, seen, err := contextual.Project(lab.Store, rs)
	if err != nil {
		return 0, err
	}
	q, err := model.Measure(m, store, seen)
	return q.Accuracy, err
}
