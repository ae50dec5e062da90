// Package stats turns the scores of a few runs into statements that hold up: a typical score
// with an interval, the probability that one learner beats another, and tests of paired runs.
//
// Learners are noisy and runs are few, so a mean alone says little. The aggregates here are
// those of Agarwal, Schwarzer, Castro, Courville and Bellemare, "Deep Reinforcement Learning at
// the Edge of the Statistical Precipice" (NeurIPS 2021), and are tested against the values their
// program rliable computes:
//
//	s := stats.Scores{lander, walker}             // one slice of scores a task, one score a run
//	ci, err := stats.Bootstrap(s, stats.IQM, stats.Resampling{Key: rng.New(1)})
//	fmt.Printf("IQM %.1f [%.1f, %.1f]\n", ci.Value, ci.Lo, ci.Hi)
//
// One score should be one trained agent, such as its mean return over the episodes of an
// evaluation: episodes of the same agent are not independent runs of the learner.
//
// All randomness comes from a key, so that an interval is a function of the scores and the key.
package stats

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Scores holds the scores of one learner: Scores[t] those of its runs on task t. Tasks may have
// different numbers of runs. Scores of several tasks are comparable only if they are normalised.
type Scores [][]float64

// Validate reports the first reason why s cannot be aggregated: no task, a task without runs, or
// a score that is not finite.
func (s Scores) Validate() error {
	if len(s) == 0 {
		return errors.New("stats: no scores")
	}
	for t, runs := range s {
		if len(runs) == 0 {
			return fmt.Errorf("stats: task %d has no runs", t)
		}
		for r, x := range runs {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("stats: the score of task %d, run %d is %v", t, r, x)
			}
		}
	}
	return nil
}

// all returns the scores of all tasks and runs in a slice of its own.
func (s Scores) all() []float64 { return slices.Concat(s...) }

// taskMeans returns the mean score of each task.
func (s Scores) taskMeans() []float64 {
	m := make([]float64, len(s))
	for t, runs := range s {
		m[t] = stat.Mean(runs, nil)
	}
	return m
}

// A Statistic is a number computed from scores, such as IQM. It neither modifies nor retains
// them, and may be called by several goroutines at once.
type Statistic func(Scores) float64

// Mean returns the mean over tasks of the mean score.
func Mean(s Scores) float64 { return stat.Mean(s.taskMeans(), nil) }

// Median returns the median over tasks of the mean score: of a single task, its mean.
func Median(s Scores) float64 {
	m := s.taskMeans()
	slices.Sort(m)
	return quantile(m, 0.5)
}

// IQM returns the interquartile mean of the scores of all tasks and runs: the mean of what is
// left after the lowest and the highest quarter, each rounded down to whole scores, is dropped.
func IQM(s Scores) float64 {
	x := s.all()
	slices.Sort(x)
	cut := len(x) / 4
	return stat.Mean(x[cut:len(x)-cut], nil)
}

// OptimalityGap returns the statistic that says how far scores fall short of the target: the
// mean over tasks and runs of target - min(score, target). Scores above the target do not count.
func OptimalityGap(target float64) Statistic {
	return func(s Scores) float64 {
		gap := make([]float64, len(s))
		for t, runs := range s {
			for _, x := range runs {
				gap[t] += target - min(x, target)
			}
			gap[t] /= float64(len(runs))
		}
		return stat.Mean(gap, nil)
	}
}

// Above returns the statistic that is one point of a performance profile: the fraction of runs
// with a score above tau, averaged over tasks.
func Above(tau float64) Statistic {
	return func(s Scores) float64 {
		share := make([]float64, len(s))
		for t, runs := range s {
			n := 0
			for _, x := range runs {
				if x > tau {
					n++
				}
			}
			share[t] = float64(n) / float64(len(runs))
		}
		return stat.Mean(share, nil)
	}
}

// ImprovementProbability returns the probability that a random run of x scores above a random
// run of y on the same task, averaged over tasks; a tie counts half. Per task it is the U
// statistic of Mann and Whitney divided by the number of pairs. It panics if x and y have
// different numbers of tasks.
func ImprovementProbability(x, y Scores) float64 {
	if len(x) != len(y) {
		panic("stats: ImprovementProbability of different numbers of tasks")
	}
	p := make([]float64, len(x))
	for t := range x {
		b := slices.Clone(y[t])
		slices.Sort(b)
		var u float64
		for _, v := range x[t] {
			below, _ := slices.BinarySearch(b, v)
			ties := 0
			for below+ties < len(b) && b[below+ties] == v {
				ties++
			}
			u += float64(below) + 0.5*float64(ties)
		}
		p[t] = u / float64(len(x[t])*len(b))
	}
	return stat.Mean(p, nil)
}

// A Summary describes a sample.
type Summary struct {
	N                 int
	Mean, Median, Std float64 // Std divides by N-1; 0 if N is 1
	Min, Max          float64
}

// Summarize describes x, which is not empty.
func Summarize(x []float64) Summary {
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	s := Summary{
		N: len(x), Mean: stat.Mean(x, nil), Median: quantile(sorted, 0.5),
		Min: floats.Min(x), Max: floats.Max(x),
	}
	if len(x) > 1 {
		s.Std = stat.StdDev(x, nil)
	}
	return s
}

// TInterval returns the mean of x with Student's confidence interval of the given level, such as
// 0.95. It assumes normal scores; Bootstrap does not. Its ends are infinite for a single score.
func TInterval(x []float64, level float64) (Interval, error) {
	if err := (Scores{x}).Validate(); err != nil {
		return Interval{}, err
	}
	if err := checkLevel(level); err != nil {
		return Interval{}, err
	}
	n := float64(len(x))
	mean := stat.Mean(x, nil)
	if len(x) == 1 {
		return Interval{mean, math.Inf(-1), math.Inf(1)}, nil
	}
	t := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.5 + level/2)
	half := t * stat.StdDev(x, nil) / math.Sqrt(n)
	return Interval{mean, mean - half, mean + half}, nil
}

// quantile returns the p-quantile of sorted x, interpolating between the two nearest order
// statistics (definition 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996).
func quantile(x []float64, p float64) float64 {
	at := p * float64(len(x)-1)
	i := min(int(at), len(x)-1)
	j := min(i+1, len(x)-1)
	return x[i] + (at-float64(i))*(x[j]-x[i])
}

func checkLevel(level float64) error {
	if !(level > 0 && level < 1) {
		return fmt.Errorf("stats: confidence level %v, want a number between 0 and 1, such as 0.95", level)
	}
	return nil
}
