package stats

import (
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// An Interval is an estimate with the ends of its confidence interval.
type Interval struct {
	Value float64 `json:"value"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
}

// Resampling says how a bootstrap is done. The zero value is ready for use.
type Resampling struct {
	Key   rng.Key // source of its randomness
	Reps  int     // resamples; default 10000
	Level float64 // confidence level; default 0.95
}

// purpose of the streams that resamples draw from: one a resample, numbered by step.
const purpose rng.Purpose = 0x626f6f74

func (o Resampling) withDefaults() (Resampling, error) {
	if o.Reps == 0 {
		o.Reps = 10000
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	if o.Reps < 1 {
		return o, fmt.Errorf("stats: %d resamples, want at least 1", o.Reps)
	}
	return o, checkLevel(o.Level)
}

// Bootstrap returns f(s) with a percentile interval from a stratified bootstrap (Agarwal et al.
// 2021, section 4.1): every resample draws, with replacement and for each task apart, as many
// runs as there are. The interval spans the central Level of f over the resamples.
func Bootstrap(s Scores, f Statistic, o Resampling) (Interval, error) {
	return resample([]Scores{s}, func(r []Scores) float64 { return f(r[0]) }, o)
}

// BootstrapPair is Bootstrap for a statistic of two learners, such as ImprovementProbability,
// whose runs have nothing in common and are therefore drawn independently.
func BootstrapPair(x, y Scores, f func(x, y Scores) float64, o Resampling) (Interval, error) {
	if len(x) != len(y) {
		return Interval{}, fmt.Errorf("stats: one learner has scores of %d tasks, the other of %d", len(x), len(y))
	}
	return resample([]Scores{x, y}, func(r []Scores) float64 { return f(r[0], r[1]) }, o)
}

// PairedBootstrap returns the mean of x[i]-y[i] with a percentile interval, for runs that
// belong together, such as two learners on the same seed. Pairs are drawn as wholes.
func PairedBootstrap(x, y []float64, o Resampling) (Interval, error) {
	d, err := differences(x, y)
	if err != nil {
		return Interval{}, err
	}
	return Bootstrap(Scores{d}, Mean, o)
}

// Profile returns the performance profile of s at each tau, with a pointwise interval: the
// fraction of runs that score above tau (Agarwal et al. 2021, section 4.2).
func Profile(s Scores, taus []float64, o Resampling) ([]Interval, error) {
	p := make([]Interval, len(taus))
	for i, tau := range taus {
		var err error
		if p[i], err = Bootstrap(s, Above(tau), o); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// resample bootstraps a statistic of several independent learners.
func resample(from []Scores, f func([]Scores) float64, o Resampling) (Interval, error) {
	for _, s := range from {
		if err := s.Validate(); err != nil {
			return Interval{}, err
		}
	}
	o, err := o.withDefaults()
	if err != nil {
		return Interval{}, err
	}
	values := make([]float64, o.Reps)
	var wg sync.WaitGroup
	for w, n := 0, min(runtime.GOMAXPROCS(0), o.Reps); w < n; w++ {
		wg.Go(func() {
			to := like(from)
			for r := w; r < o.Reps; r += n {
				draw(to, from, o.Key.Stream(purpose, 0, uint32(r)))
				values[r] = f(to)
			}
		})
	}
	wg.Wait()
	slices.Sort(values)
	tail := (1 - o.Level) / 2
	return Interval{f(from), quantile(values, tail), quantile(values, 1-tail)}, nil
}

// like returns scores of the same shape.
func like(from []Scores) []Scores {
	to := make([]Scores, len(from))
	for i, s := range from {
		to[i] = make(Scores, len(s))
		for t := range s {
			to[i][t] = make([]float64, len(s[t]))
		}
	}
	return to
}

// draw fills to with runs of from.
func draw(to, from []Scores, r rng.Stream) {
	for i, s := range from {
		for t, runs := range s {
			for j := range runs {
				to[i][t][j] = runs[r.IntN(len(runs))]
			}
		}
	}
}
