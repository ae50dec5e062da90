package qd

import (
	"math/bits"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Halving lets one of several emitters propose each batch, by successive halving: all take turns
// for a round, the better half goes on to the next round, until one is left; then it begins anew,
// as what an archive has room for changes (Karnin, Koren and Somekh, "Almost optimal exploration in
// multi-armed bandits", ICML 2013, algorithm 1; Jamieson and Talwalkar, 2016). Worth is the share of
// accepted solutions in the present round.
type Halving struct {
	arms  []Emitter
	round int // batches of a whole round; each has equal parts for those still in
	in    []int32
	worth []float64 // of each arm in this round
	tried []int32   // batches of each arm, over all
	spent int       // batches of this round
	now   int
}

// NewHalving returns a scheduler of at least one arm. A bracket, from all arms to one, takes the
// given number of batches, or two a round and arm if that is more.
func NewHalving(batches int, arms ...Emitter) *Halving {
	e := &Halving{arms: arms, worth: make([]float64, len(arms)), tried: make([]int32, len(arms))}
	e.round = max(batches/max(bits.Len(uint(len(arms)-1)), 1), 2*len(arms))
	e.fill()
	return e
}

func (e *Halving) fill() {
	e.in = e.in[:0]
	for i := range e.arms {
		e.in = append(e.in, int32(i))
	}
}

// Tried returns how many batches arm i has proposed.
func (e *Halving) Tried(i int) int { return int(e.tried[i]) }

// Ask lets the arm propose whose turn it is.
func (e *Halving) Ask(b *Batch, a Archive, k rng.Key) {
	e.now = int(e.in[e.spent%len(e.in)])
	e.arms[e.now].Ask(b, a, k)
}

// Tell judges the arm that proposed, and at the end of a round who goes on.
func (e *Halving) Tell(b *Batch, a Archive, k rng.Key) {
	for _, s := range b.Status {
		if s != Rejected {
			e.worth[e.now]++
		}
	}
	e.tried[e.now]++
	e.arms[e.now].Tell(b, a, k)
	e.spent++
	if e.spent < e.round || e.spent%len(e.in) != 0 {
		return
	}
	e.spent = 0
	if len(e.in) == 1 {
		e.fill()
	} else {
		slices.SortStableFunc(e.in, func(i, j int32) int { return descending(e.worth[i], e.worth[j]) })
		e.in = e.in[:(len(e.in)+1)/2]
	}
	clear(e.worth)
}

func (e *Halving) state(c *codec) {
	vary(c, &e.in)
	c.check(len(e.in) >= 1 && len(e.in) <= len(e.arms))
	for _, i := range e.in {
		c.check(i >= 0 && int(i) < len(e.arms))
	}
	c.fixed(e.worth)
	c.fixed(e.tried)
	c.int(&e.spent)
	c.check(e.spent >= 0)
	for _, arm := range e.arms {
		c.saver(arm)
	}
}

// AppendBinary appends the counts and the arms.
func (e *Halving) AppendBinary(dst []byte) ([]byte, error) { return save(dst, e.state) }

// UnmarshalBinary loads a state of AppendBinary.
func (e *Halving) UnmarshalBinary(data []byte) error { return load(data, "halving", e.state) }

var (
	_ Emitter = (*Halving)(nil)
	_ Saver   = (*Halving)(nil)
)
