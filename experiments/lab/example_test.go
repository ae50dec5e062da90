package lab_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/experiments/lab"
)

// An experiment is run from Go as from the command line. The random agent stands in for one that
// learns, for the example to take no time.
func ExampleTrain() {
	plan, err := lab.ParsePlan("example.yaml", []byte(`
env: {name: cartpole-v0}
agent: {name: random}
worlds: 8
`), []string{"steps=8000", "eval.episodes=10"})
	if err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	result, err := lab.Train(context.Background(), plan, filepath.Join(dir, "run"), lab.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Seeds[0].Steps, "steps,", result.Seeds[0].Eval.Episodes, "episodes evaluated")
	check, err := lab.Verify(result.Dir, 2)
	fmt.Println("repeats:", check.Equal, err)
	// Output:
	// 8000 steps, 10 episodes evaluated
	// repeats: true <nil>
}

// Mistakes are named with their place.
func ExampleParsePlan() {
	_, err := lab.ParsePlan("mine.yaml", []byte("env: {name: cartpole-v0}\nwrlds: 8\n"), nil)
	fmt.Println(err)
	// Output: mine.yaml:2:1: unknown key "wrlds"; did you mean "worlds"?
}
