package arm_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/arm"
)

// Options make arms of other kinds: here one of six links whose motors keep speeds.
func Example() {
	c := arm.New()
	c.Links, c.Control = 6, arm.Velocity
	spec, err := c.Spec()
	fmt.Println(env.Width(spec.Act), spec.Act[0].Name, err)

	c.Links = 99
	_, err = c.Spec()
	fmt.Println(err)
	// Output:
	// 6 velocity <nil>
	// env arm-v0: links is 99, want 2 to 12
}
