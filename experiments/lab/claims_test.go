package lab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
)

func init() {
	claim := func(name string, effect float64) papers.Claim {
		return papers.Claim{
			Name: name, Doc: "For tests of the command.", Arms: []string{"a", "b"}, Treatment: "a", Control: "b",
			Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 3, papers.Full: 3},
			Cell: func(c papers.Cell) (papers.Row, error) {
				x := float64(c.Seed % 7)
				if c.Arm == "a" {
					x += effect + 0.01*float64(c.Seed%3)
				}
				return papers.Row{"x": x}, nil
			},
			Pass: []papers.Bound{papers.Greater("x", "a", "b", 0)},
		}
	}
	papers.Register(claim("test-holds", 1))
	papers.Register(claim("test-fails", -1))
}

// claimsOutput runs the command and returns its output and its exit code.
func claimsOutput(t *testing.T, args ...string) (string, int) {
	t.Helper()
	root, out := rootCommand(), new(strings.Builder)
	root.SetOut(out)
	root.SetErr(new(strings.Builder))
	root.SetArgs(append([]string{"claims", "--cache", t.TempDir()}, args...))
	code := exitCode(root.ExecuteContext(t.Context()))
	return out.String(), code
}

func TestClaimsCommand(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"test-holds", "--scale", "smoke"}, exitDone, "PASS test-holds (smoke)  x: a - b > 0: 1.01 ["},
		{[]string{"test-holds", "test-fails"}, exitFailed, "FAIL test-fails (quick)  x: a - b > 0: -0.99"},
		{[]string{"test-hold"}, exitInput, ""},
		{[]string{"test-holds", "--scale", "tiny"}, exitInput, ""},
		{[]string{"test-holds", "--record", "nowhere"}, exitLacking, ""},
	} {
		out, code := claimsOutput(t, c.args...)
		if code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("claims %v: exit code %d and %q; want %d and %q", c.args, code, out, c.code, c.want)
		}
	}
	out, _ := claimsOutput(t, "test-holds", "test-fails", "--json")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 || lines[2] != `{"summary":{"claims":2,"failed":1}}` {
		t.Fatalf("JSON lines: %q", lines)
	}
	var l claimLine
	if err := json.Unmarshal([]byte(lines[1]), &l); err != nil || l.Claim != "test-fails" || l.Pass || l.Lo > l.Value || l.Seeds != 3 || len(l.Control) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
}

// A result that the program would not make any more is marked in the table, and the mark goes when it would.
func TestClaimsCheck(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "test-holds")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(folder, "README.md"), "")
	write(filepath.Join(dir, "README.md"), "<!-- table: made by terrarium claims --record -->\n<!-- end of table -->\n")
	if out, code := claimsOutput(t, "test-holds", "--record", dir); code != exitDone {
		t.Fatalf("exit code %d: %s", code, out)
	}
	kept, err := papers.Load(dir, "test-holds")
	if err != nil || len(kept.Small) == 0 {
		t.Fatalf("%+v, %v", kept, err)
	}
	check := func(want string, marked bool) {
		t.Helper()
		out, code := claimsOutput(t, "test-holds", "--check", dir)
		table, _ := os.ReadFile(filepath.Join(dir, "README.md"))
		if code != exitDone || !strings.Contains(out, want) || strings.Contains(string(table), "of an older program") != marked {
			t.Errorf("exit code %d, %q, want %q; table:\n%s", code, out, want, table)
		}
	}
	check("test-holds: current", false)
	right := kept.Small["x"]
	kept.Small["x"] = right + 1
	if err := kept.Save(dir); err != nil {
		t.Fatal(err)
	}
	check("test-holds: outdated", true)
	if kept, err = papers.Load(dir, "test-holds"); err != nil || !kept.Stale {
		t.Fatalf("%+v, %v", kept, err)
	}
	kept.Small["x"] = right
	if err := kept.Save(dir); err != nil {
		t.Fatal(err)
	}
	check("test-holds: current", false)
	kept.Small, kept.Stale = nil, false
	if err := kept.Save(dir); err != nil {
		t.Fatal(err)
	}
	check("test-holds: unknown", false)
}
