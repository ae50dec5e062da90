package ppo

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/agents/nn/gpu"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	"github.com/terrarium-rl/terrarium/env/tasks/pendulum"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// useBlas makes agents that are built from now on round as kernels do.
func useBlas(t *testing.T) {
	kernel := nn.Kernel()
	if err := nn.SetKernel("blas"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nn.SetKernel(kernel) })
}

// A trial is an agent with worlds, on the CPU or on a device.
type trial struct {
	agent agents.Agent
	vec   env.Vec
	step  uint64
	names []string
	got   map[string]float64
}

const trialWorlds = 12

func newTrial(t *testing.T, c env.Config, options Config, device bool) *trial {
	t.Helper()
	engine := "go"
	if device {
		engine = "vulkan:software"
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: trialWorlds, Engine: engine})
	vktest.Must(t, err)
	t.Cleanup(func() { v.Close() })
	v.Reset(7)
	options.Device = device
	policy, err := options.Build(agents.Setup{Spec: v.Spec(), Rows: trialWorlds, Steps: 100_000, Key: rng.New(11), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	x := &trial{agent: policy.(agents.Agent), vec: v, got: map[string]float64{}}
	if device {
		if err := x.agent.(agents.Resident).Settle(v); err != nil {
			t.Fatal(err)
		}
	}
	return x
}

func (x *trial) key(step int) rng.Key { return rng.New(5).Fold(x.step + uint64(step)) }

func (x *trial) report(name string, v float64) {
	x.names = append(x.names, name)
	x.got[name] = v
}

// update makes a rollout of the given steps and learns from it.
func (x *trial) update(t *testing.T, steps int) {
	t.Helper()
	x.names = nil
	if r, ok := x.agent.(agents.Resident); ok {
		if _, err := r.Roll(x.key); err != nil {
			t.Fatal(err)
		}
	} else {
		b := env.NewBatch(x.vec.Spec(), trialWorlds)
		for step := range steps {
			if err := x.vec.Observe(b); err != nil {
				t.Fatal(err)
			}
			x.agent.Act(b, x.key(step), true)
			if err := x.vec.Step(b); err != nil {
				t.Fatal(err)
			}
			x.agent.Record(b, b.Reward)
		}
	}
	x.step += uint64(steps)
	if done, err := x.agent.Learn(x.report); err != nil || !done {
		t.Fatal(done, err)
	}
}

// inner returns the agent that holds the parameters.
func (x *trial) inner() *agent {
	if d, ok := x.agent.(*resident); ok {
		return d.host
	}
	return x.agent.(*agent)
}

func variants() map[string]func(c *Config) {
	return map[string]func(c *Config){
		"default":   func(*Config) {},
		"shared":    func(c *Config) { c.Shared, c.Activation = true, nn.ReLU },
		"plain":     func(c *Config) { c.NormalizeObs, c.NormalizeReward, c.NormalizeAdvantage = false, false, false },
		"entropy":   func(c *Config) { c.EntropyCoef, c.ValueClip, c.Activation = 0.01, 0.1, nn.ELU },
		"unlimited": func(c *Config) { c.MaxGradNorm, c.Hidden, c.Schedule = 0, []int{33}, "linear" },
		"linear":    func(c *Config) { c.Hidden = nil },
		"divided":   func(c *Config) { c.Minibatch = 190 }, // minibatches of two sizes, of two blocks
		"target":    func(c *Config) { c.TargetKL, c.LearningRate = 0.002, 3e-3 },
	}
}

// Updates on a device must make the parameters that the agent on the host makes, bit for bit where
// the device rounds as IEEE 754 says, and report the same.
func TestDeviceLearner(t *testing.T) {
	useBlas(t)
	for env, c := range map[string]env.Config{"cartpole": cartpole.New(), "pendulum": pendulum.New()} {
		for name, vary := range variants() {
			if testing.Short() && name != "default" { // enough for the race detector
				continue
			}
			if env == "pendulum" && slices.Contains([]string{"plain", "divided", "target"}, name) {
				continue // nothing of the kind of actions is in it
			}
			run := t.Run
			if name == "default" { // also with memory that the host does not see
				run = func(name string, f func(t *testing.T)) bool {
					return t.Run(name, func(t *testing.T) { vktest.Both(t, f) })
				}
			}
			run(env+"/"+name, func(t *testing.T) {
				options := *New()
				options.Rollout, options.Minibatch = 50, 100
				vary(&options)
				host, device := newTrial(t, c, options, false), newTrial(t, c, options, true)
				stopped := false
				for range 5 {
					host.update(t, options.Rollout)
					device.update(t, options.Rollout)
					compareTrials(t, host, device)
					stopped = stopped || device.got["epochs"] < 3.99
				}
				if stopped != (options.TargetKL > 0) {
					t.Errorf("updates ended early: %v", stopped)
				}
			})
		}
	}
}

func compareTrials(t *testing.T, host, device *trial) {
	t.Helper()
	h, d := host.inner(), device.inner()
	for _, x := range []*trial{host, device} {
		if _, err := x.agent.AppendBinary(nil); err != nil { // fetches the moments
			t.Fatal(err)
		}
	}
	hm, hv := h.trainer.Adam.Moments()
	dm, dv := d.trainer.Adam.Moments()
	if h.trainer.Adam.Steps() != d.trainer.Adam.Steps() {
		t.Fatalf("update %d: %d steps on the device, %d on the host", h.updates, d.trainer.Adam.Steps(), h.trainer.Adam.Steps())
	}
	for _, x := range []struct {
		name string
		h, d []float32
	}{{"parameter", h.params, d.params}, {"first moment", hm, dm}, {"second moment", hv, dv}} {
		for i := range x.h {
			if math.Float32bits(x.h[i]) != math.Float32bits(x.d[i]) {
				t.Fatalf("update %d: %s %s is %v on the device, %v on the host", h.updates, x.name, h.where(i), x.d[i], x.h[i])
			}
		}
	}
	if h.rewards != nil {
		for i, want := range h.rewards.ret {
			if d.rewards.ret[i] != want {
				t.Fatalf("update %d: return of world %d is %v on the device, %v on the host", h.updates, i, d.rewards.ret[i], want)
			}
		}
	}
	if h.norm != nil {
		for j := range h.norm.mean {
			near(t, "mean of observations", d.norm.mean[j], h.norm.mean[j])
			near(t, "variance of observations", d.norm.variance(j), h.norm.variance(j))
		}
	}
	if len(host.names) != len(device.names) {
		t.Fatalf("the device reports %v, the host %v", device.names, host.names)
	}
	for i, name := range host.names {
		if device.names[i] != name {
			t.Fatalf("the device reports %v, the host %v", device.names, host.names)
		}
		near(t, name, device.got[name], host.got[name])
	}
}

// near compares what the host computes in float64 and the device in pairs of float32.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-10*math.Max(1, math.Abs(want))) {
		t.Errorf("%s is %v on the device, %v on the host", what, got, want)
	}
}

