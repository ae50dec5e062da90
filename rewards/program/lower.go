package program

import (
	"fmt"
	"math"
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

const pi = float32(math.Pi)

// An op is an operation on columns of numbers. Truths are 1 and 0.
type op uint8

const (
	opNumber op = iota // imm
	opLoad             // column col of what src says
	opEnded            // 1 if the row ended in the way of col
	opCell             // memory col of the row
	opAdd
	opSub
	opMul
	opDiv
	opNeg
	opAbs
	opMin
	opMax
	opSqrt
	opExp
	opLog
	opTanh
	opSin
	opCos
	opAtan2
	opFloor
	opLess
	opEqual
	opAnd
	opOr
	opNot
	opSelect // a ? b : c
)

// A source of columns; the order is that of the bindings of shaders.
type source uint8

const (
	fromObs source = iota
	fromAct
	fromNext
	fromFacts
)

// An ins computes a column of those of the instructions args.
type ins struct {
	op   op
	src  source
	col  int32
	args [3]int32 // -1 for none
	imm  uint32   // bits of the number
}

type valueKind uint8

const (
	number valueKind = iota
	truth
	vector
	group   // obs, next or act
	objects // of a loop
)

func (k valueKind) String() string {
	return [...]string{"a number", "true or false", "a vector", "a group of fields", "objects"}[k]
}

// A value is what an expression is lowered to: instructions, one or, of a vector, several.
type value struct {
	kind valueKind
	regs []int32
	of   string // name of a group

	items []value // of objects
}

func (v value) at(i int) int32 { return v.regs[i] }

// maxCode is the number of instructions at most.
const maxCode = 4096

// lowering turns a syntax tree into instructions in which every operand comes before its use and
// no two are alike.
type lowering struct {
	spec    *env.Spec
	source  string
	code    []ins
	index   map[ins]int32
	at      []ast.Node // where each instruction comes from, for errors
	node    ast.Node   // being lowered
	vars    map[string]value
	pointed []value           // what # is, in loops within loops
	keep    []int32           // of each memory: the instruction whose value it keeps for the next step
	cells   map[cellKey]int32 // memories
	unused  []*Error
}

// An abort is the panic that ends lowering with an error.
type abort struct{ err error }

func (l *lowering) fail(n ast.Node, format string, args ...any) {
	panic(abort{placedAt(l.source, n.Location().From, fmt.Sprintf(format, args...))})
}

// lower returns the instructions of a program; the last one is its value, which has to be of the kind
// that is wanted.
func lower(text string, root ast.Node, s *env.Spec, want valueKind) (l *lowering, err error) {
	l = &lowering{spec: s, source: text, index: map[ins]int32{}, vars: map[string]value{}, cells: map[cellKey]int32{}}
	defer func() {
		if r := recover(); r != nil {
			a, ok := r.(abort)
			if !ok {
				panic(r)
			}
			err = a.err
		}
	}()
	v := l.visit(root)
	if v.kind != want {
		what := map[valueKind]string{number: "a reward", truth: "a condition"}[want]
		l.fail(root, "%s is %s, this is %s", what, want, v.kind)
	}
	l.prune(v.at(0))
	return l, nil
}

// emit returns the instruction for an operation, which may be there already or be known.
func (l *lowering) emit(o op, args ...int32) int32 {
	i := ins{op: o, args: [3]int32{-1, -1, -1}}
	known := true
	var x [3]float32
	for k, a := range args {
		i.args[k] = a
		known = known && l.code[a].op == opNumber
		x[k] = math.Float32frombits(l.code[a].imm)
	}
	if known {
		y := apply(o, x[0], x[1], x[2])
		if !geom.Finite(y) {
			l.fail(l.node, "this is %v, whatever happens", y)
		}
		return l.number(y)
	}
	switch is := func(k int, v float32) bool { return l.code[args[k]] == constant(v) }; {
	case o == opMul && is(0, 1):
		return args[1]
	case (o == opMul || o == opDiv) && is(1, 1):
		return args[0]
	}
	return l.add(i)
}

func constant(v float32) ins {
	return ins{op: opNumber, args: [3]int32{-1, -1, -1}, imm: math.Float32bits(v)}
}

func (l *lowering) number(v float32) int32 { return l.add(constant(v)) }

func (l *lowering) add(i ins) int32 {
	if at, ok := l.index[i]; ok {
		return at
	}
	if len(l.code) >= maxCode {
		l.fail(l.node, "the program needs more than %d operations", maxCode)
	}
	at := int32(len(l.code))
	l.code, l.at = append(l.code, i), append(l.at, l.node)
	l.index[i] = at
	return at
}

// fold joins numbers from the left.
func (l *lowering) fold(o op, xs []int32) int32 {
	out := xs[0]
	for _, x := range xs[1:] {
		out = l.emit(o, out, x)
	}
	return out
}

// prune drops instructions that neither the root needs nor a memory that is read, and makes the root
// the last.
func (l *lowering) prune(root int32) {
	need := make([]bool, len(l.code))
	var mark func(int32)
	mark = func(i int32) {
		if need[i] {
			return
		}
		need[i] = true
		for _, a := range l.code[i].args {
			if a >= 0 {
				mark(a)
			}
		}
		if l.code[i].op == opCell {
			mark(l.keep[l.code[i].col])
		}
	}
	mark(root)
	if slices.Contains(need[root+1:], true) { // a memory needs more: the root has to come after it
		one := l.number(1)
		root = l.add(ins{op: opSelect, args: [3]int32{one, root, root}})
		need = append(need, make([]bool, len(l.code)-len(need))...)
		mark(root)
	}
	to, n := make([]int32, len(l.code)), int32(0)
	for i := range root + 1 {
		if !need[i] {
			continue
		}
		in := l.code[i]
		for k, a := range in.args {
			if a >= 0 {
				in.args[k] = to[a]
			}
		}
		l.code[n], l.at[n], to[i] = in, l.at[i], n
		n++
	}
	l.code, l.at, l.index = l.code[:n], l.at[:n], nil
	l.renumber(to)
}

// renumber drops the memories that nobody reads.
func (l *lowering) renumber(to []int32) {
	place := map[int32]int32{}
	var kept []int32
	for i := range l.code {
		in := &l.code[i]
		if in.op != opCell {
			continue
		}
		if _, ok := place[in.col]; !ok {
			place[in.col] = int32(len(kept))
			kept = append(kept, to[l.keep[in.col]])
		}
		in.col = place[in.col]
	}
	l.keep = kept
}

// visit lowers a node.
func (l *lowering) visit(n ast.Node) value {
	before := l.node
	l.node = n
	defer func() { l.node = before }()
	switch n := n.(type) {
	case *ast.IntegerNode:
		return l.literal(n, float64(n.Value))
	case *ast.FloatNode:
		return l.literal(n, n.Value)
	case *ast.BoolNode:
		v := float32(0)
		if n.Value {
			v = 1
		}
		return value{kind: truth, regs: []int32{l.number(v)}}
	case *ast.IdentifierNode:
		return l.name(n)
	case *ast.MemberNode:
		return l.member(n)
	case *ast.UnaryNode:
		return l.unary(n)
	case *ast.BinaryNode:
		return l.binary(n)
	case *ast.ConditionalNode:
		return l.conditional(n)
	case *ast.CallNode:
		return l.call(n)
	case *ast.VariableDeclaratorNode:
		return l.declare(n)
	case *ast.BuiltinNode:
		return l.loop(n)
	case *ast.PredicateNode:
		return l.visit(n.Node)
	case *ast.PointerNode:
		return l.pointer(n)
	}
	l.fail(n, "programs have no such thing as %s", n)
	panic("unreachable")
}

func (l *lowering) literal(n ast.Node, x float64) value {
	v := float32(x)
	if !geom.Finite(v) {
		l.fail(n, "the number %v does not fit a float32", x)
	}
	return value{regs: []int32{l.number(v)}}
}

// want lowers a node that has to be of a kind, and returns its one instruction.
func (l *lowering) want(k valueKind, n ast.Node) int32 {
	v := l.visit(n)
	if v.kind != k {
		l.fail(n, "want %s, have %s", k, v.kind)
	}
	return v.at(0)
}

func (l *lowering) name(n *ast.IdentifierNode) value {
	if v, ok := l.vars[n.Value]; ok {
		return v
	}
	if x, ok := constants(l.spec)[n.Value]; ok {
		return value{regs: []int32{l.number(x)}}
	}
	switch n.Value {
	case "obs", "next", "act":
		return value{kind: group, of: n.Value}
	case "terminated":
		return l.ended(env.Terminated)
	case "truncated":
		return l.ended(env.Truncated)
	}
	return l.field(n, fromFacts, l.spec.Facts, n.Value)
}

func (l *lowering) ended(e env.End) value {
	return value{kind: truth, regs: []int32{l.add(ins{op: opEnded, col: int32(e), args: [3]int32{-1, -1, -1}})}}
}

// field returns the columns of a field.
func (l *lowering) field(n ast.Node, src source, fs []env.Field, name string) value {
	col, err := env.Column(fs, name)
	if err != nil {
		l.fail(n, "%v", err)
	}
	v := value{}
	for _, f := range fs {
		if f.Name != name {
			continue
		}
		if f.Len > 1 {
			v.kind = vector
		}
		for i := range f.Len {
			v.regs = append(v.regs, l.add(ins{op: opLoad, src: src, col: int32(col + i), args: [3]int32{-1, -1, -1}}))
		}
	}
	return v
}

// member lowers obs.vx and rays[3].
func (l *lowering) member(n *ast.MemberNode) value {
	of := l.visit(n.Node)
	switch p := n.Property.(type) {
	case *ast.StringNode:
		switch of.of {
		case "obs":
			return l.field(n, fromObs, l.spec.Obs, p.Value)
		case "next":
			return l.field(n, fromNext, l.spec.Obs, p.Value)
		case "act":
			return l.field(n, fromAct, l.spec.Act, p.Value)
		}
	default:
		if of.kind != vector && of.kind != objects {
			break
		}
		what, many := "column", len(of.regs)
		if of.kind == objects {
			what, many = "object", len(of.items)
		}
		k, ok := l.whole(n.Property)
		if !ok {
			l.fail(p, "want the number of a %s that is known beforehand", what)
		}
		if k < 0 || k >= many {
			l.fail(p, "%s %d of %s, which has %ss 0 to %d", what, k, n.Node, what, many-1)
		}
		if of.kind == objects {
			return of.items[k]
		}
		return value{regs: of.regs[k : k+1]}
	}
	l.fail(n, "want a field of obs, next or act by its name, or a column of a vector by its number")
	panic("unreachable")
}

func (l *lowering) unary(n *ast.UnaryNode) value {
	switch n.Operator {
	case "-":
		return value{regs: []int32{l.emit(opNeg, l.want(number, n.Node))}}
	case "+":
		return value{regs: []int32{l.want(number, n.Node)}}
	case "!", "not":
		return value{kind: truth, regs: []int32{l.emit(opNot, l.want(truth, n.Node))}}
	}
	l.fail(n, "programs have no operator %s", n.Operator)
	panic("unreachable")
}

var arithmetic = map[string]op{"+": opAdd, "-": opSub, "*": opMul, "/": opDiv}

func (l *lowering) binary(n *ast.BinaryNode) value {
	if n.Operator == ".." {
		return l.span(n)
	}
	if o, ok := arithmetic[n.Operator]; ok {
		a, b := l.want(number, n.Left), l.want(number, n.Right)
		return value{regs: []int32{l.emit(o, a, b)}}
	}
	var r int32
	switch n.Operator {
	case "^", "**":
		return value{regs: []int32{l.power(n)}}
	case "<":
		r = l.emit(opLess, l.want(number, n.Left), l.want(number, n.Right))
	case ">":
		a, b := l.want(number, n.Left), l.want(number, n.Right)
		r = l.emit(opLess, b, a)
	case "<=": // false where they do not compare, as in <
		a, b := l.want(number, n.Left), l.want(number, n.Right)
		r = l.emit(opOr, l.emit(opLess, a, b), l.emit(opEqual, a, b))
	case ">=":
		a, b := l.want(number, n.Left), l.want(number, n.Right)
		r = l.emit(opOr, l.emit(opLess, b, a), l.emit(opEqual, a, b))
	case "==", "!=":
		a, b := l.visit(n.Left), l.visit(n.Right)
		if a.kind != b.kind || a.kind > truth {
			l.fail(n, "%s cannot be compared with %s", a.kind, b.kind)
		}
		if r = l.emit(opEqual, a.at(0), b.at(0)); n.Operator == "!=" {
			r = l.emit(opNot, r)
		}
	case "and", "&&":
		r = l.emit(opAnd, l.want(truth, n.Left), l.want(truth, n.Right))
	case "or", "||":
		r = l.emit(opOr, l.want(truth, n.Left), l.want(truth, n.Right))
	default:
		l.fail(n, "programs have no operator %s", n.Operator)
	}
	return value{kind: truth, regs: []int32{r}}
}

// power multiplies, by squaring.
func (l *lowering) power(n *ast.BinaryNode) int32 {
	x, exponent := l.want(number, n.Left), l.code[l.want(number, n.Right)]
	k := math.Float32frombits(exponent.imm)
	if exponent.op != opNumber || k != geom.Floor(k) || geom.Abs(k) > 16 {
		l.fail(n.Right, "want a whole number from -16 to 16; sqrt and exp(y*log(x)) give other powers")
	}
	out, square := l.number(1), x
	for m := int(geom.Abs(k)); m > 0; m /= 2 {
		if m%2 == 1 {
			out = l.emit(opMul, out, square)
		}
		if m > 1 {
			square = l.emit(opMul, square, square)
		}
	}
	if k < 0 {
		return l.emit(opDiv, l.number(1), out)
	}
	return out
}

func (l *lowering) conditional(n *ast.ConditionalNode) value {
	c, a, b := l.want(truth, n.Cond), l.visit(n.Exp1), l.visit(n.Exp2)
	if a.kind != b.kind || a.kind > truth {
		l.fail(n, "one side is %s, the other %s", a.kind, b.kind)
	}
	if known := l.code[c]; known.op == opNumber {
		if known == constant(1) {
			return a
		}
		return b
	}
	return value{kind: a.kind, regs: []int32{l.emit(opSelect, c, a.at(0), b.at(0))}}
}

func (l *lowering) call(n *ast.CallNode) value {
	id, ok := n.Callee.(*ast.IdentifierNode)
	if name := nameOf(id, ok); name == "prev" || name == "first" {
		return l.remember(n, name)
	} else if name == "each" {
		return l.each(n)
	}
	f, known := functions[nameOf(id, ok)]
	if !known {
		l.fail(n, "%s is no function", n.Callee)
	}
	args := make([]value, len(n.Arguments))
	for i, a := range n.Arguments {
		args[i] = l.visit(a)
		if args[i].kind != number && args[i].kind != vector || args[i].kind != args[0].kind {
			l.fail(a, "%s wants numbers or vectors, this is %s", id.Value, args[i].kind)
		}
		if args[0].kind == vector && len(args[i].regs) != len(args[0].regs) {
			l.fail(a, "a vector of %d, and one of %d before it", len(args[i].regs), len(args[0].regs))
		}
	}
	return value{regs: []int32{f.lower(l, args)}}
}

func nameOf(id *ast.IdentifierNode, ok bool) string {
	if !ok {
		return ""
	}
	return id.Value
}

func (l *lowering) declare(n *ast.VariableDeclaratorNode) value {
	v := l.visit(n.Value)
	if !mentions(n.Expr, n.Name) {
		l.unused = append(l.unused, placedAt(l.source, n.Location().From, fmt.Sprintf("%s is not used", n.Name)))
	}
	old, had := l.vars[n.Name]
	l.vars[n.Name] = v
	out := l.visit(n.Expr)
	if delete(l.vars, n.Name); had {
		l.vars[n.Name] = old
	}
	return out
}

// mentions tells whether a name stands in a tree.
func mentions(n ast.Node, name string) bool {
	m := mention{name: name}
	ast.Walk(&n, &m)
	return m.found
}

type mention struct {
	name  string
	found bool
}

// Visit looks at a node.
func (m *mention) Visit(n *ast.Node) {
	if id, ok := (*n).(*ast.IdentifierNode); ok && id.Value == m.name {
		m.found = true
	}
}
