package lab

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

const small = `
version: 1
env: {name: cartpole-v0}
qd:
  evaluations: 6000
  fresh: true
  reevaluate: 3
  episodes: 2
  policy: {hidden: [3], bias: true}
  measures:
    - {of: obs.position, take: mean, lo: -1, hi: 1}
    - {of: obs.angle, take: max, lo: 0, hi: 0.3}
  archive: {name: grid, options: {cells: [12, 10], learning_rate: 0.2, threshold: 0}}
  result: {name: grid, options: {cells: [12, 10]}}
  emitters:
    - {name: cma-mae, count: 2}
    - {name: isoline, options: {first: 1}}
    - {name: gaussian}
  batch: 16
worlds: 3
eval: {episodes: 4}
checkpoint: {steps: 1000, seconds: 0.01}
metrics: {steps: 200}
seeds: [3, 4]
`

// TestQDResumeAfterKill kills a search at random moments until it is through, and compares
// everything with the search that nobody disturbed, on another number of workers.
func TestQDResumeAfterKill(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "small.yaml")
	writeFile(t, file, small)
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	if out, err := exec.Command("terrarium", "run", file, "--out", whole, "--workers", "3").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seed := uint64(time.Now().UnixNano())
	random := rng.New(seed).Stream(0, 0, 0)
	t.Logf("moments drawn from seed %d", seed)
	kills := killUntilDone(t, file, parts, func(kills int) time.Duration { return time.Duration(30+random.IntN(100+10*kills)) * time.Millisecond })
	t.Logf("%d kills", kills)
	if kills == 0 {
		t.Error("the search was over before it could be killed: make it longer")
	}
	for _, seed := range []uint64{3, 4} {
		for _, name := range []string{metricsFile, evalFile, archiveFile} {
			want, err := os.ReadFile(filepath.Join(SeedDir(whole, seed), name))
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(SeedDir(parts, seed), name))
			if err != nil || !bytes.Equal(want, got) {
				t.Errorf("seed %d: %s differs: %v", seed, name, err)
			}
		}
		a, errA := newestCheckpoint(filepath.Join(SeedDir(whole, seed), "checkpoints"))
		b, errB := newestCheckpoint(filepath.Join(SeedDir(parts, seed), "checkpoints"))
		if errA != nil || errB != nil || !bytes.Equal(a["search"], b["search"]) || !bytes.Equal(a["loop"], b["loop"]) {
			t.Errorf("seed %d: the final states differ: %v %v", seed, errA, errB)
		}
	}
	var done SeedResult
	if err := readJSON(filepath.Join(SeedDir(whole, 3), doneFile), &done); err != nil {
		t.Fatal(err)
	}
	if q := done.QD; q == nil || q.Elites < 20 || !(q.Coverage > 0.15) || q.Again == nil || q.Again.Elites > q.Elites || q.Again.Elites == 0 {
		t.Errorf("results %s", mustJSON(done))
	}
	report, err := os.ReadFile(filepath.Join(whole, reportFile))
	if err != nil || strings.Count(string(report), "data:image/png") != 2 {
		t.Errorf("the report has not the maps of two seeds: %v", err)
	}
	// The best elite is a policy like any other.
	if out, err := exec.Command("terrarium", "eval", whole, "--episodes", "5").CombinedOutput(); err != nil {
		t.Errorf("eval: %v\n%s", err, out)
	}
	if out, err := exec.Command("terrarium", "verify", whole).CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}

