package env

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/terrarium-rl/terrarium/env/relay"
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
// implements Snapshotter, LevelSetter and Drawer, as far as the worlds do, and, unless a device steps the
// worlds, Restarter.
func NewVec(c Config, o VecOptions) (Vec, error) {
	spec, err := c.Spec()
	if err != nil {
		return nil, err
	}
	books, err := NewEpisodes(spec, o)
	if err != nil {
		return nil, err
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
	p := &pool{Episodes: books, envs: make([]Env, o.Worlds), rows: make([]Batch, o.Worlds)}
	for i := range p.envs {
		p.envs[i] = c.New()
	}
	if slices.Contains(Others(), engine) {
		if _, ok := p.envs[0].(SimEnv); !ok {
			return nil, fmt.Errorf("env %s: engine %s cannot step it: it has no rigid bodies, its step is plain code", spec.ID, engine)
		}
		p.own = engine
	}
	p.start(min(o.Workers, o.Worlds), engine)
	return p, nil
}

type pool struct {
	*Episodes
	envs  []Env
	rows  []Batch       // of each world in the batch
	sims  []SimEnv      // the worlds, if a stepper steps them
	near  []Prefetcher  // Sim of each; nil before the first step, and if it is none
	homes []home        // of each
	wake  []*relay.Flag // of workers 1, 2, ...; worker 0 is the caller
	due   phase         // what the workers are woken for; unset: to end
	done  relay.Count
	errs  []error // one a worker
	teams []team  // one a worker
	own   string  // engine of RegisterOther, if one steps the worlds
	rests bool    // some worlds may rest
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
		p.sims, p.near, p.homes = make([]SimEnv, len(p.envs)), make([]Prefetcher, len(p.envs)), make([]home, len(p.envs))
		for i := range p.sims {
			p.sims[i], _ = p.envs[i].(SimEnv)
			p.homes[i] = homeOf(p.envs[i])
		}
		settleDown(p.homes)
	}
	for w := 1; w < workers; w++ {
		f := relay.New()
		p.wake = append(p.wake, f)
		lo, hi := w*len(p.envs)/workers, (w+1)*len(p.envs)/workers
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
		return p.part(0, ph, 0, len(p.envs))
	}
	p.due = ph
	p.done.Begin(n - 1)
	for _, f := range p.wake {
		f.Raise()
	}
	p.errs[0] = p.part(0, ph, 0, len(p.envs)/n)
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
		return p.Show(lo, hi, p)
	}
	return p.step(&p.teams[worker], lo, hi)
}

// OwnEngine returns the engine of RegisterOther that steps the worlds, or "".
func (p *pool) OwnEngine() string { return p.own }

// Observe fills b.Obs and b.Level.
func (p *pool) Observe(b *Batch) error {
	changed, err := p.DueObserve(b)
	if err != nil {
		return err
	}
	if changed {
		p.cut(b)
	}
	return p.run(toObserve)
}

// Step applies b.Act and fills the rest of b.
func (p *pool) Step(b *Batch) error {
	changed, err := p.DueStep(b)
	if err != nil {
		return err
	}
	if changed {
		p.cut(b)
	}
	return p.run(toStep)
}

// cut makes p.rows views of b.
func (p *pool) cut(b *Batch) {
	n := p.spec.Agents
	for i := range p.rows {
		p.rows[i] = b.Rows(i*n, (i+1)*n)
	}
}

// Close ends the workers.
func (p *pool) Close() error {
	p.due, p.phase = unset, unset // every call is an error until the next Reset
	for _, f := range p.wake {
		f.Raise()
	}
	p.wake = nil
	return nil
}

// Draw draws a world, if it can be drawn.
func (p *pool) Draw(c Canvas, world int) {
	if d, ok := p.envs[world].(Picture); ok {
		d.Draw(c)
	}
}

// AppendState appends the state of a world. It panics if the Env is not a StateEnv.
func (p *pool) AppendState(dst []byte, world int) []byte {
	return p.Episodes.AppendState(dst, world, p.envs[world])
}

// SetState makes a world continue from a state of AppendState.
func (p *pool) SetState(world int, state []byte) error {
	return p.Episodes.SetState(world, state, p.envs[world])
}

var (
	_ Vec         = (*pool)(nil)
	_ Snapshotter = (*pool)(nil)
	_ LevelSetter = (*pool)(nil)
	_ Drawer      = (*pool)(nil)
	_ Restarter   = (*pool)(nil)
)
