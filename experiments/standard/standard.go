// Package standard registers the environments, agents and rewards of this module. Programs
// import it for its effect.
package standard

import (
	_ "github.com/terrarium-rl/terrarium/agents/ppo"                    // agent
	_ "github.com/terrarium-rl/terrarium/agents/random"                 // agent
	_ "github.com/terrarium-rl/terrarium/agents/scripted"               // agent
	_ "github.com/terrarium-rl/terrarium/env/tasks/arm"                 // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/cartpole"            // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/curling"             // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/lander"              // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/maze"                // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/pendulum"            // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/pusher"              // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/reach"               // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/sandbox"             // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/walker"              // environment
	_ "github.com/terrarium-rl/terrarium/env/vulkan"                    // engine
	_ "github.com/terrarium-rl/terrarium/experiments/papers/bonuses"    // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/cdr"        // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/clip-delta" // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/cma-mae"    // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/context"    // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/domain"     // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/ens-uwo"    // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/formalisms" // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/goexplore"  // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/gpm"        // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/helpsteer"  // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/heron"      // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/lsc"        // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/noisy-tv"   // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/prefmodel"  // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/rewardmath" // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/secrets2"   // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/sparseqd"   // claims
	_ "github.com/terrarium-rl/terrarium/experiments/papers/starc"      // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/stax"       // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/summarize"  // claim
	_ "github.com/terrarium-rl/terrarium/experiments/papers/vpl"        // claim
	_ "github.com/terrarium-rl/terrarium/rewards/model"                 // reward
	_ "github.com/terrarium-rl/terrarium/rewards/program"               // reward
	_ "github.com/terrarium-rl/terrarium/rewards/shaping"               // reward
	_ "github.com/terrarium-rl/terrarium/rewards/spec"                  // reward
	_ "github.com/terrarium-rl/terrarium/rewards/wasm"                  // reward
)
