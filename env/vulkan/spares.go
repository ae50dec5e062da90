package vulkan

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders/engine"
)

// A beginning is the episode of a world that the host has prepared the beginning of.
type beginning struct {
	key     rng.Key
	episode uint64
	done    bool
}

// A task is a beginning to be prepared: that of an episode of a world.
type task struct {
	world   int
	episode uint64
}

// place returns where among those of a slice the beginning of an episode is: consecutive ones of a world take
// turns, so that what was prepared stays where it is.
func (t task) place() int { return t.world*spareStates + int(t.episode%spareStates) }

// prepareSpares prepares the beginnings of the next episodes of worlds, which are given by their places in the
// slice that begins at world first. Those that it has prepared before are good still, unless levels may have changed.
func (v *vec) prepareSpares(first int, places []int) error {
	q := v.roll
	_, steady := v.Levels().(env.Steady)
	q.tasks = q.tasks[:0]
	for _, at := range places {
		w := &v.Worlds[first+at]
		for s := range uint64(spareStates) {
			t := task{first + at, w.Next + s}
			if !steady || q.ready[t.place()] != (beginning{w.Key, t.episode, true}) {
				q.tasks = append(q.tasks, t)
			}
		}
		v.setWord(wordUsed, at, 0)
		v.setWord(wordSpares, at, spareStates|uint32(w.Next%spareStates)<<16)
	}
	for rest := q.tasks; len(rest) > 0; {
		n := min(len(rest), q.spares.room())
		if err := v.prepareTasks(rest[:n]); err != nil {
			clear(q.ready)
			q.spares.n = 0 // some may be of no world
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// prepareTasks prepares beginnings, on all goroutines.
func (v *vec) prepareTasks(tasks []task) error {
	q := v.roll
	q.pages.changed = true
	if err := q.spares.reserve(len(tasks), false); err != nil {
		return fmt.Errorf("env %s: %w", v.spec.ID, err)
	}
	return v.spread(len(tasks), func(h *hand, lo, hi int) error {
		for _, t := range tasks[lo:hi] {
			level := &q.kept[t.place()]
			h.host.Reset(level, v.Plan(level, t.world, t.episode))
			row := q.spares.claim(t.place()%spareStates*v.scenes.state*v.stride + t.world%v.stride)
			if err := h.scenes.write(row); err != nil {
				return v.Locate(err, t.world)
			}
			h.observeTo(row)
			q.ready[t.place()] = beginning{v.Worlds[t.world].Key, t.episode, true}
		}
		return nil
	})
}

// refill looks at n worlds, those of a slice, after a submission: it takes note of the episodes begun, prepares
// more beginnings, steps on the host what the driver could not, and reports whether all are done.
func (v *vec) refill(first, n int) (done bool, err error) {
	q := v.roll
	done, q.due = true, q.due[:0]
	control := q.control.Words()
	faults, scenes, steps, used := control[wordFault*v.stride:], control[wordScene*v.stride:], control[wordDone*v.stride:], control[wordUsed*v.stride:]
	for at := range n {
		i := first + at
		switch f := faults[at]; {
		case f == notFinite:
			err = errors.New("an observation or a fact is not finite")
		case f != 0:
			if _, err = v.fault(f); err == nil {
				err = v.redoRolled(at)
			}
			done = false
		}
		if err != nil {
			return false, v.Locate(err, i)
		}
		v.scene[i] = scenes[at]
		if used[at] > 0 {
			w := &v.Worlds[i]
			w.Next += uint64(used[at])
			last := &q.kept[task{i, w.Next - 1}.place()]
			w.Level.Seed = last.Seed
			copy(w.Level.Params, last.Params)
			q.due = append(q.due, at)
		}
		if int(steps[at]) < q.steps {
			done = false
		}
	}
	return done, v.prepareSpares(first, q.due)
}

// redoRolled performs the step of world i of the slice that the driver cut short on the host, from the state
// and with the action that it began with.
func (v *vec) redoRolled(i int) error {
	v.redone++
	var control [engine.Control]uint32
	for a := range control {
		control[a] = v.word(a, i)
	}
	now, err := v.looks.read(i)
	if err != nil {
		return err
	}
	b := env.NewBatch(v.spec, 1)
	for j := range b.Act {
		b.Act[j] = math.Float32frombits(now[v.rowAct+j])
	}
	act := slices.Clone(b.Act)
	past, err := v.past.read(i)
	if err != nil {
		return err
	}
	v.scenes.read(past)
	v.host.Step(b)
	v.host.Observe(b.Next)
	row, err := v.states.write(i, true)
	if err != nil {
		return err
	}
	copy(row[v.rowObs:], past[v.rowObs:][:v.w.obs])
	for _, x := range []struct {
		at int
		x  []float32
	}{{v.rowAct, act}, {v.rowNext, b.Next}, {v.rowFacts, b.Facts}} {
		for j, f := range x.x {
			row[x.at+j] = math.Float32bits(f)
		}
	}
	row[v.rowEnd] = uint32(b.End[0])
	if err := v.flush(); err != nil {
		return err
	}
	for a, w := range control {
		v.setWord(a, i, w)
	}
	v.setWord(wordFault, i, 0)
	v.setWord(wordTurn, i, v.kernels)
	return nil
}
