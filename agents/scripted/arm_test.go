package scripted

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/arm"
)

// Mean returns measured over 100 episodes: 56 with two links, 60 with three, 64 with six, all of
// which end at the target; 33 with velocities, of which 98 % do. Against gravity, which it
// does not know, the arm sags beside the target: -14, 3 %.
func TestArm(t *testing.T) {
	for name, c := range map[string]struct {
		config         arm.Config
		levels         env.LevelSet
		least, reached float64
	}{
		"two links":   {arm.Config{Links: 2, Control: arm.Torque, MaxSteps: 100}, env.LevelSet{}, 52, 0.97},
		"three links": {*arm.New(), env.LevelSet{}, 55, 0.97},
		"six links":   {arm.Config{Links: 6, Control: arm.Torque, MaxSteps: 100}, env.LevelSet{}, 58, 0.97},
		"velocities":  {arm.Config{Links: 3, Control: arm.Velocity, MaxSteps: 100}, env.LevelSet{}, 25, 0.9},
		"upright":     {*arm.New(), env.LevelSet{Preset: "upright"}, -18, 0},
	} {
		o := measure(t, &c.config, c.levels, 100)
		t.Logf("%s: %.1f, %.0f %% at the target", name, o.mean, 100*o.facts["reached"])
		if o.mean < c.least || o.facts["reached"] < c.reached {
			t.Errorf("%s: mean return %.1f, %.2f at the target; want %v and %v", name, o.mean, o.facts["reached"], c.least, c.reached)
		}
	}
}
