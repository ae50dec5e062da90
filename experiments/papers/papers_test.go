package papers

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// toy is a claim whose arms differ by as much as their effect says.
func toy(effect map[string]float64, calls *atomic.Int64) Claim {
	return Claim{
		Name: "toy", Doc: "a toy", Treatment: "new", Control: "same", Arms: []string{"new", "old", "same"},
		Seeds: map[Scale]int{Smoke: 8, Quick: 16, Full: 16},
		Cell: func(c Cell) (Row, error) {
			calls.Add(1)
			r := rng.New(c.Seed).Stream(1, uint32(len(c.Arm)), 0)
			base := rng.New(c.Seed).Stream(2, 0, 0)
			return Row{"score": 10*float64(base.Norm()) + effect[c.Arm] + float64(r.Norm())}, c.Context.Err()
		},
		Pass: []Bound{Greater("score", "new", "old", 0), Greater("score", "new", "old", -20)},
		Also: []Bound{Above("score", "new", 1e6)},
	}
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name         string
		effect       map[string]float64
		pass, fooled bool
	}{
		{"a real effect", map[string]float64{"new": 5}, true, false},
		{"none", nil, false, false},
		{"the control has it too", map[string]float64{"new": 5, "same": 5}, false, true},
	} {
		var calls atomic.Int64
		r, err := Run(t.Context(), toy(c.effect, &calls), Options{Scale: Smoke})
		if err != nil {
			t.Fatal(err)
		}
		if r.Pass != c.pass || r.Fooled != c.fooled || calls.Load() != 24 || r.Also[0].Holds {
			t.Errorf("%s: %v, fooled %v, %d cells", c.name, r, r.Fooled, calls.Load())
		}
		if want := map[bool]string{true: "PASS toy (smoke)", false: "FAIL toy (smoke)"}[c.pass]; !strings.HasPrefix(r.String(), want) {
			t.Errorf("%s is told as %q", c.name, r)
		}
	}
}

// A run that is stopped goes on where it was, to the same result as one that is not.
func TestResume(t *testing.T) {
	var calls atomic.Int64
	claim := toy(map[string]float64{"new": 5}, &calls)
	whole, err := Run(t.Context(), claim, Options{Scale: Smoke, Workers: 3})
	if err != nil {
		t.Fatal(err)
	}
	calls.Store(0)
	ctx, stop := context.WithCancel(t.Context())
	o := Options{Scale: Smoke, Workers: 1, Cache: filepath.Join(t.TempDir(), "cache")}
	o.Tell = func(done, _ int, _ Cell, _ bool) {
		if done == 10 {
			stop()
		}
	}
	if _, err := Run(ctx, claim, o); !errors.Is(err, context.Canceled) || calls.Load() != 10 {
		t.Fatalf("stopped run: %v after %d cells", err, calls.Load())
	}
	files, _ := filepath.Glob(o.Cache + "/*.json")
	if err := os.WriteFile(files[0], []byte(`{"row":{"sco`), 0o644); err != nil { // as if torn
		t.Fatal(err)
	}
	o.Tell = nil
	r, err := Run(t.Context(), claim, o)
	if err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 25 {
		t.Errorf("%d cells were run in all, want 24 and the torn one again", calls.Load())
	}
	if !reflect.DeepEqual(r.Rows, whole.Rows) || !reflect.DeepEqual(r.Bounds, whole.Bounds) {
		t.Error("the resumed run came out differently")
	}
}

