package lander

import (
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func TestConformance(t *testing.T) {
	t.Run("Discrete", func(t *testing.T) { envtest.Run(t, func() env.Config { return New() }) })
	t.Run("Continuous", func(t *testing.T) {
		envtest.Run(t, func() env.Config { return &Config{Continuous: true, MaxSteps: 300} })
	})
}

func newBatch(t testing.TB, c *Config) *env.Batch {
	t.Helper()
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return env.NewBatch(s, 1)
}

func classicLevel(seed uint64) *env.Level {
	l := &env.Level{Params: make([]float32, paramCount), Seed: seed}
	for _, p := range presets() {
		if p.Name == "classic" {
			for i := range params {
				l.Params[i] = p.Params[params[i].Name][0]
			}
		}
	}
	return l
}

func newVec(t testing.TB, c *Config, levels env.LevelSet, worlds, workers int) env.Vec {
	t.Helper()
	spec, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	src, err := levels.Compile(spec)
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: worlds, Workers: workers, Levels: src})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// classicReward is the reward of Gymnasium's LunarLander-v3 in float64, written after its
// documentation and from nothing but what the agent sees and does.
func classicReward(obs, next, act []float32, end env.End, landed bool) float64 {
	switch {
	case end == env.Terminated && landed:
		return 100
	case end == env.Terminated:
		return -100
	}
	shaping := func(o []float32) float64 {
		s := func(i int) float64 { return float64(o[i]) }
		return -100*math.Hypot(s(0), s(1)) - 100*math.Hypot(s(2), s(3)) - 100*math.Abs(s(4)) + 10*s(6) + 10*s(7)
	}
	main, side := 0., 0.
	if len(act) == 1 {
		main, side = []float64{0, 0, 1, 0}[int(act[0])], []float64{0, 1, 0, 1}[int(act[0])]
	} else {
		if act[0] > 0 {
			main = (float64(act[0]) + 1) / 2
		}
		if a := math.Abs(float64(act[1])); a > 0.5 {
			side = a
		}
	}
	return shaping(next) - shaping(obs) - 0.30*main - 0.03*side
}

