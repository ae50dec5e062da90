// Package ppo learns by proximal policy optimisation: Schulman, Wolski, Dhariwal, Radford and
// Klimov, "Proximal Policy Optimization Algorithms" (2017), from here on PPO, with the
// advantages of Schulman, Moritz, Levine, Jordan and Abbeel, "High-Dimensional Continuous
// Control Using Generalized Advantage Estimation" (ICLR 2016), from here on GAE.
//
// The agent acts for Rollout steps of all rows, then goes several times over what it has
// recorded, in minibatches, maximising the clipped surrogate objective. Importing the package
// registers it as "ppo"; [Config] has the options.
//
// # Implementation details
//
// Huang, Dossa, Raffin, Kanervisto and Wang, "The 37 Implementation Details of Proximal Policy
// Optimization" (ICLR blog track 2022) list what separates programs that work. By their numbers,
// for the core (1-13), continuous actions (c1-c9) and the others that apply:
//
//	 1  Vectorised architecture: yes; the rows of env.Batch. Rollouts do not stop at episodes' ends.
//	 2  Orthogonal initial weights, gains sqrt(2) for hidden layers, 0.01 policy, 1 value: yes.
//	 3  Adam's epsilon 1e-5: yes.
//	 4  Learning rate annealing: option schedule; constant by default.
//	 5  Generalised advantage estimation: yes. Value targets are advantage plus value.
//	 6  Minibatches: every epoch shuffles all rows of the rollout and deals them out without
//	    replacement. If they do not divide evenly, minibatches differ by one row, never by more.
//	 7  Normalised advantages: yes, within each minibatch.
//	 8  Clipped surrogate objective: yes.
//	 9  Value clipping: option value_clip; off by default: the studies quoted there found no gain.
//	10  Overall loss and entropy bonus: yes.
//	11  Global gradient clipping: yes.
//	12  Debug variables: the metrics below.
//	13  Shared or separate networks: option shared; separate by default.
//	c1  Continuous actions from normal distributions: yes.
//	c2  State-independent logarithm of the standard deviation: yes, option log_std its start.
//	c3  Independent action components: yes.
//	c4  Separate networks: by default, see 13.
//	c5  Clipping of actions to their bounds: yes. The network sees -1..1 for the bounds of every
//	    action, and the action before clipping is the one whose probability counts.
//	c6  Observation normalisation: option normalize_obs. The statistics include all rollouts but
//	    the current one: within a rollout they are frozen, so that acting and learning see the
//	    same numbers. Before the first update the observations pass as they are.
//	c7  Observation clipping: option clip_obs, with normalize_obs.
//	c8  Reward scaling: option normalize_reward, by the standard deviation of the discounted
//	    return. The statistics include the current rollout, all of which gets the same scale.
//	c9  Reward clipping: option clip_reward, with normalize_reward.
//	 -  Multi-discrete actions: yes; the columns are independent.
//	 -  Early stopping by Kullback-Leibler divergence (one of the 4 auxiliary details): option
//	    target_kl; the update ends before a step whose minibatch is 1.5 times beyond it.
//	 -  Atari wrappers, LSTM, action masks: no.
//
// And, beyond that list: an episode that is truncated continues from the value of its true
// successor, which the batch holds, while a terminated one has value zero (Pardo, Tavakoli,
// Levdik and Kormushev, "Time Limits in Reinforcement Learning", ICML 2018).
//
// # Other objectives
//
// With the option average, the objective is the mean reward a step in the long run: advantages are
// of rewards less their mean, without a discount, and go on where the task ends an episode, for the
// next one to begin is part of it (Zhang and Ross, "On-Policy Deep Reinforcement Learning for the
// Average-Reward Criterion", ICML 2021).
//
// With the option temperature, each step also earns that much times minus the logarithm of the
// probability of its action, which in the mean is the entropy of the policy, as part of the return:
// what can be done later counts, which entropy_coef does not know (Ziebart, "Modeling Purposeful
// Adaptive Behavior with the Principle of Maximum Causal Entropy", 2010; Neu, Jonsson and Gomez, "A
// unified view of entropy-regularized Markov decision processes", 2017). agents.Anchored does the same
// with the divergence from another policy.
//
// # Bonuses
//
// An intrinsic bonus, see package explore, is added to the reward, before normalisation; or, with
// the option intrinsic_coef, it has a critic, a discount and returns of its own, which go on over
// the ends of episodes: Burda, Edwards, Storkey and Klimov, "Exploration by Random Network
// Distillation" (ICLR 2019), section 2.3. The advantage is then that of the reward plus
// intrinsic_coef times that of the bonus. The critic is a network apart, also with shared.
//
// # On a device
//
// With the option device, the agent acts, records and learns on the device that steps the worlds, as
// engine "vulkan" does: the rollout, the parameters and the state of the optimiser stay there, and so
// does every pass of an update. The host hears rewards and ends, for logs; it prepares the beginnings
// of episodes, merges the statistics of observations and rewards, and is sent the new parameters,
// for they are checked and may be asked to act. Parameters, moments and returns have the bits of an
// agent on the host whose nn.Kernel is "blas", on devices that round as IEEE 754 says, which Mesa's
// software driver does; but where the agent computes in float64 (statistics of observations, rewards
// and advantages, the length of the gradient, metrics), kernels use pairs of float32, good to 14 digits, so
// that once in millions of updates a float32 may be rounded to its other neighbour. On GPUs, which
// may divide and take roots with errors of 2.5 units in the last place, results are equal from run to
// run on one device. States may be loaded by agents with and without the option.
//
// It learns from the task's own reward. Bonuses, intrinsic_coef, average, temperature, layer_norm,
// anchors and imitation are not for it, nor squares beyond what a float32 holds: gradients and errors of values above 10^19 end
// the run, as what is not finite does.
//
// # Metrics
//
// Each update reports, averaged over its minibatches unless said otherwise:
//
//	loss/policy         the negative clipped surrogate objective, PPO (7)
//	loss/value          the mean squared error of the value, before weighting
//	loss/intrinsic_value  of the critic of a bonus, with intrinsic_coef
//	entropy             of the policy, in nats
//	kl                  estimated divergence of the new policy from the old, (r-1) - log r
//	clip_fraction       share of rows whose probability ratio r lies outside 1 ± clip
//	grad_norm           Euclidean norm of the gradient before clipping
//	explained_variance  1 - Var(target - value)/Var(target) of the rollout before the update: 1 is
//	                    perfect, 0 no better than a constant
//	epochs              passes over the rollout, counting a part as the share it is
//	lr                  learning rate of this update
//	anchor/kl           divergence of the policy from the one it is anchored to, a step; with Anchor
//	gain                mean reward a step of the rollout, with average
//	reward_scale        factor by which rewards were multiplied, with normalize_reward
//	action_std          mean standard deviation of continuous actions, on the scale of -1..1
package ppo

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
)

