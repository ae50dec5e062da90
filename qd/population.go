package qd

import (
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Survival says which of parents and offspring a Population keeps.
type Survival uint8

const (
	// ByNovelty keeps the most novel: mean distance to the nearest among all and the archive
	// of the population (Lehman and Stanley, "Abandoning objectives: evolution through the
	// search for novelty alone", 2011, eq. 1).
	ByNovelty Survival = iota

	// ByLocalCompetition keeps the best fronts of novelty and the number of nearest
	// neighbours with a smaller objective, sorted as by NSGA-II (Lehman and Stanley, "Evolving
	// a diversity of virtual creatures through novelty search and local competition", GECCO
	// 2011; Deb, Pratap, Agarwal and Meyarivan, "NSGA-II", 2002, sections III-A and III-B).
	ByLocalCompetition

	// ByDominatedNovelty keeps those farthest from the nearest that are better: mean distance
	// to the nearest of greater objective, infinite where there is none (Bahlous-Boldi,
	// Faldor, Grillotti, Janmohamed, Coiffard, Spector and Cully, "Dominated Novelty Search",
	// GECCO 2025, algorithm 2).
	ByDominatedNovelty

	// ByFitness keeps those of the greatest objective: a plain genetic algorithm.
	ByFitness
)

// PopulationOptions are the options of NewPopulation.
type PopulationOptions struct {
	X0         []float32 // where the first solutions lie
	Size       int       // solutions that survive each generation
	Survival   Survival
	Neighbours int     // nearest neighbours that count; 15 for novelty search and 3 for dominated novelty in the papers
	Keep       int     // random offspring added each generation to the population's own archive of novelty; ignored without novelty
	First      float32 // standard deviation around X0 of the first solutions
	Iso, Line  float32 // of the variation, see IsoLine; Line is 0 for plain mutation
	Bounds     Bounds
}

// Population is an emitter that keeps its own population and decides itself what survives. The
// archive of the search is only told of its solutions.
type Population struct {
	o   PopulationOptions
	m   int // measures; 0 before the first Tell
	pop Batch

	past index // measures of the archive of novelty

	// Scratch of Tell.
	all   Batch
	order []int
	score []float64
	local []float64
	near  nearestOf
}

// NewPopulation returns an emitter whose population is empty.
func NewPopulation(o PopulationOptions) *Population { return &Population{o: o} }

// Len returns the size of the population.
func (e *Population) Len() int { return e.pop.N }

// Member returns member i of the population, the best first.
func (e *Population) Member(i int) Elite {
	n := len(e.o.X0)
	return Elite{Sol: e.pop.Sol[i*n : (i+1)*n], Objective: e.pop.Objective[i], Measures: e.pop.Measures[i*e.m : (i+1)*e.m]}
}

// Ask writes varied members.
func (e *Population) Ask(b *Batch, _ Archive, k rng.Key) {
	n := len(e.o.X0)
	for i := range b.N {
		x := b.Sol[i*n : (i+1)*n]
		r := k.Stream(samplePurpose, uint32(i), 0)
		if e.pop.N == 0 {
			for j, v := range e.o.X0 {
				x[j] = v + float32(e.o.First*r.Norm())
			}
			e.o.Bounds.clamp(x)
			continue
		}
		who := k.Stream(parentPurpose, uint32(i), 0)
		p, q := who.IntN(e.pop.N), who.IntN(e.pop.N)
		other, along := e.pop.Sol[q*n:(q+1)*n], e.o.Line*r.Norm()
		for j, v := range e.pop.Sol[p*n : (p+1)*n] {
			x[j] = v + float32(e.o.Iso*r.Norm()) + float32(along*(other[j]-v))
		}
		e.o.Bounds.clamp(x)
	}
}

// Tell lets the survivors of parents and offspring be the population.
func (e *Population) Tell(b *Batch, _ Archive, k rng.Key) {
	if e.m == 0 {
		e.begin(len(b.Measures) / b.N)
	}
	a := &e.all
	a.N = e.pop.N + b.N
	a.Sol = append(append(a.Sol[:0], e.pop.Sol...), b.Sol...)
	a.Objective = append(append(a.Objective[:0], e.pop.Objective...), b.Objective...)
	a.Measures = append(append(a.Measures[:0], e.pop.Measures...), b.Measures...)
	e.rank()
	n := len(e.o.X0)
	e.pop.N = min(e.o.Size, a.N)
	e.pop.Sol, e.pop.Objective, e.pop.Measures = e.pop.Sol[:0], e.pop.Objective[:0], e.pop.Measures[:0]
	for _, i := range e.order[:e.pop.N] {
		e.pop.Sol = append(e.pop.Sol, a.Sol[i*n:(i+1)*n]...)
		e.pop.Objective = append(e.pop.Objective, a.Objective[i])
		e.pop.Measures = append(e.pop.Measures, a.Measures[i*e.m:(i+1)*e.m]...)
	}
	if e.o.Survival == ByNovelty || e.o.Survival == ByLocalCompetition {
		e.remember(b, k)
	}
}

func (e *Population) begin(measures int) {
	e.m = measures
	e.past = newIndex(measures)
}

// remember adds random offspring to the archive of novelty.
func (e *Population) remember(b *Batch, k rng.Key) {
	r := k.Stream(parentPurpose, 0, 0)
	for range e.o.Keep {
		i := r.IntN(b.N)
		e.past.put(int32(e.past.len()), b.Measures[i*e.m:(i+1)*e.m])
	}
}

// rank orders all, what is to survive first.
func (e *Population) rank() {
	n := e.all.N
	e.order = e.order[:0]
	e.score = slices.Grow(e.score[:0], n)[:n]
	for i := range n {
		e.order = append(e.order, i)
		switch e.o.Survival {
		case ByFitness:
			e.score[i] = float64(e.all.Objective[i])
		case ByDominatedNovelty:
			e.neighbours(i, true)
			e.score[i] = e.near.meanDist()
		default:
			e.neighbours(i, false)
			e.score[i] = e.near.meanDist()
		}
	}
	if e.o.Survival == ByLocalCompetition {
		e.rankFronts()
		return
	}
	slices.SortStableFunc(e.order, func(i, j int) int { return descending(e.score[i], e.score[j]) })
}

func descending(a, b float64) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return 0
}

