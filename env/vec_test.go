package env_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func newVec(t *testing.T, c env.Config, o env.VecOptions) (env.Vec, *env.Batch) {
	t.Helper()
	v, err := env.NewVec(c, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v, env.NewBatch(v.Spec(), o.Worlds)
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one about %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("error %q does not mention %q", err, p)
		}
	}
}

func TestCallOrder(t *testing.T) {
	v, b := newVec(t, envtest.NewFast(), env.VecOptions{Worlds: 2})
	wantError(t, v.Observe(b), "Reset was due")
	v.Reset(1)
	wantError(t, v.Step(b), "Step called where Observe was due")
	if err := v.Observe(b); err != nil {
		t.Fatal(err)
	}
	wantError(t, v.Observe(b), "Observe called where Step was due")
	wantError(t, v.Step(env.NewBatch(v.Spec(), 3)), "not made by NewBatch")
}

func TestActions(t *testing.T) {
	v, b := newVec(t, envtest.NewFast(), env.VecOptions{Worlds: 3})
	for _, bad := range []float32{3, -1, 0.5, float32(math.NaN())} {
		v.Reset(1)
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		b.Act[0], b.Act[1], b.Act[2] = 0, bad, 0
		wantError(t, v.Step(b), "world 1, episode 0", "step 0", `action "push"`, "0 to 2")
	}

	c := envtest.NewFast()
	c.Continuous = true
	v, b = newVec(t, c, env.VecOptions{Worlds: 2})
	v.Reset(1)
	if err := v.Observe(b); err != nil {
		t.Fatal(err)
	}
	b.Act[0], b.Act[1] = 7, float32(math.Inf(-1))
	if err := v.Step(b); err != nil {
		t.Fatal(err)
	}
	if b.Act[0] != 1 || b.Act[1] != -1 {
		t.Errorf("actions %v were not clamped to -1..1", b.Act)
	}
}

// broken is an environment that fails in chosen ways.
type broken struct {
	env.Env
	step       int
	nan, early bool
}

type brokenConfig struct {
	env.Config
	nan, early bool
}

func (c brokenConfig) New() env.Env { return &broken{Env: c.Config.New(), nan: c.nan, early: c.early} }

func (e *broken) Reset(l *env.Level, k rng.Key) { e.step = 0; e.Env.Reset(l, k) }

func (e *broken) Step(b *env.Batch) {
	e.Env.Step(b)
	if e.step++; e.step == 7 {
		if e.nan {
			b.Facts[1] = float32(math.Inf(1))
		}
		if e.early {
			b.End[0] = env.Terminated
		}
	}
}

func TestNotFinite(t *testing.T) {
	for _, workers := range []int{1, 3} {
		v, b := newVec(t, brokenConfig{Config: envtest.NewFast(), nan: true}, env.VecOptions{Worlds: 5, Workers: workers, First: 2})
		v.Reset(1)
		for i := range 7 {
			if err := v.Observe(b); err != nil {
				t.Fatal(err)
			}
			err := v.Step(b)
			if i < 6 && err != nil {
				t.Fatal(err)
			}
			if i == 6 {
				wantError(t, err, "env fast-v0: world 2, episode 0 (level ", "), step 7: fact \"effort\" is +Inf")
			}
		}
	}
}

// Termination keeps its name even at the last step, and a new episode follows at once.
func TestEnds(t *testing.T) {
	v, b := newVec(t, brokenConfig{Config: envtest.NewFast(), early: true}, env.VecOptions{Worlds: 1})
	v.Reset(1)
	var ends []int
	for i := range 30 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		if b.End[0] != env.Running {
			if b.End[0] != env.Terminated {
				t.Fatalf("step %d: %v", i, b.End[0])
			}
			ends = append(ends, i)
		}
	}
	if fmt.Sprint(ends) != "[6 13 20 27]" {
		t.Errorf("episodes ended at %v, want every seventh step", ends)
	}
}

