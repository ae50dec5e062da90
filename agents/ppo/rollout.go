package ppo

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// A rollout holds what was recorded since the last update, step by step: row i of step t is at
// t*rows+i. There is room for one more step, which Act may fill before Learn empties all.
type rollout struct {
	rows, steps int
	step        int  // steps recorded
	acted       bool // the row of step has been acted

	obs, act []float32 // as the network sees them
	logProb  []float32 // of act under the policy that acted
	returns            // of the reward
	bonus    *returns  // nil without an intrinsic critic
	end      []env.End
	open     []int32 // rows whose successor is to be valued; scratch of Record
}

// returns are what is learned from a stream of rewards.
type returns struct {
	reward, value, adv, target []float32
	next                       []float32 // set where an episode was truncated, and at the last step
}

func newReturns(n, rows int) returns {
	f := func(n int) []float32 { return make([]float32, n) }
	return returns{reward: f(n), value: f(n + rows), adv: f(n), target: f(n), next: f(n)}
}

func newRollout(rows, steps, obs, act int) *rollout {
	n := rows * steps
	f := func(w int) []float32 { return make([]float32, (n+rows)*w) }
	return &rollout{
		rows: rows, steps: steps, obs: f(obs), act: f(act), logProb: f(1), returns: newReturns(n, rows),
		end: make([]env.End, n), open: make([]int32, 0, rows),
	}
}

// at returns the place of row i of the current step.
func (r *rollout) at(i int) int { return r.step*r.rows + i }

func (r *rollout) full() bool { return r.step == r.steps }

// advantages sets adv and target from rewards and values. With the temporal difference
// delta = reward + gamma V(next) - V(obs), the advantage of a step is, by GAE (16),
//
//	A(t) = delta(t) + gamma lambda A(t+1)
//
// where the sum ends with the episode. V(next) is 0 where the episode was terminated. The target
// of the value is A + V: the return of TD(lambda).
func (r *rollout) advantages(gamma, lambda float32) {
	r.advantagesOf(&r.returns, gamma, lambda, episodic)
}

// A span says how far returns go.
type span uint8

const (
	// episodic returns end with the episode.
	episodic span = iota
	// endless returns go on over the ends of episodes: what follows an end is the first state of
	// the next episode, or, at the last step, of which there is no next, the true successor.
	endless
	// recurring returns go on where the task ended the episode, as its next beginning is part of the
	// world, but not where a limit did. An end at the last step, whose next beginning is not known
	// yet, counts as staying where one is.
	recurring
)

// advantagesOf is advantages for a stream of rewards.
func (r *rollout) advantagesOf(s *returns, gamma, lambda float32, over span) {
	gl := gamma * lambda
	for t := r.steps - 1; t >= 0; t-- {
		for i := range r.rows {
			k := t*r.rows + i
			next, carry := s.next[k], float32(0)
			ended := r.end[k] == env.Terminated
			switch {
			case over == episodic && ended:
				next = 0
			case t < r.steps-1 && (r.end[k] == env.Running || over == endless || over == recurring && ended):
				next, carry = s.value[k+r.rows], s.adv[k+r.rows]
			case over == recurring && ended:
				next = s.value[k]
			}
			delta := s.reward[k] + float32(gamma*next) - s.value[k]
			s.adv[k] = delta + float32(gl*carry)
			s.target[k] = s.adv[k] + s.value[k]
		}
	}
}

// valueDrift is the share of the mean of values that is taken off their targets: with the mean
// reward for an objective they are determined up to a constant, which must not wander (Ma, Tang,
// Xia, Yang and Zhao, "Average-Reward Reinforcement Learning with Trust Region Methods", IJCAI 2021:
// the average value constraint).
const valueDrift = 0.1

// differential sets adv and target for the mean reward a step as the objective: without a discount,
// each reward less the mean of the rollout (Zhang and Ross, "On-Policy Deep Reinforcement Learning
// for the Average-Reward Criterion", ICML 2021).
func (r *rollout) differential(lambda float32) {
	gain := float32(mean(r.reward))
	for k := range r.reward {
		r.reward[k] -= gain
	}
	r.advantagesOf(&r.returns, 1, lambda, recurring)
	off := float32(valueDrift * mean(r.target))
	for k := range r.target {
		r.target[k] -= off
	}
}

func mean(x []float32) (m float64) {
	for _, v := range x {
		m += float64(v)
	}
	return m / float64(len(x))
}

// checkRewards reports the first reward or bonus that is not finite.
func (r *rollout) checkRewards() error {
	if r.bonus != nil {
		for k, v := range r.bonus.reward {
			if !geom.Finite(v) {
				return fmt.Errorf("the bonus of step %d, row %d is %v", k/r.rows, k%r.rows, v)
			}
		}
	}
	for k, v := range r.reward {
		if !geom.Finite(v) {
			return fmt.Errorf("the reward of step %d, row %d is %v", k/r.rows, k%r.rows, v)
		}
	}
	return nil
}

// explainedVariance returns 1 - Var(target - value)/Var(target), or 0 if targets do not vary.
func (r *rollout) explainedVariance() float64 {
	var mean, meanErr float64
	n := float64(len(r.target))
	for k, y := range r.target {
		mean += float64(y)
		meanErr += float64(r.adv[k]) // target - value
	}
	mean, meanErr = mean/n, meanErr/n
	var v, vErr float64
	for k, y := range r.target {
		d, e := float64(y)-mean, float64(r.adv[k])-meanErr
		v += float64(d * d)
		vErr += float64(e * e)
	}
	if v == 0 {
		return 0
	}
	return 1 - vErr/v
}

// A rewardScaler divides rewards by the standard deviation of the discounted return so far.
type rewardScaler struct {
	*moments
	gamma, limit float32
	ret          []float32 // of each row: the discounted sum of the rewards of its episode so far
}

func newRewardScaler(rows int, gamma, limit float64) *rewardScaler {
	return &rewardScaler{newMoments(1), float32(gamma), float32(limit), make([]float32, rows)}
}

// scale takes in the rewards of a rollout, then scales and limits them. It returns the factor.
func (s *rewardScaler) scale(r *rollout) float32 {
	for t := range r.steps {
		at := t * r.rows
		for i := range s.ret {
			s.ret[i] = float32(s.gamma*s.ret[i]) + r.reward[at+i]
		}
		s.add(s.ret)
		for i := range s.ret {
			if r.end[at+i] != env.Running {
				s.ret[i] = 0
			}
		}
	}
	f := s.factor()
	for k, v := range r.reward {
		r.reward[k] = geom.Clamp(float32(v*f), -s.limit, s.limit)
	}
	return f
}

// factor takes in what was added, and returns what rewards are multiplied by.
func (s *rewardScaler) factor() float32 {
	s.merge()
	return float32(1 / math.Sqrt(s.variance(0)+varEps))
}
