// Package summarize checks what Stiennon et al., "Learning to summarize from human feedback" (NeurIPS
// 2020), claim: that a policy trained on a reward learned from comparisons, kept near a policy that
// imitates demonstrations, beats the demonstrations, beats one that optimises likeness to them, does so
// where nothing was labelled, and goes astray if it is not kept near. See the README beside it.
package summarize

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/ppo"
	"github.com/terrarium-rl/terrarium/agents/scripted"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/experiments/stats"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// penalties are the weights of the divergence from the imitating policy.
var penalties = []string{"0.3", "0.1", "0.05", "0.01", "0"}

func init() {
	arms := []string{"cloned", "likeness", "coin"}
	for _, b := range penalties {
		arms = append(arms, "learned-"+b)
	}
	papers.Register(papers.Claim{
		Name: "summarize", Paper: "Stiennon et al. 2020",
		Doc:  "A reward learned from comparisons, with a penalty on divergence, beats demonstrations and likeness to them.",
		Arms: arms, Treatment: "learned-0.05", Control: "coin",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 20},
		From:  3000, // the agent, what is recorded and the turned labels were changed after 1000 to 1009 and 2000 to 2009
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Above("wins", "learned-0.05", 0.5),
			papers.Greater("wins", "learned-0.05", "cloned", 0),
			papers.Greater("wins", "learned-0.05", "likeness", 0),
			papers.Above("wins elsewhere", "learned-0.05", 0.5),
			astray(),
			highest(),
		},
		Also: []papers.Bound{
			papers.Greater("wins", "learned-0.05", "learned-0", 0),
			papers.Greater("wins", "cloned", "likeness", 0),
			papers.Above("accuracy", "learned-0.05", 0.75),
		},
	})
}

// astray says that without a penalty the true return is below that with the best one.
func astray() papers.Bound {
	return papers.Bound{
		Text: "return: best penalty - none > 0",
		Effect: func(t *papers.Table) (stats.Interval, error) {
			none, err := t.Column("learned-0", "return")
			if err != nil {
				return stats.Interval{}, err
			}
			best := stats.Interval{Value: math.Inf(-1)}
			for _, b := range penalties[:len(penalties)-1] {
				x, err := t.Column("learned-"+b, "return")
				if err != nil {
					return stats.Interval{}, err
				}
				for i := range x {
					x[i] -= none[i]
				}
				d, err := stats.TInterval(x, 0.95)
				if err != nil {
					return stats.Interval{}, err
				}
				if d.Value > best.Value {
					best = d
				}
			}
			return best, nil
		},
	}
}

// highest says that the learned reward is highest, in the mean, without a penalty; it tells by how
// much.
func highest() papers.Bound {
	return papers.Point("learned reward: none - any other penalty > 0, in the mean", 0, false, func(t *papers.Table) (float64, error) {
		none, err := t.Mean("learned-0", "learned reward")
		if err != nil {
			return 0, err
		}
		least := math.Inf(1)
		for _, b := range penalties[:len(penalties)-1] {
			m, err := t.Mean("learned-"+b, "learned reward")
			if err != nil {
				return 0, err
			}
			least = min(least, none-m)
		}
		return least, nil
	})
}

type size struct {
	demos, pairs, levels int
	steps                int64
}

var sizes = map[papers.Scale]size{
	papers.Smoke: {16, 150, 30, 16_384},
	papers.Quick: {64, 500, 200, 150_000},
	papers.Full:  {64, 2000, 500, 1_000_000},
}

const (
	segment  = 50   // steps
	sloppy   = 0.1  // of a demonstrator's actions are drawn
	duration = 400  // steps of a demonstration that are kept, at most
	flips    = 0.15 // of the labels, so that the learned reward has something to go astray by
)

const (
	purposeSloppy rng.Purpose = 0x73756d01 + iota
	purposePairs
)

// misjudged is what a demonstrator sees in the place of the truth: the pad a metre and a half to the
// right, and half of a fall's speed on top of it. It wants another landing than the reward does, and
// who imitates it well does too.
var misjudged = map[string]float32{"x": 0.15, "vy": -0.1}

// A demonstrator is the scripted controller of the task, who misjudges, and is not always with it.
type demonstrator struct {
	agents.Policy
	choices int
	spec    *env.Spec
}

// Act acts as the controller does, or draws an action.
func (d demonstrator) Act(b *env.Batch, k rng.Key, explore bool) {
	width := env.Width(d.spec.Obs)
	truth := slices.Clone(b.Obs)
	for name, by := range misjudged {
		at, err := env.Column(d.spec.Obs, name)
		if err != nil {
			panic("summarize: " + err.Error())
		}
		for i := range b.N {
			b.Obs[i*width+at] += by
		}
	}
	d.Policy.Act(b, k, explore)
	copy(b.Obs, truth)
	for i := range b.Act {
		r := k.Stream(purposeSloppy, uint32(i), 0)
		if r.Float32() < sloppy {
			b.Act[i] = float32(r.IntN(d.choices))
		}
	}
}

