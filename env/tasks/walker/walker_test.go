package walker

import (
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func TestConformance(t *testing.T) {
	envtest.Run(t, func() env.Config { return New() })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func spec(t testing.TB) *env.Spec {
	t.Helper()
	s, err := New().Spec()
	must(t, err)
	return s
}

func newWorldAndBatch(t testing.TB) (*world, *env.Batch) {
	return New().New().(*world), env.NewBatch(spec(t), 1)
}

func presetLevel(name string, seed uint64) *env.Level {
	l := &env.Level{Params: make([]float32, paramCount), Seed: seed}
	for _, p := range presets() {
		if p.Name == name {
			for i := range params {
				l.Params[i] = p.Params[params[i].Name][0]
			}
		}
	}
	return l
}

func TestObservationHasTheClassicLayout(t *testing.T) {
	s := spec(t)
	if n, a := env.Width(s.Obs), env.Width(s.Act); n != 24 || a != 4 {
		t.Errorf("%d observations and %d actions, want 24 and 4", n, a)
	}
	for name, want := range map[string]int{"angle": 0, "vy": 3, "hip_1": 4, "foot_1": 8, "hip_2": 9, "knee_2": 11, "foot_2": 13, "rays": 14} {
		if got, err := env.Column(s.Obs, name); err != nil || got != want {
			t.Errorf("%s is in column %d (%v), want %d", name, got, err, want)
		}
	}
}

// TestReward recomputes the reward of Gymnasium's BipedalWalker-v3 in float64 from the pose.
func TestReward(t *testing.T) {
	c, s := New(), spec(t)
	v, err := env.NewVec(c, env.VecOptions{Worlds: 1, Levels: env.FixedLevels{*presetLevel("classic", 3)}})
	must(t, err)
	defer v.Close()
	b := env.NewBatch(s, 1)
	distance, err := env.Column(s.Facts, "distance")
	must(t, err)
	v.Reset(1)
	ended, before := 0, math.NaN()
	for step := range 3000 {
		must(t, v.Observe(b))
		envtest.RandomActions(s, b, rng.New(1), step)
		must(t, v.Step(b))
		x := float64(b.Facts[distance])
		want := 130*(x-before)/30 - 5*(math.Abs(float64(b.Next[0]))-math.Abs(float64(b.Obs[0])))
		for _, a := range b.Act {
			want -= 0.00035 * 80 * math.Abs(float64(a))
		}
		before = x
		if b.End[0] != env.Running {
			ended++
			before = math.NaN()
			if b.End[0] == env.Terminated {
				want = -100 // random actions never get to the finish
			}
		}
		if math.Abs(float64(b.Reward[0])-want) > 1e-3 { // NaN, of first steps, compares as false
			t.Fatalf("step %d: reward %v, want %v", step, b.Reward[0], want)
		}
	}
	if ended == 0 {
		t.Error("no episode ended")
	}
}

func TestStart(t *testing.T) {
	w, _ := newWorldAndBatch(t)
	for _, length := range []float32{0.7, 1, 1.3} {
		l := presetLevel("classic", 1)
		l.Params[legLength] = length
		w.Reset(l, rng.Key{})
		if w.at.X < startX-0.05 || w.at.X > startX+0.05 {
			t.Errorf("legs of %v: starts at %v", length, w.at)
		}
		lowest := float32(10)
		for i := range w.parts {
			h := legHeight * length
			for _, x := range []float32{-lowerWidth, lowerWidth} {
				lowest = geom.Min(lowest, w.w.WorldPoint(w.parts[i][1], geom.Vec{X: x, Y: -h}).Y)
			}
		}
		if lowest < gen.TrailBase || lowest > gen.TrailBase+startClear {
			t.Errorf("legs of %v: the lowest foot is %v above the ground", length, lowest-gen.TrailBase)
		}
	}
	// Gymnasium's walker has its hull at a height of 5.728 and sinks at 0.22 m/s when the impulses
	// of its creation are spent.
	w.Reset(presetLevel("classic", 1), rng.Key{})
	if geom.Abs(w.at.Y-5.728) > 0.005 || geom.Abs(w.v.Y+0.22) > 0.03 {
		t.Errorf("the hull starts at %v with velocity %v", w.at, w.v)
	}
}

// shift moves all bodies sideways and gives them a velocity.
func shift(w *world, dx, vx float32) {
	for _, body := range []int{w.hull, w.parts[0][0], w.parts[0][1], w.parts[1][0], w.parts[1][1]} {
		at, angle := w.w.Pose(body)
		w.w.SetPose(body, at.Add(geom.Vec{X: dx}), angle)
		w.w.SetVelocity(body, geom.Vec{X: vx}, 0)
	}
	w.see()
}

func TestEnds(t *testing.T) {
	w, b := newWorldAndBatch(t)
	for _, c := range []struct {
		name   string
		fact   int
		at, vx float32
		check  func(w *world) bool
	}{
		{"lost", factLost, 0.1, -3, func(w *world) bool { return w.at.X < 0 }},
		{"finished", factFinished, finish - 0.1, 3, func(w *world) bool { return w.at.X > finish }},
	} {
		l := presetLevel("classic", 1)
		l.Params[roughness] = 0
		w.Reset(l, rng.Key{})
		shift(w, c.at-w.at.X, c.vx)
		clear(b.Act)
		for step := 0; ; step++ {
			w.Step(b)
			if (b.End[0] == env.Terminated) != c.check(w) {
				t.Fatalf("%s: end %v at x = %v", c.name, b.End[0], w.at.X)
			}
			if b.End[0] != env.Running {
				break
			}
			if step == 100 {
				t.Fatalf("%s: still running at x = %v", c.name, w.at.X)
			}
		}
		if b.Facts[c.fact] != 1 || b.Facts[factFell] != 0 {
			t.Errorf("%s: facts %v", c.name, b.Facts)
		}
		if gained := b.Facts[factProgress] != 0; gained != (c.fact == factFinished) {
			t.Errorf("%s: progress %v in the last step", c.name, b.Facts[factProgress])
		}
	}
	w.Reset(presetLevel("classic", 1), rng.Key{})
	w.w.SetVelocity(w.hull, geom.Vec{}, -8)
	b.End[0] = env.Running
	for step := 0; b.End[0] == env.Running; step++ {
		w.Step(b)
		if step == 200 {
			t.Fatal("a walker thrown onto its head does not fall")
		}
	}
	if b.Facts[factFell] != 1 || b.Facts[factProgress] != 0 || b.Facts[factHeight] > 1.5 {
		t.Errorf("facts after a fall %v", b.Facts)
	}
}

// TestRays compares the rays with the nearest of all crossings with the trail's segments.
func TestRays(t *testing.T) {
	w, b := newWorldAndBatch(t)
	seen := 0
	for seed := range uint64(30) {
		l := presetLevel("hardcore", seed)
		l.Params[runUp] = 2 + float32(seed%4)
		w.Reset(l, rng.Key{})
		for step := range 20 {
			for i, got := range w.rays {
				angle := 1.5 * float64(i) / 10
				dx, dy := 160./30*math.Sin(angle), -160./30*math.Cos(angle)
				want := 1.
				for k := 1; k < len(w.ground); k++ {
					p, q := w.ground[k-1], w.ground[k]
					ex, ey := float64(q.X-p.X), float64(q.Y-p.Y)
					px, py := float64(p.X-w.at.X), float64(p.Y-w.at.Y)
					det := dx*ey - dy*ex
					f, along := (px*ey-py*ex)/det, (px*dy-py*dx)/det
					if det != 0 && f >= 0 && f < want && along >= 0 && along <= 1 {
						want = f
					}
				}
				if want < 1 {
					seen++
				}
				if math.Abs(float64(got)-want) > 1e-3 {
					t.Fatalf("seed %d, step %d: ray %d is free to %v, want %v", seed, step, i, got, want)
				}
			}
			envtest.RandomActions(spec(t), b, rng.New(seed), step)
			w.Step(b)
			if b.End[0] != env.Running {
				break
			}
		}
	}
	if seen < 1000 {
		t.Errorf("only %d rays met the ground", seen)
	}
}

func TestDifficulty(t *testing.T) {
	c := New()
	for param, sign := range map[int]float32{
		roughness: 1, stumpHeight: 1, pitWidth: 1, stairHeight: 1, runUp: -1, friction: -1, gravity: 1, torque: -1, kick: 1, legLength: 0,
	} {
		l := presetLevel("classic", 1)
		l.Params[param] = params[param].Lo
		lo := c.Difficulty(l)
		l.Params[param] = params[param].Hi
		if d := sign * (c.Difficulty(l) - lo); d < 0 || d == 0 && sign != 0 {
			t.Errorf("%s changes the difficulty by %v", params[param].Name, sign*d)
		}
	}
	if easy, hard := c.Difficulty(presetLevel("classic", 1)), c.Difficulty(presetLevel("hardcore", 1)); easy >= hard {
		t.Errorf("classic has difficulty %v, hardcore %v", easy, hard)
	}
}

func TestBadState(t *testing.T) {
	w, _ := newWorldAndBatch(t)
	w.Reset(presetLevel("classic", 1), rng.Key{})
	state := w.AppendState(nil)
	copy(state, "\xff\xff\xff\xff") // a NaN for the first parameter
	if err := w.SetState(state); err == nil || !strings.Contains(err.Error(), "roughness") {
		t.Errorf("a state with a broken parameter gives %v", err)
	}
}

func TestBadOptions(t *testing.T) {
	if _, err := (&Config{}).Spec(); err == nil {
		t.Error("max_steps 0 is accepted")
	}
}

func BenchmarkRandom(b *testing.B) {
	for _, preset := range []string{"classic", "hardcore"} {
		b.Run(preset, func(b *testing.B) {
			const worlds = 256
			c := New()
			src, err := (&env.LevelSet{Preset: preset}).Compile(spec(b))
			must(b, err)
			v, err := env.NewVec(c, env.VecOptions{Worlds: worlds, Workers: 1, Levels: src})
			must(b, err)
			defer v.Close()
			batch := env.NewBatch(v.Spec(), worlds)
			v.Reset(1)
			r := rng.New(1).Stream(1, 0, 0)
			b.ReportAllocs()
			for n := 0; n < b.N; n += worlds {
				must(b, v.Observe(batch))
				for i := range batch.Act {
					batch.Act[i] = r.Range(-1, 1)
				}
				must(b, v.Step(batch))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
