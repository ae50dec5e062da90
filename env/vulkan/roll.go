package vulkan

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders"
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
	steps              int
	shape              []int // widths of the network that buffers are for
	net, scratch, keys *vk.Buffer
	spare, terms, out  *vk.Buffer
	commands           *vk.Commands
	act                func(*vk.Recorder) // records the first part of a step: its beginning and the policy
	widest, width      int
	kept               []env.Level // levels of the beginnings, world by world
	ready              []beginning // which beginnings they are
}

// A beginning is the episode of a world that the host has prepared the beginning of.
type beginning struct {
	key     rng.Key
	episode uint64
	done    bool
}

// Roll performs steps steps of all worlds on the device.
func (v *vec) Roll(r *env.Rollout, a *env.Actor, steps int, key func(step int) rng.Key) error {
	if err := v.perform(r, a, steps, key); err != nil {
		return err
	}
	v.endRoll(r)
	return nil
}

// perform is Roll, but leaves what was recorded on the device.
func (v *vec) perform(r *env.Rollout, a *env.Actor, steps int, key func(step int) rng.Key) error {
	if err := v.startRoll(r, a, steps, key); err != nil {
		return err
	}
	return v.finishRoll(r)
}

// startRoll brings to the device what a rollout needs.
func (v *vec) startRoll(r *env.Rollout, a *env.Actor, steps int, key func(step int) rng.Key) error {
	if v.phase != toObserve {
		return v.misuse("Roll", "Step")
	}
	if steps < 1 {
		return fmt.Errorf("env %s: a rollout of %d steps, want at least 1", v.spec.ID, steps)
	}
	words, err := v.netWords(a)
	if err != nil {
		return fmt.Errorf("env %s: %w", v.spec.ID, err)
	}
	if err := v.prepareRoll(a, words, steps); err != nil {
		return fmt.Errorf("env %s: %w", v.spec.ID, err)
	}
	q := v.roll
	copy(q.net.Words(), words)
	for t := range steps {
		k := key(t)
		q.keys.Words()[2*t], q.keys.Words()[2*t+1] = k.Lo, k.Hi
	}
	return v.beginRoll(r, steps)
}

// finishRoll submits the rollout until all worlds are done with it.
func (v *vec) finishRoll(r *env.Rollout) error {
	q := v.roll
	for range mostRests * q.steps {
		if err := q.commands.Run(); err != nil {
			return fmt.Errorf("env %s: %w", v.spec.ID, err)
		}
		done, err := v.refill(r)
		if err != nil || done {
			return err
		}
	}
	return fmt.Errorf("env %s: worlds do not come to the end of a step on %s", v.spec.ID, v.dev.Info().Name)
}

