package env

import "fmt"

// A Restarter is a Vec whose worlds can be used one by one: each begins when there is something to do
// in it, and rests when there is not. Both methods are called where Observe is due, after a Reset.
type Restarter interface {
	Vec

	// Restart abandons the episode of a world. What follows in it is what a Reset with that seed would
	// make follow in the first world of the Vec, levels included: it does not matter which world it is,
	// nor what others do.
	Restart(world int, seed uint64)

	// Rest makes Observe and Step leave a world and its rows of the batch as they are, until Restart or
	// Reset. Its rows must hold valid actions all the same, such as those of its last step. A saved state
	// of it is one whose episode is over.
	Rest(world int)
}

// Reset abandons every episode, and no world rests any more.
func (p *pool) Reset(seed uint64) {
	p.Episodes.Reset(seed)
	p.rests = false
}

// Restart implements Restarter.
func (p *pool) Restart(world int, seed uint64) {
	p.alter("Restart", world)
	p.Worlds[world].begin(seed, p.first)
	p.Stages[world] = Over
}

// Rest implements Restarter.
func (p *pool) Rest(world int) {
	p.alter("Rest", world)
	p.Stages[world], p.rests = Rest, true
}

func (p *pool) alter(what string, world int) {
	if p.phase != toObserve {
		panic(fmt.Sprintf("env: %s of world %d where Observe was not due", what, world))
	}
}
