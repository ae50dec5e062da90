package lab

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every way of optimising a reward that pays for what the task punishes costs the task's reward,
// and the figure is there.
func TestOveropt(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	if code := Run([]string{"run", "pendulum", "--set", "steps=8192", "--set", "eval.episodes=0", "--out", run}); code != exitDone {
		t.Fatal(code)
	}
	figure := filepath.Join(dir, "f.svg")
	root := rootCommand()
	var out, log bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&log)
	root.SetArgs([]string{"reward", "overopt", "0 - (act.torque - 2)^2", "--on", run, "--levels", "4", "--pool", "16", "--steps", "32768",
		"--kl", "0,10", "--seeds", "2", "--json", "-o", figure})
	if err := root.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err, log.String())
	}
	curves := map[string]overoptCurve{}
	for line := range strings.Lines(out.String()) {
		var c overoptCurve
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		curves[c.Method] = c
	}
	for _, name := range []string{"best of n", "exact tilt", "PPO, KL weight 0", "PPO, KL weight 10"} {
		c := curves[name]
		if len(c.Points) < 2 {
			t.Fatalf("%s: %+v", name, c)
		}
		first, last := c.Points[0], c.Points[len(c.Points)-1]
		if strings.HasPrefix(name, "PPO") {
			if first.KL > 1 {
				t.Errorf("%s begins at a divergence of %v", name, first.KL)
			}
			continue
		}
		if !(last.Proxy.Value > first.Proxy.Value) || math.Abs(first.Proxy.Value-first.Gold.Value) > 1e-6*math.Abs(first.Gold.Value) {
			t.Errorf("%s: begins at %+v, ends at %+v", name, first, last)
		}
	}
	free, held := curves["PPO, KL weight 0"].Points, curves["PPO, KL weight 10"].Points
	if a, b := free[len(free)-1].KL, held[len(held)-1].KL; !(a > b) {
		t.Errorf("divergences %v without and %v with a penalty", a, b)
	}
	if text, err := os.ReadFile(figure); err != nil || !bytes.Contains(text, []byte("</svg>")) {
		t.Error(err)
	}
	code, text := output(t, "reward", "overopt", "(-act.torque)", "--on", run, "--levels", "2", "--pool", "4", "--steps", "8192", "--kl", "0", "--seeds", "1", "--json", "-o", figure)
	if code != exitDone || !strings.Contains(text, `"lo":null`) {
		t.Errorf("bounds of one seed: %d, %s", code, text)
	}
	if code, text := output(t, "reward", "overopt", "-act.torque * 2", "--on", run); code != exitInput || !strings.Contains(text, `in brackets, as in "(-act.torque * 2)"`) {
		t.Errorf("an expression that looks like a flag: %d, %s", code, text)
	}
	for _, args := range [][]string{
		{"reward", "overopt", "task"}, {"reward", "overopt", "task", "--on", run, "--pool", "1"}, {"reward", "overopt", "task", "--on", run, "--kl", "-1"},
		{"reward", "overopt", "task", "--on", run, "-o", "x.gif"}, {"reward", "overopt", "no such", "--on", run},
	} {
		if code := Run(args); code != exitInput {
			t.Errorf("%v: exit code %d, want %d", args, code, exitInput)
		}
	}
}
