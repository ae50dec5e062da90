package combine_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	. "github.com/terrarium-rl/terrarium/rewards/combine"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

// fixed scores the steps of any segment with the given numbers.
func fixed(x ...float32) model.Scorer {
	return model.ScorerOf(func(step []float32, _ feedback.View) { copy(step, x) })
}

// view is of n steps.
func view(n int) feedback.View {
	return feedback.View{Trajectory: feedback.Trajectory{Reward: make([]float32, n)}}
}

func score(s model.Scorer, n int) model.Out {
	var o model.Out
	s.Score(&o, view(n))
	s.Score(&o, view(n)) // into the same memory
	return o
}

func near(a, b float32) bool { return math.Abs(float64(a-b)) < 1e-5 }

func check(t *testing.T, name string, o model.Out, ret, variance float32, step ...float32) {
	t.Helper()
	ok := near(o.Return, ret) && near(o.Var, variance) && len(o.Step) == len(step)
	for i := range step {
		ok = ok && near(o.Step[i], step[i])
	}
	if !ok {
		t.Errorf("%s: %+v, want return %v, variance %v, steps %v", name, o, ret, variance, step)
	}
}

// The expected numbers are worked out by hand from the formulas.
func TestCombinations(t *testing.T) {
	a, b := fixed(1, 2, 3), fixed(3, 2, -1) // returns 6 and 4
	check(t, "mean", score(Mean(a, b), 3), 5, 1, 2, 2, 1)
	check(t, "min", score(Min(a, b), 3), 4, 1, 1, 2, -1)
	check(t, "uwo", score(UWO(0.5, a, b), 3), 4.5, 1, 1.5, 2, -1)
	check(t, "sum", score(Sum([]float32{2, -1}, a, Mean(a, b)), 3), 7, 1, 0, 2, 5)
	check(t, "normalise", score(Normalise(a, Scale{3, 2}), 3), 1.5, 0, 0, 0.5, 1)
	check(t, "clip", score(Clip(b, 2), 3), -3, 0, 0, 0, -3)
	check(t, "delta", score(Delta(b, false), 3), 3, 0, 1, 3, -1)
	check(t, "delta without last", score(Delta(b, true), 3), 3, 0, 1, 2, 0)
	check(t, "delta of one", score(Delta(fixed(7), true), 1), 0, 0, 0)
	check(t, "clip, delta", score(Delta(Clip(a, 2), false), 3), -1, 0, -1, 0, 0)
	ls := func(x float64) float32 { return float32(-math.Log1p(math.Exp(-x))) }
	check(t, "lsc", score(LSC(b, Constant(4.5)), 3), ls(-0.5), 0, ls(-1.5), ls(0.5)-ls(-1.5), ls(-0.5)-ls(0.5))
	check(t, "lsc, far above", score(LSC(fixed(500), Constant(0)), 1), 0, 0, 0)
	check(t, "lsc, far below", score(LSC(fixed(-500), Constant(0)), 1), -500, 0, -500)
}

// What follows step k must sum to q_k: the property that Delta is made for.
func TestDeltaTelescopes(t *testing.T) {
	r := rng.New(1).Stream(1, 0, 0)
	q := make([]float32, 20)
	for i := range q {
		q[i] = r.Norm()
	}
	o, rest := score(Delta(fixed(q...), false), 20), float32(0)
	for k := 19; k >= 0; k-- {
		if rest += o.Step[k]; !near(rest, q[k]) {
			t.Errorf("what follows step %d sums to %v, want %v", k, rest, q[k])
		}
	}
}

func TestCalibrate(t *testing.T) {
	s := feedback.NewStore(feedback.Shape{Obs: 1})
	var segs []feedback.Segment
	for _, x := range []float32{1, 2, 6} {
		id, err := s.Add(&feedback.Trajectory{Obs: []float32{x, 0}, Reward: []float32{x}})
		if err != nil {
			t.Fatal(err)
		}
		segs = append(segs, feedback.Segment{Traj: id, To: 1})
	}
	gold := model.ScorerOf(func(step []float32, v feedback.View) { copy(step, v.Reward) })
	scale, err := Calibrate(gold, s, segs)
	if err != nil || !near(scale.Mean, 3) || !near(scale.Std, float32(math.Sqrt(14./3))) {
		t.Fatalf("%+v, %v", scale, err)
	}
	n := Normalise(gold, scale)
	if again, _ := Calibrate(n, s, segs); !near(again.Mean, 0) || !near(again.Std, 1) {
		t.Errorf("normalised returns have %+v", again)
	}
	if _, err := Calibrate(gold, s, nil); err == nil {
		t.Error("calibrated on nothing")
	}
}

func ExampleMin() {
	hopeful, doubtful := fixed(2, 2), fixed(2, -1)
	var o model.Out
	Min(hopeful, doubtful).Score(&o, view(2))
	fmt.Println(o.Return, o.Step)
	// Output: 1 [2 -1]
}
