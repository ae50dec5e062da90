// Package scripted holds hand-written controllers, one for each task: honest baselines that
// learners are compared with. A controller sees what a policy sees, the observation row, and
// finds its fields by name; it knows no more of a level than the observations tell.
package scripted

import (
	"fmt"
	"maps"
	"slices"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
)

// makers holds, by environment, what makes its controller.
var makers = map[string]func(*env.Spec) (agents.Policy, error){}

func register(id string, make func(*env.Spec) (agents.Policy, error)) { makers[id] = make }

// For returns the controller of an environment. Its error lists those that have one.
func For(s *env.Spec) (agents.Policy, error) {
	if make, ok := makers[s.ID]; ok {
		return make(s)
	}
	return nil, fmt.Errorf("no scripted controller for environment %q%s", s.ID, registry.Suggest(s.ID, slices.Sorted(maps.Keys(makers))))
}

// columns returns the first columns of the named fields.
func columns(fields []env.Field, names ...string) ([]int, error) {
	at := make([]int, len(names))
	for i, name := range names {
		c, err := env.Column(fields, name)
		if err != nil {
			return nil, err
		}
		at[i] = c
	}
	return at, nil
}
