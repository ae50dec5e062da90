package wasm_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
	"github.com/terrarium-rl/terrarium/rewards/wasm"
)

var file string

// TestMain compiles the module of the tests, as a user would.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "wasm")
	if err != nil {
		panic(err)
	}
	file = filepath.Join(dir, "module.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", file, "./testdata/module")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOEXPERIMENT=", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(err.Error() + "\n" + string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func config(reward string, options map[string]any) *wasm.Config {
	c := wasm.New()
	c.File, c.Reward, c.Options = file, reward, options
	return c
}

func TestConformance(t *testing.T) {
	for _, c := range []*wasm.Config{
		config("fact", map[string]any{"fact": "distance", "max": 1}),
		config("potential", map[string]any{"weights": map[string]any{"offset": -1}, "abs": true}),
	} {
		rewardtest.Run(t, c, envtest.NewFast())
	}
}

// The module gives the bits of the same reward compiled in.
func TestEqualsNative(t *testing.T) {
	spec, _ := envtest.NewFast().Spec()
	native, err := (&rewards.Task{}).Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := config("task", nil).Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{3, 700, 10} { // larger and smaller than what there is room for
		b := env.NewBatch(spec, n)
		for i := range b.Facts {
			b.Facts[i] = float32(i) * 0.37
		}
		x, y := make([]float32, n), make([]float32, n)
		native.Score(x, b)
		inside.Score(y, b)
		for i := range x {
			if x[i] != y[i] {
				t.Fatalf("row %d of %d: %v inside, %v compiled in", i, n, y[i], x[i])
			}
		}
	}
}

// A config that was built goes on with the same file only.
func TestSum(t *testing.T) {
	spec, _ := envtest.NewFast().Spec()
	c := config("task", nil)
	if _, err := c.Build(spec); err != nil || len(c.Sum) != 64 || !filepath.IsAbs(c.File) {
		t.Fatalf("built, it is %+v (%v)", c, err)
	}
	if _, err := c.Build(spec); err != nil {
		t.Error(err)
	}
	c.Sum = strings.Repeat("0", 64)
	if _, err := c.Build(spec); err == nil || !strings.Contains(err.Error(), "and sum says 0000") {
		t.Errorf("another file: %v", err)
	}
}

func TestBuildErrors(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text.wasm")
	if err := os.WriteFile(text, []byte("not a module"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]*wasm.Config{
		"file is missing":                       wasm.New(),
		"no such file":                          {File: "nowhere.wasm", MemoryMiB: 10, Seconds: 1},
		"memory_mib is 0":                       {File: file, Seconds: 1},
		"seconds is 0":                          {File: file, MemoryMiB: 10},
		"this is no WebAssembly module":         {File: text, MemoryMiB: 10, Seconds: 1},
		`unknown reward "tusk"; did you mean "`: config("tusk", nil),
		"the module has broken, fact, ":         config("tusk", nil),
		`unknown field "fakt"`:                  config("fact", map[string]any{"fakt": "x"}),
		`did you mean "distance"?`:              config("fact", map[string]any{"fact": "distanc"}),
	} {
		spec, _ := envtest.NewFast().Spec()
		if _, err := c.Build(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build = %v, want an error about %q", err, want)
		}
	}
}

// A module that panics, loops, hoards memory or returns NaN ends in an error that says so.
func TestMisbehaviour(t *testing.T) {
	for how, want := range map[string]string{
		"panic":  "it broke down: panic: as told",
		"loop":   "took longer than 300ms, the limit",
		"memory": "(option memory_mib is 64)",
		"nan":    "row 3 scores NaN",
	} {
		c := config("broken", map[string]any{"how": how})
		c.Seconds, c.MemoryMiB = 0.3, 64
		if how == "memory" {
			c.Seconds = 30
		}
		spec, _ := envtest.NewFast().Spec()
		f, err := c.Build(spec)
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				err, ok := recover().(error)
				var call *wasm.CallError
				if !ok || !errors.As(err, &call) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want a CallError about %q", how, err, want)
				}
			}()
			f.Score(make([]float32, 4), env.NewBatch(spec, 4))
			t.Errorf("%s: nothing happened", how)
		}()
	}
}

func BenchmarkScore(b *testing.B) {
	for reward, options := range map[string]map[string]any{
		"task":      nil,
		"fact":      {"fact": "distance", "max": 1},
		"potential": {"weights": map[string]any{"offset": -1}, "abs": true},
	} {
		b.Run(reward, func(b *testing.B) {
			const n = 4096
			spec, _ := envtest.NewFast().Spec()
			f, err := config(reward, options).Build(spec)
			if err != nil {
				b.Fatal(err)
			}
			batch, dst := env.NewBatch(spec, n), make([]float32, n)
			b.ReportAllocs()
			for b.Loop() {
				f.Score(dst, batch)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}
