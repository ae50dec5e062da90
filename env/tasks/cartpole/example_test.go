package cartpole_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
)

// A world of the classic cart-pole, pushed to the right until the pole falls.
func Example() {
	v, err := env.NewVec(cartpole.New(), env.VecOptions{Worlds: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	b := env.NewBatch(v.Spec(), 1)
	v.Reset(1)
	for b.End[0] == env.Running {
		if err := v.Observe(b); err != nil {
			fmt.Println(err)
			return
		}
		b.Act[0] = 1
		if err := v.Step(b); err != nil {
			fmt.Println(err)
			return
		}
	}
	fell, _ := env.Column(v.Spec().Facts, "fell")
	fmt.Println(b.End[0], "fell:", b.Facts[fell])
	// Output: terminated fell: 1
}
