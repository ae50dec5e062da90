package lab

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/env/rng"
)

const killed = `
version: 1
env: {name: cartpole-v0}
worlds: 7
agent: {name: hill, options: {every: 23}}
reward:
  - {name: task, weight: 0.5}
  - {name: fact, as: upright, weight: 0.25, options: {fact: alive}}
bonus: "0.01 * norm(count(cell=0.2) * e3b(embed=none))"
steps: 1200000
seeds: [3, 4]
eval: {episodes: 30}
checkpoint: {steps: 30000, seconds: 0.02, keep: 2}
replays: {steps: 40000, eval: 5}
metrics: {steps: 2000}
`

// exactFiles returns what a run must repeat byte for byte: the metrics, the evaluations, the
// recordings, and the final state with everything in it but the clock and the sizes of files.
func exactFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, pattern := range []string{"config.yaml", "seed-*/metrics.jsonl", "seed-*/eval.json", "seed-*/replays/*"} {
		paths, _ := filepath.Glob(filepath.Join(dir, pattern))
		if len(paths) == 0 {
			t.Fatalf("%s has no %s", dir, pattern)
		}
		for _, p := range paths {
			data, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			name, _ := filepath.Rel(dir, p)
			files[name] = string(data)
		}
	}
	for _, seed := range []uint64{3, 4} {
		for _, which := range []string{"newest", "best"} {
			at := filepath.Join(SeedDir(dir, seed), "checkpoints")
			c, err := newestCheckpoint(at)
			if which == "best" {
				c, err = loadCheckpoint(filepath.Join(at, bestCheckpoint))
			}
			if err != nil {
				t.Fatal(err)
			}
			for section, data := range c {
				if section != "clock" && section != "files" {
					files[fmt.Sprintf("seed-%d %s checkpoint %s", seed, which, section)] = string(data)
				}
			}
		}
	}
	return files
}

// sameFiles compares all that two runs must have in common.
func sameFiles(t *testing.T, whole, parts string) {
	t.Helper()
	want, got := exactFiles(t, whole), exactFiles(t, parts)
	if w, g := slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)); !slices.Equal(w, g) {
		t.Errorf("files differ:\n%v\n%v", w, g)
	}
	for name := range want {
		if want[name] != got[name] {
			t.Errorf("%s differs", name)
		}
	}
}

// killUntilDone runs an experiment file into dir, kills it after a while that pause says, given how
// often it was killed before, and goes on with it, until it is through. It returns the number of kills.
func killUntilDone(t *testing.T, file, dir string, pause func(kills int) time.Duration) (kills int) {
	t.Helper()
	args := []string{"run", file, "--out", dir, "--workers", "1"}
	for ; ; kills++ {
		c := exec.Command("terrarium", args...)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(pause(kills), func() { c.Process.Kill() })
		err := c.Wait()
		timer.Stop()
		if err == nil {
			return kills
		}
		if c.ProcessState.ExitCode() != -1 {
			t.Fatalf("after %d kills: %v\n%s", kills, err, out.String())
		}
		if kills > 1000 {
			t.Fatal("1000 kills and no end: a resumed run makes no progress")
		}
		// Killed before the run began, it is begun again.
		if _, err := os.Stat(filepath.Join(dir, configFile)); err == nil {
			args = []string{"resume", dir, "--workers", "2"}
		}
	}
}

// TestResumeAfterKill kills a run of two seeds at random moments until it is through, and
// compares everything with the run that nobody disturbed.
func TestResumeAfterKill(t *testing.T) {
	dir := t.TempDir()
	file, way := filepath.Join(dir, "killed.yaml"), filepath.Join(dir, "way.replay")
	writeFile(t, file, killed)
	if out, err := exec.Command("terrarium", "goexplore", file, "--steps", "3000", "--out", way).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	writeFile(t, file, killed+"start: {ways: ["+filepath.ToSlash(way)+"], trials: 5}\n")
	whole, parts := filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	if out, err := exec.Command("terrarium", "run", file, "--out", whole, "--workers", "3").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	seed := uint64(time.Now().UnixNano())
	random := rng.New(seed).Stream(0, 0, 0)
	t.Logf("moments drawn from seed %d", seed)
	kills := killUntilDone(t, file, parts, func(kills int) time.Duration {
		return time.Duration(5+random.IntN(100+5*kills)) * time.Millisecond
	})
	if kills == 0 {
		t.Error("the run was over before it could be killed: make it longer")
	}
	t.Logf("%d kills", kills)
	sameFiles(t, whole, parts)
}

