package maze_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/maze"
)

// Difficulty tells mazes apart before anything is played.
func Example() {
	c := maze.New()
	c.MaxKeys = 0
	level := env.Level{Params: []float32{4, 0, 0, 0.5, 0.1, 0.2, 4, 2, 0.2, 0.2}, Seed: 1}
	easy := c.Difficulty(&level)
	level.Params[0], level.Params[3] = 8, 1 // larger, with the goal at the farthest cell
	fmt.Println(easy < c.Difficulty(&level))
	// Output: true
}
