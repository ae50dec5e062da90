package modules_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/experiments/modules"
)

// Modules are written as PATH@VERSION or as folders. Only a version that cannot move tomorrow, or
// a folder, may stand in an experiment.
func ExampleParseSource() {
	for _, text := range []string{"example.com/me/reward@v0.3.0", "example.com/me/reward", "https://example.com/me/reward", "reward"} {
		s, err := modules.ParseSource(text, ".")
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(s.Path, s.Version, s.Fixed())
	}
	// Output:
	// example.com/me/reward v0.3.0 true
	// example.com/me/reward  false
	// module "https://example.com/me/reward": a module path has no scheme: write example.com/me/reward
	// module "reward": a module path begins with a host, such as example.com/me/reward, and a folder with a dot, such as ./reward
}
