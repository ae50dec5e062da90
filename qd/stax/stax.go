// Package stax discovers sparse rewards in a behaviour space that it learns, and exploits them:
// novelty search, TAXONS, SERENE and STAX as one [Search] with options.
//
//	              Describer    Select     Exploit
//	novelty       Columns      ByNovelty  false
//	TAXONS        Autoencoder  ByCoin     false
//	SERENE        Columns      ByNovelty  true
//	STAX          Autoencoder  ByCoin     true
//	STAX-P        Autoencoder  ByFronts   true
//
// The sources are Paolo, Coninx, Laflaquiere and Doncieux, "Discovering and exploiting sparse
// rewards in a learned behavior space" (Evolutionary Computation, 2023), called [P] in comments,
// and the same authors' "Sparse reward exploration via novelty search and emitters" (GECCO 2021).
// Where those leave something open, it is as in the authors' program, called [C].
//
// A search spends evaluations in chunks, by turns to explore and to exploit. To explore is to
// evolve a population by novelty or surprise. Every rewarded solution met may found an emitter, a
// small population that climbs the reward; to exploit is to try founders and to run those
// emitters that are promising. After 1, 3, 6, 10... chunks of exploration the descriptor is
// trained on everything kept, and all descriptors are made anew.
package stax

import (
	"bytes"
	"cmp"
	"encoding/gob"
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/describe"
)

// Options are the options of New. The default (zero) of each number is that of [P].
type Options struct {
	Dim        int     // parameters of a solution
	Obs        int     // numbers that Evaluate observes of a solution
	Bound      float32 // parameters lie in -Bound to Bound; default 5
	Population int     // default 100
	Offspring  int     // of each parent; default 2
	Sigma      float32 // of mutations; default 0.05
	Neighbours int     // nearest that make novelty; default 15
	Keep       int     // random offspring archived a generation; default 5
	Chunk      int     // evaluations of a chunk; default 1000
	Members    int     // population of an emitter; default 6
	Patience   int     // steps after which an emitter may end; default 20 Dim/6 + 120
	Select     Selection
	Exploit    bool // emitters
	Schedule   Schedule
	Describer  describe.Describer
	Key        rng.Key

	// Evaluate plays n solutions and writes what is observed of each and its reward, which is
	// 0 where there is none. What it writes must depend on the solutions only.
	Evaluate func(sol []float32, n int, obs, reward []float32) error
}

// Selection says which of parents and offspring survive a generation of exploration.
type Selection uint8

const (
	ByNovelty Selection = iota // the most novel
	ByCoin                     // a coin decides whether the most novel or the most surprising: TAXONS
	ByFronts                   // the best fronts of novelty and surprise, sorted as by NSGA-II: STAX-P
	ByReward                   // the best fronts of novelty and reward: the baseline of SERENE's paper
)

// Schedule says when to explore and when to exploit.
type Schedule uint8

const (
	Alternating Schedule = iota // by turns

	// UCB takes the choice of the greater mean reward plus sqrt(ln t / n): UCB1 with rewards of
	// -tanh(change in the number of emitters and candidates) for exploring and tanh(change) for
	// exploiting, [C].
	UCB
)

// A Solution is a solution that was evaluated.
type Solution struct {
	Sol, Obs   []float32
	Descriptor []float32 // of the search's current version
	Surprise   float32
	Reward     float32
}

// An Emitter is a small population that climbs a reward.
type Emitter struct {
	Ancestor    *Solution
	Members     []*Solution
	Sigma       float32
	Best        float32 // greatest reward so far
	Novelty     float64 // greatest of its members so far
	Improvement float64 // of the mean reward during its trial
	Steps       int
	Values      []float32   // rewards of the members, step by step
	Novel       []*Solution // more novel than any member before
}

// state is what a search remembers.
type state struct {
	Population, Archive, Rewards []*Solution
	Offspring                    []*Solution // the last ones of exploration
	Candidates                   []*Solution // rewarded, not tried yet
	Sigmas                       []float32   // of the emitters that they would found
	Emitters                     []*Emitter
	Evaluations, Draws           uint64
	Chunks, Since, Interval      int // of exploration: all, since the last training, until the next
	Version                      int // of descriptors
	Exploiting                   bool
	Pulls, Worth                 [2]float64 // of exploring and exploiting, for UCB
	Params                       []float32  // of the describer
}

// Search is a search. Its results are a function of the options.
type Search struct {
	o Options
	state
}

