package agenttest

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// table is the simplest agent that passes: for the discrete kind of Fast, it keeps the mean
// reward of each choice at each cue. A fault makes it break one rule.
type table struct {
	fault   string
	setup   agents.Setup
	sum     [9]float32 // of rewards; cue*3+choice
	count   [9]float32
	scale   float32
	waiting int // steps recorded since Learn
	leaked  []float32
}

type tableConfig struct{ fault string }

func (c tableConfig) Build(s agents.Setup) (agents.Policy, error) {
	t := &table{fault: c.fault, setup: s, scale: 1}
	r := s.Key.Stream(1, 0, 0)
	for i := range t.sum {
		t.sum[i] = 0.01 * r.Norm()
		if c.fault == "no key" {
			t.sum[i] = 0
		}
	}
	if c.fault == "workers" {
		t.sum[0] += float32(s.Workers)
	}
	return t, nil
}

func cue(row []float32) int {
	for c, v := range row {
		if v == 1 {
			return c
		}
	}
	return 0
}

func (t *table) Act(b *env.Batch, k rng.Key, explore bool) {
	for i := range b.N {
		r := k.Stream(2, uint32(i), 0)
		w := len(b.Obs) / b.N
		row := b.Obs[i*w:]
		if t.fault == "neighbour" && i+1 < b.N {
			row = b.Obs[(i+1)*w:]
		}
		c := cue(row[:3])
		best := 0
		for a := range 3 {
			if t.mean(c, a) > t.mean(c, best) {
				best = a
			}
		}
		if explore {
			best = r.IntN(3)
		}
		if t.fault == "no act key" {
			best = i % 3
		}
		b.Act[i] = float32(best)
		if t.fault == "bounds" {
			b.Act[i] = 3
		}
	}
	switch t.fault {
	case "writes":
		b.Obs[0] = 0.5
	case "allocates":
		t.leaked = make([]float32, b.N)
	}
}

func (t *table) mean(c, a int) float32 {
	if t.fault == "dull" {
		return 0
	}
	return t.sum[c*3+a] / (t.count[c*3+a] + 1)
}

func (t *table) Record(b *env.Batch, reward []float32) {
	w := len(b.Obs) / b.N
	for i, r := range reward {
		k := cue(b.Obs[i*w:i*w+3])*3 + int(b.Act[i])
		t.sum[k%9] += r * t.scale
		t.count[k%9]++
	}
	t.waiting++
	if t.fault == "allocates to record" {
		t.leaked = make([]float32, b.N)
	}
}

func (t *table) Learn(report agents.Report) (bool, error) {
	if t.waiting < 4 {
		return false, nil
	}
	t.waiting = 0
	t.scale *= 0.999
	for _, v := range t.sum {
		if v != v && t.fault != "silent" {
			return false, errors.New("a sum is NaN")
		}
	}
	report("sum", float64(t.sum[0]))
	return true, nil
}

func (t *table) AppendBinary(b []byte) ([]byte, error) {
	b = binary.LittleEndian.AppendUint32(b, uint32(t.setup.Rows))
	b = nn.AppendFloats(nn.AppendFloats(b, t.sum[:]), t.count[:])
	if t.fault == "forgets" {
		return b, nil
	}
	return nn.AppendFloats(b, []float32{t.scale}), nil
}

func (t *table) UnmarshalBinary(b []byte) error {
	want := 4 + 4*19
	if t.fault == "forgets" {
		want -= 4
	}
	if len(b) != want || t.fault != "any state" && int(binary.LittleEndian.Uint32(b)) != t.setup.Rows {
		return errors.New("malformed state")
	}
	nn.DecodeFloats(t.sum[:], b[4:])
	nn.DecodeFloats(t.count[:], b[4+36:])
	if t.fault != "forgets" {
		t.scale = math.Float32frombits(binary.LittleEndian.Uint32(b[4+72:]))
	}
	t.waiting = 0
	return nil
}

const faultVariable = "AGENTTEST_FAULT"

// TestTable runs the suite on an agent, whose fault the environment variable tells: none, and it
// passes.
func TestTable(t *testing.T) {
	Run(t, Options{
		Config: func() agents.Config { return tableConfig{os.Getenv(faultVariable)} },
		Envs:   []env.Config{&Fast{Kind: "discrete"}}, Steps: 3000, Score: 0.99,
	})
}

// Every fault is found, by the check that is there to find it.
func TestSuiteFindsFaults(t *testing.T) {
	for fault, check := range map[string]string{
		"bounds": "ActionsInBounds", "neighbour": "RowByRow", "writes": "ActKeepsBatch",
		"allocates": "ActNoAllocs", "allocates to record": "NoAllocs", "workers": "Workers",
		"no key": "Seeds", "no act key": "Seeds", "forgets": "Resume", "any state": "BadState",
		"silent": "NaN", "dull": "Learns",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestTable$", "-test.v")
			cmd.Env = append(os.Environ(), faultVariable+"="+fault)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestTable/fast-discrete/"+check+" ") {
				t.Errorf("check %s passed: %v\n%s", check, err, out)
			}
		})
	}
}

var _ agents.Agent = (*table)(nil)
