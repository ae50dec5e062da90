package qd

import (
	"fmt"
	"slices"
)

// SlidingOptions are the options of NewSliding.
type SlidingOptions struct {
	Cells  []int        // number of cells along each measure
	Bounds [][2]float32 // of each measure, before the boundaries are first moved
	Remap  int          // solutions after which the boundaries are moved; 100 in the paper
	Buffer int          // last solutions whose percentiles are the boundaries; 1000 in the paper
}

// Sliding is a grid whose boundaries move to where the last solutions were, so that as many fall
// between any two: MESB of Fontaine, Lee, Soros, De Mesentier Silva, Togelius and Hoover,
// "Mapping Hearthstone deck spaces through MAP-Elites with sliding boundaries" (GECCO 2019).
// Elites change their numbers when boundaries move.
type Sliding struct {
	o     SlidingOptions
	dim   int
	edges *edges
	cells *Cells
	last  *Batch // ring of the last solutions
	seen  int
	one   *Batch
}

// edges is a Partition by sorted inner boundaries along each axis.
type edges struct{ at [][]float32 }

func (e *edges) Cells() int {
	n := 1
	for _, a := range e.at {
		n *= len(a) + 1
	}
	return n
}

func (e *edges) Measures() int { return len(e.at) }

func (e *edges) Cell(x []float32) (c int) {
	for i, a := range e.at {
		k, equal := slices.BinarySearch(a, x[i])
		for equal && k < len(a) && a[k] == x[i] {
			k++ // a boundary belongs to the cell above it
		}
		c = c*(len(a)+1) + k
	}
	return c
}

// NewSliding returns an empty archive for solutions of dim parameters.
func NewSliding(dim int, o SlidingOptions) (*Sliding, error) {
	if o.Remap < 1 || o.Buffer < 1 {
		return nil, fmt.Errorf("qd: boundaries from the last %d solutions every %d, want at least 1 and 1", o.Buffer, o.Remap)
	}
	if _, err := NewGrid(o.Cells, o.Bounds); err != nil {
		return nil, err
	}
	s := &Sliding{o: o, dim: dim, edges: &edges{}, last: NewBatch(o.Buffer, dim, len(o.Cells)), one: NewBatch(1, dim, len(o.Cells))}
	for i, n := range o.Cells {
		at := make([]float32, n-1)
		for j := range at {
			at[j] = o.Bounds[i][0] + (o.Bounds[i][1]-o.Bounds[i][0])*float32(j+1)/float32(n)
		}
		s.edges.at = append(s.edges.at, at)
	}
	var err error
	s.cells, err = NewCells(s.edges, dim, CellOptions{})
	return s, err
}

// Len returns the number of elites.
func (s *Sliding) Len() int { return s.cells.Len() }

// Elite returns elite i.
func (s *Sliding) Elite(i int) Elite { return s.cells.Elite(i) }

// Niches returns the number of cells.
func (s *Sliding) Niches() int { return s.edges.Cells() }

// Boundaries returns the inner boundaries along an axis. The caller must not modify them.
func (s *Sliding) Boundaries(axis int) []float32 { return s.edges.at[axis] }

// Add offers the solutions of b, and afterwards moves the boundaries if that is due.
func (s *Sliding) Add(b *Batch) error {
	if err := s.cells.Add(b); err != nil {
		return err
	}
	before, m := s.seen, len(s.o.Cells)
	for i := range b.N {
		at := s.seen % s.o.Buffer
		copy(s.last.Sol[at*s.dim:(at+1)*s.dim], b.Sol[i*s.dim:])
		copy(s.last.Measures[at*m:(at+1)*m], b.Measures[i*m:])
		s.last.Objective[at] = b.Objective[i]
		s.seen++
	}
	if before/s.o.Remap != s.seen/s.o.Remap {
		return s.remap()
	}
	return nil
}

// remap makes percentiles of the last solutions the boundaries, and sorts elites and last
// solutions in anew.
func (s *Sliding) remap() error {
	n, m := min(s.seen, s.o.Buffer), len(s.o.Cells)
	column := make([]float32, n)
	for axis, at := range s.edges.at {
		for i := range column {
			column[i] = s.last.Measures[i*m+axis]
		}
		slices.Sort(column)
		for j := range at {
			at[j] = column[(j+1)*n/(len(at)+1)]
		}
	}
	old := s.cells
	var err error
	if s.cells, err = NewCells(s.edges, s.dim, CellOptions{}); err != nil {
		return err
	}
	for i := range old.Len() {
		e := old.Elite(i)
		copy(s.one.Sol, e.Sol)
		copy(s.one.Measures, e.Measures)
		s.one.Objective[0] = e.Objective
		if err := s.cells.Add(s.one); err != nil {
			return err
		}
	}
	return s.cells.Add(s.last.Rows(0, n))
}

func (s *Sliding) state(c *codec) {
	for _, at := range s.edges.at {
		c.fixed(at)
	}
	s.cells.state(c)
	c.fixed(s.last.Sol)
	c.fixed(s.last.Measures)
	c.fixed(s.last.Objective)
	c.int(&s.seen)
	c.check(s.seen >= 0)
}

// AppendBinary appends elites, boundaries and the last solutions.
func (s *Sliding) AppendBinary(dst []byte) ([]byte, error) { return save(dst, s.state) }

// UnmarshalBinary loads a state of AppendBinary.
func (s *Sliding) UnmarshalBinary(data []byte) error { return load(data, "sliding archive", s.state) }

var (
	_ Archive = (*Sliding)(nil)
	_ Saver   = (*Sliding)(nil)
)
