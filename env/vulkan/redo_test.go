package vulkan

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// What a kernel could not do must be an error that names the world, which a Reset mends.
func TestPanic(t *testing.T) {
	d, err := NewVec(cartpole.New(), env.VecOptions{Worlds: 4, First: 10}, Options{Device: "software"})
	vktest.Must(t, err)
	defer d.Close()
	v := d.(*vec)
	b := env.NewBatch(v.spec, 4)
	for _, broken := range []bool{true, false} {
		v.Reset(1)
		for i := range 3 {
			if err := v.Observe(b); err != nil {
				t.Fatal(err)
			}
			envtest.RandomActions(v.spec, b, rng.New(1), i)
			if broken {
				v.setWord(wordFault, 2, engine.Panic) // as if a kernel had noticed it
			}
			err := v.Step(b)
			if broken {
				if err == nil || !strings.Contains(err.Error(), "world 12") {
					t.Errorf("a panic of a kernel is reported as %v", err)
				}
				break
			}
			if err != nil {
				t.Error(err)
			}
		}
	}
}

// A step that the driver cuts short must be done again with the right result.
func TestRedo(t *testing.T) {
	if !vktest.Required() {
		t.Skip("a minute of compiling: set REQUIRE_VULKAN=1")
	}
	const worlds = 5
	d, err := NewVec(lander.New(), env.VecOptions{Worlds: worlds}, Options{Device: "software"})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	h, err := env.NewVec(lander.New(), env.VecOptions{Worlds: worlds})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	v := d.(*vec)
	a, b := env.NewBatch(v.spec, worlds), env.NewBatch(v.spec, worlds)
	h.Reset(2)
	v.Reset(2)
	for i := range 100 {
		if err := errors.Join(h.Observe(a), v.Observe(b)); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(v.spec, a, rng.New(1), i)
		copy(b.Act, a.Act)
		v.setWord(wordFault, i%worlds, engine.Loop) // as if a kernel had noticed it
		if err := errors.Join(h.Step(a), v.Step(b)); err != nil {
			t.Fatal(err)
		}
		for _, x := range [][2][]float32{{a.Obs, b.Obs}, {a.Next, b.Next}, {a.Facts, b.Facts}, {a.Reward, b.Reward}} {
			for k := range x[0] {
				if math.Float32bits(x[0][k]) != math.Float32bits(x[1][k]) {
					t.Fatalf("step %d: %v, want %v", i, x[1][k], x[0][k])
				}
			}
		}
	}
}
