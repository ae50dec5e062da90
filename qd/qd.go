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
// [Search.Step] does all of it with a function that evaluates; [Search.Ask] and [Search.Tell] leave
// the evaluation to you.
//
// Archives and emitters are found by name, see [RegisterArchive] and [RegisterEmitter]. Package
// qdtest checks ones of your own, qdfile writes archives to files, describe turns observations into
// descriptors, aurora is an archive over such descriptors, and stax searches for sparse rewards.
//
// Objectives are maximised. Measures, also called descriptors, place a solution in its niche.
package qd

import (
	"errors"
	"fmt"

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

// What can be wrong with a call. Errors say more, and what to do about it; errors.Is finds these
// in them.
var (
	ErrShape     = errors.New("wrong shape")              // slices of the wrong length
	ErrNotFinite = errors.New("not a finite number")      // a NaN or an infinity
	ErrOutside   = errors.New("outside the bounds")       // measures beyond those of the archive
	ErrOrder     = errors.New("wrong order of calls")     // Tell before Ask
	ErrVersion   = errors.New("other descriptor version") // measures that do not compare with the archive's
)

// A Batch holds N solutions, one a row, and what became of them.
type Batch struct {
	N         int
	Sol       []float32 // N x Dim: parameters, written by Emitter.Ask
	Objective []float32 // N: to be maximised, written by the caller
	Measures  []float32 // N x measures: behaviour, written by the caller
	Goals     []float32 // N x further objectives, if the archive is one of several; written by the caller
	Obs       []float32 // N x observations, if the archive describes behaviour itself; written by the caller
	Version   uint64    // of the descriptors in Measures, where they are learned
	Status    []Status  // N: written by Archive.Add
	Gain      []float32 // N: objective less what its niche asked for before; written by Archive.Add
}

// NewBatch returns a batch of n solutions of dim parameters and the given number of measures.
func NewBatch(n, dim, measures int) *Batch { return Shape{Dim: dim, Measures: measures}.Batch(n) }

// A Shape says how many numbers of each kind a solution has.
type Shape struct{ Dim, Measures, Goals, Obs int }

// Batch returns a batch of n solutions.
func (s Shape) Batch(n int) *Batch {
	f := func(w int) []float32 {
		if w == 0 {
			return nil
		}
		return make([]float32, n*w)
	}
	return &Batch{
		N: n, Sol: f(s.Dim), Objective: f(1), Measures: f(s.Measures), Goals: f(s.Goals), Obs: f(s.Obs),
		Status: make([]Status, n), Gain: f(1),
	}
}

// Rows returns rows lo to hi, exclusive, as a batch that shares memory with b.
func (b *Batch) Rows(lo, hi int) *Batch {
	part := func(x []float32) []float32 {
		w := len(x) / b.N
		return x[lo*w : hi*w : hi*w]
	}
	return &Batch{
		N: hi - lo, Sol: part(b.Sol), Objective: part(b.Objective), Measures: part(b.Measures),
		Goals: part(b.Goals), Obs: part(b.Obs), Version: b.Version,
		Status: b.Status[lo:hi:hi], Gain: part(b.Gain),
	}
}

// check reports the first thing of b that an archive of the given shape cannot take.
func (b *Batch) check(s Shape) error {
	if b.N < 1 || len(b.Sol) != b.N*s.Dim || len(b.Measures) != b.N*s.Measures || len(b.Goals) != b.N*s.Goals ||
		len(b.Objective) != b.N || len(b.Status) != b.N || len(b.Gain) != b.N {
		return fmt.Errorf("qd: batch of %d has %d parameters, %d measures and %d further goals; the archive takes %d, %d and %d a solution: make it with Shape.Batch: %w",
			b.N, len(b.Sol), len(b.Measures), len(b.Goals), s.Dim, s.Measures, s.Goals, ErrShape)
	}
	for _, c := range []struct {
		what string
		x    []float32
		w    int
	}{{"objective", b.Objective, 1}, {"measure", b.Measures, s.Measures}, {"goal", b.Goals, s.Goals}} {
		for i, x := range c.x {
			if geom.Finite(x) {
				continue
			}
			what := c.what
			if c.what != "objective" {
				what += fmt.Sprintf(" %d", i%c.w)
			}
			return fmt.Errorf("qd: %s of solution %d is %v: have the evaluation write finite numbers for solutions that fail, too: %w", what, i/c.w, x, ErrNotFinite)
		}
	}
	return nil
}

// An Elite is a solution that an archive keeps. Its slices belong to the archive.
type Elite struct {
	Sol       []float32
	Objective float32
	Measures  []float32
	Goals     []float32 // further objectives, in an archive of several
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
