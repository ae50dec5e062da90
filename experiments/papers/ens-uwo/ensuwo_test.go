package ensuwo

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
	"github.com/terrarium-rl/terrarium/rewards/combine"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/model"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "ens-uwo")
	if d := r.Mean("drop", "single"); d < 1 {
		t.Errorf("a single model loses only %.2f from its peak: there is nothing to mitigate", d)
	}
	if a, b := r.Mean("gold@512", "worst"), r.Mean("gold@512", "single"); a <= b {
		t.Errorf("gold of the best of 512: %.2f by the worst case, %.2f by single models", a, b)
	}
	// With one draw nothing is chosen, so all arms have the mean of the pool.
	for _, arm := range []string{"mean", "worst", "uwo-0.1", "uwo-0.5"} {
		if a, b := r.Mean("gold@1", arm), r.Mean("gold@1", "single"); a-b > 1e-6 || b-a > 1e-6 {
			t.Errorf("gold of a single draw: %s %v, single %v", arm, a, b)
		}
	}
	papertest.Repeats(t, "ens-uwo", papers.Cell{Scale: papers.Smoke, Arm: "apart-0.5", Seed: papers.FirstSeed})
}

// Rewards of steps sum to what the arm makes of the models' returns of the episode, and start anew with
// the next.
func TestTogether(t *testing.T) {
	s := setting{Seed: 1, Pairs: 20, Flips: 0.25}
	j, err := s.judge()
	if err != nil {
		t.Fatal(err)
	}
	vec, err := env.NewVec(rmlab.Arena{}, env.VecOptions{Worlds: 3, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer vec.Close()
	f, err := together{"uwo-0.5", &j}.Build(vec.Spec())
	if err != nil {
		t.Fatal(err)
	}
	store := feedback.NewStore(feedback.ShapeOf(vec.Spec()))
	b, recorder := env.NewBatch(vec.Spec(), 3), feedback.NewRecorder(store, 3, rmlab.Steps)
	var sums []float64
	dst, run := make([]float32, 3), make([]float64, 3)
	vec.Reset(1)
	for step := range 2 * rmlab.Steps {
		if err := vec.Observe(b); err != nil {
			t.Fatal(err)
		}
		for i := range b.Act {
			r := rng.New(7).Stream(1, uint32(step), uint32(i))
			b.Act[i] = r.Range(-3, 3)
		}
		if err := vec.Step(b); err != nil {
			t.Fatal(err)
		}
		if err := recorder.Record(b); err != nil {
			t.Fatal(err)
		}
		f.Score(dst, b)
		for i, x := range dst {
			if run[i] += float64(x); b.End[i] != env.Running {
				sums, run[i] = append(sums, run[i]), 0
			}
		}
	}
	join, err := joined("uwo-0.5")
	if err != nil {
		t.Fatal(err)
	}
	for i, sum := range sums {
		v, err := store.Whole(i)
		if err != nil {
			t.Fatal(err)
		}
		var x [members]float32
		for k, state := range j.Models {
			e, err := model.NewEnsemble(rmlab.Shape(), store.Shape(), rng.Key{})
			if err == nil {
				err = e.UnmarshalBinary(state)
			}
			if err != nil {
				t.Fatal(err)
			}
			var out model.Out
			combine.Normalise(e, j.Scales[k]).Score(&out, v)
			x[k] = out.Return
		}
		if want := float64(join(x)); math.Abs(sum-want) > 1e-3*(1+math.Abs(want)) {
			t.Errorf("episode %d: rewards sum to %v, want %v", i, sum, want)
		}
	}
	if len(sums) != 6 {
		t.Errorf("%d episodes, want 6", len(sums))
	}
}

func TestLearnedSmoke(t *testing.T) {
	r := papertest.Smoke(t, "ens-uwo-learned")
	for _, arm := range []string{"uwo-0.1", "single"} {
		if d := r.Mean("divergence, penalty 0", arm); d < 0.05 {
			t.Errorf("%s: the policy has moved %.3f nats from where it began", arm, d)
		}
	}
}