// A bench is what all arms of a seed begin from.
type bench struct {
	papers.Training
	spec   *env.Spec
	demo   demonstrator
	cloned agents.Policy
	store  *feedback.Store
	demos  []feedback.Segment // whole ones
	key    rng.Key
	size   size
}

func newBench(c papers.Cell) (*bench, error) {
	agent := ppo.New()
	agent.Schedule, agent.Gamma, agent.Shared = "linear", 0.995, true
	agent.Rollout, agent.LearningRate = 64, 3e-4 // updates every 2048 steps
	b := &bench{
		Training: papers.Training{Env: lander.New(), Agent: agent, Worlds: 32, Seed: c.Seed, Steps: sizes[c.Scale].steps},
		key:      rng.New(c.Seed), size: sizes[c.Scale],
	}
	var err error
	if b.spec, err = b.Env.Spec(); err != nil {
		return nil, err
	}
	controller, err := scripted.For(b.spec)
	if err != nil {
		return nil, err
	}
	b.demo = demonstrator{controller, b.spec.Act[0].Choices, b.spec}
	b.store = feedback.NewStore(feedback.ShapeOf(b.spec))
	if b.demos, err = b.record(b.demo, b.size.demos, duration, 0); err != nil {
		return nil, err
	}
	return b, b.clone()
}

// clone makes the policy that imitates the demonstrations.
func (b *bench) clone() error {
	var obs, act []float32
	for _, seg := range b.demos {
		v, err := b.store.View(seg)
		if err != nil {
			return err
		}
		obs, act = append(obs, v.Obs[:v.Len()*v.Shape.Obs]...), append(act, v.Act...)
	}
	p, err := b.Agent.Build(agents.Setup{Spec: b.spec, Rows: b.Worlds, Steps: b.Steps, Key: b.key.Fold(1), Workers: 1})
	if err != nil {
		return err
	}
	b.cloned = p
	_, err = p.(agents.Imitator).Imitate(obs, act, agents.Offline{Epochs: 20, Minibatch: 256, LearningRate: 1e-3, Key: b.key.Fold(2)})
	return err
}

// record lets a policy play some worlds and keeps the first steps of each.
func (b *bench) record(p agents.Policy, worlds, steps int, key uint64) ([]feedback.Segment, error) {
	return b.Record(p, b.store, worlds, steps, b.key.Fold(1000+key))
}

// compare lets a teacher answer pairs of pieces of what was recorded.
func (b *bench) compare(whole []feedback.Segment, n int, stream uint32) ([]feedback.Record, error) {
	lab := rmlab.Lab{Store: b.store, Levels: [][]feedback.Segment{whole}, Key: b.key}
	r := b.key.Stream(purposePairs, stream, 0)
	piece := func() feedback.Segment {
		for {
			s := whole[r.IntN(len(whole))]
			if s.Len() >= segment {
				from := int32(r.IntN(s.Len() - segment + 1))
				return feedback.Segment{Traj: s.Traj, From: from, To: from + segment}
			}
		}
	}
	var qs []label.Query
	for len(qs) < n {
		if q := (label.Query{A: piece(), B: piece()}); q.A != q.B {
			qs = append(qs, q)
		}
	}
	return lab.Teach(qs, label.TaskReward, rmlab.Teaching{Right: 0.9, Flips: flips, Key: b.key.Fold(uint64(stream))})
}

// learned is a reward model, shifted such that demonstrations have mean 0, and scaled such that what
// was labelled, pieces of 50 steps, has deviation 1.
type learned struct{ e *model.Ensemble }

// Build returns the reward.
func (l learned) Build(*env.Spec) (rewards.Func, error) { return rewards.FuncOf(l.e.ScoreBatch), nil }

// fit trains the reward model.
func (b *bench) fit(rs []feedback.Record) (learned, error) {
	lab := rmlab.Lab{Store: b.store}
	shape, o := rmlab.Shape(), rmlab.Fitting()
	shape.Inputs, o.Key = []string{"obs", "act", "next"}, b.key.Fold(3)
	e, err := lab.Train(shape, rs, o)
	if err != nil {
		return learned{}, err
	}
	var pieces, demos []float64
	var out model.Out
	for i := range b.store.Len() {
		v, err := b.store.Whole(i)
		if err != nil {
			return learned{}, err
		}
		e.Score(&out, v)
		for from := 0; from+segment <= v.Len(); from += segment {
			y := 0.0
			for _, x := range out.Step[from : from+segment] {
				y += float64(x)
			}
			pieces = append(pieces, y)
			if i < len(b.demos) {
				demos = append(demos, y)
			}
		}
	}
	e.Mean, e.Std = float32(stats.Summarize(demos).Mean/segment), float32(stats.Summarize(pieces).Std)
	return learned{e}, nil
}

