package env

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/relay"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// VecOptions are the options of NewVec.
type VecOptions struct {
	Worlds  int    // number of worlds, at least 1
	Workers int    // goroutines that step them; 0 means one a CPU. Results do not depend on it
	First   int    // number of the first world: world First+i behaves the same in every Vec
	Levels  Levels // default: the zero LevelSet
	Engine  string // one of Engines, "simd", "auto", or one of Devices or Others; default: that of SetEngine. Results do not depend on it, but for Others
}

// NewVec runs worlds of c on the CPU, each world on one goroutine at a time. The result also
// implements Snapshotter, LevelSetter and Drawer, as far as the worlds do.
func NewVec(c Config, o VecOptions) (Vec, error) {
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	if err := spec.Validate(); err != nil {
		return nil, err
	}
	if o.Worlds < 1 || o.First < 0 {
		return nil, fmt.Errorf("env %s: %d worlds from number %d, want at least 1 from 0", spec.ID, o.Worlds, o.First)
	}
	if o.Levels == nil {
		if o.Levels, err = (&LevelSet{}).Compile(spec); err != nil {
			return nil, err
		}
	}
	engine := Engine()
	if o.Engine != "" {
		if engine, err = PickEngine(o.Engine); err != nil {
			return nil, err
		}
	}
	if open, device := openDevice(engine); open != nil {
		return open(c, o, device)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	p := &pool{
		spec: spec, levels: o.Levels, first: o.First,
		obs: Width(spec.Obs), act: Width(spec.Act), facts: Width(spec.Facts),
		worlds: make([]world, o.Worlds), rows: make([]Batch, o.Worlds),
	}
	for _, t := range spec.Reward {
		col, _ := Column(spec.Facts, t.Fact) // Validate has looked it up
		p.terms = append(p.terms, term{col, t.Weight})
	}
	for i := range p.worlds {
		p.worlds[i] = world{env: c.New(), level: Level{Params: make([]float32, len(spec.Params))}, ended: true}
	}
	if slices.Contains(Others(), engine) {
		if _, ok := p.worlds[0].env.(SimEnv); !ok {
			return nil, fmt.Errorf("env %s: engine %s cannot step it: it has no rigid bodies, its step is plain code", spec.ID, engine)
		}
		p.own = engine
	}
	p.start(min(o.Workers, o.Worlds), engine)
	return p, nil
}

// A world is an Env with what the pool knows about its episode.
type world struct {
	env     Env
	key     rng.Key // of this world; its episodes fold their number into it
	episode uint64  // number of the next episode
	step    int32   // steps since the episode began
	ended   bool    // the next Observe begins an episode
	seen    bool    // Next of the last batch holds the coming observation
	level   Level
	id      uint64
	near    Prefetcher // its Sim; nil before the first step, and if it is none
}

type term struct {
	col    int
	weight float32
}

type phase uint8

const (
	unset phase = iota // before Reset
	toObserve
	toStep
)

type pool struct {
	spec            *Spec
	levels          Levels
	first           int
	obs, act, facts int // widths
	terms           []term
	worlds          []world
	rows            []Batch // of each world in batch
	batch           *Batch  // that rows are views of
	phase           phase
	wake            []*relay.Flag // of workers 1, 2, ...; worker 0 is the caller
	due             phase         // what the workers are woken for; unset: to end
	done            relay.Count
	errs            []error // one a worker
	teams           []team  // one a worker, if worlds are stepped together
	own             string  // engine of RegisterOther, if one steps the worlds
}

func (p *pool) start(workers int, engine string) {
	p.errs = make([]error, workers)
	if _, ok := p.worlds[0].env.(SimEnv); ok && engine != "go" {
		p.teams = make([]team, workers)
		for w := range p.teams {
			p.teams[w].stepper = NewStepper(engine)
		}
	}
	for w := 1; w < workers; w++ {
		f := relay.New()
		p.wake = append(p.wake, f)
		lo, hi := w*len(p.worlds)/workers, (w+1)*len(p.worlds)/workers
		go func() {
			for {
				f.Wait()
				if p.due == unset {
					return
				}
				p.errs[w] = p.part(w, p.due, lo, hi)
				p.done.Done()
			}
		}()
	}
}

// run lets the workers perform a phase on all worlds, and returns the error of the first
// world that had one. The caller's goroutine does the first worker's part.
func (p *pool) run(ph phase) error {
	n := len(p.errs)
	if n == 1 {
		return p.part(0, ph, 0, len(p.worlds))
	}
	p.due = ph
	p.done.Begin(n - 1)
	for _, f := range p.wake {
		f.Raise()
	}
	p.errs[0] = p.part(0, ph, 0, len(p.worlds)/n)
	p.done.Wait()
	for _, err := range p.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *pool) part(worker int, ph phase, lo, hi int) error {
	if ph == toStep && p.teams != nil {
		return p.stepTogether(&p.teams[worker], lo, hi)
	}
	for i := lo; i < hi; i++ {
		if ph == toObserve {
			p.observe(&p.worlds[i], i)
		} else if err := p.step(&p.worlds[i], i); err != nil {
			return err
		}
	}
	return nil
}

// Spec returns the specification that all worlds share.
func (p *pool) Spec() *Spec { return p.spec }

// OwnEngine returns the engine of RegisterOther that steps the worlds, or "".
func (p *pool) OwnEngine() string { return p.own }

// Len returns the number of worlds.
func (p *pool) Len() int { return len(p.worlds) }

// Reset abandons every episode.
func (p *pool) Reset(seed uint64) {
	for i := range p.worlds {
		w := &p.worlds[i]
		w.key, w.episode, w.ended, w.seen = rng.New(seed).Fold(uint64(p.first+i)), 0, true, false
	}
	p.phase = toObserve
}

// Observe fills b.Obs and b.Level.
func (p *pool) Observe(b *Batch) error {
	if p.phase != toObserve {
		return p.misuse("Observe", "Step")
	}
	if err := p.attach(b); err != nil {
		return err
	}
	p.phase = toStep
	return p.run(toObserve)
}

// Step applies b.Act and fills the rest of b.
func (p *pool) Step(b *Batch) error {
	if p.phase != toStep {
		return p.misuse("Step", "Observe")
	}
	if err := p.attach(b); err != nil {
		return err
	}
	p.phase = toObserve
	return p.run(toStep)
}

func (p *pool) misuse(called, missing string) error {
	if p.phase == unset {
		missing = "Reset"
	}
	return fmt.Errorf("env %s: %s called where %s was due", p.spec.ID, called, missing)
}

// attach makes p.rows views of b.
func (p *pool) attach(b *Batch) error {
	if b == p.batch {
		return nil
	}
	n := p.spec.Agents
	if b.N != len(p.worlds)*n || len(b.Obs) != b.N*p.obs || len(b.Act) != b.N*p.act || len(b.Facts) != b.N*p.facts {
		return fmt.Errorf("env %s: the batch was not made by NewBatch for this spec and %d worlds", p.spec.ID, len(p.worlds))
	}
	for i := range p.rows {
		p.rows[i] = b.Rows(i*n, (i+1)*n)
		p.worlds[i].seen = false
	}
	p.batch = b
	return nil
}

func (p *pool) observe(w *world, i int) {
	b := &p.rows[i]
	switch {
	case w.ended:
		key := w.key.Fold(w.episode)
		p.levels.Next(&w.level, p.first+i, key)
		w.id = w.level.ID(p.spec)
		w.env.Reset(&w.level, key)
		w.episode++
		w.step, w.ended = 0, false
		w.env.Observe(b.Obs)
	case w.seen:
		copy(b.Obs, b.Next)
	default:
		w.env.Observe(b.Obs)
	}
	w.seen = false
	for j := range b.Level {
		b.Level[j] = w.id
	}
}

func (p *pool) step(w *world, i int) error {
	b := &p.rows[i]
	if err := p.clamp(b.Act); err != nil {
		return p.locate(err, i)
	}
	w.env.Step(b)
	return p.finish(w, i)
}

// finish does what follows Env.Step.
func (p *pool) finish(w *world, i int) error {
	b := &p.rows[i]
	w.env.Observe(b.Next)
	w.step++
	if b.End[0] == Running && int(w.step) == p.spec.MaxSteps {
		for j := range b.End {
			b.End[j] = Truncated
		}
	}
	w.ended, w.seen = b.End[0] != Running, true
	if !finite(b.Next) || !finite(b.Facts) {
		return p.locate(p.notFinite(b), i)
	}
	for r := range b.Reward {
		facts, sum := b.Facts[r*p.facts:(r+1)*p.facts], float32(0)
		for _, t := range p.terms {
			sum += float32(t.weight * facts[t.col])
		}
		b.Reward[r] = sum
	}
	return nil
}

// finite reports whether no number of x is infinite or NaN. Two sums do not wait for each other.
func finite(x []float32) bool {
	var even, odd float32
	for len(x) >= 2 {
		even += x[0] - x[0]
		odd += x[1] - x[1]
		x = x[2:]
	}
	for _, v := range x {
		even += v - v
	}
	return even+odd == 0
}

// clamp limits the actions of a world to their bounds.
func (p *pool) clamp(act []float32) error {
	for len(act) > 0 {
		for f := range p.spec.Act {
			f := &p.spec.Act[f]
			for i := range f.Len {
				v := act[i]
				switch {
				case f.Choices > 0:
					if !(v >= 0 && v < float32(f.Choices)) || v != geom.Floor(v) {
						return fmt.Errorf("action %q is %v, want a whole number from 0 to %d", f.Name, v, f.Choices-1)
					}
				case v != v:
					return fmt.Errorf("action %q is NaN", f.Name)
				default:
					act[i] = geom.Clamp(v, f.Lo, f.Hi)
				}
			}
			act = act[f.Len:]
		}
	}
	return nil
}

func (p *pool) locate(err error, i int) error {
	w := &p.worlds[i]
	return fmt.Errorf("env %s: world %d, episode %d (level %016x), step %d: %w",
		p.spec.ID, p.first+i, w.episode-1, w.id, w.step, err)
}

func (p *pool) notFinite(b *Batch) error {
	for _, c := range []struct {
		kind   string
		fields []Field
		x      []float32
	}{{"observation", p.spec.Obs, b.Next}, {"fact", p.spec.Facts, b.Facts}} {
		for x := c.x; len(x) > 0; {
			for _, f := range c.fields {
				for _, v := range x[:f.Len] {
					if !geom.Finite(v) {
						return fmt.Errorf("%s %q is %v", c.kind, f.Name, v)
					}
				}
				x = x[f.Len:]
			}
		}
	}
	return errors.New("a value is not finite")
}

// Close ends the workers.
func (p *pool) Close() error {
	p.due, p.phase = unset, unset
	for _, f := range p.wake {
		f.Raise()
	}
	p.wake = nil
	return nil
}

// SetLevels makes coming episodes take their levels from src.
func (p *pool) SetLevels(src Levels) { p.levels = src }

// Level returns the level of the current episode of a world.
func (p *pool) Level(world int) *Level { return &p.worlds[world].level }

// Draw draws a world, if it can be drawn.
func (p *pool) Draw(c Canvas, world int) {
	if d, ok := p.worlds[world].env.(Picture); ok {
		d.Draw(c)
	}
}

// The state of a world: key, number of the next episode, step, ended, level, state of the Env.
const stateHead = 8 + 8 + 4 + 1

// AppendState appends the state of a world. It panics if the Env is not a StateEnv.
func (p *pool) AppendState(dst []byte, world int) []byte {
	w := &p.worlds[world]
	dst = binary.LittleEndian.AppendUint64(dst, w.key.Uint64())
	dst = binary.LittleEndian.AppendUint64(dst, w.episode)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(w.step))
	if w.ended {
		return append(dst, 1)
	}
	dst, _ = w.level.AppendBinary(append(dst, 0))
	return w.env.(StateEnv).AppendState(dst)
}

