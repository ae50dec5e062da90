package lab

import (
	"errors"
	"fmt"
	"runtime"
	"strings"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/ppo"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/vulkan"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

func init() { benches = append(benches, rolloutBenches) }

// rolloutEnvs are the environments whose rollouts are measured, and rolloutWorlds the numbers of
// worlds, as far as there is room for them.
var (
	rolloutEnvs   = []string{"cartpole-v0", "lander-v0", "walker-v0"}
	rolloutWorlds = []int{64, 1024, 4096, 16384, 65536, 262144}
)

const (
	rolloutSteps  = 16
	hostWorlds    = 16384 // most that are measured on the CPU
	softwareSteps = 65536 // of worlds in a rollout on a software device
)

// rolloutBenches measures rollouts in three columns: actions from the host, a policy that acts, and
// training. On a device, policy and training are there.
func rolloutBenches() (bs []benchmark, err error) {
	engine, device, _ := strings.Cut(env.Engine(), ":")
	onDevice := engine == vulkan.Engine
	info := vk.Info{}
	if onDevice {
		d, err := vk.Open(vk.Options{Device: device})
		if err != nil {
			return nil, err
		}
		info = d.Info()
		d.Close()
	}
	for _, name := range rolloutEnvs {
		var room vulkan.Room
		if onDevice {
			if room, err = roomFor(name, info); err != nil {
				return nil, err
			}
		}
		for _, worlds := range rolloutWorlds {
			if worlds > hostWorlds && !onDevice {
				continue
			}
			r := rolloutBench{name, worlds, runtime.GOMAXPROCS(0), rolloutSteps}
			b := benchmark{
				name: fmt.Sprintf("rollout/%s/%d", name, worlds), metric: "env_steps_per_second", unit: "1/s", engine: env.Engine(),
				worlds: worlds, workers: r.workers, figure: perWall, asked: true, alone: true, open: r.simulate,
			}
			if info.Kind == vk.Software { // it is the processor
				b.metric, b.figure = "env_steps_per_core_second", perCore
			}
			if !onDevice {
				b.engine = engineOf(name)
			}
			acting, learning := b, b
			acting.metric, acting.vs, acting.open = b.metric+"_with_policy", b.key(), r.act
			learning.metric, learning.vs, learning.open = b.metric+"_with_training", b.key(), r.train
			if onDevice {
				r.steps = rolloutLength(worlds, room, info)
				b.leftOut, b.open = tooMany(worlds, room.Steps, info), r.simulate
				acting.leftOut = tooMany(worlds, room.Rollouts, info)
				learning.leftOut = tooMany(worlds, room.Rollouts/4*3, info) // the rest is for the learner
				acting.open, learning.open = r.actOnDevice, r.trainOnDevice
			}
			acting.steps, learning.steps = r.steps, r.steps
			bs = append(bs, b, acting, learning)
		}
	}
	return bs, nil
}

// roomFor returns how many worlds of an environment a device has room for.
func roomFor(name string, d vk.Info) (vulkan.Room, error) {
	c, err := env.Open(name, nil)
	if err != nil {
		return vulkan.Room{}, err
	}
	return vulkan.Fits(c, d)
}

// tooMany is the error of more worlds than a device has room for, nil if they fit.
func tooMany(worlds, most int, d vk.Info) error {
	if worlds <= most {
		return nil
	}
	return fmt.Errorf("%w for %d worlds: %s, which has %d MiB, has room for %d", vk.ErrMemory, worlds, d.Name, d.Memory>>20, most)
}

// rolloutLength returns how many steps a rollout has on a device: fewer than others where not as many can be recorded,
// and on software devices, which would take minutes with many worlds.
func rolloutLength(worlds int, room vulkan.Room, d vk.Info) int {
	steps := min(rolloutSteps, int(d.Most()/uint64(room.Record*worlds)))
	if d.Kind == vk.Software {
		steps = min(steps, softwareSteps/worlds)
	}
	return max(steps, 1)
}

// A rolloutBench makes the work of the three columns.
type rolloutBench struct {
	name                   string
	worlds, workers, steps int
}

// agent returns worlds and a fresh PPO agent with the default network for them: rollouts of
// r.steps steps, four epochs of four minibatches, but of 256 to 32,768 rows.
func (r rolloutBench) agent(device bool) (*stepper, agents.Policy, error) {
	s, err := openSimOn(r.name, env.VecOptions{Worlds: r.worlds, Workers: r.workers})
	if err != nil {
		return nil, nil, err
	}
	c := ppo.New()
	c.Rollout, c.Device = r.steps, device
	c.Minibatch = min(max(r.worlds*r.steps/4, 256), 32768)
	p, err := c.Build(agents.Setup{Spec: s.vec.Spec(), Rows: r.worlds, Key: rng.New(1), Workers: r.workers})
	if err != nil {
		return nil, nil, errors.Join(err, s.vec.Close())
	}
	s.act = func(i uint64) { p.Act(s.batch, rng.New(i), true) }
	return s, p, nil
}

func (r rolloutBench) simulate() (func() (int, error), func() error, error) {
	s, err := openSimOn(r.name, env.VecOptions{Worlds: r.worlds, Workers: r.workers})
	if err != nil {
		return nil, nil, err
	}
	s.short = r.steps
	return s.step, s.vec.Close, nil
}

func (r rolloutBench) act() (func() (int, error), func() error, error) {
	s, _, err := r.agent(false)
	if err != nil {
		return nil, nil, err
	}
	i := 0
	s.learn = func() (bool, error) { // the agent records nothing, so that its rollout is never full
		i++
		return i%r.steps == 0, nil
	}
	return s.step, s.vec.Close, nil
}

func (r rolloutBench) train() (func() (int, error), func() error, error) {
	s, p, err := r.agent(false)
	if err != nil {
		return nil, nil, err
	}
	agent := p.(agents.Agent)
	s.learn = func() (bool, error) {
		agent.Record(s.batch, s.batch.Reward)
		return agent.Learn(func(string, float64) {})
	}
	return s.step, s.vec.Close, nil
}

// keys returns the keys that the policy acts with in a rollout.
func (r rolloutBench) keys(round int) func(step int) rng.Key {
	return func(step int) rng.Key { return rng.New(uint64(round*r.steps + step)) }
}

func (r rolloutBench) actOnDevice() (func() (int, error), func() error, error) {
	s, p, err := r.agent(false)
	if err != nil {
		return nil, nil, err
	}
	a, err := p.(interface {
		Actor(explore bool) (*env.Actor, error)
	}).Actor(true)
	if err != nil {
		return nil, nil, errors.Join(err, s.vec.Close())
	}
	roller, ok := s.vec.(env.Roller)
	if !ok {
		return nil, nil, errors.Join(fmt.Errorf("engine %s makes no rollouts", env.Engine()), s.vec.Close())
	}
	var rollout env.Rollout
	round := 0
	return func() (int, error) {
		round++
		return r.steps * r.worlds, roller.Roll(&rollout, a, r.steps, r.keys(round))
	}, s.vec.Close, nil
}

func (r rolloutBench) trainOnDevice() (func() (int, error), func() error, error) {
	s, p, err := r.agent(true)
	if err != nil {
		return nil, nil, err
	}
	agent := p.(agents.Resident)
	if err := agent.Settle(s.vec); err != nil {
		return nil, nil, errors.Join(err, s.vec.Close())
	}
	round := 0
	return func() (int, error) {
		round++
		if _, err := agent.Roll(r.keys(round)); err != nil {
			return 0, err
		}
		_, err := agent.Learn(func(string, float64) {})
		return r.steps * r.worlds, err
	}, s.vec.Close, nil
}
