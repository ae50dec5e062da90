package cmamae

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

// A short run: thresholds that move slowly are ahead already; the figures need the whole one.
func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "cma-mae")
	for arm, rows := range r.Rows {
		for _, row := range rows {
			if !(row["score"] > 3 && row["score"] < row["coverage"]) {
				t.Errorf("%s: %v", arm, row)
			}
		}
	}
	if r.Pass {
		t.Error("a short run meets the published figures of a long one")
	}
}
