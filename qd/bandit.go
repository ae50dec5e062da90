package qd

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Bandit lets one of several emitters propose each batch, by UCB1 (Auer, Cesa-Bianchi and
// Fischer, "Finite-time analysis of the multiarmed bandit problem", 2002, figure 1): the one of
// the greatest share of accepted solutions, plus what may be hidden by how seldom it was tried.
// Cully, "Multi-emitter MAP-Elites" (GECCO 2021), shares emitters out in this way.
type Bandit struct {
	arms     []Emitter
	explore  float64
	accepted []float64 // by each arm, as shares of its batches
	tried    []float64 // batches of each arm
	now      int       // arm of the last Ask
}

// NewBandit returns a bandit over arms. UCB1 has an explore of sqrt(2), Cully one of 0.05.
func NewBandit(explore float64, arms ...Emitter) *Bandit {
	return &Bandit{arms: arms, explore: explore, accepted: make([]float64, len(arms)), tried: make([]float64, len(arms))}
}

// Tried returns how many batches arm i has proposed.
func (e *Bandit) Tried(i int) int { return int(e.tried[i]) }

// Ask lets the arm that promises most propose.
func (e *Bandit) Ask(b *Batch, a Archive, k rng.Key) {
	total := 0.0
	for _, n := range e.tried {
		total += n
	}
	e.now = 0
	best := math.Inf(-1)
	for i, n := range e.tried {
		value := math.Inf(1)
		if n > 0 {
			value = e.accepted[i]/n + e.explore*math.Sqrt(math.Log(total)/n)
		}
		if value > best {
			e.now, best = i, value
		}
	}
	e.arms[e.now].Ask(b, a, k)
}

// Tell rewards the arm that proposed.
func (e *Bandit) Tell(b *Batch, a Archive, k rng.Key) {
	n := 0.0
	for _, s := range b.Status {
		if s != Rejected {
			n++
		}
	}
	e.accepted[e.now] += n / float64(b.N)
	e.tried[e.now]++
	e.arms[e.now].Tell(b, a, k)
}

func (e *Bandit) state(c *codec) {
	c.fixed(e.accepted)
	c.fixed(e.tried)
	for _, arm := range e.arms {
		c.saver(arm)
	}
}

// AppendBinary appends the counts and the arms.
func (e *Bandit) AppendBinary(dst []byte) ([]byte, error) { return save(dst, e.state) }

// UnmarshalBinary loads a state of AppendBinary.
func (e *Bandit) UnmarshalBinary(data []byte) error { return load(data, "bandit", e.state) }

var (
	_ Emitter = (*Bandit)(nil)
	_ Saver   = (*Bandit)(nil)
)
