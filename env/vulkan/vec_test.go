package vulkan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	_ "github.com/terrarium-rl/terrarium/env/tasks/arm"
	_ "github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	_ "github.com/terrarium-rl/terrarium/env/tasks/curling"
	_ "github.com/terrarium-rl/terrarium/env/tasks/lander"
	_ "github.com/terrarium-rl/terrarium/env/tasks/maze"
	_ "github.com/terrarium-rl/terrarium/env/tasks/pendulum"
	_ "github.com/terrarium-rl/terrarium/env/tasks/pusher"
	_ "github.com/terrarium-rl/terrarium/env/tasks/reach"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	_ "github.com/terrarium-rl/terrarium/env/tasks/walker"
	"github.com/terrarium-rl/terrarium/env/vulkan"
	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// pair opens the same worlds on both engines. Kernels of the physics take the software driver a
// minute to compile, the first time: they are tested where Vulkan is required, as in CI.
func pair(t *testing.T, id string, worlds int) (host, device env.Vec) {
	t.Helper()
	c, err := env.Open(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return pairOf(t, c, id, worlds)
}

func pairOf(t *testing.T, c env.Config, id string, worlds int) (host, device env.Vec) {
	t.Helper()
	m, err := engine.Load()
	if err != nil {
		t.Fatal(err)
	}
	if _, substep := m.Of(id); len(substep[0]) > 0 && !vktest.Required() {
		t.Skip("a minute of compiling: set REQUIRE_VULKAN=1")
	}
	o := env.VecOptions{Worlds: worlds, First: 3, Engine: "vulkan:software"}
	device, err = env.NewVec(c, o)
	vktest.Must(t, err)
	t.Cleanup(func() { device.Close() })
	o.Engine = "go"
	if host, err = env.NewVec(c, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	return host, device
}

// both runs a test with all worlds in memory that the host sees, and with worlds in slices in memory that it
// does not see, as on a discrete GPU.
func both(t *testing.T, f func(t *testing.T)) {
	t.Run("mapped", f)
	t.Run("staged", func(t *testing.T) {
		vktest.Staged(t)
		vulkan.Slice(t, 4)
		f(t)
	})
}

// All environments of the program must have kernels that give the bits of the Go code over 1000 steps.
func TestEqual(t *testing.T) {
	m, err := engine.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range env.Names() {
		t.Run(id, func(t *testing.T) {
			if m.Layouts[id] == nil {
				t.Fatal("it has no kernels: add it to tasks in shaders/internal/translate")
			}
			worlds := 35
			if _, substep := m.Of(id); len(substep[0]) > 0 {
				worlds = 10
			}
			both(t, func(t *testing.T) {
				host, device := pair(t, id, worlds)
				equal(t, host, device, 1000)
			})
		})
	}
}

// The same kernels must do for other options, which change what worlds observe and how they act.
func TestOptions(t *testing.T) {
	for _, c := range []struct{ id, options string }{
		{"arm-v0", `{"links": 12, "control": "velocity"}`},
		{"cartpole-v0", `{"continuous": true}`},
		{"curling-v0", `{"full": false, "max_steps": 50}`},
		{"lander-v0", `{"continuous": true}`},
		{"maze-v0", `{"max_size": 5, "rays": 7, "goal": true, "key_positions": true, "tv": 3, "tv_mode": "near", "max_steps": 60}`},
		{"maze-v0", `{"room": 3, "max_size": 4, "max_keys": 0, "discrete": true, "tv": 2, "tv_mode": "remote", "progress": 1}`},
		{"pusher-v0", `{"max_boxes": 4, "max_steps": 50}`},
		{"reach-v0", `{"links": 40, "full": false, "max_steps": 30}`},
		{"reach-v0", `{"links": 2}`},
	} {
		t.Run(c.id, func(t *testing.T) {
			config, err := env.Open(c.id, func(o any) error { return json.Unmarshal([]byte(c.options), o) })
			if err != nil {
				t.Fatal(err)
			}
			host, device := pairOf(t, config, c.id, 20)
			equal(t, host, device, 200)
		})
	}
}

// The rooms of the sandbox are scenes of all kinds. None of them has more rows than kernels solve for.
func TestRooms(t *testing.T) {
	for _, room := range append(sandbox.Names(), "") {
		t.Run(room, func(t *testing.T) {
			c := &sandbox.Config{Rooms: []string{room}, MaxSteps: 100}
			if room == "" {
				c.Rooms, c.Generated, c.Seed = nil, 1, 7
			}
			host, device := pairOf(t, c, sandbox.ID, 20)
			equal(t, host, device, 300)
		})
	}
}

// Worlds of different rooms must be stepped together, each to what it comes to in Go, however many there
// are; they change rooms when episodes end. TestRollout of package agents/ppo does the same in rollouts.
func TestManyRooms(t *testing.T) {
	for _, worlds := range []int{1, 20} {
		c := &sandbox.Config{Rooms: sandbox.Names(), Generated: 5, Seed: 3, MaxSteps: 25}
		host, device := pairOf(t, c, sandbox.ID, worlds)
		equal(t, host, device, 150)
		rooms := map[float32]bool{}
		for i := range worlds {
			l := device.(env.LevelSetter).Level(i)
			rooms[l.Params[len(l.Params)-1]] = true
			p, q := host.(env.Snapshotter).AppendState(nil, i), device.(env.Snapshotter).AppendState(nil, i)
			if !bytes.Equal(p, q) {
				t.Errorf("the states of world %d differ", i)
			}
		}
		if worlds > 1 && len(rooms) < 5 {
			t.Errorf("%d worlds are in %d rooms: the test shows little", worlds, len(rooms))
		}
		// A state of another room must be taken.
		if err := errors.Join(host.(env.Snapshotter).SetState(0, device.(env.Snapshotter).AppendState(nil, worlds-1)), device.(env.Snapshotter).SetState(0, host.(env.Snapshotter).AppendState(nil, worlds-1))); err != nil {
			t.Fatal(err)
		}
		a, b := env.NewBatch(host.Spec(), worlds), env.NewBatch(host.Spec(), worlds)
		for i := range 30 {
			step(t, host, device, a, b, i)
		}
	}
}

// equal steps the worlds of both engines with random actions, new ones in each step at first and later
// in every twentieth, which leads further, and compares.
func equal(t *testing.T, host, device env.Vec, steps int) {
	t.Helper()
	a, b := env.NewBatch(host.Spec(), host.Len()), env.NewBatch(host.Spec(), host.Len())
	host.Reset(1)
	device.Reset(1)
	for step := range steps {
		if err := errors.Join(host.Observe(a), device.Observe(b)); err != nil {
			t.Fatal(err)
		}
		held := step
		if step >= steps/2 {
			held -= step % 20
		}
		envtest.RandomActions(host.Spec(), a, rng.New(5), held)
		copy(b.Act, a.Act)
		if err := errors.Join(host.Step(a), device.Step(b)); err != nil {
			t.Fatal(err)
		}
		compare(t, step, host.Spec(), a, b)
	}
}

func compare(t *testing.T, step int, s *env.Spec, a, b *env.Batch) {
	t.Helper()
	for _, x := range []struct {
		name   string
		fields []env.Field
		a, b   []float32
	}{{"observation", s.Obs, a.Obs, b.Obs}, {"next observation", s.Obs, a.Next, b.Next}, {"fact", s.Facts, a.Facts, b.Facts}, {"reward", nil, a.Reward, b.Reward}} {
		for i := range x.a {
			if math.Float32bits(x.a[i]) != math.Float32bits(x.b[i]) {
				w := len(x.a) / a.N
				name := ""
				for col := i % w; len(x.fields) > 0; col -= x.fields[0].Len {
					if col < x.fields[0].Len {
						name = x.fields[0].Name
						break
					}
					x.fields = x.fields[1:]
				}
				t.Fatalf("step %d, world %d, %s %s (column %d): %v on the device, %v in Go", step, i/w, x.name, name, i%w, x.b[i], x.a[i])
			}
		}
	}
	for i := range a.End {
		if a.End[i] != b.End[i] || a.Level[i] != b.Level[i] {
			t.Fatalf("step %d, world %d: %v of level %x on the device, %v of %x in Go", step, i, b.End[i], b.Level[i], a.End[i], a.Level[i])
		}
	}
}
