package explore

import (
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// Expressions score several steps at once by scoring them with each of their bonuses, and combining
// what these yield in the order of steps.

// ScoreSteps also reports the mean bonus of each step before any combination.
func (l *leaf) ScoreSteps(dst []float32, steps []*env.Batch, report func(string, float64)) error {
	relay := l.relay
	if l.to = report; report == nil {
		relay = nil
	}
	if err := ScoreSteps(l.Bonus, dst, steps, relay); err != nil {
		return err
	}
	for _, b := range steps {
		l.note(dst[:b.N])
		if relay != nil {
			relay("mean", l.mean)
		}
		dst = dst[b.N:]
	}
	return nil
}

// ScoreSteps combines the scores of two bonuses.
func (p *pair) ScoreSteps(dst []float32, steps []*env.Batch, report func(string, float64)) error {
	n := len(steps) * steps[0].N
	p.x, p.y = slices.Grow(p.x[:0], n)[:n], slices.Grow(p.y[:0], n)[:n]
	if err := ScoreSteps(p.a, p.x, steps, report); err != nil {
		return err
	}
	if err := ScoreSteps(p.b, p.y, steps, report); err != nil {
		return err
	}
	p.combine(dst[:n])
	return nil
}

// ScoreSteps divides each step by the deviation of the steps before.
func (n *norm) ScoreSteps(dst []float32, steps []*env.Batch, report func(string, float64)) error {
	if err := ScoreSteps(n.Bonus, dst, steps, report); err != nil {
		return err
	}
	for _, b := range steps {
		n.scale(dst[:b.N])
		n.learn(b.N)
		dst = dst[b.N:]
	}
	return nil
}

// ScoreSteps limits the scores.
func (c *clip) ScoreSteps(dst []float32, steps []*env.Batch, report func(string, float64)) error {
	err := ScoreSteps(c.Bonus, dst, steps, report)
	for i, x := range dst[:len(steps)*steps[0].N] {
		dst[i] = geom.Clamp(x, c.lo, c.hi)
	}
	return err
}

// ScoreSteps multiplies the scores of each step by the factor of that step.
func (d *decay) ScoreSteps(dst []float32, steps []*env.Batch, report func(string, float64)) error {
	if err := ScoreSteps(d.Bonus, dst, steps, report); err != nil {
		return err
	}
	for _, b := range steps {
		d.fade(dst[:b.N])
		d.seen += float64(b.N)
		dst = dst[b.N:]
	}
	return nil
}

var (
	_ Stepper = (*leaf)(nil)
	_ Stepper = (*pair)(nil)
	_ Stepper = (*norm)(nil)
	_ Stepper = (*clip)(nil)
	_ Stepper = (*decay)(nil)
	_ Stepper = (*e3b)(nil)
)
