package reach_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/reach"
)

// The paper's agents see the joints only: not where the tip is, nor where the areas are.
func Example() {
	s, err := (&reach.Config{Links: 20, MaxSteps: 100}).Spec()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(env.Width(s.Obs), "observations,", env.Width(s.Act), "actions,", s.MaxSteps, "steps")
	// Output: 20 observations, 20 actions, 100 steps
}
