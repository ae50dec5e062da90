// Package qdtest checks that archives and emitters keep the contracts of package qd. Whoever
// writes one calls it from a test:
//
//	qdtest.Archive(t, 4, 2, func() qd.Archive { return mine.NewArchive(4, 2) })
package qdtest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

const (
	batchSize = 24
	rounds    = 20
)

// evaluate fills b with an objective and measures that follow from the parameters.
func evaluate(b *qd.Batch) {
	dim, m := len(b.Sol)/b.N, len(b.Measures)/b.N
	for i := range b.N {
		x := b.Sol[i*dim : (i+1)*dim]
		sum := float32(0)
		for _, v := range x {
			sum += float32(v * v)
		}
		b.Objective[i] = -sum
		for j := range m {
			b.Measures[i*m+j] = geom.Tanh(x[j%dim] + float32(0.3*x[(j+1)%dim]))
		}
	}
}

func randomBatch(dim, measures int, round uint64) *qd.Batch {
	b := qd.NewBatch(batchSize, dim, measures)
	r := rng.New(round).Stream(1, 0, 0)
	for i := range b.Sol {
		b.Sol[i] = r.Norm()
	}
	evaluate(b)
	return b
}

func clone(b *qd.Batch) *qd.Batch {
	return &qd.Batch{
		N: b.N, Sol: slices.Clone(b.Sol), Objective: slices.Clone(b.Objective), Measures: slices.Clone(b.Measures),
		Status: slices.Clone(b.Status), Gain: slices.Clone(b.Gain),
	}
}

// contents describes all elites of a to the bit.
func contents(a qd.Archive) string {
	s := ""
	for i := range a.Len() {
		e := a.Elite(i)
		s += fmt.Sprintf("%x %x %x\n", e.Sol, e.Objective, e.Measures)
	}
	return s
}

// Archive checks an archive of solutions of dim parameters and the given number of measures,
// which should have room for what falls within -1 to 1. The function returns an empty one, the
// same each time.
func Archive(t *testing.T, dim, measures int, fresh func() qd.Archive) {
	t.Helper()
	t.Run("refuses", func(t *testing.T) { refuses(t, dim, measures, fresh()) })
	t.Run("keeps", func(t *testing.T) { keeps(t, dim, measures, fresh()) })
	t.Run("repeats", func(t *testing.T) { repeats(t, dim, measures, fresh) })
}

func refuses(t *testing.T, dim, measures int, a qd.Archive) {
	for name, spoil := range map[string]func(b *qd.Batch){
		"an objective that is NaN":           func(b *qd.Batch) { b.Objective[5] = float32(math.NaN()) },
		"a measure that is infinite":         func(b *qd.Batch) { b.Measures[7] = float32(math.Inf(1)) },
		"solutions with parameters too many": func(b *qd.Batch) { b.Sol = make([]float32, batchSize*(dim+1)) },
		"solutions with measures too few":    func(b *qd.Batch) { b.Measures = b.Measures[:batchSize*(measures-1)] },
	} {
		b := randomBatch(dim, measures, 1)
		spoil(b)
		if err := a.Add(b); err == nil {
			t.Errorf("Add accepted %s: want an error", name)
		}
		if a.Len() != 0 {
			t.Fatalf("a batch with %s was refused but left %d elites: want none", name, a.Len())
		}
	}
}

func keeps(t *testing.T, dim, measures int, a qd.Archive) {
	offered := map[string]bool{}
	for round := range uint64(rounds) {
		b, before := randomBatch(dim, measures, round), a.Len()
		for i := range b.N {
			b.Status[i], b.Gain[i] = 77, float32(math.NaN())
			offered[fmt.Sprintf("%x %x %x", b.Sol[i*dim:(i+1)*dim], b.Objective[i], b.Measures[i*measures:(i+1)*measures])] = true
		}
		was := clone(b)
		if err := a.Add(b); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(b.Sol, was.Sol) || !slices.Equal(b.Objective, was.Objective) || !slices.Equal(b.Measures, was.Measures) {
			t.Fatal("Add changed solutions, objectives or measures: it may write Status and Gain only")
		}
		accepted := 0
		for i, s := range b.Status {
			if s > qd.New || !geom.Finite(b.Gain[i]) {
				t.Fatalf("round %d, solution %d: status %d and gain %v: Add has to write both", round, i, s, b.Gain[i])
			}
			if s != qd.Rejected {
				accepted++
			}
		}
		if before == 0 && accepted == 0 {
			t.Fatal("an empty archive accepted nothing")
		}
		clear(b.Sol) // the archive must have copied what it keeps
		clear(b.Objective)
		clear(b.Measures)
	}
	seen := map[string]bool{}
	for i := range a.Len() {
		e := a.Elite(i)
		s := fmt.Sprintf("%x %x %x", e.Sol, e.Objective, e.Measures)
		if !offered[s] {
			t.Fatalf("elite %d was never offered: is the memory of the batch retained?", i)
		}
		if seen[s] {
			t.Errorf("elite %d is there twice", i)
		}
		seen[s] = true
	}
}

