package vulkan

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// SetLevels makes coming episodes take their levels from src.
func (v *vec) SetLevels(src env.Levels) {
	v.levels = src
	if v.roll != nil {
		clear(v.roll.ready)
	}
}

// Level returns the level of the current episode of a world.
func (v *vec) Level(world int) *env.Level { return &v.worlds[world].level }

// Draw draws a world, if it can be drawn.
func (v *vec) Draw(c env.Canvas, world int) {
	if d, ok := v.host.(env.Picture); ok && v.brought(world) {
		d.Draw(c)
	}
}

// brought makes a world the host's. If that fails, the next Observe, Step or rollout says so.
func (v *vec) brought(world int) bool {
	err := v.fetch(world)
	if err != nil && v.failed == nil {
		v.failed = v.locate(err, world)
	}
	return err == nil
}

// Err returns why a state could not be saved or a world not be drawn, if that is so.
func (v *vec) Err() error { return v.failed }

// The state of a world is that of env.NewVec: key, number of the next episode, step, ended, level,
// state of the Env.
const stateHead = 8 + 8 + 4 + 1

// AppendState appends the state of a world. It panics if the Env is not a StateEnv. If the device fails it
// appends nothing; Err and what is done next say why.
func (v *vec) AppendState(dst []byte, world int) []byte {
	w := &v.worlds[world]
	if !w.ended && !v.brought(world) {
		return dst
	}
	dst = binary.LittleEndian.AppendUint64(dst, w.key.Uint64())
	dst = binary.LittleEndian.AppendUint64(dst, w.episode)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(w.step))
	if w.ended {
		return append(dst, 1)
	}
	dst, _ = w.level.AppendBinary(append(dst, 0))
	return v.host.(env.StateEnv).AppendState(dst)
}

// SetState makes a world continue from a state of AppendState.
func (v *vec) SetState(world int, state []byte) error {
	w := &v.worlds[world]
	host, ok := v.host.(env.StateEnv)
	if !ok {
		return fmt.Errorf("env %s cannot restore states", v.spec.ID)
	}
	if len(state) < stateHead || state[stateHead-1] > 1 {
		return fmt.Errorf("env %s: malformed state of %d bytes", v.spec.ID, len(state))
	}
	if ended := state[stateHead-1] == 1; !ended {
		level := env.Level{Params: make([]float32, len(v.spec.Params))}
		rest, err := env.CutLevel(&level, state[stateHead:])
		if err != nil {
			return fmt.Errorf("env %s: malformed state: %w", v.spec.ID, err)
		}
		if err := host.SetState(rest); err != nil {
			return fmt.Errorf("env %s: %w", v.spec.ID, err)
		}
		if err := v.send(world); err != nil {
			return fmt.Errorf("env %s: %w", v.spec.ID, err)
		}
		w.level, w.id, w.ended = level, level.ID(v.spec), false
	} else {
		w.ended = true
	}
	w.key = rng.New(binary.LittleEndian.Uint64(state))
	w.episode = binary.LittleEndian.Uint64(state[8:])
	w.step = int32(binary.LittleEndian.Uint32(state[16:]))
	w.seen, w.held = false, false
	if v.phase == unset {
		v.phase = toObserve
	}
	return nil
}

var (
	_ env.Vec         = (*vec)(nil)
	_ env.Snapshotter = (*vec)(nil)
	_ env.LevelSetter = (*vec)(nil)
	_ env.Drawer      = (*vec)(nil)
)
