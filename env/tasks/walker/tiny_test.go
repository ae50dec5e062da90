package walker

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// A slide is what becomes of walkers that are thrown along a trail.
type slide struct {
	way, fastest float32 // mean way, m; greatest speed, m/s
	same         int     // segments without a length
}

// throw throws walkers along trails that are level but for obstacles of one size, and checks that nothing that
// they feel or see is out of the ordinary.
func throw(t *testing.T, obstacle int, size float32) (s slide) {
	w, b := newWorldAndBatch(t)
	runs := float32(0)
	for seed := range uint64(3) {
		l := presetLevel("classic", seed)
		l.Params[roughness], l.Params[obstacle] = 0, size
		for start := float32(0); start < 80; start += 8 {
			w.Reset(l, rng.Key{})
			shift(w, start, 3)
			from := w.at.X
			for step := range 60 {
				envtest.RandomActions(spec(t), b, rng.New(seed), step)
				w.Step(b)
				for body := range w.w.Model().Bodies() {
					v, spin := w.w.Velocity(body)
					s.fastest = geom.Max(s.fastest, v.Len())
					if !geom.Finite(v.X + v.Y + spin) {
						t.Fatalf("%s %v, seed %d, step %d: velocity %v, spin %v", params[obstacle].Name, size, seed, step, v, spin)
					}
				}
				for i := range w.w.Contacts() {
					if c, touching := w.w.Contact(i); touching && !(c.Normal.Y > -1e-6 && geom.Abs(c.Normal.Len()-1) < 1e-5) {
						t.Fatalf("%s %v, seed %d, step %d: a contact with normal %v", params[obstacle].Name, size, seed, step, c.Normal)
					}
				}
				seesLevel(t, w, obstacle)
			}
			s.way += w.at.X - from
			runs++
		}
		for i := 1; i < len(w.ground); i++ {
			if w.ground[i] == w.ground[i-1] {
				s.same++
			}
		}
	}
	s.way /= runs
	return s
}

// seesLevel compares the rays of w with those over level ground, which they may miss through the gap of a pit.
func seesLevel(t *testing.T, w *world, obstacle int) {
	t.Helper()
	slack := float32(2e-5)
	switch obstacle {
	case pitWidth:
		return
	case stairHeight:
		slack = 0.01 // the grass after stairs swings back to its height by 3 cm, however little it left it
	}
	for i, f := range w.rays {
		sin, cos := geom.Sincos(rayAngle * float32(i))
		want := geom.Min(1, (w.at.Y-gen.TrailBase)/(cos*rayLength))
		if w.at.X+sin*rayLength < gen.TrailLength-1 && !(geom.Abs(f-want) <= slack) {
			t.Fatalf("ray %d from %v sees %v, want %v", i, w.at, f, want)
		}
	}
}

// Sizes of obstacles may be drawn that are next to nothing. Points of the trail are then microns apart, or the
// same, and the normal of the segment between them is NaN: that segment is neither seen nor felt, and its
// neighbours have no corner there. So nothing needs to be cured.
func TestTinyObstacles(t *testing.T) {
	level := throw(t, stumpHeight, 0)
	same := 0
	for _, obstacle := range []int{stumpHeight, pitWidth, stairHeight} {
		for _, size := range []float32{1e-8, 1e-6, 4e-6, 1e-4} {
			s := throw(t, obstacle, size)
			same += s.same
			if geom.Abs(s.way-level.way) > 0.02*level.way || s.fastest > 1.1*level.fastest {
				t.Errorf("%s %v: %+v, on level ground %+v", params[obstacle].Name, size, s, level)
			}
		}
	}
	if same == 0 {
		t.Error("no two points were the same: the test has lost its subject")
	}
}

// The engines agree on such ground too.
func TestTinyObstaclesInLanes(t *testing.T) {
	var levels env.FixedLevels
	for i, size := range []float32{1e-8, 1e-7, 1e-6, 4e-6, 1e-5} {
		l := presetLevel("hardcore", uint64(i))
		l.Params[stumpHeight], l.Params[pitWidth], l.Params[stairHeight] = size, size, size
		levels = append(levels, *l)
	}
	hash := func(engine string) uint64 {
		v, err := env.NewVec(New(), env.VecOptions{Worlds: 20, Levels: levels, Engine: engine})
		must(t, err)
		defer v.Close()
		h, err := envtest.Hash(v, 1, 200)
		must(t, err)
		return h
	}
	want := hash("go")
	for _, e := range env.Engines() {
		if got := hash(e); got != want {
			t.Errorf("engine %s: fingerprint %#x, want %#x", e, got, want)
		}
	}
}
