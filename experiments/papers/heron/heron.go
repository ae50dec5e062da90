// Package heron checks what Bukharin, Li, He and Zhao, "Deep Reinforcement Learning from
// Hierarchical Weak Preference Feedback" (2023), claim: that an order of importance of factors is
// as good as weights that were tuned, and does not mind how factors are scaled. See the README.
package heron

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents/ppo"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/pendulum"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// span is the difference of return between the task's own reward and no learning that margins are
// shares of: -1200 of a random policy to -200 of one that learned.
const span = 1000

func init() {
	papers.Register(papers.Claim{
		Name: "heron", Paper: "Bukharin et al. 2023",
		Doc: "An order of importance teaches as well as tuned weights do, however factors are scaled.",
		Arms: []string{
			"heron", "heron-rescaled", "reversed", "coin", "linear", "linear-rescaled", "top", "task",
		},
		Treatment: "heron", Control: "coin",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 20},
		From:  3000, // the agent and the margin were changed after 2000 to 2009 had been looked at
		Cell:  cell,
		Pass: []papers.Bound{
			papers.GreaterIQM("return", "heron", "linear", -0.05*span),
			papers.Greater("return", "heron-rescaled", "heron", -0.05*span),
			papers.Greater("return", "linear", "linear-rescaled", 0),
			papers.Greater("return", "heron-rescaled", "linear-rescaled", 0),
			papers.Greater("return", "heron", "reversed", 0),
		},
		Also: []papers.Bound{
			papers.Greater("return", "heron", "task", -0.05*span),
			papers.Greater("return", "heron", "top", 0),
			papers.Above("accuracy", "heron", 0.8),
			papers.Above("level1", "heron", 0.01),
			papers.Under("level1", "heron", 0.99),
		},
	})
}

// steps of training by scale.
var steps = map[papers.Scale]int64{papers.Smoke: 16_384, papers.Quick: 150_000, papers.Full: 500_000}

// beta is the ratio of the weights of factors, each a share of its deviation under random play, in
// the arm linear. It is the best of 0.3, 0.5, 0.8 on seeds 1 to 3.
const beta = 0.3

// deviations of the factors under random play.
var deviations = []float64{3.1, 15.3, 1.2}

// margin is that of all levels but the last, in deviations: of 0, 0.1, 0.3 the best on seeds 1 to 8.
const margin = 0.1

var factors = []string{"angle_squared", "speed_squared", "torque_squared"}

func cell(c papers.Cell) (papers.Row, error) { return run(c, beta) }

func run(c papers.Cell, beta float64) (papers.Row, error) {
	agent := ppo.New()
	agent.Rollout, agent.Gamma, agent.Schedule = 128, 0.95, "linear" // which linear learns the task with in half the steps
	t := &papers.Training{Env: pendulum.New(), Agent: agent, Worlds: 32, Steps: steps[c.Scale], Seed: c.Seed}
	if c.Scale == papers.Smoke {
		agent.Rollout = 64
	}
	told := map[string]float64{}
	t.Report = func(name string, value float64) { told[name] = value }
	switch c.Arm {
	case "heron", "heron-rescaled", "reversed", "coin":
		t.Reward = order(c)
	case "linear", "linear-rescaled":
		t.Reward = linear{beta, c.Arm == "linear-rescaled"}
	case "top":
		t.Reward = linear{0, false}
	case "task":
	default:
		return nil, fmt.Errorf("unknown arm %q", c.Arm)
	}
	policy, err := t.Run(c)
	if err != nil {
		return nil, err
	}
	score, err := t.Evaluate(policy, 50)
	if err != nil {
		return nil, err
	}
	return papers.Row{
		"return": score, "accuracy": told["preference/accuracy"], "level1": told["heron/level1"],
		"level2": told["heron/level2"], "level3": told["heron/level3"], "undecided": told["heron/undecided"],
	}, nil
}

// factorsOf returns the factors of a step, of which less is better, rescaled if asked for: the
// first is cubed, the last two multiplied by 10. No order of values changes.
func factorsOf(f []float32, rescaled bool) [3]float64 {
	z := [3]float64{float64(f[0]), float64(f[1]), float64(f[2])}
	if rescaled {
		z[0], z[1], z[2] = z[0]*z[0]*z[0]/100, 10*z[1], 10*z[2]
	}
	return z
}

// linear is the config of the weighted sum of factors, beta^k over their deviations.
type linear struct {
	beta     float64
	rescaled bool
}

func (l linear) Build(s *env.Spec) (rewards.Func, error) {
	width := env.Width(s.Facts)
	return rewards.FuncOf(func(dst []float32, b *env.Batch) {
		for i := range b.N {
			z, sum := factorsOf(b.Facts[i*width:(i+1)*width], l.rescaled), 0.0
			for k := range z {
				sum -= math.Pow(l.beta, float64(k)) * z[k] / deviations[k]
			}
			dst[i] = float32(sum)
		}
	}), nil
}

// hierarchy is the config of HERON on factors as they are here.
type hierarchy struct {
	model.Asking
	rescaled, reversed, coin bool
}

func order(c papers.Cell) *hierarchy {
	h := &hierarchy{Asking: model.DefaultAsking(), rescaled: c.Arm == "heron-rescaled", reversed: c.Arm == "reversed", coin: c.Arm == "coin"}
	h.Labels, h.Rounds, h.Every, h.Window = 3000, 17, 8192, 30_000 // rounds span the whole run
	h.Inputs, h.Segment, h.Epochs = []string{"obs", "act"}, 25, 6  // whatever the defaults become
	h.Stride, h.Ends, h.Initial = 0, 0, 0.1
	h.Select = model.Uniform // as the authors; pairs that members disagree on are those that upper levels leave open
	if c.Scale == papers.Smoke {
		h.Labels, h.Rounds, h.Every, h.HeldOut = 200, 2, 4096, 0.3 // enough held out to measure
	}
	return h
}

func (h *hierarchy) Build(s *env.Spec) (rewards.Func, error) {
	var levels []label.Level
	for k, name := range factors {
		margin := margin
		if k == len(factors)-1 {
			margin = 0
		}
		levels = append(levels, label.Level{Name: name, Less: true, Margin: margin, Signal: signal(k, h.rescaled)})
	}
	if h.reversed {
		levels[0], levels[2] = levels[2], levels[0]
		levels[0].Margin, levels[2].Margin = levels[2].Margin, levels[0].Margin
	}
	l, err := label.NewHeron(levels, label.Drop)
	if err != nil {
		return nil, err
	}
	if h.coin {
		return model.NewLearner(s, h.Asking, coin{l})
	}
	return model.NewLearner(s, h.Asking, l)
}

// signal is the mean over a segment of a factor.
func signal(k int, rescaled bool) label.Signal {
	return func(v feedback.View) (sum float64) {
		w := v.Shape.Facts
		for i := range v.Len() {
			sum += factorsOf(v.Facts[i*w:(i+1)*w], rescaled)[k]
		}
		return sum / float64(v.Len())
	}
}

// coin answers like a Heron, but tosses a coin for the winner: the same code, without what the
// claim is about.
type coin struct{ *label.Heron }

func (c coin) Label(s *feedback.Store, q label.Query) (feedback.Record, bool, error) {
	r, ok, err := c.Heron.Label(s, q)
	if q.A.Traj&1 == 1 {
		r.Label = 1 - r.Label
	}
	return r, ok, err
}
