package pusher_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/pusher"
)

// Facts hold more than the task's own reward, for other rewards to be made of.
func Example() {
	v, err := env.NewVec(pusher.New(), env.VecOptions{Worlds: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	for _, f := range v.Spec().Facts {
		fmt.Println(f.Name)
	}
	// Output:
	// progress
	// entered
	// solved
	// placed
	// contact
	// approach
	// x
	// y
	// box_distance
}
