package vulkan

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

// Words of a world's memory that kernels of rollouts use: see shaders/roll_begin.comp.
const (
	wordFault   = 0
	wordTurn    = 1
	wordScene   = 2
	wordDone    = 3
	wordStep    = 4
	wordUsed    = 5
	wordEnded   = 6
	wordSpares  = 7
	notFinite   = 4 // in wordFault
	spareStates = 2 // beginnings of episodes that the host prepares for each world
)

// roller is what rollouts need beside the machine.
type roller struct {
	asked    int   // steps of a rollout that it is for
	steps    int   // that are recorded at a time
	chunk    int   // that a submission makes
	shape    []int // widths of the network that buffers are for
	size     int   // words of the network's table
	before   int   // steps of worlds that were made before those of the slice
	buffers  []*vk.Buffer
	bound    []*vk.Binding
	spare    *vk.Buffer
	out      *vk.Buffer // what is recorded
	tails    *vk.Buffer // the last columns of that, for the host
	pages    *pages     // of spare
	spares   *columns
	net      *vk.Window
	keys     *vk.Window
	control  *vk.Window // the first words of worlds of the slice
	commands *vk.Commands
	act      func(*vk.Recorder) // records the first part of a step: its beginning and the policy
	end      func(*vk.Recorder) // records the last
	widest   int
	width    int
	idle     int         // steps of those recorded that are left out at the beginning
	kept     []env.Level // levels of the beginnings, world by world
	ready    []beginning // which beginnings they are
	due      []int       // places in the slice of worlds whose beginnings are to be prepared
	tasks    []task      // these beginnings
	episodes []uint64    // of each world, to take note of its levels
}

// Roll performs steps steps of all worlds on the device.
func (v *vec) Roll(r *env.Rollout, a *env.Actor, steps int, key func(step int) rng.Key) error {
	return v.perform(r, a, steps, key, false)
}

// perform is Roll or, if it is to keep the record on the device, Keep.
func (v *vec) perform(r *env.Rollout, a *env.Actor, steps int, key func(step int) rng.Key, keep bool) error {
	if err := v.openRoll(r, a, steps, keep); err != nil {
		return err
	}
	q := v.roll
	for from := 0; from < steps; from += q.steps {
		n := min(q.steps, steps-from)
		for s := range v.slices() {
			first, _ := v.span(s)
			q.before = from*v.all + first*n
			err := v.beginRoll(s, n, func(step int) rng.Key { return key(from + step) })
			if err == nil {
				err = v.finishRoll(s)
			}
			if err != nil {
				v.broken = true
				return err
			}
		}
		if err := v.endRoll(r, from, keep); err != nil {
			return fmt.Errorf("env %s: %w", v.spec.ID, err)
		}
	}
	return nil
}

// openRoll makes what a rollout needs on the device and in r.
func (v *vec) openRoll(r *env.Rollout, a *env.Actor, steps int, keep bool) error {
	if err := v.DueRoll(); err != nil {
		return err
	}
	switch {
	case v.failed != nil:
		return v.failed
	case steps < 1:
		return fmt.Errorf("env %s: a rollout of %d steps, want at least 1", v.spec.ID, steps)
	}
	words, err := v.netWords(a)
	if err == nil {
		err = v.prepareRoll(a, words, steps, keep)
	}
	if err != nil {
		return fmt.Errorf("env %s: %w", v.spec.ID, err)
	}
	copy(v.roll.net.Words(), words)
	n := steps * v.all
	r.Steps, r.N = steps, v.all
	r.Reward, r.End, r.Level = resized(r.Reward, n), resized(r.End, n), resized(r.Level, n)
	if keep {
		r.Obs, r.Raw, r.Act, r.Next, r.Facts = nil, nil, nil, nil, nil
		return nil
	}
	r.Obs, r.Raw, r.Act = resized(r.Obs, n*v.w.obs), resized(r.Raw, n*v.w.act), resized(r.Act, n*v.w.act)
	r.Next, r.Facts = resized(r.Next, n*v.w.obs), resized(r.Facts, n*v.w.facts)
	return nil
}

// resized returns a slice of n elements, x if it is large enough.
func resized[T any](x []T, n int) []T { return slices.Grow(x[:0], n)[:n] }