// The order of the rows must be that of rng.Stream.Shuffle, also where draws are rejected, of which
// there are two to be expected in the largest case.
func TestDeviceShuffle(t *testing.T) {
	for _, n := range []int{1, 2, 3, 257, 5000, 200_000} {
		const epochs = 2
		k := gpu.NewKit(vktest.Open(t))
		control, order := k.Twin("control", gpu.ControlWords), k.Twin("order", epochs*n)
		s := newShuffler(k, control, order.Dev, n, epochs)
		load, save := k.Record(control.Load), k.Record(order.Save)
		if err := k.Err(); err != nil {
			t.Fatal(err)
		}
		key := rng.New(uint64(n)).Fold(3)
		control.Host.Words()[gpu.Key], control.Host.Words()[gpu.Key+1] = key.Lo, key.Hi
		if err := load.Run(); err != nil {
			t.Fatal(err)
		}
		want := make([]int32, n)
		for i := range want {
			want[i] = int32(i)
		}
		for e := range epochs {
			if err := s.run(e); err != nil {
				t.Fatal(err)
			}
			stream := key.Stream(purposeShuffle, 0, uint32(e))
			stream.Shuffle(want)
			if err := save.Run(); err != nil {
				t.Fatal(err)
			}
			for i, w := range want {
				if got := order.Host.Words()[e*n+i]; got != uint32(w) {
					t.Fatalf("%d rows, epoch %d, place %d: row %d on the device, %d in Go", n, e, i, got, w)
				}
			}
		}
		if w := control.Host.Words(); n == 200_000 && w[gpu.Spent] == w[gpu.Drawn] {
			t.Errorf("%d random numbers for %d draws: none was rejected", w[gpu.Spent], w[gpu.Drawn])
		}
	}
}

// A state must move between agents on devices and on the host, and be lost with its device with an
// error, not a crash.
func TestDeviceState(t *testing.T) { vktest.Both(t, testDeviceState) }

func testDeviceState(t *testing.T) {
	useBlas(t)
	options := *New()
	options.Rollout, options.Minibatch = 32, 128
	first := newTrial(t, cartpole.New(), options, true)
	others := []*trial{newTrial(t, cartpole.New(), options, true), newTrial(t, cartpole.New(), options, false)}
	for range 2 {
		for _, x := range append(others, first) {
			x.update(t, options.Rollout)
		}
	}
	state, err := first.agent.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	first.update(t, options.Rollout)
	for _, x := range others {
		spoiled := x.inner()
		spoiled.params[3]++
		if err := x.agent.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		x.update(t, options.Rollout)
		compareTrials(t, x, first)
	}
	first.vec.Close()
	if _, err := first.agent.AppendBinary(nil); err == nil || !strings.Contains(err.Error(), "its device closed") {
		t.Errorf("the state after the device was closed: %v", err)
	}
}

// What Settle, Roll and Learn cannot do is an error.
func TestResidentMisuse(t *testing.T) {
	options := *New()
	options.Rollout, options.Minibatch = 8, 32
	x := newTrial(t, cartpole.New(), options, true)
	host := newTrial(t, cartpole.New(), options, false)
	options.Device = true
	build := func(rows int) agents.Resident {
		p, err := options.Build(agents.Setup{Spec: x.vec.Spec(), Rows: rows, Key: rng.New(1), Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		return p.(agents.Resident)
	}
	r := x.agent.(agents.Resident)
	if _, err := r.Roll(x.key); err != nil {
		t.Fatal(err)
	}
	for want, err := range map[string]error{
		"these are stepped by the CPU":       build(trialWorlds).Settle(host.vec),
		"learns from 5 worlds, these are 12": build(5).Settle(x.vec),
		"Roll before Settle":                 second(build(5).Roll(x.key)),
		"Roll without Learn":                 second(r.Roll(x.key)),
		"a rollout waits":                    second(r.AppendBinary(nil)),
		"Settle and Roll in place of Record": second(build(5).Learn(x.report)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }
