package spec

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// An op is what a formula is made by.
type op uint8

const (
	opTrue op = iota
	opFalse
	opAtom
	opNot // of an atom only: formulas are kept in negation normal form
	opAnd
	opOr
	opNext
	opUntil   // left until right, and right does come
	opRelease // right holds up to and including where left does, or for ever
)

// A Formula of linear temporal logic (Pnueli, "The temporal logic of programs", 1977), in negation
// normal form. Formulas are immutable.
type Formula struct {
	op   op
	atom string
	args []*Formula
	text string // canonical: equal texts are equal formulas
}

var (
	yes = &Formula{op: opTrue, text: "true"}
	no  = &Formula{op: opFalse, text: "false"}
)

// String returns the formula in canonical form.
func (f *Formula) String() string { return f.text }

func atomOf(name string) *Formula { return &Formula{op: opAtom, atom: name, text: name} }

// not pushes a negation down to the atoms.
func not(f *Formula) *Formula {
	flip := func() (out []*Formula) {
		for _, a := range f.args {
			out = append(out, not(a))
		}
		return out
	}
	switch f.op {
	case opTrue:
		return no
	case opFalse:
		return yes
	case opAtom:
		return &Formula{op: opNot, atom: f.atom, text: "!" + f.atom}
	case opNot:
		return atomOf(f.atom)
	case opAnd:
		return join(opOr, flip())
	case opOr:
		return join(opAnd, flip())
	case opNext:
		return next(not(f.args[0]))
	case opUntil:
		return temporal(opRelease, not(f.args[0]), not(f.args[1]))
	}
	return temporal(opUntil, not(f.args[0]), not(f.args[1]))
}

func next(f *Formula) *Formula {
	if f.op == opTrue || f.op == opFalse {
		return f
	}
	return &Formula{op: opNext, args: []*Formula{f}, text: "X(" + f.text + ")"}
}

func temporal(o op, a, b *Formula) *Formula {
	if b.op == opTrue || b.op == opFalse {
		return b // p U true, p R true; p U false never comes, p R false fails at once
	}
	sign := map[op]string{opUntil: " U ", opRelease: " R "}[o]
	return &Formula{op: o, args: []*Formula{a, b}, text: "(" + a.text + sign + b.text + ")"}
}

// join is the conjunction or disjunction of formulas, flattened, sorted, without what is implied by
// others or repeated, so that progress soon comes back to formulas it has seen.
func join(o op, fs []*Formula) *Formula {
	unit, zero, sign := yes, no, " & "
	if o == opOr {
		unit, zero, sign = no, yes, " | "
	}
	var flat []*Formula
	for _, f := range fs {
		switch {
		case f.op == o:
			flat = append(flat, f.args...)
		case f.op == zero.op:
			return zero
		case f.op != unit.op:
			flat = append(flat, f)
		}
	}
	sort.Slice(flat, func(i, j int) bool { return flat[i].text < flat[j].text })
	flat = slices.CompactFunc(flat, func(a, b *Formula) bool { return a.text == b.text })
	flat = absorb(o, flat)
	for _, f := range flat {
		if f.op == opAtom && slices.ContainsFunc(flat, func(g *Formula) bool { return g.op == opNot && g.atom == f.atom }) {
			return zero
		}
	}
	switch len(flat) {
	case 0:
		return unit
	case 1:
		return flat[0]
	}
	texts := make([]string, len(flat))
	for i, f := range flat {
		texts[i] = f.text
	}
	return &Formula{op: o, args: flat, text: "(" + strings.Join(texts, sign) + ")"}
}

// absorb drops what another argument makes needless: a & (a | b) is a, a | (a & b) is a.
func absorb(o op, fs []*Formula) (out []*Formula) {
	other := opOr
	if o == opOr {
		other = opAnd
	}
	parts := func(f *Formula) []*Formula {
		if f.op == other {
			return f.args
		}
		return []*Formula{f}
	}
	for i, f := range fs {
		needless := false
		for j, g := range fs {
			if i == j || len(parts(g)) >= len(parts(f)) {
				continue
			}
			all := true
			for _, p := range parts(g) {
				all = all && slices.ContainsFunc(parts(f), func(q *Formula) bool { return q.text == p.text })
			}
			needless = needless || all
		}
		if !needless {
			out = append(out, f)
		}
	}
	return out
}

