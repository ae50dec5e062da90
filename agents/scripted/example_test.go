package scripted_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/scripted"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
)

// The controller of a task is found by the task's Spec, and acts like any other policy.
func ExampleFor() {
	v, err := env.NewVec(cartpole.New(), env.VecOptions{Worlds: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	policy, err := scripted.For(v.Spec())
	if err != nil {
		fmt.Println(err)
		return
	}
	b := env.NewBatch(v.Spec(), v.Len())
	v.Reset(1)
	steps := 0
	for b.End[0] == env.Running {
		if err := v.Observe(b); err != nil {
			fmt.Println(err)
			return
		}
		policy.Act(b, rng.New(1), false)
		if err := v.Step(b); err != nil {
			fmt.Println(err)
			return
		}
		steps++
	}
	fmt.Println(b.End[0], "after", steps, "steps")
	// Output: truncated after 500 steps
}
