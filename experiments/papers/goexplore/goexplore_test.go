package goexplore

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

// On a few seeds, returning finds more cells than restarting, and its ways repeat.
func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "goexplore")
	r.Leans("cells: return - restart > 0")
	for i, row := range r.Rows["return"] {
		if row["repeats"] != 1 {
			t.Errorf("seed %d: the best way does not repeat", papers.FirstSeed+i)
		}
	}
}

// The second phase: ways are found, and in a few steps of training starts begin to move back.
func TestRobustSmoke(t *testing.T) {
	r := papertest.Smoke(t, "goexplore-robust")
	moved := false
	for _, row := range r.Rows["backward"] {
		moved = moved || row["found"] > 0 && row["left"] < 0.94
	}
	if !moved {
		t.Errorf("starts do not move back: %v", r.Rows["backward"])
	}
}
