package ppo

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn/gpu"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// update is agent.update on the device: the same steps in the same order, with the sums that the agent
// makes in float64 made of pairs of float32. The host adds up what worlds or blocks of rows came to,
// where that decides what comes next.
func (l *learner) update(roll *env.Rollout) error {
	a := l.a
	a.metrics = metrics{lr: a.learningRate()}
	for k, v := range roll.Reward {
		if !geom.Finite(v) {
			return fmt.Errorf("the reward of step %d, row %d is %v", k/l.stepWorlds, k%l.stepWorlds, v)
		}
	}
	if err := l.takeIn(); err != nil {
		return err
	}
	if err := l.judge.Run(); err != nil {
		return err
	}
	if err := l.valueNext(roll); err != nil {
		return err
	}
	if err := l.advantages.Run(); err != nil {
		return err
	}
	a.metrics.explained = l.explainedVariance()
	if err := l.epochs(); err != nil {
		return err
	}
	if a.norm != nil {
		a.norm.merge()
		a.norm.freeze()
	}
	if err := l.mem.Params.Download(a.params); err != nil {
		return err
	}
	for i, v := range a.params {
		if !geom.Finite(v) {
			return fmt.Errorf("after it, the parameter %s is %v", a.where(i), v)
		}
	}
	return nil
}

// takeIn makes rows of the record, and brings statistics of observations and rewards up to date.
func (l *learner) takeIn() error {
	a := l.a
	key := a.key.Fold(shuffleFold).Fold(uint64(a.updates))
	w := l.control.Host.Words()
	clear(w)
	w[gpu.Key], w[gpu.Key+1] = key.Lo, key.Hi
	if s := a.norm; s != nil {
		x := l.norm.Host.Floats()
		copy(x, s.shift)
		copy(x[a.obs:], s.scale)
		for j, m := range s.mean {
			pair(x[2*a.obs+2*j:], m)
		}
	}
	if s := a.rewards; s != nil {
		pair(l.mean.Host.Floats(), s.mean[0])
	}
	if err := l.take.Run(); err != nil {
		return err
	}
	if s := a.norm; s != nil {
		parts, chunks := l.moments.Host.Floats(), l.momentChunks()
		for j := range s.mean {
			sums := addPairs(parts[4*j*chunks:4*(j+1)*chunks], 2)
			s.s1[j] += sums[0]
			s.s2[j] += sums[1]
		}
		s.added += float64(l.all)
	}
	factor := float32(0)
	if s := a.rewards; s != nil {
		sums := addPairs(l.returnParts.Host.Floats(), 2)
		s.s1[0] += sums[0]
		s.s2[0] += sums[1]
		s.added += float64(l.all)
		factor = s.factor()
		a.metrics.rewardScale = float64(factor)
	}
	l.scale.Host.Floats()[0] = factor
	return nil
}

// pair writes x as the sum of two floats.
func pair(dst []float32, x float64) {
	dst[0] = float32(x)
	dst[1] = float32(x - float64(dst[0]))
}

// addPairs adds up, in order, records of n numbers that are pairs of floats.
func addPairs(x []float32, n int) [4]float64 {
	var sums [4]float64
	for ; len(x) > 0; x = x[2*n:] {
		for i := range n {
			sums[i] += float64(x[2*i]) + float64(x[2*i+1])
		}
	}
	return sums
}

// valueNext values the true successors of rows that were truncated, and of the last step's.
func (l *learner) valueNext(roll *env.Rollout) error {
	list := l.list.Host.Words()
	n := 0
	for k, end := range roll.End {
		if end == env.Truncated || end == env.Running && k >= l.all-l.stepWorlds {
			n++
			list[n] = uint32(k)
		}
	}
	list[0] = uint32(n)
	if err := l.listed.Run(); err != nil {
		return err
	}
	w := l.control.Host.Words()
	for c := 0; c*l.chunk < n; c++ {
		w[gpu.Chunk] = uint32(c)
		if err := l.successors.Run(); err != nil {
			return err
		}
	}
	return nil
}

// explainedVariance is that of rollout.
func (l *learner) explainedVariance() float64 {
	n, s := float64(l.all), addPairs(l.gaeParts.Host.Floats(), 4)
	variance := func(sum, squares float64) float64 { return squares/n - float64(sum/n)*float64(sum/n) }
	v := variance(s[0], s[1])
	if v <= 1e-12*s[1]/n { // but for rounding, they do not vary
		return 0
	}
	return 1 - variance(s[2], s[3])/v
}

// epochs shuffles the rows for all epochs and learns from their minibatches.
func (l *learner) epochs() error {
	a, w := l.a, l.control.Host.Words()
	for e := range a.Epochs {
		if err := l.shuffle.run(e); err != nil {
			return err
		}
	}
	l.opt.Rates(float32(a.metrics.lr))
	if err := l.standardize.Run(); err != nil {
		return err
	}
	for range a.Epochs {
		if err := l.epoch.Run(); err != nil {
			return err
		}
		if w[gpu.Stop] != 0 {
			break
		}
	}
	return l.conclude()
}

// conclude reads the metrics of an update, and why it stopped, if it did.
func (l *learner) conclude() error {
	m, w, x := &l.a.metrics, l.control.Host.Words(), l.control.Host.Floats()
	steps := int(w[gpu.Steps])
	if why := w[gpu.Stop]; why > gpu.Far {
		return fmt.Errorf("epoch %d, minibatch %d: %w", steps/l.batches, steps%l.batches, l.fault(why))
	}
	sum := func(i int) float64 { return float64(x[gpu.Sums+2*i]) + float64(x[gpu.Sums+2*i+1]) }
	m.sums = sums{policy: sum(0), value: sum(1), entropy: sum(2), kl: sum(3), clipped: sum(4)}
	m.gradNorm, m.rows, m.steps = sum(5), int(w[gpu.Rows]), steps
	for range steps {
		m.epochs += 1 / float64(l.batches)
	}
	l.opt.Count(steps)
	if w[gpu.Stop] == 0 && steps != l.a.Epochs*l.batches {
		return fmt.Errorf("the device took %d of %d steps", steps, l.a.Epochs*l.batches)
	}
	return nil
}

// fault says what was not finite.
func (l *learner) fault(why uint32) error {
	switch why {
	case gpu.BadPolicy:
		return errors.New("the policy loss is not finite")
	case gpu.BadValue:
		return errors.New("the value loss is not finite")
	case gpu.BadEntropy:
		return errors.New("the entropy is not finite")
	}
	i, g, err := l.opt.FirstBad()
	if err != nil {
		return err
	}
	return fmt.Errorf("the gradient of the parameter %s is %v", l.a.where(i), g)
}

// fetch brings the state of the optimiser and of returns to the host.
func (l *learner) fetch() error {
	if err := l.opt.Save(l.a.params); err != nil {
		return err
	}
	if l.a.rewards == nil {
		return nil
	}
	return l.returns.Dev.Download(l.a.rewards.ret)
}
