package stats

import (
	"fmt"
	"math"
	"sort"
)

// Spearman returns the rank correlation of x and y (Spearman, "The proof and measurement of
// association between two things", 1904): the correlation of their ranks, equal numbers sharing
// their mean rank. It is an error if they have different lengths, fewer than two numbers, or if
// one of them never varies.
func Spearman(x, y []float64) (float64, error) {
	if len(x) != len(y) || len(x) < 2 {
		return 0, fmt.Errorf("stats: rank correlation of %d and %d numbers, want at least two of each", len(x), len(y))
	}
	r := correlation(ranks(x), ranks(y))
	if math.IsNaN(r) {
		return 0, fmt.Errorf("stats: rank correlation of numbers that are all alike")
	}
	return r, nil
}

// ranks returns the rank of each number, from 1, the mean of their places if several are equal.
func ranks(x []float64) []float64 {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return x[order[i]] < x[order[j]] })
	out := make([]float64, len(x))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && x[order[j]] == x[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			out[k] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}

// correlation is Pearson's; not a number if one of the two never varies.
func correlation(x, y []float64) float64 {
	mx, my := Summarize(x).Mean, Summarize(y).Mean
	var xx, yy, xy float64
	for i := range x {
		dx, dy := x[i]-mx, y[i]-my
		xx += dx * dx
		yy += dy * dy
		xy += dx * dy
	}
	return xy / math.Sqrt(xx*yy)
}
