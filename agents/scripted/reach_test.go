package scripted

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/reach"
)

func TestReach(t *testing.T) {
	o := measure(t, reach.New(), env.LevelSet{}, 300)
	t.Logf("mean return %.2f, in an area %.2f", o.mean, o.facts["score"])
	if o.mean < 0.7 {
		t.Errorf("mean return %.2f, want at least 0.7", o.mean)
	}
}
