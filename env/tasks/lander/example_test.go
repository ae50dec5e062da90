package lander_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
)

// A craft whose engines stay off falls onto the moon.
func Example() {
	config := lander.New()
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
	b := env.NewBatch(spec, 1)
	for b.End[0] == env.Running {
		if err := vec.Observe(b); err != nil {
			panic(err)
		}
		b.Act[0] = 0
		if err := vec.Step(b); err != nil {
			panic(err)
		}
	}
	crashed, _ := env.Column(spec.Facts, "crashed")
	fmt.Println(b.End[0], b.Facts[crashed], b.Reward[0])
	// Output: terminated 1 -100
}
