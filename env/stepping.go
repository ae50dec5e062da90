package env

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// How many worlds a worker steps at once. Those that stay near are many, so that an engine finds enough that have much in
// common; others are enough to fill all lanes often, and few enough that they stay in the nearer caches meanwhile.
const (
	together = 256
	farApart = 64
)

// Begin implements Host.
func (p *pool) Begin(world int, l *Level, key rng.Key, obs []float32) error {
	p.envs[world].Reset(l, key)
	p.envs[world].Observe(obs)
	return nil
}

// Look implements Host.
func (p *pool) Look(world int, obs []float32) error {
	p.envs[world].Observe(obs)
	return nil
}

// step steps worlds lo to hi.
func (p *pool) step(t *team, lo, hi int) error {
	agents := p.spec.Agents
	width := agents * p.width.act
	for lo < hi {
		many := t.atOnce()
		end := p.reach(lo, hi, many)
		row, failed := p.Clamp(p.batch.Act[lo*width : end*width])
		if failed != nil {
			end = lo + row/agents
			failed = p.Locate(failed, end) // after what those before it report
		}
		t.advance(p, lo, end, min(end+many, hi))
		if f, ok := t.stepper.(Failer); ok && f.Err() != nil {
			return fmt.Errorf("env %s: %w", p.spec.ID, f.Err())
		}
		if err := p.Settle(lo, end); err != nil {
			return err
		}
		if failed != nil {
			return failed
		}
		lo = end
	}
	return nil
}

// reach returns the end of the worlds from lo on that are stepped at once: as many that do not rest.
func (p *pool) reach(lo, hi, many int) int {
	if !p.rests {
		return min(lo+many, hi)
	}
	n := 0
	for i := lo; i < hi; i++ {
		if p.Stages[i] == Rest {
			continue
		}
		if n == many {
			return i
		}
		n++
	}
	return hi
}