// A fixture is made once a config for all cells, at whatever number of workers, and once in all with a
// cache, unless its file is torn. Every cell has its own copy.
func TestFixture(t *testing.T) {
	type config struct{ Seed uint64 }
	var calls, built atomic.Int64
	claim := toy(nil, &calls)
	claim.Cell = func(c Cell) (Row, error) {
		x, err := Fixture(c, "numbers", config{c.Seed}, func() ([]float64, error) {
			built.Add(1)
			return []float64{float64(c.Seed), 1}, nil
		})
		if err != nil {
			return nil, err
		}
		x[1]++
		return Row{"score": x[0] + x[1]}, nil
	}
	cached := Options{Scale: Smoke, Workers: 4, Cache: t.TempDir()}
	for _, step := range []struct {
		o     Options
		built int64
	}{{Options{Scale: Smoke, Workers: 3}, 8}, {cached, 8}, {cached, 1}} {
		built.Store(0)
		r, err := Run(t.Context(), claim, step.o)
		if err != nil {
			t.Fatal(err)
		}
		for arm, rows := range r.Rows {
			for i, row := range rows {
				if want := float64(FirstSeed + i + 2); row["score"] != want {
					t.Errorf("arm %s, seed %d: score %v, want %v", arm, i, row["score"], want)
				}
			}
		}
		if n := built.Load(); n != step.built {
			t.Errorf("%+v: fixtures were built %d times, want %d", step.o, n, step.built)
		}
		if step.o.Cache == "" {
			continue
		}
		cells, _ := filepath.Glob(cached.Cache + "/*.json") // run all again, but with one torn fixture
		for _, f := range cells {
			os.Remove(f)
		}
		files, _ := filepath.Glob(cached.Cache + "/fixtures/*.gob")
		if err := os.WriteFile(files[0], []byte("torn"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Run(t.Context(), Claim{Name: "bad", Arms: claim.Arms, Seeds: claim.Seeds, Cell: func(c Cell) (Row, error) {
		_, err := Fixture(c, "none", 1, func() (int, error) { return 0, errors.New("out of order") })
		return Row{"score": 1}, err
	}}, cached); err == nil || !strings.Contains(err.Error(), "fixture none: out of order") {
		t.Errorf("a fixture that fails: %v", err)
	}
}

// Seeds begin where a claim says.
func TestFrom(t *testing.T) {
	var calls atomic.Int64
	claim := toy(nil, &calls)
	claim.From = 2000
	claim.Cell = func(c Cell) (Row, error) { return Row{"score": float64(c.Seed)}, nil }
	r, err := Run(t.Context(), claim, Options{Scale: Smoke})
	if err != nil {
		t.Fatal(err)
	}
	if r.FirstSeed != 2000 || r.Rows["old"][0]["score"] != 2000 || r.Rows["new"][7]["score"] != 2007 {
		t.Errorf("first seed %d, rows %v", r.FirstSeed, r.Rows)
	}
}

func TestBadCells(t *testing.T) {
	var calls atomic.Int64
	for want, row := range map[string]Row{"score is NaN": {"score": math.NaN()}, "no numbers": {}, `has no "score"`: {"other": 1}} {
		c := toy(nil, &calls)
		c.Cell = func(Cell) (Row, error) { return row, nil }
		if _, err := Run(t.Context(), c, Options{Scale: Smoke}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %q", err, want)
		}
	}
}

func TestBounds(t *testing.T) {
	table := &Table{Rows: map[string][]Row{"a": nil, "b": nil}}
	for i := range 12 {
		win, lose := 1.0, 0.0
		if i == 0 {
			win, lose = 0, 1
		}
		table.Rows["a"] = append(table.Rows["a"], Row{"win": win, "x": float64(i) + 3})
		table.Rows["b"] = append(table.Rows["b"], Row{"win": lose, "x": float64(i)})
	}
	table.Rows["a"][11]["x"] = 1e9 // an interquartile mean does not care
	p := 13.0 / 2048               // 2 (C(12,0) + C(12,1)) / 2^12
	for _, c := range []struct {
		b     Bound
		value float64
		holds bool
	}{
		{McNemar("win", "a", "b", 0.05), p, true},
		{McNemar("win", "a", "b", 0.005), p, false},
		{McNemar("win", "b", "a", 0.05), 2 - p, false},
		{GreaterIQM("x", "a", "b", 2), 3, true},
		{GreaterIQM("x", "a", "b", 3), 3, false},
		{Greater("x", "a", "b", 0), (33 + 1e9 - 11) / 12, false},
		{Under("x", "b", 8), 5.5, true},
		{Less("win", "b", "a", -0.4), -10.0 / 12, true},
		{GreaterPart("win", "a", "b", 2), 9.0 / 12, true},
		{GreaterPart("win", "a", "b", 11), 0, false},
		{GreaterIQMOver("both", []string{"win", "x"}, "b", "b", -1), 0, true},
		{Share("win", "a", 11.0/12), 11.0 / 12, true},
		{Share("win", "a", 0.95), 11.0 / 12, false},
		{MeanAtMost("x", "b", 5.5), 5.5, true},
		{MeanAtMost("x", "b", 5.4), 5.5, false},
		{Times("win", "a", "b", 10, false), 11, true},
		{Times("win", "a", "b", 10, true), 11, false},
	} {
		i, err := c.b.Effect(table)
		if err != nil || math.Abs(i.Value-c.value) > 1e-6*math.Abs(c.value) || c.b.Holds(i) != c.holds {
			t.Errorf("%s: %+v %v, want %v, %v", c.b.Text, i, err, c.value, c.holds)
		}
	}
}

// The table is the one of the reports that lie here.
func TestTableIsCurrent(t *testing.T) {
	want, err := WithTable(".")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("README.md differs from the reports: run terrarium claims --record")
	}
}

// What is kept is outdated if today's smallest cell differs in one bit, and nobody knows if it lacks one, or is
// of another kernel.
func TestOutdated(t *testing.T) {
	var calls atomic.Int64
	c := toy(map[string]float64{"new": 5}, &calls)
	small, err := Small(t.Context(), c)
	if err != nil || len(small) == 0 || calls.Load() != 1 {
		t.Fatalf("%v, %v, %d calls", small, err, calls.Load())
	}
	data, err := json.Marshal(Report{Kernel: "k", Small: small, Result: Result{Scale: Quick}})
	if err != nil {
		t.Fatal(err)
	}
	var kept Report
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	if outdated, known := kept.Outdated(small, "k"); outdated || !known {
		t.Errorf("the same cell: outdated %v, known %v", outdated, known)
	}
	other := maps.Clone(small)
	for name := range other {
		other[name] = math.Nextafter(other[name], 100)
	}
	if outdated, known := kept.Outdated(other, "k"); !outdated || !known {
		t.Errorf("another cell: outdated %v, known %v", outdated, known)
	}
	if _, known := kept.Outdated(small, "l"); known {
		t.Error("cells of different kernels are compared")
	}
	if _, known := (&Report{Kernel: "k"}).Outdated(small, "k"); known {
		t.Error("a report that lacks the cell is compared")
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	var calls atomic.Int64
	res, err := Run(t.Context(), toy(map[string]float64{"new": 5}, &calls), Options{Scale: Smoke})
	if err != nil {
		t.Fatal(err)
	}
	rep := &Report{Commit: "abc", Result: *res}
	if err := rep.Save(dir); err == nil {
		t.Error("a report is saved where no experiment is")
	}
	os.Mkdir(filepath.Join(dir, "toy"), 0o755)
	os.WriteFile(filepath.Join(dir, "toy", "README.md"), nil, 0o644)
	os.WriteFile(filepath.Join(dir, "README.md"), []byte("before\n"+tableBegin+"old\n"+tableEnd+"after\n"), 0o644)
	for range 2 {
		if err := rep.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	text, _ := os.ReadFile(filepath.Join(dir, "README.md"))
	s := string(text)
	if !strings.HasPrefix(s, "before\n") || !strings.HasSuffix(s, "after\n") || strings.Contains(s, "old\n") ||
		strings.Count(s, "**PASS**") != 1 || !strings.Contains(s, "score: new - old > 0") || strings.Count(s, "abc") != 1 {
		t.Errorf("table:\n%s", s)
	}
}
