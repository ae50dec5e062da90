package goexplore

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
)

// On a few seeds, returning finds more cells than restarting, and its ways repeat.
func TestSmoke(t *testing.T) {
	c, err := papers.Lookup("goexplore")
	if err != nil {
		t.Fatal(err)
	}
	r, err := papers.Run(t.Context(), c, papers.Options{Scale: papers.Smoke})
	if err != nil {
		t.Fatal(err)
	}
	if b := r.Bounds[0]; b.Value <= 0 || r.Fooled {
		t.Errorf("%s is %v, the control passes: %v", b.Text, b.Value, r.Fooled)
	}
	for i, row := range r.Rows["return"] {
		if row["repeats"] != 1 {
			t.Errorf("seed %d: the best way does not repeat", papers.FirstSeed+i)
		}
	}
}
