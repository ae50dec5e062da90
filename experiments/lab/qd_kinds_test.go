package lab

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/signature"
)

// qdKinds are changes to the experiment small, each another kind of search.
var qdKinds = map[string][]string{
	"stax": {
		"qd.emitters=[]", "qd.result=null", "qd.archive.options={cells: [12, 10]}", "qd.areas=[{at: [0.3, 0.1], radius: 0.3}, {at: [-0.3], radius: 0.1}]",
		"qd.observe={frames: 3, of: [{of: obs.position, lo: -2, hi: 2}, {of: obs.angle, lo: -0.3, hi: 0.3}]}", "qd.fresh=false",
		"qd.explore={method: stax, population: 20, chunk: 100, sigma: 0.3, patience: 5, schedule: ucb, describe: {by: autoencoder, code: 2, epochs: 5, batch: 16}}",
	},
	"signature": {
		"qd.emitters=[]", "qd.result=null", "qd.archive.options={cells: [12, 10]}", "qd.fresh=false",
		"qd.observe={frames: 10, of: [{of: obs.position, lo: -2, hi: 2}, {of: obs.angle, lo: -0.3, hi: 0.3}]}",
		"qd.explore={method: serene, population: 20, chunk: 100, sigma: 0.3, patience: 5, describe: {by: signature, depth: 3, time: true, log: true}}",
	},
	"pixels": {
		"qd.emitters=[]", "qd.result=null", "qd.archive.options={cells: [12, 10]}", "qd.fresh=false", "qd.observe={pixels: 8}",
		"qd.explore={method: taxons, population: 20, chunk: 100, sigma: 0.3, describe: {by: autoencoder, code: 2, epochs: 3, batch: 16}}",
	},
	"bandit":   {"qd.schedule={name: bandit, slots: 3}"},
	"halving":  {"qd.schedule={name: halving, slots: 2}"},
	"gradient": {"qd.emitters=[{name: cma-mega, count: 2}, {name: omg-mega}]", "qd.gradient={sigma: 0.1, pairs: 8}"},
	"mome": {
		"qd.archive={name: mome, options: {most: 4, cells: [6, 5], reference: [0, -10]}}", "qd.result=null", "qd.goals=[{of: obs.velocity, take: max, less: true}]",
		"qd.emitters=[{name: isoline, options: {first: 1}}]", "qd.reevaluate=0",
	},
	"aurora": {
		"qd.archive={name: aurora, options: {code: 2, target: 60, train: 10, control: 2, gain: 0.001, epochs: 5}}", "qd.observe={pixels: 8}",
		"qd.emitters=[{name: isoline, options: {first: 1}}]",
	},
	"resample": {"qd.resample=2", "qd.result=null", "qd.archive.options={cells: [12, 10], outside: reject}"},
	"parts": {
		"qd.archive_of=[1]", "qd.archive.options.cells=[10]", "qd.result_of=[0]", "qd.result.options.cells=[12]",
		"qd.measures.1={of: obs.position, with: [obs.angle], take: signature, word: [0, 1], log: true, lo: -1, hi: 1}",
	},
	"policy-gradient": {
		"env.name=pendulum-v0", "qd.measures=[{of: obs.cos, take: mean, lo: -1, hi: 1}, {of: obs.angular_velocity, take: max, lo: 0, hi: 8}]", "qd.evaluations=600",
		"qd.emitters=[{name: policy-gradient, options: {hidden: [8], train: 20, steps: 5, batch: 32, capacity: 50000, scale: 0.05}}, {name: isoline, options: {first: 1}}]",
		"qd.offset=-3000", "qd.archive.options.threshold=-3000",
	},
	"limited": {"qd.emitters=[{name: cma-me, options: {covariance: limited}}, {name: random, options: {bounds: [-2, 2]}}]"},
}