// neighbours finds the nearest of solution i: among the others of greater objective if only
// those count, else among all others and the archive of novelty, whose numbers begin at all.N.
func (e *Population) neighbours(i int, better bool) {
	e.near.reset(e.o.Neighbours, float32(math.Inf(1)))
	x := e.all.Measures[i*e.m : (i+1)*e.m]
	for j := range e.all.N {
		if j != i && !(better && e.all.Objective[j] <= e.all.Objective[i]) {
			e.near.offer(int32(j), squared(e.all.Measures[j*e.m:(j+1)*e.m], x))
		}
	}
	if !better && e.past.len() > 0 {
		// Members of the archive tie with none of the others that matters: distances do.
		e.past.nearest(x, &e.near)
	}
}

// rankFronts orders by the fronts of novelty and local competition.
func (e *Population) rankFronts() {
	e.local = slices.Grow(e.local[:0], e.all.N)[:e.all.N]
	for i := range e.local {
		e.local[i] = e.competition(i)
	}
	e.order = SortFronts(e.score, e.local)
}

// competition counts the nearest of the others whose objective is smaller than that of i.
func (e *Population) competition(i int) float64 {
	e.near.reset(e.o.Neighbours, float32(math.Inf(1)))
	x := e.all.Measures[i*e.m : (i+1)*e.m]
	for j := range e.all.N {
		if j != i {
			e.near.offer(int32(j), squared(e.all.Measures[j*e.m:(j+1)*e.m], x))
		}
	}
	count := 0.0
	for _, p := range e.near.list {
		if e.all.Objective[p.id] < e.all.Objective[i] {
			count++
		}
	}
	return count
}

func (e *Population) state(c *codec) {
	c.int(&e.m)
	c.int(&e.pop.N)
	vary(c, &e.pop.Sol)
	vary(c, &e.pop.Objective)
	vary(c, &e.pop.Measures)
	past := e.past.points
	vary(c, &past)
	c.check(e.pop.N == len(e.pop.Objective) && len(e.pop.Sol) == e.pop.N*len(e.o.X0) &&
		len(e.pop.Measures) == e.pop.N*e.m && e.m >= 0 && (e.m > 0 || len(past) == 0))
	if c.reading && c.err == nil {
		e.past = newIndex(e.m)
		for i := 0; i*e.m < len(past); i++ {
			e.past.put(int32(i), past[i*e.m:(i+1)*e.m])
		}
	}
}

// AppendBinary appends the population and its archive of novelty.
func (e *Population) AppendBinary(dst []byte) ([]byte, error) { return save(dst, e.state) }

// UnmarshalBinary loads a state of AppendBinary.
func (e *Population) UnmarshalBinary(data []byte) error { return load(data, "population", e.state) }

var (
	_ Emitter = (*Population)(nil)
	_ Saver   = (*Population)(nil)
)
