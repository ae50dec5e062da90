package env

import (
	"errors"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// together is how many worlds a worker steps at once: enough to fill all lanes often, few enough
// that their states stay in the nearer caches.
const together = 64

// observe fills Obs and Level of worlds lo to hi.
func (p *pool) observe(lo, hi int) {
	b, width := p.batch, p.spec.Agents*p.obs
	for i := lo; i < hi; i++ {
		switch p.stages[i] {
		case known:
			end := i + 1
			for end < hi && p.stages[end] == known {
				end++
			}
			copy(b.Obs[i*width:end*width], b.Next[i*width:end*width])
			i = end - 1
		case over:
			p.begin(i)
			fallthrough
		default:
			p.worlds[i].env.Observe(p.rows[i].Obs)
		}
	}
	for i := lo; i < hi; i++ {
		p.stages[i] = look // until Step knows what follows
	}
	if p.spec.Agents == 1 {
		copy(b.Level[lo:hi], p.ids[lo:hi])
		return
	}
	for i, id := range p.ids[lo:hi] {
		level := p.rows[lo+i].Level
		for j := range level {
			level[j] = id
		}
	}
}

// begin begins the next episode of a world.
func (p *pool) begin(i int) {
	w := &p.worlds[i]
	key := w.key.Fold(w.episode)
	p.levels.Next(&w.level, p.first+i, key)
	p.ids[i] = w.level.ID(p.spec)
	w.env.Reset(&w.level, key)
	w.episode++
	p.steps[i] = 0
}

// step steps worlds lo to hi.
func (p *pool) step(t *team, lo, hi int) error {
	agents := p.spec.Agents
	for lo < hi {
		end := min(lo+together, hi)
		row, failed := p.clamp(p.batch.Act[lo*agents*p.act : end*agents*p.act])
		if failed != nil {
			end = lo + row/agents
			failed = p.locate(failed, end) // after what those before it report
		}
		t.advance(p, lo, end, min(end+together, hi))
		if f, ok := t.stepper.(Failer); ok && f.Err() != nil {
			return fmt.Errorf("env %s: %w", p.spec.ID, f.Err())
		}
		if err := p.settle(lo, end); err != nil {
			return err
		}
		if failed != nil {
			return failed
		}
		lo = end
	}
	return nil
}

// settle does what follows Env.Step and Env.Observe of worlds lo to hi.
func (p *pool) settle(lo, hi int) error {
	b, agents, most := p.batch, p.spec.Agents, p.spec.MaxSteps
	for i := lo; i < hi; i++ {
		p.steps[i]++
		end := &b.End[i*agents]
		if *end == Running && int(p.steps[i]) == most {
			for j := range agents {
				b.End[i*agents+j] = Truncated
			}
		}
		p.stages[i] = known
		if *end != Running {
			p.stages[i] = over
		}
	}
	lo, hi = lo*agents, hi*agents
	if !finite(b.Next[lo*p.obs:hi*p.obs]) || !finite(b.Facts[lo*p.facts:hi*p.facts]) {
		return p.notFinite(lo / agents)
	}
	reward := b.Reward[lo:hi]
	for r := range reward {
		facts, sum := b.Facts[(lo+r)*p.facts:][:p.facts], float32(0)
		for _, t := range p.terms {
			sum += float32(t.weight * facts[t.col])
		}
		reward[r] = sum
	}
	return nil
}

// finite reports whether no number of x is infinite or NaN: whether no exponent, plus 1, overflows.
func finite(x []float32) bool {
	const exponent, one = 0xff << 23, 1 << 23
	var a, b uint32
	for len(x) >= 4 {
		a |= (math.Float32bits(x[0])&exponent + one) | (math.Float32bits(x[1])&exponent + one)
		b |= (math.Float32bits(x[2])&exponent + one) | (math.Float32bits(x[3])&exponent + one)
		x = x[4:]
	}
	for _, v := range x {
		a |= math.Float32bits(v)&exponent + one
	}
	return (a|b)>>31 == 0
}

// bound is what a column of the actions may hold.
type bound struct {
	lo, hi float32
	field  *Field
}

// bounds returns those of the columns of a row of actions.
func bounds(s *Spec) (bs []bound) {
	for i := range s.Act {
		f := &s.Act[i]
		for range f.Len {
			bs = append(bs, bound{f.Lo, f.Hi, f})
		}
	}
	return bs
}

// clamp limits actions to their bounds, row after row. At the first that it cannot take, it returns the number
// of the row and an error.
func (p *pool) clamp(act []float32) (row int, err error) {
	if p.spec.Discrete() {
		return p.choices(act)
	}
	for row = 0; len(act) > 0; row++ {
		for i := range p.bounds {
			b, v := &p.bounds[i], act[i]
			if v != v {
				return row, fmt.Errorf("action %q is NaN", b.field.Name)
			}
			act[i] = geom.Clamp(v, b.lo, b.hi)
		}
		act = act[len(p.bounds):]
	}
	return row, nil
}

// choices is clamp for actions that are choices.
func (p *pool) choices(act []float32) (row int, err error) {
	for row = 0; len(act) > 0; row++ {
		for i := range p.bounds {
			f, v := p.bounds[i].field, act[i]
			if !(v >= 0 && v < float32(f.Choices)) || v != geom.Floor(v) {
				return row, fmt.Errorf("action %q is %v, want a whole number from 0 to %d", f.Name, v, f.Choices-1)
			}
		}
		act = act[len(p.bounds):]
	}
	return row, nil
}

func (p *pool) locate(err error, i int) error {
	return fmt.Errorf("env %s: world %d, episode %d (level %016x), step %d: %w",
		p.spec.ID, p.first+i, p.worlds[i].episode-1, p.ids[i], p.steps[i], err)
}

// notFinite returns an error about the first number, from world lo on, that is not finite.
func (p *pool) notFinite(lo int) error {
	for i := lo; i < len(p.rows); i++ {
		b := &p.rows[i]
		for _, c := range []struct {
			kind   string
			fields []Field
			x      []float32
		}{{"observation", p.spec.Obs, b.Next}, {"fact", p.spec.Facts, b.Facts}} {
			for x := c.x; len(x) > 0; {
				for _, f := range c.fields {
					for _, v := range x[:f.Len] {
						if !geom.Finite(v) {
							return p.locate(fmt.Errorf("%s %q is %v", c.kind, f.Name, v), i)
						}
					}
					x = x[f.Len:]
				}
			}
		}
	}
	return errors.New("a value is not finite")
}
