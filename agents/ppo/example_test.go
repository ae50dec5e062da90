package ppo_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/agenttest"
	"github.com/terrarium-rl/terrarium/agents/ppo"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// The training loop, in full.
func Example() {
	v, err := env.NewVec(&agenttest.Fast{Kind: "discrete"}, env.VecOptions{Worlds: 16})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	options := ppo.New()
	options.Rollout, options.Minibatch = 32, 128
	policy, err := options.Build(agents.Setup{Spec: v.Spec(), Rows: 16, Key: rng.New(1), Workers: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	agent := policy.(agents.Agent)
	report := func(name string, value float64) {}

	b, key := env.NewBatch(v.Spec(), v.Len()), rng.New(2)
	v.Reset(3)
	updates := 0
	for step := uint64(0); updates < 20; step++ {
		if err := v.Observe(b); err != nil {
			fmt.Println(err)
			return
		}
		agent.Act(b, key.Fold(step), true)
		if err := v.Step(b); err != nil {
			fmt.Println(err)
			return
		}
		agent.Record(b, b.Reward)
		learned, err := agent.Learn(report)
		if err != nil {
			fmt.Println(err)
			return
		}
		if learned {
			updates++
		}
	}
	score, err := agenttest.Evaluate(v, agent, 4, 100)
	fmt.Printf("reward a step above 0.9: %v, %v\n", score > 0.9, err)
	// Output: reward a step above 0.9: true, <nil>
}