// New returns a search that has evaluated nothing yet.
func New(o Options) (*Search, error) {
	def := func(v *int, to int) {
		if *v == 0 {
			*v = to
		}
	}
	def(&o.Population, 100)
	def(&o.Offspring, 2)
	def(&o.Neighbours, 15)
	def(&o.Keep, 5)
	def(&o.Chunk, 1000)
	def(&o.Members, 6)
	def(&o.Patience, 20*o.Dim/6+120)
	if o.Bound == 0 {
		o.Bound = 5
	}
	if o.Sigma == 0 {
		o.Sigma = 0.05
	}
	switch {
	case o.Dim < 1 || o.Obs < 1:
		return nil, fmt.Errorf("stax: solutions of %d parameters and %d observations, want at least 1 of each", o.Dim, o.Obs)
	case o.Describer == nil || o.Evaluate == nil:
		return nil, fmt.Errorf("stax: it needs a Describer and an Evaluate")
	case o.Select > ByReward || o.Schedule > UCB:
		return nil, fmt.Errorf("stax: selection %d and schedule %d, want at most %d and %d", o.Select, o.Schedule, ByReward, UCB)
	case min(o.Population, o.Offspring, o.Neighbours, o.Chunk, o.Members, o.Patience) < 1 || o.Keep < 0 || !(o.Bound > 0 && o.Sigma > 0):
		return nil, fmt.Errorf("stax: a number of the options is below its least value: %+v", o)
	}
	return &Search{o: o, state: state{Interval: 1}}, nil
}

// Stats are figures of a search.
type Stats struct {
	Evaluations uint64
	Archive     int // solutions that novelty remembers
	Rewards     int // solutions in the archive of rewarded ones
	Emitters    int // that live
	Candidates  int
	Version     int // of descriptors: how often they were trained
	Best        float32
}

// Stats returns the figures of the search.
func (s *Search) Stats() Stats {
	out := Stats{s.Evaluations, len(s.Archive), len(s.Rewards), len(s.Emitters), len(s.Candidates), s.Version, 0}
	for _, a := range s.Rewards {
		out.Best = max(out.Best, a.Reward)
	}
	return out
}

// Found returns the archives: what novelty remembers, and the rewarded solutions. The caller
// must not modify them.
func (s *Search) Found() (novel, rewarded []*Solution) { return s.Archive, s.Rewards }

// stream returns random numbers that nothing else has drawn.
func (s *Search) stream() rng.Stream {
	s.Draws++
	return s.o.Key.Fold(s.Draws).Stream(2, 0, 0)
}

// Step spends a chunk of evaluations to explore or to exploit, by turns. A chunk to exploit
// costs nothing while there is nothing to exploit.
func (s *Search) Step() error {
	if s.Population == nil {
		if err := s.begin(); err != nil {
			return err
		}
	}
	exploit, before := s.Exploiting, len(s.Emitters)+len(s.Candidates)
	var err error
	if exploit {
		err = s.exploit()
	} else {
		err = s.explore()
	}
	s.plan(exploit, len(s.Emitters)+len(s.Candidates)-before)
	return err
}

// plan decides what the next step is for, given what the last one was and how it changed the
// number of emitters and candidates.
func (s *Search) plan(exploited bool, change int) {
	if s.o.Schedule == Alternating || !s.o.Exploit {
		s.Exploiting = s.o.Exploit && !exploited
		return
	}
	arm, reward := 0, -math.Tanh(float64(change))
	if exploited {
		arm, reward = 1, math.Tanh(float64(change))
	}
	s.Pulls[arm]++
	s.Worth[arm] += (reward - s.Worth[arm]) / s.Pulls[arm]
	value := func(arm int) float64 {
		if s.Pulls[arm] == 0 {
			return math.Inf(1)
		}
		return s.Worth[arm] + math.Sqrt(math.Log(s.Pulls[0]+s.Pulls[1])/s.Pulls[arm])
	}
	s.Exploiting = len(s.Emitters)+len(s.Candidates) > 0 && value(1) > value(0)
}

// begin draws the first population: normal parameters, within the bounds, [C].
func (s *Search) begin() error {
	r := s.stream()
	sol := make([]float32, s.o.Population*s.o.Dim)
	for i := range sol {
		sol[i] = geom.Clamp(r.Norm(), -s.o.Bound, s.o.Bound)
	}
	var err error
	s.Population, err = s.evaluate(sol)
	s.meet(s.Population, s.Population)
	return err
}

