package noisytv

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

// The experiment runs, and its numbers are shares and numbers of cells. What it shows takes longer.
func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "noisy-tv")
	for arm, rows := range r.Rows {
		for i, row := range rows {
			if s, n := row["switching"], row["cells"]; s <= 0 || s >= 1 || n < 1 || n > 16 {
				t.Errorf("%s, seed %d: switching %v, %v cells of 16", arm, papers.FirstSeed+i, s, n)
			}
		}
	}
}
