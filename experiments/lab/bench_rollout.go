package lab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/vulkan"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

func init() { benches = append(benches, rolloutBenches) }

// rolloutEnvs are the environments whose rollouts are measured, and rolloutWorlds the numbers of
// worlds, as far as the device has room for them.
var (
	rolloutEnvs   = []string{"cartpole-v0", "lander-v0", "walker-v0"}
	rolloutWorlds = []int{64, 1024, 4096, 16384, 65536, 262144}
)

const rolloutSteps = 16

// rolloutBenches measures worlds that a device steps: with actions from the host, and with a policy
// on the device. There are none where the engine is the CPU.
func rolloutBenches() (bs []benchmark, err error) {
	engine := env.Engine()
	name, device, _ := strings.Cut(engine, ":")
	if name != vulkan.Engine {
		return nil, nil
	}
	d, err := vk.Open(vk.Options{Device: device})
	if err != nil {
		return nil, err
	}
	info := d.Info()
	d.Close()
	for _, e := range rolloutEnvs {
		most, err := rolloutMost(e, info)
		if err != nil {
			return nil, err
		}
		for _, worlds := range rolloutWorlds {
			if worlds > most {
				continue
			}
			b := benchmark{
				name: fmt.Sprintf("rollout/%s/%d", e, worlds), metric: "env_steps_per_second", unit: "1/s", engine: engine,
				worlds: worlds, workers: 1, figure: perWall,
			}
			acted := b
			acted.metric = "env_steps_per_second_with_policy"
			b.open, acted.open = openDeviceSteps(e, worlds), openDeviceRolls(e, worlds)
			bs = append(bs, b, acted)
		}
	}
	return bs, nil
}

// rolloutMost returns for how many worlds rollouts are measured: a software device, which is for
// tests, would take minutes for many, and half of what fits leaves room for recordings.
func rolloutMost(name string, d vk.Info) (int, error) {
	if d.Kind == vk.Software {
		return rolloutWorlds[1], nil
	}
	c, err := env.Open(name, nil)
	if err != nil {
		return 0, err
	}
	most, err := vulkan.Most(c, d)
	return most / 2, err
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
