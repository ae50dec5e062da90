package stats

import (
	"math"
	"testing"
)

// Without ties it is 1 - 6 sum d^2 / (n (n^2-1)); with ties by hand.
func TestSpearman(t *testing.T) {
	x, y := []float64{3, 1, 4, 1.5, 5, 9, 2.6}, []float64{2, 7, 1, 8, 2.5, 1.8, 2.9}
	rx, ry, d2 := ranks(x), ranks(y), 0.0
	for i := range rx {
		d2 += (rx[i] - ry[i]) * (rx[i] - ry[i])
	}
	want := 1 - 6*d2/(7*48)
	if got, err := Spearman(x, y); err != nil || math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	// Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: covariance 4.5, variances 4.5 and 5.
	if got, err := Spearman([]float64{1, 2, 2, 3}, []float64{10, 20, 30, 40}); err != nil || math.Abs(got-4.5/math.Sqrt(4.5*5)) > 1e-12 {
		t.Errorf("with ties %v, %v", got, err)
	}
	for _, bad := range [][2][]float64{{{1}, {2}}, {{1, 2}, {1}}, {{1, 1}, {1, 2}}} {
		if _, err := Spearman(bad[0], bad[1]); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}
