package scripted

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
)

// Going straight to the goal comes nearer to it in the rooms of the program, on the whole.
func TestSandbox(t *testing.T) {
	o := measure(t, &sandbox.Config{Rooms: sandbox.Names(), MaxSteps: 300}, env.LevelSet{}, 100)
	t.Logf("%.2f, %.2f won, %.2f lost", o.mean, o.facts["won"], o.facts["lost"])
	if o.mean <= 0 {
		t.Errorf("mean return %.2f", o.mean)
	}
}
