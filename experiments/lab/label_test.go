package lab

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/web/compare"
)

// output runs a command and returns its exit code and what it prints.
func output(t *testing.T, args ...string) (int, string) {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	if err != nil {
		out.WriteString(err.Error())
	}
	return exitCode(err), out.String()
}

// The commands about pieces of behaviour, on a run with a heron that people refine.
func TestLabelAndHeron(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	const reward = "reward=[{name: human, options: {every: 2000, labels: 12, rounds: 2, segment: 10, window: 4000, epochs: 2, prior: [{fact: angle_squared, less: true, margin: 0.3}, {fact: torque_squared, less: true}]}}]"
	code, text := output(t, "run", "pendulum", "--set", "steps=16384", "--set", "eval.episodes=2", "--set", reward, "--out", run)
	if code != exitDone || !strings.Contains(text, "terrarium label "+run) || !strings.Contains(text, "0 of 12 questions answered") {
		t.Fatal(code, text)
	}
	code, text = output(t, "label", run, "--stats", "--json")
	var p compare.Progress
	if err := json.Unmarshal([]byte(text), &p); err != nil || code != exitDone || p.Questions != 12 || p.Answered != 0 {
		t.Errorf("label --stats: %d %s %v", code, text, err)
	}
	if code, text = output(t, "reward", "heron", run, "--on", run, "--list", "--pairs", "50"); code != exitDone || strings.Count(text, "\n") < 55 || !strings.Contains(text, "torque_squared") {
		t.Errorf("heron: %d %s", code, text)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if code, text := output(t, "run", "pendulum", "--set", "steps=8192", "--set", "eval.episodes=3", "--out", plain); code != exitDone {
		t.Fatal(code, text)
	}
	if code, text = output(t, "label", plain, "--stats", "--pairs", "5"); code != exitDone || !strings.Contains(text, "0 of 5 questions answered") {
		t.Errorf("label of a run without people: %d %s", code, text)
	}
	for want, args := range map[string][]string{
		"neither the reward": {"reward", "heron", plain, "--on", run},
		"does not exist":     {"label", filepath.Join(plain, "nothing"), "--stats"},
		"other machines":     {"label", plain, "--address", "0.0.0.0:80"},
		"want 1 to 100000":   {"label", plain, "--pairs", "0"},
		"needs --on":         {"reward", "heron", run},
	} {
		if code, text := output(t, args...); code != exitInput || !strings.Contains(text, want) {
			t.Errorf("%v: %d %s, want %s", args, code, text, want)
		}
	}
}
