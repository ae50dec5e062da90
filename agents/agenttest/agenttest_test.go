package agenttest

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/random"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// echo does what Fast asks for: it repeats the cue.
type echo struct{ spec *env.Spec }

func (e echo) Act(b *env.Batch, _ rng.Key, _ bool) {
	obs := b.Obs
	for at := 0; at < len(b.Act); {
		for _, f := range e.spec.Act {
			for range f.Len {
				b.Act[at] = f.Lo + (obs[0]+1)/2*(f.Hi-f.Lo)
				for c := range f.Choices {
					if obs[c] == 1 {
						b.Act[at] = float32(c)
					}
				}
				obs = obs[max(f.Choices, 1):]
				at++
			}
		}
	}
}

// The documented scores of the right and of the random policy.
func TestFastScores(t *testing.T) {
	chance := map[string]float64{"fast-discrete": 1.0 / 3, "fast-multi": 4.0 / 9, "fast-continuous": 1.0 / 3}
	for _, c := range Fasts() {
		v, err := env.NewVec(c, env.VecOptions{Worlds: 64})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		best, err := Evaluate(v, echo{v.Spec()}, 1, 200)
		if err != nil || math.Abs(best-1) > 1e-6 {
			t.Errorf("%s: the right policy scores %v, %v; want 1", v.Spec().ID, best, err)
		}
		p, err := new(random.Config).Build(agents.Setup{Spec: v.Spec()})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Evaluate(v, p, 1, 200)
		if err != nil || math.Abs(got-chance[v.Spec().ID]) > 0.03 {
			t.Errorf("%s: a random policy scores %v, %v; want %v", v.Spec().ID, got, err, chance[v.Spec().ID])
		}
	}
}

func TestFastEndsEpisodesBothWays(t *testing.T) {
	v, err := env.NewVec(&Fast{Kind: "discrete"}, env.VecOptions{Worlds: 32})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	b := env.NewBatch(v.Spec(), v.Len())
	seen := map[env.End]int{}
	v.Reset(1)
	for i := range 100 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(v.Spec(), b, rng.New(1), i)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		for _, e := range b.End {
			seen[e]++
		}
	}
	// One step in 16 terminates, and (15/16)^20 of the episodes live to be truncated.
	if seen[env.Terminated] < 100 || seen[env.Truncated] < 30 {
		t.Errorf("ends of 3200 steps: %v", seen)
	}
}

func TestFastRefusesUnknownKinds(t *testing.T) {
	if _, err := (&Fast{Kind: "slow"}).Spec(); err == nil {
		t.Error("accepted")
	}
}
