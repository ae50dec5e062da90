package walker_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/walker"
)

// A walker whose motors hold still does not get far, and may fall.
func Example() {
	config := walker.New()
	spec, err := config.Spec()
	if err != nil {
		panic(err)
	}
	levels, err := (&env.LevelSet{Preset: "classic"}).Compile(spec)
	if err != nil {
		panic(err)
	}
	vec, err := env.NewVec(config, env.VecOptions{Worlds: 1, Levels: levels})
	if err != nil {
		panic(err)
	}
	defer vec.Close()
	vec.Reset(7)
	b, sum := env.NewBatch(spec, 1), float32(0)
	for steps := 0; b.End[0] == env.Running && steps < 100; steps++ {
		if err := vec.Observe(b); err != nil {
			panic(err)
		}
		clear(b.Act)
		if err := vec.Step(b); err != nil {
			panic(err)
		}
		sum += b.Reward[0]
	}
	fmt.Println(len(b.Obs), "observations,", len(b.Act), "motors; it got on:", sum > 50)
	// Output: 24 observations, 4 motors; it got on: false
}
