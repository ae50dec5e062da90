package pga

import (
	"bytes"
	"encoding/gob"
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
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

func init() {
	qd.RegisterEmitter("policy-gradient", func() qd.EmitterConfig {
		return &Config{First: 0.5, Hidden: []int{64, 64}, Batch: 128, Train: 200, Steps: 30, Rate: 3e-4, Vary: 1e-3, Discount: 0.99, Scale: 1, Capacity: 100_000}
	})
}

// Config holds the options of the emitter "policy-gradient".
type Config struct {
	First    float32 `json:"first" doc:"standard deviation of the first policies' parameters"`
	Hidden   []int   `json:"hidden" doc:"widths of the critics' hidden layers"`
	Batch    int     `json:"batch" doc:"transitions of a gradient step"`
	Train    int     `json:"train" doc:"gradient steps of the critics before each batch of policies"`
	Steps    int     `json:"steps" doc:"gradient steps that vary an elite"`
	Rate     float32 `json:"rate" doc:"learning rate of critics and greedy actor"`
	Vary     float32 `json:"vary" doc:"learning rate of variations"`
	Discount float32 `json:"discount" doc:"of the critics, below 1"`
	Scale    float32 `json:"scale" doc:"factor of rewards, that brings discounted returns to tens"`
	Capacity int     `json:"capacity" doc:"transitions that are kept, the newest ones"`
}

// Doc says what it is.
func (*Config) Doc() string {
	return "Elites improved by the policy gradient of critics that learn from every evaluation, and a greedy policy of theirs."
}

// Paper names the publication.
func (*Config) Paper() string {
	return "Nilsson and Cully, Policy gradient assisted MAP-Elites, GECCO 2021"
}

// Build returns the emitter.
func (c *Config) Build(s qd.EmitterSetup) (qd.Emitter, error) {
	if s.Net == nil {
		return nil, fmt.Errorf("policy gradients need policies with biases, and actions that are numbers rather than choices")
	}
	return New(Options{
		Net: s.Net, First: c.First, Hidden: c.Hidden, Batch: c.Batch, Train: c.Train, Steps: c.Steps, Rate: c.Rate, Vary: c.Vary,
		Discount: c.Discount, Scale: c.Scale, Capacity: c.Capacity,
	}, rng.New(0x706761))
}

var (
	_ qd.Emitter = (*Emitter)(nil)
	_ qd.Saver   = (*Emitter)(nil)
)
