//go:build viewer && js

package main

// A page plays what needs no training: the tasks, and those who play without. Fewer packages make
// a smaller file to load.
import (
	_ "github.com/terrarium-rl/terrarium/agents/random"
	_ "github.com/terrarium-rl/terrarium/env/tasks/arm"
	_ "github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	_ "github.com/terrarium-rl/terrarium/env/tasks/curling"
	_ "github.com/terrarium-rl/terrarium/env/tasks/lander"
	_ "github.com/terrarium-rl/terrarium/env/tasks/maze"
	_ "github.com/terrarium-rl/terrarium/env/tasks/pendulum"
	_ "github.com/terrarium-rl/terrarium/env/tasks/pusher"
	_ "github.com/terrarium-rl/terrarium/env/tasks/reach"
	_ "github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	_ "github.com/terrarium-rl/terrarium/env/tasks/walker"
)
