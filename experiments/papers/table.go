package papers

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Report is a Result with where it comes from. It is the file that is kept with the experiment.
type Report struct {
	Commit  string `json:"commit"`  // of the program, with a + if it had been changed; or a hash of the program
	Machine string `json:"machine"` // processor and number of CPUs
	Kernel  string `json:"kernel"`  // of agents/nn
	Result
}

// ReportFile is the name of the file of a report at a scale, in the folder of its experiment.
func ReportFile(s Scale) string { return "result-" + string(s) + ".json" }

// Save writes the report into its experiment's folder below dir, which is this package's folder,
// and makes the table in dir/README.md anew.
func (r *Report) Save(dir string) error {
	folder := filepath.Join(dir, r.Claim)
	if _, err := os.Stat(filepath.Join(folder, "README.md")); err != nil {
		return fmt.Errorf("%s is not the folder of the experiment: %w", folder, err)
	}
	if err := save(filepath.Join(folder, ReportFile(r.Scale)), r); err != nil {
		return err
	}
	text, err := WithTable(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "README.md"), text, 0o644)
}

const (
	tableBegin = "<!-- table: made by terrarium claims --record -->\n"
	tableEnd   = "<!-- end of table -->\n"
)

// WithTable returns dir/README.md with the table of all reports below dir in its place.
func WithTable(dir string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		return nil, err
	}
	before, rest, ok := strings.Cut(string(text), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		return nil, fmt.Errorf("%s has no lines %q and %q for the table", filepath.Join(dir, "README.md"), tableBegin, tableEnd)
	}
	table, err := tableOf(dir)
	if err != nil {
		return nil, err
	}
	return []byte(before + tableBegin + table + tableEnd + after), nil
}

func tableOf(dir string) (string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "result-*.json"))
	if err != nil {
		return "", err
	}
	slices.Sort(paths)
	var b strings.Builder
	b.WriteString("\n| claim | scale | verdict | bound | effect, 95 % interval | holds | control | seeds | cell time | commit |\n|---|---|---|---|---|---|---|---|---|---|\n")
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		var r Report
		if err := json.Unmarshal(data, &r); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		for i, f := range r.Bounds {
			head, tail := " | | ", " | | |"
			if i == 0 {
				head = fmt.Sprintf("[%s](%s) | %s | **%s**", r.Claim, r.Claim, r.Scale, map[bool]string{true: "PASS", false: "FAIL"}[r.Pass])
				seeds := fmt.Sprint(r.Seeds)
				if r.FirstSeed > FirstSeed {
					seeds = fmt.Sprintf("%d from %d", r.Seeds, r.FirstSeed)
				}
				tail = fmt.Sprintf(" %s | %.0f s | %s |", seeds, r.Seconds, r.Commit)
			}
			fmt.Fprintf(&b, "| %s | %s | %.3g [%.3g, %.3g] | %s | %s |%s\n", head, strings.ReplaceAll(f.Text, "|", `\|`), f.Value, f.Lo, f.Hi, yes(f.Holds), yes(r.Control[i].Holds), tail)
		}
	}
	b.WriteString("\n")
	return b.String(), nil
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
