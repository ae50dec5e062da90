package program

import (
	"fmt"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { rewards.Register("program", func() rewards.Config { return &Config{} }) }

// Config is the reward "program".
type Config struct {
	Expr string `json:"expr" doc:"the expression, such as 2*progress - 0.1*energy"`
}

// Doc says what the reward is, and lists the functions of the language.
func (*Config) Doc() string {
	var b strings.Builder
	b.WriteString("An expression over facts and observations, such as 2*progress - 0.1*norm(obs.velocity). " +
		"In experiments: reward: \"2*progress\". Names: facts; obs.NAME, next.NAME, act.NAME; rays[3] for a column; terminated, truncated; pi, dt. " +
		"Operators: + - * / ^ < <= > >= == != and or not, x ? a : b, let v = x; ... Functions: ")
	for i, f := range Functions() {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%s: %s", f.Call, f.Doc)
	}
	return b.String() + "."
}

// Paper names the source of the idea.
func (*Config) Paper() string { return "Xie et al. 2024 (Text2Reward)" }

// Build compiles the expression for an environment.
func (c *Config) Build(s *env.Spec) (rewards.Func, error) {
	f, err := Open(c.Expr, s)
	if err != nil {
		return nil, fmt.Errorf("expr: %w", err)
	}
	return f, nil
}

// A Func is a compiled program. It is not safe for concurrent use.
type Func struct {
	spec     *env.Spec
	source   string
	code     []ins
	places   []int // of each instruction: where in the source it comes from
	widths   [4]int
	keep     []int32 // instructions whose values the next step remembers
	keepCols []int32 // their columns
	unused   []*Error
	steps    []step
	cols     [][]float32
}

var _ rewards.Twin = (*Func)(nil)

// Compile makes a reward of an expression that looks at single steps; see Open for others. Errors about a place of it are of type *Error.
func Compile(source string, s *env.Spec) (*Func, error) {
	return forgetful(compile(source, s, number))
}

// Condition is Compile of an expression that is true or false: its Score writes 1 or 0.
func Condition(source string, s *env.Spec) (*Func, error) {
	return forgetful(compile(source, s, truth))
}

func compile(source string, s *env.Spec, want valueKind) (*Func, error) {
	if strings.TrimSpace(source) == "" {
		if want == truth {
			return nil, fmt.Errorf("the condition is empty: want an expression, such as %s > 0", example(s))
		}
		return nil, fmt.Errorf("the program is empty: want an expression, such as 2*%s", example(s))
	}
	if err := reserved(s); err != nil {
		return nil, err
	}
	tree, err := parse(source, s)
	if err != nil {
		return nil, err
	}
	l, err := lower(source, tree, s, want)
	if err != nil {
		return nil, err
	}
	f := &Func{spec: s, source: source, code: l.code, keep: l.keep, unused: l.unused, widths: [4]int{
		fromObs: env.Width(s.Obs), fromAct: env.Width(s.Act), fromNext: env.Width(s.Obs), fromFacts: env.Width(s.Facts),
	}}
	for _, n := range l.at {
		f.places = append(f.places, n.Location().From)
	}
	f.assign()
	return f, nil
}

// forgetful refuses programs that remember.
func forgetful(f *Func, err error) (*Func, error) {
	if err == nil && len(f.keep) > 0 {
		for i, in := range f.code {
			if in.op == opCell {
				return nil, placedAt(f.source, f.places[i], "what remembers earlier steps is for the reward program only")
			}
		}
	}
	return f, err
}

func example(s *env.Spec) string {
	if len(s.Facts) > 0 {
		return s.Facts[0].Name
	}
	return "obs." + s.Obs[0].Name
}

// Ops returns the number of operations a row, those that fetch columns included.
func (f *Func) Ops() int { return len(f.steps) }
