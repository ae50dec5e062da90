package vulkan

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/terrarium-rl/terrarium/env"
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
	books, err := env.NewEpisodes(spec, o)
	if err != nil {
		return nil, err
	}
	host := c.New()
	manifest, layout, err := layOut(spec, host)
	if err != nil {
		return nil, err
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	v := &vec{
		Episodes: books, config: c, spec: spec, host: host, scenes: layout, held: make([]bool, o.Worlds),
		w: widths{env.Width(spec.Obs), env.Width(spec.Act), env.Width(spec.Facts)},
	}
	if v.machine, err = newMachine(manifest, v.scenes, spec.ID, o, v.substeps(), v.w, d.Device); err != nil {
		return nil, fmt.Errorf("env %s: %w", spec.ID, err)
	}
	v.hands = []*hand{newHand(v, v.host, v.scenes)}
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
	e.Reset(&l, v.Plan(&l, 0, 0))
	for n := 0; ; n++ {
		if sim, _ := e.Drive(b, n); sim == nil {
			return n
		}
	}
}

type vec struct {
	*env.Episodes
	*machine
	scenes *scenes
	config env.Config
	spec   *env.Spec
	w      widths
	host   env.Env // the world in Go that worlds are saved and drawn by
	hands  []*hand // that worlds are begun by; host is that of the first
	device sync.Mutex
	held   []bool  // of each world: the device holds the coming observation, since the last rollout
	roll   *roller // nil before the first rollout
	redone int     // steps of worlds that the host has done again
	failed error   // what a method without an error could not do
	watch  func(made, all int) error
}

// Reset abandons every episode.
func (v *vec) Reset(seed uint64) {
	v.Episodes.Reset(seed)
	if v.broken {
		v.failed = v.wipe()
	}
}

// Observe fills b.Obs and b.Level.
func (v *vec) Observe(b *env.Batch) error {
	if v.failed != nil {
		return v.failed
	}
	if _, err := v.DueObserve(b); err != nil {
		return err
	}
	clear(v.held)
	for s := range v.slices() {
		if err := v.showSlice(s); err != nil {
			return err
		}
	}
	return nil
}

// showSlice is Observe for a slice of the worlds, as many at a time as have room on their way to the device.
func (v *vec) showSlice(s int) error {
	lo, n := v.span(s)
	end := lo + n
	if slices.ContainsFunc(v.Stages[lo:end], func(s env.Stage) bool { return s != env.Known }) {
		err := v.enter(s)
		if err == nil {
			err = v.flush() // for those that look
		}
		if err != nil {
			return fmt.Errorf("env %s: %w", v.spec.ID, err)
		}
	}
	for lo < end {
		hi, begun := lo, 0
		for ; hi < end && (begun < v.states.room() || v.Stages[hi] != env.Over); hi++ {
			if v.Stages[hi] == env.Over {
				begun++
			}
		}
		if err := v.reserve(begun); err != nil {
			return fmt.Errorf("env %s: %w", v.spec.ID, err)
		}
		if err := v.spread(hi-lo, func(h *hand, from, to int) error { return v.Show(lo+from, lo+to, h) }); err != nil {
			v.broken = true // rows that wait may be of no world
			return err
		}
		lo = hi
	}
	return nil
}

// Step applies b.Act and fills the rest of b.
func (v *vec) Step(b *env.Batch) error {
	if v.failed != nil {
		return v.failed
	}
	if _, err := v.DueStep(b); err != nil {
		return err
	}
	if i, err := v.Clamp(b.Act); err != nil {
		return v.Locate(err, i)
	}
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
	for at := range n {
		i := first + at
		b.End[i] = env.End(v.ends.Words()[at])
		again, err := v.check(at)
		if err == nil && again {
			err = v.redo(b, i, at)
		}
		if err != nil {
			return v.Locate(err, i)
		}
	}
	return v.Settle(first, first+n)
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
