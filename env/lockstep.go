package env

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/terrarium-rl/terrarium/env/registry"
)

// A Sim is the physics of a world.
type Sim interface {
	// Step advances the world by dt seconds.
	Step(dt float32)
}

// A Prefetcher is a Sim that can bring its memory near before it is stepped. NewVec does so with the
// worlds that come next, of which there may be more than caches hold.
type Prefetcher interface{ Prefetch() }

// A SimEnv is an Env whose Step is mostly that of a Sim, which an Engine may advance together
// with those of other worlds. Its Step is StepSim(e, b).
type SimEnv interface {
	Env

	// Drive applies b.Act. It is called for substeps 0, 1, 2, ... of a step, returns the Sim and
	// by how much to advance it in that substep, and a nil Sim once there are no more.
	Drive(b *Batch, substep int) (s Sim, dt float32)

	// Judge does what remains of Step: it writes b.Facts and b.End.
	Judge(b *Batch)
}

// StepSim is the Step of a SimEnv.
func StepSim(e SimEnv, b *Batch) {
	for i := 0; ; i++ {
		s, dt := e.Drive(b, i)
		if s == nil {
			break
		}
		s.Step(dt)
	}
	e.Judge(b)
}

// A Stepper advances many Sims at once: faster than one after the other, and to exactly the
// same states, whichever Sims are advanced together. It is used by one goroutine at a time.
type Stepper interface {
	// Advance advances each of sims, which are different ones, by dt seconds.
	Advance(sims []Sim, dt float32)
}

var steppers = registry.New[func() Stepper]("engine")

// RegisterEngine makes a way to step worlds available by name, such as "simd512". Packages
// register what the machine can run. The engine "go", which is always there, steps each world by
// itself.
func RegisterEngine(name string, newStepper func() Stepper) { steppers.Register(name, newStepper) }

// Engines returns the names of the engines that NewVec can use in this program on this machine,
// fastest first. All give the same results.
func Engines() []string {
	names := steppers.Names()
	slices.Reverse(names) // simd512, simd256
	return append(names, "go")
}

var others = registry.New[func() Stepper]("engine")

// RegisterOther makes a way to step worlds available by name that leads to other states than
// Engines do, such as by the physics of other people. NewVec uses it where it is named, for
// SimEnvs only; "auto" never means it.
func RegisterOther(name string, newStepper func() Stepper) { others.Register(name, newStepper) }

// Others returns the names of the engines of RegisterOther, sorted.
func Others() []string { return others.Names() }

// A Failer is a Stepper that may fail. Vec.Step returns what Err reports after Advance.
type Failer interface{ Err() error }

// OwnEngine returns the engine of RegisterOther that steps the worlds of v, or "" if any of
// Engines would lead to the same states.
func OwnEngine(v Vec) string {
	if o, ok := v.(interface{ OwnEngine() string }); ok {
		return o.OwnEngine()
	}
	return ""
}

// PickEngine returns the engine that a name stands for: the name itself, the fastest for "auto" or
// "", the fastest SIMD one for "simd". It is an error if there is none. Engines of RegisterDevice
// and RegisterOther are found by name, too.
func PickEngine(name string) (string, error) {
	all := Engines()
	if name == "" || name == "auto" {
		return all[0], nil
	}
	if open, _ := openDevice(name); open != nil || slices.Contains(Others(), name) {
		return name, nil
	}
	for _, e := range all {
		if e == name || name == "simd" && strings.HasPrefix(e, "simd") {
			return e, nil
		}
	}
	return "", fmt.Errorf("env: this program has no engine %q on this machine%s", name, registry.Suggest(name, slices.Concat(all, Devices(), Others())))
}

var engine atomic.Pointer[string] // that SetEngine named

// SetEngine makes the Vecs that NewVec makes from now on be stepped by the engine that a name
// stands for, as PickEngine explains, unless their options name one.
func SetEngine(name string) error {
	e, err := PickEngine(name)
	if err == nil {
		engine.Store(&e)
	}
	return err
}

// Engine returns the engine that NewVec uses unless its options name one: that of SetEngine, or
// the fastest.
func Engine() string {
	if e := engine.Load(); e != nil {
		return *e
	}
	return Engines()[0]
}

// NewStepper returns a new stepper of the named engine, one of Engines or Others, nil for "go".
func NewStepper(engine string) Stepper {
	if engine == "go" {
		return nil
	}
	kind := steppers
	if slices.Contains(Others(), engine) {
		kind = others
	}
	f, err := kind.Lookup(engine)
	if err != nil {
		panic(err) // PickEngine has found it
	}
	return f()
}

// together is how many worlds a worker steps at once: enough to fill all lanes often, few enough
// that their states stay in the nearer caches.
const together = 64

// A team is the worlds that a worker steps at once.
type team struct {
	stepper Stepper
	envs    [together]SimEnv
	rows    [together]*Batch
	sims    [together]Sim
}

// stepTogether steps worlds lo to hi.
func (p *pool) stepTogether(t *team, lo, hi int) error {
	for lo < hi {
		end := min(lo+together, hi)
		var failed error
		for i := lo; i < end; i++ {
			if err := p.clamp(p.rows[i].Act); err != nil {
				failed, end = p.locate(err, i), i // after what those before it report
			}
		}
		p.prefetch(end, min(end+together, hi))
		t.advance(p, lo, end)
		if f, ok := t.stepper.(Failer); ok && f.Err() != nil {
			return fmt.Errorf("env %s: %w", p.spec.ID, f.Err())
		}
		for i := lo; i < end; i++ {
			if err := p.finish(&p.worlds[i], i); err != nil {
				return err
			}
		}
		if failed != nil {
			return failed
		}
		lo = end
	}
	return nil
}

// prefetch brings the Sims of worlds lo to hi near, as they were in their first step.
func (p *pool) prefetch(lo, hi int) {
	for i := lo; i < hi; i++ {
		if f := p.worlds[i].near; f != nil {
			f.Prefetch()
		}
	}
}

// advance performs Env.Step of worlds lo to hi, substep after substep.
func (t *team) advance(p *pool, lo, hi int) {
	n := 0
	for i := lo; i < hi; i++ {
		if e, ok := p.worlds[i].env.(SimEnv); ok {
			t.envs[n], t.rows[n] = e, &p.rows[i]
			n++
		} else {
			p.worlds[i].env.Step(&p.rows[i])
		}
	}
	for substep := 0; n > 0; substep++ {
		going, many, common := 0, 0, float32(0)
		for k := range n {
			e, b := t.envs[k], t.rows[k]
			s, dt := e.Drive(b, substep)
			if s == nil {
				e.Judge(b)
				continue
			}
			if w := &p.worlds[lo+k]; substep == 0 && w.near == nil {
				w.near, _ = s.(Prefetcher)
			}
			t.envs[going], t.rows[going] = e, b
			going++
			if many > 0 && dt != common {
				s.Step(dt)
				continue
			}
			t.sims[many], common = s, dt
			many++
		}
		n = going
		if many > 0 {
			t.stepper.Advance(t.sims[:many], common)
		}
	}
}
