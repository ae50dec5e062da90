package papers

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/stats"
)

// A Bound is a statement about the rows of a claim.
type Bound struct {
	Text string // such as "return: heron - linear > -5"

	// Effect estimates the effect with its interval.
	Effect func(*Table) (stats.Interval, error)

	// Limit is where the whole interval has to lie above, or below if Below is set.
	Limit float64
	Below bool
}

// Holds reports whether the interval lies where it has to.
func (b *Bound) Holds(i stats.Interval) bool {
	if b.Below {
		return i.Hi < b.Limit
	}
	return i.Lo > b.Limit
}

// Greater says that the mean over seeds of metric in arm a less that in arm b is above by: with
// by 0 that a is better, with a negative by that it is not much worse. The interval is Student's
// of the paired differences, 95 %.
func Greater(metric, a, b string, by float64) Bound {
	return Bound{Text: fmt.Sprintf("%s: %s - %s > %g", metric, a, b, by), Limit: by, Effect: difference(metric, a, b, 1)}
}

// Less says that the mean over seeds of metric in arm a less that in arm b is below by.
func Less(metric, a, b string, by float64) Bound {
	return Bound{Text: fmt.Sprintf("%s: %s - %s < %g", metric, a, b, by), Limit: by, Below: true, Effect: difference(metric, a, b, 1)}
}

// GreaterPart is Greater than a part of arm b: the interval is Student's of the paired differences
// a - part b.
func GreaterPart(metric, a, b string, part float64) Bound {
	return Bound{Text: fmt.Sprintf("%s: %s - %g %s > 0", metric, a, part, b), Effect: difference(metric, a, b, part)}
}

func difference(metric, a, b string, part float64) func(*Table) (stats.Interval, error) {
	return func(t *Table) (stats.Interval, error) {
		x, y, err := t.Pair(metric, a, b)
		if err != nil {
			return stats.Interval{}, err
		}
		for i := range x {
			x[i] -= part * y[i]
		}
		return stats.TInterval(x, 0.95)
	}
}

// Above says that the mean over seeds of metric in an arm is above limit.
func Above(metric, arm string, limit float64) Bound {
	return Bound{Text: fmt.Sprintf("%s: %s > %g", metric, arm, limit), Limit: limit, Effect: level(metric, arm)}
}

// Under says that the mean over seeds of metric in an arm is below limit.
func Under(metric, arm string, limit float64) Bound {
	return Bound{Text: fmt.Sprintf("%s: %s < %g", metric, arm, limit), Limit: limit, Below: true, Effect: level(metric, arm)}
}

func level(metric, arm string) func(*Table) (stats.Interval, error) {
	return func(t *Table) (stats.Interval, error) {
		x, err := t.Column(arm, metric)
		if err != nil {
			return stats.Interval{}, err
		}
		return stats.TInterval(x, 0.95)
	}
}

// GreaterIQM is Greater for the difference of interquartile means, with a percentile bootstrap
// of the seeds as its interval.
func GreaterIQM(metric, a, b string, by float64) Bound {
	return GreaterIQMOver(metric, []string{metric}, a, b, by)
}

// GreaterIQMOver is GreaterIQM over several metrics together, such as the scores of several tasks. Seeds
// are drawn as wholes, since they are the same in both arms (Agarwal et al., "Deep reinforcement learning
// at the edge of the statistical precipice", NeurIPS 2021).
func GreaterIQMOver(name string, metrics []string, a, b string, by float64) Bound {
	return Bound{
		Text: fmt.Sprintf("%s: IQM(%s) - IQM(%s) > %g", name, a, b, by), Limit: by,
		Effect: func(t *Table) (stats.Interval, error) {
			var x, y stats.Scores
			for _, metric := range metrics {
				one, other, err := t.Pair(metric, a, b)
				if err != nil {
					return stats.Interval{}, err
				}
				x, y = append(x, one), append(y, other)
			}
			return OverSeeds(len(x[0]), 0, func(seeds []int) float64 {
				return stats.IQM(chosen(x, seeds)) - stats.IQM(chosen(y, seeds))
			})
		},
	}
}

