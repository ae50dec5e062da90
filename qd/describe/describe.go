// Package describe turns what was observed of a solution into a descriptor of its behaviour: columns
// chosen by hand, the code of an autoencoder that learns from the observations met, or the signature
// of a path. Searches over such descriptors are in packages stax and aurora.
//
// Descriptors that are learned have versions: those of two are not comparable. Whoever trains a
// Describer describes everything it keeps anew.
package describe

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd/signature"
)

// A Describer turns what was observed of a solution into a descriptor of its behaviour.
// Descriptors of different versions are not comparable: a search replaces all it has after
// every training.
type Describer interface {
	// Width returns the numbers of a descriptor.
	Width() int

	// Describe writes the descriptors of rows observations to dst and how badly each was
	// understood to surprise.
	Describe(dst, surprise, obs []float32, rows int)

	// Train adapts to rows observations, drawing from k, and reports whether anything changed.
	Train(obs []float32, rows int, k rng.Key) (changed bool, err error)

	// Params returns what training changes, nil if nothing. The search saves and restores it.
	Params() []float32
}

// Columns is a Describer made by hand: the descriptor is some columns of the observation.
type Columns struct {
	Obs  int   // numbers of an observation
	Take []int // columns
}

// Width returns the number of columns.
func (c Columns) Width() int { return len(c.Take) }

// Describe copies the columns. Nothing is a surprise.
func (c Columns) Describe(dst, surprise, obs []float32, rows int) {
	for i := range rows {
		for j, col := range c.Take {
			dst[i*len(c.Take)+j] = obs[i*c.Obs+col]
		}
		surprise[i] = 0
	}
}

// Train does nothing.
func (c Columns) Train([]float32, int, rng.Key) (bool, error) { return false, nil }

// Params returns nil.
func (c Columns) Params() []float32 { return nil }

// Signature describes a path of points by its signature, see package signature: what it was like,
// not only where it ended. Scale points to about -1 to 1, or levels differ much in size.
type Signature struct {
	Points int  // of an observation, one after the other
	Dim    int  // numbers of a point
	Depth  int  // of the signature; 2 in Paolo's thesis
	Time   bool // add a coordinate that runs from 0 to 1, so that speed matters
	Log    bool // its logarithm, in which what follows from lower levels is left out
}

// Validate reports the first number that is out of range.
func (s Signature) Validate() error {
	if s.Points < 2 || s.Dim < 1 || s.Depth < 1 || s.Depth > 6 || s.Width() > 10_000 {
		return fmt.Errorf("describe: signature to depth %d of %d points of %d numbers, want a depth of 1 to 6, at least 2 points and 1 number, and at most 10000 values", s.Depth, s.Points, s.Dim)
	}
	return nil
}

func (s Signature) dims() int {
	if s.Time {
		return s.Dim + 1
	}
	return s.Dim
}

// Width returns the numbers of a signature.
func (s Signature) Width() int { return signature.Len(s.dims(), s.Depth) }

// Describe writes the signatures. Nothing is a surprise.
func (s Signature) Describe(dst, surprise, obs []float32, rows int) {
	p, point := signature.New(s.dims(), s.Depth), make([]float32, s.dims())
	for i := range rows {
		p.Reset()
		for t := range s.Points {
			copy(point, obs[(i*s.Points+t)*s.Dim:][:s.Dim])
			if s.Time {
				point[s.Dim] = float32(t) / float32(s.Points-1)
			}
			p.Add(point)
		}
		w := s.Width()
		if s.Log {
			p.AppendLog(dst[i*w : i*w : (i+1)*w])
		} else {
			p.AppendTo(dst[i*w : i*w : (i+1)*w])
		}
		surprise[i] = 0
	}
}

// Train does nothing.
func (s Signature) Train([]float32, int, rng.Key) (bool, error) { return false, nil }

// Params returns nil.
func (s Signature) Params() []float32 { return nil }

var (
	_ Describer = Columns{}
	_ Describer = Signature{}
)
