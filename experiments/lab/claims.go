package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/experiments/papers"
)

func init() {
	commands = append(commands, claimsCommand)
	kinds = append(kinds, struct {
		plural, singular string
		items            func() ([]Item, error)
	}{"claims", "claim", listClaims})
}

func listClaims() (items []Item, err error) {
	for _, name := range papers.Names() {
		c, err := papers.Lookup(name)
		if err != nil {
			return nil, err
		}
		items = append(items, Item{"claim", name, c.Paper, c.Doc})
	}
	return items, nil
}

// claimFlags are the flags of the command claims.
type claimFlags struct {
	scale   string
	json    bool
	workers int
	cache   string
	record  string
	check   string
}

func claimsCommand() *cobra.Command {
	var f claimFlags
	c := &cobra.Command{
		Use:   "claims [NAME...]",
		Short: "Check what papers claim",
		Long: `Run the experiments of papers and say whether their claims hold.

Without names, all claims are run. Each is told in a line: PASS or FAIL, the
effect and its interval. What is finished is kept: a command that was stopped
goes on where it was, as long as the program is the same.

With --check nothing but one small cell of each is run, to tell whether the
results that are kept are those that this program would make.`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return papers.Names(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error { return runClaims(cmd, args, f) },
	}
	c.Flags().StringVar(&f.scale, "scale", string(papers.Quick), "smoke, quick or full")
	c.Flags().BoolVar(&f.json, "json", false, "print a JSON object a line, the last one a summary")
	c.Flags().IntVar(&f.workers, "workers", 0, "cells to run at once; 0 means one a CPU")
	c.Flags().StringVar(&f.cache, "cache", filepath.Join("runs", "claims"), "folder of finished cells")
	c.Flags().StringVar(&f.record, "record", "", "the folder experiments/papers of the sources, to keep results in")
	c.Flags().StringVar(&f.check, "check", "", "the same folder: mark results in it that are of a program that computes other numbers")
	c.MarkFlagsMutuallyExclusive("check", "record")
	return c
}

// claimLine is the line of a claim with --json.
type claimLine struct {
	Claim     string           `json:"claim"`
	Scale     papers.Scale     `json:"scale"`
	Pass      bool             `json:"pass"`
	Metric    string           `json:"metric"` // of the first bound that fails, or of the first
	Value     float64          `json:"value"`
	Lo        float64          `json:"lo"`
	Hi        float64          `json:"hi"`
	Threshold float64          `json:"threshold"`
	Seeds     int              `json:"seeds"`
	FirstSeed uint64           `json:"first_seed"`
	Seconds   float64          `json:"seconds"` // of all cells together
	Fooled    bool             `json:"fooled"`
	Bounds    []papers.Finding `json:"bounds"`
	Control   []papers.Finding `json:"control"`
	Also      []papers.Finding `json:"also,omitempty"`
}

func newClaimLine(r *papers.Result) claimLine {
	b := r.Bounds[0]
	for _, f := range r.Bounds {
		if !f.Holds {
			b = f
			break
		}
	}
	return claimLine{
		r.Claim, r.Scale, r.Pass, b.Text, b.Value, b.Lo, b.Hi, b.Limit, r.Seeds, r.FirstSeed, r.Seconds, r.Fooled, r.Bounds, r.Control, r.Also,
	}
}

func runClaims(cmd *cobra.Command, names []string, f claimFlags) error {
	var scale papers.Scale
	if err := scale.UnmarshalText([]byte(f.scale)); err != nil {
		return fmt.Errorf("--scale: %w", err)
	}
	if len(names) == 0 {
		names = papers.Names()
	}
	claims := make([]papers.Claim, len(names))
	for i, name := range names {
		var err error
		if claims[i], err = papers.Lookup(name); err != nil {
			return err
		}
	}
	if f.check != "" {
		return checkClaims(cmd, claims, f)
	}
	var failures []string
	for _, c := range claims {
		r, err := runClaim(cmd, c, scale, f)
		if err != nil {
			return err
		}
		if !r.Pass {
			failures = append(failures, r.Claim)
		}
	}
	if f.json {
		if err := printJSON(cmd.OutOrStdout(), map[string]any{"summary": map[string]int{"claims": len(claims), "failed": len(failures)}}); err != nil {
			return err
		}
	}
	if len(failures) > 0 {
		return failed(fmt.Errorf("%d of %d claims failed: %s", len(failures), len(claims), strings.Join(failures, ", ")))
	}
	return nil
}

func runClaim(cmd *cobra.Command, c papers.Claim, scale papers.Scale, f claimFlags) (*papers.Result, error) {
	w := cmd.OutOrStdout()
	r, err := papers.Run(cmd.Context(), c, papers.Options{
		Scale: scale, Workers: f.workers, Cache: f.cache,
		Tell: func(done, all int, cell papers.Cell, cached bool) {
			if !cached {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %d of %d, %s of seed %d\n", c.Name, done, all, cell.Arm, cell.Seed)
			}
		},
	})
	if errors.Is(err, context.Canceled) {
		return nil, interrupted(fmt.Errorf("%w; the same command goes on from here", err))
	}
	if err != nil {
		return nil, err
	}
	if f.json {
		err = printJSON(w, newClaimLine(r))
	} else {
		printClaim(cmd, r)
	}
	if err != nil || f.record == "" {
		return r, err
	}
	p, err := newProvenance()
	if err != nil {
		return nil, err
	}
	commit := p.Build["vcs.revision"]
	if commit = commit[:min(len(commit), 12)]; commit == "" {
		commit = "program-" + p.Program[:12] // built without its commit: the hash of the executable
	}
	if p.Build["vcs.modified"] == "true" {
		commit += "+"
	}
	rep := papers.Report{Commit: commit, Machine: fmt.Sprintf("%s, %d CPUs", cpuModel(), runtime.NumCPU()), Kernel: nn.Kernel(), Result: *r}
	if _, err := os.Stat(f.record); err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	if rep.Small, err = papers.Small(cmd.Context(), c); err != nil {
		return nil, err
	}
	return r, rep.Save(f.record)
}

// checkClaims marks results that this program would not make.
func checkClaims(cmd *cobra.Command, claims []papers.Claim, f claimFlags) error {
	for _, c := range claims {
		kept, err := papers.Load(f.check, c.Name)
		if err != nil {
			return fmt.Errorf("--check: %w", err)
		}
		small, err := papers.Small(cmd.Context(), c)
		if err != nil {
			return fmt.Errorf("claim %s: %w", c.Name, err)
		}
		outdated, known := kept.Outdated(small, nn.Kernel())
		word := "current"
		switch {
		case !known:
			word = "unknown: it is of another kernel, or does not tell"
		case outdated:
			word = "outdated: run it again"
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", c.Name, word)
		if !known || kept.Stale == outdated {
			continue
		}
		kept.Stale = outdated
		if err := kept.Save(f.check); err != nil {
			return err
		}
	}
	return nil
}

// printClaim prints the line of a claim, and below it each of its bounds.
func printClaim(cmd *cobra.Command, r *papers.Result) {
	w := cmd.OutOrStdout()
	fmt.Fprintln(w, r)
	part := func(title string, list []papers.Finding) {
		for _, f := range list {
			verdict := "holds"
			if !f.Holds {
				verdict = "fails"
			}
			fmt.Fprintf(w, "  %-8s %s  %s: %.4g [%.4g, %.4g]\n", title, verdict, f.Text, f.Value, f.Lo, f.Hi)
		}
	}
	part("bound", r.Bounds)
	part("control", r.Control)
	part("also", r.Also)
}
