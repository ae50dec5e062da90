package vulkan

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
)

// SetLevels makes coming episodes take their levels from src.
func (v *vec) SetLevels(src env.Levels) {
	v.Episodes.SetLevels(src)
	if v.roll != nil {
		clear(v.roll.ready)
	}
}

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
		v.failed = v.Locate(err, world)
	}
	return err == nil
}

// Err returns why a state could not be saved or a world not be drawn, if that is so.
func (v *vec) Err() error { return v.failed }

// AppendState appends the state of a world. It panics if the Env is not a StateEnv. If the device fails it
// appends nothing; Err and what is done next say why.
func (v *vec) AppendState(dst []byte, world int) []byte {
	if v.Stages[world] != env.Over && !v.brought(world) {
		return dst
	}
	return v.Episodes.AppendState(dst, world, v.host)
}

// SetState makes a world continue from a state of AppendState.
func (v *vec) SetState(world int, state []byte) error {
	was := v.Stages[world]
	if err := v.Episodes.SetState(world, state, v.host); err != nil {
		v.Stages[world] = was // on the device nothing has changed
		return err
	}
	v.held[world] = false
	if v.Stages[world] == env.Over {
		return nil
	}
	if err := v.send(world); err != nil {
		return fmt.Errorf("env %s: %w", v.spec.ID, err)
	}
	return nil
}

var (
	_ env.Vec         = (*vec)(nil)
	_ env.Snapshotter = (*vec)(nil)
	_ env.LevelSetter = (*vec)(nil)
	_ env.Drawer      = (*vec)(nil)
)
