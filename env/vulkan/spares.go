package vulkan

import (
	"errors"
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

// prepareSpares prepares the beginnings of the next episodes of a world. Those that it has prepared before
// are good still, unless levels may have changed.
func (v *vec) prepareSpares(i int) error {
	w, q, at := &v.Worlds[i], v.roll, i%v.stride
	_, steady := v.Levels().(env.Steady)
	for s := range spareStates {
		b, ready := beginning{w.Key, w.Next + uint64(s), true}, &q.ready[i*spareStates+s]
		if steady && *ready == b {
			continue
		}
		*ready = beginning{}
		level := &q.kept[i*spareStates+s]
		v.host.Reset(level, v.Plan(level, i, b.episode))
		row, err := q.spares.write(s*v.scenes.state*v.stride+at, false)
		if err != nil {
			return err
		}
		v.observeTo(row)
		*ready = b
		q.pages.changed = true
	}
	v.setWord(wordUsed, at, 0)
	v.setWord(wordSpares, at, spareStates)
	return nil
}

// refill looks at n worlds, those of a slice, after a submission: it takes note of the episodes begun, prepares
// more beginnings, steps on the host what the driver could not, and reports whether all are done.
func (v *vec) refill(first, n int) (done bool, err error) {
	done = true
	for at := range n {
		i := first + at
		switch f := v.word(wordFault, at); {
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
		w := &v.Worlds[i]
		v.scene[i] = v.word(wordScene, at)
		if used := int(v.word(wordUsed, at)); used > 0 {
			w.Next += uint64(used)
			last := &v.roll.kept[i*spareStates+used-1]
			w.Level.Seed = last.Seed
			copy(w.Level.Params, last.Params)
			if err := v.prepareSpares(i); err != nil {
				return false, v.Locate(err, i)
			}
		}
		if int(v.word(wordDone, at)) < v.roll.steps {
			done = false
		}
	}
	return done, nil
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
