package program

import (
	"math"

	"github.com/expr-lang/expr/ast"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// maxObjects is the number of objects that a program can go over at once.
const maxObjects = 1000

// each lowers each(box, 2): a vector in parts of so many columns.
func (l *lowering) each(n *ast.CallNode) value {
	v := l.visit(n.Arguments[0])
	if v.kind != vector {
		l.fail(n.Arguments[0], "each wants a vector, this is %s", v.kind)
	}
	w, ok := l.whole(n.Arguments[1])
	if !ok || w < 2 || w > len(v.regs) || len(v.regs)%w != 0 {
		l.fail(n.Arguments[1], "want a number of columns above 1 that divides the %d of %s", len(v.regs), n.Arguments[0])
	}
	out := value{kind: objects}
	for at := 0; at < len(v.regs); at += w {
		out.items = append(out.items, value{kind: vector, regs: v.regs[at : at+w]})
	}
	return out
}

// whole returns the whole number that a node is known to be.
func (l *lowering) whole(n ast.Node) (k int, ok bool) {
	in := l.code[l.want(number, n)]
	x := math.Float32frombits(in.imm)
	return int(x), in.op == opNumber && x == geom.Floor(x) && geom.Abs(x) < 1<<20
}

// span lowers 0..3, the whole numbers from the one to the other.
func (l *lowering) span(n *ast.BinaryNode) value {
	lo, ok1 := l.whole(n.Left)
	hi, ok2 := l.whole(n.Right)
	if !ok1 || !ok2 || lo > hi || hi-lo >= maxObjects {
		l.fail(n, "want two whole numbers, the second not below the first and at most %d above it", maxObjects-1)
	}
	out := value{kind: objects}
	for k := lo; k <= hi; k++ {
		out.items = append(out.items, value{regs: []int32{l.number(float32(k))}})
	}
	return out
}

// items returns what a loop goes over.
func (l *lowering) items(n ast.Node) []value {
	v := l.visit(n)
	switch v.kind {
	case objects:
		return v.items
	case vector:
		out := make([]value, len(v.regs))
		for i := range out {
			out[i] = value{regs: v.regs[i : i+1]}
		}
		return out
	}
	l.fail(n, "want a vector, each(box, 2) or 0..1 to go over, this is %s", v.kind)
	panic("unreachable")
}

// loop lowers sum, map, count, any, all, none and one: it writes the body out for each object, which
// is # there.
func (l *lowering) loop(n *ast.BuiltinNode) value {
	want, known := map[string]valueKind{"sum": number, "map": number, "count": truth, "any": truth, "all": truth, "none": truth, "one": truth}[n.Name]
	if !known {
		l.fail(n, "%s is no function", n.Name)
	}
	if len(n.Arguments) == 1 { // sum(rays) or count(rays)
		v := l.visit(n.Arguments[0])
		if n.Name != "sum" || v.kind != vector {
			l.fail(n, "%s of %s wants to know what of each: %s(rays, # > 1)", n.Name, v.kind, n.Name)
		}
		return value{regs: []int32{l.fold(opAdd, v.regs)}}
	}
	var xs []int32
	for _, item := range l.items(n.Arguments[0]) {
		l.pointed = append(l.pointed, item)
		xs = append(xs, l.want(want, n.Arguments[1]))
		l.pointed = l.pointed[:len(l.pointed)-1]
	}
	switch n.Name {
	case "map":
		return value{kind: vector, regs: xs}
	case "sum":
		return value{regs: []int32{l.fold(opAdd, xs)}}
	case "any":
		return value{kind: truth, regs: []int32{l.fold(opOr, xs)}}
	case "all":
		return value{kind: truth, regs: []int32{l.fold(opAnd, xs)}}
	case "none":
		return value{kind: truth, regs: []int32{l.emit(opNot, l.fold(opOr, xs))}}
	}
	for i, x := range xs {
		xs[i] = l.emit(opSelect, x, l.number(1), l.number(0))
	}
	count := l.fold(opAdd, xs)
	if n.Name == "one" {
		return value{kind: truth, regs: []int32{l.emit(opEqual, count, l.number(1))}}
	}
	return value{regs: []int32{count}}
}

// pointer lowers #, the object that the innermost loop is at.
func (l *lowering) pointer(n *ast.PointerNode) value {
	if n.Name != "" || len(l.pointed) == 0 {
		l.fail(n, "want # alone, within a loop such as sum(rays, #^2)")
	}
	return l.pointed[len(l.pointed)-1]
}
