package qd

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Ranking says which solutions CMA-ES is to follow.
type Ranking uint8

const (
	// ByImprovement ranks by gain: CMA-MAE, and the improvement emitter of CMA-ME where all
	// cells have a threshold.
	ByImprovement Ranking = iota

	// ByNewThenImprovement ranks new cells before improved ones before rejected solutions,
	// each by gain: the improvement emitter of CMA-ME (Fontaine et al., GECCO 2020, section 4).
	ByNewThenImprovement

	// ByNewThenObjective ranks the same classes, each by objective: the optimising emitter.
	ByNewThenObjective

	// ByNewThenDirection ranks the same classes, each by progress along a direction of
	// measure space, drawn anew at each restart: the random direction emitter.
	ByNewThenDirection

	// ByObjective ranks by objective alone: plain CMA-ES.
	ByObjective
)

// EvolutionOptions are the options of NewEvolution.
type EvolutionOptions struct {
	X0     []float32 // where to begin; restarts begin at a random elite
	Sigma  float64   // initial standard deviation
	Batch  int       // solutions a generation
	Rank   Ranking
	Filter bool // parents are the accepted solutions, and none being accepted means a restart (CMA-ME); else the better half
	Bounds Bounds

	Covariance Covariance
}

// Covariance says how much of the distribution CMA-ES adapts.
type Covariance uint8

const (
	Full      Covariance = iota // everything; memory grows with the square of the parameters
	Separable                   // the variance of each parameter (Ros and Hansen, PPSN 2008)
	Limited                     // a few directions: LM-MA-ES (Loshchilov, Glasmachers and Beyer, 2019)
)

var covariances = [...]string{"full", "separable", "limited"}

// String returns the name of c.
func (c Covariance) String() string { return covariances[c] }

// MarshalText returns the name of c.
func (c Covariance) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText sets c by its name.
func (c *Covariance) UnmarshalText(text []byte) error {
	for i, name := range covariances {
		if name == string(text) {
			*c = Covariance(i)
			return nil
		}
	}
	return fmt.Errorf("unknown covariance %q, want one of %q", text, covariances)
}

// A strategy is a distribution that adapts itself.
type strategy interface {
	reset(x []float32)                   // starts afresh around x
	sample(sol []float32, k rng.Key)     // writes as many points as sol has room for
	update(sol []float32, parents []int) // follows the parents, rows of sol, the best first
	exhausted() bool                     // nothing more is to be expected
	state(c *codec)
}

// Evolution is the emitter of the CMA-ME family: a CMA-ES that follows what the archive finds
// worth having.
type Evolution struct {
	o         EvolutionOptions
	es        strategy
	started   bool
	direction []float64
	value     []float64
	order     []int
	restarts  int
}

// NewEvolution returns an emitter.
func NewEvolution(o EvolutionOptions) *Evolution {
	return &Evolution{
		o: o, es: newStrategy(o.Covariance, len(o.X0), o.Batch, o.Sigma), value: make([]float64, o.Batch), order: make([]int, o.Batch),
	}
}

func newStrategy(c Covariance, n, lambda int, sigma float64) strategy {
	switch c {
	case Separable:
		return newSepCMAES(n, sigma)
	case Limited:
		return newLMMAES(n, lambda, sigma)
	}
	return newCMAES(n, lambda, sigma)
}

// Restarts returns how often the emitter began anew.
func (e *Evolution) Restarts() int { return e.restarts }

// Ask writes samples of the current distribution.
func (e *Evolution) Ask(b *Batch, _ Archive, k rng.Key) {
	if !e.started {
		e.begin(e.o.X0, len(b.Measures)/b.N, k)
		e.started = true
	}
	e.es.sample(b.Sol, k)
	e.o.Bounds.clamp(b.Sol)
}

func (e *Evolution) begin(x []float32, measures int, k rng.Key) {
	e.es.reset(x)
	r := k.Stream(directionPurpose, 0, 0)
	e.direction = slices.Grow(e.direction[:0], measures)[:measures]
	for i := range e.direction {
		e.direction[i] = float64(r.Norm())
	}
}

// Tell adapts the distribution, and restarts it when it is exhausted.
func (e *Evolution) Tell(b *Batch, a Archive, k rng.Key) {
	accepted := e.rank(b)
	parents := b.N / 2
	if e.o.Filter {
		parents = accepted
	}
	e.es.update(b.Sol, e.order[:parents])
	best, worst := e.order[0], e.order[b.N-1]
	flat := math.Abs(e.value[best]-e.value[worst]) < 1e-12 && (e.o.Rank == ByImprovement || e.o.Rank == ByObjective || b.Status[best] == b.Status[worst])
	if flat || e.es.exhausted() || e.o.Filter && accepted == 0 {
		e.restarts++
		e.begin(pick(a, e.o.X0, k, 0, 0), len(b.Measures)/b.N, k)
	}
}

// rank orders the rows of b, best first, and returns how many were accepted.
func (e *Evolution) rank(b *Batch) (accepted int) {
	m := len(b.Measures) / b.N
	for i := range b.N {
		e.order[i] = i
		if b.Status[i] != Rejected {
			accepted++
		}
		switch e.o.Rank {
		case ByObjective, ByNewThenObjective:
			e.value[i] = float64(b.Objective[i])
		case ByNewThenDirection:
			e.value[i] = 0
			for j, d := range e.direction {
				e.value[i] += d * float64(b.Measures[i*m+j])
			}
		default:
			e.value[i] = float64(b.Gain[i])
		}
	}
	classes := e.o.Rank != ByImprovement && e.o.Rank != ByObjective
	slices.SortFunc(e.order, func(i, j int) int {
		if classes && b.Status[i] != b.Status[j] {
			return int(b.Status[j]) - int(b.Status[i])
		}
		switch d := e.value[j] - e.value[i]; {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return i - j
	})
	return accepted
}

var _ Emitter = (*Evolution)(nil)
