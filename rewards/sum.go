package rewards

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
)

// A Term is a named summand of a reward.
type Term struct {
	Name   string
	Weight float32
	Func   Func
}

// A Sum is a weighted sum of named terms, each of which stays a column of its own after the
// sum is taken: for logs, and for learners that want more than one number.
type Sum struct {
	terms []Term
	cols  [][]float32
}

// NewSum returns the sum of the terms, in their order. Names must be different.
func NewSum(terms []Term) (*Sum, error) {
	seen := map[string]bool{}
	for _, t := range terms {
		if t.Name == "" || seen[t.Name] {
			return nil, fmt.Errorf("reward: term name %q is empty or used twice", t.Name)
		}
		seen[t.Name] = true
	}
	if len(terms) == 0 {
		return nil, fmt.Errorf("reward: it needs at least one term")
	}
	return &Sum{terms: terms, cols: make([][]float32, len(terms))}, nil
}

// Score writes the sum to dst. It allocates only when b has more rows than any batch before.
func (s *Sum) Score(dst []float32, b *env.Batch) {
	clear(dst[:b.N])
	for i := range s.terms {
		t := &s.terms[i]
		if cap(s.cols[i]) < b.N {
			s.cols[i] = make([]float32, b.N)
		}
		col := s.cols[i][:b.N]
		s.cols[i] = col
		t.Func.Score(col, b)
		for r := range col {
			col[r] *= t.Weight
			dst[r] += col[r]
		}
	}
}

// Len returns the number of terms.
func (s *Sum) Len() int { return len(s.terms) }

// Name returns the name of term i.
func (s *Sum) Name(i int) string { return s.terms[i].Name }

// Column returns what term i contributed to each row of the last batch scored, its weight
// included. The slice is valid until the next Score.
func (s *Sum) Column(i int) []float32 { return s.cols[i] }

// Func returns the function of term i.
func (s *Sum) Func(i int) Func { return s.terms[i].Func }