// finishRoll submits the rollout until all worlds of the slice are done with it.
func (v *vec) finishRoll(s int) error {
	q := v.roll
	first, n := v.span(s)
	for range mostRests * q.steps {
		err := v.touch()
		if err == nil {
			err = q.spares.flush()
		}
		began := time.Now()
		if err == nil {
			err = q.commands.Run()
		}
		if err == nil {
			err = v.pace(time.Since(began))
		}
		if err != nil {
			return fmt.Errorf("env %s: %w", v.spec.ID, err)
		}
		done, err := v.refill(first, n)
		if err != nil {
			return err
		}
		if done {
			for i := range n {
				v.Steps[first+i] = int32(v.word(wordStep, i))
				v.Stages[first+i], v.held[first+i] = env.Look, true
				if v.word(wordEnded, i) != 0 {
					v.Stages[first+i] = env.Over
				}
			}
			return nil
		}
		if err := v.tell(n); err != nil {
			return err
		}
	}
	return fmt.Errorf("env %s: worlds do not come to the end of a step on %s", v.spec.ID, v.dev.Info().Name)
}

// Watch has f called between the submissions of rollouts, with the number of steps of worlds that are made and
// that of all in the rollout. An error of it ends the rollout, which returns it: of what was made nothing is kept, and
// the worlds are to be reset, or set to states, before they are used again.
func (v *vec) Watch(f func(made, all int) error) { v.watch = f }

// tell calls what watches, if anything does, after a submission of n worlds.
func (v *vec) tell(n int) error {
	if v.watch == nil {
		return nil
	}
	q := v.roll
	made := q.before
	for i := range n {
		made += int(v.word(wordDone, i)) - q.idle
	}
	return v.watch(made, q.asked*v.all)
}

// netWords returns the table of words that shaders/policy.comp explains.
func (v *vec) netWords(a *env.Actor) ([]uint32, error) {
	kinds := []string{"tanh", "relu", "elu", "identity"}
	act := slices.Index(kinds, a.Activation)
	layers := len(a.Widths) - 1
	switch {
	case act < 0:
		return nil, fmt.Errorf("the policy's activation is %q, want one of %v", a.Activation, kinds)
	case layers < 1 || a.Widths[0] != v.w.obs:
		return nil, fmt.Errorf("the policy's layers are %v wide, want %d inputs and at least one output", a.Widths, v.w.obs)
	}
	parts := 10 + 3*layers
	w := make([]uint32, parts+5*len(a.Parts))
	in, free, col := 0, 0, 0
	for i, p := range a.Parts {
		copy(w[parts+5*i:], []uint32{uint32(p.Kind), uint32(p.N), uint32(in), uint32(free), uint32(col)})
		switch p.Kind {
		case env.Categorical:
			in, col = in+p.N, col+1
		case env.Normal:
			in, free, col = in+p.N, free+p.N, col+p.N
		default:
			in, col = in+2*p.N, col+p.N
		}
	}
	if in > a.Widths[layers] || free != len(a.Free) || col != v.w.act {
		return nil, fmt.Errorf("the policy has %d outputs, %d free parameters and %d actions, want at least %d, %d and %d",
			a.Widths[layers], len(a.Free), col, in, free, v.w.act)
	}
	floats := func(x ...float32) (at uint32) {
		at = uint32(len(w))
		for _, f := range x {
			w = append(w, math.Float32bits(f))
		}
		return at
	}
	norm := uint32(0)
	if a.Shift != nil {
		norm = floats(append(append([]float32{a.Limit}, a.Shift...), a.Scale...)...)
	}
	freeAt := floats(a.Free...)
	bounds := uint32(len(w))
	for _, f := range v.spec.Act {
		for range f.Len {
			floats(f.Lo, f.Hi, (f.Lo+f.Hi)/2, (f.Hi-f.Lo)/2)
			w = append(w, map[bool]uint32{true: 1}[f.Choices > 0])
		}
	}
	params := floats(a.Params...)
	explore := map[bool]uint32{true: 1}[a.Explore]
	copy(w, []uint32{uint32(layers), uint32(act), uint32(len(a.Parts)), uint32(v.w.act), explore, uint32(a.Purpose), norm, freeAt, bounds, uint32(parts)})
	for l := range layers {
		n, m := a.Widths[l], a.Widths[l+1]
		copy(w[10+3*l:], []uint32{uint32(n), uint32(m), params})
		params += uint32(n*m + m)
	}
	if int(params) != len(w) {
		return nil, fmt.Errorf("the policy has %d parameters, want %d for layers %v wide", len(a.Params), len(a.Params)+int(params)-len(w), a.Widths)
	}
	return w, nil
}

