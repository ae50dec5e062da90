package lab

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/terrarium-rl/terrarium/agents/ppo"
	_ "github.com/terrarium-rl/terrarium/env/tasks/maze"
	"github.com/terrarium-rl/terrarium/explore"
	"github.com/terrarium-rl/terrarium/explore/visits"
)

const curious = `
env: {name: maze-v0}
levels: {preset: tiny}
worlds: 4
agent: {name: ppo, options: {rollout: 16, minibatch: 32, hidden: [8], intrinsic_coef: 0.5}}
bonus: "0.5 * norm(noveld(dim=4, hidden=8) * e3b(dim=4, hidden=8)) + 0.1 * count(fields=[position])"
steps: 4000
eval: {episodes: 0}
metrics: {steps: 64}
checkpoint: {steps: 64, seconds: 0}
`

// Errors in an expression name their place in the file.
func TestBonusErrors(t *testing.T) {
	const e = "env: {name: maze-v0}\n"
	for text, want := range map[string]string{
		e + `bonus: cuont`:                      `x.yaml:2:8: bonus: unknown bonus "cuont"; did you mean "count"?`,
		e + `bonus: "norm(rnd) * e3b(rigde=1)"`: `x.yaml:2:21: bonus: unknown option "rigde"; did you mean "ridge"?`,
		e + `bonus: norm(rnd`:                   `x.yaml:2:16: bonus: the end where ")" was due`,
		e + "bonus: |\n  rnd +":                 `x.yaml:2:8: bonus: bonus expression, column 6: the end where a name was due`,
		e + `bonus: 3`:                          `x.yaml:2:8: bonus: want text, have the number 3`,
		e + `bonus: "count(fields=[positoin])"`: `bonus count: fields: maze-v0 has no observation or fact "positoin"; did you mean "position"?`,
		e + `bonus: [rnd]`:                      `x.yaml:2:8: bonus: want text, have a list`,
		e + `bonus: "rnd(keep=0)"`:              `bonus rnd: lr is 0.0001 and keep 0, want above 0, and keep at most 1`,
	} {
		_, err := ParsePlan("x.yaml", []byte(text), nil)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x.yaml:2:") {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

// trainUpdates trains until the trainer has made n more updates, and returns the rows of metrics.
func trainUpdates(t *testing.T, tr *trainer, n int) (rows []string) {
	t.Helper()
	for n > 0 {
		if err := tr.iterate(); err != nil {
			t.Fatal(err)
		}
		done, err := tr.learn()
		if err != nil {
			t.Fatal(err)
		}
		if done {
			n--
			rows = append(rows, string(tr.loop.row(tr.reward).appendJSON(nil)))
		}
	}
	return rows
}

// A run with bonuses that learn goes on after a checkpoint as if there had been none, whether
// the bonus has a critic of its own or is added to the reward; and it logs the bonuses apart.
func TestBonusResumes(t *testing.T) {
	for _, text := range []string{curious, strings.Replace(curious, "intrinsic_coef: 0.5", "intrinsic_coef: 0", 1)} {
		dir := t.TempDir()
		tr := openTestTrainer(t, text, dir)
		trainUpdates(t, tr, 10)
		if err := tr.save(false); err != nil {
			t.Fatal(err)
		}
		want := trainUpdates(t, tr, 10)
		again := openTestTrainer(t, text, dir)
		got := trainUpdates(t, again, 10)
		for i := range want {
			if want[i] != got[i] {
				t.Fatalf("row %d after resuming:\n%s\nwant\n%s", i, got[i], want[i])
			}
		}
		for _, name := range []string{`"bonus/mean":`, `"bonus/noveld/mean":`, `"bonus/noveld/loss":`, `"bonus/e3b/inverse_loss":`, `"bonus/count/states":`} {
			if !strings.Contains(want[0], name) {
				t.Errorf("no %s in %s", name, want[0])
			}
		}
		a, _ := tr.bonus.AppendBinary(nil)
		b, _ := again.bonus.AppendBinary(nil)
		if !bytes.Equal(a, b) || !slices.Equal(tr.where.Visits, again.where.Visits) || !slices.Equal(tr.where.Bonus, again.where.Bonus) {
			t.Error("the states of the bonuses differ")
		}
	}
}

// The map counts every step at its place, with its bonus, and the report draws it.
func TestBonusMap(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	p, err := ParsePlan("x.yaml", []byte(curious), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Train(t.Context(), p, dir, Options{Workers: 1}); err != nil {
		t.Fatal(err)
	}
	r, err := readRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	maps, err := r.maps()
	if err != nil || len(maps) != 2 || len(r.Warnings) > 0 {
		t.Fatalf("%d maps, error %v, warnings %v", len(maps), err, r.Warnings)
	}
	m, err := visits.Load(SeedDir(dir, 1))
	if err != nil {
		t.Fatal(err)
	}
	n, sum := uint64(0), 0.0
	for k, v := range m.Visits {
		n += v
		sum += m.Bonus[k]
	}
	want := 0.0
	steps, means := r.Seeds[0].Curve.steps, r.Seeds[0].Curve.columns["bonus/mean"]
	for i, mean := range means {
		begin := 0.0
		if i > 0 {
			begin = steps[i-1]
		}
		want += mean * (steps[i] - begin)
	}
	if int64(n) != r.Seeds[0].Steps || math.Abs(sum-want) > 1e-6*want {
		t.Errorf("%d visits with bonuses of %v in all, want %d and %v", n, sum, r.Seeds[0].Steps, want)
	}
	html, err := renderReport([]*runRecord{r}, "")
	if err != nil || !bytes.Contains(html, []byte("mean bonus of each cell")) {
		t.Errorf("the report lacks the maps: %v", err)
	}
	if err := os.WriteFile(filepath.Join(SeedDir(dir, 1), visits.File), []byte("TRVM"), 0o644); err != nil {
		t.Fatal(err)
	}
	if maps, err := r.maps(); err != nil || len(maps) != 0 || len(r.Warnings) != 1 {
		t.Errorf("a damaged map: %d maps, error %v, warnings %v", len(maps), err, r.Warnings)
	}
}

// A checkpoint of another bonus is refused, of other dimensions or of other options.
func TestBonusOfOtherShapeIsRefused(t *testing.T) {
	dir := t.TempDir()
	tr := openTestTrainer(t, curious, dir)
	trainUpdates(t, tr, 1)
	if err := tr.save(false); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"e3b(dim=5", "e3b(ridge=0.3, dim=4"} {
		p, err := ParsePlan("x.yaml", []byte(strings.Replace(curious, "e3b(dim=4", to, 1)), nil)
		if err != nil {
			t.Fatal(err)
		}
		other, err := newTrainer(p, 3, dir, 1, func(Status) {})
		if err != nil {
			t.Fatal(err)
		}
		defer other.close()
		if err := other.open(); err == nil || !strings.Contains(err.Error(), "section bonus: the bonus was ") || !strings.Contains(err.Error(), to) {
			t.Errorf("%s: error %v", to, err)
		}
	}
}

// What an agent without an ear for bonuses learns from is reward plus bonus.
func TestBonusIsAdded(t *testing.T) {
	tr := openTestTrainer(t, strings.Replace(killed, "0.01 * norm(count(cell=0.2) * e3b(embed=none))", "0.25", 1), t.TempDir())
	for range 50 {
		if err := tr.iterate(); err != nil {
			t.Fatal(err)
		}
		before := append([]float32(nil), tr.rew...)
		tr.record()
		for i, r := range tr.rew {
			if math.Abs(float64(r-before[i])-0.25) > 1e-6 {
				t.Fatalf("reward %v became %v with a bonus of 0.25", before[i], r)
			}
		}
		if _, err := tr.agent.Learn(tr.report); err != nil {
			t.Fatal(err)
		}
	}
}

// Every registered bonus is described.
func TestBonusesAreDescribed(t *testing.T) {
	items, err := listBonuses()
	if err != nil || len(items) != len(explore.Names()) {
		t.Fatalf("%d items, error %v", len(items), err)
	}
	for _, i := range items {
		if i.Doc == "" || i.Paper == "" {
			t.Errorf("%s: doc %q, paper %q", i.Name, i.Doc, i.Paper)
		}
		c, _ := explore.Open(i.Name, nil)
		var out bytes.Buffer
		if err := describeConfig(&out, "bonus", i.Name, c, nil); err != nil || !strings.Contains(out.String(), i.Doc) {
			t.Errorf("%v: %s", err, out.String())
		}
	}
}

// What a bonus did less well than it should is in the summary of the run.
func TestDegradedBonusIsTold(t *testing.T) {
	text := strings.Replace(curious, "count(fields=[position])", "count(fields=[position], cell=0.001, max_keys=64)", 1)
	p, err := ParsePlan("x.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Train(t.Context(), p, filepath.Join(t.TempDir(), "run"), Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := newDisplay(&out, p, false).finish(r, nil); err != nil {
		t.Fatal(err)
	}
	if want := "visits of states that share the count of another: the table is full, raise max_keys"; !strings.Contains(out.String(), "warning: seed 1, bonus count: ") || !strings.Contains(out.String(), want) {
		t.Errorf("no warning in\n%s", out.String())
	}
	if m, ok := summary(r)["degraded"].(map[string]uint64); !ok || len(m) != 1 {
		t.Errorf("the JSON summary has %v", summary(r)["degraded"])
	}
}
