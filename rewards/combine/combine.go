// Package combine makes scorers of scorers: ensembles that are careful, and rewards that cannot be
// exploited step by step.
//
//	careful := combine.UWO(0.5, combine.Normalise(a, sa), combine.Normalise(b, sb))
//	refined := combine.Delta(combine.Clip(process, 0.7), true)
//
// Scorers that were learned apart have no common scale: Normalise each before Mean, Min and UWO,
// not before LSC, which lives on the scale of Bradley and Terry.
package combine

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// A Scale is the mean and the standard deviation of a scorer's returns.
type Scale struct{ Mean, Std float32 }

// Calibrate measures the returns of a scorer on segments of a store. Std is at least 1e-6.
func Calibrate(s model.Scorer, store *feedback.Store, segs []feedback.Segment) (Scale, error) {
	if len(segs) == 0 {
		return Scale{}, fmt.Errorf("combine: no segments to calibrate on")
	}
	var out model.Out
	var mean, square float64
	for n, seg := range segs {
		v, err := store.View(seg)
		if err != nil {
			return Scale{}, err
		}
		s.Score(&out, v)
		d := float64(out.Return) - mean
		mean += d / float64(n+1)
		square += float64(d * (float64(out.Return) - mean))
	}
	return Scale{float32(mean), max(geom.Sqrt(float32(square/float64(len(segs)))), 1e-6)}, nil
}

// Normalise shifts and scales the return to mean 0 and deviation 1 where it was calibrated. The
// shift is shared out among the steps.
func Normalise(s model.Scorer, to Scale) model.Scorer {
	return scorer(func(o *model.Out, v feedback.View) {
		s.Score(o, v)
		share := to.Mean / float32(len(o.Step))
		for i := range o.Step {
			o.Step[i] = (o.Step[i] - share) / to.Std
		}
		o.Return = (o.Return - to.Mean) / to.Std
		o.Var /= to.Std * to.Std
	})
}

// scorer is the func form of a model.Scorer.
type scorer func(o *model.Out, v feedback.View)

func (f scorer) Score(o *model.Out, v feedback.View) { f(o, v) }

// group scores by several scorers and joins their judgements.
type group struct {
	members []model.Scorer
	outs    []model.Out
	column  []float32
	join    func(x []float32) float32 // of the members' returns, and of each step
}

func newGroup(members []model.Scorer, join func([]float32) float32) *group {
	if len(members) == 0 {
		panic("combine: no scorers to combine")
	}
	return &group{members: members, outs: make([]model.Out, len(members)), column: make([]float32, len(members)), join: join}
}

// Score joins the returns, and each step's numbers, in the same way. Var is the variance of the
// members' returns.
func (g *group) Score(o *model.Out, v feedback.View) {
	for m, s := range g.members {
		s.Score(&g.outs[m], v)
		g.column[m] = g.outs[m].Return
	}
	o.Return = g.join(g.column)
	_, o.Var = moments(g.column)
	o.Step = append(o.Step[:0], g.outs[0].Step...)
	for i := range o.Step {
		for m := range g.outs {
			g.column[m] = g.outs[m].Step[i]
		}
		o.Step[i] = g.join(g.column)
	}
}

// moments returns the mean and the population variance.
func moments(x []float32) (mean, variance float32) {
	n := float32(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		variance += float32((v-mean)*(v-mean)) / n
	}
	return mean, variance
}

// Mean is the mean of the members.
func Mean(members ...model.Scorer) model.Scorer {
	return newGroup(members, func(x []float32) float32 { m, _ := moments(x); return m })
}

// Min is worst-case optimisation (Coste, Anwar, Kirk and Krueger, "Reward Model Ensembles Help
// Mitigate Overoptimization", ICLR 2024, eq. 3): the lowest of the members. The returns are
// compared as wholes; the steps, for learners that need them, one by one.
func Min(members ...model.Scorer) model.Scorer {
	return newGroup(members, func(x []float32) float32 { return slices.Min(x) })
}

