package rewardtest

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/rewards"
)

// flawed is a reward that learns the mean of the task's, with a fault that breaks one rule of
// the contract.
type flawed struct {
	fault  string
	n, sum float32
	kept   []float32
	leaked []float32
}

type flawedConfig struct{ fault string }

func (c flawedConfig) Build(*env.Spec) (rewards.Func, error) { return &flawed{fault: c.fault}, nil }

var everybodys atomic.Int64

func (r *flawed) Score(dst []float32, b *env.Batch) {
	for i := range b.N {
		dst[i] = b.Reward[i] - r.sum/(1+r.n)
		switch r.fault {
		case "changes the batch":
			b.Facts[0] = 0
		case "depends on its neighbours":
			dst[i] += b.Reward[b.N-1]
		case "depends on the order":
			dst[i] += float32(i)
		case "is infinite":
			if b.End[i] == env.Terminated {
				dst[i] = float32(math.Inf(1))
			}
		case "is shared":
			dst[i] += float32(everybodys.Add(1))
		}
	}
	switch r.fault {
	case "keeps the batch":
		if r.kept != nil {
			dst[0] += r.kept[0]
		}
		r.kept = b.Obs
	case "allocates":
		r.leaked = make([]float32, 100)
	case "leaves rows out":
		dst[b.N-1] = 1e9
	}
}

func (r *flawed) Update(b *env.Batch, _ func(string, float64)) error {
	for _, x := range b.Reward {
		r.n++
		r.sum += x
	}
	if r.fault == "changes the batch as it learns" {
		b.Reward[0] = 0
	}
	if r.fault == "allocates as it learns" {
		r.leaked = make([]float32, 100)
	}
	return nil
}

func (r *flawed) AppendBinary(dst []byte) ([]byte, error) {
	n := r.n
	if r.fault == "forgets" {
		n = 0
	}
	return binary.LittleEndian.AppendUint64(dst, uint64(math.Float32bits(n))<<32|uint64(math.Float32bits(r.sum))), nil
}

func (r *flawed) UnmarshalBinary(data []byte) error {
	if len(data) != 8 && (r.fault != "loads anything" || len(data) < 8) {
		return errors.New("no state")
	}
	x := binary.LittleEndian.Uint64(data)
	r.n, r.sum = math.Float32frombits(uint32(x>>32)), math.Float32frombits(uint32(x))
	return nil
}

const faultVariable = "TERRARIUM_REWARDTEST_FAULT"

// TestFlawed is the suite on a reward with the fault that TestFaults asks for, or without.
func TestFlawed(t *testing.T) {
	Run(t, flawedConfig{os.Getenv(faultVariable)}, envtest.NewFast())
}

// TestFaults: every check of the suite finds what it is there for.
func TestFaults(t *testing.T) {
	for fault, check := range map[string]string{
		"changes the batch":              "ReadOnly",
		"depends on its neighbours":      "RowByRow",
		"depends on the order":           "Permutation",
		"is infinite":                    "Finite",
		"leaves rows out":                "Finite",
		"is shared":                      "RowByRow",
		"keeps the batch":                "NotRetained",
		"allocates":                      "NoAllocs",
		"forgets":                        "State",
		"loads anything":                 "BadState",
		"changes the batch as it learns": "UpdateReadOnly",
		"allocates as it learns":         "UpdateNoAllocs",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			c := exec.Command(os.Args[0], "-test.run=^TestFlawed$")
			c.Env = append(os.Environ(), faultVariable+"="+fault)
			out, err := c.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFlawed/"+check+" ") {
				t.Errorf("the suite ends with %v and does not fail in %s:\n%s", err, check, out)
			}
		})
	}
}
