package heron

import (
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
)

// At smoke scale nothing has learned to swing up yet, so PASS is not asked for. What must hold is
// that the experiment runs, repeats, and that the labels differ as the arms say.
func TestSmoke(t *testing.T) {
	c, err := papers.Lookup("heron")
	if err != nil {
		t.Fatal(err)
	}
	r, err := papers.Run(t.Context(), c, papers.Options{Scale: papers.Smoke})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(r)
	for arm, rows := range r.Rows {
		for i, row := range rows {
			t.Logf("%s, seed %d: %v", arm, i, row)
			if row["return"] > 0 || row["return"] < -2000 {
				t.Errorf("arm %s: return %v, want one of the pendulum", arm, row["return"])
			}
			ordered := slices.Contains([]string{"heron", "heron-rescaled", "reversed"}, arm)
			if ordered && !(row["accuracy"] > 0.65 && row["level1"] > 0.01 && row["level1"] < 0.99) {
				t.Errorf("arm %s: held-out accuracy and first level's share of %v", arm, row)
			}
			if arm == "coin" && row["accuracy"] > 0.85 {
				t.Errorf("coin tosses are predicted with accuracy %v", row["accuracy"])
			}
		}
	}
	again, err := cell(papers.Cell{Context: t.Context(), Scale: papers.Smoke, Arm: "heron", Seed: papers.FirstSeed})
	if err != nil || again["return"] != r.Rows["heron"][0]["return"] {
		t.Errorf("the same cell yields %v, then %v, %v", r.Rows["heron"][0], again, err)
	}
	if r.Fooled {
		t.Error("the control passes")
	}
}

// Cubing and multiplying must not change an order.
func TestRescalingKeepsOrder(t *testing.T) {
	for a := float32(0); a < 9; a += 0.5 {
		x, y := factorsOf([]float32{a, a, a}, true), factorsOf([]float32{a + 0.5, a + 0.5, a + 0.5}, true)
		for k := range x {
			if x[k] >= y[k] {
				t.Errorf("factor %d: %v before %v", k, x[k], y[k])
			}
		}
	}
}
