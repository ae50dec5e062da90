package lab

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env/traj"
)

// TestVerifyFails changes a recorded reward, and expects to be told where.
func TestVerifyFails(t *testing.T) {
	dir := t.TempDir()
	file, out := filepath.Join(dir, "x.yaml"), filepath.Join(dir, "run")
	writeFile(t, file, strings.Replace(killed, "1200000", "5000", 1))
	if text, err := exec.Command("terrarium", "run", file, "--out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	path := filepath.Join(SeedDir(out, 4), "replays", "eval-00002.replay")
	ep, err := traj.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	ep.Reward[6] = 3
	if err := ep.Save(path); err != nil {
		t.Fatal(err)
	}
	for _, workers := range []string{"1", "2", "5"} {
		c := exec.Command("terrarium", "verify", out, "--workers", workers, "--json")
		text, err := c.Output()
		if c.ProcessState.ExitCode() != exitFailed {
			t.Fatalf("exit code %d, want %d: %v\n%s", c.ProcessState.ExitCode(), exitFailed, err, text)
		}
		var v Verification
		if err := json.Unmarshal(text, &v); err != nil || v.Equal || v.First == nil {
			t.Fatalf("%v in %s", err, text)
		}
		if f := v.First; f.File != path || f.Step != 7 || f.Field != "reward" || f.Want != 3.0 || f.Got != 1.0 {
			t.Errorf("first divergence %+v %+v", f.File, f.Divergence)
		}
	}
	message, _ := exec.Command("terrarium", "verify", path).CombinedOutput()
	if want := "terrarium: " + path + " does not repeat: step 7: reward: recorded 3, replayed 1\n"; string(message) != want {
		t.Errorf("message %q, want %q", message, want)
	}
}
