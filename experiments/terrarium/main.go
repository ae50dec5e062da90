// Terrarium trains agents in procedurally generated 2D physics worlds.
package main

import (
	"github.com/terrarium-rl/terrarium/experiments/lab"
	_ "github.com/terrarium-rl/terrarium/experiments/standard"
)

func main() { lab.Main() }
