package lab

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/terrarium-rl/terrarium/agents"
	_ "github.com/terrarium-rl/terrarium/agents/random"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	_ "github.com/terrarium-rl/terrarium/env/tasks/pendulum"
	"github.com/terrarium-rl/terrarium/rewards"
)

// The test binary is also the program, as the command terrarium.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"terrarium": Main})
}

// hill is an agent for tests: it climbs by random changes of a linear policy. Everything it
// does depends on everything it has seen, so that a resumed run that is off by one bit shows.
type hill struct {
	spec          *env.Spec
	key           rng.Key
	steps         int
	every         int
	weights, best []float32
	reward, top   float64
	mean          []float32 // of observations, a normaliser
	seen, trials  uint64
	fail          int
}

type hillConfig struct {
	Every int `json:"every" doc:"steps between two changes"`
	Fail  int `json:"fail" doc:"number of the change that fails; 0 for none"`
}

func init() {
	env.Register("nan-v0", func() env.Config { return &nanConfig{cartpole.New(), 0} })
	agents.Register("hill", func() agents.Config { return &hillConfig{Every: 50} })
	rewards.Register("broken", func() rewards.Config { return &brokenReward{} })
}

// nanConfig is a cart-pole whose physics breaks.
type nanConfig struct {
	*cartpole.Config
	After int `json:"after" doc:"steps of an episode that are well; 0 means all"`
}

func (c nanConfig) Spec() (*env.Spec, error) {
	s, err := c.Config.Spec()
	if err != nil {
		return nil, err
	}
	spec := *s
	spec.ID = "nan-v0"
	return &spec, nil
}

func (c nanConfig) New() env.Env {
	return &nanEnv{StateEnv: c.Config.New().(env.StateEnv), after: c.After}
}

type nanEnv struct {
	env.StateEnv
	after, step int
}

func (e *nanEnv) Reset(l *env.Level, key rng.Key) {
	e.step = 0
	e.StateEnv.Reset(l, key)
}

func (e *nanEnv) Step(b *env.Batch) {
	e.StateEnv.Step(b)
	if e.step++; e.after > 0 && e.step > e.after {
		b.Facts[0] = float32(math.NaN())
	}
}

// brokenReward is NaN for good from some step on.
type brokenReward struct {
	After int `json:"after" doc:"calls that are well"`
}

func (c *brokenReward) Build(*env.Spec) (rewards.Func, error) {
	calls := 0
	return rewards.FuncOf(func(dst []float32, b *env.Batch) {
		calls++
		for i := range b.N {
			dst[i] = 0
			if calls > c.After {
				dst[i] = float32(math.NaN())
			}
		}
	}), nil
}

func (c *hillConfig) Build(s agents.Setup) (agents.Policy, error) {
	if c.Every < 1 {
		return nil, fmt.Errorf("hill: every is %d, want at least 1", c.Every)
	}
	n := env.Width(s.Spec.Obs)
	return &hill{
		spec: s.Spec, key: s.Key, every: c.Every, fail: c.Fail, top: math.Inf(-1),
		weights: make([]float32, n), best: make([]float32, n), mean: make([]float32, n),
	}, nil
}

func (h *hill) Act(b *env.Batch, k rng.Key, explore bool) {
	n, m := len(h.weights), env.Width(h.spec.Act)
	for i := range b.N {
		s := k.Stream(7, uint32(i), 0)
		var sum float32
		for j, w := range h.weights {
			sum += float32(w * (b.Obs[i*n+j] - h.mean[j]))
		}
		if explore && s.Float32() < 0.1 {
			sum = s.Range(-1, 1)
		}
		for j := range m {
			b.Act[i*m+j] = sum
			if h.spec.Discrete() {
				b.Act[i*m+j] = 0
				if sum > 0 {
					b.Act[i*m+j] = 1
				}
			}
		}
	}
}

func (h *hill) Record(b *env.Batch, reward []float32) {
	n := len(h.mean)
	for i := range b.N {
		h.seen++
		h.reward += float64(reward[i])
		if b.End[i] == env.Terminated {
			h.reward -= 20
		}
		for j := range h.mean {
			h.mean[j] += (b.Next[i*n+j] - h.mean[j]) / float32(h.seen)
		}
	}
	h.steps++
}

func (h *hill) Learn(report agents.Report) (bool, error) {
	if h.steps < h.every {
		return false, nil
	}
	h.trials++
	if h.fail > 0 && h.trials == uint64(h.fail) {
		return false, fmt.Errorf("hill: loss/climb is NaN; lower the step size")
	}
	report("climb/reward", h.reward)
	if h.reward >= h.top {
		h.top = h.reward
		copy(h.best, h.weights)
	}
	s := h.key.Stream(8, 0, uint32(h.trials))
	for j := range h.weights {
		h.weights[j] = h.best[j] + s.Range(-1, 1)
		report("climb/weight", float64(h.weights[j]))
	}
	h.steps, h.reward = 0, 0
	return true, nil
}

func (h *hill) fields() []any {
	return []any{&h.top, h.weights, h.best, h.mean, &h.seen, &h.trials}
}

func (h *hill) AppendBinary(dst []byte) ([]byte, error) {
	var err error
	for _, f := range h.fields() {
		if dst, err = binary.Append(dst, binary.LittleEndian, f); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func (h *hill) UnmarshalBinary(data []byte) error {
	for _, f := range h.fields() {
		n, err := binary.Decode(data, binary.LittleEndian, f)
		if err != nil {
			return fmt.Errorf("hill: %w", err)
		}
		data = data[n:]
	}
	return nil
}

var _ agents.Agent = (*hill)(nil)

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
