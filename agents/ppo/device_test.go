package ppo

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	_ "github.com/terrarium-rl/terrarium/env/tasks/arm"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	_ "github.com/terrarium-rl/terrarium/env/tasks/curling"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	_ "github.com/terrarium-rl/terrarium/env/tasks/maze"
	"github.com/terrarium-rl/terrarium/env/tasks/pendulum"
	_ "github.com/terrarium-rl/terrarium/env/tasks/pusher"
	_ "github.com/terrarium-rl/terrarium/env/tasks/reach"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	_ "github.com/terrarium-rl/terrarium/env/tasks/walker"
	_ "github.com/terrarium-rl/terrarium/env/vulkan"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// Rollouts on a device must be those that the agent makes with worlds in Go, bit for bit.
func TestRollout(t *testing.T) {
	kernel := nn.Kernel()
	if err := nn.SetKernel("blas"); err != nil {
		t.Fatal(err)
	}
	defer nn.SetKernel(kernel)
	normal := New()
	normal.NormalizeObs = true
	shared := New()
	shared.Shared = true
	for name, c := range map[string]struct {
		config env.Config
		agent  *Config
	}{
		"cartpole":          {cartpole.New(), New()},
		"cartpole shared":   {cartpole.New(), shared},
		"pendulum":          {pendulum.New(), New()},
		"pendulum scaled":   {pendulum.New(), normal},
		"lander":            {lander.New(), New()},
		"rooms":             {&sandbox.Config{Rooms: sandbox.Names(), Generated: 3, MaxSteps: 15}, New()},
		"lander continuous": {&lander.Config{Continuous: true, MaxSteps: 150}, New()},
	} {
		t.Run(name, func(t *testing.T) {
			if (name == "rooms" || strings.HasPrefix(name, "lander")) && (!vktest.Required() || testing.Short()) {
				t.Skip("a minute of compiling: set REQUIRE_VULKAN=1")
			}
			if name == "rooms" || name == "lander continuous" { // in slices, in memory that the host does not see
				vktest.Staged(t)
				vktest.Limit(t, 300_000, 0)
			}
			testRollout(t, c.config, c.agent, 20, 64, 3)
		})
	}
	for _, id := range env.Names() {
		t.Run(id, func(t *testing.T) {
			if !vktest.Required() || testing.Short() {
				t.Skip("a minute of compiling: set REQUIRE_VULKAN=1")
			}
			c, err := env.Open(id, func(o any) error { return json.Unmarshal([]byte(`{"max_steps": 25}`), o) })
			if err != nil {
				t.Fatal(err)
			}
			vktest.Staged(t)
			testRollout(t, c, New(), 5, 40, 2)
		})
	}
}

func testRollout(t *testing.T, c env.Config, options *Config, worlds, steps, rounds int) {
	device, err := env.NewVec(c, env.VecOptions{Worlds: worlds, Engine: "vulkan:software"})
	vktest.Must(t, err)
	defer device.Close()
	host, err := env.NewVec(c, env.VecOptions{Worlds: worlds, Engine: "go"})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	o := *options
	o.Rollout = steps * rounds
	policy, err := o.Build(agents.Setup{Spec: host.Spec(), Rows: worlds + 1, Key: rng.New(3), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	actor, err := policy.(*agent).Actor(true)
	if err != nil {
		t.Fatal(err)
	}
	host.Reset(4)
	device.Reset(4)
	b := env.NewBatch(host.Spec(), worlds)
	var r env.Rollout
	for round := range rounds {
		key := func(step int) rng.Key { return rng.New(9).Fold(uint64(round*steps + step)) }
		if err := device.(env.Roller).Roll(&r, actor, steps, key); err != nil {
			t.Fatal(err)
		}
		for step := range steps {
			if err := host.Observe(b); err != nil {
				t.Fatal(err)
			}
			policy.Act(b, key(step), true)
			if err := host.Step(b); err != nil {
				t.Fatal(err)
			}
			compareRows(t, round, step, &r, b)
		}
		stepBoth(t, device, host, policy, b)
	}
}

// stepBoth makes a few steps one by one between rollouts.
func stepBoth(t *testing.T, device, host env.Vec, policy agents.Policy, b *env.Batch) {
	t.Helper()
	other := env.NewBatch(device.Spec(), b.N)
	for step := range 3 {
		if err := errors.Join(host.Observe(b), device.Observe(other)); err != nil {
			t.Fatal(err)
		}
		policy.Act(b, rng.New(1).Fold(uint64(step)), true)
		copy(other.Act, b.Act)
		if err := errors.Join(host.Step(b), device.Step(other)); err != nil {
			t.Fatal(err)
		}
		for i, v := range b.Next {
			if math.Float32bits(other.Next[i]) != math.Float32bits(v) {
				t.Fatalf("step %d between rollouts, observation %d: %v on the device, %v in Go", step, i, other.Next[i], v)
			}
		}
	}
}

func compareRows(t *testing.T, round, step int, r *env.Rollout, b *env.Batch) {
	t.Helper()
	for _, x := range []struct {
		name         string
		device, host []float32
	}{{"observation", r.Obs, b.Obs}, {"action", r.Act, b.Act}, {"next", r.Next, b.Next}, {"fact", r.Facts, b.Facts}, {"reward", r.Reward, b.Reward}} {
		w := len(x.host) / b.N
		for i, v := range x.host {
			if got := x.device[step*len(x.host)+i]; math.Float32bits(got) != math.Float32bits(v) {
				t.Fatalf("round %d, step %d, world %d, %s %d: %v on the device, %v in Go", round, step, i/w, x.name, i%w, got, v)
			}
		}
	}
	for i := range b.End {
		if at := step*b.N + i; r.End[at] != b.End[i] || r.Level[at] != b.Level[i] {
			t.Fatalf("round %d, step %d, world %d: %v of level %x on the device, %v of %x in Go", round, step, i, r.End[at], r.Level[at], b.End[i], b.Level[i])
		}
	}
}
