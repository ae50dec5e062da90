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

// The second phase: ways are found, and training that starts on them lands again and again, which from the
// start it does not.
func TestRobustSmoke(t *testing.T) {
	r := papertest.Smoke(t, "goexplore-robust")
	found := 0
	for i, row := range r.Rows["backward"] {
		if row["found"] == 0 {
			continue
		}
		found++
		if start := r.Rows["start"][i]["practice"]; !(row["practice"] > 2*start+0.1) {
			t.Errorf("%v landings in a thousand steps with starts on ways, %v without", row["practice"], start)
		}
	}
	if found == 0 {
		t.Error("no way was found")
	}
}