// Every kind of search goes on after an interruption to the bytes of one that was never
// interrupted, on another number of workers.
func TestQDKinds(t *testing.T) {
	for name, sets := range qdKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sets := append([]string{"seeds=[3]", "qd.evaluations=1500", "qd.episodes=1", "eval.episodes=0", "checkpoint={steps: 500, seconds: 0}"}, sets...)
			plan := func() *Plan {
				p, err := ParsePlan("small.yaml", []byte(small), sets)
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			dir := t.TempDir()
			whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
			r, err := Train(t.Context(), plan(), whole, Options{Workers: 2})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			rows := 0
			_, err = Train(ctx, plan(), parts, Options{Workers: 1, Notify: func(s Status) {
				if rows++; rows == 2 {
					cancel()
				}
			}})
			if err == nil {
				t.Fatal("the search was over before it could be interrupted")
			}
			if _, err := Resume(t.Context(), parts, Options{Workers: 3}); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{metricsFile, archiveFile} {
				a, errA := os.ReadFile(filepath.Join(SeedDir(whole, 3), file))
				b, errB := os.ReadFile(filepath.Join(SeedDir(parts, 3), file))
				if errA != nil || errB != nil || !bytes.Equal(a, b) {
					t.Errorf("%s differs: %v %v", file, errA, errB)
				}
			}
			s := r.Seeds[0].QD
			t.Logf("%s", mustJSON(s))
			if s.Elites < 4 || s.Evaluations < 600 {
				t.Errorf("results %s", mustJSON(s))
			}
			if name == "stax" && (s.Sparse == nil || s.Sparse.Version == 0 || len(s.Areas) != 2 || s.Areas[0] <= 0) {
				t.Errorf("the autoencoder was never trained, or no area was found: %s", mustJSON(s))
			}
			if err := writeReport([]string{whole}, filepath.Join(whole, reportFile)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A signature as a measure is that of the path.
func TestSignatureMeasure(t *testing.T) {
	p, err := ParsePlan("small.yaml", []byte(small), []string{
		"qd.measures.0={of: obs.position, with: [obs.angle], take: signature, word: [1, 0], lo: -1, hi: 1}",
		"qd.measures.1={of: obs.position, with: [obs.angle], take: signature, word: [0], lo: -1, hi: 1}",
	})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := newQDPool(p, 1, qdSeats)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.close()
	b, key := p.shape().Batch(1), rng.New(5)
	for i := range b.Sol {
		b.Sol[i] = float32(i%3) - 1
	}
	if err := pool.evaluate(b, 1, func(int) rng.Key { return key }); err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: 1, Levels: p.levels})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	policy, eb := ElitePolicy(p, b.Sol), env.NewBatch(p.Spec, 1)
	column := func(name string) int {
		c, err := env.Column(p.Spec.Obs, name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var path []float32
	for v.Reset(key.Fold(0).Uint64()); ; {
		if err := v.Observe(eb); err != nil {
			t.Fatal(err)
		}
		policy.Act(eb, rng.Key{}, false)
		if err := v.Step(eb); err != nil {
			t.Fatal(err)
		}
		path = append(path, eb.Next[column("position")], eb.Next[column("angle")])
		if eb.End[0] != env.Running {
			break
		}
	}
	want := signature.Of(path, 2, 2)
	if math.Abs(float64(b.Measures[0]-want[4])) > 1e-6 || math.Abs(float64(b.Measures[1]-want[0])) > 1e-6 {
		t.Errorf("measures %v, want %v and %v of %v", b.Measures, want[4], want[0], want)
	}
}

func TestQDKindErrors(t *testing.T) {
	for _, c := range [][3]string{
		{"stax", "qd.explore.method=staxx", `unknown method "staxx"`},
		{"stax", "qd.observe=null", "needs something observed"},
		{"stax", "qd.areas.0.radius=0", "want one to 2, of the first measures, and a distance"},
		{"stax", "qd.observe.pixels=8", "name either pixels or of"},
		{"stax", "qd.explore.describe.by=autoencode", `unknown "autoencode"`},
		{"mome", "qd.goals=[]", "name further ones as goals"},
		{"mome", "qd.archive.options.reference=[1]", "reference has 1 numbers"},
		{"aurora", "qd.observe=null", "say what, as observe"},
		{"aurora", "qd.result=null", "name a second archive over yours as result"},
		{"gradient", "qd.gradient=null", "say how they are estimated"},
		{"gradient", "qd.schedule={name: bandit}", "cannot compete in a schedule"},
		{"parts", "qd.measures.1.word=[0, 7]", "there is no coordinate 7"},
		{"parts", "qd.archive_of=[5]", "there is no measure 5"},
		{"policy-gradient", "qd.policy.bias=false", "need policies with biases"},
		{"bandit", "qd.schedule.name=bandits", `unknown schedule "bandits"`},
		{"resample", "qd.redteam={questions: 3}", "the reward needs a term learned"},
		{"resample", "qd.archive.options.outside=drop", `unknown "drop" for what is outside`},
		{"limited", "qd.emitters.0.options.covariance=tiny", `unknown covariance "tiny"`},
	} {
		_, err := ParsePlan("small.yaml", []byte(small), append(append([]string(nil), qdKinds[c[0]]...), c[1]))
		if err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%s with %s: error %v, want one with %q", c[0], c[1], err, c[2])
		}
	}
}

// Pairs are those that two judges are surest to order differently, and nobody is in many.
func TestDisagreements(t *testing.T) {
	learned, hidden := []float64{5, 4, 0, 1, 2}, []float64{0, 3, 5, 4, 3}
	pairs := disagreements(learned, hidden, 10)
	if len(pairs) == 0 || pairs[0] != [2]int{0, 2} {
		t.Fatalf("pairs %v, want 0 against 2 first", pairs)
	}
	used := map[int]int{}
	for _, p := range pairs {
		used[p[0]]++
		used[p[1]]++
		if !(learned[p[0]] > learned[p[1]] && hidden[p[0]] < hidden[p[1]]) {
			t.Errorf("the judges agree on %v", p)
		}
	}
	for i, n := range used {
		if n > 3 {
			t.Errorf("%d is in %d pairs", i, n)
		}
	}
	if disagreements([]float64{1, 2}, []float64{1, 2}, 5) != nil {
		t.Error("judges that agree have pairs")
	}
}

var _ qd.Archive = (*partArchive)(nil)