func init() { agents.Register("ppo", func() agents.Config { return New() }) }

// Config holds the options of the agent. New returns the defaults.
type Config struct {
	Rollout            int           `json:"rollout" doc:"steps of every row between updates, at least 1"`
	Minibatch          int           `json:"minibatch" doc:"rows a gradient is computed from, at least 2 and at most a rollout"`
	Epochs             int           `json:"epochs" doc:"passes over each rollout, at least 1"`
	LearningRate       float64       `json:"learning_rate" doc:"step size of Adam, above 0"`
	Schedule           string        `json:"schedule" doc:"learning rate over the run: constant, linear (to zero) or cosine (to zero)"`
	Gamma              float64       `json:"gamma" doc:"discount a step, 0 to 1"`
	Average            bool          `json:"average" doc:"maximise the mean reward a step instead of discounted sums; gamma is then for normalize_reward only"`
	Temperature        float64       `json:"temperature" doc:"worth of a nat of the policy's entropy, in the unit of the reward and as part of the return; 0 or more"`
	Lambda             float64       `json:"lambda" doc:"decay of advantage estimates a step, 0 to 1"`
	Clip               float64       `json:"clip" doc:"half width of the range of probability ratios, above 0"`
	ValueClip          float64       `json:"value_clip" doc:"half width of the range a value may move within in an update; 0 means no limit"`
	ValueCoef          float64       `json:"value_coef" doc:"weight of the squared error of values in the loss, 0 or more"`
	EntropyCoef        float64       `json:"entropy_coef" doc:"weight of the entropy bonus, 0 or more"`
	MaxGradNorm        float64       `json:"max_grad_norm" doc:"longest gradient; 0 means no limit"`
	TargetKL           float64       `json:"target_kl" doc:"an update ends where the policy has moved 1.5 times this far; 0 means never"`
	NormalizeObs       bool          `json:"normalize_obs" doc:"shift and scale observations to mean 0 and variance 1"`
	ClipObs            float64       `json:"clip_obs" doc:"limit of normalised observations, above 0"`
	NormalizeReward    bool          `json:"normalize_reward" doc:"scale rewards by the standard deviation of the discounted return"`
	ClipReward         float64       `json:"clip_reward" doc:"limit of scaled rewards, above 0"`
	NormalizeAdvantage bool          `json:"normalize_advantage" doc:"shift and scale advantages within each minibatch"`
	Hidden             []int         `json:"hidden" doc:"widths of the hidden layers"`
	Activation         nn.Activation `json:"activation" doc:"of hidden layers: tanh, relu, elu or identity"`
	LayerNorm          bool          `json:"layer_norm" doc:"normalise hidden layers"`
	Shared             bool          `json:"shared" doc:"one network for policy and value instead of two"`
	IntrinsicCoef      float64       `json:"intrinsic_coef" doc:"weight of the advantages of a bonus, which then has a critic and a discount of its own; 0 adds the bonus to the reward"`
	IntrinsicGamma     float64       `json:"intrinsic_gamma" doc:"discount a step of a bonus, 0 to 1, with intrinsic_coef"`
	IntrinsicEpisodic  bool          `json:"intrinsic_episodic" doc:"returns of a bonus end with the episode, as suits episodic bonuses; with intrinsic_coef"`
	LogStd             float64       `json:"log_std" doc:"first logarithm of the standard deviation of continuous actions, on the scale of -1..1"`
	Device             bool          `json:"device" doc:"act, record and learn on the device that steps the worlds, which needs engine vulkan, the task's own reward and no bonus"`
}