// prepareRoll makes buffers and commands for rollouts of a shape, unless the last one had it.
func (v *vec) prepareRoll(a *env.Actor, words []uint32, steps int, keep bool) error {
	record := recordWords(v.spec)
	if q := v.roll; q != nil && q.asked == steps && q.size == len(words) && slices.Equal(q.shape, a.Widths) && (q.steps == steps || !keep) {
		return nil
	}
	if v.roll != nil {
		v.roll.free()
		v.roll = nil
	}
	q := &roller{asked: steps, steps: steps, chunk: 1, shape: slices.Clone(a.Widths), size: len(words), widest: slices.Max(a.Widths), width: record}
	d := v.dev.Info()
	// Where a step of the rollout takes much, it is recorded in parts, which the host takes.
	if most := int(d.Most() / uint64(4*record*v.all)); most < steps {
		if keep || most == 0 {
			return fmt.Errorf("%w for the record of a rollout of %d steps of %d worlds in one buffer, of which %s allows %d MiB: at most %d steps, or %d worlds",
				vk.ErrMemory, steps, v.all, d.Name, d.Most()>>20, most, d.Most()/uint64(4*record*steps))
		}
		q.steps = (steps + (steps+most-1)/most - 1) / ((steps + most - 1) / most)
	}
	q.kept, q.ready, q.episodes = make([]env.Level, v.all*spareStates), make([]beginning, v.all*spareStates), make([]uint64, v.all)
	for i := range q.kept {
		q.kept[i].Params = make([]float32, len(v.spec.Params))
	}
	err := v.allocateRoll(q)
	if err == nil {
		err = v.recordRoll(q)
	}
	if err != nil {
		q.free()
		return fmt.Errorf("a rollout of %d steps of %d worlds: %w", steps, v.all, err)
	}
	v.roll = q
	return nil
}

// allocateRoll makes the memory of rollouts.
func (v *vec) allocateRoll(q *roller) (err error) {
	n, state := v.stride, v.scenes.state
	buffer := func(words int, kind vk.Memory) (b *vk.Buffer) {
		if err == nil {
			if b, err = v.dev.NewBuffer(4*words, kind); err == nil {
				q.buffers = append(q.buffers, b)
			}
		}
		return b
	}
	net, scratch, keys := buffer(q.size, vk.DeviceLocal), buffer((2*q.widest+v.w.act)*n, vk.DeviceLocal), buffer(2+2*q.steps, vk.DeviceLocal)
	terms := buffer(max(2*len(v.spec.Reward), 1), vk.DeviceLocal)
	q.spare, q.out = buffer(spareStates*state*n, vk.DeviceLocal), buffer(q.steps*q.width*v.all, vk.DeviceLocal)
	q.tails = buffer(3*q.steps*v.all, vk.HostVisible)
	if err != nil {
		return err
	}
	if q.pages, err = newPages(v.dev, q.spare, spareStates*state*n, v.slices()); err != nil {
		return err
	}
	if q.spares, err = v.newColumns(q.spare, put); err != nil {
		return err
	}
	for _, x := range []struct {
		window *(*vk.Window)
		buffer *vk.Buffer
		words  int
	}{{&q.net, net, q.size}, {&q.keys, keys, 2 + 2*q.steps}, {&q.control, v.mem, engine.Control * n}} {
		if *x.window, err = v.dev.NewWindow(x.buffer, 0, x.words, vk.HostVisible); err != nil {
			return err
		}
	}
	w := make([]float32, 2*len(v.spec.Reward))
	for i, t := range v.spec.Reward {
		col, _ := env.Column(v.spec.Facts, t.Fact) // the Spec is valid
		w[2*i], w[2*i+1] = math.Float32frombits(uint32(col)), t.Weight
	}
	if err := terms.Upload(w); err != nil {
		return err
	}
	return v.bindRoll(q, net, scratch, keys, terms)
}

