package sphere

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

// Values worked out by hand.
func TestEvaluate(t *testing.T) {
	b := qd.NewBatch(3, 4, 2)
	copy(b.Sol, []float32{shift, shift, shift, shift, -edge, -edge, -edge, -edge, 0, 2 * edge, 1, 2})
	if err := Evaluate(4)(b); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][3]float64{{100, 2 * shift, 2 * shift}, {0, -2 * edge, -2 * edge}, {0, 0.5, 3}} {
		got := [3]float64{float64(b.Objective[i]), float64(b.Measures[2*i]), float64(b.Measures[2*i+1])}
		if i == 2 { // the folded one counts in the objective as it is
			sum := shift*shift + math.Pow(2*edge-shift, 2) + math.Pow(1-shift, 2) + math.Pow(2-shift, 2)
			want[0] = 100 * (1 - sum/(4*math.Pow(edge+shift, 2)))
		}
		for j := range want {
			if math.Abs(got[j]-want[j]) > 1e-4 {
				t.Errorf("solution %d: %v, want %v", i, got, want)
			}
		}
	}
}

func TestTutorial(t *testing.T) {
	s, err := Search(Tutorial(rng.New(1)))
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if err := s.Step(); err != nil {
			t.Fatal(err)
		}
	}
	if coverage, score := Score(s); s.Evaluations() != 20*15*36 || !(coverage > 0.5) || !(score > 0.3) {
		t.Errorf("%d evaluations, coverage %.2f %%, score %.2f", s.Evaluations(), coverage, score)
	}
}
