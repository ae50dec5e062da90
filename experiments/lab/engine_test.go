package lab

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	_ "github.com/terrarium-rl/terrarium/env/tasks/lander"
)

// TestEngines interrupts a run on the fastest engine and resumes it on the plain one, compares
// what it gives with an undisturbed run on the plain one, and replays its episodes on all.
func TestEngines(t *testing.T) {
	dir := t.TempDir()
	file, whole, parts := filepath.Join(dir, "x.yaml"), filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	writeFile(t, file, strings.NewReplacer("cartpole-v0", "lander-v0", "worlds: 7", "worlds: 21", "fact: alive", "fact: height", "1200000", "150000").Replace(killed))
	text, err := exec.Command("terrarium", "run", file, "--out", whole, "--engine", "go").CombinedOutput()
	if err != nil || !bytes.Contains(text, []byte("worlds: engine go, plain Go, a world at a time, as asked for\n")) {
		t.Fatalf("%v\n%s", err, text)
	}
	fastest := env.Engines()[0]
	out, code := interrupt(t, file, parts)
	if code != exitInterrupted || !strings.Contains(out, "worlds: engine "+fastest+", ") {
		t.Fatalf("exit code %d, want %d:\n%s", code, exitInterrupted, out)
	}
	if text, err := exec.Command("terrarium", "resume", parts, "--engine", "go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	got := exactFiles(t, parts)
	for name, want := range exactFiles(t, whole) {
		if got[name] != want && name != configFile { // which names the engine
			t.Errorf("%s differs", name)
		}
	}
	for _, e := range append(env.Engines(), "auto") {
		if text, err := exec.Command("terrarium", "verify", parts, "--engine", e).CombinedOutput(); err != nil {
			t.Errorf("verify on %s: %v\n%s", e, err, text)
		}
	}
}

// A name that no engine has is the user's mistake, a device that is not there something that the machine lacks.
func TestNoEngine(t *testing.T) {
	for name, want := range map[string]int{"simd1024": exitInput, "vulcan": exitInput, "vulkan:nobody's": exitLacking} {
		code, text := output(t, "run", "cartpole", "--engine", name, "--out", filepath.Join(t.TempDir(), "run"))
		if code != want || !strings.Contains(text, name) {
			t.Errorf("%s: exit code %d, want %d: %s", name, code, want, text)
		}
	}
}
