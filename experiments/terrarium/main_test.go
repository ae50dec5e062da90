package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// The test binary is also the program, as the command terrarium.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"terrarium": main})
}

func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, pattern := range []string{"config.yaml", "seed-1/metrics.jsonl", "seed-1/eval.json", "seed-1/replays/*"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s has no %s: %v", dir, pattern, err)
		}
		for _, p := range paths {
			name, _ := filepath.Rel(dir, p)
			if found[name], err = os.ReadFile(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	return found
}

// TestLanderSurvives kills the training of the lunar lander at random moments until it is
// through, and compares what is left with a run that nobody disturbed.
func TestLanderSurvives(t *testing.T) {
	whole, parts := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "parts")
	experiment := []string{
		"run", "lander", "--set", "steps=100000", "--set", "eval.episodes=10",
		"--set", "agent.options.rollout=64", "--set", "checkpoint.seconds=0.05",
	}
	if out, err := exec.Command("terrarium", append(experiment, "--out", whole)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("moments drawn from seed %d", seed)
	random := rng.New(seed).Stream(0, 0, 0)
	args := append(experiment, "--out", parts)
	for kills := 0; ; kills++ {
		var out bytes.Buffer
		c := exec.Command("terrarium", args...)
		c.Stdout, c.Stderr = &out, &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(20+random.IntN(500+20*kills))*time.Millisecond, func() { _ = c.Process.Kill() })
		err := c.Wait()
		timer.Stop()
		if err == nil {
			t.Logf("%d kills", kills)
			break
		}
		if c.ProcessState.ExitCode() != -1 {
			t.Fatalf("after %d kills: %v\n%s", kills, err, out.String())
		}
		if _, err := os.Stat(filepath.Join(parts, "config.yaml")); err == nil {
			args = []string{"resume", parts, "--workers", []string{"1", "2", "3"}[kills%3]}
		}
	}
	want, got := files(t, whole), files(t, parts)
	if len(want) != len(got) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
	for name := range want {
		if !bytes.Equal(want[name], got[name]) {
			t.Errorf("%s differs", name)
		}
	}
	if out, err := exec.Command("terrarium", "verify", parts, "--workers", "3").CombinedOutput(); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}
