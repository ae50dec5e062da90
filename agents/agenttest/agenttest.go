// Package agenttest checks that an agent keeps the contract of package agents.
//
// Call Run from a test of each agent, with the options it is checked under:
//
//	func TestConformance(t *testing.T) {
//		agenttest.Run(t, agenttest.Options{
//			Config: func() agents.Config { return ppo.New() },
//			Steps:  20000, // of each toy environment, to learn from
//		})
//	}
//
// It also has [Fast], toy environments that any learner should master within seconds, and
// [Train], the training loop written out.
package agenttest

import (
	"encoding"
	"fmt"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Options say what is checked.
type Options struct {
	Config func() agents.Config // makes the options to check; each call a new one
	Envs   []env.Config         // environments to check it in; default Fasts()
	Worlds int                  // worlds of each; default 16
	Seed   uint64               // of the agent and the worlds

	// Steps are the rows that an agent may learn from before it must reach Score in each of
	// Envs. 0 leaves learning unchecked, which suits policies that do not learn.
	Steps int
	Score float64 // mean reward of a step without exploring; default 0.9
}

// suite is what the checks of one environment share.
type suite struct {
	Options
	config env.Config
	spec   *env.Spec
}

// Run performs the checks, each of them a subtest of one of the environment.
func Run(t *testing.T, o Options) {
	if o.Envs == nil {
		o.Envs = Fasts()
	}
	if o.Worlds == 0 {
		o.Worlds = 16
	}
	if o.Score == 0 {
		o.Score = 0.9
	}
	for _, c := range o.Envs {
		spec, err := c.Spec()
		if err != nil {
			t.Fatal(err)
		}
		s := &suite{Options: o, config: c, spec: spec}
		t.Run(spec.ID, s.run)
	}
}

func (s *suite) run(t *testing.T) {
	p := s.build(t, 1)
	t.Run("ActionsInBounds", s.bounds)
	t.Run("RowByRow", s.rowByRow)
	t.Run("ActKeepsBatch", s.keepsBatch)
	t.Run("ActNoAllocs", s.actNoAllocs)
	if _, ok := p.(agents.Agent); !ok {
		return
	}
	t.Run("NoAllocs", s.noAllocs)
	t.Run("Workers", s.workers)
	t.Run("Seeds", s.seeds)
	t.Run("Resume", s.resume)
	t.Run("BadState", s.badState)
	t.Run("NaN", s.notANumber)
	if s.Steps > 0 {
		t.Run("Learns", s.learns)
	}
}

func (s *suite) setup(workers int, seed uint64) agents.Setup {
	return agents.Setup{
		Spec: s.spec, Rows: s.Worlds * s.spec.Agents, Steps: int64(s.Steps),
		Key: rng.New(seed), Workers: workers,
	}
}

func (s *suite) build(t *testing.T, workers int) agents.Policy {
	t.Helper()
	p, err := s.Config().Build(s.setup(workers, s.Seed))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *suite) vec(t *testing.T) env.Vec {
	t.Helper()
	v, err := env.NewVec(s.config, env.VecOptions{Worlds: s.Worlds})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	v.Reset(s.Seed)
	return v
}

// A Trainer steps an agent through worlds: the training loop written out.
type Trainer struct {
	Vec    env.Vec // which has been Reset
	Agent  agents.Agent
	Key    rng.Key // of the actions
	Report agents.Report
	Step   uint64 // of all worlds, since the beginning
	Batch  *env.Batch
}

// NewTrainer returns a trainer that acts from the given seed and ignores what is reported.
func NewTrainer(v env.Vec, a agents.Agent, seed uint64) *Trainer {
	return &Trainer{
		Vec: v, Agent: a, Key: rng.New(seed), Report: func(string, float64) {},
		Batch: env.NewBatch(v.Spec(), v.Len()),
	}
}

// Next takes one step of all worlds and reports whether the agent learned from it.
func (r *Trainer) Next() (learned bool, err error) {
	b := r.Batch
	if err := r.Vec.Observe(b); err != nil {
		return false, err
	}
	r.Agent.Act(b, r.Key.Fold(r.Step), true)
	if err := r.Vec.Step(b); err != nil {
		return false, err
	}
	r.Step++
	r.Agent.Record(b, b.Reward)
	return r.Agent.Learn(r.Report)
}

// maxWait is the number of steps within which an agent is expected to learn once.
const maxWait = 100000

// Update steps until the agent learns.
func (r *Trainer) Update() error {
	for range maxWait {
		if learned, err := r.Next(); learned || err != nil {
			return err
		}
	}
	return fmt.Errorf("the agent did not learn within %d steps of %d rows", maxWait, r.Batch.N)
}

// Evaluate returns the mean of b.Reward over the given number of steps of all worlds of v, from
// a reset, without exploring.
func Evaluate(v env.Vec, p agents.Policy, seed uint64, steps int) (float64, error) {
	b := env.NewBatch(v.Spec(), v.Len())
	v.Reset(seed)
	var sum float64
	for i := range steps {
		if err := v.Observe(b); err != nil {
			return 0, err
		}
		p.Act(b, rng.New(seed).Fold(uint64(i)), false)
		if err := v.Step(b); err != nil {
			return 0, err
		}
		for _, r := range b.Reward {
			sum += float64(r)
		}
	}
	return sum / float64(steps*b.N), nil
}

// state returns the encoded state of an agent.
func state(t *testing.T, a encoding.BinaryAppender) []byte {
	t.Helper()
	b, err := a.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
