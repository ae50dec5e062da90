package lab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func init() { benches = append(benches, rolloutBenches) }

// rolloutEnvs are the environments whose rollouts are measured, and rolloutWorlds the numbers of
// worlds; those that do not fit the device are left out.
var (
	rolloutEnvs   = []string{"cartpole-v0", "lander-v0", "walker-v0"}
	rolloutWorlds = []int{64, 1024, 4096, 16384, 65536, 262144}
)

const rolloutSteps = 16

// rolloutBenches measures worlds that a device steps: with actions from the host, and with a policy
// on the device. There are none where the engine is the CPU.
func rolloutBenches() (bs []benchmark, err error) {
	engine := env.Engine()
	name, _, _ := strings.Cut(engine, ":")
	device := false
	for _, d := range env.Devices() {
		device = device || d == name
	}
	for _, e := range rolloutEnvs {
		for _, worlds := range rolloutWorlds {
			b := benchmark{
				name: fmt.Sprintf("rollout/%s/%d", e, worlds), metric: "env_steps_per_second", unit: "1/s", engine: engine,
				worlds: worlds, workers: 1, figure: perWall,
			}
			if !device || !rolloutFits(e, worlds) {
				continue
			}
			acted := b
			acted.metric = "env_steps_per_second_with_policy"
			b.open, acted.open = openDeviceSteps(e, worlds), openDeviceRolls(e, worlds)
			bs = append(bs, b, acted)
		}
	}
	return bs, nil
}

// rolloutFits reports whether a device has room for rollouts of that many worlds, by making one.
func rolloutFits(name string, worlds int) bool {
	work, closeWork, err := openDeviceRolls(name, worlds)()
	if err != nil {
		return false
	}
	_, err = work()
	return errors.Join(err, closeWork()) == nil
}

func openDeviceSteps(name string, worlds int) openFunc {
	return func() (func() (int, error), func() error, error) {
		s, err := openSimOn(name, env.VecOptions{Worlds: worlds})
		if err != nil {
			return nil, nil, err
		}
		return s.step, s.vec.Close, nil
	}
}

// openDeviceRolls performs rollouts of a fresh PPO policy.
func openDeviceRolls(name string, worlds int) openFunc {
	return func() (func() (int, error), func() error, error) {
		s, err := openSimOn(name, env.VecOptions{Worlds: worlds})
		if err != nil {
			return nil, nil, err
		}
		c, err := agents.Open("ppo", nil)
		if err != nil {
			return nil, nil, err
		}
		policy, err := c.Build(agents.Setup{Spec: s.vec.Spec(), Rows: 64, Key: rng.New(1), Workers: 1})
		if err != nil {
			return nil, nil, err
		}
		a, err := policy.(interface {
			Actor(explore bool) (*env.Actor, error)
		}).Actor(true)
		if err != nil {
			return nil, nil, err
		}
		roller, ok := s.vec.(env.Roller)
		if !ok {
			return nil, nil, errors.Join(fmt.Errorf("engine %s makes no rollouts", env.Engine()), s.vec.Close())
		}
		var r env.Rollout
		round := 0
		return func() (int, error) {
			round++
			err := roller.Roll(&r, a, rolloutSteps, func(step int) rng.Key { return rng.New(uint64(round*rolloutSteps + step)) })
			return rolloutSteps * worlds, err
		}, s.vec.Close, nil
	}
}
