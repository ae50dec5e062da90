package agenttest_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/agenttest"
	"github.com/terrarium-rl/terrarium/agents/random"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// What a policy that does not look achieves in the toy environment of discrete actions: a third.
// Run, called from a test, lets an agent learn there and checks that it does better.
func ExampleEvaluate() {
	toy := &agenttest.Fast{Kind: "discrete"}
	spec, err := toy.Spec()
	if err != nil {
		panic(err)
	}
	policy, err := new(random.Config).Build(agents.Setup{Spec: spec, Rows: 16, Key: rng.New(1), Workers: 1})
	if err != nil {
		panic(err)
	}
	vec, err := env.NewVec(toy, env.VecOptions{Worlds: 16})
	if err != nil {
		panic(err)
	}
	defer vec.Close()
	mean, err := agenttest.Evaluate(vec, policy, 1, 2000)
	fmt.Printf("%.1f %v\n", mean, err)
	// Output: 0.3 <nil>
}
