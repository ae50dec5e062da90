package shaping

import (
	"math"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

func TestConformance(t *testing.T) {
	rewardtest.Run(t, &Linear{Weights: map[string]float32{"offset": -1, "velocity": 0.3}, Abs: true, Gamma: 0.9}, envtest.NewFast())
}

// The discounted shaping rewards of an episode telescope: they sum to gamma^T Phi(s_T) - Phi(s_0)
// if it was truncated, and to -Phi(s_0) if it terminated, whatever happened on the way.
func TestTelescopes(t *testing.T) {
	const gamma = 0.9
	phi := PotentialOf(func(dst, obs []float32) {
		for i := range dst {
			dst[i] = obs[2*i]*obs[2*i] + 3*obs[2*i+1]
		}
	})
	for _, end := range []env.End{env.Terminated, env.Truncated} {
		f := New(phi, gamma)
		v, err := env.NewVec(envtest.NewFast(), env.VecOptions{Worlds: 1})
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		b, got, discount := env.NewBatch(v.Spec(), 1), 0.0, 1.0
		var first, last [1]float32
		v.Reset(1)
		for step := range 40 {
			if err := v.Observe(b); err != nil {
				t.Fatal(err)
			}
			if step == 0 {
				phi.Value(first[:], b.Obs)
			}
			envtest.RandomActions(v.Spec(), b, rng.New(2), step)
			if err := v.Step(b); err != nil {
				t.Fatal(err)
			}
			if b.End[0] == env.Truncated {
				b.End[0] = end
			}
			var r [1]float32
			f.Score(r[:], b)
			got += discount * float64(r[0])
			discount *= gamma
		}
		phi.Value(last[:], b.Next)
		want := -float64(first[0])
		if end == env.Truncated {
			want += discount * float64(last[0])
		}
		if math.Abs(got-want) > 1e-4 {
			t.Errorf("%v: discounted sum %v, want %v", end, got, want)
		}
	}
}

// On random finite MDPs, exact value iteration with and without shaping finds the same best
// actions and values that differ by the potential: V'(s) = V(s) - Phi(s), corollary 2.
func TestPolicyInvariance(t *testing.T) {
	const states, acts, gamma = 6, 3, 0.9
	for seed := range uint64(20) {
		r := rng.New(seed).Stream(0, 0, 0)
		var p [states][acts][states]float64
		var reward [states][acts]float64
		var phi [states]float32
		for s := range states {
			phi[s] = r.Range(-5, 5)
			for a := range acts {
				reward[s][a] = r.Float64()
				sum := 0.0
				for n := range states {
					p[s][a][n] = r.Float64()
					sum += p[s][a][n]
				}
				for n := range states {
					p[s][a][n] /= sum
				}
			}
		}
		// One observation column, the state's number; state 0 ends the episode.
		f := New(PotentialOf(func(dst, obs []float32) {
			for i := range dst {
				dst[i] = phi[int(obs[i])]
			}
		}), gamma)
		shape := func(s, n int) float64 {
			b := &env.Batch{N: 1, Obs: []float32{float32(s)}, Next: []float32{float32(n)}, End: []env.End{env.Running}}
			if n == 0 {
				b.End[0] = env.Terminated
			}
			var dst [1]float32
			f.Score(dst[:], b)
			return float64(dst[0])
		}
		solve := func(shaped bool) (v [states]float64, best [states]int) {
			for range 400 {
				var next [states]float64
				for s := 1; s < states; s++ {
					next[s] = math.Inf(-1)
					for a := range acts {
						q := reward[s][a]
						for n := range states {
							q += p[s][a][n] * gamma * v[n]
							if shaped {
								q += p[s][a][n] * shape(s, n)
							}
						}
						if q > next[s] {
							next[s], best[s] = q, a
						}
					}
				}
				v = next
			}
			return v, best
		}
		v, best := solve(false)
		vs, bests := solve(true)
		if best != bests {
			t.Errorf("seed %d: best actions %v, with shaping %v", seed, best, bests)
		}
		for s := 1; s < states; s++ {
			if d := vs[s] - (v[s] - float64(phi[s])); math.Abs(d) > 1e-4 {
				t.Errorf("seed %d: value of state %d off by %v", seed, s, d)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	s, _ := envtest.NewFast().Spec()
	for want, c := range map[string]*Linear{
		"gamma is 1.5":            {Weights: map[string]float32{"offset": 1}, Gamma: 1.5},
		"weights is empty":        {Gamma: 0.9},
		`did you mean "velocity"`: {Weights: map[string]float32{"velocty": 1}, Gamma: 0.9},
		"weight of offset is NaN": {Weights: map[string]float32{"offset": float32(math.NaN())}, Gamma: 0.9},
	} {
		if _, err := c.Build(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build = %v, want an error about %q", err, want)
		}
	}
}