// evaluate returns the solutions with parameters sol.
func (s *Search) evaluate(sol []float32) ([]*Solution, error) {
	n := len(sol) / s.o.Dim
	obs, reward := make([]float32, n*s.o.Obs), make([]float32, n)
	if err := s.o.Evaluate(sol, n, obs, reward); err != nil {
		return nil, err
	}
	s.Evaluations += uint64(n)
	out := make([]*Solution, n)
	for i := range out {
		out[i] = &Solution{Sol: sol[i*s.o.Dim : (i+1)*s.o.Dim], Obs: obs[i*s.o.Obs : (i+1)*s.o.Obs], Reward: reward[i]}
		for j, v := range out[i].Obs {
			if !geom.Finite(v) {
				return nil, fmt.Errorf("stax: observation %d of solution %d is %v", j, i, v)
			}
		}
		if !geom.Finite(reward[i]) {
			return nil, fmt.Errorf("stax: reward of solution %d is %v", i, reward[i])
		}
	}
	s.describe(out)
	return out, nil
}

// describe gives solutions the descriptors of the current version.
func (s *Search) describe(list []*Solution) {
	w := s.o.Describer.Width()
	obs := make([]float32, 0, len(list)*s.o.Obs)
	for _, a := range list {
		obs = append(obs, a.Obs...)
	}
	d, surprise := make([]float32, len(list)*w), make([]float32, len(list))
	s.o.Describer.Describe(d, surprise, obs, len(list))
	for i, a := range list {
		a.Descriptor, a.Surprise = d[i*w:(i+1)*w], surprise[i]
	}
}

// mutate appends n mutants of a.
func (s *Search) mutate(dst []float32, a *Solution, n int, sigma float32, r *rng.Stream) []float32 {
	for range n {
		for _, v := range a.Sol {
			dst = append(dst, geom.Clamp(v+float32(sigma*r.Norm()), -s.o.Bound, s.o.Bound))
		}
	}
	return dst
}

// explore evolves the population for a chunk of evaluations: [P], algorithm 2.
func (s *Search) explore() error {
	for end := s.Evaluations + uint64(s.o.Chunk); s.Evaluations < end; {
		r := s.stream()
		var sol []float32
		for _, p := range s.Population {
			sol = s.mutate(sol, p, s.o.Offspring, s.o.Sigma, &r)
		}
		offspring, err := s.evaluate(sol)
		if err != nil {
			return err
		}
		s.Offspring = offspring
		all := slices.Concat(s.Population, offspring)
		s.meet(offspring, all)
		s.survive(all, &r)
		for range s.o.Keep {
			s.Archive = append(s.Archive, offspring[r.IntN(len(offspring))])
		}
	}
	s.Chunks++
	s.Since++
	if s.Since == s.Interval {
		s.Since = 0
		s.Interval++
		return s.train()
	}
	return nil
}

// survive makes the best of all the population.
func (s *Search) survive(all []*Solution, r *rng.Stream) {
	novelty, other := make([]float64, len(all)), make([]float64, len(all))
	for i, a := range all {
		other[i] = float64(a.Surprise)
		if s.o.Select == ByReward {
			other[i] = float64(a.Reward)
		}
	}
	bySurprise := s.o.Select == ByCoin && r.IntN(2) == 1
	if !bySurprise {
		reference := s.reference(all)
		for i, a := range all {
			novelty[i] = s.novelty(a, reference)
		}
	}
	var order []int
	switch {
	case s.o.Select == ByFronts || s.o.Select == ByReward:
		order = qd.SortFronts(novelty, other)
	case bySurprise:
		order = descending(other)
	default:
		order = descending(novelty)
	}
	s.Population = s.Population[:0:0]
	for _, i := range order[:s.o.Population] {
		s.Population = append(s.Population, all[i])
	}
}

func descending(x []float64) []int {
	order := make([]int, len(x))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(x[j], x[i]) })
	return order
}

// reference returns what novelty compares with: [P], section 3.1.
func (s *Search) reference(all []*Solution) []*Solution {
	return slices.Concat(all, s.Archive, s.Rewards)
}

