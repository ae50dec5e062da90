package env

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"slices"

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
		bounds: bounds(spec),
		spec:   spec, levels: o.Levels, first: o.First,
		obs: Width(spec.Obs), act: Width(spec.Act), facts: Width(spec.Facts),
		worlds: make([]world, o.Worlds), rows: make([]Batch, o.Worlds),
		stages: make([]stage, o.Worlds), steps: make([]int32, o.Worlds), ids: make([]uint64, o.Worlds),
	}
	for _, t := range spec.Reward {
		col, _ := Column(spec.Facts, t.Fact) // Validate has looked it up
		p.terms = append(p.terms, term{col, t.Weight})
	}
	for i := range p.worlds {
		p.worlds[i] = world{env: c.New(), level: Level{Params: make([]float32, len(spec.Params))}}
		p.stages[i] = over
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
	level   Level
}

// A stage is what the next Observe has to do for a world.
type stage uint8

const (
	known stage = iota // copy Next of the last batch
	look               // ask the Env
	over               // begin another episode
)

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
	obs, act, facts int     // widths
	bounds          []bound // of a row of actions
	terms           []term
	worlds          []world
	stages          []stage      // of each world
	steps           []int32      // since its episode began
	ids             []uint64     // of its level
	rows            []Batch      // of each world in batch
	sims            []SimEnv     // the worlds, if a stepper steps them
	near            []Prefetcher // Sim of each; nil before the first step, and if it is none
	batch           *Batch       // that rows are views of
	phase           phase
	wake            []*relay.Flag // of workers 1, 2, ...; worker 0 is the caller
	due             phase         // what the workers are woken for; unset: to end
	done            relay.Count
	errs            []error // one a worker
	teams           []team  // one a worker
	own             string  // engine of RegisterOther, if one steps the worlds
}

func (p *pool) start(workers int, engine string) {
	p.errs = make([]error, workers)
	p.teams = make([]team, workers)
	for w := range p.teams {
		if p.teams[w].stepper = NewStepper(engine); p.teams[w].stepper == nil {
			break // engine "go" steps each world by itself
		}
	}
	if p.teams[0].stepper != nil {
		p.sims, p.near = make([]SimEnv, len(p.worlds)), make([]Prefetcher, len(p.worlds))
		for i := range p.sims {
			p.sims[i], _ = p.worlds[i].env.(SimEnv)
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
	if ph == toObserve {
		p.observe(lo, hi)
		return nil
	}
	return p.step(&p.teams[worker], lo, hi)
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
		w.key, w.episode = rng.New(seed).Fold(uint64(p.first+i)), 0
		p.stages[i] = over
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
		p.stages[i] = max(p.stages[i], look)
	}
	p.batch = b
	return nil
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
	dst = binary.LittleEndian.AppendUint32(dst, uint32(p.steps[world]))
	if p.stages[world] == over {
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
			p.stages[world] = over // the Env is now only good for Reset
			return fmt.Errorf("env %s: %w", p.spec.ID, err)
		}
		w.level, p.ids[world], p.stages[world] = level, level.ID(p.spec), look
	} else {
		p.stages[world] = over
	}
	w.key = rng.New(binary.LittleEndian.Uint64(state))
	w.episode = binary.LittleEndian.Uint64(state[8:])
	p.steps[world] = int32(binary.LittleEndian.Uint32(state[16:]))
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