// optimise trains a policy on a reward, from the imitating one.
func (b *bench) optimise(c papers.Cell, reward rewards.Config, penalty float64) (agents.Policy, error) {
	t := b.Training
	t.Reward = reward
	t.Begin = func(p agents.Policy) error { return p.(agents.Anchored).Anchor(b.cloned, penalty) }
	return t.Run(c)
}

func cell(c papers.Cell) (papers.Row, error) {
	b, err := newBench(c)
	if err != nil {
		return nil, err
	}
	row := papers.Row{"accuracy": 0, "learned reward": 0}
	policy := b.cloned
	switch arm, penalty, _ := strings.Cut(c.Arm, "-"); arm {
	case "cloned":
	case "likeness":
		policy, err = b.optimise(c, likeness{b}, 0.05)
	case "learned", "coin":
		coef := 0.05
		if penalty != "" {
			if coef, err = strconv.ParseFloat(penalty, 64); err != nil {
				return nil, err
			}
		}
		policy, err = b.fromComparisons(c, coef, arm == "coin", row)
	default:
		return nil, fmt.Errorf("unknown arm %q", c.Arm)
	}
	if err != nil {
		return nil, err
	}
	if row["wins"], row["return"], err = b.wins(policy); err != nil {
		return nil, err
	}
	elsewhere := *b
	elsewhere.Levels = env.LevelSet{Preset: "windy"}
	row["wins elsewhere"], _, err = elsewhere.wins(policy)
	return row, err
}

// fromComparisons learns a reward and a policy, twice: the second time also from pairs of what the
// first policy does.
func (b *bench) fromComparisons(c papers.Cell, penalty float64, coin bool, row papers.Row) (agents.Policy, error) {
	seen, err := b.record(b.cloned, b.size.demos, duration, 1)
	if err != nil {
		return nil, err
	}
	seen = append(seen, b.demos...)
	var rs []feedback.Record
	var policy agents.Policy
	for round := range 2 {
		more, err := b.compare(seen, b.size.pairs/2, uint32(round))
		if err != nil {
			return nil, err
		}
		if coin {
			r := b.key.Stream(purposePairs, 10, uint32(round))
			for i := range more {
				more[i].Label = float32(r.IntN(2))
			}
		}
		rs = append(rs, more...)
		reward, err := b.fit(rs)
		if err != nil {
			return nil, err
		}
		t := *b
		if round == 0 {
			t.Steps /= 2
		}
		if policy, err = t.optimise(c, reward, penalty); err != nil {
			return nil, err
		}
		own, err := b.record(policy, b.size.demos, duration, uint64(2+round))
		if err != nil {
			return nil, err
		}
		if round == 1 {
			return policy, b.judge(reward, own, row)
		}
		seen = append(seen, own...)
	}
	return policy, nil
}

// judge notes the learned reward of a policy's behaviour, a step, and how well it orders pairs there.
func (b *bench) judge(reward learned, own []feedback.Segment, row papers.Row) error {
	lab := rmlab.Lab{Store: b.store, Levels: [][]feedback.Segment{own}}
	y, err := lab.Returns(reward.e, own)
	if err != nil {
		return err
	}
	steps := 0.0
	for i, s := range own {
		row["learned reward"] += y[i]
		steps += float64(s.Len())
	}
	row["learned reward"] /= steps
	clean, err := b.compare(own, 500, 20)
	if err != nil {
		return err
	}
	var qs []label.Query
	for _, r := range clean {
		qs = append(qs, label.Query{A: r.Segments[0], B: r.Segments[1]})
	}
	row["accuracy"], err = lab.Accuracy(reward.e, qs, label.TaskReward)
	return err
}

// wins returns the share of held-out levels on which a policy has a higher return than the
// demonstrator, and its mean return.
func (b *bench) wins(p agents.Policy) (share, mean float64, err error) {
	theirs, err := b.Returns(b.demo, b.size.levels)
	if err != nil {
		return 0, 0, err
	}
	ours, err := b.Returns(p, b.size.levels)
	if err != nil {
		return 0, 0, err
	}
	for i, x := range ours {
		mean += x / float64(len(ours))
		switch {
		case x > theirs[i]:
			share += 1 / float64(len(ours))
		case x == theirs[i]:
			share += 0.5 / float64(len(ours))
		}
	}
	return share, mean, nil
}
