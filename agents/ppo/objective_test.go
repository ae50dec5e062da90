package ppo

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/agents/agenttest"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tabular"
)

// table is a world of a tabular process: it shows which state it is in. If ends, the task ends the
// episode with every step into state 0.
type table struct {
	m    *tabular.MDP
	r    tabular.Reward
	ends bool
}

func (c *table) Spec() (*env.Spec, error) {
	return &env.Spec{
		ID: "table", Doc: "A tabular world.",
		Obs:    []env.Field{{Name: "state", Len: c.m.States, Lo: 0, Hi: 1}},
		Act:    []env.Field{{Name: "action", Len: 1, Choices: c.m.Actions}},
		Facts:  []env.Field{{Name: "gain", Len: 1, Lo: -10, Hi: 10}},
		Reward: []env.Term{{Fact: "gain", Weight: 1}},
		Agents: 1, Dt: 1, MaxSteps: 60,
	}, nil
}

func (c *table) New() env.Env { return &tableWorld{table: c} }

type tableWorld struct {
	*table
	key   rng.Key
	step  uint32
	state int
}

func draw(p []float64, x float64) int {
	for i, q := range p {
		if x < q {
			return i
		}
		x -= q
	}
	return len(p) - 1
}

func (w *tableWorld) Reset(_ *env.Level, key rng.Key) {
	w.key, w.step = key, 0
	s := key.Stream(1, 0, 0)
	w.state = draw(w.m.Start, s.Float64())
}

func (w *tableWorld) Observe(obs []float32) {
	clear(obs)
	obs[w.state] = 1
}

func (w *tableWorld) Step(b *env.Batch) {
	s := w.key.Stream(2, 0, w.step)
	a := int(b.Act[0])
	next := draw(w.m.Row(w.state, a), s.Float64())
	b.Facts[0] = float32(w.r[w.m.At(w.state, a, next)])
	if b.End[0] = env.Running; w.ends && next == 0 {
		b.End[0] = env.Terminated
	}
	w.state, w.step = next, w.step+1
}

