package vulkan_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/env/vulkan"
)

// step performs a step with the same random actions on both engines.
func step(t *testing.T, host, device env.Vec, a, b *env.Batch, i int) {
	t.Helper()
	if err := errors.Join(host.Observe(a), device.Observe(b)); err != nil {
		t.Fatal(err)
	}
	envtest.RandomActions(host.Spec(), a, rng.New(5), i)
	copy(b.Act, a.Act)
	if err := errors.Join(host.Step(a), device.Step(b)); err != nil {
		t.Fatal(err)
	}
	compare(t, i, host.Spec(), a, b)
}

// A state saved on one engine must be that of the other, and go on there.
func TestStates(t *testing.T) {
	for _, id := range []string{"cartpole-v0", "curling-v0", "maze-v0", "lander-v0"} {
		t.Run(id, func(t *testing.T) { both(t, func(t *testing.T) { testStates(t, id) }) })
	}
}

func testStates(t *testing.T, id string) {
	const worlds = 9
	host, device := pair(t, id, worlds)
	a, b := env.NewBatch(host.Spec(), worlds), env.NewBatch(host.Spec(), worlds)
	host.Reset(1)
	device.Reset(1)
	for i := range 60 {
		step(t, host, device, a, b, i)
		if i%15 != 14 {
			continue
		}
		for w := range worlds {
			p, q := host.(env.Snapshotter).AppendState(nil, w), device.(env.Snapshotter).AppendState(nil, w)
			if !bytes.Equal(p, q) {
				t.Fatalf("step %d, world %d: the states differ", i, w)
			}
			// Each goes on with what another world of the other engine was.
			to := (w + 4) % worlds
			if err := errors.Join(host.(env.Snapshotter).SetState(to, q), device.(env.Snapshotter).SetState(to, p)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := device.(env.Snapshotter).SetState(0, []byte("no state")); err == nil {
		t.Error("a malformed state is accepted")
	}
}

func TestErrors(t *testing.T) {
	_, device := pair(t, "cartpole-v0", 3) // skips where there is no Vulkan
	b := env.NewBatch(device.Spec(), 3)
	if err := device.Observe(b); err == nil {
		t.Error("Observe before Reset is accepted")
	}
	device.Reset(1)
	if err := device.Observe(b); err != nil {
		t.Fatal(err)
	}
	b.Act[2] = 7
	if err := device.Step(b); err == nil || !strings.Contains(err.Error(), "world 5") {
		t.Errorf("an action that does not exist: %v", err)
	}
	for _, c := range []struct {
		id, want string
		worlds   int
		is       error
	}{{"walker-v0", "at most", 1 << 20, nil}, {"walker-v0", "at least 1", 0, nil}} {
		config, err := env.Open(c.id, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = vulkan.NewVec(config, env.VecOptions{Worlds: c.worlds}, vulkan.Options{Device: "software"})
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%d worlds of %s: %v", c.worlds, c.id, err)
		}
	}
	if _, err := vulkan.NewVec(other{cartpole.New()}, env.VecOptions{Worlds: 1}, vulkan.Options{Device: "software"}); !errors.Is(err, vulkan.ErrUnsupported) || !strings.Contains(err.Error(), "kernels for") {
		t.Errorf("an environment without kernels: %v", err)
	}
}

// other is an environment of somebody else.
type other struct{ env.Config }

func (o other) Spec() (*env.Spec, error) {
	s, err := o.Config.Spec()
	s.ID = "other-v0"
	return s, err
}
