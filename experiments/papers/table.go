package papers

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
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

	// Small is what the program's smallest cell yielded, see [Small]: a program that yields something else
	// computes other results. Reports from before it was kept lack it.
	Small Row `json:"small,omitempty"`

	// Stale says that today's program yields another Small, or that the claim has changed since, and that it has
	// not been run again.
	Stale bool `json:"stale,omitempty"`
	Result
}

// Small runs the smallest cell that there is of a claim: its treatment, at smoke scale, on the first seed.
func Small(ctx context.Context, c Claim) (Row, error) {
	return c.Cell(Cell{Context: ctx, Scale: Smoke, Arm: c.Treatment, Seed: c.First()})
}

// Load reads the report of a claim at quick scale below dir, which is this package's folder.
func Load(dir, claim string) (*Report, error) {
	data, err := os.ReadFile(filepath.Join(dir, claim, ReportFile(Quick)))
	if err != nil {
		return nil, err
	}
	r := new(Report)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%s: %w", claim, err)
	}
	return r, nil
}

// Outdated reports whether small, of today's program, differs from what the report's yielded. It is known
// only if the report tells, and was made with the kernel given: others round otherwise.
func (r *Report) Outdated(small Row, kernel string) (outdated, known bool) {
	known = len(r.Small) > 0 && r.Kernel == kernel
	return known && !maps.Equal(r.Small, small), known
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
	b.WriteString("\n| claim | scale | verdict | bound | effect, 95 % interval | holds | control | seeds | processor time | commit |\n|---|---|---|---|---|---|---|---|---|---|\n")
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
				head = fmt.Sprintf("[%s](%s) | %s | **%s**%s", r.Claim, r.Claim, r.Scale, map[bool]string{true: "PASS", false: "FAIL"}[r.Pass],
					map[bool]string{true: ", of an older program"}[r.Stale])
				seeds := fmt.Sprint(r.Seeds)
				if r.FirstSeed > FirstSeed {
					seeds = fmt.Sprintf("%d from %d", r.Seeds, r.FirstSeed)
				}
				took := fmt.Sprintf("%.0f s", r.Processor)
				if r.Processor == 0 {
					took = fmt.Sprintf("(%.0f s)", r.Seconds)
				}
				tail = fmt.Sprintf(" %s | %s | %s |", seeds, took, r.Commit)
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