func repeats(t *testing.T, dim, measures int, fresh func() qd.Archive) {
	a, b := fresh(), fresh()
	for round := range uint64(rounds) {
		x := randomBatch(dim, measures, round)
		y := clone(x)
		if err := a.Add(x); err != nil {
			t.Fatal(err)
		}
		if err := b.Add(y); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x.Status, y.Status) || !slices.Equal(x.Gain, y.Gain) || contents(a) != contents(b) {
			t.Fatalf("round %d: two equal archives differ after equal batches", round)
		}
		if s, ok := b.(qd.Saver); ok && round%5 == 2 {
			b = reload(t, s, fresh()).(qd.Archive)
		}
	}
}

// reload saves s, loads it into another, and damages copies of what was saved.
func reload(t *testing.T, s qd.Saver, into any) any {
	t.Helper()
	data, err := s.AppendBinary([]byte("head"))
	if err != nil {
		t.Fatal(err)
	}
	if string(data[:4]) != "head" {
		t.Fatal("AppendBinary overwrote what was there: it has to append")
	}
	data = data[4:]
	l := into.(qd.Saver)
	if len(data) > 0 {
		if err := l.UnmarshalBinary(data[:len(data)-1]); err == nil {
			t.Error("UnmarshalBinary accepted a state that is cut off")
		}
	}
	if err := l.UnmarshalBinary(append(slices.Clone(data), 0)); err == nil {
		t.Error("UnmarshalBinary accepted a state with a byte too many")
	}
	if err := l.UnmarshalBinary(data); err != nil {
		t.Fatalf("UnmarshalBinary refuses what AppendBinary wrote: %v", err)
	}
	return l
}

// Emitter checks an emitter of solutions of dim parameters that proposes batches of 24. The
// function returns a new one, the same each time.
func Emitter(t *testing.T, dim int, fresh func() qd.Emitter) {
	t.Helper()
	a, b := newPair(t, dim), newPair(t, dim)
	ea, eb := fresh(), fresh()
	for round := range uint64(rounds) {
		k := rng.New(99).Fold(round)
		x, y := a.step(t, ea, k), b.step(t, eb, k)
		if !slices.Equal(x.Sol, y.Sol) {
			t.Fatalf("round %d: two equal emitters ask for different solutions: all randomness has to come from the key, all state into AppendBinary", round)
		}
		for i, v := range x.Sol {
			if !geom.Finite(v) {
				t.Fatalf("round %d: parameter %d of solution %d is %v", round, i%dim, i/dim, v)
			}
		}
		if s, ok := eb.(qd.Saver); ok && round%5 == 2 {
			eb = reload(t, s, fresh()).(qd.Emitter)
		}
	}
	if st := qd.Summarize(a.archive, 0, 0); st.Elites < 2 {
		t.Errorf("%d elites after %d solutions: it does not explore", st.Elites, rounds*batchSize)
	}
}

type pair struct {
	dim     int
	archive qd.Archive
}

func newPair(t *testing.T, dim int) pair {
	g, err := qd.NewGrid([]int{10, 10}, [][2]float32{{-1, 1}, {-1, 1}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := qd.NewCells(g, dim, qd.CellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pair{dim, a}
}

// step is one ask, evaluation, addition and tell.
func (p pair) step(t *testing.T, e qd.Emitter, k rng.Key) *qd.Batch {
	b := qd.NewBatch(batchSize, p.dim, 2)
	for i := range b.Sol {
		b.Sol[i] = float32(math.NaN())
	}
	if c, ok := e.(qd.Climber); ok {
		p.climb(t, c, k.Fold(2))
	}
	before := contents(p.archive)
	e.Ask(b, p.archive, k.Fold(0))
	if contents(p.archive) != before {
		t.Fatal("Ask changed the archive: it may only read it")
	}
	evaluate(b)
	if err := p.archive.Add(b); err != nil {
		t.Fatal(err)
	}
	was, after := clone(b), contents(p.archive)
	e.Tell(b, p.archive, k.Fold(1))
	if !slices.Equal(b.Sol, was.Sol) || !slices.Equal(b.Objective, was.Objective) || !slices.Equal(b.Measures, was.Measures) ||
		!slices.Equal(b.Status, was.Status) || !slices.Equal(b.Gain, was.Gain) || contents(p.archive) != after {
		t.Fatal("Tell changed the batch or the archive: it may only read them")
	}
	return b
}

// climb gets a climber the gradients at its centre.
func (p pair) climb(t *testing.T, c qd.Climber, k rng.Key) {
	shape := qd.Shape{Dim: p.dim, Measures: 2}
	b, grad := shape.Batch(1), make([]float32, 3*p.dim)
	before := contents(p.archive)
	c.Centre(b.Sol, p.archive, k)
	gradient := qd.EstimateGradient(func(b *qd.Batch) error { evaluate(b); return nil }, shape, 0.05, 20)
	if err := gradient(b, grad, k); err != nil {
		t.Fatal(err)
	}
	if contents(p.archive) != before {
		t.Fatal("Centre changed the archive: it may only read it")
	}
	if err := p.archive.Add(b); err != nil {
		t.Fatal(err)
	}
	c.Gradients(b, grad)
}