// TestResumeNotices changes a finished run in ways that resume has to refuse.
func TestResumeNotices(t *testing.T) {
	short := strings.NewReplacer("1200000", "70000", "[3, 4]", "[3]").Replace(killed)
	for _, c := range []struct {
		name   string
		change func(dir string)
		code   int
		want   string
	}{
		{"nothing", func(string) {}, exitDone, ""},
		{"truncated checkpoint", func(dir string) { os.Truncate(newest(dir), 100) }, exitLacking, "to go on from step-"},
		{"flipped bit", func(dir string) { flip(newest(dir)) }, exitLacking, "the checksum does not match"},
		{"empty checkpoint", func(dir string) { os.Truncate(newest(dir), 0) }, exitLacking, "0 bytes are too few"},
		{"all damaged", func(dir string) {
			paths, _ := checkpoints(filepath.Join(dir, "seed-3/checkpoints"))
			for _, p := range paths {
				flip(p)
			}
		}, exitLacking, "to train this seed again"},
		{"short metrics", func(dir string) { os.Truncate(filepath.Join(dir, "seed-3/metrics.jsonl"), 10) }, exitLacking, "metrics.jsonl has 10 bytes"},
		{"another program", func(dir string) {
			p, _ := readProvenance(dir)
			p.Program = "0123456789abcdef"
			p.write(dir)
		}, exitInput, "begun by another program"},
		{"another Go", func(dir string) {
			p, _ := readProvenance(dir)
			p.Program, p.Go = "0123456789abcdef", "go1.0"
			p.write(dir)
		}, exitInput, "the run's by go1.0"},
		{"another kernel", func(dir string) {
			p, _ := readProvenance(dir)
			p.Kernel = "abacus"
			p.write(dir)
		}, exitInput, "the run with abacus"},
		{"damaged provenance", func(dir string) { os.Truncate(filepath.Join(dir, provenanceFile), 50) }, exitLacking, "provenance.json is damaged"},
		{"no config", func(dir string) { os.Remove(filepath.Join(dir, configFile)) }, exitInput, "holds no run"},
		{"changed worlds", func(dir string) {
			path := filepath.Join(dir, configFile)
			text, _ := os.ReadFile(path)
			os.WriteFile(path, bytes.Replace(text, []byte("worlds: 7"), []byte("worlds: 8"), 1), 0o644)
		}, exitInput, "another number of worlds"},
		{"changed bonus", func(dir string) {
			path := filepath.Join(dir, configFile)
			text, _ := os.ReadFile(path)
			os.WriteFile(path, bytes.Replace(text, []byte("count(cell=0.2)"), []byte("count(cell=0.3)"), 1), 0o644)
		}, exitInput, "e3b(embed=none))\" now: a new run can have another"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file, out := filepath.Join(dir, "x.yaml"), filepath.Join(dir, "run")
			writeFile(t, file, short)
			if text, err := exec.Command("terrarium", "run", file, "--out", out).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if err := os.Remove(filepath.Join(out, "seed-3", doneFile)); err != nil {
				t.Fatal(err)
			}
			before := exactFilesOf(t, out)
			c.change(out)
			cmd := exec.Command("terrarium", "resume", out)
			text, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(string(text), c.want) {
				t.Errorf("exit code %d, want %d and %q:\n%s", code, c.code, c.want, text)
			}
			if c.code == exitDone && exactFilesOf(t, out) != before {
				t.Error("resuming a run that was through changed its metrics")
			}
			if c.code != exitDone && strings.Count(string(text), "\n") != 1 {
				t.Errorf("more than one line:\n%s", text)
			}
		})
	}
}

func exactFilesOf(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "seed-3", metricsFile))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func newest(dir string) string {
	paths, _ := checkpoints(filepath.Join(dir, "seed-3", "checkpoints"))
	return paths[len(paths)-1]
}

func flip(path string) {
	data, _ := os.ReadFile(path)
	data[len(data)/2] ^= 16
	os.WriteFile(path, data, 0o644)
}

// TestFinishedSeedsAreKept resumes a run of which one seed is done.
func TestFinishedSeedsAreKept(t *testing.T) {
	dir := t.TempDir()
	file, out := filepath.Join(dir, "x.yaml"), filepath.Join(dir, "run")
	writeFile(t, file, strings.Replace(killed, "1200000", "50000", 1))
	if text, err := exec.Command("terrarium", "run", file, "--out", out).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	kept := filepath.Join(out, "seed-3", metricsFile)
	info, err := os.Stat(kept)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(SeedDir(out, 4)); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("terrarium", "resume", out, "--json").Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if bytes.Contains(text, []byte(`{"seed":3`)) || !bytes.Contains(text, []byte(`{"seed":4`)) {
		t.Errorf("want rows of seed 4 only:\n%s", text)
	}
	if after, err := os.Stat(kept); err != nil || !after.ModTime().Equal(info.ModTime()) {
		t.Errorf("%s was written again: %v", kept, err)
	}
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	for _, line := range lines {
		if !json.Valid(line) {
			t.Errorf("not JSON: %s", line)
		}
	}
	var last struct {
		Summary struct {
			Seeds int   `json:"seeds"`
			Steps int64 `json:"steps"`
		} `json:"summary"`
	}
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || last.Summary.Seeds != 2 || last.Summary.Steps < 90000 {
		t.Errorf("summary %s: %v", lines[len(lines)-1], err)
	}
}

// interrupt runs an experiment file into dir and sends it the signal of Ctrl-C once seed 3 has learned
// something. It returns what the program printed, and its exit code.
func interrupt(t *testing.T, file, dir string) (text string, code int) {
	t.Helper()
	c := exec.Command("terrarium", "run", file, "--out", dir)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if data, _ := os.ReadFile(filepath.Join(SeedDir(dir, 3), metricsFile)); len(data) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	return out.String(), c.ProcessState.ExitCode()
}

// TestInterrupt sends a run the signal of Ctrl-C, and compares what resuming it gives with the
// run that nobody interrupted.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	file, whole, parts := filepath.Join(dir, "x.yaml"), filepath.Join(dir, "whole"), filepath.Join(dir, "parts")
	writeFile(t, file, killed)
	if out, err := exec.Command("terrarium", "run", file, "--out", whole).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, code := interrupt(t, file, parts)
	want := "terrarium: interrupted; state saved: terrarium resume " + parts + " goes on\n"
	if code != exitInterrupted || !strings.HasSuffix(out, want) {
		t.Fatalf("exit code %d, want %d and %q:\n%s", code, exitInterrupted, want, out)
	}
	if _, err := os.Stat(filepath.Join(SeedDir(parts, 3), doneFile)); err == nil {
		t.Fatal("the run was over before it was interrupted")
	}
	if out, err := exec.Command("terrarium", "resume", parts).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := exactFiles(t, parts)
	for name, want := range exactFiles(t, whole) {
		if got[name] != want {
			t.Errorf("%s differs", name)
		}
	}
}
