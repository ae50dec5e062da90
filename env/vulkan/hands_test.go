package vulkan

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/curling"
	"github.com/terrarium-rl/terrarium/env/tasks/maze"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// shifting are levels that may be others after a change that their owner does not tell of: they are no env.Steady.
type shifting struct{ env.Levels }

// Results must not depend on the number of goroutines that begin episodes, look at worlds and take note of
// rollouts, whose beginnings are prepared anew wherever levels may have changed.
func TestWorkers(t *testing.T) {
	old := grain
	grain = 3
	defer func() { grain = old }()
	rooms := &sandbox.Config{Rooms: sandbox.Names(), MaxSteps: 12}
	small := maze.New()
	small.MaxSize, small.MaxSteps = 5, 17
	for _, c := range []env.Config{&curling.Config{Full: true, MaxSteps: 11}, small, rooms} {
		s, err := c.Spec()
		if err != nil {
			t.Fatal(err)
		}
		t.Run(s.ID, func(t *testing.T) {
			if s.ID == sandbox.ID && !vktest.Required() {
				t.Skip("a minute of compiling: set REQUIRE_VULKAN=1")
			}
			want := useAll(t, c, s, 1, 40, nil)
			same := func(got [3]env.Rollout) {
				for i := range want {
					same(t, &want[i], &got[i])
				}
			}
			same(useAll(t, c, s, 5, 40, nil))
			vktest.Staged(t)
			same(useAll(t, c, s, 5, 16, nil))
			same(useAll(t, c, s, 4, 40, shifting{must((&env.LevelSet{}).Compile(s))}))
		})
	}
}

// useAll steps worlds, lets them be rolled out twice and returns that with what they observe in the end.
func useAll(t *testing.T, c env.Config, s *env.Spec, workers, slice int, l env.Levels) (rolls [3]env.Rollout) {
	const worlds, steps = 40, 15
	t.Helper()
	Slice(t, slice)
	d, err := NewVec(c, env.VecOptions{Worlds: worlds, Workers: workers, Levels: l}, Options{Device: "software"})
	vktest.Must(t, err)
	defer d.Close()
	v := d.(*vec)
	v.Reset(3)
	b := env.NewBatch(s, worlds)
	for i := range steps {
		if i == 4 {
			b = env.NewBatch(s, worlds) // which is to be filled by looking at all worlds
		}
		vktest.Must(t, v.Observe(b))
		envtest.RandomActions(s, b, rng.New(1), i)
		vktest.Must(t, v.Step(b))
	}
	for i := range 2 {
		vktest.Must(t, v.Roll(&rolls[i], net(s), steps, func(step int) rng.Key { return rng.New(uint64(i)).Fold(uint64(step)) }))
	}
	vktest.Must(t, v.Observe(b))
	rolls[2] = env.Rollout{Obs: b.Obs, Level: b.Level}
	if len(v.hands) != workers {
		t.Errorf("%d goroutines, want %d", len(v.hands), workers)
	}
	return rolls
}
