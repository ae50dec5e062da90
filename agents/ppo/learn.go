package ppo

import (
	"errors"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// sums adds up over rows what the metrics are means of.
type sums struct{ policy, value, bonus, entropy, kl, clipped float64 }

func (s *sums) add(t sums) {
	s.policy += t.policy
	s.value += t.value
	s.bonus += t.bonus
	s.entropy += t.entropy
	s.kl += t.kl
	s.clipped += t.clipped
}

// metrics are those of one update.
type metrics struct {
	sums
	rows        int
	gradNorm    float64 // sum over steps
	steps       int
	epochs      float64
	lr          float64
	explained   float64
	rewardScale float64
	gain        float64 // mean reward a step
}

// Learn makes an update once the rollout is full.
func (a *agent) Learn(report agents.Report) (bool, error) {
	if !a.roll.full() {
		return false, nil
	}
	if err := a.update(); err != nil {
		return false, fmt.Errorf("ppo: update %d: %w", a.updates, err)
	}
	a.roll.step, a.roll.acted = 0, false
	a.updates++
	a.rowsLearned += int64(a.rows) * int64(a.Rollout)
	a.report(report)
	return true, nil
}

func (a *agent) update() error {
	a.metrics = metrics{lr: a.learningRate()}
	if err := a.roll.checkRewards(); err != nil {
		return err
	}
	a.metrics.gain = mean(a.roll.reward)
	if a.rewards != nil {
		a.metrics.rewardScale = float64(a.rewards.scale(a.roll))
	}
	if a.Average {
		a.roll.differential(float32(a.Lambda))
	} else {
		a.roll.advantages(float32(a.Gamma), float32(a.Lambda))
	}
	a.metrics.explained = a.roll.explainedVariance()
	if s := a.roll.bonus; s != nil {
		over := endless
		if a.IntrinsicEpisodic {
			over = episodic
		}
		a.roll.advantagesOf(s, float32(a.IntrinsicGamma), float32(a.Lambda), over)
		for k, v := range s.adv {
			a.roll.adv[k] += float32(float32(a.IntrinsicCoef) * v)
		}
	}
	if err := a.epochs(); err != nil {
		return err
	}
	if a.norm != nil {
		a.norm.merge()
		a.norm.freeze()
	}
	for i, v := range a.params {
		if !geom.Finite(v) {
			return fmt.Errorf("after it, the parameter %s is %v", a.where(i), v)
		}
	}
	return nil
}

// learningRate returns the rate of the next update. The first has the full rate, and the one
// after the last would have none.
func (a *agent) learningRate() float64 {
	progress := 0.0
	if a.allSteps > 0 {
		progress = min(float64(a.rowsLearned)/float64(a.allSteps), 1)
	}
	return a.LearningRate * schedules[a.Schedule](progress)
}

func (a *agent) epochs() error {
	n := len(a.order)
	minibatches := (n + a.Minibatch - 1) / a.Minibatch
	key := a.key.Fold(shuffleFold).Fold(uint64(a.updates))
	for i := range a.order {
		a.order[i] = int32(i)
	}
	for e := range a.Epochs {
		s := key.Stream(purposeShuffle, 0, uint32(e))
		s.Shuffle(a.order)
		for m := range minibatches {
			a.batch = a.order[m*n/minibatches : (m+1)*n/minibatches]
			far, err := a.minibatch()
			if err != nil {
				return fmt.Errorf("epoch %d, minibatch %d: %w", e, m, err)
			}
			if far {
				return nil
			}
			a.metrics.epochs += 1 / float64(minibatches)
		}
	}
	return nil
}

// minibatch takes one step of the optimiser with a.batch. It takes none, and reports far, if the
// policy has already moved further than the target.
func (a *agent) minibatch() (far bool, err error) {
	a.standardize()
	rows := len(a.batch)
	a.trainer.Gradient(rows, a.onLoss)
	var s sums
	for _, b := range a.blockMetrics[:nn.Blocks(rows)] {
		s.add(b)
	}
	for _, l := range []struct {
		name string
		sum  float64
	}{{"policy loss", s.policy}, {"value loss", s.value}, {"intrinsic value loss", s.bonus}, {"entropy", s.entropy}} {
		if math.IsNaN(l.sum) || math.IsInf(l.sum, 0) {
			return false, fmt.Errorf("the %s is %v", l.name, l.sum/float64(rows))
		}
	}
	a.metrics.add(s)
	a.metrics.rows += rows
	if a.TargetKL > 0 && s.kl/float64(rows) > 1.5*a.TargetKL {
		return true, nil
	}
	norm, err := a.trainer.Step(float32(a.metrics.lr))
	if err != nil {
		return false, a.locate(err)
	}
	a.metrics.gradNorm += norm
	a.metrics.steps++
	return false, nil
}

// locate names the parameter whose gradient is not finite.
func (a *agent) locate(err error) error {
	if bad := (*nn.NonFiniteError)(nil); errors.As(err, &bad) {
		return fmt.Errorf("the gradient of the parameter %s is %v", a.where(bad.Index), a.trainer.Grad[bad.Index])
	}
	return err
}

// standardize sets shift and scale of the advantages of a.batch.
func (a *agent) standardize() {
	a.advShift, a.advScale = 0, 1
	if !a.NormalizeAdvantage {
		return
	}
	var mean, sq float64
	n := float64(len(a.batch))
	for _, k := range a.batch {
		mean += float64(a.roll.adv[k])
	}
	mean /= n
	for _, k := range a.batch {
		d := float64(a.roll.adv[k]) - mean
		sq += float64(d * d)
	}
	a.advShift, a.advScale = float32(mean), float32(1/(math.Sqrt(sq/n)+1e-8))
}

// loss adds the gradient of rows lo to hi of the minibatch. The loss is, by PPO (9) with its sign
// changed, the mean over rows of
//
//	-min(r A, clamp(r, 1-clip, 1+clip) A) + value_coef (V - target)^2 - entropy_coef H
//
// and, with an intrinsic critic, value_coef times its squared error,
// with r the ratio of the probabilities of the action under the new and the old policy.
func (a *agent) loss(wi, block, lo, hi int, grad []float32) {
	w, r, rows := &a.work[wi], a.roll, a.batch[lo:hi]
	n := len(rows)
	for i, k := range rows {
		copy(w.obs[i*a.obs:(i+1)*a.obs], r.obs[int(k)*a.obs:])
		copy(w.act[i*a.act:(i+1)*a.act], r.act[int(k)*a.act:])
	}
	params, netGrad := a.ofNet(a.params), a.ofNet(grad)
	a.net.Forward(params, w.tape, w.obs, n)
	a.head.Forward(w.head, w.tape.Policy, a.net.Free(params), w.act[:n*a.act])
	var s sums
	mean := 1 / float32(len(a.batch))
	for i, k := range rows {
		w.dLogProb[i] = mean * a.surrogate(&s, w.head.LogProb[i]-r.logProb[k], r.adv[k])
		w.dValue[i] = mean * float32(a.ValueCoef) * a.valueError(&s, w.tape.Value[i], r.value[k], r.target[k])
		w.dEntropy[i] = -mean * float32(a.EntropyCoef)
		s.entropy += float64(w.head.Entropy[i])
	}
	a.blockMetrics[block] = s
	a.head.Backward(w.head, w.dLogProb[:n], w.dEntropy[:n], w.dPolicy, a.net.Free(netGrad))
	a.net.Backward(params, netGrad, w.tape, w.dPolicy[:n*a.head.Inputs()], w.dValue[:n])
	if a.curious != nil {
		a.bonusLoss(w, rows, grad)
		a.blockMetrics[block].bonus = w.bonusLoss
	}
}

// bonusLoss adds the gradient of the intrinsic critic for rows whose observations w holds.
func (a *agent) bonusLoss(w *worker, rows []int32, grad []float32) {
	n, mean, s := len(rows), 1/float32(len(a.batch)), a.roll.bonus
	v := a.curious.Forward(a.ofCurious(a.params), w.curious, w.obs, n)
	w.bonusLoss = 0
	for i, k := range rows {
		err := v[i] - s.target[k]
		w.bonusLoss += float64(err) * float64(err)
		w.dBonus[i] = mean * float32(a.ValueCoef) * 2 * err
	}
	a.curious.Backward(a.ofCurious(a.params), a.ofCurious(grad), w.curious, w.dBonus[:n], nil)
}

// surrogate adds the policy loss of a row, PPO (7), and returns its derivative with respect to
// the log-probability of the action.
func (a *agent) surrogate(s *sums, logRatio, adv float32) float32 {
	clip := float32(a.Clip)
	adv = (adv - a.advShift) * a.advScale
	ratio := geom.Exp(logRatio)
	s.kl += float64(ratio) - 1 - float64(logRatio)
	if geom.Abs(ratio-1) > clip {
		s.clipped++
	}
	// min takes the clipped product only where that is the smaller; there it is constant.
	if adv >= 0 && ratio > 1+clip || adv < 0 && ratio < 1-clip {
		s.policy -= float64(geom.Clamp(ratio, 1-clip, 1+clip) * adv)
		return 0
	}
	s.policy -= float64(ratio * adv)
	return -ratio * adv
}

// valueError adds the squared error of the value v of a row and returns its derivative. With a
// value clip, it is the larger of that and of the error of v limited to the range around the old
// value.
func (a *agent) valueError(s *sums, v, old, target float32) float32 {
	err, slope := v-target, float32(2)
	if c := float32(a.ValueClip); c > 0 && geom.Abs(v-old) > c {
		limited := old + geom.Clamp(v-old, -c, c) - target
		if geom.Abs(limited) > geom.Abs(err) {
			err, slope = limited, 0
		}
	}
	s.value += float64(err) * float64(err)
	return slope * err
}

func (a *agent) report(report agents.Report) {
	m := &a.metrics
	n := float64(m.rows)
	report("loss/policy", m.policy/n)
	report("loss/value", m.value/n)
	if a.curious != nil {
		report("loss/intrinsic_value", m.bonus/n)
	}
	report("entropy", m.entropy/n)
	report("kl", m.kl/n)
	report("clip_fraction", m.clipped/n)
	report("grad_norm", m.gradNorm/float64(max(m.steps, 1)))
	report("explained_variance", m.explained)
	report("epochs", m.epochs)
	report("lr", m.lr)
	if a.anchor != nil {
		report("anchor/kl", a.anchor.meanKL())
	}
	if a.Average {
		report("gain", m.gain)
	}
	if a.rewards != nil {
		report("reward_scale", m.rewardScale)
	}
	if free := a.net.Free(a.ofNet(a.params)); len(free) > 0 {
		var std float64
		for _, v := range free {
			std += float64(geom.Exp(v))
		}
		report("action_std", std/float64(len(free)))
	}
}
