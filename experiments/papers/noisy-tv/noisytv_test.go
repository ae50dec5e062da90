package noisytv

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
)

// The experiment runs, and its numbers are shares and numbers of cells. What it shows takes longer.
func TestSmoke(t *testing.T) {
	c, err := papers.Lookup("noisy-tv")
	if err != nil {
		t.Fatal(err)
	}
	r, err := papers.Run(t.Context(), c, papers.Options{Scale: papers.Smoke})
	if err != nil {
		t.Fatal(err)
	}
	for arm, rows := range r.Rows {
		for i, row := range rows {
			if s, n := row["switching"], row["cells"]; s <= 0 || s >= 1 || n < 1 || n > 16 {
				t.Errorf("%s, seed %d: switching %v, %v cells of 16", arm, papers.FirstSeed+i, s, n)
			}
		}
	}
}
