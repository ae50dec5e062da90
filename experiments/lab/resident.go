package lab

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// checkResident reports what an agent that lives on a device cannot have: worlds that the CPU steps,
// and rewards or bonuses that are computed there.
func (p *Plan) checkResident(policy agents.Policy) error {
	if _, ok := policy.(agents.Resident); !ok {
		return nil
	}
	engine, _, _ := strings.Cut(p.Engine, ":")
	switch {
	case !slices.Contains(env.Devices(), engine):
		return p.at("agent.options.device", fmt.Errorf("the worlds have to be on a device too: the engine is %s, want one of %v, as in --engine %s", p.Engine, env.Devices(), env.Devices()[0]))
	case len(p.Reward) != 1 || p.Reward[0].Name != "task" || p.Reward[0].Weight != 1:
		return p.at("reward", errors.New("an agent on a device learns from the task's own reward: leave this out, or device among the agent's options"))
	case p.Bonus != "":
		return p.at("bonus", errors.New("an agent on a device learns without a bonus: leave this out, or device among the agent's options"))
	case p.Start != nil:
		return p.at("start", errors.New("an agent on a device starts where the environment has it start: leave this out, or device among the agent's options"))
	}
	return nil
}

// settle moves an agent that lives on a device to that of the worlds. Nothing of what happens there
// is seen by the host but rewards and ends: no episodes of training are recorded, nor where they were.
func (t *trainer) settle() (err error) {
	if t.resident, _ = t.policy.(agents.Resident); t.resident == nil {
		return nil
	}
	t.recorder, t.where = nil, nil
	if err := t.plan.checkResident(t.policy); err != nil {
		return err
	}
	return t.resident.Settle(t.vec)
}

// rollout is as many iterations as the agent learns from, all on the device.
func (t *trainer) rollout() error {
	first, b := t.loop.Iterations, t.batch
	r, err := t.resident.Roll(func(step int) rng.Key { return t.actKey.Fold(first + uint64(step)) })
	if err != nil {
		return err
	}
	for at := 0; at < r.Steps*r.N; at += r.N {
		copy(b.Reward, r.Reward[at:at+r.N])
		copy(b.End, r.End[at:at+r.N])
		t.loop.count(b, func(int) []float32 { return b.Reward })
	}
	return nil
}