// An evaluation is what the Vec, the reward and the policy say, step by step.
func TestQDEvaluation(t *testing.T) {
	p, err := ParsePlan("small.yaml", []byte(strings.Replace(small, "bias: true", "bias: false", 1)), []string{
		`qd.measures=[{of: obs.position, take: last, lo: -1, hi: 1}, {of: obs.angle, take: min, lo: -1, hi: 1}, {of: obs.position, take: sum, lo: -1, hi: 1},` +
			`{of: obs.velocity, take: max, when: [obs.angle], lo: -1, hi: 1}]`,
		"qd.archive.options.cells=[2, 2, 2, 2]", "qd.result.options.cells=[2, 2, 2, 2]",
	})
	if err != nil {
		t.Fatal(err)
	}
	g := newGenome(p)
	if want := 4*3 + 3*2; g.dim != want {
		t.Fatalf("%d parameters, want %d", g.dim, want)
	}
	const n = 7
	b := qd.NewBatch(n, g.dim, 4)
	r := rng.New(1).Stream(0, 0, 0)
	for i := range b.Sol {
		b.Sol[i] = r.Norm()
	}
	pool, err := newQDPool(p, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.close()
	key := func(i int) rng.Key { return rng.New(uint64(100 + i)) }
	if err := pool.evaluate(b, 2, key); err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: 1, Levels: p.levels})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	eb := env.NewBatch(p.Spec, 1)
	steps := int64(0)
	column := func(name string) int {
		c, err := env.Column(p.Spec.Obs, name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	x, angle, speed := column("position"), column("angle"), column("velocity")
	for i := range n {
		w := b.Sol[i*g.dim : (i+1)*g.dim]
		var ret float64
		var want [4]float64
		for ep := range 2 {
			v.Reset(key(i).Fold(uint64(ep)).Uint64())
			least, top, sum, hit, fell := math.Inf(1), math.Inf(-1), 0.0, 0.0, false
			for eb.End[0] = env.Running; eb.End[0] == env.Running; steps++ {
				if err := v.Observe(eb); err != nil {
					t.Fatal(err)
				}
				var y [2]float64
				for h := range 3 {
					s := 0.0
					for j, o := range eb.Obs {
						s += float64(o) * float64(w[j*3+h])
					}
					for k := range y {
						y[k] += math.Tanh(s) * float64(w[12+h*2+k])
					}
				}
				eb.Act[0] = 0
				if y[1] > y[0] {
					eb.Act[0] = 1
				}
				if err := v.Step(eb); err != nil {
					t.Fatal(err)
				}
				ret += float64(eb.Reward[0]) / 2
				sum += float64(eb.Next[x])
				least = min(least, float64(eb.Next[angle]))
				top = max(top, float64(eb.Next[speed]))
				if !fell && eb.Next[angle] > 0 {
					hit, fell = float64(eb.Next[speed]), true
				}
			}
			if !fell {
				hit = top
			}
			for j, m := range []float64{float64(eb.Next[x]), least, sum, hit} {
				want[j] += m / 2
			}
		}
		if math.Abs(ret-float64(b.Objective[i])) > 1e-4 {
			t.Errorf("solution %d: objective %v, want %v", i, b.Objective[i], ret)
		}
		for j := range want {
			if got := float64(b.Measures[4*i+j]); math.Abs(got-want[j]) > 1e-3 {
				t.Errorf("solution %d: measure %d is %v, want %v", i, j, got, want[j])
			}
		}
	}
	if pool.steps.Load() != steps {
		t.Errorf("%d transitions, want %d", pool.steps.Load(), steps)
	}
}

func TestQDErrors(t *testing.T) {
	for _, c := range [][2]string{
		{"qd.measures.0.of=obs.why", `qd.measures.0: unknown field "why"`},
		{"qd.measures.0.of=x", "want obs.NAME or fact.NAME"},
		{"qd.measures.0.take=median", `take: unknown "median"; did you mean "mean"?`},
		{"qd.measures.0.hi=-3", "want a rising range"},
		{"qd.measures.0.column=2", "obs.position has 1"},
		{"qd.archive.options.cells=[3]", "cells has 1 numbers, want one for each of the 2 measures"},
		{"qd.archive.name=gird", `unknown archive "gird"; did you mean "grid"?`},
		{"qd.emitters.0.name=cma-mee", `unknown emitter "cma-mee"; did you mean`},
		{"qd.emitters.0.options.sigma=0", "sigma is 0, want"},
		{"qd.emitters.0.options.sgima=1", `unknown key "sgima"`},
		{"qd.batch=-1", "-1 is out of range"},
		{"agent.name=random", "a qd experiment has no agent"},
	} {
		_, err := ParsePlan("small.yaml", []byte(small), []string{c[0]})
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%s: error %v, want one with %q", c[0], err, c[1])
		}
	}
}

// What a run writes as its config is the same experiment.
func TestQDConfigRepeats(t *testing.T) {
	p, err := ParsePlan("small.yaml", []byte(small), nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := p.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParsePlan("small.yaml", text, nil)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	text2, err := again.YAML()
	if err != nil || !slices.Equal(text, text2) {
		t.Errorf("%v: it became\n%s\nfrom\n%s", err, text2, text)
	}
	if a, _ := json.Marshal(again.QD); !strings.Contains(string(a), `"learning_rate":0.2`) {
		t.Errorf("the learning rate is lost: %s", a)
	}
}
