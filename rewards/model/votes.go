package model

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Vote is what models that did not learn from a pair say of it: the mean and the standard
// deviation of how much they score the segment that the label prefers above the other. It is the
// strength of the preference (Wang et al., "Secrets of RLHF in Large Language Models Part II: Reward
// Modeling", 2024, eqs. 4 and 5); where it is negative the label is probably wrong.
type Vote struct{ Mean, Std float64 }

const (
	purposeFold rng.Purpose = 0x766f7401 + iota
	purposeMeta
)

// Votes asks voters models about each pair. In turns, one learns from a random half of the pairs
// and votes on the other, and one the other way round, so that each pair has voters/2 votes: voters
// that have seen a label repeat it. voters is even and at least 2. All records must be pairs.
func Votes(shape Shape, s *feedback.Store, rs []feedback.Record, voters int, o Training, pool *nn.Pool) ([]Vote, error) {
	if voters < 2 || voters%2 != 0 || len(rs) < 2 {
		return nil, fmt.Errorf("model: %d voters on %d records, want an even number of them and 2 records", voters, len(rs))
	}
	for i := range rs {
		if rs[i].Kind != feedback.Pair {
			return nil, fmt.Errorf("model: record %d is a %v, want a pair", i, rs[i].Kind)
		}
	}
	sum, square := make([]float64, len(rs)), make([]float64, len(rs))
	order := make([]int32, len(rs))
	for turn := range voters / 2 {
		for i := range order {
			order[i] = int32(i)
		}
		r := o.Key.Stream(purposeFold, uint32(turn), 0)
		r.Shuffle(order)
		half := len(order) / 2
		for side, fold := range [2][2][]int32{{order[:half], order[half:]}, {order[half:], order[:half]}} {
			t := o
			t.Key = o.Key.Fold(uint64(2*turn + side))
			if err := vote(shape, s, rs, fold[0], fold[1], t, pool, sum, square); err != nil {
				return nil, err
			}
		}
	}
	votes, n := make([]Vote, len(rs)), float64(voters/2)
	for i := range votes {
		m := sum[i] / n
		votes[i] = Vote{Mean: m, Std: math.Sqrt(max(0, square[i]/n-m*m))}
	}
	return votes, nil
}

// vote trains a model on some records and adds what it says of others.
func vote(shape Shape, s *feedback.Store, rs []feedback.Record, learn, judge []int32, o Training, pool *nn.Pool, sum, square []float64) error {
	e, err := NewEnsemble(shape, s.Shape(), o.Key)
	if err != nil {
		return err
	}
	if err := e.FitInputs(s); err != nil {
		return err
	}
	half := make([]feedback.Record, len(learn))
	for i, k := range learn {
		half[i] = rs[k]
	}
	if _, err := Fit(e, s, half, o, pool); err != nil {
		return err
	}
	var y [2]Out
	for _, k := range judge {
		for i, seg := range rs[k].Segments {
			v, err := s.View(seg)
			if err != nil {
				return fmt.Errorf("model: record %d: %w", k, err)
			}
			e.Score(&y[i], v)
		}
		d := float64(y[0].Return - y[1].Return)
		if rs[k].Label < 0.5 {
			d = -d
		}
		sum[k] += d
		square[k] += d * d
	}
	return nil
}

// Weakest returns the records in the order of their votes, the weakest first.
func Weakest(votes []Vote) []int {
	order := make([]int, len(votes))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return votes[order[i]].Mean < votes[order[j]].Mean })
	return order
}

// A Treatment says what to do with pairs by their votes (the same paper, section 2.3).
type Treatment struct {
	Flip   float64 // share of the pairs, the weakest, whose labels are turned
	Drop   float64 // share that is left out, instead
	Soft   bool    // labels become the probability logistic(vote) that the label is right
	Margin bool    // scores should differ by as much as the vote says
}

