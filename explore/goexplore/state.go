package goexplore

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math"
)

// saved is a search between two steps. Legs come after those that they go on from; a number of 0
// is no leg.
type saved struct {
	Task  string
	About string // the options
	Legs  []savedLeg
	Cells []savedCell // as they were found; the first is the start
	Best  savedCell
	Runs  []savedRun
	Turn  uint32
	Steps int64
}

type savedLeg struct {
	Before int
	Act    []float32
}

type savedCell struct {
	Key   uint64
	Score float64
	Steps int
	Seen  int64
	State []byte
	Way   int
}

type savedRun struct {
	From        int
	Act, Last   []float32
	Score       float64
	Steps, Left int
	World       []byte
}

// about names the options that a state belongs to.
func (s *Search) about() string {
	c := s.c
	return fmt.Sprintf("fields %v, cell %v, steps %d, repeat %v, restart %v", c.Fields, c.Cell, c.Steps, c.Repeat, c.Restart)
}

// AppendBinary appends the state of the search and of its worlds, between two steps. A search of the
// same worlds, options and key that loads it goes on to the same bits.
func (s *Search) AppendBinary(dst []byte) ([]byte, error) {
	out := saved{Task: s.vec.Spec().ID, About: s.about(), Turn: s.turn, Steps: s.steps}
	numbers := map[*leg]int{nil: 0}
	var number func(l *leg) int
	number = func(l *leg) int {
		n, known := numbers[l]
		if !known {
			before := number(l.before)
			out.Legs = append(out.Legs, savedLeg{before, l.act})
			n = len(out.Legs)
			numbers[l] = n
		}
		return n
	}
	cell := func(c *Cell) savedCell {
		return savedCell{c.key, c.Score, c.Steps, c.Seen, c.state, number(c.way)}
	}
	for _, c := range s.order {
		out.Cells = append(out.Cells, cell(c))
	}
	out.Best = cell(&s.best)
	for i, r := range s.runs {
		out.Runs = append(out.Runs, savedRun{number(r.from), r.act, r.last, r.score, r.steps, r.left, s.snap.AppendState(nil, i)})
	}
	w := bytes.NewBuffer(dst)
	err := gob.NewEncoder(w).Encode(&out)
	return w.Bytes(), err
}

// UnmarshalBinary makes s, new with the same worlds, options and key, go on from a state of
// AppendBinary. After an error s and its worlds are of no use.
func (s *Search) UnmarshalBinary(src []byte) error {
	var in saved
	if err := gob.NewDecoder(bytes.NewReader(src)).Decode(&in); err != nil {
		return fmt.Errorf("goexplore: the state of the search cannot be read: %w", err)
	}
	switch {
	case in.Task != s.vec.Spec().ID:
		return fmt.Errorf("goexplore: the state is of a search in %s, this is one in %s", in.Task, s.vec.Spec().ID)
	case in.About != s.about():
		return fmt.Errorf("goexplore: the state is of a search with other options: %s; now they are %s", in.About, s.about())
	case len(in.Runs) != len(s.runs):
		return fmt.Errorf("goexplore: the state is of %d worlds, want %d", len(in.Runs), len(s.runs))
	case len(in.Cells) == 0:
		return fmt.Errorf("goexplore: the state has no cells")
	}
	legs := make([]*leg, 1, len(in.Legs)+1)
	for i, l := range in.Legs {
		if l.Before < 0 || l.Before > i {
			return fmt.Errorf("goexplore: leg %d of the state goes on from leg %d", i+1, l.Before)
		}
		legs = append(legs, &leg{legs[l.Before], l.Act})
	}
	at := func(way int) *leg { return legs[min(max(way, 0), len(legs)-1)] }
	cell := func(c savedCell) *Cell {
		return &Cell{Score: c.Score, Steps: c.Steps, Seen: c.Seen, key: c.Key, state: c.State, way: at(c.Way)}
	}
	s.turn, s.steps, s.best = in.Turn, in.Steps, *cell(in.Best)
	s.order, s.cells, s.weights = s.order[:0], map[uint64]*Cell{}, nil
	for i, c := range in.Cells {
		if math.IsNaN(c.Score) || c.Seen < 0 {
			return fmt.Errorf("goexplore: cell %d of the state has a score of %v and was seen %d times", i, c.Score, c.Seen)
		}
		n := cell(c)
		s.include(n)
		if i > 0 {
			s.cells[n.key] = n
		}
	}
	for i, r := range in.Runs {
		if len(r.Last) != len(s.runs[i].last) || len(r.Act)%len(r.Last) != 0 {
			return fmt.Errorf("goexplore: the actions of world %d do not fit", i)
		}
		s.runs[i] = rollout{from: at(r.From), act: r.Act, last: r.Last, score: r.Score, steps: r.Steps, left: r.Left}
		if err := s.snap.SetState(i, r.World); err != nil {
			return fmt.Errorf("goexplore: world %d: %w", i, err)
		}
	}
	return nil
}
