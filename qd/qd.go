// Package qd is quality-diversity search: it looks for many solutions that differ in behaviour
// and are each as good as possible, rather than for the single best one.
//
// Three parts meet in a [Search]. An [Archive] keeps the solutions found, one a niche of
// behaviour. An [Emitter] proposes solutions and learns from what the archive made of them. The
// caller evaluates them: this package knows flat parameter vectors and nothing of environments.
//
// Whole batches flow through, as plain arrays:
//
//	Emitter.Ask -> Batch.Sol -> caller -> Batch.Objective, Batch.Measures -> Archive.Add
//	-> Batch.Status, Batch.Gain -> Emitter.Tell
//
// Archives and emitters are found by name, see [RegisterArchive] and [RegisterEmitter]. Package
// qdtest checks ones of your own, qdfile writes archives to files, signature describes paths, and
// stax searches with descriptors that are learned.
//
// Objectives are maximised. Measures, also called descriptors, place a solution in its niche.
package qd

import (
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Status says what an archive did with a solution. Better outcomes are larger.
type Status uint8

const (
	Rejected Status = iota // nothing: its niche holds something better
	Improved               // it replaced the elite of its niche
	New                    // it is the first of its niche
)

// String returns the name of s.
func (s Status) String() string { return [...]string{"rejected", "improved", "new"}[s] }

// A Batch holds N solutions, one a row, and what became of them.
type Batch struct {
	N         int
	Sol       []float32 // N x Dim: parameters, written by Emitter.Ask
	Objective []float32 // N: to be maximised, written by the caller
	Measures  []float32 // N x measures: behaviour, written by the caller
	Status    []Status  // N: written by Archive.Add
	Gain      []float32 // N: objective less what its niche asked for before; written by Archive.Add
}

// NewBatch returns a batch of n solutions of dim parameters and the given number of measures.
func NewBatch(n, dim, measures int) *Batch {
	f := func(w int) []float32 { return make([]float32, n*w) }
	return &Batch{N: n, Sol: f(dim), Objective: f(1), Measures: f(measures), Status: make([]Status, n), Gain: f(1)}
}

// Rows returns rows lo to hi, exclusive, as a batch that shares memory with b.
func (b *Batch) Rows(lo, hi int) *Batch {
	part := func(x []float32) []float32 {
		w := len(x) / b.N
		return x[lo*w : hi*w : hi*w]
	}
	return &Batch{
		N: hi - lo, Sol: part(b.Sol), Objective: part(b.Objective), Measures: part(b.Measures),
		Status: b.Status[lo:hi:hi], Gain: part(b.Gain),
	}
}

// check reports the first number of b that an archive of the given shape cannot take.
func (b *Batch) check(dim, measures int) error {
	if len(b.Sol) != b.N*dim || len(b.Measures) != b.N*measures {
		return fmt.Errorf("qd: batch of %d has %d parameters and %d measures, the archive takes %d and %d a solution",
			b.N, len(b.Sol), len(b.Measures), dim, measures)
	}
	for i, x := range b.Objective {
		if !geom.Finite(x) {
			return fmt.Errorf("qd: objective of solution %d is %v", i, x)
		}
	}
	for i, x := range b.Measures {
		if !geom.Finite(x) {
			return fmt.Errorf("qd: measure %d of solution %d is %v", i%measures, i/measures, x)
		}
	}
	return nil
}

// An Elite is a solution that an archive keeps. Its slices belong to the archive.
type Elite struct {
	Sol       []float32
	Objective float32
	Measures  []float32
}

// An Archive keeps solutions.
type Archive interface {
	// Add offers the solutions of b, all compared with the archive as it was before, and
	// writes b.Status and b.Gain. Of several that suit one niche the best is kept. It fails,
	// and keeps none, if a number is not finite or the shapes are wrong.
	Add(b *Batch) error

	// Len returns the number of elites.
	Len() int

	// Elite returns elite i of Len. Elites keep their numbers when others arrive.
	Elite(i int) Elite
}

// An Emitter proposes solutions. Ask and Tell strictly alternate, with batches of one size, and
// may use the archive for reading. Different emitters are called at the same time.
type Emitter interface {
	// Ask writes b.Sol, drawing from k.
	Ask(b *Batch, a Archive, k rng.Key)

	// Tell learns from b, evaluated and added, which holds the solutions of the last Ask.
	Tell(b *Batch, a Archive, k rng.Key)
}

// Search connects emitters, an archive and the caller's evaluation.
type Search struct {
	Archive  Archive
	Result   Archive // also offered every solution, if not nil: what a threshold archive would forget
	Emitters []Emitter
	PerEmit  int // solutions an emitter proposes each iteration
	Evaluate func(b *Batch) error
	Key      rng.Key

	iteration uint64
	batch     *Batch
	rows      []*Batch
}

// Step performs one iteration: ask, evaluate, add, tell. The result does not depend on the
// number of CPUs.
func (s *Search) Step(dim, measures int) error {
	if s.batch == nil {
		s.batch = NewBatch(len(s.Emitters)*s.PerEmit, dim, measures)
		for i := range s.Emitters {
			s.rows = append(s.rows, s.batch.Rows(i*s.PerEmit, (i+1)*s.PerEmit))
		}
	}
	k := s.Key.Fold(s.iteration)
	s.each(func(i int) { s.Emitters[i].Ask(s.rows[i], s.Archive, k.Fold(uint64(2*i))) })
	if err := s.Evaluate(s.batch); err != nil {
		return err
	}
	if s.Result != nil {
		if err := s.Result.Add(s.batch); err != nil {
			return err
		}
	}
	if err := s.Archive.Add(s.batch); err != nil {
		return err
	}
	s.each(func(i int) { s.Emitters[i].Tell(s.rows[i], s.Archive, k.Fold(uint64(2*i+1))) })
	s.iteration++
	return nil
}

// each runs f for every emitter, on all CPUs.
func (s *Search) each(f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), len(s.Emitters))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(s.Emitters); i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

// Stats summarise an archive.
type Stats struct {
	Elites   int
	Coverage float64 // elites as a part of all niches; NaN where niches cannot be counted
	QDScore  float64 // sum over elites of objective less offset
	Best     float64 // greatest objective
	Mean     float64 // mean objective
}

// Summarize returns the statistics of a, which has the given number of niches, 0 if they cannot
// be counted. The offset is the least objective there can be, so that no elite lowers the score.
func Summarize(a Archive, niches int, offset float64) Stats {
	s := Stats{Elites: a.Len(), Best: math.Inf(-1), Coverage: math.NaN()}
	sum := 0.0
	for i := range s.Elites {
		f := float64(a.Elite(i).Objective)
		sum += f
		s.Best = max(s.Best, f)
	}
	s.QDScore = sum - offset*float64(s.Elites)
	s.Mean = sum / float64(s.Elites)
	if niches > 0 {
		s.Coverage = float64(s.Elites) / float64(niches)
	}
	return s
}
