package model

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// minibatches calls do with the numbers, from 0 to n-1, of each minibatch of each pass. Each pass
// has another order.
func (t *Training) minibatches(n int, do func(order []int32) error) error {
	order := make([]int32, n)
	for i := range order {
		order[i] = int32(i)
	}
	for epoch := range t.Epochs {
		r := t.Key.Stream(purposeShuffle, 0, uint32(epoch))
		r.Shuffle(order)
		for at := 0; at < n; at += t.Minibatch {
			if err := do(order[at:min(at+t.Minibatch, n)]); err != nil {
				return fmt.Errorf("model: pass %d: %w", epoch+1, err)
			}
		}
	}
	return nil
}

// adamW applies a gradient that was summed over records of some weight in all: AdamW (Loshchilov and
// Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2) of the mean, which grad
// becomes. It fails, leaving the parameters as they were, if that is not finite.
func adamW(adam *nn.Adam, params, grad []float32, weight float32, rate, decay float64) error {
	bad := float32(0)
	for j := range grad {
		grad[j] /= weight
		bad += grad[j] - grad[j] // stays 0 unless one is not finite
	}
	if bad != 0 {
		return errors.New("the gradient is not finite")
	}
	keep := float32(1 - rate*decay)
	for j := range params {
		params[j] *= keep
	}
	adam.Step(params, grad, float32(rate))
	return nil
}

// descend trains params on records of the store, one record after another. It fails, leaving params
// as they were, if a record is not valid or not of the store, or if a gradient is not finite.
// gradient adds that of a record's weighted loss to grad.
func descend(params []float32, s *feedback.Store, rs []feedback.Record, o *Training, gradient func(grad []float32, r *feedback.Record, views []feedback.View)) error {
	if err := o.Validate(); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	if len(rs) == 0 {
		return errors.New("model: there are no records to learn from")
	}
	views := make([][]feedback.View, len(rs))
	for i := range rs {
		if err := rs[i].Validate(); err != nil {
			return fmt.Errorf("model: record %d: %w", i, err)
		}
		for _, seg := range rs[i].Segments {
			v, err := s.View(seg)
			if err != nil {
				return fmt.Errorf("model: record %d: %w", i, err)
			}
			views[i] = append(views[i], v)
		}
	}
	before := append([]float32(nil), params...)
	grad, adam := make([]float32, len(params)), nn.NewAdam(len(params))
	err := o.minibatches(len(rs), func(order []int32) error {
		clear(grad)
		weight := float32(0)
		for _, k := range order {
			gradient(grad, &rs[k], views[k])
			weight += rs[k].Weight
		}
		return adamW(adam, params, grad, weight, o.LearningRate, o.WeightDecay)
	})
	if err != nil {
		copy(params, before)
	}
	return err
}
