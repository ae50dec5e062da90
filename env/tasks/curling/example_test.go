package curling_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/curling"
)

// The paper's agents see six numbers: not where the areas are, nor how fast the ball is.
func Example() {
	s, err := (&curling.Config{MaxSteps: 500}).Spec()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(env.Width(s.Obs), "observations,", env.Width(s.Act), "actions,", s.MaxSteps, "steps")
	// Output: 6 observations, 2 actions, 500 steps
}
