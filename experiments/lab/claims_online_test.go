package lab

import (
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/terrarium-rl/terrarium/rewards/model"
)

const asking = `
version: 1
env: {name: cartpole-v0}
worlds: 7
agent: {name: hill, options: {every: 23}}
reward:
  - name: preference
    options: {labels: 60, rounds: 6, every: 3000, segment: 5, window: 4000, beta: 1, hidden: [8], epochs: 5}
  - name: heron
    weight: 0.5
    options: {labels: 40, rounds: 4, every: 4000, segment: 5, window: 4000, hidden: [8], epochs: 5, order: [{fact: alive}, {fact: lean, less: true, margin: 0.1}]}
steps: 60000
seeds: [3, 4]
eval: {episodes: 5}
checkpoint: {steps: 4000, seconds: 0.02, keep: 2}
replays: {steps: 40000, eval: 5}
metrics: {steps: 2000}
`

// A run whose rewards ask and learn, killed again and again, comes to the same end, questions,
// answers and networks included, as one that nobody disturbed.
func TestAskingRewardsResume(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "asking.yaml")
	writeFile(t, file, asking)
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	if out, err := exec.Command("terrarium", "run", file, "--out", whole, "--workers", "3").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	kills := killUntilDone(t, file, parts, func(kills int) time.Duration { return time.Duration(60+60*kills) * time.Millisecond })
	want, got := exactFiles(t, whole), exactFiles(t, parts)
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("after %d kills, %s differs", kills, name)
		}
	}
	t.Logf("%d kills", kills)
	for _, metric := range []string{"preference/labels", "preference/accuracy", "heron/level1"} {
		if !strings.Contains(want["seed-3/metrics.jsonl"], metric) {
			t.Errorf("the metrics do not tell %s", metric)
		}
	}
	if kills == 0 {
		t.Error("the run was over before it could be killed: make it longer")
	}
}