// Doc says what the agent is, in one line.
func (*Config) Doc() string {
	return "Proximal policy optimisation with generalised advantage estimation."
}

// Paper names the source.
func (*Config) Paper() string { return "Schulman et al. 2017" }

// New returns the default options.
func New() *Config {
	return &Config{
		Rollout: 256, Minibatch: 256, Epochs: 4,
		LearningRate: 1e-3, Schedule: "constant",
		Gamma: 0.99, Lambda: 0.95, IntrinsicGamma: 0.99,
		Clip: 0.2, ValueCoef: 0.5, MaxGradNorm: 0.5,
		NormalizeObs: true, ClipObs: 10, NormalizeReward: true, ClipReward: 10, NormalizeAdvantage: true,
		Hidden: []int{64, 64},
	}
}

// schedules gives the share of the learning rate at progress 0 to 1.
var schedules = map[string]func(progress float64) float64{
	"constant": func(float64) float64 { return 1 },
	"linear":   func(p float64) float64 { return 1 - p },
	"cosine":   func(p float64) float64 { return (1 + math.Cos(math.Pi*p)) / 2 },
}

// maxWidth is the widest hidden layer: two of them have a gigabyte of weights.
const maxWidth = 16384

// check reports the first option that is out of range.
func (c *Config) check(s agents.Setup) error {
	rows := int64(s.Rows) * int64(c.Rollout)
	for _, o := range []struct {
		name string
		is   any
		ok   bool
		want string
	}{
		{"rollout", c.Rollout, c.Rollout >= 1 && int64(c.Rollout) <= math.MaxInt32/int64(s.Rows), "at least 1, and at most 2^31 rows in all"},
		{"minibatch", c.Minibatch, c.Minibatch >= 2 && int64(c.Minibatch) <= rows, fmt.Sprintf("2 to %d, the rows of a rollout", rows)},
		{"epochs", c.Epochs, c.Epochs >= 1, "at least 1"},
		{"learning_rate", c.LearningRate, c.LearningRate > 0 && !math.IsInf(c.LearningRate, 0), "a number above 0"},
		{"schedule", c.Schedule, schedules[c.Schedule] != nil, "constant, linear or cosine"},
		{"gamma", c.Gamma, c.Gamma >= 0 && c.Gamma <= 1, "0 to 1"},
		{"temperature", c.Temperature, c.Temperature >= 0 && !math.IsInf(c.Temperature, 0), "0 or more"},
		{"lambda", c.Lambda, c.Lambda >= 0 && c.Lambda <= 1, "0 to 1"},
		{"clip", c.Clip, c.Clip > 0, "a number above 0"},
		{"value_clip", c.ValueClip, c.ValueClip >= 0, "0 or more"},
		{"value_coef", c.ValueCoef, c.ValueCoef >= 0, "0 or more"},
		{"entropy_coef", c.EntropyCoef, c.EntropyCoef >= 0, "0 or more"},
		{"max_grad_norm", c.MaxGradNorm, c.MaxGradNorm >= 0, "0 or more"},
		{"target_kl", c.TargetKL, c.TargetKL >= 0, "0 or more"},
		{"clip_obs", c.ClipObs, c.ClipObs > 0, "a number above 0"},
		{"clip_reward", c.ClipReward, c.ClipReward > 0, "a number above 0"},
		{"intrinsic_coef", c.IntrinsicCoef, c.IntrinsicCoef >= 0 && !math.IsInf(c.IntrinsicCoef, 0), "0 or more"},
		{"intrinsic_gamma", c.IntrinsicGamma, c.IntrinsicGamma >= 0 && c.IntrinsicGamma <= 1, "0 to 1"},
		{"log_std", c.LogStd, c.LogStd >= nn.MinLogStd && c.LogStd <= nn.MaxLogStd, fmt.Sprintf("%v to %v", nn.MinLogStd, nn.MaxLogStd)},
	} {
		if !o.ok {
			return fmt.Errorf("ppo: %s is %v, want %s", o.name, o.is, o.want)
		}
	}
	for _, w := range c.Hidden {
		if w < 1 || w > maxWidth {
			return fmt.Errorf("ppo: hidden is %v, want widths of 1 to %d", c.Hidden, maxWidth)
		}
	}
	if c.Schedule != "constant" && s.Steps <= 0 {
		return fmt.Errorf("ppo: schedule is %s, which needs to know the number of steps of the run", c.Schedule)
	}
	return nil
}

