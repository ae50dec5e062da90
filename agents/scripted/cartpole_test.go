package scripted

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
)

// The controller balances the pole for all of every episode, also with numbers it was not made for.
func TestCartpole(t *testing.T) {
	for name, c := range map[string]struct {
		config *cartpole.Config
		levels env.LevelSet
	}{
		"classic":    {cartpole.New(), env.LevelSet{}},
		"continuous": {&cartpole.Config{Continuous: true, MaxSteps: 500}, env.LevelSet{}},
		"varied":     {cartpole.New(), env.LevelSet{Preset: "varied"}},
	} {
		if o := measure(t, c.config, c.levels, 200); o.lowest != 500 {
			t.Errorf("%s: the mean return is %.1f and the lowest %.0f, want 500 always", name, o.mean, o.lowest)
		}
	}
}
