package pendulum_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/pendulum"
)

// The levels of an experiment may be drawn from ranges of parameters: here from pendulums on
// the moon, with motors of all strengths.
func Example() {
	spec, err := pendulum.New().Spec()
	if err != nil {
		fmt.Println(err)
		return
	}
	set := env.LevelSet{Params: map[string]env.Range{"gravity": {1.62, 1.62}, "torque": {0.2, 1}}}
	levels, err := set.Compile(spec)
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := env.NewVec(pendulum.New(), env.VecOptions{Worlds: 4, Levels: levels})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	v.Reset(1)
	fmt.Println(v.Observe(env.NewBatch(spec, v.Len())), v.(env.LevelSetter).Level(3).Params[0])
	// Output: <nil> 1.62
}
