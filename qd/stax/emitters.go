package stax

import (
	"cmp"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// trial is the number of generations, after the first members, by which a founder is judged.
const trial = 5

// exploit spends a chunk of evaluations on candidates and emitters: [P], algorithm 3.
func (s *Search) exploit() error {
	end := s.Evaluations + uint64(s.o.Chunk)
	left := func() int { return max(0, int(int64(end)-int64(s.Evaluations))) }
	for len(s.Candidates) > 0 && left() > s.o.Chunk/3 {
		if err := s.try(s.nextCandidate()); err != nil {
			return err
		}
	}
	for len(s.Emitters) > 0 && left() > 0 {
		e := s.choose()
		for left() > 0 {
			if err := s.climb(e); err != nil {
				return err
			}
			s.remember(e)
			if s.over(e) {
				s.bury(e)
				break
			}
		}
		e.estimate()
	}
	return nil
}

// nextCandidate returns the number of the candidate that is most novel to the rewards.
func (s *Search) nextCandidate() (best int) {
	most := math.Inf(-1)
	for i, a := range s.Candidates {
		if n := s.novelty(a, s.Rewards); n > most {
			best, most = i, n
		}
	}
	return best
}

// try lets a candidate found an emitter, which lives on if its trial improved the reward.
func (s *Search) try(i int) error {
	a, r := s.Candidates[i], s.stream()
	e := &Emitter{Ancestor: a, Sigma: s.Sigmas[i], Novelty: s.novelty(a, s.reference(s.last()))}
	s.Candidates, s.Sigmas = slices.Delete(s.Candidates, i, i+1), slices.Delete(s.Sigmas, i, i+1)
	var err error
	if e.Members, err = s.evaluate(s.mutate(nil, a, s.o.Members, e.Sigma, &r)); err != nil {
		return err
	}
	e.note()
	for range trial {
		if err := s.climb(e); err != nil {
			return err
		}
	}
	if e.estimate(); e.Improvement > 0 {
		s.Emitters = append(s.Emitters, e)
	}
	return nil
}

// last returns the population and the last offspring.
func (s *Search) last() []*Solution { return slices.Concat(s.Population, s.Offspring) }

// estimate sets the improvement: of the mean reward of the last 3 generations over the first 3.
func (e *Emitter) estimate() {
	mean := func(x []float32) (sum float64) {
		for _, v := range x {
			sum += float64(v) / float64(len(x))
		}
		return sum
	}
	n := 3 * len(e.Members)
	e.Improvement = max(0, mean(e.Values[len(e.Values)-n:])-mean(e.Values[:n]))
}

// climb is a generation of e: the best of parents and offspring survive, and what is better than
// all before is kept among the rewards.
func (s *Search) climb(e *Emitter) error {
	r := s.stream()
	var sol []float32
	for _, a := range e.Members {
		sol = s.mutate(sol, a, s.o.Offspring, e.Sigma, &r)
	}
	offspring, err := s.evaluate(sol)
	if err != nil {
		return err
	}
	all := slices.Concat(e.Members, offspring)
	slices.SortStableFunc(all, func(a, b *Solution) int { return cmp.Compare(b.Reward, a.Reward) })
	e.Members = all[:s.o.Members:s.o.Members]
	e.note()
	e.Steps++
	limit := e.Best
	for i, a := range e.Members { // of the first generation only the best, later all above its reward
		if a.Reward > limit && (i == 0 || limit > 0) {
			e.Best = max(e.Best, a.Reward)
			s.Rewards = append(s.Rewards, a)
		}
	}
	return nil
}

// note remembers the rewards of the members.
func (e *Emitter) note() {
	for _, a := range e.Members {
		e.Values = append(e.Values, a.Reward)
	}
}

// remember keeps the members of e that are more novel than any before.
func (s *Search) remember(e *Emitter) {
	reference, most := s.reference(s.last()), e.Novelty
	for _, a := range e.Members {
		if n := s.novelty(a, reference); n > e.Novelty {
			most = max(most, n)
			if !slices.Contains(e.Novel, a) {
				e.Novel = append(e.Novel, a)
			}
		}
	}
	e.Novelty = most
}

// choose draws one of the emitters that no other beats in both the novelty of its ancestor to the
// rewards and its improvement.
func (s *Search) choose() *Emitter {
	novelty := make([]float64, len(s.Emitters))
	for i, e := range s.Emitters {
		novelty[i] = s.novelty(e.Ancestor, s.Rewards)
	}
	var front []*Emitter
	for i, e := range s.Emitters {
		beaten := false
		for j, f := range s.Emitters {
			beaten = beaten || novelty[j] >= novelty[i] && f.Improvement >= e.Improvement &&
				(novelty[j] > novelty[i] || f.Improvement > e.Improvement)
		}
		if !beaten {
			front = append(front, e)
		}
	}
	r := s.stream()
	return front[r.IntN(len(front))]
}

// over reports that e has lived long and no longer improves: over the last Patience steps, the
// median or the greatest of the members' rewards in the first 20 is at least that in the last 20, [C].
func (s *Search) over(e *Emitter) bool {
	if e.Steps <= s.o.Patience {
		return false
	}
	window := e.Values[len(e.Values)-s.o.Patience*s.o.Members:]
	n := min(20, s.o.Patience) * s.o.Members
	first, last := slices.Sorted(slices.Values(window[:n])), slices.Sorted(slices.Values(window[len(window)-n:]))
	return median(first) >= median(last) || first[n-1] >= last[n-1]
}

// median returns the median of sorted numbers.
func median(x []float32) float32 {
	n := len(x)
	return (x[(n-1)/2] + x[n/2]) / 2
}

// bury ends e: its ancestor is kept among the rewards, and some of what was novel for novelty.
func (s *Search) bury(e *Emitter) {
	r := s.stream()
	if !slices.Contains(s.Rewards, e.Ancestor) {
		s.Rewards = append(s.Rewards, e.Ancestor)
	}
	s.Archive = append(s.Archive, draw(e.Novel, s.o.Keep, &r)...)
	s.Emitters = slices.DeleteFunc(s.Emitters, func(f *Emitter) bool { return f == e })
}

// draw returns n different members of list, or all.
func draw(list []*Solution, n int, r *rng.Stream) []*Solution {
	list = slices.Clone(list)
	for i := range min(n, len(list)) {
		j := i + r.IntN(len(list)-i)
		list[i], list[j] = list[j], list[i]
	}
	return list[:min(n, len(list))]
}
