package ppo

import (
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// The judgement of any number of rows is that of each alone, and does not depend on acting.
func TestJudge(t *testing.T) {
	spec, err := envtest.NewFast().Spec()
	if err != nil {
		t.Fatal(err)
	}
	p, err := New().Build(agents.Setup{Spec: spec, Rows: 4, Steps: 1000, Key: rng.New(1), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	a := p.(*agent)
	const n = actBlock + 7
	b := env.NewBatch(spec, n)
	r := rng.New(2).Stream(0, 0, 0)
	for i := range b.Obs {
		b.Obs[i] = r.Range(-1, 1)
	}
	value, entropy := make([]float32, n), make([]float32, n)
	a.Judge(b, value, entropy)
	a.Act(b, rng.New(3), true)
	distinct := map[float32]bool{}
	for i := range n {
		one, v, e := b.Rows(i, i+1), []float32{0}, []float32{0}
		a.Judge(&one, v, e)
		if v[0] != value[i] || e[0] != entropy[i] {
			t.Fatalf("row %d alone: %v, %v; among others %v, %v", i, v[0], e[0], value[i], entropy[i])
		}
		// Three choices, of which a new policy prefers none much.
		if most := geom.Log(3); e[0] > most+1e-5 || e[0] < 0.9*most {
			t.Errorf("entropy %v, want about %v", e[0], most)
		}
		distinct[v[0]] = true
	}
	if len(distinct) < n/2 {
		t.Errorf("%d distinct values of %d rows", len(distinct), n)
	}
}