// UWO is uncertainty-weighted optimisation (the same, eq. 4): the mean less lambda times the
// population variance of the members. The authors use 0.5 for best-of-n and 0.1 for PPO.
func UWO(lambda float32, members ...model.Scorer) model.Scorer {
	if !(lambda >= 0) {
		panic("combine: UWO needs a lambda of 0 or more")
	}
	return newGroup(members, func(x []float32) float32 {
		m, v := moments(x)
		return m - float32(lambda*v)
	})
}

// Sum is the sum of the members times their weights. Var is the sum of their variances times the
// squared weights, as if they erred independently.
func Sum(weights []float32, members ...model.Scorer) model.Scorer {
	if len(weights) != len(members) || len(members) == 0 {
		panic(fmt.Sprintf("combine: %d weights of %d scorers", len(weights), len(members)))
	}
	var part model.Out
	return scorer(func(o *model.Out, v feedback.View) {
		o.Return, o.Var = 0, 0
		o.Step = append(o.Step[:0], make([]float32, v.Len())...)
		for m, s := range members {
			w := weights[m]
			s.Score(&part, v)
			o.Return += float32(w * part.Return)
			o.Var += float32(w * w * part.Var)
			for i, x := range part.Step {
				o.Step[i] += float32(w * x)
			}
		}
	})
}

// Clip bounds each step from above: min(q - eta, 0) (Gao et al., "On Designing Effective RL
// Reward at Training Time for LLM Reasoning", 2024, section 4): good steps cost nothing and earn
// nothing, so that repeating them does not pay. The return is the sum of the steps.
func Clip(s model.Scorer, eta float32) model.Scorer {
	return scorer(func(o *model.Out, v feedback.View) {
		s.Score(o, v)
		o.Return = 0
		for i, q := range o.Step {
			o.Step[i] = min(q-eta, 0)
			o.Return += o.Step[i]
		}
		o.Var = 0
	})
}

// Delta gives each step the difference to the next one: q_k - q_(k+1), and the last one its own
// number, so that what follows step k sums to q_k whatever comes later (the same paper). With
// dropLast the last step gets 0 and the one before it its own number, as the authors have it where
// the last step is the answer, which has a reward of its own.
func Delta(s model.Scorer, dropLast bool) model.Scorer {
	return scorer(func(o *model.Out, v feedback.View) {
		s.Score(o, v)
		n := len(o.Step)
		if dropLast {
			n--
			o.Step[n] = 0
		}
		o.Return = 0
		for i := range n {
			if i+1 < n {
				o.Step[i] -= o.Step[i+1]
			}
			o.Return += o.Step[i]
		}
		o.Var = 0
	})
}

// A Reference is the return of a segment that is just good enough, such as a high quantile of a
// base policy's on the same level.
type Reference func(v feedback.View) float32

// Constant is the same reference everywhere.
func Constant(x float32) Reference { return func(feedback.View) float32 { return x } }

// LSC is the log-sigmoid-centred transformation (Wang et al., "Transforming and Combining Rewards
// for Aligning Large Language Models", 2024, eq. 6): u = log sigma(return - reference), the
// logarithm of the probability that the segment is good. Sums of several such are those of being
// good in every way; what is far above its reference gains no more. The steps get the differences
// that the running return makes, so that they sum to u; the first also bears log sigma(-reference).
func LSC(s model.Scorer, ref Reference) model.Scorer {
	return scorer(func(o *model.Out, v feedback.View) {
		s.Score(o, v)
		r := ref(v)
		slope := 1 - logistic(o.Return-r)
		o.Var *= slope * slope // to first order
		total, run, before := o.Return, float32(0), float32(0)
		for i, x := range o.Step {
			run += x
			if i == len(o.Step)-1 {
				run = total // where a wrapper made the return differ from the sum
			}
			u := logSigmoid(run - r)
			o.Step[i], before = u-before, u
		}
		o.Return = logSigmoid(total - r)
	})
}

func logSigmoid(x float32) float32 {
	return min(x, 0) - geom.Log(1+geom.Exp(-geom.Abs(x)))
}

func logistic(x float32) float32 { return geom.Exp(logSigmoid(x)) }
