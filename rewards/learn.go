package rewards

import (
	"encoding"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
)

// A Learner is a Func that learns from what it scores. For every step of training Score is
// called once and then Update once, with the same batch: what is scored has not been learned.
//
// The state of a Learner is complete: one of the same Config that loads it goes on to the same
// bits. Runs save it in their checkpoints.
type Learner interface {
	Func

	// Update learns from b, and reports how it goes if report is not nil. It does not modify
	// or retain b, and does not allocate. It fails if the reward is no longer finite.
	Update(b *env.Batch, report func(name string, value float64)) error

	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// A Reviser is a Learner that learns much, and seldom: from questions and answers, say. Update only
// collects. Training calls Revise after each update of the agent, and after each step where nothing
// learns, so that all steps an agent learns from at once are rewarded alike; who keeps older steps
// has to score them anew.
type Reviser interface {
	Learner

	// Revise learns from what was collected, if it is time, and reports how that went if report is not
	// nil.
	Revise(report func(name string, value float64)) error
}

// A Complainer is a Learner that knows when it has not learned what it should, such as for want of
// answers.
type Complainer interface {
	Learner

	// Complaints returns a line for each thing that is wrong.
	Complaints() []string
}

// Complaints returns those of the terms, with their names.
func (s *Sum) Complaints() (lines []string) {
	for _, t := range s.terms {
		if c, ok := t.Func.(Complainer); ok {
			for _, line := range c.Complaints() {
				lines = append(lines, t.Name+": "+line)
			}
		}
	}
	return lines
}

// A Follower is a Learner that learns nothing but what has happened so far in the episode of each
// row, and forgets it where the episode ends. Whoever scores episodes, recorded ones too, has to call
// Update after each step.
type Follower interface {
	Learner
	Follows()
}

// Follow is f.Score for those who score episodes step by step, in the order in which they happened,
// and let nothing learn: it calls Update of Followers only, among them those of a Sum.
func Follow(f Func, dst []float32, b *env.Batch) error {
	f.Score(dst, b)
	terms := []Term{{Func: f}}
	if s, ok := f.(*Sum); ok {
		terms = s.terms
	}
	for _, t := range terms {
		if x, ok := t.Func.(Follower); ok {
			if err := x.Update(b, func(string, float64) {}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Follows tells whether f, or a term of it, is a Follower.
func Follows(f Func) bool {
	if s, ok := f.(*Sum); ok {
		return slices.ContainsFunc(s.terms, func(t Term) bool { return Follows(t.Func) })
	}
	_, ok := f.(Follower)
	return ok
}

var _ Reviser = (*Sum)(nil)

// Update lets the terms learn that do.
func (s *Sum) Update(b *env.Batch, report func(name string, value float64)) error {
	for i := range s.terms {
		if l, ok := s.terms[i].Func.(Learner); ok {
			if err := l.Update(b, report); err != nil {
				return fmt.Errorf("reward term %q: %w", s.terms[i].Name, err)
			}
		}
	}
	return nil
}

// Revise lets the terms learn that collect first.
func (s *Sum) Revise(report func(name string, value float64)) error {
	for i := range s.terms {
		if l, ok := s.terms[i].Func.(Reviser); ok {
			if err := l.Revise(report); err != nil {
				return fmt.Errorf("reward term %q: %w", s.terms[i].Name, err)
			}
		}
	}
	return nil
}

// AppendBinary appends the state of the terms that learn: the name and the state of each, with
// the number of bytes of both before them.
func (s *Sum) AppendBinary(dst []byte) ([]byte, error) {
	for _, t := range s.terms {
		l, ok := t.Func.(Learner)
		if !ok {
			continue
		}
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(t.Name)))
		dst = append(dst, t.Name...)
		at := len(dst)
		var err error
		if dst, err = l.AppendBinary(append(dst, 0, 0, 0, 0, 0, 0, 0, 0)); err != nil {
			return nil, fmt.Errorf("reward term %q: %w", t.Name, err)
		}
		binary.LittleEndian.PutUint64(dst[at:], uint64(len(dst)-at-8))
	}
	return dst, nil
}

// UnmarshalBinary loads the state of the terms that learn, which have to be the same.
func (s *Sum) UnmarshalBinary(data []byte) error {
	for _, t := range s.terms {
		l, ok := t.Func.(Learner)
		if !ok {
			continue
		}
		name, rest, ok := cut(data, 4)
		if !ok || string(name) != t.Name {
			return fmt.Errorf("reward: state of term %q is missing", t.Name)
		}
		state, rest, ok := cut(rest, 8)
		if !ok {
			return fmt.Errorf("reward term %q: state is cut off", t.Name)
		}
		if err := l.UnmarshalBinary(state); err != nil {
			return fmt.Errorf("reward term %q: %w", t.Name, err)
		}
		data = rest
	}
	if len(data) != 0 {
		return fmt.Errorf("reward: state of %d bytes too many", len(data))
	}
	return nil
}

// cut takes a piece from data whose length is in the first width bytes, 4 or 8.
func cut(data []byte, width int) (piece, rest []byte, ok bool) {
	if len(data) < width {
		return nil, nil, false
	}
	n := uint64(binary.LittleEndian.Uint32(data))
	if width == 8 {
		n = binary.LittleEndian.Uint64(data)
	}
	data = data[width:]
	if n > uint64(len(data)) {
		return nil, nil, false
	}
	return data[:n:n], data[n:], true
}
