package ppo

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/agenttest"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	_ "github.com/terrarium-rl/terrarium/env/tasks/cartpole"
)

// fast returns options for the toy environments, whose steps are independent: what follows says
// little about an action.
func fast() *Config {
	c := New()
	c.Rollout, c.Minibatch, c.Gamma, c.LogStd = 32, 128, 0.5, -1
	return c
}

func TestConformance(t *testing.T) {
	agenttest.Run(t, agenttest.Options{
		Config: func() agents.Config { return fast() },
		Steps:  20000, Score: 0.95,
	})
}

// The options that are off by default keep the contract too.
func TestConformanceOfOptions(t *testing.T) {
	agenttest.Run(t, agenttest.Options{
		Config: func() agents.Config {
			c := fast()
			c.Minibatch = 100 // does not divide the rollout
			c.Shared, c.LayerNorm = true, true
			c.Schedule, c.ValueClip, c.EntropyCoef, c.TargetKL = "cosine", 0.2, 0.001, 0.05
			c.NormalizeAdvantage, c.MaxGradNorm = false, 0
			c.NormalizeObs, c.NormalizeReward = false, false
			return c
		},
		Steps: 20000, Score: 0.9,
	})
}

// build returns an agent for the spec.
func build(t *testing.T, c *Config, s agents.Setup) *agent {
	t.Helper()
	if s.Workers == 0 {
		s.Workers = 1
	}
	p, err := c.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return p.(*agent)
}

func trainer(t *testing.T, e env.Config, worlds int, c *Config, steps int64) *agenttest.Trainer {
	t.Helper()
	v, err := env.NewVec(e, env.VecOptions{Worlds: worlds})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	a := build(t, c, agents.Setup{Spec: v.Spec(), Rows: worlds * v.Spec().Agents, Steps: steps, Key: rng.New(1)})
	v.Reset(1)
	return agenttest.NewTrainer(v, a, 1)
}

func TestCartPole(t *testing.T) {
	e, err := env.Open("cartpole-v0", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := New()
	c.Rollout = 64
	const steps = 60000
	r := trainer(t, e, 16, c, steps)
	for range steps / 16 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	// An episode that survives all 500 steps earns 500. Mean return of the first 50 episodes to
	// end, fallen ones first: an agent that falls now and then cannot hide it.
	v, err := env.NewVec(e, env.VecOptions{Worlds: 50})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	b := env.NewBatch(v.Spec(), v.Len())
	v.Reset(99)
	var sum, ended float64
	returns := make([]float64, v.Len())
	for i := 0; ended < 50; i++ {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		r.Agent.Act(b, rng.New(1), false)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		for w, end := range b.End {
			returns[w] += float64(b.Reward[w])
			if end != env.Running {
				sum += returns[w]
				returns[w] = 0
				ended++
			}
		}
	}
	if mean := sum / ended; mean < 475 {
		t.Errorf("mean return %.0f after %d steps, want the 475 from which it counts as solved", mean, steps)
	}
}

func TestBadOptions(t *testing.T) {
	spec, err := (&agenttest.Fast{Kind: "discrete"}).Spec()
	if err != nil {
		t.Fatal(err)
	}
	one := *spec
	one.Act = []env.Field{{Name: "press", Len: 1, Choices: 1}}
	for _, c := range []struct{ options, want string }{
		{`{"gamma": 1.2}`, "ppo: gamma is 1.2, want 0 to 1"},
		{`{"rollout": 0}`, "ppo: rollout is 0, want at least 1, and at most 2^31 rows in all"},
		{`{"minibatch": 1}`, "ppo: minibatch is 1, want 2 to 2048, the rows of a rollout"},
		{`{"minibatch": 2049}`, "ppo: minibatch is 2049, want 2 to 2048, the rows of a rollout"},
		{`{"learning_rate": 0}`, "ppo: learning_rate is 0, want a number above 0"},
		{`{"schedule": "step"}`, "ppo: schedule is step, want constant, linear or cosine"},
		{`{"schedule": "linear"}`, "ppo: schedule is linear, which needs to know the number of steps of the run"},
		{`{"clip": -0.1}`, "ppo: clip is -0.1, want a number above 0"},
		{`{"hidden": [64, 0]}`, "ppo: hidden is [64 0], want widths of 1 to 16384"},
		{`{"hidden": [99999999]}`, "ppo: hidden is [99999999], want widths of 1 to 16384"},
		{`{"rollout": 9000000000000000000}`, "ppo: rollout is 9000000000000000000, want at least 1, and at most 2^31 rows in all"},
		{`{"log_std": 9}`, "ppo: log_std is 9, want -20 to 2"},
	} {
		config := New()
		if err := json.Unmarshal([]byte(c.options), config); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Build(agents.Setup{Spec: spec, Rows: 8, Workers: 1}); err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.options, err, c.want)
		}
	}
	if _, err := New().Build(agents.Setup{Spec: &one, Rows: 8, Workers: 1}); err == nil || !strings.Contains(err.Error(), `"press"`) {
		t.Errorf("an action of one choice: error %v", err)
	}
	if _, err := New().Build(agents.Setup{Spec: spec, Workers: 1}); err == nil {
		t.Error("no rows: accepted")
	}
}

