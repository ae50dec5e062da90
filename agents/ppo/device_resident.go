package ppo

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn/gpu"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// The limits of updates on devices.
const (
	maxDeviceRollout     = 32768 // steps: drivers may end loops at 65,535 rounds
	maxDeviceMinibatches = 4096  // some fifty dispatches each, recorded for a whole epoch
)

// A keeper is a Vec whose rollouts stay on its device; that of package env/vulkan is one.
type keeper interface {
	env.Vec
	Device() *gpu.Device
	Keep(r *env.Rollout, a *env.Actor, steps int, key func(step int) rng.Key) (record *gpu.Buffer, err error)
}

// A resident is an agent whose rollouts and updates are on a device: option device. The host's agent
// beside it acts where that is asked for, and has its state at all times but the moments of the
// optimiser, which are fetched when the state is saved.
type resident struct {
	host    *agent
	vec     keeper
	learner *learner // nil before the first rollout, and after a state was loaded
	roll    env.Rollout
	due     bool // a rollout waits for Learn
}

// newResident checks that a device can do what the options ask for.
func newResident(a *agent) (*resident, error) {
	all := a.rows * a.Rollout
	for _, o := range []struct {
		bad bool
		why string
	}{
		{a.LayerNorm, "layer_norm: devices cannot run networks with layer normalisation"},
		{a.Average, "average: the mean reward is not an objective on devices"},
		{a.Temperature > 0, "temperature: rewards are the task's own on devices"},
		{a.IntrinsicCoef > 0, "intrinsic_coef: bonuses are not learned from on devices"},
		{a.Rollout > maxDeviceRollout, fmt.Sprintf("rollout is %d, want at most %d", a.Rollout, maxDeviceRollout)},
		{all/a.Minibatch >= maxDeviceMinibatches, fmt.Sprintf("minibatch is %d of %d rows, want one of at least %d", a.Minibatch, all, all/maxDeviceMinibatches+1)},
	} {
		if o.bad {
			return nil, fmt.Errorf("ppo: with device, %s", o.why)
		}
	}
	return &resident{host: a}, nil
}

// Settle moves the agent to the device of v.
func (d *resident) Settle(v env.Vec) error {
	k, ok := v.(keeper)
	if !ok {
		return errors.New("ppo: device learns where the worlds are stepped, and these are stepped by the CPU: use --engine vulkan, or leave device out")
	}
	if v.Len() != d.host.rows {
		return fmt.Errorf("ppo: device learns from %d worlds, these are %d", d.host.rows, v.Len())
	}
	if err := d.leave(); err != nil {
		return err
	}
	d.vec = k
	return nil
}

// leave brings the state home from the device.
func (d *resident) leave() error {
	if d.learner == nil {
		return nil
	}
	err := d.learner.fetch()
	d.learner.kit.Free()
	d.learner = nil
	return err
}

// Roll performs a rollout.
func (d *resident) Roll(key func(step int) rng.Key) (*env.Rollout, error) {
	switch {
	case d.vec == nil:
		return nil, errors.New("ppo: Roll before Settle")
	case d.due:
		return nil, errors.New("ppo: Roll without Learn after the last one")
	}
	actor, err := d.host.Actor(true)
	if err != nil {
		return nil, err
	}
	record, err := d.vec.Keep(&d.roll, actor, d.host.Rollout, key)
	if err != nil {
		return nil, err
	}
	if d.learner != nil && d.learner.record != record {
		if err := d.leave(); err != nil {
			return nil, err
		}
	}
	if d.learner == nil {
		if d.learner, err = newLearner(d.host, d.vec, record); err != nil {
			return nil, fmt.Errorf("ppo: %w", err)
		}
	}
	d.due = true
	return &d.roll, nil
}

// Learn makes an update from the last rollout.
func (d *resident) Learn(report agents.Report) (bool, error) {
	if !d.due {
		return false, errors.New("ppo: with device, learning takes Settle and Roll in place of Record")
	}
	a := d.host
	if err := d.learner.update(&d.roll); err != nil {
		return false, fmt.Errorf("ppo: update %d: %w", a.updates, err)
	}
	d.due = false
	a.updates++
	a.rowsLearned += int64(a.rows) * int64(a.Rollout)
	a.report(report)
	return true, nil
}

// Act fills b.Act, on the host.
func (d *resident) Act(b *env.Batch, k rng.Key, explore bool) { d.host.Act(b, k, explore) }

// Record does nothing: Learn then tells that Roll was due.
func (d *resident) Record(*env.Batch, []float32) {}

// Actor returns the policy in a form that an env.Roller can run.
func (d *resident) Actor(explore bool) (*env.Actor, error) { return d.host.Actor(explore) }

// Judge is that of an agent on the host.
func (d *resident) Judge(b *env.Batch, value, entropy []float32) { d.host.Judge(b, value, entropy) }

// LogProb is that of an agent on the host.
func (d *resident) LogProb(dst, obs, act []float32) { d.host.LogProb(dst, obs, act) }

// AppendBinary appends the state, which is that of an agent on the host with the same options.
func (d *resident) AppendBinary(b []byte) ([]byte, error) {
	if d.due {
		return b, errors.New("ppo: the state can be saved after an update only; a rollout waits for its own")
	}
	if d.learner != nil {
		if err := d.learner.fetch(); err != nil {
			return b, fmt.Errorf("ppo: %w", err)
		}
	}
	return d.host.AppendBinary(b)
}

// UnmarshalBinary restores a state. What was recorded since the last update is forgotten.
func (d *resident) UnmarshalBinary(b []byte) error {
	if err := d.leave(); err != nil {
		return fmt.Errorf("ppo: %w", err)
	}
	d.due = false
	return d.host.UnmarshalBinary(b)
}

var (
	_ agents.Resident = (*resident)(nil)
	_ agents.Likely   = (*resident)(nil)
)
