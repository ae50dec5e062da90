package env

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// together is how many worlds a worker steps at once: enough to fill all lanes often, few enough
// that their states stay in the nearer caches.
const together = 64

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
		end := min(lo+together, hi)
		row, failed := p.Clamp(p.batch.Act[lo*width : end*width])
		if failed != nil {
			end = lo + row/agents
			failed = p.Locate(failed, end) // after what those before it report
		}
		t.advance(p, lo, end, min(end+together, hi))
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
