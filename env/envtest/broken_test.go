package envtest

import (
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// broken is Fast with a fault that breaks one rule of the contract.
type broken struct {
	*fast
	fault  string
	calls  float32
	leaked []float32
}

// shared is what a faulty environment must not have: state outside its worlds.
var shared atomic.Int64

type brokenConfig struct {
	Fast
	fault string
}

func (c *brokenConfig) New() env.Env { return &broken{fast: c.Fast.New().(*fast), fault: c.fault} }

func (c *brokenConfig) Difficulty(l *env.Level) float32 {
	if c.fault == "no grade" {
		return 2
	}
	return c.Fast.Difficulty(l)
}

func (b *broken) Reset(l *env.Level, key rng.Key) {
	b.calls = 0
	switch b.fault {
	case "no seed":
		l, key = &env.Level{Params: []float32{0.5, 0.5}}, rng.New(1)
	case "no parameter":
		l = &env.Level{Params: []float32{l.Params[0], 0.5}}
	}
	b.fast.Reset(l, key)
}

func (b *broken) Observe(obs []float32) {
	first := obs[1]
	b.fast.Observe(obs)
	switch b.fault {
	case "unwritten":
		obs[1] = first
	case "impure":
		b.calls += 0.001
		obs[1] = b.calls
	case "bounds":
		obs[1] += 4.5
	case "shared":
		obs[1] = float32(shared.Add(1)%1024) / 1024
	}
}

func (b *broken) Step(batch *env.Batch) {
	switch b.fault {
	case "deaf":
		batch = &env.Batch{N: batch.N, Act: make([]float32, batch.N), Facts: batch.Facts, End: batch.End}
	case "allocates":
		b.leaked = make([]float32, 100)
	}
	b.fast.Step(batch)
	if b.fault == "disagrees" {
		batch.End[0] = env.Terminated
	}
}

func (b *broken) SetState(s []byte) error {
	switch {
	case b.fault == "any state" && len(s) != 4+12*len(b.p):
		return nil
	case b.fault == "forgets":
		err := b.fast.SetState(s)
		b.p[0].v = 0
		return err
	}
	return b.fast.SetState(s)
}

func (b *broken) Draw(c env.Canvas) {
	if b.fault == "draws nothing" {
		return
	}
	b.fast.Draw(c)
	if b.fault == "draws nowhere" {
		c.Circle(env.RoleGoal, geom.Vec{X: geom.Exp(100)}, 1, 0)
	}
}

const faultVariable = "ENVTEST_FAULT"

// TestFault runs the suite on an environment, whose fault the environment variable tells: none,
// and it passes.
func TestFault(t *testing.T) {
	Run(t, func() env.Config { return &brokenConfig{Fast{Agents: 2}, os.Getenv(faultVariable)} })
}

// Every fault is found, by the check that is there to find it.
func TestSuiteFindsFaults(t *testing.T) {
	for fault, check := range map[string]string{
		"no seed": "Deterministic", "shared": "Workers", "allocates": "NoAllocs", "bounds": "Bounds",
		"disagrees": "Episodes", "unwritten": "PureObserve", "impure": "PureObserve", "forgets": "Snapshot",
		"any state": "BadState", "deaf": "ActionsMatter", "no parameter": "ParamsMatter",
		"no grade": "Difficulty", "draws nothing": "Drawing", "draws nowhere": "Drawing",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "-test.run=^TestFault$", "-test.v")
			cmd.Env = append(os.Environ(), faultVariable+"="+fault)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFault/"+check+" ") {
				t.Errorf("check %s passed: %v\n%s", check, err, out)
			}
		})
	}
}
