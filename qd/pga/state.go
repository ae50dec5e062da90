package pga

import (
	"bytes"
	"encoding/gob"
	"fmt"

	"github.com/terrarium-rl/terrarium/qd"
)

// saved is the saved form of an emitter.
type saved struct {
	Actor, ActorTarget []float32
	Critics, Targets   [2][]float32
	Adam               [3][]byte
	Buffer             Transitions
	Next               int
	Seen               int64
}

// AppendBinary appends actor, critics and the transitions kept.
func (e *Emitter) AppendBinary(dst []byte) ([]byte, error) {
	s := saved{Actor: e.actor, ActorTarget: e.actorTarget, Critics: e.critics, Targets: e.targets, Buffer: e.buffer, Next: e.next, Seen: e.seen}
	for i, a := range e.adam {
		var err error
		if s.Adam[i], err = a.AppendBinary(nil); err != nil {
			return dst, err
		}
	}
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(&s); err != nil {
		return dst, fmt.Errorf("pga: %w", err)
	}
	return append(dst, buf.Bytes()...), nil
}

// UnmarshalBinary loads a state of AppendBinary of an emitter of the same options.
func (e *Emitter) UnmarshalBinary(data []byte) error {
	var s saved
	r := bytes.NewReader(data)
	if err := gob.NewDecoder(r).Decode(&s); err != nil {
		return fmt.Errorf("pga: damaged state: %w", err)
	}
	b, n := &s.Buffer, s.Buffer.N
	if r.Len() != 0 || len(s.Actor) != len(e.actor) || len(s.ActorTarget) != len(e.actor) || n > e.o.Capacity || s.Next < 0 || s.Next >= e.o.Capacity ||
		len(b.Obs) != n*e.obs || len(b.Next) != n*e.obs || len(b.Act) != n*e.act || len(b.Reward) != n || len(b.Done) != n {
		return fmt.Errorf("pga: the state is damaged, or of other options")
	}
	for c := range 2 {
		if len(s.Critics[c]) != len(e.critics[c]) || len(s.Targets[c]) != len(e.targets[c]) {
			return fmt.Errorf("pga: the state has critics of %d parameters, this emitter of %d", len(s.Critics[c]), len(e.critics[c]))
		}
	}
	for i, a := range e.adam {
		if err := a.UnmarshalBinary(s.Adam[i]); err != nil {
			return fmt.Errorf("pga: %w", err)
		}
	}
	e.actor, e.actorTarget, e.critics, e.targets = s.Actor, s.ActorTarget, s.Critics, s.Targets
	e.buffer, e.next, e.seen = s.Buffer, s.Next, s.Seen
	return nil
}

var (
	_ qd.Emitter = (*Emitter)(nil)
	_ qd.Saver   = (*Emitter)(nil)
)
