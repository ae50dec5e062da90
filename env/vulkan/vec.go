package vulkan

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

func init() {
	env.RegisterDevice(Engine, func(c env.Config, o env.VecOptions, device string) (env.Vec, error) {
		return NewVec(c, o, Options{Device: device})
	})
}

// Engine is the name by which env.NewVec knows this engine; a device may follow after a colon.
const Engine = "vulkan"

// ErrUnavailable is wrapped where there is no such device.
var ErrUnavailable = vk.ErrUnavailable

// ErrUnsupported is wrapped where an environment has no kernels.
var ErrUnsupported = errors.New("the vulkan engine cannot run it")

// Options are the options of NewVec beside those that any engine has.
type Options struct {
	Device string // a kind ("discrete", "software") or a part of a name; default: the best GPU
}

// NewVec runs the worlds of c on a device. It gives the same bits as env.NewVec on devices that
// round as IEEE 754 says. Episodes begin on the CPU. The result also implements Snapshotter,
// LevelSetter and Drawer, and its states are those of env.NewVec.
//
// A step of a world in which a driver ends a loop before its time, as Mesa's software driver does
// after 65,535 rounds, is done again on the CPU.
//
// Errors wrap ErrUnavailable where there is no such device, and ErrUnsupported where c has no
// kernels.
func NewVec(c env.Config, o env.VecOptions, d Options) (env.Vec, error) {
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
		if o.Levels, err = (&env.LevelSet{}).Compile(spec); err != nil {
			return nil, err
		}
	}
	host := c.New()
	manifest, layout, err := layOut(spec, host)
	if err != nil {
		return nil, err
	}
	v := &vec{
		spec: spec, levels: o.Levels, first: o.First, host: host, scenes: layout, worlds: make([]world, o.Worlds),
		w: widths{env.Width(spec.Obs), env.Width(spec.Act), env.Width(spec.Facts)},
	}
	for i := range v.worlds {
		v.worlds[i] = world{level: env.Level{Params: make([]float32, len(spec.Params))}, ended: true}
	}
	for _, t := range spec.Reward {
		col, _ := env.Column(spec.Facts, t.Fact) // Validate has looked it up
		v.terms = append(v.terms, term{col, t.Weight})
	}
	if v.machine, err = newMachine(manifest, v.scenes, spec.ID, o.Worlds, v.substeps(), v.w, d.Device); err != nil {
		return nil, fmt.Errorf("env %s: %w", spec.ID, err)
	}
	return v, nil
}

// substeps returns how often the physics is advanced in a step: as often in the first step of a
// level as in any other.
func (v *vec) substeps() int {
	e, ok := v.host.(env.SimEnv)
	if !ok {
		return 0
	}
	b := env.NewBatch(v.spec, 1)
	l := env.Level{Params: make([]float32, len(v.spec.Params))}
	v.levels.Next(&l, v.first, rng.Key{})
	e.Reset(&l, rng.Key{})
	for n := 0; ; n++ {
		if sim, _ := e.Drive(b, n); sim == nil {
			return n
		}
	}
}

