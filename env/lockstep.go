package env

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/terrarium-rl/terrarium/env/internal/fetch"
	"github.com/terrarium-rl/terrarium/env/registry"
)

// A Sim is the physics of a world.
type Sim interface {
	// Step advances the world by dt seconds.
	Step(dt float32)
}

// A Prefetcher is a Sim that can bring its memory near before it is stepped. NewVec does so with the
// worlds that come next, of which there may be more than caches hold.
type Prefetcher interface {
	Prefetch()
	Bytes() int // of memory, about
}

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

// A Lookahead is a Stepper that can bring worlds near while it advances others.
type Lookahead interface {
	// Ahead says which worlds come after those of the next Advance, which itself finds its own near; next
	// may hold nil. Without it, Advance has to fetch them.
	Ahead(next []Prefetcher)
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

// A Failer is a Stepper that may fail, in which case Vec.Step returns what Err reports after Advance, or a Vec
// whose AppendState may fail, on a device for instance.
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

// A team is the worlds that a worker steps at once.
type team struct {
	stepper Stepper // nil if each world steps by itself
	envs    [together]SimEnv
	at      [together]int // numbers of these worlds
	sims    [together]Sim
	bytes   int // of all its Prefetchers
	ahead   int // world from which on none has to be brought near
}

// nearby is how many bytes of worlds of a worker stay near from one step to the next by themselves, if only in the last cache.
const nearby = 1 << 23

// A home is where the memory of an Env begins, and how many bytes of it there are, but not what it points to.
type home struct {
	at    unsafe.Pointer
	bytes int
}

// mostHome is the most of a home that is brought near.
const mostHome = 512

func homeOf(e Env) home {
	v := reflect.ValueOf(e)
	if v.Kind() != reflect.Pointer || v.Type().Elem().Size() == 0 {
		return home{}
	}
	return home{v.UnsafePointer(), min(int(v.Type().Elem().Size()), mostHome)}
}

// Memory of worlds for which large pages are worth asking: more than processors know the places of, and not
// scattered among that of others.
const (
	muchMemory = 8 << 20 // bytes
	mostApart  = 1 << 16 // bytes a world
)

// settleDown makes the memory of many worlds, which were made one after the other, lie in large pages.
func settleDown(homes []home) {
	from, to := ^uintptr(0), uintptr(0)
	for _, h := range homes {
		from, to = min(from, uintptr(h.at)), max(to, uintptr(h.at))
	}
	if from < to && to-from > muchMemory && to-from < mostApart*uintptr(len(homes)) {
		fetch.Huge(from, to)
	}
}

// atOnce returns how many worlds are stepped at once.
func (t *team) atOnce() int {
	if t.bytes > nearby {
		return farApart
	}
	return together
}

// advance performs Env.Step and Env.Observe of worlds lo to hi. Those from hi to ahead are
// brought near meanwhile.
func (t *team) advance(p *pool, lo, hi, ahead int) {
	if t.stepper == nil {
		for i := lo; i < hi; i++ {
			if p.Stages[i] != Rest {
				t.alone(p, i)
			}
		}
		return
	}
	if t.ahead = ahead; t.bytes <= nearby {
		t.ahead = hi
	}
	if l, ok := t.stepper.(Lookahead); ok {
		l.Ahead(p.near[hi:t.ahead])
	}
	n := 0
	for i := lo; i < hi; i++ {
		if p.Stages[i] == Rest {
			continue
		}
		if p.sims[i] == nil {
			t.alone(p, i)
			continue
		}
		t.envs[n], t.at[n] = p.sims[i], i
		n++
	}
	for substep := 0; n > 0; substep++ {
		n = t.substep(p, substep, n)
	}
}

// alone performs Env.Step and Env.Observe of a world.
func (t *team) alone(p *pool, i int) {
	e, b := p.envs[i], &p.rows[i]
	e.Step(b)
	e.Observe(b.Next)
}

// substep performs a substep of n worlds, and returns how many have not ended their step.
func (t *team) substep(p *pool, substep, n int) (going int) {
	many, common := 0, float32(0)
	for k := range n {
		e, i := t.envs[k], t.at[k]
		b := &p.rows[i]
		s, dt := e.Drive(b, substep)
		if s == nil {
			e.Judge(b)
			e.Observe(b.Next)
			if i+farApart < t.ahead {
				h := &p.homes[i+farApart]
				fetch.Near(h.at, h.bytes)
			}
			continue
		}
		if substep == 0 && p.near[i] == nil {
			if f, ok := s.(Prefetcher); ok {
				p.near[i] = f
				t.bytes += f.Bytes()
			}
		}
		t.envs[going], t.at[going] = e, i
		going++
		if many > 0 && dt != common {
			s.Step(dt)
			continue
		}
		t.sims[many], common = s, dt
		many++
	}
	if many > 0 {
		t.stepper.Advance(t.sims[:many], common)
	}
	return going
}
