package helpsteer

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
	"github.com/terrarium-rl/terrarium/experiments/papers/rmlab"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "helpsteer")
	for _, arm := range []string{"combined", "ratings", "scaled", "margin", "bradley-terry", "extrapolated"} {
		if a := r.Mean("accuracy", arm); a < 0.7 {
			t.Errorf("%s: accuracy %.3f", arm, a)
		}
	}
	if a := r.Mean("accuracy", "coin"); a > 0.65 {
		t.Errorf("coin tosses teach accuracy %.3f", a)
	}
	papertest.Repeats(t, "helpsteer", papers.Cell{Scale: papers.Smoke, Arm: "combined", Seed: papers.FirstSeed})
}

// Ratings and strengths use their whole ranges, and agree with each other more often than not.
func TestJudge(t *testing.T) {
	lab, err := rmlab.New(rmlab.Config{Seed: 1, Levels: 20, PerLevel: 40})
	if err != nil {
		t.Fatal(err)
	}
	rated, compared, err := judge(lab, lab.Pairs(1000, rng.New(1)), 0, false)
	if err != nil {
		t.Fatal(err)
	}
	ratings, strengths, agree, strict := map[float32]int{}, map[float32]int{}, 0, 0
	for i := range compared {
		a, b := rated[i].Ratings[0], rated[i].Ratings[1]
		ratings[a]++
		strengths[compared[i].Strength]++
		if a != b {
			strict++
			if (a > b) == (compared[i].Label == 1) {
				agree++
			}
		}
	}
	if len(ratings) != 5 || len(strengths) != 3 || 10*agree < 7*strict {
		t.Errorf("ratings %v, strengths %v, %d of %d agree", ratings, strengths, agree, strict)
	}
}
