package gpm

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

func TestSmoke(t *testing.T) {
	r := papertest.Smoke(t, "gpm")
	if g, b := r.Mean("cyclic", "gpm"), r.Mean("cyclic", "bradley-terry"); g < b+0.2 {
		t.Errorf("cycles: accuracy %.3f, Bradley-Terry %.3f", g, b)
	}
	for _, kind := range duels {
		t.Logf("%s: gpm %.3f, bradley-terry %.3f, pairwise %.3f, coin %.3f", kind, r.Mean(kind, "gpm"),
			r.Mean(kind, "bradley-terry"), r.Mean(kind, "pairwise"), r.Mean(kind, "coin"))
	}
	t.Logf("exploitability: gpm %.3f, bradley-terry %.3f", r.Mean("exploitability", "gpm"), r.Mean("exploitability", "bradley-terry"))
	papertest.Repeats(t, "gpm", papers.Cell{Scale: papers.Smoke, Arm: "gpm", Seed: papers.FirstSeed})
}

type oracle struct{ d *duel }

func (o oracle) prefer(a, b feedback.View) float64 {
	style := map[uint64]int{}
	for _, f := range o.d.fights {
		style[f.segment.Traj] = f.style
	}
	return 0.5 + 0.5*float64(beats(style[a.Segment.Traj], style[b.Segment.Traj]))
}

// Who knows the cycle plays all styles alike and cannot be exploited; any one style loses to two.
func TestExploitability(t *testing.T) {
	d, err := newDuel(1, "cyclic")
	if err != nil {
		t.Fatal(err)
	}
	x, err := d.exploitability("gpm", oracle{d})
	if err != nil || x > 0.03 {
		t.Errorf("exploitability of the truth %v, %v", x, err)
	}
	if x, _ := d.exploitability("bradley-terry", oracle{d}); x != 0.5 {
		t.Errorf("exploitability of a single style %v, want a half", x)
	}
	for i := range styles {
		sum := 0
		for j := range styles {
			sum += beats(i, j)
			if beats(i, j) != -beats(j, i) {
				t.Errorf("styles %d, %d", i, j)
			}
		}
		if sum != 0 {
			t.Errorf("style %d is better than the others by %d", i, sum)
		}
	}
	if math.IsNaN(x) {
		t.Error("not a number")
	}
}
