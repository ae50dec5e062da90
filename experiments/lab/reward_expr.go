package lab

import (
	"slices"
	"strings"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

// The reward of an experiment may be written in short:
//
//	reward: "2*progress - 0.1*energy"      an expression of package rewards/program
//	reward: task                           a registered reward with its default options
//	reward: ["2*progress", {name: task}]   several, in either form
//	reward: {module: example.com/me/smooth@v0.3.0, name: smooth}   one term
//	reward: {speed: "2*progress", thrift: "-0.1*energy"}   named terms
//
// expandReward writes it out.
func expandReward(t *tree) {
	r := t.get("reward")
	if r == nil {
		return
	}
	full := &tree{kind: list, place: r.place}
	switch {
	case r.kind == list:
		for _, item := range r.items {
			full.items = append(full.items, expandTerm(item, ""))
		}
	case r.kind == mapping && r.get("name") == nil:
		for i, key := range r.keys {
			full.items = append(full.items, expandTerm(r.items[i], key))
		}
	case r.kind == mapping:
		full.items = []*tree{r}
	case r.kind == scalar && isText(r):
		full.items = append(full.items, expandTerm(r, ""))
	default:
		return
	}
	t.put("reward", full)
}

func isText(t *tree) bool {
	_, ok := t.scalar.(string)
	return ok
}

// expandTerm writes a text out as a term of the reward. Other values stay.
func expandTerm(t *tree, as string) *tree {
	if t.kind != scalar || !isText(t) {
		return t
	}
	text := t.scalar.(string)
	term := &tree{kind: mapping, place: t.place}
	set := func(m *tree, key, value string) {
		m.put(key, &tree{scalar: value, quoted: true, place: t.place})
	}
	if as != "" {
		set(term, "as", as)
	}
	if slices.Contains(rewards.Names(), text) {
		set(term, "name", text)
		return term
	}
	set(term, "name", "program")
	options := &tree{kind: mapping, place: t.place}
	set(options, "expr", text)
	term.put("options", options)
	return term
}

// isExpression reports whether the name of a reward on the command line is an expression: it has
// what names of modules and files do not have, or is a fact.
func isExpression(name string, s *env.Spec) bool {
	if _, err := env.Column(s.Facts, name); err == nil {
		return true
	}
	return strings.ContainsAny(name, " ?*+()<>=[]") && !strings.HasPrefix(name, "exec:")
}