func TestReward(t *testing.T) {
	for name, c := range map[string]*Config{"discrete": New(), "continuous": {Continuous: true, MaxSteps: 200}} {
		const worlds = 32
		v := newVec(t, c, env.LevelSet{}, worlds, 0)
		spec := v.Spec()
		b := env.NewBatch(spec, worlds)
		v.Reset(3)
		ends := [3]int{}
		for step := range 600 {
			must(t, v.Observe(b))
			envtest.RandomActions(spec, b, rng.New(1), step)
			must(t, v.Step(b))
			for i := range worlds {
				row := b.Rows(i, i+1)
				want := classicReward(row.Obs, row.Next, row.Act, row.End[0], row.Facts[factLanded] == 1)
				if math.Abs(float64(row.Reward[0])-want) > 2e-3 {
					t.Fatalf("%s, step %d: reward %v, want %v", name, step, row.Reward[0], want)
				}
				ends[row.End[0]]++
			}
		}
		if ends[env.Terminated] < 50 {
			t.Errorf("%s: only %d episodes were terminated", name, ends[env.Terminated])
		}
		if c.Continuous && ends[env.Truncated] == 0 {
			t.Errorf("%s: no episode was truncated", name)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// momentum returns the linear momentum of all bodies.
func momentum(w *world) (x, y float64) {
	for _, body := range []int{w.hull, w.legs[0], w.legs[1]} {
		m, _ := w.w.Mass(body)
		v, _ := w.w.Velocity(body)
		x += float64(m * v.X)
		y += float64(m * v.Y)
	}
	return x, y
}

// TestEngines compares the momentum that each engine gives with the classic game's formulas.
func TestEngines(t *testing.T) {
	for name, acts := range map[string][][]float32{
		"discrete":   {{1}, {2}, {3}},
		"continuous": {{1, 0}, {0.2, 0}, {-1, -0.7}, {0, 0.51}, {0.5, 1}, {-0.1, 0.4}},
	} {
		c := &Config{Continuous: name == "continuous", MaxSteps: 1000}
		b := newBatch(t, c)
		idle, fired := c.New().(*world), c.New().(*world)
		for seed := range uint64(20) {
			for _, act := range acts {
				l := classicLevel(seed)
				l.Params[startAngle] = float32(seed)/20 - 0.5
				idle.Reset(l, rng.New(seed))
				must(t, fired.SetState(idle.AppendState(nil)))

				// The formulas of the classic game, as text: tip, side, dispersion.
				r := rng.New(seed).Stream(thrustPurpose, 0, 0)
				d0, d1 := float64(r.Range(-1./30, 1./30)), float64(r.Range(-1./30, 1./30))
				sin, cos := math.Sincos(float64(look(idle).angle))
				tip, side := [2]float64{sin, cos}, [2]float64{-cos, sin}
				var want [2]float64
				main, dir, power := 0., 0., 0.
				switch {
				case len(act) == 1:
					main, dir, power = []float64{0, 0, 1, 0}[int(act[0])], float64(act[0])-2, []float64{0, 1, 0, 1}[int(act[0])]
				default:
					if act[0] > 0 {
						main = 0.5 + float64(act[0])/2
					}
					if a := math.Abs(float64(act[1])); a > 0.5 {
						dir, power = math.Copysign(1, float64(act[1])), a
					}
				}
				ox := tip[0]*(4./30+2*d0) + side[0]*d1
				oy := -tip[1]*(4./30+2*d0) - side[1]*d1
				want[0] -= ox * 13 * main
				want[1] -= oy * 13 * main
				ox = tip[0]*d0 + side[0]*(3*d1+dir*12/30)
				oy = -tip[1]*d0 - side[1]*(3*d1+dir*12/30)
				want[0] -= ox * 0.6 * power
				want[1] -= oy * 0.6 * power

				idle.continuous = false
				b.Act[0] = 0
				idle.Step(b)
				idle.continuous = c.Continuous
				copy(b.Act, act)
				fired.Step(b)
				ix, iy := momentum(idle)
				fx, fy := momentum(fired)
				if math.Hypot(fx-ix-want[0], fy-iy-want[1]) > 2e-4 {
					t.Fatalf("action %v at angle %.3f: momentum %.5f, %.5f, want %.5f", act, look(idle).angle, fx-ix, fy-iy, want)
				}
			}
		}
	}
}

// TestTurning checks which way the engines turn the craft, and that they turn it as much as
// their lever says.
func TestTurning(t *testing.T) {
	c := New()
	b := newBatch(t, c)
	w := c.New().(*world)
	for act, sign := range map[float32]float32{1: 1, 3: -1} {
		l := classicLevel(1)
		l.Params[kick] = 0
		w.Reset(l, rng.New(1))
		for range 10 {
			b.Act[0] = act
			w.Step(b)
		}
		// The hull and legs have about 1 kg m^2 together; each impulse of 0.24 N s acts 0.37 m
		// above their centre of mass.
		want := sign * 10 * 0.24 * 0.37
		if geom.Abs(look(w).spin-want) > 0.4*geom.Abs(want) {
			t.Errorf("engine %v: spin %v after 10 steps, want about %v", act, look(w).spin, want)
		}
	}
}

// still puts the craft on the pad, upright and without velocity.
func still(w *world, height float32) {
	w.w.SetPose(w.hull, geom.Vec{X: width/2 + w.Params[padX], Y: w.moon().PadY() + height}, 0)
	w.w.SetVelocity(w.hull, geom.Vec{}, 0)
	for i, leg := range w.legs {
		w.poseLeg(i, legIn)
		w.w.SetVelocity(leg, geom.Vec{}, 0)
	}
	w.see()
	w.Shaping = w.potential()
}

func TestRest(t *testing.T) {
	c := New()
	b := newBatch(t, c)
	w := c.New().(*world)
	w.Reset(classicLevel(4), rng.New(4))
	still(w, 0.65)
	for step := 1; ; step++ {
		b.Act[0] = 0
		w.Step(b)
		if b.End[0] == env.Terminated {
			if b.Facts[factLanded] != 1 || b.Facts[factCrashed] != 0 || b.Facts[factOnPad] != 1 || b.Facts[factShaping] != 0 {
				t.Errorf("facts at the end %v", b.Facts)
			}
			if step < 25 {
				t.Errorf("rest after %d steps, want at least half a second", step)
			}
			break
		}
		if step == 300 {
			t.Fatalf("not at rest after %d steps: %+v", step, look(w))
		}
	}
	for i, joint := range w.joints {
		// The ground bends the legs until they are at the limit of their motors.
		if a := w.w.JointPosition(joint) * side(i); a < legIn-0.06 || a > legIn+0.1 {
			t.Errorf("leg %d rests at %v", i, a)
		}
	}
}

// TestSizes lands crafts of other sizes: they stand on their legs, and weigh what they should.
func TestSizes(t *testing.T) {
	c := New()
	b := newBatch(t, c)
	w := c.New().(*world)
	for _, size := range []float32{params[hullSize].Lo, 1, params[hullSize].Hi} {
		for _, length := range []float32{params[legLength].Lo, 1, params[legLength].Hi} {
			l := classicLevel(2)
			l.Params[hullSize], l.Params[legLength] = size, length
			w.Reset(l, rng.New(2))
			// 867 of the classic hull's pixels, 30 to a metre, have 5 kg/m^2; 64 of a leg's 1 kg/m^2.
			hull, _ := w.w.Mass(w.hull)
			leg, _ := w.w.Mass(w.legs[0])
			if geom.Abs(hull-size*size*867*5/900) > 1e-3 || geom.Abs(leg-size*size*length*64./900) > 1e-4 {
				t.Errorf("size %v, legs %v: masses %v and %v", size, length, hull, leg)
			}
			still(w, size*(0.07+length*0.5)+0.1) // the feet are a little above the ground
			b.End[0] = env.Running
			for step := 0; b.End[0] == env.Running && step < 300; step++ {
				b.Act[0] = 0
				w.Step(b)
			}
			if b.End[0] != env.Terminated || b.Facts[factLanded] != 1 {
				t.Errorf("size %v, legs %v: does not come to rest: facts %v", size, length, b.Facts)
			}
		}
	}
}

func TestCrash(t *testing.T) {
	c := New()
	b := newBatch(t, c)
	w := c.New().(*world)
	for seed := range uint64(20) {
		l := classicLevel(seed)
		l.Params[kick] = 0
		w.Reset(l, rng.New(seed))
		b.End[0] = env.Running
		for step := 0; b.End[0] == env.Running; step++ {
			b.Act[0] = 0
			w.Step(b)
			if step > 200 {
				t.Fatal("free fall has no end")
			}
		}
		if b.Facts[factCrashed] != 1 || b.Facts[factShaping] != 0 || b.Facts[factMain] != 0 {
			t.Errorf("seed %d: facts at the end of free fall %v", seed, b.Facts)
		}
	}
}

func TestLost(t *testing.T) {
	c := New()
	b := newBatch(t, c)
	w := c.New().(*world)
	for _, vx := range []float32{-30, 30} {
		l := classicLevel(1)
		l.Params[padX] = 3 // the view does not move with the pad
		w.Reset(l, rng.New(1))
		for _, body := range []int{w.hull, w.legs[0], w.legs[1]} {
			w.w.SetVelocity(body, geom.Vec{X: vx}, 0)
		}
		b.End[0] = env.Running
		last := float32(0)
		for b.End[0] == env.Running {
			last = look(w).at.X
			b.Act[0] = 2
			w.Step(b)
		}
		if b.Facts[factLost] != 1 || geom.Abs(last-width/2) >= width/2 || geom.Abs(look(w).at.X-width/2) < width/2 {
			t.Errorf("at %v m/s: ended at x = %v after %v, facts %v", vx, look(w).at.X, last, b.Facts)
		}
	}
}

// TestStart compares the start with the classic game's: place, and the effect of the kick.
func TestStart(t *testing.T) {
	w := New().New().(*world)
	var vx, vy, spin, n float64
	for seed := range uint64(2000) {
		w.Reset(classicLevel(seed), rng.New(seed))
		if geom.Abs(look(w).at.X-width/2) > 0.1 || geom.Abs(look(w).at.Y-high) > 0.12 {
			t.Fatalf("seed %d: starts at %v", seed, look(w).at)
		}
		n++
		vx += float64(look(w).v.X * look(w).v.X)
		vy += float64((look(w).v.Y + 0.2) * (look(w).v.Y + 0.2))
		spin += float64(look(w).spin * look(w).v.X)
	}
	// 1000 N for 0.02 s on 4.959 kg: uniform in +-4.03 m/s, with a variance of a third of that squared.
	for name, v := range map[string]float64{"vx": vx / n, "vy": vy / n} {
		if math.Abs(v-4.03*4.03/3) > 0.35 {
			t.Errorf("mean square of %s is %.3f, want about %.3f", name, v, 4.03*4.03/3)
		}
	}
	// The hull's centre of mass is above that of the craft. In Gymnasium 1.4 the spin is
	// -0.1133 rad/m of the horizontal velocity.
	if r := spin / vx; math.Abs(r+0.1133) > 0.02 {
		t.Errorf("spin is %.4f of vx, want about -0.1133", r)
	}
}

func TestWindStopsOnContact(t *testing.T) {
	c := New()
	b := newBatch(t, c)
	w := c.New().(*world)
	l := classicLevel(4)
	l.Params[wind], l.Params[turbulence] = 15, 1.5
	w.Reset(l, rng.New(4))
	before := w.Wind
	w.Step(b)
	if w.Wind != before+1 {
		t.Error("no wind in flight")
	}
	still(w, 0.65)
	for w.row[obsRight]+w.row[obsLeft] == 0 {
		b.Act[0] = 0
		w.Step(b)
	}
	before = w.Wind
	w.Step(b)
	if w.Wind != before {
		t.Error("wind while a leg touches the ground")
	}
}

func TestGust(t *testing.T) {
	for i := int32(-9999); i < 11000; i += 7 {
		x := float64(i)
		want := math.Tanh(math.Sin(0.02*x) + math.Sin(math.Pi*0.01*x))
		if d := math.Abs(float64(gust(i)) - want); d > 1e-4 {
			t.Fatalf("gust(%d) is off by %g", i, d)
		}
	}
}

// TestDifficulty checks that difficulty grows with every parameter that it grades.
func TestDifficulty(t *testing.T) {
	c := New()
	for param, sign := range map[int]float32{
		roughness: 1, padWidth: -1, kick: 1, wind: 1, turbulence: 1, gravity: 1, mainEngine: -1, legLength: -1, hullSize: 0, sideEngine: 0, startHeight: 0,
	} {
		l := classicLevel(1)
		l.Params[param] = params[param].Lo
		lo := c.Difficulty(l)
		l.Params[param] = params[param].Hi
		if d := sign * (c.Difficulty(l) - lo); d < 0 || d == 0 && sign != 0 {
			t.Errorf("%s changes the difficulty by %v", params[param].Name, sign*d)
		}
	}
	for _, ends := range []func(env.Param) float32{func(p env.Param) float32 { return p.Lo }, func(p env.Param) float32 { return p.Hi }} {
		l := &env.Level{Params: make([]float32, paramCount)}
		for i, p := range params {
			l.Params[i] = ends(p)
		}
		if d := c.Difficulty(l); !(d >= 0 && d <= 1) {
			t.Errorf("difficulty %v", d)
		}
	}
}

func TestBadState(t *testing.T) {
	w := New().New().(*world)
	w.Reset(classicLevel(1), rng.New(1))
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
	for _, preset := range []string{"classic", ""} {
		name := preset
		if name == "" {
			name = "defaults"
		}
		b.Run(name, func(b *testing.B) {
			const worlds = 512
			v := newVec(b, New(), env.LevelSet{Preset: preset}, worlds, 1)
			batch := env.NewBatch(v.Spec(), worlds)
			v.Reset(1)
			r := rng.New(1).Stream(1, 0, 0)
			b.ReportAllocs()
			for n := 0; n < b.N; n += worlds {
				must(b, v.Observe(batch))
				for i := range batch.Act {
					batch.Act[i] = float32(r.Uint32() >> 30)
				}
				must(b, v.Step(batch))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}

// Gusts are the same whether they are known or not, and beyond what is known they are computed.
func TestGusts(t *testing.T) {
	w := newWorld(false)
	w.Params[wind], w.Params[turbulence] = 1, 1
	for _, phase := range []int32{firstPhase, -1, 0, 17, lastPhase, lastPhase + 1000, lastPhase + 1001, 1 << 20, firstPhase - 1} {
		w.Wind, w.Turn = phase, 3
		known := w.recall()
		if want := phase >= firstPhase && phase <= lastPhase+1000; known != want {
			t.Errorf("phase %d: known is %v", phase, known)
		}
		if known && gusts()[phase-firstPhase] != gust(phase) {
			t.Errorf("phase %d: %v is known, %v right", phase, gusts()[phase-firstPhase], gust(phase))
		}
	}
}

// looks is how the hull moves.
type looks struct {
	at, v       geom.Vec
	angle, spin float32
}

func look(w *world) (l looks) {
	l.at, l.angle = w.w.Pose(w.hull)
	l.v, l.spin = w.w.Velocity(w.hull)
	return l
}
