package vpl

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

const (
	candidates = 64 // pairs of which a question is chosen
	samples    = 16 // of the latent
)

// chosen returns after how many chosen questions the predictions for all users are as good as after
// eight random ones, or nine if that is not within eight.
func (c *crowd) chosen(v *model.Variational, users int, want float64) (float64, error) {
	right, all := make([]float64, answers+1), make([]float64, answers+1)
	for u := range users {
		r := c.key.Stream(purposeCandidates, uint32(u), 0)
		var rs []feedback.Record
		for n := range answers + 1 {
			mean, _, err := v.Infer(c.store, rs)
			if err != nil {
				return 0, err
			}
			judge := c.key.Stream(purposeCandidates, uint32(u), 1) // the same pairs after each answer
			ok, k, err := c.right(u, v.Scorer(mean), &judge)
			if err != nil {
				return 0, err
			}
			right[n], all[n] = right[n]+ok, all[n]+k
			a, b, err := c.best(v, rs, &r)
			if err != nil {
				return 0, err
			}
			rs = append(rs, c.answer(u, a, b, &r))
		}
	}
	for n := range answers + 1 {
		if right[n]/all[n] >= want {
			return float64(n), nil
		}
	}
	return answers + 1, nil
}

// best returns the pair whose answer tells most of the latent, given some answers: the largest
// mutual information, H(mean of p) - mean of H(p), over samples of the posterior.
func (c *crowd) best(v *model.Variational, rs []feedback.Record, r *rng.Stream) (a, b feedback.Segment, err error) {
	mean, std, err := v.Infer(c.store, rs)
	if err != nil {
		return a, b, err
	}
	var scorers []model.Scorer
	for range samples {
		z := make([]float32, v.Latent())
		for i := range z {
			z[i] = mean[i] + float32(std[i]*r.Norm())
		}
		scorers = append(scorers, v.Scorer(z))
	}
	most, lab := math.Inf(-1), rmlab.Lab{Store: c.store}
	for range candidates {
		pair := []feedback.Segment{c.segs[r.IntN(len(c.segs))], c.segs[r.IntN(len(c.segs))]}
		p, h := 0.0, 0.0
		for _, s := range scorers {
			y, err := lab.Returns(s, pair)
			if err != nil {
				return a, b, err
			}
			q := 1 / (1 + math.Exp(y[1]-y[0]))
			p += q / samples
			h += entropy(q) / samples
		}
		if gain := entropy(p) - h; gain > most && pair[0] != pair[1] {
			most, a, b = gain, pair[0], pair[1]
		}
	}
	return a, b, nil
}

func entropy(p float64) float64 {
	if p <= 0 || p >= 1 {
		return 0
	}
	return -p*math.Log(p) - (1-p)*math.Log(1-p)
}
