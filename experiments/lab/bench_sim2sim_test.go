package lab

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kept is exact where all pairs have the same ratio, and its interval is then a point.
func TestTransferSumsUp(t *testing.T) {
	var x Transfer
	if err := x.sumUp([]float64{100, 200, 300}, []float64{95, 190, 285}, []float64{50, 100, 150}); err != nil {
		t.Fatal(err)
	}
	if math.Abs(x.Kept.Value-0.95) > 1e-12 || math.Abs(x.Kept.Lo-0.95) > 1e-12 || math.Abs(x.Kept.Hi-0.95) > 1e-12 || !x.Passed {
		t.Errorf("kept %v, passed %v", x.Kept, x.Passed)
	}
	if x.Return.Value != 200 || x.Box2D.Value != 190 || math.Abs(x.Difference.Value+10) > 1e-12 || x.Difference.Lo < -15 || x.Difference.Hi > -5 {
		t.Errorf("%+v", x)
	}
	if math.Abs(x.KeptFine.Value-0.5) > 1e-12 || x.Fine.Value != 100 {
		t.Errorf("with fine steps: %v, kept %v", x.Fine, x.KeptFine)
	}
	if err := x.sumUp([]float64{100, 200, 300}, []float64{80, 200, 250}, []float64{100, 200, 300}); err != nil || x.Passed {
		t.Errorf("530 of 600: passed %v, error %v", x.Passed, err)
	}
	if err := x.sumUp([]float64{-1, 2, 3}, []float64{1, 2, 3}, []float64{1, 2, 3}); err == nil || !strings.Contains(err.Error(), "no part can be kept") {
		t.Errorf("a return that may be negative: error %v", err)
	}
}

// TestSim2Sim trains a lander long enough to hover, and measures it in Box2D twice: the second time
// from what the first has left. The pairs are those of terrarium eval.
func TestSim2Sim(t *testing.T) {
	dir := t.TempDir()
	run := filepath.Join(dir, "run")
	if text, err := exec.Command("terrarium", "run", "lander", "--seed", "3", "--set", "steps=200000", "--out", run).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var rows [2]Transfer
	for i := range rows {
		text, err := exec.Command("terrarium", "bench", "sim2sim", run, "--episodes", "20", "--json").Output()
		if err != nil && i == 0 {
			t.Logf("%v: a policy of 200,000 steps need not keep its return", err)
		}
		first, _, _ := strings.Cut(string(text), "\n")
		if err := json.Unmarshal([]byte(first), &rows[i]); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
	r := rows[0]
	if len(r.Seeds) != 1 || len(r.Seeds[0].Returns[1]) != 20 || !slices.Equal(r.Seeds[0].Returns[1], rows[1].Seeds[0].Returns[1]) {
		t.Errorf("first %+v, second %+v", r, rows[1])
	}
	for i, engine := range []string{"go", "box2d", "box2d-fine"} {
		text, err := exec.Command("terrarium", "eval", run, "--episodes", "20", "--engine", engine, "--json").Output()
		first, _, _ := strings.Cut(string(text), "\n")
		var e Evaluation
		if err != nil || json.Unmarshal([]byte(first), &e) != nil || !slices.Equal(e.Returns, r.Seeds[0].Returns[i]) {
			t.Errorf("eval on %s: %v, returns %v, want %v", engine, err, e.Returns, r.Seeds[0].Returns[i])
		}
	}
	if slices.Equal(r.Seeds[0].Returns[0], r.Seeds[0].Returns[1]) {
		t.Error("Box2D gave the very returns of the batch engine")
	}
}

// A run on Box2D repeats itself, and does not pass for one of another engine.
func TestRunOnBox2D(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "run")
	terrarium := func(args ...string) (string, int) {
		c := exec.Command("terrarium", args...)
		text, _ := c.CombinedOutput()
		return string(text), c.ProcessState.ExitCode()
	}
	if text, code := terrarium("run", "lander", "--engine", "box2d", "--set", "steps=4000", "--set", "eval.episodes=4", "--out", out); code != 0 || !strings.Contains(text, "engine box2d, ") {
		t.Fatalf("exit code %d:\n%s", code, text)
	}
	if text, code := terrarium("verify", out); code != 0 || !strings.Contains(text, "equal: ") {
		t.Errorf("verify: exit code %d:\n%s", code, text)
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"whose results are not those of go", []string{"resume", out, "--engine", "go"}},
		{"want a run that was trained on another", []string{"bench", "sim2sim", out}},
		{"has results of its own", []string{"verify", out, "--engine", "box2d"}},
		{"no rigid bodies", []string{"run", "cartpole", "--engine", "box2d", "--out", filepath.Join(dir, "none")}},
		{"holds no run", []string{"bench", "sim2sim", dir}},
		{"want 1 to 10000, at least 2", []string{"bench", "sim2sim", "--episodes", "1"}},
		{"choose another --out", []string{"bench", "sim2sim", "--out", dir}},
	} {
		if c.want == "choose another --out" {
			if err := os.Rename(out, filepath.Join(dir, "lander")); err != nil {
				t.Fatal(err)
			}
		}
		if text, code := terrarium(c.args...); code != exitInput || !strings.Contains(text, c.want) {
			t.Errorf("%v: exit code %d:\n%s", c.args, code, text)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("a run that could not begin left a folder")
	}
}
