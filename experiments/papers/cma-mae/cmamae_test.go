package cmamae

import (
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
)

// A short run: thresholds that move slowly are ahead already; the figures need the whole one.
func TestSmoke(t *testing.T) {
	c, err := papers.Lookup("cma-mae")
	if err != nil {
		t.Fatal(err)
	}
	r, err := papers.Run(t.Context(), c, papers.Options{Scale: papers.Smoke})
	if err != nil {
		t.Fatal(err)
	}
	for arm, rows := range r.Rows {
		t.Logf("%s: %v", arm, rows)
		for _, row := range rows {
			if !(row["score"] > 3 && row["score"] < row["coverage"]) {
				t.Errorf("%s: %v", arm, row)
			}
		}
	}
	if r.Pass || r.Fooled {
		t.Error("a short run meets the published figures of a long one")
	}
}