// novelty returns the mean distance of a from the nearest of the others: [P], eq. 1. It is
// infinite where there are no others.
func (s *Search) novelty(a *Solution, others []*Solution) float64 {
	near := make([]float32, 0, s.o.Neighbours+1)
	for _, b := range others {
		if b == a {
			continue
		}
		d := float32(0)
		for j, v := range a.Descriptor {
			d += float32((v - b.Descriptor[j]) * (v - b.Descriptor[j]))
		}
		if len(near) == s.o.Neighbours && d >= near[len(near)-1] {
			continue
		}
		at, _ := slices.BinarySearch(near, d)
		near = slices.Insert(near, at, d)
		near = near[:min(len(near), s.o.Neighbours)]
	}
	if len(near) == 0 {
		return math.Inf(1)
	}
	sum := 0.0
	for _, d := range near {
		sum += math.Sqrt(float64(d))
	}
	return sum / float64(len(near))
}

// meet makes rewarded solutions candidates to found an emitter, whose step is a third of the
// least distance to the others in parameters.
func (s *Search) meet(fresh, others []*Solution) {
	for _, a := range fresh {
		if a.Reward <= 0 {
			continue
		}
		s.Rewards = append(s.Rewards, a)
		if !s.o.Exploit {
			continue
		}
		least := math.Inf(1)
		for _, b := range others {
			d := 0.0
			for j, v := range a.Sol {
				d += float64(v-b.Sol[j]) * float64(v-b.Sol[j])
			}
			if b != a && d > 0 {
				least = min(least, math.Sqrt(d))
			}
		}
		sigma := float32(least / 3)
		if math.IsInf(least, 1) {
			sigma = s.o.Sigma
		}
		s.Candidates, s.Sigmas = append(s.Candidates, a), append(s.Sigmas, sigma)
	}
}

// train trains the describer on archive, population, last offspring and rewarded solutions, and
// makes the descriptors of all that is kept anew: distances of descriptors of two versions mean
// nothing. The members of emitters are not trained on: they are many, and much alike.
func (s *Search) train() error {
	var obs []float32
	data := unique(s.Archive, s.Population, s.Offspring, s.Rewards)
	for _, a := range data {
		obs = append(obs, a.Obs...)
	}
	s.Draws++
	changed, err := s.o.Describer.Train(obs, len(data), s.o.Key.Fold(s.Draws))
	if err != nil || !changed {
		return err
	}
	s.Version++
	s.describe(s.kept())
	return nil
}

// kept returns every solution that the search holds, once.
func (s *Search) kept() (out []*Solution) {
	lists := [][]*Solution{s.Population, s.Offspring, s.Archive, s.Rewards, s.Candidates}
	for _, e := range s.Emitters {
		lists = append(lists, []*Solution{e.Ancestor}, e.Members, e.Novel)
	}
	return unique(lists...)
}

// unique returns the members of all lists, each once.
func unique(lists ...[]*Solution) (out []*Solution) {
	seen := map[*Solution]bool{}
	for _, list := range lists {
		for _, a := range list {
			if !seen[a] {
				seen[a] = true
				out = append(out, a)
			}
		}
	}
	return out
}

// AppendBinary appends the state, observations included, so that a search that goes on can
// still be trained on what was seen before.
func (s *Search) AppendBinary(dst []byte) ([]byte, error) {
	st := s.state
	st.Params = s.o.Describer.Params()
	var buf bytes.Buffer
	all := s.kept()
	number := map[*Solution]int{}
	for i, a := range all {
		number[a] = i
	}
	if err := gob.NewEncoder(&buf).Encode(file{all, st.numbers(number), st.plain()}); err != nil {
		return dst, fmt.Errorf("stax: %w", err)
	}
	return append(dst, buf.Bytes()...), nil
}

// UnmarshalBinary continues from a state of AppendBinary of a search of the same options.
func (s *Search) UnmarshalBinary(data []byte) error {
	var f file
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&f); err != nil {
		return fmt.Errorf("stax: damaged state: %w", err)
	}
	st, err := f.state()
	if err != nil {
		return err
	}
	if params := s.o.Describer.Params(); len(params) != len(st.Params) {
		return fmt.Errorf("stax: the state has a describer of %d parameters, this search one of %d", len(st.Params), len(params))
	}
	for _, a := range f.All {
		if len(a.Sol) != s.o.Dim || len(a.Obs) != s.o.Obs || len(a.Descriptor) != s.o.Describer.Width() {
			return fmt.Errorf("stax: the state has solutions of %d parameters, %d observations and descriptors of %d; this search has %d, %d and %d",
				len(a.Sol), len(a.Obs), len(a.Descriptor), s.o.Dim, s.o.Obs, s.o.Describer.Width())
		}
	}
	s.state = *st
	copy(s.o.Describer.Params(), st.Params)
	return nil
}