// SetState makes a world continue from a state of AppendState.
func (p *pool) SetState(world int, state []byte) error {
	w := &p.worlds[world]
	env, ok := w.env.(StateEnv)
	if !ok {
		return fmt.Errorf("env %s cannot restore states", p.spec.ID)
	}
	if len(state) < stateHead || state[stateHead-1] > 1 {
		return fmt.Errorf("env %s: malformed state of %d bytes", p.spec.ID, len(state))
	}
	if ended := state[stateHead-1] == 1; !ended {
		level := Level{Params: make([]float32, len(p.spec.Params))}
		rest, err := CutLevel(&level, state[stateHead:])
		if err != nil {
			return fmt.Errorf("env %s: malformed state: %w", p.spec.ID, err)
		}
		if err := env.SetState(rest); err != nil {
			w.ended = true // the Env is now only good for Reset
			return fmt.Errorf("env %s: %w", p.spec.ID, err)
		}
		w.level, w.id, w.ended = level, level.ID(p.spec), false
	} else {
		w.ended = true
	}
	w.key = rng.New(binary.LittleEndian.Uint64(state))
	w.episode = binary.LittleEndian.Uint64(state[8:])
	w.step = int32(binary.LittleEndian.Uint32(state[16:]))
	w.seen = false
	if p.phase == unset {
		p.phase = toObserve
	}
	return nil
}

var (
	_ Vec         = (*pool)(nil)
	_ Snapshotter = (*pool)(nil)
	_ LevelSetter = (*pool)(nil)
	_ Drawer      = (*pool)(nil)
)
