package scripted

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/walker"
)

// Over 100 episodes the means are 298, 111 and -82: it finishes every classic trail, 40 of 100 of
// the default ones, and no hard one, for it does not look where it steps.
func TestWalker(t *testing.T) {
	for _, c := range []struct {
		preset         string
		mean, distance float64 // at least
	}{
		{"classic", 280, 80},
		{"", 0, 20},
		{"hardcore", -110, 2},
	} {
		o := measure(t, walker.New(), env.LevelSet{Preset: c.preset}, 60)
		if o.mean < c.mean || o.facts["distance"] < c.distance {
			t.Errorf("%q: the mean return is %.1f and the mean distance %.1f m, want at least %v and %v", c.preset, o.mean, o.facts["distance"], c.mean, c.distance)
		}
	}
}
