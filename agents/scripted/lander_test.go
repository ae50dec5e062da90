package scripted

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
)

// Over 2000 episodes the means are 278.4, 278.4, 114.6 and 231.3, and the shares of episodes
// that end in rest 0.9995, 0.9995, 0.68 and 0.90.
func TestLander(t *testing.T) {
	for _, c := range []struct {
		name         string
		config       *lander.Config
		levels       env.LevelSet
		mean, landed float64 // at least
	}{
		{"classic", lander.New(), env.LevelSet{Preset: "classic"}, 265, 0.97},
		{"continuous", &lander.Config{Continuous: true, MaxSteps: 1000}, env.LevelSet{Preset: "classic"}, 265, 0.97},
		{"windy", lander.New(), env.LevelSet{Preset: "windy"}, 50, 0.55},
		{"defaults", lander.New(), env.LevelSet{}, 200, 0.8},
	} {
		o := measure(t, c.config, c.levels, 150)
		if o.mean < c.mean || o.facts["landed"] < c.landed {
			t.Errorf("%s: the mean return is %.1f and %.3f of the episodes end in rest, want at least %v and %v", c.name, o.mean, o.facts["landed"], c.mean, c.landed)
		}
	}
}

// TestLanderDifficulty checks that levels which are graded as harder are: the controller lands
// less often on them.
func TestLanderDifficulty(t *testing.T) {
	c := lander.New()
	share := func(params map[string]env.Range) float64 {
		return measure(t, c, env.LevelSet{Params: params}, 150).facts["landed"]
	}
	easy := share(map[string]env.Range{"wind": {0, 0}, "turbulence": {0, 0}, "kick": {0, 200}, "roughness": {0, 0.3}, "pad_x": {-1, 1}, "start_x": {-1, 1}})
	hard := share(map[string]env.Range{"wind": {15, 20}, "turbulence": {1.5, 2}, "kick": {1000, 1500}, "roughness": {0.8, 1}, "pad_width": {1.5, 2}})
	if easy < 0.9 || hard > easy-0.3 {
		t.Errorf("%.3f of the easy levels and %.3f of the hard ones end in rest", easy, hard)
	}
}
