package ppo

import (
	"fmt"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// benchSpec has the widths of a walker with rays: 24 observations, 4 choices.
func benchSpec() *env.Spec {
	return &env.Spec{
		ID: "bench", Agents: 1, Dt: 1,
		Obs: []env.Field{{Name: "o", Len: 24, Lo: -1, Hi: 1}},
		Act: []env.Field{{Name: "a", Len: 1, Choices: 4}},
	}
}

func benchAgent(b *testing.B, c *Config, rows, workers int) (*agent, *env.Batch) {
	b.Helper()
	spec := benchSpec()
	p, err := c.Build(agents.Setup{Spec: spec, Rows: rows, Key: rng.New(1), Workers: workers})
	if err != nil {
		b.Fatal(err)
	}
	batch := env.NewBatch(spec, rows)
	s := rng.New(2).Stream(0, 0, 0)
	for i := range batch.Obs {
		batch.Obs[i] = s.Norm()
	}
	for i := range batch.Reward {
		batch.Reward[i] = s.Norm()
	}
	return p.(*agent), batch
}

func fill(a *agent, batch *env.Batch) {
	for t := range a.roll.steps {
		a.Act(batch, rng.New(uint64(t)), true)
		a.Record(batch, batch.Reward)
	}
}

// BenchmarkLearn reports samples a second: rows of minibatches, each row counted in each epoch.
func BenchmarkLearn(b *testing.B) {
	for _, shared := range []bool{false, true} {
		for _, mb := range []int{256, 2048} {
			for _, workers := range []int{1, 2} {
				b.Run(fmt.Sprintf("shared=%v/minibatch=%d/workers=%d", shared, mb, workers), func(b *testing.B) {
					c := New()
					c.Shared, c.Minibatch, c.Rollout, c.Epochs = shared, mb, 64, 1
					a, batch := benchAgent(b, c, 256, workers)
					fill(a, batch)
					b.ReportAllocs()
					for b.Loop() {
						if _, err := a.Learn(func(string, float64) {}); err != nil {
							b.Fatal(err)
						}
						a.roll.step = a.roll.steps // the same rollout again
					}
					b.ReportMetric(float64(b.N)*256*64/b.Elapsed().Seconds(), "samples/s")
				})
			}
		}
	}
}

// BenchmarkAct reports rows a second, for acting alone and with what a rollout needs.
func BenchmarkAct(b *testing.B) {
	for _, explore := range []bool{false, true} {
		b.Run(fmt.Sprintf("explore=%v", explore), func(b *testing.B) {
			a, batch := benchAgent(b, New(), 64, 1)
			b.ReportAllocs()
			for b.Loop() {
				a.Act(batch, rng.New(1), explore)
			}
			b.ReportMetric(float64(b.N)*64/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
