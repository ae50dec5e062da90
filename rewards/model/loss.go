package model

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Loss returns the loss of a record, given the raw scores y[i] of the steps of its segment i,
// and sets dy[i] to the gradient with respect to them. It does not apply the record's weight. It
// is called by several goroutines at once.
type Loss func(r *feedback.Record, y, dy [][]float32) float64

// Standard is the loss for every kind of record: BradleyTerry for pairs, PlackettLuce for ranked
// segments, the squared error for ratings of whole segments and for marks of steps. Demonstrations
// have none: compare them with other behaviour first, by feedback.AgainstDemos. Declined records have
// none either, and remarks need a vocabulary: see Remarks.
func Standard(r *feedback.Record, y, dy [][]float32) float64 {
	switch r.Kind {
	case feedback.Pair:
		return BradleyTerry(r, y, dy)
	case feedback.Ranked:
		return PlackettLuce(r, y, dy)
	case feedback.Rated:
		return SquaredRatings(r, y, dy)
	case feedback.Marked:
		return SquaredMarks(r, y, dy)
	}
	for _, d := range dy {
		clear(d)
	}
	return 0
}

// BradleyTerry is the cross-entropy of a pair under the model of Bradley and Terry ("Rank
// analysis of incomplete block designs", 1952) on summed scores, as in eq. 1 of Christiano et al.,
// "Deep reinforcement learning from human preferences" (2017):
//
//	loss = - p log s(d - m) - (1-p) log s(-d - m)     d = sum y[0] - sum y[1], s the logistic
//
// with the label p, which may be soft, and the record's margin m (Touvron et al., "Llama 2",
// 2023, eq. 2).
func BradleyTerry(r *feedback.Record, y, dy [][]float32) float64 {
	d := sum(y[0]) - sum(y[1])
	p, m := r.Label, r.Margin
	loss := float32(p*softplus(m-d)) + float32((1-p)*softplus(m+d))
	g := float32((1-p)*logistic(d+m)) - float32(p*logistic(m-d))
	fill(dy[0], g)
	fill(dy[1], -g)
	return float64(loss)
}

// PlackettLuce is minus the log-likelihood of an order, the best first: each segment is chosen
// among those left with a probability by the exponentials of the summed scores (Plackett, "The
// analysis of permutations", 1975). Of two segments it is BradleyTerry.
func PlackettLuce(_ *feedback.Record, y, dy [][]float32) float64 {
	n := len(y)
	s := make([]float64, n)
	for i := range y {
		s[i] = float64(sum(y[i]))
	}
	loss, g := 0.0, make([]float64, n)
	for i := range n - 1 {
		most := math.Inf(-1)
		for _, v := range s[i:] {
			most = max(most, v)
		}
		z := 0.0
		for _, v := range s[i:] {
			z += expOf(v - most)
		}
		loss += most + float64(geom.Log(float32(z))) - s[i]
		g[i]--
		for j := i; j < n; j++ {
			g[j] += expOf(s[j]-most) / z
		}
	}
	for i := range dy {
		fill(dy[i], float32(g[i]))
	}
	return loss
}

func expOf(x float64) float64 { return float64(geom.Exp(float32(max(x, -80)))) }

// SquaredRatings is half the squared difference of the summed scores and the ratings, added up
// over segments.
func SquaredRatings(r *feedback.Record, y, dy [][]float32) (loss float64) {
	for i := range y {
		d := sum(y[i]) - r.Ratings[i]
		loss += 0.5 * float64(d) * float64(d)
		fill(dy[i], d)
	}
	return loss
}

// SquaredMarks is half the squared difference of the score and the mark, added up over marked steps.
func SquaredMarks(r *feedback.Record, y, dy [][]float32) (loss float64) {
	clear(dy[0])
	for _, m := range r.Steps {
		d := y[0][m.Step] - m.Value
		loss += 0.5 * float64(d) * float64(d)
		dy[0][m.Step] += d
	}
	return loss
}

// LogisticMarks takes the sign of a mark for its meaning, and its size for its weight: the sum over
// marked steps of
//
//	|v| softplus(-sign(v) y)
//
// It is the step-weighted term of Zhou et al., "T-REG: Preference Optimization with Token-Level Reward
// Regularization" (2024), with y for the implicit reward of the step.
func LogisticMarks(r *feedback.Record, y, dy [][]float32) (loss float64) {
	clear(dy[0])
	for _, m := range r.Steps {
		l, g := blame(y[0][m.Step], m.Value)
		loss += l
		dy[0][m.Step] += g
	}
	return loss
}

// blame returns |v| softplus(-sign(v) y) and its derivative in y.
func blame(y, v float32) (loss float64, slope float32) {
	size, z := geom.Abs(v), y
	if v < 0 {
		z = -y
	}
	return float64(size * softplus(-z)), -v * logistic(-z)
}

// Remarks returns the loss of remarks in the words of a vocabulary, and Standard of other kinds. A
// word says that the scores of its part of the segment add up to more than nothing, or to less, with
// the probability of BradleyTerry against behaviour that is worth 0: the sum over tokens of
//
//	|v| softplus(-sign(v) sum of y over the part)
//
// with the value v of the word. All tokens must be in the vocabulary, which Fit checks.
func Remarks(words feedback.Vocabulary) Loss {
	return func(r *feedback.Record, y, dy [][]float32) (loss float64) {
		if r.Kind != feedback.Remarked {
			return Standard(r, y, dy)
		}
		clear(dy[0])
		for _, token := range r.Tokens {
			from, to := words[token].Part(len(y[0]))
			l, g := blame(sum(y[0][from:to]), words[token].Value)
			loss += l
			for i := from; i < to; i++ {
				dy[0][i] += g
			}
		}
		return loss
	}
}

// softplus returns log(1 + exp(x)).
func softplus(x float32) float32 {
	return max(x, 0) + geom.Log(1+geom.Exp(-geom.Abs(x)))
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}