// Treat applies a treatment to pairs with their votes.
func Treat(rs []feedback.Record, votes []Vote, t Treatment) ([]feedback.Record, error) {
	if len(rs) != len(votes) {
		return nil, fmt.Errorf("model: %d votes on %d records", len(votes), len(rs))
	}
	if !(t.Flip >= 0 && t.Flip <= 1 && t.Drop >= 0 && t.Drop < 1) || t.Flip > 0 && t.Drop > 0 {
		return nil, errors.New("model: shares to flip or to drop are 0 to 1, and only one of them is above 0")
	}
	var out []feedback.Record
	for place, i := range Weakest(votes) {
		r, mu := rs[i], votes[i].Mean
		if place < int(t.Drop*float64(len(rs))) {
			continue
		}
		right := r.Label >= 0.5
		if place < int(t.Flip*float64(len(rs))) {
			r.Label, mu, right = 1-r.Label, -mu, !right
		}
		if t.Soft {
			if r.Label = logistic(float32(mu)); !right {
				r.Label = 1 - r.Label
			}
		}
		if t.Margin {
			r.Margin = float32(max(mu, 0))
		}
		out = append(out, r)
	}
	return out, nil
}

// FitMeta is Fit of one network that is kept able to tell apart what an agent does now (the same
// paper, section 3.2, "MetaRM"): before each gradient step the parameters are moved by step, in the
// direction in which the mean of logistic(|difference of scores|) over some pairs without labels
// grows fastest, and the gradient of the loss there is applied where they were. HeldOut, Bootstrap and
// Stride of o are not used.
func FitMeta(e *Ensemble, s *feedback.Store, rs, unlabelled []feedback.Record, step float64, o Training, pool *nn.Pool) error {
	if err := o.Validate(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if len(rs) == 0 || len(unlabelled) == 0 || e.Members() != 1 {
		return errors.New("model: learning by MetaRM needs records, pairs without labels, and a single network")
	}
	if o.Loss == nil {
		o.Loss = Standard
	}
	labelled, apart := &fitter{e: e, o: o, pool: pool}, &fitter{e: e, o: o, pool: pool}
	apart.o.Loss = likeness
	if err := labelled.load(s, rs); err != nil {
		return err
	}
	if err := apart.load(s, unlabelled); err != nil {
		return fmt.Errorf("pairs without labels: %w", err)
	}
	m := &labelled.members[0]
	n := len(m.params)
	grad, here := make([]float32, n), make([]float32, n)
	batch := make([]int32, min(o.Minibatch, len(unlabelled)))
	draw := o.Key.Stream(purposeMeta, 0, 0)
	err := o.minibatches(len(rs), func(order []int32) error {
		for i := range batch {
			batch[i] = int32(draw.IntN(len(unlabelled)))
		}
		apart.sum(m.params, batch, grad)
		length := 0.0
		for _, g := range grad {
			length += float64(g) * float64(g)
		}
		length = math.Sqrt(length) + 1e-12
		copy(here, m.params)
		for j, g := range grad {
			m.params[j] -= float32(step / length * float64(g)) // the loss is minus what is to grow
		}
		labelled.sum(m.params, order, m.grads[0])
		copy(m.params, here)
		return labelled.apply(m, order)
	})
	if err != nil {
		return err
	}
	copy(e.Params[0], m.params)
	return nil
}

// sum sets grad to the gradient of some records, on this goroutine alone.
func (f *fitter) sum(params []float32, order []int32, grad []float32) {
	clear(grad)
	for chunk := range slices.Chunk(order, chunkRecords) {
		f.records(&f.workers[0], params, chunk, grad)
	}
}

// likeness is minus logistic(|d|) of the difference d of the scores of a pair.
func likeness(_ *feedback.Record, y, dy [][]float32) float64 {
	d := sum(y[0]) - sum(y[1])
	p := logistic(max(d, -d))
	g := -p * (1 - p)
	if d < 0 {
		g = -g
	}
	fill(dy[0], g)
	fill(dy[1], -g)
	return -float64(p)
}