// bindRoll binds the kernels of rollouts.
func (v *vec) bindRoll(q *roller, net, scratch, keys, terms *vk.Buffer) (err error) {
	bind := func(name string, push int, buffers ...*vk.Buffer) (b *vk.Binding) {
		if err == nil {
			if b, err = v.bind(name, push, buffers...); err == nil {
				q.bound = append(q.bound, b)
			}
		}
		return b
	}
	n, c := uint32(v.stride), v.scenes
	before, kept := v.before, uint32(1)
	if before == nil {
		before, kept = scratch, 0 // which is not written then
	}
	begin := bind("roll_begin", 7, v.mem, q.spare, before, v.table)
	policy := bind("policy", 4, v.mem, net, scratch, keys)
	end := bind("roll_end", 13, v.mem, scratch, terms, q.out, keys, q.tails)
	q.act = func(r *vk.Recorder) {
		r.Dispatch(begin, v.groups(), n, uint32(c.state), uint32(q.steps), kept, uint32(c.words), uint32(c.rest), uint32(c.nrest))
		r.Barrier()
		r.Dispatch(policy, v.groups(), n, uint32(v.rowObs), uint32(v.rowAct), uint32(q.widest))
		r.Barrier()
	}
	q.end = func(r *vk.Recorder) {
		r.Dispatch(end, v.groups(), n, uint32(v.rowObs), uint32(v.rowAct), uint32(v.rowNext), uint32(v.rowFacts), uint32(v.rowEnd),
			uint32(v.w.obs), uint32(v.w.act), uint32(v.w.facts), uint32(2*q.widest), uint32(v.spec.MaxSteps), v.kernels, uint32(len(v.spec.Reward)))
		r.Barrier()
	}
	return err
}

// stint is about how long a submission of a rollout may take. Systems reset GPUs that are at work for longer, at
// first those with a display: Windows after two seconds.
var stint = 250 * time.Millisecond // but for tests never changed

// pace makes submissions longer or shorter after one that took a time. What rollouts come to does not depend on
// that: every world keeps its own time.
func (v *vec) pace(took time.Duration) error {
	q := v.roll
	chunk := q.chunk
	switch {
	case took > stint:
		chunk = max(chunk/2, 1)
	case took < stint/3:
		chunk = min(2*chunk, q.steps)
	}
	if chunk == q.chunk {
		return nil
	}
	q.commands.Free()
	q.chunk, q.commands = chunk, nil
	return v.recordRoll(q)
}

// recordRoll records the kernels of a few steps of a rollout.
func (v *vec) recordRoll(q *roller) (err error) {
	q.commands, err = v.dev.Record(func(r *vk.Recorder) {
		r.Load(q.net, q.keys, q.control)
		for range q.chunk {
			q.act(r)
			v.simulate(r)
			q.end(r)
		}
		r.Save(q.control)
	})
	return err
}

func (q *roller) free() {
	if q.commands != nil {
		q.commands.Free()
	}
	for _, b := range q.bound {
		b.Free()
	}
	for _, w := range []*vk.Window{q.net, q.keys, q.control} {
		if w != nil {
			w.Free()
		}
	}
	q.spares.free()
	if q.pages != nil {
		q.pages.free()
	}
	for _, b := range q.buffers {
		b.Free()
	}
}

// word and setWord are what the host sees of the first words of world i of the slice, in a rollout.
func (v *vec) word(at, i int) uint32       { return v.roll.control.Words()[at*v.stride+i] }
func (v *vec) setWord(at, i int, w uint32) { v.roll.control.Words()[at*v.stride+i] = w }

