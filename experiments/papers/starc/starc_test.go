package starc

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "starc")
	if d := r.Mean("equivalent", "starc"); d > 1e-8 {
		t.Errorf("distance of equivalent rewards %v", d)
	}
	all := []int{0, 1, 2, 3, 4, 5}
	rank := map[string]float64{}
	for arm, rows := range r.Rows {
		rank[arm] = pooled(rows, all)
	}
	t.Log(rank)
	if rank["starc"] < rank["plain"] {
		t.Errorf("rank correlations with regret: %v", rank)
	}
	papertest.Repeats(t, "starc", papers.Cell{Scale: papers.Smoke, Arm: "dard", Seed: papers.FirstSeed})
}
