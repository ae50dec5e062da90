package scripted

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/pendulum"
)

// The mean returns measured over 1000 episodes were -152.1 on classic levels, all of which ended
// upright, and -330.9 on varied ones, of which 79 % did: the controller takes every rod for the
// classic one.
func TestPendulum(t *testing.T) {
	o := measure(t, pendulum.New(), env.LevelSet{}, 1000)
	if o.mean < -160 || o.facts["upright"] < 0.99 {
		t.Errorf("classic: mean return %.1f, %.1f %% upright", o.mean, 100*o.facts["upright"])
	}
	o = measure(t, pendulum.New(), env.LevelSet{Preset: "varied"}, 1000)
	if o.mean < -360 || o.facts["upright"] < 0.75 {
		t.Errorf("varied: mean return %.1f, %.1f %% upright", o.mean, 100*o.facts["upright"])
	}
}
