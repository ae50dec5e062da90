package stats

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// differences returns x[i]-y[i].
func differences(x, y []float64) ([]float64, error) {
	if len(x) != len(y) {
		return nil, fmt.Errorf("stats: %d scores cannot be paired with %d", len(x), len(y))
	}
	d := make([]float64, len(x))
	for i := range d {
		d[i] = x[i] - y[i]
	}
	return d, Scores{d}.Validate()
}

// exactPairs is the number of pairs up to which Wilcoxon counts all sign patterns.
const exactPairs = 200

// Wilcoxon returns the two-sided p value of the signed-rank test (Wilcoxon, "Individual
// Comparisons by Ranking Methods", 1945) that x[i]-y[i] is symmetric about 0. Pairs without a
// difference are dropped and equal differences share their mean rank. Up to 200 pairs the
// distribution is exact, also with ties; beyond it is the normal approximation, corrected for
// ties. It is an error if no pair differs.
func Wilcoxon(x, y []float64) (p float64, err error) {
	d, err := differences(x, y)
	if err != nil {
		return 0, err
	}
	d = slices.DeleteFunc(d, func(v float64) bool { return v == 0 })
	if len(d) == 0 {
		return 0, errors.New("stats: no pair of scores differs")
	}
	ranks := doubledRanks(d)
	plus, total := 0, 0
	for i, r := range ranks {
		total += r
		if d[i] > 0 {
			plus += r
		}
	}
	low := min(plus, total-plus)
	if len(d) > exactPairs {
		return normalWilcoxon(ranks, low, total), nil
	}
	return min(1, 2*signSumBelow(ranks, low, total)), nil
}

// doubledRanks returns twice the rank of the size of each of d, so that shared ranks are whole.
func doubledRanks(d []float64) []int {
	order := make([]int, len(d))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch da, db := math.Abs(d[a]), math.Abs(d[b]); {
		case da < db:
			return -1
		case da > db:
			return 1
		}
		return a - b
	})
	ranks := make([]int, len(d))
	for i := 0; i < len(order); {
		j := i + 1
		for j < len(order) && math.Abs(d[order[j]]) == math.Abs(d[order[i]]) {
			j++
		}
		for _, k := range order[i:j] {
			ranks[k] = i + 1 + j // (i+1 + j)/2, doubled
		}
		i = j
	}
	return ranks
}

// signSumBelow returns the probability that the sum of a random subset of ranks is at most
// limit, every subset being equally likely.
func signSumBelow(ranks []int, limit, total int) float64 {
	prob := make([]float64, total+1) // prob[s]: probability that the subset so far sums to s
	prob[0] = 1
	sum := 0
	for _, r := range ranks {
		sum += r
		for s := sum; s >= 0; s-- {
			prob[s] *= 0.5
			if s >= r {
				prob[s] += 0.5 * prob[s-r]
			}
		}
	}
	var p float64
	for _, q := range prob[:limit+1] {
		p += q
	}
	return p
}

// normalWilcoxon returns the two-sided p value from the mean and variance of the sum: half and
// a quarter of the sum of ranks and of squared ranks, which accounts for ties.
func normalWilcoxon(ranks []int, low, total int) float64 {
	var squares float64
	for _, r := range ranks {
		squares += float64(r) * float64(r)
	}
	z := (float64(low) - float64(total)/2) / math.Sqrt(squares/4)
	return min(1, 2*distuv.UnitNormal.CDF(z))
}

// exactFlips is the number of pairs up to which PermutationTest tries all sign patterns.
const exactFlips = 16

// PermutationTest returns the two-sided p value of the paired permutation test (Fisher, "The
// Design of Experiments", 1935, section 21) that the mean of x[i]-y[i] is 0: the share of the
// ways to swap the scores within pairs whose mean difference is at least as far from 0. Up to
// 16 pairs all ways are tried; beyond, o.Reps random ones and the given one, so that p is
// never 0.
func PermutationTest(x, y []float64, o Resampling) (p float64, err error) {
	d, err := differences(x, y)
	if err != nil {
		return 0, err
	}
	if o, err = o.withDefaults(); err != nil {
		return 0, err
	}
	var scale float64
	for _, v := range d {
		scale += math.Abs(v)
	}
	// Sums that are equal in exact arithmetic must count as equal.
	limit := math.Abs(stat.Mean(d, nil))*float64(len(d)) - 1e-12*scale
	if n := len(d); n <= exactFlips {
		far := 0
		for signs := range uint32(1) << n {
			if math.Abs(flipped(d, signs)) >= limit {
				far++
			}
		}
		return float64(far) / float64(uint32(1)<<n), nil
	}
	far := 1
	for r := range o.Reps {
		if math.Abs(randomlyFlipped(d, o.Key.Stream(purpose, 1, uint32(r)))) >= limit {
			far++
		}
	}
	return float64(far) / float64(o.Reps+1), nil
}

// flipped returns the sum of d with the sign of d[i] changed where bit i of signs is set.
func flipped(d []float64, signs uint32) (sum float64) {
	for i, v := range d {
		if signs>>i&1 == 1 {
			v = -v
		}
		sum += v
	}
	return sum
}

func randomlyFlipped(d []float64, r rng.Stream) (sum float64) {
	for len(d) > 0 {
		n := min(len(d), 32)
		sum += flipped(d[:n], r.Uint32())
		d = d[n:]
	}
	return sum
}
