package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// netSpec is what the network of the benchmarks is for: 24 observations, as a walker with rays
// has, and 4 choices.
func netSpec() *env.Spec {
	return &env.Spec{
		ID: "bench-v0", Agents: 1, Dt: 1,
		Obs: []env.Field{{Name: "o", Len: 24, Lo: -1, Hi: 1}},
		Act: []env.Field{{Name: "a", Len: 1, Choices: 4}},
	}
}

// netOptions are those of the agent of the benchmarks: two hidden layers of 64 that policy and
// value share. The epochs are so many that recording what they learn from takes no time beside.
const (
	netEpochs  = 40
	netRollout = 8
	netOptions = `{"hidden": [64, 64], "shared": true, "epochs": %d, "rollout": %d, "minibatch": %d}`
)

// netBenches measures the network for each kernel: acting on a batch, and a training step of
// forward, loss, backward and Adam on a minibatch.
func netBenches() (bs []benchmark, err error) {
	if !slices.Contains(agents.Names(), "ppo") {
		return nil, nil
	}
	for _, kernel := range nn.Kernels() {
		for _, rows := range []int{1, 64} {
			name := fmt.Sprintf("nn/inference-%d", rows)
			bs = append(bs, benchmark{
				name: name + "/" + kernel, metric: "microseconds", unit: "us", engine: kernel, workers: 1, figure: micros,
				vs: vsBlas(kernel, name, "microseconds"), open: withKernel(kernel, func() (func() (int, error), error) { return openInference(rows) }),
			})
		}
		for _, rows := range []int{256, 2048} {
			name := fmt.Sprintf("nn/minibatch-%d", rows)
			bs = append(bs, benchmark{
				name: name + "/" + kernel, metric: "samples_per_core_second", unit: "1/s", engine: kernel, workers: 1, figure: perCore,
				vs: vsBlas(kernel, name, "samples_per_core_second"), open: withKernel(kernel, func() (func() (int, error), error) { return openMinibatch(rows) }),
			})
		}
	}
	return bs, nil
}

func vsBlas(kernel, name, metric string) string {
	if kernel == "blas" {
		return ""
	}
	return name + "/blas " + metric
}

// withKernel opens work with a kernel, which what is made from now on keeps.
func withKernel(kernel string, open func() (func() (int, error), error)) openFunc {
	return func() (func() (int, error), func() error, error) {
		before := nn.Kernel()
		if err := nn.SetKernel(kernel); err != nil {
			return nil, nil, err
		}
		work, err := open()
		if err2 := nn.SetKernel(before); err == nil {
			err = err2
		}
		return work, func() error { return nil }, err
	}
}

// openNet returns a PPO agent on rows of random observations.
func openNet(rows, minibatch int) (agents.Agent, *env.Batch, error) {
	c, err := agents.Open("ppo", func(options any) error {
		return json.Unmarshal(fmt.Appendf(nil, netOptions, netEpochs, netRollout, minibatch), options)
	})
	if err != nil {
		return nil, nil, err
	}
	spec := netSpec()
	p, err := c.Build(agents.Setup{Spec: spec, Rows: rows, Key: rng.New(1), Workers: 1})
	if err != nil {
		return nil, nil, err
	}
	agent, ok := p.(agents.Agent)
	if !ok {
		return nil, nil, errors.New("agent ppo does not learn")
	}
	b := env.NewBatch(spec, rows)
	s := rng.New(2).Stream(benchPurpose, 0, 0)
	for _, x := range [][]float32{b.Obs, b.Next, b.Reward} {
		for i := range x {
			x[i] = s.Norm()
		}
	}
	return agent, b, nil
}

// openInference returns work of one action of all rows.
func openInference(rows int) (func() (int, error), error) {
	agent, b, err := openNet(rows, 2)
	calls := 100 // between two looks at the clock
	return func() (int, error) {
		for i := range calls {
			agent.Act(b, rng.New(uint64(i)), false)
		}
		return calls, nil
	}, err
}

// openMinibatch returns work of epochs over one minibatch; a unit is a sample.
func openMinibatch(rows int) (func() (int, error), error) {
	agent, b, err := openNet(rows/netRollout, rows)
	discard := func(string, float64) {}
	return func() (int, error) {
		for i := range netRollout {
			agent.Act(b, rng.New(uint64(i)), true)
			agent.Record(b, b.Reward)
		}
		if learned, err := agent.Learn(discard); !learned || err != nil {
			return 0, fmt.Errorf("no update after a rollout: %w", err)
		}
		return netEpochs * rows, nil
	}, err
}