// Build checks the options and returns the agent, which is an [agents.Agent]. It acts for
// batches of any number of rows and learns from batches of s.Rows.
func (c *Config) Build(s agents.Setup) (agents.Policy, error) {
	if s.Rows < 1 {
		return nil, fmt.Errorf("ppo: batches of %d rows, want at least 1", s.Rows)
	}
	if err := c.check(s); err != nil {
		return nil, err
	}
	head, err := newHead(s.Spec)
	if err != nil {
		return nil, err
	}
	a := newAgent(*c, s, head)
	if c.Device {
		return newResident(a)
	}
	return a, nil
}

// newHead returns the distribution of the actions of s: a choice for each column with choices,
// a normal number for every other.
func newHead(s *env.Spec) (*nn.Head, error) {
	var parts []nn.Part
	for _, f := range s.Act {
		switch {
		case f.Choices == 1:
			return nil, fmt.Errorf("ppo: action %q of %s has one choice only, want at least 2", f.Name, s.ID)
		case f.Choices == 0:
			parts = append(parts, nn.Part{Kind: nn.Gaussian, N: f.Len})
		default:
			for range f.Len {
				parts = append(parts, nn.Part{Kind: nn.Categorical, N: f.Choices})
			}
		}
	}
	return nn.NewHead(parts...), nil
}