// beginRoll tells the device where each world of a slice stands, and the keys of steps steps.
func (v *vec) beginRoll(s, steps int, key func(step int) rng.Key) error {
	q := v.roll
	first, n := v.span(s)
	err := v.enter(s)
	if err == nil && s != q.pages.now {
		if err = q.spares.flush(); err == nil {
			err = q.pages.enter(s)
		}
	}
	if err != nil {
		return fmt.Errorf("env %s: %w", v.spec.ID, err)
	}
	q.idle = q.steps - steps
	keys := q.keys.Words()
	keys[0], keys[1] = uint32(first), uint32(v.all)
	for t := range steps {
		k := key(t)
		keys[2+2*(q.idle+t)], keys[3+2*(q.idle+t)] = k.Lo, k.Hi
	}
	for i := first; i < first+n; i++ {
		if err := v.showWorld(i); err != nil {
			return v.Locate(err, i)
		}
	}
	if err := v.flush(); err != nil {
		return fmt.Errorf("env %s: %w", v.spec.ID, err)
	}
	control := q.control.Words()
	row := func(word int) []uint32 { return control[word*v.stride:][:v.stride] }
	turn, done, step, scene, ended := row(wordTurn), row(wordDone), row(wordStep), row(wordScene), row(wordEnded)
	clear(control)
	q.due = q.due[:0]
	for i := range v.stride {
		turn[i], done[i] = engine.Idle, uint32(q.steps) // where there is no world
		if i >= n {
			continue
		}
		done[i], step[i], scene[i] = uint32(q.idle), uint32(v.Steps[first+i]), v.scene[first+i]
		if v.Stages[first+i] == env.Over {
			ended[i] = 1
		}
		q.due = append(q.due, i)
	}
	return v.prepareSpares(first, q.due)
}

// showWorld brings the observation of a world to the device, if it is not there.
func (v *vec) showWorld(i int) error {
	if v.Stages[i] == env.Over || v.held[i] {
		return nil
	}
	if err := v.fetch(i); err != nil {
		return err
	}
	row, err := v.states.write(i%v.stride, v.broken)
	if err != nil {
		return err
	}
	v.hands[0].observeTo(row)
	return nil
}

// endRoll takes what was recorded from step from of the rollout on: if it is to stay on the device, rewards, ends
// and levels alone.
func (v *vec) endRoll(r *env.Rollout, from int, keep bool) error {
	q, n := v.roll, v.all
	err := v.spread(n, func(_ *hand, lo, hi int) error {
		v.noteTails(r, from, lo, hi)
		return nil
	})
	for t := q.idle; t < q.steps && err == nil && !keep; t++ {
		var record []uint32
		if record, err = q.out.View(t*q.width*n, q.width*n); err != nil {
			break
		}
		err = v.spread(n, func(_ *hand, lo, hi int) error {
			v.unfold(r, record, from+t-q.idle, lo, hi)
			return nil
		})
	}
	return err
}

// noteTails notes rewards, ends and levels of worlds lo to hi in the steps that were recorded from step from on.
func (v *vec) noteTails(r *env.Rollout, from, lo, hi int) {
	q, n := v.roll, v.all
	tails := q.tails.Words()
	tail := func(t, column int) []uint32 { return tails[(3*t+column)*n:][lo:hi] }
	episodes := q.episodes[lo:hi] // numbers of those that the worlds begin next
	for i := range episodes {
		episodes[i] = v.Worlds[lo+i].Next
	}
	for t := q.idle; t < q.steps; t++ {
		for i, first := range tail(t, 2) {
			episodes[i] -= uint64(first)
		}
	}
	level := env.Level{Params: make([]float32, len(v.spec.Params))}
	for t := q.idle; t < q.steps; t++ {
		at := (from+t-q.idle)*n + lo
		rewards, ends, levels := r.Reward[at:], r.End[at:], r.Level[at:]
		for i, w := range tail(t, 0) {
			rewards[i] = math.Float32frombits(w)
		}
		for i, w := range tail(t, 1) {
			ends[i] = env.End(w)
		}
		for i, first := range tail(t, 2) {
			if first != 0 {
				v.Plan(&level, lo+i, episodes[i])
				v.IDs[lo+i] = level.ID(v.spec)
				episodes[i]++
			}
			levels[i] = v.IDs[lo+i]
		}
	}
}

// unfold writes what was recorded of worlds lo to hi in a step to r.
func (v *vec) unfold(r *env.Rollout, record []uint32, step, lo, hi int) {
	n := v.all
	for _, x := range []struct {
		dst   []float32
		width int
	}{{r.Obs, v.w.obs}, {r.Raw, v.w.act}, {r.Act, v.w.act}, {r.Next, v.w.obs}, {r.Facts, v.w.facts}} {
		rows := x.dst[(step*n+lo)*x.width:]
		for j := range x.width {
			for i, w := range record[j*n:][lo:hi] {
				rows[i*x.width+j] = math.Float32frombits(w)
			}
		}
		record = record[x.width*n:]
	}
}

var _ env.Roller = (*vec)(nil)
