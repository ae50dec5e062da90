package vulkan

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/env/tasks/curling"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/vk"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

func scenesOf(t *testing.T, c env.Config) *scenes {
	t.Helper()
	s := must(c.Spec())
	return must(newScenes(must(engine.Load()).Layouts[s.ID], s, c.New()))
}

// Worlds lie side by side where there is room, and else in slices. It needs no device.
func TestStride(t *testing.T) {
	c := scenesOf(t, lander.New())
	const gib = 1 << 30
	for _, x := range []struct {
		name                      string
		bound, allocation, memory uint64
		worlds, slices            int
	}{
		{"80 GiB", 4*gib - 1, 0, 80 * gib, 262144, 3},
		{"80 GiB, few", 4*gib - 1, 0, 80 * gib, 65536, 1},
		{"8 GiB", 4*gib - 1, 0, 8 * gib, 262144, 4},
		{"8 GiB in allocations of 1", 4*gib - 1, gib, 8 * gib, 262144, 9},
		{"2 GiB", gib / 8, 0, 2 * gib, 262144, 70},
		{"1 GiB", gib, 0, gib, 262144, 0},
	} {
		d := vk.Info{Name: "a GPU", Kind: vk.Discrete, Range: x.bound, Allocation: x.allocation, Memory: x.memory}
		stride, err := c.plan(d, x.worlds)
		if x.slices == 0 {
			if !errors.Is(err, vk.ErrMemory) || !strings.Contains(err.Error(), "a GPU has 1024 MiB") || !strings.Contains(err.Error(), "at most") {
				t.Errorf("%s: %v", x.name, err)
			}
		} else if err != nil || (x.worlds+stride-1)/stride != x.slices {
			t.Errorf("%s: slices of %d worlds, %v, want %d slices", x.name, stride, err, x.slices)
		}
		if need := uint64(4 * c.words * stride); need > d.Most() {
			t.Errorf("%s: a buffer of %d bytes", x.name, need)
		}
		most := c.most(d, 0)
		if _, ok := c.stride(d, most, 0); !ok {
			t.Errorf("%s: there is no room for %d worlds", x.name, most)
		}
		if _, ok := c.stride(d, most+1, 0); ok {
			t.Errorf("%s: there is room for more than %d worlds", x.name, most)
		}
		if roll := c.most(d, spareStates); roll >= most {
			t.Errorf("%s: room for %d worlds in rollouts, for %d in steps", x.name, roll, most)
		}
	}
}

// Rollouts must not depend on how worlds lie in memory, nor on how many steps a record has room for, and
// what Keep leaves on the device must be what Roll returns.
func TestSlices(t *testing.T) {
	const worlds, steps = 20, 45
	for _, c := range []env.Config{cartpole.New(), &curling.Config{Full: true, MaxSteps: 20}} {
		s := must(c.Spec())
		var want env.Rollout
		for i, x := range []struct {
			slice  int
			staged bool
			bound  uint64
			keep   bool
		}{{worlds, false, 0, false}, {7, false, 0, false}, {7, true, 0, false}, {19, true, 30_000, false}, {3, true, 0, true}, {worlds, true, 0, true}} {
			t.Run("", func(t *testing.T) {
				Slice(t, x.slice)
				vktest.Limit(t, x.bound, 0)
				if x.staged {
					vktest.Staged(t)
				}
				d, err := NewVec(c, env.VecOptions{Worlds: worlds, First: 5}, Options{Device: "software"})
				vktest.Must(t, err)
				defer d.Close()
				v := d.(*vec)
				v.Reset(3)
				var got env.Rollout
				for round := range 2 {
					key := func(step int) rng.Key { return rng.New(uint64(round)).Fold(uint64(step)) }
					if !x.keep {
						vktest.Must(t, v.Roll(&got, net(s), steps, key))
						continue
					}
					record, err := v.Keep(&got, net(s), steps, key)
					vktest.Must(t, err)
					v.unpack(t, &got, record)
				}
				if parts := (steps + v.roll.steps - 1) / v.roll.steps; (parts > 1) != (x.bound > 0) || v.slices() > 1 != (x.slice < worlds) {
					t.Errorf("%d parts, %d slices: the test shows nothing", parts, v.slices())
				}
				if i == 0 {
					want = got
					return
				}
				same(t, &want, &got)
			})
		}
		if !slices.Contains(want.End, env.Terminated) && !slices.Contains(want.End, env.Truncated) {
			t.Error("no episode ends: the test shows nothing of beginnings")
		}
	}
}

// unpack fills in what Keep has left on the device.
func (v *vec) unpack(t *testing.T, r *env.Rollout, record *vk.Buffer) {
	x := make([]float32, record.Len()/4)
	vktest.Must(t, record.Download(x))
	width, at := len(x)/(r.Steps*r.N), 0
	for _, c := range []struct {
		dst   *[]float32
		width int
	}{{&r.Obs, v.w.obs}, {&r.Raw, v.w.act}, {&r.Act, v.w.act}, {&r.Next, v.w.obs}, {&r.Facts, v.w.facts}} {
		*c.dst = make([]float32, r.Steps*r.N*c.width)
		for k := range *c.dst {
			row, j := k/c.width, k%c.width
			(*c.dst)[k] = x[(row/r.N*width+at+j)*r.N+row%r.N]
		}
		at += c.width
	}
	for k, y := range r.Reward {
		if got := x[(k/r.N*width+at)*r.N+k%r.N]; math.Float32bits(got) != math.Float32bits(y) {
			t.Fatalf("row %d of the record has reward %v, want %v", k, got, y)
		}
	}
}

// A rollout that cannot be recorded must be an error that says what would be possible.
func TestRollLimit(t *testing.T) {
	vktest.Limit(t, 20_000, 0)
	d, err := NewVec(cartpole.New(), env.VecOptions{Worlds: 20}, Options{Device: "software"})
	vktest.Must(t, err)
	defer d.Close()
	v := d.(*vec)
	v.Reset(1)
	_, err = v.Keep(&env.Rollout{}, net(v.spec), 100, func(int) rng.Key { return rng.New(1) })
	if !errors.Is(err, vk.ErrMemory) || !strings.Contains(err.Error(), "a rollout of 100 steps of 20 worlds") || !strings.Contains(err.Error(), "at most 13 steps, or 2 worlds") {
		t.Errorf("%v", err)
	}
}
