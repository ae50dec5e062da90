package lab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/web/compare"
)

// The example of qd/README.md, small: a reward is learned, a search looks for its faults, the report
// maps them by the version of the reward, and the pairs wait on the desk of terrarium label.
func TestRedTeam(t *testing.T) {
	dir := t.TempDir()
	learned, red, file := filepath.Join(dir, "preference"), filepath.Join(dir, "redteam"), filepath.Join(dir, "redteam.yaml")
	const reward = "reward=[{name: preference, options: {every: 2000, labels: 20, rounds: 2, segment: 10, window: 4000, epochs: 2}}]"
	if code, text := output(t, "run", "pendulum", "--set", "steps=8192", "--set", "eval.episodes=0", "--set", reward, "--out", learned); code != exitDone {
		t.Fatal(code, text)
	}
	readme, err := os.ReadFile("../../qd/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "```yaml\n")
	text, _, found := strings.Cut(text, "```")
	text = strings.ReplaceAll(text, "runs/preference", learned)
	if !found || !strings.Contains(text, learned) {
		t.Fatal("qd/README.md has no search for the faults of runs/preference")
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, text := output(t, "run", file, "--set", "qd.evaluations=400", "--set", "qd.redteam={questions: 6, steps: 20}", "--set", "eval.episodes=0", "--out", red); code != exitDone {
		t.Fatal(code, text)
	}

	var s Suspects
	files, err := filepath.Glob(filepath.Join(red, "seed-*", suspectsFile))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v: %q", err, files)
	}
	data, err := os.ReadFile(files[0])
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	if err != nil || len(s.Version) < 4 || len(s.Learned) < 10 || len(s.Pairs) != 6 {
		t.Fatalf("%v: version %q, %d elites, %d pairs", err, s.Version, len(s.Learned), len(s.Pairs))
	}
	for _, p := range s.Pairs {
		if s.Learned[p[0]] <= s.Learned[p[1]] || s.Hidden[p[0]] >= s.Hidden[p[1]] {
			t.Errorf("the judges agree on elites %v", p)
		}
	}
	report := filepath.Join(dir, "report.html")
	if code, text := output(t, "report", red, "-o", report); code != exitDone {
		t.Fatal(code, text)
	}
	page, err := os.ReadFile(report)
	if err != nil || !strings.Contains(string(page), "what the learned reward, version "+s.Version) {
		t.Errorf("the report does not map what reward %s says: %v", s.Version, err)
	}
	code, text := output(t, "label", red, "--stats", "--json")
	var p compare.Progress
	if err := json.Unmarshal([]byte(text), &p); err != nil || code != exitDone || p.Questions < 3 || p.Questions > 6 || p.Answered != 0 {
		t.Errorf("label --stats: %d %s %v", code, text, err)
	}
}
