package heron

import (
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

// At smoke scale nothing has learned to swing up yet, so PASS is not asked for. What must hold is
// that the experiment runs, repeats, and that the labels differ as the arms say.
func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "heron")
	mean := map[bool]float64{} // accuracy of labels by an order, and of coin tosses
	for arm, rows := range r.Rows {
		for _, row := range rows {
			if row["return"] > 0 || row["return"] < -2000 {
				t.Errorf("arm %s: return %v, want one of the pendulum", arm, row["return"])
			}
			if slices.Contains([]string{"heron", "heron-rescaled", "reversed"}, arm) {
				mean[true] += row["accuracy"] / float64(3*r.Seeds)
				if !(row["level1"] > 0.01 && row["level1"] < 0.99) {
					t.Errorf("arm %s: the first level decides a share of %v", arm, row["level1"])
				}
			}
			if arm == "coin" {
				mean[false] += row["accuracy"] / float64(r.Seeds)
			}
		}
	}
	// Some 360 and 120 held-out pairs: chance alone moves the means by 0.03 and 0.05.
	if mean[true] < 0.65 || mean[false] > mean[true]-0.05 {
		t.Errorf("labels by an order are predicted with accuracy %.3f, coin tosses with %.3f", mean[true], mean[false])
	}
	papertest.Repeats(t, "heron", papers.Cell{Scale: papers.Smoke, Arm: "heron", Seed: 3000})
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
