package model

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

// A Selection is a way to choose questions among candidates.
type Selection string

// The selections of Lee et al., "B-Pref" (2021), section 3.2, and one of optimism.
const (
	Uniform      Selection = "uniform"      // any
	Disagreement Selection = "disagreement" // the members differ most in their probabilities (standard deviation)
	Entropy      Selection = "entropy"      // the mean probability is nearest to a half
	KCentre      Selection = "k-centre"     // far from each other, by greedy covering (Gonzalez 1985) of the pairs' mean inputs
	Optimistic   Selection = "optimistic"   // may be good: the larger upper bound, mean and one deviation, of the two returns
)

var selections = []Selection{Uniform, Disagreement, Entropy, KCentre, Optimistic}

// UnmarshalText sets s by its name.
func (s *Selection) UnmarshalText(b []byte) error {
	if !slices.Contains(selections, Selection(b)) {
		return fmt.Errorf("unknown selection %q, want one of %s", b, strings.Trim(fmt.Sprint(selections), "[]"))
	}
	*s = Selection(b)
	return nil
}

// endsRepeated is how often the end of an episode is a candidate, in the mean at most.
const endsRepeated = 4

// Candidates draws n pairs of different segments of the given length, or shorter where the task
// ended an episode: see feedback.Store.SampleEnds. The share ends of the segments, of 0 to 1, are the
// last of episodes that the task ended: such steps are rare, and worth the most. Where there are few,
// the share is smaller, so that each comes about four times.
func Candidates(s *feedback.Store, n, length int, ends float64, key rng.Key) ([]label.Query, error) {
	r := key.Stream(purposeCandidates, 0, 0)
	last := s.Ends(length)
	ends = min(ends, endsRepeated*float64(len(last))/float64(2*max(n, 1)))
	out := make([]label.Query, 0, n)
	for tries := 0; len(out) < n; tries++ {
		segs, err := s.SampleEnds(&r, 2, length)
		if err != nil {
			return nil, err
		}
		for k := range segs {
			if r.Float64() < ends {
				segs[k] = last[r.IntN(len(last))]
			}
		}
		if segs[0] != segs[1] {
			out = append(out, label.Query{A: segs[0], B: segs[1]})
		} else if tries > 100*(n+1) {
			return nil, fmt.Errorf("model: the store holds one segment of %d steps only", length)
		}
	}
	return out, nil
}

// Select returns n of the candidates, all of them if there are fewer, in the order of their merit.
// Equal merits keep their order.
func Select(e *Ensemble, s *feedback.Store, how Selection, candidates []label.Query, n int) ([]label.Query, error) {
	n = min(n, len(candidates))
	if how == Uniform {
		return candidates[:n], nil
	}
	if how == KCentre {
		return e.cover(s, candidates, n)
	}
	type merit struct {
		query label.Query
		value float64
	}
	list, views := make([]merit, len(candidates)), make([][2]feedback.View, len(candidates))
	for i, q := range candidates {
		for k, seg := range []feedback.Segment{q.A, q.B} {
			v, err := s.View(seg)
			if err != nil {
				return nil, err
			}
			views[i][k] = v
		}
	}
	e.do(len(candidates), func(worker, i int) {
		list[i] = merit{candidates[i], e.merit(e.of(worker), how, views[i][0], views[i][1])}
	})
	slices.SortStableFunc(list, func(x, y merit) int { return cmp.Compare(y.value, x.value) })
	out := make([]label.Query, n)
	for i := range out {
		out[i] = list[i].query
	}
	return out, nil
}

func (e *Ensemble) merit(d *scratch, how Selection, a, b feedback.View) float64 {
	p := make([]float32, e.Members())
	if how == Optimistic {
		bound := math.Inf(-1)
		for _, v := range []feedback.View{a, b} {
			e.returns(d, p, v, nil)
			mean, dev := spread(p)
			bound = max(bound, float64(mean)+math.Sqrt(float64(dev)))
		}
		return bound
	}
	e.prefer(d, p, a, b)
	mean, square := 0.0, 0.0
	for _, x := range p {
		mean += float64(x) / float64(len(p))
	}
	for _, x := range p {
		square += (float64(x) - mean) * (float64(x) - mean)
	}
	if how == Disagreement {
		return square
	}
	return -math.Abs(mean - 0.5)
}

// cover chooses pairs such that each is as far as can be from those before it; the first is the
// first candidate.
func (e *Ensemble) cover(s *feedback.Store, candidates []label.Query, n int) ([]label.Query, error) {
	points := make([][]float32, len(candidates))
	for i, q := range candidates {
		p := make([]float32, 0, 2*e.width)
		for _, seg := range []feedback.Segment{q.A, q.B} {
			v, err := s.View(seg)
			if err != nil {
				return nil, err
			}
			x, mean := make([]float32, v.Len()*e.width), make([]float32, e.width)
			e.gatherView(x, v, 0, v.Len())
			for k, f := range x {
				mean[k%e.width] += f / float32(v.Len())
			}
			p = append(p, mean...)
		}
		points[i] = p
	}
	nearest := make([]float32, len(points))
	for i := range nearest {
		nearest[i] = math.MaxFloat32
	}
	var out []label.Query
	for next := 0; len(out) < n; {
		out = append(out, candidates[next])
		nearest[next] = -1
		centre, best := points[next], float32(-1)
		for i, p := range points {
			if nearest[i] < 0 {
				continue
			}
			var d float32
			for k, x := range p {
				d += float32((x - centre[k]) * (x - centre[k]))
			}
			nearest[i] = min(nearest[i], d)
			if nearest[i] > best {
				best, next = nearest[i], i
			}
		}
	}
	return out, nil
}

// A Schedule shares a budget of questions out among rounds.
type Schedule string

// The schedules. The first round is apart: see Questions.
const (
	Constant   Schedule = "constant"   // as many in each round
	Hyperbolic Schedule = "hyperbolic" // in round t in proportion to 1/(1+t), as in the program of Christiano et al. 2017
)

// UnmarshalText sets s by its name.
func (s *Schedule) UnmarshalText(b []byte) error {
	if Schedule(b) != Constant && Schedule(b) != Hyperbolic {
		return fmt.Errorf("unknown schedule %q, want constant or hyperbolic", b)
	}
	*s = Schedule(b)
	return nil
}

// Questions returns the number of questions of each round. Their sum is the budget; the first
// round gets the share initial of it.
func (s Schedule) Questions(budget, rounds int, initial float64) []int {
	out := make([]int, rounds)
	if rounds == 0 {
		return out
	}
	out[0] = int(math.Round(initial * float64(budget)))
	if rounds == 1 {
		out[0] = budget
	}
	rest, total := float64(budget-out[0]), 0.0
	share := func(t int) float64 {
		if s == Hyperbolic {
			return 1 / (1 + float64(t))
		}
		return 1
	}
	for t := 1; t < rounds; t++ {
		total += share(t)
	}
	given, sum := out[0], 0.0
	for t := 1; t < rounds; t++ {
		sum += share(t)
		out[t] = out[0] + int(math.Round(rest*sum/total)) - given
		given += out[t]
	}
	return out
}