// learned trains in a table and returns the policy.
func learned(t *testing.T, e *table, c *Config, steps int) tabular.Policy {
	t.Helper()
	const worlds = 16
	r := trainer(t, e, worlds, c, int64(steps))
	for range steps / worlds {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	return policyOf(t, e, r)
}

// policyOf reads the probabilities of actions off the policy's network.
func policyOf(t *testing.T, e *table, r *agenttest.Trainer) tabular.Policy {
	t.Helper()
	a := r.Agent.(*agent)
	var pi tabular.Policy
	obs, act, norm := make([]float32, e.m.States), make([]float32, 1), make([]float32, e.m.States)
	for s := range e.m.States {
		clear(obs)
		obs[s] = 1
		a.normalize(norm, obs)
		w := &a.work[0]
		a.net.ForwardPolicy(a.params, w.tape, norm, 1)
		for k := range e.m.Actions {
			act[0] = float32(k)
			a.head.Forward(w.head, w.tape.Policy, nil, act)
			pi = append(pi, math.Exp(float64(w.head.LogProb[0])))
		}
	}
	return pi
}

// small returns options for tables.
func small() *Config {
	c := New()
	c.Rollout, c.Minibatch, c.LearningRate, c.Hidden, c.Schedule = 64, 256, 3e-3, []int{16}, "linear"
	return c
}

// With the mean for its objective the agent finds the exact optimum where a discounting one must
// not, whether or not the way round ends episodes; the gain it reports is the exact one.
func TestAverageObjective(t *testing.T) {
	m, r := tabular.Loops(0.4)
	best, err := m.OptimalAverage(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, ends := range []bool{false, true} {
		e := &table{m: m, r: r, ends: ends}
		c := small()
		c.Gamma = m.Gamma
		if pi := learned(t, e, c, 30_000); pi[0] < 0.9 {
			t.Errorf("ends %v: with a discount of 0.4 the policy is %.2f, want the short way", ends, pi)
		}
		c.Average = true
		tr := trainer(t, e, 16, c, 30_000)
		for range 30_000 / 16 {
			if _, err := tr.Next(); err != nil {
				t.Fatal(err)
			}
		}
		pi := policyOf(t, e, tr)
		gain := tr.Agent.(*agent).metrics.gain
		if pi[1] < 0.9 || math.Abs(gain-best.Gain) > 0.15 {
			t.Errorf("ends %v: the policy is %.2f with a mean reward of %.3f, want the long way and %.3f", ends, pi, gain, best.Gain)
		}
		t.Logf("ends %v: %.3f, gain %.4f of %.4f", ends, pi, gain, best.Gain)
	}
}

// With a temperature the agent comes near the exact optimum of the regularised objective, which is
// to keep its choices open, and near the ordinary one without.
func TestTemperature(t *testing.T) {
	m := tabular.Random(tabular.Family{States: 4, Actions: 3, Gamma: 0.8, Branch: 3}, rng.New(3))
	for s := range m.Start {
		m.Start[s] = 1. / 4
	}
	r := m.RandomReward(rng.New(4))
	e := &table{m: m, r: r}
	const alpha = 0.5
	prior := m.Uniform()
	value := func(pi tabular.Policy, alpha float64) float64 {
		return m.Return(pi, m.Regularised(r, pi, prior, alpha))
	}
	want, hard := m.OptimalRegularised(r, prior, alpha), m.Optimal(r)
	c := small()
	c.Gamma, c.Temperature = m.Gamma, alpha
	pi := learned(t, e, c, 80_000)
	best, floor := value(want.Policy, alpha), value(hard.Policy, alpha)
	got := value(pi, alpha)
	if floor > best-0.2 {
		t.Fatalf("nothing to tell apart: %v and %v", floor, best)
	}
	if got < best-0.1*(best-floor) {
		t.Errorf("regularised value %.4f, want nearly %.4f; the ordinary optimum has %.4f", got, best, floor)
	}
	for i := range pi {
		if math.Abs(pi[i]-want.Policy[i]) > 0.12 {
			t.Errorf("policy %.3f, want %.3f", pi, want.Policy)
			break
		}
	}
	c.Temperature = 0
	if plain := value(learned(t, e, c, 80_000), alpha); plain > best-0.5*(best-floor) {
		t.Errorf("without a temperature the regularised value is %.4f, want about %.4f", plain, floor)
	}
	t.Logf("regularised value %.4f, best %.4f, of the ordinary optimum %.4f", got, best, floor)
}

// Returns for the mean against sums written out: over ends of the task, not over limits, and with
// staying where one is at an end that is the last step.
func TestRecurringAgainstSums(t *testing.T) {
	const steps, rows, lambda = 6, 2, 0.7
	r := newRollout(rows, steps, 1, 1)
	s := rng.New(5).Stream(1, 0, 0)
	for k := range r.reward {
		r.reward[k], r.next[k] = s.Norm(), s.Norm()
	}
	for k := range r.value {
		r.value[k] = s.Norm()
	}
	r.end[2*rows], r.end[3*rows+1], r.end[5*rows] = env.Terminated, env.Truncated, env.Terminated
	reward := append([]float32(nil), r.reward...)
	r.differential(lambda)
	gain := mean(reward)
	var wants []float64
	for k := range reward {
		want, weight := 0.0, 1.0
		for j := k; j < steps*rows; j += rows {
			last := j/rows == steps-1
			next := 0.0
			switch {
			case r.end[j] == env.Truncated || last && r.end[j] == env.Running:
				next = float64(r.next[j])
			case last:
				next = float64(r.value[j])
			default:
				next = float64(r.value[j+rows])
			}
			want += weight * (float64(reward[j]) - gain + next - float64(r.value[j]))
			weight *= lambda
			if r.end[j] == env.Truncated {
				break
			}
		}
		if math.Abs(want-float64(r.adv[k])) > 1e-5 {
			t.Errorf("advantage of step %d, row %d is %v, want %v", k/rows, k%rows, r.adv[k], want)
		}
		wants = append(wants, want+float64(r.value[k]))
	}
	all := 0.0
	for _, w := range wants {
		all += w / float64(len(wants))
	}
	for k, w := range wants {
		if w -= valueDrift * all; math.Abs(w-float64(r.target[k])) > 1e-5 {
			t.Errorf("target %d is %v, want %v", k, r.target[k], w)
		}
	}
}