func TestRewardIsTheSumOfItsTerms(t *testing.T) {
	v, b := newVec(t, envtest.NewFast(), env.VecOptions{Worlds: 4})
	v.Reset(3)
	for step := range 50 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(v.Spec(), b, rng.New(1), step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		for i := range b.N {
			want := -float64(b.Facts[2*i]) - 0.01*float64(b.Facts[2*i+1])
			if math.Abs(float64(b.Reward[i])-want) > 1e-6 {
				t.Fatalf("reward %v, want %v", b.Reward[i], want)
			}
		}
	}
}

func TestSpecErrors(t *testing.T) {
	for want, breakIt := range map[string]func(*env.Spec){
		"Agents is 0":                 func(s *env.Spec) { s.Agents = 0 },
		"Dt is 0":                     func(s *env.Spec) { s.Dt = 0 },
		`unknown field "distanse"`:    func(s *env.Spec) { s.Reward[0].Fact = "distanse" },
		`did you mean "distance"`:     func(s *env.Spec) { s.Reward[0].Fact = "distanse" },
		`"velocity" has Len 0`:        func(s *env.Spec) { s.Obs[1].Len = 0 },
		"used twice":                  func(s *env.Spec) { s.Obs[1].Name = s.Obs[0].Name },
		"needs Lo < Hi":               func(s *env.Spec) { s.Facts[0].Hi = s.Facts[0].Lo },
		"breaks Lo <= Default <= Hi":  func(s *env.Spec) { s.Params[0].Default = env.Range{3, 4} },
		`unknown level parameter "g"`: func(s *env.Spec) { s.Presets = []env.Preset{{Name: "p", Params: map[string]env.Range{"g": {}}}} },
	} {
		s, _ := envtest.NewFast().Spec()
		breakIt(s)
		wantError(t, s.Validate(), "env fast-v0", want)
	}
}

func TestLevelSet(t *testing.T) {
	s, _ := envtest.NewFast().Spec()
	s.Presets = []env.Preset{{Name: "far", Params: map[string]env.Range{"goal": {1.5, 2}}}}
	draw := func(set env.LevelSet, n int) (params [][]float32, seeds map[uint64]bool) {
		t.Helper()
		levels, err := set.Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		seeds = map[uint64]bool{}
		for i := range n {
			l := env.Level{Params: make([]float32, 2)}
			levels.Next(&l, 0, rng.New(uint64(i)))
			if err := l.Validate(s); err != nil {
				t.Fatal(err)
			}
			params, seeds[l.Seed] = append(params, l.Params), true
		}
		return params, seeds
	}
	params, train := draw(env.LevelSet{}, 500)
	if params[0][0] == params[1][0] || len(train) != 500 {
		t.Error("default levels repeat")
	}
	_, heldOut := draw(env.LevelSet{HeldOut: true}, 500)
	for seed := range heldOut {
		if train[seed] {
			t.Error("a held-out level is also a training level")
		}
	}
	if params, _ := draw(env.LevelSet{Preset: "far"}, 20); params[3][0] < 1.5 {
		t.Errorf("preset ignored: %v", params[3])
	}
	params, seeds := draw(env.LevelSet{Count: 3, First: 10}, 200)
	distinct := map[float32]bool{}
	for _, p := range params {
		distinct[p[0]] = true
	}
	if len(seeds) != 3 || !seeds[10] || !seeds[12] || len(distinct) != 3 {
		t.Errorf("count 3: seeds %v with %d parameter values, want 10..12 with 3", seeds, len(distinct))
	}
	for want, set := range map[string]env.LevelSet{
		`did you mean "drag"`: {Params: map[string]env.Range{"drga": {}}},
		"within 0.1 to 1":     {Params: map[string]env.Range{"drag": {0, 1}}},
		`no preset "near"`:    {Preset: "near"},
		"too large":           {First: 1 << 63, Count: 1},
	} {
		_, err := set.Compile(s)
		wantError(t, err, want)
	}
}