// Learn names the first place where a number stops being finite.
func TestErrorsNameThePlace(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name  string
		spoil func(a *agent)
		want  string
	}{
		{"reward", func(a *agent) { a.roll.reward[3*16+5] = nan }, "ppo: update 1: the reward of step 3, row 5 is NaN"},
		{"parameter", func(a *agent) { a.params[7] = nan }, "ppo: update 1: epoch 0, minibatch 0: the policy loss is NaN"},
		{"critic", func(a *agent) { a.params[len(a.params)-1] = nan }, "ppo: update 1: epoch 0, minibatch 0: the value loss is NaN"},
		// The loss is summed in float64, where the squares of these rewards are finite.
		{"gradient", func(a *agent) {
			a.rewards, a.Lambda, a.NormalizeAdvantage = nil, 0, false
			for i := range a.roll.reward {
				a.roll.reward[i] = 3e38
			}
		}, "ppo: update 1: epoch 0, minibatch 0: the gradient of the parameter critic layer 0, weight of input 0 to output 0 is "},
		{"rate", func(a *agent) { a.LearningRate = math.Inf(1) }, "ppo: update 1: epoch 0, minibatch 1: the policy loss is NaN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := trainer(t, &agenttest.Fast{Kind: "discrete"}, 16, fast(), 0)
			if err := r.Update(); err != nil {
				t.Fatal(err)
			}
			a := r.Agent.(*agent)
			for !a.roll.full() {
				step(t, r)
			}
			c.spoil(a)
			_, err := a.Learn(r.Report)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

// step is Trainer.Next without Learn.
func step(t *testing.T, r *agenttest.Trainer) {
	t.Helper()
	if err := r.Vec.Observe(r.Batch); err != nil {
		t.Fatal(err)
	}
	r.Agent.Act(r.Batch, r.Key.Fold(r.Step), true)
	if err := r.Vec.Step(r.Batch); err != nil {
		t.Fatal(err)
	}
	r.Step++
	r.Agent.Record(r.Batch, r.Batch.Reward)
}

func TestParametersAreChecked(t *testing.T) {
	c := fast()
	c.Minibatch, c.Epochs, c.LearningRate = 512, 1, 1e39 // beyond float32
	r := trainer(t, &agenttest.Fast{Kind: "discrete"}, 16, c, 0)
	const want = "ppo: update 0: after it, the parameter actor layer 0, weight of input 0 to output 0 is "
	if err := r.Update(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestMisusePanics(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(r *agenttest.Trainer)
		want string
	}{
		{"rows", func(r *agenttest.Trainer) {
			part := r.Batch.Rows(0, 3)
			r.Agent.Record(&part, part.Reward)
		}, "ppo: Record of 3 rows and 3 rewards, want 16"},
		{"no act", func(r *agenttest.Trainer) { r.Agent.Record(r.Batch, r.Batch.Reward) },
			"ppo: Record without Act with explore before it"},
		{"other actions", func(r *agenttest.Trainer) {
			if err := r.Vec.Observe(r.Batch); err != nil {
				panic(err)
			}
			r.Agent.Act(r.Batch, r.Key, true)
			r.Batch.Act[3] = float32((int(r.Batch.Act[3]) + 1) % 3)
			r.Agent.Record(r.Batch, r.Batch.Reward)
		}, "ppo: Record of actions that Act did not choose"},
		{"no learn", func(r *agenttest.Trainer) {
			for range 33 {
				step(t, r)
			}
		}, "ppo: Record without Learn after the last one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := trainer(t, &agenttest.Fast{Kind: "discrete"}, 16, fast(), 0)
			defer func() {
				if got := recover(); got != c.want {
					t.Errorf("panic %v, want %s", got, c.want)
				}
			}()
			c.do(r)
		})
	}
}

// Evaluating between any two calls leaves training as it is.
func TestActingAsideChangesNothing(t *testing.T) {
	train := func(aside bool) []byte {
		r := trainer(t, &agenttest.Fast{Kind: "continuous"}, 16, fast(), 0)
		a := r.Agent.(*agent)
		spec := r.Vec.Spec()
		same, more := env.NewBatch(spec, 16), env.NewBatch(spec, 100)
		look := func() {
			if aside {
				a.Act(same, rng.New(7), false)
				a.Act(more, rng.New(7), true)
			}
		}
		for a.updates < 3 {
			if err := r.Vec.Observe(r.Batch); err != nil {
				t.Fatal(err)
			}
			look()
			a.Act(r.Batch, r.Key.Fold(r.Step), true)
			look()
			if err := r.Vec.Step(r.Batch); err != nil {
				t.Fatal(err)
			}
			r.Step++
			a.Record(r.Batch, r.Batch.Reward)
			look()
			if _, err := a.Learn(r.Report); err != nil {
				t.Fatal(err)
			}
		}
		b, err := a.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if !bytes.Equal(train(false), train(true)) {
		t.Error("the state differs")
	}
}

func TestUnfinishedRolloutIsNotSaved(t *testing.T) {
	r := trainer(t, &agenttest.Fast{Kind: "discrete"}, 16, fast(), 0)
	step(t, r)
	if _, err := r.Agent.AppendBinary(nil); err == nil {
		t.Error("saved in the middle of a rollout")
	}
}

func TestStateOfNonFiniteParametersIsRefused(t *testing.T) {
	r := trainer(t, &agenttest.Fast{Kind: "discrete"}, 16, fast(), 0)
	a := r.Agent.(*agent)
	b, err := a.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[headSize+4*2:], []byte{0, 0, 0x80, 0x7f}) // +Inf
	const want = "ppo: malformed state: the parameter actor layer 0, weight of input 0 to output 2 is not finite"
	if err := a.UnmarshalBinary(b); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func FuzzUnmarshalBinary(f *testing.F) {
	spec, err := (&agenttest.Fast{Kind: "continuous"}).Spec()
	if err != nil {
		f.Fatal(err)
	}
	p, err := fast().Build(agents.Setup{Spec: spec, Rows: 8, Workers: 1})
	if err != nil {
		f.Fatal(err)
	}
	a := p.(*agent)
	good, err := a.AppendBinary(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:headSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		if a.UnmarshalBinary(b) != nil {
			return
		}
		got, err := a.AppendBinary(nil)
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("a state that was accepted is saved differently: %v", err)
		}
	})
}

func TestSchedules(t *testing.T) {
	const steps = 10 * 16 * 32                     // ten updates
	for name, want := range map[string][3]float64{ // of updates 0, 5, 9
		"constant": {1, 1, 1},
		"linear":   {1, 0.5, 0.1},
		"cosine":   {1, 0.5, (1 + math.Cos(0.9*math.Pi)) / 2},
	} {
		c := fast()
		c.Schedule = name
		r := trainer(t, &agenttest.Fast{Kind: "discrete"}, 16, c, steps)
		var rates []float64
		r.Report = func(name string, v float64) {
			if name == "lr" {
				rates = append(rates, v/c.LearningRate)
			}
		}
		for range 10 {
			if err := r.Update(); err != nil {
				t.Fatal(err)
			}
		}
		for i, u := range []int{0, 5, 9} {
			if math.Abs(rates[u]-want[i]) > 1e-12 {
				t.Errorf("%s: update %d has rate %v, want %v", name, u, rates[u], want[i])
			}
		}
	}
}

// With a target, an update stops short once the policy is 1.5 times as far; without one it never
// does, and would have gone further.
func TestTargetKL(t *testing.T) {
	update := func(target float64) map[string]float64 {
		c := fast()
		c.LearningRate, c.TargetKL = 0.01, target
		r := trainer(t, &agenttest.Fast{Kind: "discrete"}, 16, c, 0)
		m := map[string]float64{}
		r.Report = func(name string, v float64) { m[name] = v }
		if err := r.Update(); err != nil {
			t.Fatal(err)
		}
		return m
	}
	free, held := update(0), update(0.01)
	if free["epochs"] != 4 || free["kl"] < 0.015 {
		t.Errorf("without a target: %v epochs, kl %v", free["epochs"], free["kl"])
	}
	if held["epochs"] >= 4 || held["epochs"] <= 0 || held["kl"] >= free["kl"] {
		t.Errorf("with a target: %v epochs, kl %v; without %v", held["epochs"], held["kl"], free["kl"])
	}
}
