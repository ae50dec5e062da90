package vulkan

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/env/tasks/curling"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	"github.com/terrarium-rl/terrarium/env/tasks/walker"
	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/vk"
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
				v.poke(t, wordFault, 2, engine.Panic) // as if a kernel had noticed it
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

// alike steps worlds on the device and in Go, and wants the same bits. What meddle does to the
// device's comes before each step.
func alike(t *testing.T, c env.Config, worlds, steps int, meddle func(v *vec, step int)) *vec {
	t.Helper()
	if !vktest.Required() {
		t.Skip("a minute of compiling: set REQUIRE_VULKAN=1")
	}
	d, err := NewVec(c, env.VecOptions{Worlds: worlds}, Options{Device: "software"})
	vktest.Must(t, err)
	t.Cleanup(func() { d.Close() })
	h, err := env.NewVec(c, env.VecOptions{Worlds: worlds})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	v := d.(*vec)
	a, b := env.NewBatch(v.spec, worlds), env.NewBatch(v.spec, worlds)
	h.Reset(2)
	v.Reset(2)
	for i := range steps {
		if err := errors.Join(h.Observe(a), v.Observe(b)); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(v.spec, a, rng.New(1), i)
		copy(b.Act, a.Act)
		meddle(v, i)
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
	return v
}

// A step that the driver cuts short must be done again with the right result.
func TestRedo(t *testing.T) {
	vktest.Both(t, func(t *testing.T) {
		alike(t, lander.New(), 5, 60, func(v *vec, step int) {
			v.poke(t, wordFault, step%5, engine.Loop) // as if a kernel had noticed it
		})
	})
}

// net is a small network with random parameters.
func net(s *env.Spec) *env.Actor {
	a := &env.Actor{Widths: []int{env.Width(s.Obs), 5, 0}, Activation: "tanh", Purpose: 1, Explore: true}
	for _, f := range s.Act {
		p := env.ActorPart{Kind: env.Normal, N: f.Len}
		if f.Choices > 0 {
			p = env.ActorPart{Kind: env.Categorical, N: f.Choices}
		} else {
			a.Free = append(a.Free, make([]float32, f.Len)...)
		}
		a.Parts = append(a.Parts, p)
		a.Widths[2] += p.N
	}
	r := rng.New(9).Stream(0, 0, 0)
	for range (a.Widths[0]+1)*a.Widths[1] + (a.Widths[1]+1)*a.Widths[2] {
		a.Params = append(a.Params, r.Range(-1, 1))
	}
	return a
}

// Steps of a rollout that a kernel could not do must be done again with the right result, whatever
// the kernel has left in the memory of the world, and one that Go code would refuse must be reported.
func TestRedoRolled(t *testing.T) {
	for _, c := range []env.Config{cartpole.New(), curling.New(), lander.New()} {
		id := must(c.Spec()).ID
		t.Run(id, func(t *testing.T) {
			if id == "lander-v0" && !vktest.Required() {
				t.Skip("seconds of compiling: set REQUIRE_VULKAN=1")
			}
			const worlds, steps = 6, 40
			var rolls [2]env.Rollout
			key := func(step int) rng.Key { return rng.New(3).Fold(uint64(step)) }
			for k := range rolls {
				d, err := NewVec(c, env.VecOptions{Worlds: worlds, First: 10}, Options{Device: "software"})
				vktest.Must(t, err)
				defer d.Close()
				v := d.(*vec)
				v.Reset(2)
				if k == 0 {
					if err := v.Roll(&rolls[0], net(v.spec), steps, key); err != nil {
						t.Fatal(err)
					}
					continue
				}
				if err := v.startRoll(&rolls[1], net(v.spec), steps, key); err != nil {
					t.Fatal(err)
				}
				v.amidFirstStep(t)
				for _, i := range []int{1, 4} {
					for at := engine.Control; at < v.scenes.words; at++ {
						if at < v.rowAct || at >= v.rowAct+v.w.act {
							v.poke(t, at, i, 0x7fc00000) // as if the kernel had left it half done
						}
					}
					v.setWord(wordTurn, i, engine.Idle)
				}
				v.setWord(wordFault, 1, engine.Loop)
				v.setWord(wordFault, 4, engine.Many)
				if err := errors.Join(v.finishRoll(0), v.endRoll(&rolls[1], 0, false)); err != nil {
					t.Fatal(err)
				}
				v.Reset(2)
				if err := v.startRoll(&rolls[0], net(v.spec), steps, key); err != nil {
					t.Fatal(err)
				}
				v.amidFirstStep(t)
				v.setWord(wordFault, 3, engine.Panic)
				v.setWord(wordTurn, 3, engine.Idle)
				if err := v.finishRoll(0); err == nil || !strings.Contains(err.Error(), "world 13") {
					t.Errorf("a panic of a kernel is reported as %v", err)
				}
				v.broken = true // as Roll would have noted
				v.Reset(2)
				if err := v.Roll(&rolls[0], net(v.spec), steps, key); err != nil {
					t.Errorf("after a panic and a Reset: %v", err)
				}
			}
			same(t, &rolls[0], &rolls[1])
		})
	}
}

// startRoll does what comes before the kernels of a rollout of one slice.
func (v *vec) startRoll(r *env.Rollout, a *env.Actor, steps int, key func(int) rng.Key) error {
	if err := v.openRoll(r, a, steps, false); err != nil {
		return err
	}
	return v.beginRoll(0, steps, key)
}

// amidFirstStep runs what comes before the kernels of the environment.
func (v *vec) amidFirstStep(t *testing.T) {
	t.Helper()
	q := v.roll
	err := errors.Join(v.touch(), q.spares.flush())
	c, failed := v.dev.Record(func(r *vk.Recorder) {
		r.Load(q.net, q.keys, q.control)
		q.act(r)
		r.Save(q.control)
	})
	if err = errors.Join(err, failed); err == nil {
		err = c.Run()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// poke sets a word of world i of the first slice on the device.
func (v *vec) poke(t *testing.T, at, i int, w uint32) {
	t.Helper()
	err := v.flush()
	c, failed := v.dev.Record(func(r *vk.Recorder) { r.Fill(v.mem, at*v.stride+i, 1, w) })
	if err = errors.Join(err, failed); err == nil {
		defer c.Free()
		err = c.Run()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](x T, err error) T {
	if err != nil {
		panic(err)
	}
	return x
}

func same(t *testing.T, a, b *env.Rollout) {
	t.Helper()
	for name, x := range map[string][2][]float32{"observations": {a.Obs, b.Obs}, "raw actions": {a.Raw, b.Raw}, "actions": {a.Act, b.Act}, "successors": {a.Next, b.Next}, "facts": {a.Facts, b.Facts}, "rewards": {a.Reward, b.Reward}} {
		if !slices.EqualFunc(x[0], x[1], func(p, q float32) bool { return math.Float32bits(p) == math.Float32bits(q) }) {
			t.Errorf("the %s differ", name)
		}
	}
	if !slices.Equal(a.End, b.End) || !slices.Equal(a.Level, b.Level) {
		t.Error("the ends or levels differ")
	}
}

// A kernel that does not run to its end must be an error that names the world, not a wrong number.
func TestUnfinished(t *testing.T) {
	d, err := NewVec(cartpole.New(), env.VecOptions{Worlds: 3, First: 10}, Options{Device: "software"})
	vktest.Must(t, err)
	defer d.Close()
	v := d.(*vec)
	b := env.NewBatch(v.spec, 3)
	v.Reset(1)
	if err := v.Observe(b); err != nil {
		t.Fatal(err)
	}
	v.kernels++ // one that there is not
	if err := v.Step(b); err == nil || !strings.Contains(err.Error(), "world 10") || !strings.Contains(err.Error(), "1 of 2 kernels") {
		t.Errorf("a kernel that did not run is reported as %v", err)
	}
	v.Reset(1)
	if err := v.Roll(&env.Rollout{}, net(v.spec), 2, func(int) rng.Key { return rng.New(1) }); err == nil || !strings.Contains(err.Error(), "do not come to the end") {
		t.Errorf("in a rollout it is reported as %v", err)
	}
}

// What is not a number must be an error that names world and value, in steps and in rollouts.
func TestNotFinite(t *testing.T) {
	d, err := NewVec(cartpole.New(), env.VecOptions{Worlds: 3, First: 10}, Options{Device: "software"})
	vktest.Must(t, err)
	defer d.Close()
	v := d.(*vec)
	b := env.NewBatch(v.spec, 3)
	at := v.scenes.links[0].items[0].at
	for i := range v.scenes.links[0].items {
		if v.scenes.links[0].items[i].n >= 4 && v.scenes.links[0].items[i].as == word { // position, speed, angle, spin
			at = v.scenes.links[0].items[i].at
			break
		}
	}
	v.Reset(1)
	if err := v.Observe(b); err != nil {
		t.Fatal(err)
	}
	for j := range 4 {
		v.poke(t, at+j, 1, math.Float32bits(float32(math.NaN())))
	}
	if err := v.Step(b); err == nil || !strings.Contains(err.Error(), "world 11") || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("NaN is reported as %v", err)
	}
	v.Reset(1)
	a := net(v.spec)
	if err := v.startRoll(&env.Rollout{}, a, 3, func(int) rng.Key { return rng.New(1) }); err != nil {
		t.Fatal(err)
	}
	v.amidFirstStep(t)
	for j := range 4 {
		v.poke(t, at+j, 2, math.Float32bits(float32(math.NaN())))
	}
	if err := v.finishRoll(0); err == nil || !strings.Contains(err.Error(), "world 12") || !strings.Contains(err.Error(), "not finite") {
		t.Errorf("in a rollout NaN is reported as %v", err)
	}
}

// Worlds that need kernels more often than a submission runs them must come to the same end.
func TestRests(t *testing.T) {
	old := rounds
	rounds = 1
	defer func() { rounds = old }()
	v := alike(t, walker.New(), 12, 150, func(*vec, int) {})
	if v.rests == 0 {
		t.Error("no world needed a kernel twice: the test shows nothing")
	}
	t.Logf("%d submissions more than steps", v.rests)
}

// pile is a room of boxes that fall onto each other.
func pile(t *testing.T) env.Config {
	t.Helper()
	r := sandbox.Empty()
	const half = 0.2
	for i := range 12 {
		b := scene.Body{Name: "box" + strconv.Itoa(i), Position: geom.Vec{X: 1 + 2.02*half*float32(i%3), Y: 0.2 + half + 1.2*float32(i/3)}}
		b.Shapes = []scene.Shape{{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, half, half, 0), Density: 1, Friction: 0.5}}
		if i == 0 {
			b.Role = env.RoleAgent
			r.Thrusters = []scene.Thruster{{Name: "push", Body: b.Name, Direction: geom.Vec{X: 1}, Max: 10}}
		}
		r.Bodies = append(r.Bodies, b)
	}
	r.Rules = []sandbox.Rule{{When: sandbox.Above, A: "box0", Value: 4, Then: sandbox.Win}}
	c, err := sandbox.Of(r)
	if err != nil {
		t.Fatal(err)
	}
	c.MaxSteps = 40
	return c
}

// Scenes with more rows than kernels solve for must come to the same end as in Go, in steps and in rollouts.
func TestCrowded(t *testing.T) {
	const worlds, steps = 6, 60
	c := pile(t)
	v := alike(t, c, worlds, steps, func(*vec, int) {})
	if v.redone < worlds*steps/4 || v.redone == worlds*steps {
		t.Errorf("%d of %d steps had more than 48 rows: the test shows nothing", v.redone, worlds*steps)
	}
	before := v.redone
	v.Reset(2)
	var r env.Rollout
	if err := v.Roll(&r, net(v.spec), steps, func(step int) rng.Key { return rng.New(3).Fold(uint64(step)) }); err != nil {
		t.Fatal(err)
	}
	if v.redone == before {
		t.Error("no step of the rollout had more than 48 rows: the test shows nothing")
	}
	h := must(env.NewVec(c, env.VecOptions{Worlds: worlds}))
	defer h.Close()
	h.Reset(2)
	b := env.NewBatch(v.spec, worlds)
	for step := range steps {
		if err := h.Observe(b); err != nil {
			t.Fatal(err)
		}
		copy(b.Act, r.Act[step*len(b.Act):])
		if err := h.Step(b); err != nil {
			t.Fatal(err)
		}
		for _, x := range [][2][]float32{{b.Obs, r.Obs}, {b.Next, r.Next}, {b.Facts, r.Facts}, {b.Reward, r.Reward}} {
			n := len(x[0])
			if !slices.EqualFunc(x[0], x[1][step*n:(step+1)*n], func(p, q float32) bool { return math.Float32bits(p) == math.Float32bits(q) }) {
				t.Fatalf("step %d of the rollout differs", step)
			}
		}
		if !slices.Equal(b.End, r.End[step*worlds:(step+1)*worlds]) {
			t.Fatalf("the ends of step %d of the rollout differ", step)
		}
	}
}