func TestLevelBinary(t *testing.T) {
	l := env.Level{Params: []float32{1, -2}, Seed: 7}
	data, _ := l.AppendBinary([]byte{9})
	got := env.Level{Params: make([]float32, 2)}
	rest, err := env.CutLevel(&got, append(data[1:], 5))
	if err != nil || len(rest) != 1 || got.Seed != 7 || got.Params[1] != -2 {
		t.Errorf("CutLevel = %+v, %v, %v", got, rest, err)
	}
	if _, err := env.CutLevel(&got, data[1:10]); err == nil {
		t.Error("CutLevel accepts a truncated level")
	}
	if _, err := env.CutLevel(&env.Level{Params: make([]float32, 1)}, data[1:]); err == nil {
		t.Error("CutLevel accepts another number of parameters")
	}
}

// FuzzLevel decodes arbitrary bytes as a level of one to nine parameters. Whatever is accepted
// is encoded as the same bytes again, and is within its bounds if Validate says so.
func FuzzLevel(f *testing.F) {
	good, _ := (&env.Level{Params: []float32{1, 0.5}, Seed: 7}).AppendBinary(nil)
	f.Add(good, uint8(2))
	f.Add(good[:len(good)-1], uint8(2))
	f.Add(append(slices.Clone(good), 1, 2), uint8(1))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), uint8(1))
	s, err := envtest.NewFast().Spec()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, params uint8) {
		l := env.Level{Params: make([]float32, 1+params%9)}
		rest, err := env.CutLevel(&l, data)
		if err != nil {
			return
		}
		again, err := l.AppendBinary(nil)
		if err != nil || !bytes.Equal(again, data[:len(data)-len(rest)]) {
			t.Errorf("%x is decoded as %+v and encoded as %x, %v", data, l, again, err)
		}
		if l.Validate(s) != nil {
			return
		}
		for i, p := range s.Params {
			if v := l.Params[i]; !(p.Lo <= v && v <= p.Hi) {
				t.Errorf("%s = %v is valid, though its range is %v to %v", p.Name, v, p.Lo, p.Hi)
			}
		}
	})
}

func ExampleNewVec() {
	v, err := env.NewVec(envtest.NewFast(), env.VecOptions{Worlds: 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	b := env.NewBatch(v.Spec(), v.Len())
	v.Reset(42)
	for range 40 {
		if err := v.Observe(b); err != nil {
			fmt.Println(err)
			return
		}
		for i := range b.N { // push towards the goal
			b.Act[i] = 1
			if offset := b.Obs[2*i]; offset > 0.05 {
				b.Act[i] = 2
			} else if offset < -0.05 {
				b.Act[i] = 0
			}
		}
		if err := v.Step(b); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(b.N, "agents,", b.End[0])
	// Output: 8 agents, truncated
}

func BenchmarkVec(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			const worlds = 256
			v, err := env.NewVec(envtest.NewFast(), env.VecOptions{Worlds: worlds, Workers: workers})
			if err != nil {
				b.Fatal(err)
			}
			defer v.Close()
			batch := env.NewBatch(v.Spec(), worlds)
			v.Reset(1)
			b.ReportAllocs()
			for b.Loop() {
				v.Observe(batch)
				v.Step(batch)
			}
			b.ReportMetric(worlds*float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}

// Worlds are restarted and put to rest between steps, not within one or before any.
func TestRestartOrder(t *testing.T) {
	v, b := newVec(t, envtest.NewFast(), env.VecOptions{Worlds: 2})
	r := v.(env.Restarter)
	wantPanic := func(what string, f func()) {
		t.Helper()
		defer func() {
			if text, _ := recover().(string); !strings.Contains(text, what) {
				t.Errorf("panic %q, want one with %q", text, what)
			}
		}()
		f()
	}
	wantPanic("Restart of world 1 where Observe was not due", func() { r.Restart(1, 3) })
	v.Reset(1)
	if err := v.Observe(b); err != nil {
		t.Fatal(err)
	}
	wantPanic("Rest of world 0 where Observe was not due", func() { r.Rest(0) })
}
