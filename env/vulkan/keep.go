package vulkan

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

// Device returns the device that steps the worlds, for those who work there with what Keep leaves. It
// closes with the Vec.
func (v *vec) Device() *vk.Device { return v.dev }

// Keep is Roll, but leaves observations, actions and facts on the device: of r it sets rewards, ends
// and levels alone. The buffer holds what shaders/roll_end.comp records, until the next rollout: number
// j of the record of world i in step t is at (t*width+j)*worlds+i, where a record is the observation, the
// action as the distribution has it, the action, the successor, the facts, the reward, the end, and
// whether the step is the first of its episode.
func (v *vec) Keep(r *env.Rollout, a *env.Actor, steps int, key func(step int) rng.Key) (record *vk.Buffer, err error) {
	if err := v.perform(r, a, steps, key, true); err != nil {
		return nil, err
	}
	return v.roll.out, nil
}
