package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
	"github.com/terrarium-rl/terrarium/experiments/configs"
	"github.com/terrarium-rl/terrarium/explore"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { commands = append(commands, describeCommand) }

func describeCommand() *cobra.Command {
	kinds := append(kindNames(false), "replay", "config")
	var module string
	c := &cobra.Command{
		Use:   "describe KIND NAME",
		Short: "Print everything about an environment, agent, reward, experiment, or the config",
		Long: `Print everything about an environment, agent, reward or experiment: tables of what it
exchanges, options with their defaults. "describe replay FILE" prints the level of a recorded
episode, with its hash and difficulty, and how the episode went. "describe config" prints the
JSON Schema of experiment files, for editors to complete and check them.`,
		Example: `  terrarium describe env cartpole-v0
  terrarium describe replay runs/lander/seed-1/replays/eval-00000.replay
  terrarium describe reward gentle --module ./gentle
  terrarium describe config > terrarium.schema.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			w := cmd.OutOrStdout()
			if err := needModule(module); err != nil {
				return err
			}
			switch {
			case len(args) == 1 && args[0] == "config":
				return printSchema(w)
			case len(args) == 0 || !slices.Contains(kinds, args[0]) && len(args) == 2:
				kind := ""
				if len(args) > 0 {
					kind = args[0]
				}
				return fmt.Errorf("unknown kind %q%s", kind, registry.Suggest(kind, kinds))
			case len(args) != 2:
				return fmt.Errorf("describe needs a kind and a name, such as env cartpole-v0; terrarium list names them")
			}
			switch args[0] {
			case "env":
				return describeEnv(w, args[1])
			case "agent":
				c, err := agents.Open(args[1], nil)
				return describeConfig(w, "agent", args[1], c, err)
			case "reward":
				c, err := rewards.Open(args[1], nil)
				return describeConfig(w, "reward", args[1], c, err)
			case "bonus":
				c, err := explore.Open(args[1], nil)
				return describeConfig(w, "bonus", args[1], c, err)
			case "archive":
				c, err := qd.OpenArchive(args[1], nil)
				return describeConfig(w, "archive", args[1], c, err)
			case "emitter":
				c, err := qd.OpenEmitter(args[1], nil)
				return describeConfig(w, "emitter", args[1], c, err)
			case "replay":
				return describeReplay(w, args[1])
			case "experiment":
				text, err := configs.Read(args[1])
				if err == nil {
					_, err = w.Write(text)
				}
				return err
			}
			return fmt.Errorf("describe config takes no name")
		},
	}
	c.Flags().StringVar(&module, "module", "", "module that it is part of, such as . or example.com/me/reward@v0.3.0")
	return c
}

func describeConfig(w io.Writer, kind, name string, c any, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s %s\n", kind, name)
	if doc := docOf(c); doc != "" {
		fmt.Fprintf(w, "\n%s\n", wrap(doc, 90))
	}
	if p := paper(c); p != "" {
		fmt.Fprintf(w, "\npaper: %s\n", p)
	}
	return describeOptions(w, c)
}

// describeOptions prints the options of a config with their defaults.
func describeOptions(w io.Writer, c any) error {
	v := reflect.ValueOf(c)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	fields := optionFields(v.Type())
	if len(fields) == 0 {
		_, err := fmt.Fprintf(w, "\nIt has no options.\n")
		return err
	}
	t := newTable(w, "options", "name", "default", "meaning")
	for _, f := range fields {
		def, err := json.Marshal(v.FieldByIndex(f.index).Interface())
		if err != nil {
			return fmt.Errorf("option %s: %w", f.name, err)
		}
		t.row(f.name, string(def), f.doc)
	}
	return t.flush()
}

func describeEnv(w io.Writer, name string) error {
	c, err := env.Open(name, nil)
	if err != nil {
		return err
	}
	s, err := c.Spec()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "env %s\n\n%s\n\n", s.ID, wrap(s.Doc, 90))
	fmt.Fprintf(w, "A step takes %v s. ", s.Dt)
	if s.MaxSteps > 0 {
		fmt.Fprintf(w, "Episodes are cut after %d steps. ", s.MaxSteps)
	}
	if s.Agents > 1 {
		fmt.Fprintf(w, "A world has %d agents. ", s.Agents)
	}
	if s.Solved != 0 {
		fmt.Fprintf(w, "It counts as solved at a mean return of %v.", s.Solved)
	}
	fmt.Fprintln(w)
	if s.Ends != "" {
		fmt.Fprintf(w, "\n%s\n", wrap("Episode end: "+s.Ends, 90))
	}
	for _, f := range []struct {
		title  string
		fields []env.Field
	}{{"observation", s.Obs}, {"action", s.Act}, {"facts", s.Facts}} {
		if err := describeFields(w, f.title, f.fields); err != nil {
			return err
		}
	}
	t := newTable(w, "reward: the sum of", "fact", "weight", "meaning")
	for _, r := range s.Reward {
		t.row(r.Fact, number32(r.Weight), r.Doc)
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := describeLevels(w, s); err != nil {
		return err
	}
	if err := describeOptions(w, c); err != nil || len(s.History) == 0 {
		return err
	}
	fmt.Fprintf(w, "\nversion history\n")
	for _, h := range s.History {
		fmt.Fprintf(w, "  %s\n", strings.ReplaceAll(wrap(h, 86), "\n", "\n    "))
	}
	return nil
}

func describeFields(w io.Writer, title string, fields []env.Field) error {
	t := newTable(w, title, "column", "name", "range", "unit", "meaning")
	at := 0
	for _, f := range fields {
		column := fmt.Sprint(at)
		if f.Len > 1 {
			column = fmt.Sprintf("%d-%d", at, at+f.Len-1)
		}
		bounds := fmt.Sprintf("%s to %s", number32(f.Lo), number32(f.Hi))
		if f.Choices > 0 {
			bounds = fmt.Sprintf("one of 0-%d", f.Choices-1)
		}
		t.row(column, f.Name, bounds, f.Unit, f.Doc)
		at += f.Len
	}
	return t.flush()
}

func describeLevels(w io.Writer, s *env.Spec) error {
	if len(s.Params) == 0 {
		return nil
	}
	t := newTable(w, "level parameters", "name", "range", "default", "unit", "meaning")
	for _, p := range s.Params {
		t.row(p.Name, fmt.Sprintf("%s to %s", number32(p.Lo), number32(p.Hi)), drawnFrom(p.Default), p.Unit, p.Doc)
	}
	if err := t.flush(); err != nil || len(s.Presets) == 0 {
		return err
	}
	t = newTable(w, "presets", "name", "meaning", "parameters")
	for _, p := range s.Presets {
		var set []string
		for _, name := range slices.Sorted(maps.Keys(p.Params)) {
			set = append(set, name+" "+drawnFrom(p.Params[name]))
		}
		t.row(p.Name, p.Doc, strings.Join(set, ", "))
	}
	return t.flush()
}

// drawnFrom prints a range, or the number if it is just one.
func drawnFrom(r env.Range) string {
	if r[0] == r[1] {
		return number32(r[0])
	}
	return fmt.Sprintf("%s to %s", number32(r[0]), number32(r[1]))
}

func number32(v float32) string {
	if math.IsInf(float64(v), 0) {
		return map[bool]string{true: "inf", false: "-inf"}[v > 0]
	}
	return fmt.Sprintf("%.7g", v)
}

// A table is an aligned table with a title and underlined heads.
type table struct{ t *tabwriter.Writer }

func newTable(w io.Writer, title string, heads ...string) table {
	fmt.Fprintf(w, "\n%s\n", title)
	t := table{tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)}
	t.row(heads...)
	for i := range heads {
		heads[i] = strings.Repeat("-", len(heads[i]))
	}
	t.row(heads...)
	return t
}

func (t table) row(cells ...string) {
	fmt.Fprintln(t.t, "  "+strings.Join(cells, "\t"))
}

func (t table) flush() error { return t.t.Flush() }

// wrap breaks s into lines of at most width characters, where words allow.
func wrap(s string, width int) string {
	var b strings.Builder
	at := 0
	for _, word := range strings.Fields(s) {
		switch {
		case at == 0:
		case at+1+len(word) > width:
			b.WriteByte('\n')
			at = 0
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}
