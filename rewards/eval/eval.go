// Package eval compares rewards without training on them: distances that are zero where two
// rewards have the same optimal policies, and what a reward depends on.
//
//   - STARC (Skalse et al., "STARC: A General Framework For Quantifying Differences Between Reward
//     Functions", ICLR 2024) takes the value of the recording policy out of a reward. It needs
//     recorded transitions only, and suits every reward.
//   - EPIC (Gleave et al., "Quantifying Differences in Reward Functions", ICLR 2021) averages a
//     reward over transitions that never happened, from each state with each action to each state.
//   - DARD (Wulfe et al., "Dynamics-Aware Comparison of Learned Reward Functions", ICLR 2022) does
//     so with transitions that a model of the environment believes in.
//
// The facts of a transition that never happened are not known, so EPIC and DARD are for rewards of
// observations and actions; for others they return [ErrFacts].
//
// All distances are from 0 to 1. Potential shaping (Ng, Harada and Russell, 1999) and a positive
// factor leave 0, a negative factor gives 1, and unrelated rewards are about 0.71 apart.
package eval

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

// ErrFacts is the error of a distance that would need facts of transitions that never happened.
var ErrFacts = errors.New("the reward reads facts, which transitions that never happened do not have")

// Data holds recorded transitions: trajectories one after the other, the rows of each in the
// order of time.
type Data struct {
	Spec   *env.Spec
	Rows   *env.Batch
	Starts []int // first row of each trajectory, increasing, from 0
}

// Validate reports what makes d unusable.
func (d *Data) Validate() error {
	b := d.Rows
	switch {
	case b == nil || b.N == 0:
		return errors.New("eval: no transitions")
	case len(b.Obs) != b.N*env.Width(d.Spec.Obs) || len(b.Next) != len(b.Obs) || len(b.Act) != b.N*env.Width(d.Spec.Act) ||
		len(b.Facts) != b.N*env.Width(d.Spec.Facts) || len(b.End) != b.N:
		return fmt.Errorf("eval: the transitions do not have the widths of %s", d.Spec.ID)
	case len(d.Starts) == 0 || d.Starts[0] != 0 || !slices.IsSorted(d.Starts) || d.Starts[len(d.Starts)-1] >= b.N:
		return errors.New("eval: starts of trajectories have to increase from 0")
	}
	return nil
}

// A Distance between two rewards, with a bootstrap interval over trajectories. With a single
// trajectory the interval is all that is possible, 0 to 1.
type Distance struct {
	Value float64 `json:"value"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
}

// Options of the distances. Zero values mean the defaults.
type Options struct {
	Gamma     float64 // discount factor; default 0.99
	Samples   int     // states and actions that never happened together, a row; default 256
	Rows      int     // rows that EPIC and DARD look at; default 2048
	Resamples int     // of the bootstrap; default 1000
	Level     float64 // of the interval; default 0.95
	Seed      uint64
}

func (o Options) withDefaults() (Options, error) {
	set := func(x *float64, v float64) {
		if *x == 0 {
			*x = v
		}
	}
	set(&o.Gamma, 0.99)
	set(&o.Level, 0.95)
	for _, p := range []struct {
		x *int
		v int
	}{{&o.Samples, 256}, {&o.Rows, 2048}, {&o.Resamples, 1000}} {
		if *p.x == 0 {
			*p.x = p.v
		}
		if *p.x < 1 {
			return o, fmt.Errorf("eval: %d samples, rows or resamples, want at least 1", *p.x)
		}
	}
	if !(o.Gamma > 0 && o.Gamma < 1) || !(o.Level > 0 && o.Level < 1) {
		return o, fmt.Errorf("eval: gamma is %v and level %v, want both between 0 and 1", o.Gamma, o.Level)
	}
	return o, nil
}

// Scores returns the reward of each row.
func Scores(f rewards.Func, b *env.Batch) ([]float64, error) {
	x := make([]float32, b.N)
	f.Score(x, b)
	y := make([]float64, b.N)
	for i, v := range x {
		if y[i] = float64(v); math.IsNaN(y[i]) || math.IsInf(y[i], 0) {
			return nil, fmt.Errorf("eval: row %d scores %v", i, v)
		}
	}
	return y, nil
}

// moments are the sums over the rows of a trajectory that correlations are made of.
type moments struct{ n, x, y, xx, yy, xy float64 }

func (m *moments) add(o moments) {
	m.n, m.x, m.y, m.xx, m.yy, m.xy = m.n+o.n, m.x+o.x, m.y+o.y, m.xx+o.xx, m.yy+o.yy, m.xy+o.xy
}

// pearson is the distance sqrt((1-rho)/2) of EPIC, definition 4.2. A constant is at right angles
// to all but constants.
func (m moments) pearson() float64 {
	c := moments{n: m.n, xx: m.xx - m.x*m.x/m.n, yy: m.yy - m.y*m.y/m.n, xy: m.xy - m.x*m.y/m.n}
	if c.xx < 1e-9*m.xx {
		c.xx = 0
	}
	if c.yy < 1e-9*m.yy {
		c.yy = 0
	}
	return c.angle()
}

// angle is half the Euclidean distance of x and y, both scaled to length 1.
func (m moments) angle() float64 {
	switch {
	case m.xx <= 0 && m.yy <= 0:
		return 0
	case m.xx <= 0 || m.yy <= 0:
		return 0.5
	}
	cos := m.xy / math.Sqrt(m.xx*m.yy)
	return math.Sqrt(max(0, min(1, (1-cos)/2)))
}

// distance compares x and y, one number a row, of which keep names the rows, and bootstraps over
// trajectories.
func distance(d *Data, x, y []float64, rows []int, f func(moments) float64, o Options) Distance {
	parts := make([]moments, len(d.Starts))
	for k, i := range rows {
		t, found := slices.BinarySearch(d.Starts, i)
		if !found {
			t--
		}
		parts[t].add(moments{1, x[k], y[k], x[k] * x[k], y[k] * y[k], x[k] * y[k]})
	}
	parts = slices.DeleteFunc(parts, func(m moments) bool { return m.n == 0 })
	var all moments
	for _, p := range parts {
		all.add(p)
	}
	out := Distance{f(all), 0, 1}
	if len(parts) < 2 {
		return out
	}
	values := make([]float64, o.Resamples)
	for i := range values {
		s := rng.New(o.Seed).Stream(purpose, 0, uint32(i))
		var sum moments
		for range parts {
			sum.add(parts[s.IntN(len(parts))])
		}
		values[i] = f(sum)
	}
	slices.Sort(values)
	at := func(p float64) float64 { return values[min(len(values)-1, int(p*float64(len(values))))] }
	out.Lo, out.Hi = at((1-o.Level)/2), at((1+o.Level)/2)
	return out
}

const purpose rng.Purpose = 0x6576616c