// A world is what the host knows about one on the device.
type world struct {
	key     rng.Key // its episodes fold their number into it
	episode uint64  // number of the next episode
	step    int32
	ended   bool // the next Observe begins an episode
	seen    bool // Next of the last batch holds the coming observation
	held    bool // the device does, since the last rollout
	level   env.Level
	id      uint64
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

type vec struct {
	*machine
	scenes *scenes
	spec   *env.Spec
	levels env.Levels
	first  int
	w      widths
	terms  []term
	host   env.Env // the world in Go that all worlds are begun, saved and drawn by
	worlds []world
	batch  *env.Batch // of the last call
	phase  phase
	roll   *roller // nil before the first rollout
	redone int     // steps of worlds that the host has done again
	failed error   // what a method without an error could not do
}

// Spec returns the specification that all worlds share.
func (v *vec) Spec() *env.Spec { return v.spec }

// Len returns the number of worlds.
func (v *vec) Len() int { return len(v.worlds) }

// Reset abandons every episode.
func (v *vec) Reset(seed uint64) {
	for i := range v.worlds {
		w := &v.worlds[i]
		w.key, w.episode, w.ended, w.seen = rng.New(seed).Fold(uint64(v.first+i)), 0, true, false
	}
	if v.broken {
		v.failed = v.wipe()
	}
	v.phase = toObserve
}

// Observe fills b.Obs and b.Level.
func (v *vec) Observe(b *env.Batch) error {
	if v.phase != toObserve {
		return v.misuse("Observe", "Step")
	}
	if err := v.attach(b); err != nil {
		return err
	}
	if v.failed != nil {
		return v.failed
	}
	for i := range v.worlds {
		w := &v.worlds[i]
		row := b.Obs[i*v.w.obs : (i+1)*v.w.obs]
		switch {
		case w.ended:
			key := w.key.Fold(w.episode)
			v.levels.Next(&w.level, v.first+i, key)
			w.id = w.level.ID(v.spec)
			v.host.Reset(&w.level, key)
			w.episode++
			w.step, w.ended = 0, false
			v.host.Observe(row)
			if err := v.send(i); err != nil {
				return v.locate(err, i)
			}
		case w.seen:
			copy(row, b.Next[i*v.w.obs:])
		default:
			if err := v.fetch(i); err != nil {
				return v.locate(err, i)
			}
			v.host.Observe(row)
		}
		w.seen, w.held = false, false
		b.Level[i] = w.id
	}
	v.phase = toStep
	return nil
}

// Step applies b.Act and fills the rest of b.
func (v *vec) Step(b *env.Batch) error {
	if v.phase != toStep {
		return v.misuse("Step", "Observe")
	}
	if err := v.attach(b); err != nil {
		return err
	}
	if v.failed != nil {
		return v.failed
	}
	for i := range v.worlds {
		if err := v.clamp(b.Act[i*v.w.act : (i+1)*v.w.act]); err != nil {
			return v.locate(err, i)
		}
	}
	v.phase = toObserve
	for s := range v.slices() {
		if err := v.stepSlice(b, s); err != nil {
			v.broken = true
			return err
		}
	}
	return nil
}

// stepSlice is Step for a slice of the worlds.
func (v *vec) stepSlice(b *env.Batch, s int) error {
	err := v.enter(s)
	if err == nil {
		err = v.touch()
	}
	if err != nil {
		return fmt.Errorf("env %s: %w", v.spec.ID, err)
	}
	first, n := v.span(s)
	v.scatter(b.Act[first*v.w.act:][:n*v.w.act], v.act, v.w.act)
	if err := v.run(n); err != nil {
		return fmt.Errorf("env %s: %w", v.spec.ID, err)
	}
	v.gather(b.Next[first*v.w.obs:][:n*v.w.obs], v.next, v.w.obs)
	v.gather(b.Facts[first*v.w.facts:][:n*v.w.facts], v.facts, v.w.facts)
	for i := range n {
		if err := v.judge(b, first+i, i); err != nil {
			return v.locate(err, first+i)
		}
	}
	return nil
}

// judge ends the step of world i, number at of its slice: end of the episode, reward, errors.
func (v *vec) judge(b *env.Batch, i, at int) error {
	w := &v.worlds[i]
	again, err := v.check(at)
	switch {
	case err != nil:
		return err
	case again:
		if err := v.redo(b, i, at); err != nil {
			return err
		}
	default:
		b.End[i] = env.End(v.ends.Words()[at])
	}
	w.step++
	if b.End[i] == env.Running && int(w.step) == v.spec.MaxSteps {
		b.End[i] = env.Truncated
	}
	w.ended, w.seen = b.End[i] != env.Running, true
	next, facts := b.Next[i*v.w.obs:(i+1)*v.w.obs], b.Facts[i*v.w.facts:(i+1)*v.w.facts]
	if err := finite("observation", v.spec.Obs, next); err != nil {
		return err
	}
	if err := finite("fact", v.spec.Facts, facts); err != nil {
		return err
	}
	sum := float32(0)
	for _, t := range v.terms {
		sum += float32(t.weight * facts[t.col])
	}
	b.Reward[i] = sum
	return nil
}

// redo performs the last step of a world on the host, from the state before it.
func (v *vec) redo(b *env.Batch, i, at int) error {
	state, err := v.past.read(at)
	if err != nil {
		return err
	}
	v.scenes.read(state)
	v.redone++
	row := b.Rows(i, i+1)
	v.host.Step(&row)
	v.host.Observe(row.Next)
	_, err = v.states.write(at, true)
	return err
}

func finite(kind string, fields []env.Field, x []float32) error {
	var sum float32
	for _, v := range x {
		sum += v - v
	}
	if sum == 0 {
		return nil
	}
	for _, f := range fields {
		for _, v := range x[:f.Len] {
			if !geom.Finite(v) {
				return fmt.Errorf("%s %q is %v", kind, f.Name, v)
			}
		}
		x = x[f.Len:]
	}
	return nil
}

// clamp limits the actions of a world to their bounds.
func (v *vec) clamp(act []float32) error {
	for f := range v.spec.Act {
		f := &v.spec.Act[f]
		for i := range f.Len {
			x := act[i]
			switch {
			case f.Choices > 0:
				if !(x >= 0 && x < float32(f.Choices)) || x != geom.Floor(x) {
					return fmt.Errorf("action %q is %v, want a whole number from 0 to %d", f.Name, x, f.Choices-1)
				}
			case x != x:
				return fmt.Errorf("action %q is NaN", f.Name)
			default:
				act[i] = geom.Clamp(x, f.Lo, f.Hi)
			}
		}
		act = act[f.Len:]
	}
	return nil
}

func (v *vec) misuse(called, missing string) error {
	if v.phase == unset {
		missing = "Reset"
	}
	return fmt.Errorf("env %s: %s called where %s was due", v.spec.ID, called, missing)
}

func (v *vec) attach(b *env.Batch) error {
	if b == v.batch {
		return nil
	}
	n := len(v.worlds)
	if b.N != n || len(b.Obs) != n*v.w.obs || len(b.Act) != n*v.w.act || len(b.Facts) != n*v.w.facts {
		return fmt.Errorf("env %s: the batch was not made by NewBatch for this spec and %d worlds", v.spec.ID, n)
	}
	for i := range v.worlds {
		v.worlds[i].seen = false
	}
	v.batch = b
	return nil
}

func (v *vec) locate(err error, i int) error {
	w := &v.worlds[i]
	return fmt.Errorf("env %s: world %d, episode %d (level %016x), step %d: %w",
		v.spec.ID, v.first+i, w.episode-1, w.id, w.step, err)
}
