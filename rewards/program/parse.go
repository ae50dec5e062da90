package program

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/registry"
)

// An Error is about a place of a program.
type Error struct {
	Line, Column int // from 1
	Text         string
	Source       string
}

// Error says what is wrong where.
func (e *Error) Error() string {
	if strings.Contains(e.Source, "\n") {
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
	}
	return fmt.Sprintf("column %d of %q: %s", e.Column, e.Source, e.Text)
}

const (
	maxSource = 16 << 10 // bytes
	maxNodes  = 4000     // of the syntax tree
)

// parse returns the checked syntax tree.
func parse(source string, s *env.Spec) (ast.Node, error) {
	if len(source) > maxSource {
		return nil, fmt.Errorf("a program of %d bytes: the limit is %d", len(source), maxSource)
	}
	c := conf.CreateNew()
	c.WithEnv(names(s))
	c.Strict, c.MaxNodes = true, maxNodes
	for name := range c.Builtins {
		c.Disabled[name] = true
	}
	clear(c.Builtins)
	c.Functions = builtins()
	tree, err := check(source, c)
	if err == nil {
		return tree, nil
	}
	var e *file.Error
	if !errors.As(err, &e) {
		return nil, fmt.Errorf("program: %w", err)
	}
	text := readable(e.Message)
	if name, ok := strings.CutPrefix(text, "unknown name "); ok {
		text = fmt.Sprintf("unknown name %q%s", name, registry.Suggest(name, known(s)))
	}
	return nil, &Error{max(e.Line, 1), e.Column + 1, text, source}
}

// check calls the checker, whose panics are errors of the program too.
func check(source string, c *conf.Config) (root ast.Node, err error) {
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("the checker gave up: %v", r)
		}
	}()
	tree, err := checker.ParseCheck(source, c)
	if err != nil {
		return nil, err
	}
	return tree.Node, nil
}

// readable says in the words of this language what the checker says in those of Go.
func readable(message string) string {
	return strings.NewReplacer(
		"unknown pointer ", "want # alone, not ", "array elements can only be selected using an integer", "want the number of a column",
		"invalid operation: .. (mismatched types", "the ends of .. are whole numbers (have",
		"mismatched types", "of", "float64", "number", "bool", "truth", "int", "number", "[]interface {}", "vector",
		"[][]interface {}", "objects", "map[string]interface {}", "group of fields", "type ", "", "mismatched", "",
		"takes only array (got", "goes over a vector, each(box, 2) or 0..1 (have", "builtin ", "", "predicate should return boolean", "want a condition",
		"cannot use pointer accessor outside predicate", "# is of loops, such as sum(rays, #^2)",
		"unexpected token EOF", "the expression ends too early: a bracket is not closed, or a value is missing",
	).Replace(message)
}

// names returns the types of all names.
func names(s *env.Spec) types.Map {
	group := func(fs []env.Field) types.Map {
		m := types.Map{}
		for _, f := range fs {
			m[f.Name] = types.Float64
			if f.Len > 1 {
				m[f.Name] = types.Array(types.Float64)
			}
		}
		return m
	}
	m := group(s.Facts)
	for name, fs := range map[string][]env.Field{"obs": s.Obs, "next": s.Obs, "act": s.Act} {
		m[name] = group(fs)
	}
	for _, name := range []string{"terminated", "truncated"} {
		m[name] = types.Bool
	}
	for name := range constants(s) {
		m[name] = types.Float64
	}
	return m
}

// constants are numbers with a name.
func constants(s *env.Spec) map[string]float32 { return map[string]float32{"pi": pi, "dt": s.Dt} }

// known lists names to suggest.
func known(s *env.Spec) (list []string) {
	for _, f := range s.Facts {
		list = append(list, f.Name)
	}
	for _, f := range s.Obs {
		list = append(list, "obs."+f.Name)
	}
	for _, f := range s.Act {
		list = append(list, "act."+f.Name)
	}
	return append(append(list, "terminated", "truncated", "pi", "dt"), functionNames...)
}

// reserved are names that facts cannot have in a program.
func reserved(s *env.Spec) error {
	for _, f := range s.Facts {
		if _, taken := constants(s)[f.Name]; taken || f.Name == "obs" || f.Name == "next" || f.Name == "act" {
			return fmt.Errorf("the fact %q of %s has a name that programs use otherwise", f.Name, s.ID)
		}
	}
	return nil
}
