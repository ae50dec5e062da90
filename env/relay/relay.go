// Package relay wakes goroutines quickly. A goroutine that blocks on a channel needs tens of
// microseconds to run again, as long as stepping a hundred small worlds takes. The waits here
// first look again and again for a while, yielding to every other goroutine that can run, and
// block only then.
package relay

import (
	"runtime"
	"sync/atomic"
)

// spins is how often a wait looks before it blocks: some 50 microseconds where nothing else runs.
const spins = 300

// A Flag wakes one goroutine at a time. Make one with New.
type Flag struct {
	set    atomic.Bool
	parked atomic.Bool
	wake   chan struct{}
}

// New returns a Flag that is not raised.
func New() *Flag { return &Flag{wake: make(chan struct{}, 1)} }

// Raise lets the present or the next Wait return. It must not be called again before that.
func (f *Flag) Raise() {
	f.set.Store(true)
	if f.parked.Swap(false) {
		f.wake <- struct{}{}
	}
}

// Wait returns once the flag has been raised, and lowers it.
func (f *Flag) Wait() {
	for {
		for range spins {
			if f.set.CompareAndSwap(true, false) {
				return
			}
			runtime.Gosched()
		}
		// Whoever takes parked back decides: Raise sends, a flag raised meanwhile is looked at again.
		// A Raise that was seen in the last round may take it only now; hence the outer loop.
		f.parked.Store(true)
		if !f.set.Load() || !f.parked.Swap(false) {
			<-f.wake
		}
	}
}

// A Count waits for a number of goroutines to be done. The zero Count waits for none.
type Count struct {
	left atomic.Int32
	flag atomic.Pointer[Flag]
}

// Begin makes the next Wait wait for n calls of Done. It must not be called during a Wait.
func (c *Count) Begin(n int) {
	if c.flag.Load() == nil {
		c.flag.Store(New())
	}
	c.left.Store(int32(n))
}

// Done says that one is done.
func (c *Count) Done() {
	if c.left.Add(-1) == 0 {
		c.flag.Load().Raise()
	}
}

// Wait returns when as many are done as Begin was told. It must be called once for each Begin
// of more than 0.
func (c *Count) Wait() { c.flag.Load().Wait() }
