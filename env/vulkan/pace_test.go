package vulkan

import (
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// However long a submission may take, rollouts must come to the same, with submissions of a step, of ever more and
// of ever fewer.
func TestPace(t *testing.T) {
	kept := stint
	t.Cleanup(func() { stint = kept })
	const steps = 40
	vktest.Both(t, func(t *testing.T) {
		var want env.Rollout
		for i, x := range []struct {
			stint [2]time.Duration // in the first rollout and the second
			chunk int              // of the last submission, at most
		}{{[2]time.Duration{time.Hour, time.Hour}, steps}, {[2]time.Duration{0, 0}, 1}, {[2]time.Duration{time.Hour, 0}, steps / 2}, {[2]time.Duration{0, time.Hour}, steps}} {
			d, err := NewVec(cartpole.New(), env.VecOptions{Worlds: 9}, Options{Device: "software"})
			vktest.Must(t, err)
			defer d.Close()
			v := d.(*vec)
			v.Reset(3)
			last, told := 0, 0
			v.Watch(func(made, all int) error {
				if all != 9*steps || made < last || made > all {
					t.Errorf("%d of %d steps are made, want at least %d of %d", made, all, last, 9*steps)
				}
				last, told = made, told+1
				return nil
			})
			var got env.Rollout
			for round, s := range x.stint {
				stint, last = s, 0
				vktest.Must(t, v.Roll(&got, net(v.spec), steps, func(step int) rng.Key { return rng.New(uint64(round)).Fold(uint64(step)) }))
			}
			if c := v.roll.chunk; c > x.chunk || x.chunk == steps && c < steps {
				t.Errorf("stints of %v: submissions of %d steps at last, want %d", x.stint, c, x.chunk)
			}
			if told == 0 || i == 1 && told < 2*(steps-1) {
				t.Errorf("stints of %v: told %d times how far rollouts are", x.stint, told)
			}
			if i == 0 {
				want = got
				continue
			}
			same(t, &want, &got)
		}
	})
}