// chosen returns the scores of some seeds.
func chosen(all stats.Scores, seeds []int) stats.Scores {
	out := make(stats.Scores, len(all))
	for i, scores := range all {
		for _, k := range seeds {
			out[i] = append(out[i], scores[k])
		}
	}
	return out
}

// OverSeeds is the percentile bootstrap of a statistic of seeds, which are numbered from 0 to n-1 and
// drawn as wholes. Fewer draws than the usual number make do where the statistic is slow; 0 means that.
func OverSeeds(n, draws int, statistic func(seeds []int) float64) (stats.Interval, error) {
	numbers := make([]float64, n) // a score is the number of its seed
	for i := range numbers {
		numbers[i] = float64(i)
	}
	return stats.Bootstrap(stats.Scores{numbers}, func(s stats.Scores) float64 {
		seeds := make([]int, n)
		for i, k := range s[0] {
			seeds[i] = int(k)
		}
		return statistic(seeds)
	}, stats.Resampling{Key: rng.New(FirstSeed), Reps: draws})
}

// Point is a bound on a number that has no interval, such as a count or a p-value, or that is to be
// taken as it is: an estimate alone. Text says so, unless it is plain.
func Point(text string, limit float64, below bool, value func(*Table) (float64, error)) Bound {
	return Bound{Text: text, Limit: limit, Below: below, Effect: func(t *Table) (stats.Interval, error) {
		v, err := value(t)
		return stats.Interval{Value: v, Lo: v, Hi: v}, err
	}}
}

// Share says that metric, which is 0 or 1, is 1 for at least the given share of the seeds: a Point.
func Share(metric, arm string, least float64) Bound {
	return Point(fmt.Sprintf("%s: share of seeds, %s >= %g", metric, arm, least), least-1e-9, false,
		func(t *Table) (float64, error) { return t.Mean(arm, metric) })
}

// MeanAtMost says that the mean over seeds of metric in an arm is at most limit: a Point.
func MeanAtMost(metric, arm string, limit float64) Bound {
	return Point(fmt.Sprintf("%s: mean of %s <= %g", metric, arm, limit), limit+1e-9, true,
		func(t *Table) (float64, error) { return t.Mean(arm, metric) })
}

// Times says that the mean of metric in arm a is above, or below, factor times that in arm b: a Point.
func Times(metric, a, b string, factor float64, below bool) Bound {
	sign := map[bool]string{false: ">", true: "<"}[below]
	return Point(fmt.Sprintf("%s: %s / %s %s %g", metric, a, b, sign, factor), factor, below, func(t *Table) (float64, error) {
		x, err := t.Mean(a, metric)
		if err != nil {
			return 0, err
		}
		y, err := t.Mean(b, metric)
		return x / max(y, 1e-9), err
	})
}

// McNemar says that metric, which is 0 or 1, is 1 in arm a where it is 0 in arm b more often than
// the other way round, with a two-sided exact p below limit (McNemar, "Note on the sampling error
// of the difference between correlated proportions", 1947). The effect it tells is p itself, or
// 2 - p if the difference has the wrong sign: a Point.
func McNemar(metric, a, b string, limit float64) Bound {
	return Point(fmt.Sprintf("%s: exact McNemar p of %s over %s < %g", metric, a, b, limit), limit, true, func(t *Table) (float64, error) {
		x, y, err := t.Pair(metric, a, b)
		if err != nil {
			return 0, err
		}
		more, less := 0, 0
		for i := range x {
			switch {
			case x[i] > y[i]:
				more++
			case x[i] < y[i]:
				less++
			}
		}
		p := signTest(more, less)
		if more < less {
			p = 2 - p
		}
		return p, nil
	})
}

// signTest returns the probability that a fair coin falls at least as unevenly.
func signTest(a, b int) float64 {
	n, k, sum := a+b, min(a, b), 0.0
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	for i := range k + 1 {
		sum += math.Exp(lg(n) - lg(i) - lg(n-i) - float64(n)*math.Ln2)
	}
	return min(1, 2*sum)
}
