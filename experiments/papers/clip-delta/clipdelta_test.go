package clipdelta

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "clip-delta")
	if a, b := r.Mean("success@0.1", "raw"), r.Mean("success@0.1", "both"); a > b-0.1 {
		t.Errorf("success with raw rewards of steps %.3f, with refined ones %.3f", a, b)
	}
	papertest.Repeats(t, "clip-delta", papers.Cell{Scale: papers.Smoke, Arm: "both", Seed: papers.FirstSeed})
}

// The judge says what can be computed: with all doors open and no jam, stopping succeeds; with a
// jam it fails; and it has no better word for waiting than for what comes next.
func TestJudge(t *testing.T) {
	j, eta := newJudge(rng.New(1))
	if j[doors][0][stop] != 1 || j[doors][1][stop] != 0 || j[0][0][stop] != 0 {
		t.Errorf("stopping: %v, jammed %v, at once %v", j[doors][0][stop], j[doors][1][stop], j[0][0][stop])
	}
	if w, jam := j[doors][0][wait], j[doors][1][wait]; w < 0.5 || jam > w {
		t.Errorf("waiting: %v, jammed %v", w, jam)
	}
	if eta <= 0 || eta >= 1 {
		t.Errorf("eta %v", eta)
	}
}

// The rewards of steps reach the learner as the paper's formulas have them.
func TestShaped(t *testing.T) {
	j, eta := newJudge(rng.New(1))
	policy := base()
	r := rng.New(2).Stream(purposePlay, 0, 0)
	e := play(&policy, &r)
	q := make([]float64, len(e.acts))
	for i, s := range e.path {
		q[i] = j[s.open][s.jammed][e.acts[i]]
	}
	scorer, err := shaped("both", j, eta)
	if err != nil {
		t.Fatal(err)
	}
	var o model.Out
	scorer.Score(&o, view(&e))
	clipped := func(i int) float64 { return min(q[i]-eta, 0) }
	for i := range q {
		want := 0.0
		switch {
		case i < len(q)-2:
			want = clipped(i) - clipped(i+1)
		case i == len(q)-2:
			want = clipped(i)
		}
		if d := float64(o.Step[i]) - want; d > 1e-6 || d < -1e-6 {
			t.Errorf("step %d of %d: %v, want %v", i, len(q), o.Step[i], want)
		}
	}
}
