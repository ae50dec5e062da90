package rmlab

import (
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func newLab(t *testing.T, wild float64) *Lab {
	t.Helper()
	lab, err := New(Config{Seed: 1, Levels: 20, PerLevel: 40, Wild: wild})
	if err != nil {
		t.Fatal(err)
	}
	return lab
}

// A disc pushed by a constant force follows the closed form of v' = thrust f - drag v, stepped by
// semi-implicit Euler: v_n = thrust f (1 - keep^n) / drag.
func TestDynamics(t *testing.T) {
	r := rng.New(1).Stream(1, 0, 0)
	l := Level{}
	l.Start.X = -0.9
	l.Danger.Y = 5
	tr := Play(l, Pilot{Push: l.Start, Most: 0.1}, 7, &r) // force -0.1 to the left: soon at the wall
	tr2 := Play(Level{Danger: l.Danger}, Pilot{Damping: 0, Push: l.Start, Most: 0.05}, 7, &r)
	for n := range 20 {
		want := -0.05 * thrust * (1 - math.Pow(1-dt*drag, float64(n))) / drag
		if got := float64(tr2.Obs[n*8+2]); math.Abs(got-want) > 1e-5 {
			t.Fatalf("step %d: speed %v, want %v", n, got, want)
		}
	}
	last := (Steps - 1) * Parts
	if tr.Facts[last+Contact] != 1 || tr.Obs[Steps*8] != -1 || tr.Obs[Steps*8+2] != 0 {
		t.Errorf("pushed against the wall: contact %v, x %v, speed %v", tr.Facts[last+Contact], tr.Obs[Steps*8], tr.Obs[Steps*8+2])
	}
	if math.Abs(float64(tr.Facts[last+Energy])-0.005) > 1e-7 {
		t.Errorf("energy %v of a force of 0.1, want 0.005", tr.Facts[last+Energy])
	}
}

func TestSame(t *testing.T) {
	a, b := newLab(t, 0.15), newLab(t, 0.15)
	for i := range a.Levels {
		for j := range a.Levels[i] {
			if a.Levels[i][j] != b.Levels[i][j] {
				t.Fatalf("level %d, trajectory %d differs", i, j)
			}
		}
	}
	if n := a.Store.Len(); n != 800 {
		t.Errorf("%d different trajectories, want 800", n)
	}
}

// The rationality found gives the share of right answers that was asked for.
func TestTeach(t *testing.T) {
	lab := newLab(t, 0)
	qs := lab.Pairs(4000, rng.New(2))
	for _, q := range qs {
		a, _ := lab.Store.View(q.A)
		b, _ := lab.Store.View(q.B)
		if q.A == q.B || a.Level != b.Level {
			t.Fatalf("question about %v and %v", q.A, q.B)
		}
	}
	clean, err := lab.Teach(qs, Standard.Score, Teaching{})
	if err != nil {
		t.Fatal(err)
	}
	for flips, want := range map[float64]float64{0: 0.9, 0.25: 0.9*0.75 + 0.1*0.25} {
		rs, err := lab.Teach(qs, Standard.Score, Teaching{Right: 0.9, Flips: flips, Key: rng.New(3)})
		if err != nil {
			t.Fatal(err)
		}
		same := 0.0
		for i := range rs {
			if rs[i].Label == clean[i].Label {
				same++
			}
		}
		if got := same / float64(len(rs)); math.Abs(got-want) > 0.02 { // 3 deviations
			t.Errorf("%v flipped: %.3f right, want %.3f", flips, got, want)
		}
	}
}

// A model learns the gold from pairs far better than chance, and better from more of them.
func TestTrain(t *testing.T) {
	lab := newLab(t, 0)
	held := lab.Pairs(1000, rng.New(9))
	last := 0.6
	for _, n := range []int{50, 800} {
		rs, err := lab.Teach(lab.Pairs(n, rng.New(2)), Standard.Score, Teaching{Right: 0.9})
		if err != nil {
			t.Fatal(err)
		}
		m, err := lab.Train(Shape(), rs, Fitting())
		if err != nil {
			t.Fatal(err)
		}
		acc, err := lab.Accuracy(m, held, Standard.Score)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d pairs: accuracy %.3f", n, acc)
		if acc <= last {
			t.Errorf("%d pairs: accuracy %.3f, want above %.3f", n, acc, last)
		}
		last = acc
	}
	if acc, _ := lab.Accuracy(model.ScorerOf(Standard.Score), held, Standard.Score); acc != 1 {
		t.Errorf("the gold agrees with itself in %v of the pairs", acc)
	}
}

// Wild pilots go where tame ones do not.
func TestWild(t *testing.T) {
	lab := newLab(t, 0.15)
	most := [2]float32{}
	for _, segs := range lab.Levels {
		for j, seg := range segs {
			v, _ := lab.Store.View(seg)
			k := 0
			if j < 6 { // 15 % of 40
				k = 1
			}
			for _, a := range v.Act {
				most[k] = max(most[k], a)
			}
		}
	}
	if most[0] != 1 || most[1] != 3 {
		t.Errorf("largest force of tame pilots %v, of wild ones %v, want 1 and 3", most[0], most[1])
	}
}

func TestBad(t *testing.T) {
	if _, err := New(Config{Levels: 1, PerLevel: 1}); err == nil {
		t.Error("a level with one trajectory is accepted")
	}
	lab := newLab(t, 0)
	if _, err := lab.Teach([]label.Query{{A: feedback.Segment{Traj: 1, To: 2}}}, Standard.Score, Teaching{}); err == nil {
		t.Error("a question about a trajectory that is not there is answered")
	}
}

// The world of agents does to the same forces what trajectories tell, and its reward is the gold.
func TestArena(t *testing.T) {
	vec, err := env.NewVec(Arena{}, env.VecOptions{Worlds: 1, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer vec.Close()
	b := env.NewBatch(vec.Spec(), 1)
	vec.Reset(5)
	if err := vec.Observe(b); err != nil {
		t.Fatal(err)
	}
	r := rng.New(8).Stream(1, 0, 0)
	pilot := WildPilot(&r)
	tr := Play(NewLevel(rng.New(vec.(env.LevelSetter).Level(0).Seed), 0), pilot, 0, &r)
	store := feedback.NewStore(shape)
	id, err := store.Add(&tr)
	if err != nil {
		t.Fatal(err)
	}
	v, err := store.View(feedback.Segment{Traj: id, To: Steps})
	if err != nil {
		t.Fatal(err)
	}
	gold := make([]float32, Steps)
	Standard.Score(gold, v)
	for step := range Steps {
		if !slices.Equal(b.Obs, tr.Obs[step*8:step*8+8]) {
			t.Fatalf("step %d: observation %v, the trajectory has %v", step, b.Obs, tr.Obs[step*8:step*8+8])
		}
		copy(b.Act, tr.Act[2*step:])
		if err := vec.Step(b); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(b.Facts, tr.Facts[step*Parts:(step+1)*Parts]) || math.Abs(float64(b.Reward[0]-gold[step])) > 1e-5 {
			t.Fatalf("step %d: facts %v, reward %v; the trajectory has %v, %v", step, b.Facts, b.Reward[0], tr.Facts[step*Parts:(step+1)*Parts], gold[step])
		}
		if end := b.End[0]; (end == env.Truncated) != (step == Steps-1) {
			t.Fatalf("step %d: %v", step, end)
		}
		if err := vec.Observe(b); err != nil {
			t.Fatal(err)
		}
	}
	if feedback.ShapeOf(vec.Spec()) != shape {
		t.Errorf("rows of %+v, trajectories have %+v", feedback.ShapeOf(vec.Spec()), shape)
	}
}
