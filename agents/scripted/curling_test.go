package scripted

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/curling"
)

func TestCurling(t *testing.T) {
	o := measure(t, curling.New(), env.LevelSet{}, 100)
	t.Logf("mean return %.2f, in an area %.2f", o.mean, o.facts["score"])
	if o.mean < 0.2 {
		t.Errorf("mean return %.2f, want at least 0.2", o.mean)
	}
}