// netWords returns the table of words that shaders/policy.comp explains.
func (v *vec) netWords(a *env.Actor) ([]uint32, error) {
	kinds := []string{"tanh", "relu", "elu", "identity"}
	act := slices.Index(kinds, a.Activation)
	layers := len(a.Widths) - 1
	switch {
	case act < 0:
		return nil, fmt.Errorf("the policy's activation is %q, want one of %v", a.Activation, kinds)
	case layers < 1 || a.Widths[0] != v.obs:
		return nil, fmt.Errorf("the policy's layers are %v wide, want %d inputs and at least one output", a.Widths, v.obs)
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
	if in > a.Widths[layers] || free != len(a.Free) || col != v.act {
		return nil, fmt.Errorf("the policy has %d outputs, %d free parameters and %d actions, want at least %d, %d and %d",
			a.Widths[layers], len(a.Free), col, in, free, v.act)
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
	copy(w, []uint32{uint32(layers), uint32(act), uint32(len(a.Parts)), uint32(v.act), explore, uint32(a.Purpose), norm, freeAt, bounds, uint32(parts)})
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
func (v *vec) prepareRoll(a *env.Actor, words []uint32, steps int) error {
	if q := v.roll; q != nil && q.steps == steps && q.net.Len() == 4*len(words) && slices.Equal(q.shape, a.Widths) {
		return nil
	}
	if v.roll != nil {
		v.roll.free()
	}
	n := len(v.worlds)
	q := &roller{steps: steps, shape: slices.Clone(a.Widths), widest: slices.Max(a.Widths), width: 2*v.obs + 2*v.act + v.facts + 3}
	v.roll = q
	q.kept, q.ready = make([]env.Level, n*spareStates), make([]beginning, n*spareStates)
	for i := range q.kept {
		q.kept[i].Params = make([]float32, len(v.spec.Params))
	}
	for _, b := range []struct {
		buffer *(*vk.Buffer)
		words  int
	}{
		{&q.net, len(words)}, {&q.scratch, (2*q.widest + v.act) * n}, {&q.keys, 2 * steps},
		{&q.spare, spareStates * v.scenes.state * n}, {&q.terms, max(2*len(v.terms), 1)}, {&q.out, steps * q.width * n},
	} {
		if most := v.dev.Info().Range; uint64(4*b.words) > most {
			return fmt.Errorf("a rollout of %d steps of %d worlds needs %d MiB in one buffer, of which %s allows %d MiB", steps, n, 4*b.words>>20, v.dev.Info().Name, most>>20)
		}
		var err error
		if *b.buffer, err = v.dev.NewBuffer(4*b.words, vk.HostVisible); err != nil {
			return err
		}
	}
	for i, t := range v.terms {
		q.terms.Words()[2*i], q.terms.Words()[2*i+1] = uint32(t.col), math.Float32bits(t.weight)
	}
	for s := range spareStates {
		v.fill(q.spare.Words()[s*v.scenes.state*n:], v.scenes.state)
	}
	return v.recordRoll(q)
}

// recordRoll records the kernels of a whole rollout.
func (v *vec) recordRoll(q *roller) error {
	begin, err := v.bind("roll_begin", 7, v.mem, q.spare, v.before, v.table)
	if err != nil {
		return err
	}
	policy, err := v.bind("policy", 4, v.mem, q.net, q.scratch, q.keys)
	if err != nil {
		return err
	}
	end, err := v.bind("roll_end", 13, v.mem, q.scratch, q.terms, q.out)
	if err != nil {
		return err
	}
	n, c := uint32(v.n), v.scenes
	keep := map[bool]uint32{true: 1}[v.scenes.crowded || v.dev.Info().Kind == vk.Software] // which alone ends loops early
	q.act = func(r *vk.Recorder) {
		r.Dispatch(begin, v.groups(), n, uint32(v.scenes.state), uint32(q.steps), keep,
			uint32(c.words), uint32(c.rest), uint32(c.nrest))
		r.Barrier()
		r.Dispatch(policy, v.groups(), n, uint32(v.rowObs), uint32(v.rowAct), uint32(q.widest))
		r.Barrier()
	}
	q.commands, err = v.dev.Record(func(r *vk.Recorder) {
		for range q.steps {
			q.act(r)
			v.simulate(r)
			r.Dispatch(end, v.groups(), n, uint32(v.rowObs), uint32(v.rowAct), uint32(v.rowNext), uint32(v.rowFacts), uint32(v.rowEnd),
				uint32(v.obs), uint32(v.act), uint32(v.facts), uint32(2*q.widest), uint32(v.spec.MaxSteps), v.kernels, uint32(len(v.terms)))
			r.Barrier()
		}
	})
	return err
}

func (v *vec) bind(name string, push int, buffers ...*vk.Buffer) (*vk.Binding, error) {
	if v.extra[name] == nil {
		code, err := shaders.Load(name)
		if err != nil {
			return nil, err
		}
		if v.extra[name], err = v.dev.NewKernel(code, vk.KernelOptions{Buffers: len(buffers), Push: push}); err != nil {
			return nil, err
		}
	}
	return v.extra[name].Bind(buffers...)
}

func (q *roller) free() {
	for _, b := range []*vk.Buffer{q.net, q.scratch, q.keys, q.spare, q.terms, q.out} {
		if b != nil {
			b.Free()
		}
	}
	if q.commands != nil {
		q.commands.Free()
	}
}

func (v *vec) setWord(at, i int, w uint32) { v.mem.Words()[at*v.n+i] = w }

// beginRoll tells the device where each world stands.
func (v *vec) beginRoll(r *env.Rollout, steps int) error {
	n := len(v.worlds)
	r.Steps, r.N = steps, n
	r.Level = slices.Grow(r.Level[:0], steps*n)[:steps*n]
	for i := range v.worlds {
		w := &v.worlds[i]
		for at, x := range []uint32{wordFault: 0, wordTurn: engine.Idle, wordScene: v.word(wordScene, i), wordDone: 0, wordStep: uint32(w.step), wordUsed: 0, wordEnded: 0, wordSpares: 0} {
			v.setWord(at, i, x)
		}
		if w.ended {
			v.setWord(wordEnded, i, 1)
		} else if !w.held {
			v.fetch(i)
			obs := make([]float32, v.obs)
			v.host.Observe(obs)
			for j, x := range obs {
				v.setWord(v.rowObs+j, i, math.Float32bits(x))
			}
		}
		if err := v.prepareSpares(i); err != nil {
			return v.locate(err, i)
		}
	}
	return nil
}

// prepareSpares prepares the beginnings of the next episodes of a world. Those that it has prepared before
// are good still, unless levels may have changed.
func (v *vec) prepareSpares(i int) error {
	w, q, n := &v.worlds[i], v.roll, len(v.worlds)
	_, steady := v.levels.(env.Steady)
	for s := range spareStates {
		b, ready := beginning{w.key, w.episode + uint64(s), true}, &q.ready[i*spareStates+s]
		if steady && *ready == b {
			continue
		}
		*ready = b
		key := w.key.Fold(b.episode)
		level := &q.kept[i*spareStates+s]
		v.levels.Next(level, v.first+i, key)
		v.host.Reset(level, key)
		mem := q.spare.Words()[s*v.scenes.state*n:]
		if err := v.scenes.upload(mem, i, n, v.scenes.state); err != nil {
			return err
		}
		obs := make([]float32, v.obs)
		v.host.Observe(obs)
		for j, x := range obs {
			mem[(v.rowObs+j)*n+i] = math.Float32bits(x)
		}
	}
	v.setWord(wordUsed, i, 0)
	v.setWord(wordSpares, i, spareStates)
	return nil
}

// refill looks at all worlds after a submission: it takes note of the episodes begun, prepares more
// beginnings, steps on the host what the driver could not, and reports whether all are done.
func (v *vec) refill(r *env.Rollout) (done bool, err error) {
	done = true
	for i := range v.worlds {
		switch f := v.word(wordFault, i); {
		case f&engine.Panic != 0:
			err = errors.New("a kernel came to where the Go code panics")
		case f&(engine.Loop|engine.Many) != 0:
			err = v.redoRolled(i)
			done = false
		case f&notFinite != 0:
			err = errors.New("an observation or a fact is not finite")
		}
		if err != nil {
			return false, v.locate(err, i)
		}
		if used := int(v.word(wordUsed, i)); used > 0 {
			w := &v.worlds[i]
			w.episode += uint64(used)
			last := &v.roll.kept[i*spareStates+used-1]
			w.level.Seed = last.Seed
			copy(w.level.Params, last.Params)
			if err := v.prepareSpares(i); err != nil {
				return false, v.locate(err, i)
			}
		}
		if int(v.word(wordDone, i)) < v.roll.steps {
			done = false
		}
	}
	return done, nil
}

// redoRolled performs the step of a world that the driver cut short on the host, from the state and
// with the action that it began with.
func (v *vec) redoRolled(i int) error {
	v.redone++
	var control [engine.Control]uint32
	for a := range control {
		control[a] = v.word(a, i)
	}
	act := make([]float32, v.act)
	for j := range act {
		act[j] = math.Float32frombits(v.word(v.rowAct+j, i))
	}
	v.scenes.download(v.before.Words(), i, v.n)
	b := env.NewBatch(v.spec, 1)
	copy(b.Act, act)
	v.host.Step(b)
	v.host.Observe(b.Next)
	obs := make([]uint32, v.obs)
	for j := range obs {
		obs[j] = v.before.Words()[(v.rowObs+j)*v.n+i]
	}
	v.restore(i)
	for a, w := range control {
		v.setWord(a, i, w)
	}
	v.setWord(wordFault, i, 0)
	v.setWord(wordTurn, i, v.kernels)
	if err := v.scenes.upload(v.mem.Words(), i, v.n, v.scenes.words); err != nil {
		return err
	}
	for j, w := range obs {
		v.setWord(v.rowObs+j, i, w)
	}
	for _, row := range []struct {
		at int
		x  []float32
	}{{v.rowAct, act}, {v.rowNext, b.Next}, {v.rowFacts, b.Facts}} {
		for j, x := range row.x {
			v.setWord(row.at+j, i, math.Float32bits(x))
		}
	}
	v.setWord(v.rowEnd, i, uint32(b.End[0]))
	return nil
}

// endRoll copies what the device recorded, and what the host keeps of each world.
func (v *vec) endRoll(r *env.Rollout) {
	at := 0
	take := func(dst []float32, width int) []float32 {
		dst = v.recorded(dst, at, width)
		at += width
		return dst
	}
	r.Obs, r.Raw, r.Act, r.Next = take(r.Obs, v.obs), take(r.Raw, v.act), take(r.Act, v.act), take(r.Next, v.obs)
	r.Facts = take(r.Facts, v.facts)
	v.endKept(r)
}

// endKept copies rewards, ends and levels alone.
func (v *vec) endKept(r *env.Rollout) {
	n, q := len(v.worlds), v.roll
	rec, at := q.out.Words(), q.width-3
	r.Reward = v.recorded(r.Reward, at, 1)
	at++
	r.End = slices.Grow(r.End[:0], q.steps*n)[:q.steps*n]
	for t := range q.steps {
		for i, w := range rec[(t*q.width+at)*n:][:n] {
			r.End[t*n+i] = env.End(w)
		}
	}
	for i := range v.worlds {
		v.leave(r, i, rec[at*n:])
	}
}

// recorded copies columns of all records to dst, a row for each.
func (v *vec) recorded(dst []float32, at, width int) []float32 {
	n, q := len(v.worlds), v.roll
	rec := q.out.Words()
	dst = slices.Grow(dst[:0], q.steps*n*width)[:q.steps*n*width]
	for t := range q.steps {
		for j := range width {
			for i, w := range rec[(t*q.width+at+j)*n:][:n] {
				dst[(t*n+i)*width+j] = math.Float32frombits(w)
			}
		}
	}
	return dst
}

// leave brings what the host knows of a world up to date after a rollout, and notes which level
// it played in each step. The column of first steps of episodes follows that of ends.
func (v *vec) leave(r *env.Rollout, i int, ends []uint32) {
	w, q, n := &v.worlds[i], v.roll, len(v.worlds)
	begun := 0
	for t := range q.steps {
		begun += int(ends[(t*q.width+1)*n+i])
	}
	level := env.Level{Params: make([]float32, len(v.spec.Params))}
	id, episode := w.id, w.episode-uint64(begun)
	for t := range q.steps {
		if ends[(t*q.width+1)*n+i] != 0 {
			v.levels.Next(&level, v.first+i, w.key.Fold(episode))
			id = level.ID(v.spec)
			episode++
		}
		r.Level[t*n+i] = id
	}
	w.id = id
	w.step = int32(v.word(wordStep, i))
	w.ended, w.seen = v.word(wordEnded, i) != 0, false
	w.held = !w.ended
}

var _ env.Roller = (*vec)(nil)