// progress returns what has to hold of the future, given what holds now (Bacchus and Kabanza,
// "Planning for temporally extended goals", 1998, figure 1).
func (f *Formula) progress(holds func(atom string) bool) *Formula {
	switch f.op {
	case opAtom, opNot:
		if holds(f.atom) == (f.op == opAtom) {
			return yes
		}
		return no
	case opAnd, opOr:
		out := make([]*Formula, len(f.args))
		for i, a := range f.args {
			out[i] = a.progress(holds)
		}
		return join(f.op, out)
	case opNext:
		return f.args[0]
	case opUntil: // b, or a and again
		a := join(opAnd, []*Formula{f.args[0].progress(holds), f})
		return join(opOr, []*Formula{f.args[1].progress(holds), a})
	case opRelease: // b, and a or again
		a := join(opOr, []*Formula{f.args[0].progress(holds), f})
		return join(opAnd, []*Formula{f.args[1].progress(holds), a})
	}
	return f
}

// Atoms returns the names in f, sorted.
func (f *Formula) Atoms() []string {
	var names []string
	var walk func(*Formula)
	walk = func(g *Formula) {
		if g.atom != "" {
			names = append(names, g.atom)
		}
		for _, a := range g.args {
			walk(a)
		}
	}
	walk(f)
	sort.Strings(names)
	return slices.Compact(names)
}

// has reports whether a formula of the given kind is in f.
func (f *Formula) has(o op) bool {
	return f.op == o || slices.ContainsFunc(f.args, func(a *Formula) bool { return a.has(o) })
}

// nested reports whether an until stands below a release, or the other way round: then finite time
// never decides it, as "again and again".
func (f *Formula) nested() bool {
	below := func(o op) bool {
		return slices.ContainsFunc(f.args, func(a *Formula) bool { return a.has(o) })
	}
	if f.op == opRelease && below(opUntil) || f.op == opUntil && below(opRelease) {
		return true
	}
	return slices.ContainsFunc(f.args, (*Formula).nested)
}

// recurring splits f into what has to come again and again, from conjuncts G F p with a p of
// atoms alone, and the rest.
func (f *Formula) recurring() (again []*Formula, rest *Formula) {
	parts := []*Formula{f}
	if f.op == opAnd {
		parts = f.args
	}
	var others []*Formula
	for _, p := range parts {
		if p.op == opRelease && p.args[0].op == opFalse {
			if g := p.args[1]; g.op == opUntil && g.args[0].op == opTrue && !g.args[1].timed() {
				again = append(again, g.args[1])
				continue
			}
		}
		others = append(others, p)
	}
	return again, join(opAnd, others)
}

// settled reports whether what is left of a formula is fulfilled if it comes back to this for
// ever: what has not come will not come, what has not failed will not fail. What is due in the next
// steps alone was left over by one or the other, and counts as that: as the argument says, unless
// there is an until beside it in a disjunction, or a release in a conjunction.
func (f *Formula) settled(due bool) bool {
	switch until, release := f.has(opUntil), f.has(opRelease); {
	case f.op == opTrue || f.op == opFalse:
		return f.op == opTrue
	case !until && !release:
		return due
	case !until || !release:
		return release
	}
	for _, a := range f.args {
		if f.op == opNext {
			return a.settled(due)
		}
		if a.settled(f.op == opAnd) == (f.op == opOr) {
			return f.op == opOr
		}
	}
	return f.op == opAnd
}

func (f *Formula) timed() bool { return f.has(opNext) || f.has(opUntil) || f.has(opRelease) }

// value of a formula without time.
func (f *Formula) value(holds func(string) bool) bool { return f.progress(holds).op == opTrue }

func errorAt(text string, at int, format string, args ...any) error {
	return fmt.Errorf("formula %q, column %d: %s", text, at+1, fmt.Sprintf(format, args...))
}
