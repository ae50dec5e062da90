package translate

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"math"
	"strconv"
	"strings"
)

// A place is where a value is kept: in a variable, whose name local is, or in memory.
type place struct {
	local  string
	region byte
	at     addr
	t      types.Type
}

func (f *fn) typeOf(e ast.Expr) types.Type {
	if id, ok := e.(*ast.Ident); ok {
		if o := f.l.info.ObjectOf(id); o != nil && o.Type() != nil {
			return o.Type()
		}
	}
	t := f.l.info.Types[e].Type
	if t == nil {
		f.where = e.Pos()
		f.fail("the type of %T is not known", e)
		return types.Typ[types.Int]
	}
	return t
}

func isPointer(t types.Type) bool { _, ok := t.Underlying().(*types.Pointer); return ok }

func elem(t types.Type) types.Type {
	switch b := t.Underlying().(type) {
	case *types.Pointer:
		return b.Elem()
	case *types.Slice:
		return b.Elem()
	case *types.Array:
		return b.Elem()
	}
	return types.Typ[types.Int]
}

// place returns where the value of e is. For values that are nowhere, as results of functions, it
// is an expression.
func (f *fn) place(e ast.Expr) place {
	f.where = e.Pos()
	t := f.typeOf(e)
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.place(e.X)
	case *ast.Ident:
		o := f.l.info.ObjectOf(e)
		if v, ok := o.(*types.Var); ok && v.Parent() == v.Pkg().Scope() {
			return place{local: f.global(o), t: t}
		}
		if f.inMemory[o] {
			return place{region: world, at: addr{off: f.frame(o)}, t: t}
		}
		return place{local: f.name(o), t: t}
	case *ast.StarExpr:
		return f.deref(e.X)
	case *ast.SelectorExpr:
		if sel := f.l.info.Selections[e]; sel != nil {
			p, _ := f.walk(e.X, sel.Index())
			return p
		}
		return place{local: f.global(f.l.info.Uses[e.Sel]), t: t}
	case *ast.IndexExpr:
		return f.element(e, t)
	}
	return place{local: "(" + f.expr(e) + ")", t: t}
}

// walk follows fields from x. It returns the last place and, as an aid for methods, whether it
// went nowhere.
func (f *fn) walk(x ast.Expr, path []int) (place, bool) {
	if len(path) == 0 {
		return f.place(x), true
	}
	t := f.typeOf(x)
	var p place
	if isPointer(t) {
		p = f.deref(x)
	} else {
		p = f.place(x)
	}
	for n, i := range path {
		if n > 0 && isPointer(p.t) {
			p = f.derefPlace(p)
		}
		s, ok := p.t.Underlying().(*types.Struct)
		if !ok {
			f.fail("%s is no struct", p.t)
			return p, false
		}
		v := s.Field(i)
		if p.local != "" {
			p = place{local: p.local + "." + field(v), t: v.Type()}
			continue
		}
		p = place{region: p.region, at: p.at.plus(offset(s, i)), t: v.Type()}
		// A header that never changes is the same for all worlds, and read where they share it.
		// Tasks may change theirs when an episode begins, the engine does not.
		if _, slice := v.Type().Underlying().(*types.Slice); slice && p.region == world && p.at.base == "" && !f.written[v] && (v.Pkg().Name() == "physics" || v.Pkg().Name() == "env") && !f.isFrame(p.at.off) {
			p.region = model
			p.at = p.at.plus(f.image)
		}
	}
	return p, false
}

// isFrame reports whether a fixed address belongs to a variable of a function.
func (f *fn) isFrame(off int) bool {
	for o, at := range f.frames {
		if off >= at && off < at+words(o.Type()) {
			return true
		}
	}
	return false
}

// deref returns what the pointer e points to.
func (f *fn) deref(e ast.Expr) place {
	t := f.typeOf(e)
	el := elem(t)
	if at, region, ok := f.singleton(el); ok {
		return place{region: region, at: addr{off: at}, t: el}
	}
	return place{region: f.regionOf(el), at: f.pointer(e), t: el}
}

func (f *fn) derefPlace(p place) place {
	el := elem(p.t)
	if at, region, ok := f.singleton(el); ok {
		return place{region: region, at: addr{off: at}, t: el}
	}
	return place{region: f.regionOf(el), at: addr{base: f.value(p)}, t: el}
}

// pointer returns the address that the pointer e holds.
func (f *fn) pointer(e ast.Expr) addr {
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.AND {
		p := f.place(u.X)
		if p.local != "" {
			f.fail("the address of a variable that is not in memory")
		}
		if p.region != f.regionOf(p.t) {
			f.fail("a pointer to %s leads to memory %c, want %c", p.t, p.region, f.regionOf(p.t))
		}
		return p.at
	}
	if c, ok := ast.Unparen(e).(*ast.CallExpr); ok && f.l.info.Types[c.Fun].IsType() { // (*[3]float32)(s)
		if _, slice := f.typeOf(c.Args[0]).Underlying().(*types.Slice); slice {
			return f.sliceAt(c.Args[0])
		}
		return f.pointer(c.Args[0])
	}
	return simple(f.expr(e))
}

// simple makes an address of an expression.
func simple(e string) addr {
	if n, err := strconv.Atoi(e); err == nil {
		return addr{off: n}
	}
	return addr{base: e}
}

// element returns the place of an element of an array or a slice.
func (f *fn) element(e *ast.IndexExpr, t types.Type) place {
	x := f.typeOf(e.X)
	index := f.expr(e.Index)
	if f.glslType(f.typeOf(e.Index)) == "uint" {
		index = "int(" + index + ")"
	}
	w := words(t)
	switch x.Underlying().(type) {
	case *types.Slice:
		return place{region: f.regionOf(t), at: f.sliceAt(e.X).add(times(index, w)), t: t}
	case *types.Pointer:
		p := f.deref(e.X)
		return place{region: p.region, at: p.at.add(times(index, w)), t: t}
	case *types.Array:
		p := f.place(e.X)
		if p.local != "" {
			return place{local: p.local + "[" + index + "]", t: t}
		}
		return place{region: p.region, at: p.at.add(times(index, w)), t: t}
	}
	f.fail("element of a %s", x)
	return place{local: "0", t: t}
}

func times(e string, n int) string {
	if k, err := strconv.Atoi(e); err == nil {
		return itoa(k * n)
	}
	if n == 1 {
		return "(" + e + ")"
	}
	return "(" + e + ") * " + itoa(n)
}

func (f *fn) intExpr(e ast.Expr) string {
	s := f.expr(e)
	if f.glslType(f.typeOf(e)) == "uint" {
		return "int(" + s + ")"
	}
	return s
}

// value reads a place.
func (f *fn) value(p place) string {
	if p.local != "" {
		return p.local
	}
	return f.load(p.t, p.region, p.at)
}

// literal returns a constant of type t.
func (f *fn) literal(v constant.Value, t types.Type) string {
	b, ok := t.Underlying().(*types.Basic)
	if !ok {
		f.fail("a constant of type %s", t)
		return "0"
	}
	switch {
	case b.Info()&types.IsBoolean != 0:
		return strconv.FormatBool(constant.BoolVal(v))
	case b.Info()&types.IsString != 0:
		return utoa(Hash(constant.StringVal(v)))
	case b.Info()&types.IsFloat != 0:
		x, _ := constant.Float32Val(constant.ToFloat(v))
		return float(x)
	case b.Info()&types.IsUnsigned != 0:
		n, _ := constant.Uint64Val(constant.ToInt(v))
		return utoa(uint32(n))
	}
	n, _ := constant.Int64Val(constant.ToInt(v))
	n = min(n, math.MaxInt32) // what a 64-bit number is compared with
	switch {
	case n == math.MinInt32:
		return "(-2147483647 - 1)"
	case n < 0:
		return "(" + strconv.FormatInt(n, 10) + ")"
	}
	return strconv.FormatInt(n, 10)
}

func float(x float32) string {
	if math.IsInf(float64(x), 0) || x != x {
		return "uintBitsToFloat(" + utoa(math.Float32bits(x)) + ")"
	}
	s := strconv.FormatFloat(float64(x), 'g', 9, 32)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	if x < 0 || math.Signbit(float64(x)) {
		return "(" + s + ")"
	}
	return s
}

// expr returns the value of e.
func (f *fn) expr(e ast.Expr) string {
	f.where = e.Pos()
	tv := f.l.info.Types[e]
	if tv.Value != nil {
		return f.literal(tv.Value, tv.Type)
	}
	switch e := e.(type) {
	case *ast.ParenExpr:
		return f.expr(e.X)
	case *ast.UnaryExpr:
		switch e.Op {
		case token.AND:
			return f.pointer(e).String()
		case token.SUB:
			return "(-" + f.expr(e.X) + ")"
		case token.NOT:
			return "!(" + f.expr(e.X) + ")"
		case token.XOR:
			return "(~" + f.expr(e.X) + ")"
		case token.ADD:
			return f.expr(e.X)
		}
	case *ast.BinaryExpr:
		return f.binary(e)
	case *ast.CallExpr:
		return f.call(e)
	case *ast.CompositeLit:
		return f.composite(e)
	case *ast.SliceExpr:
		at, n, c := f.sliced(e, 7)
		return "Slice(" + at.String() + ", " + n + ", " + c + ")"
	case *ast.Ident:
		if tv.IsNil() {
			return "Slice(0, 0, 0)"
		}
		if isPointer(f.typeOf(e)) {
			if at, _, ok := f.singleton(elem(f.typeOf(e))); ok {
				return itoa(at)
			}
		}
		return f.value(f.place(e))
	case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
		return f.value(f.place(e))
	}
	f.fail("an expression of kind %T", e)
	return "0"
}

var operators = map[token.Token]string{
	token.ADD: "+", token.SUB: "-", token.MUL: "*", token.QUO: "/", token.REM: "%", token.AND: "&", token.OR: "|", token.XOR: "^",
	token.SHL: "<<", token.SHR: ">>", token.LAND: "&&", token.LOR: "||", token.EQL: "==", token.NEQ: "!=",
	token.LSS: "<", token.LEQ: "<=", token.GTR: ">", token.GEQ: ">=",
}

func (f *fn) binary(e *ast.BinaryExpr) string {
	for _, x := range [2]struct{ nilSide, other ast.Expr }{{e.Y, e.X}, {e.X, e.Y}} {
		if f.l.info.Types[x.nilSide].IsNil() {
			if f.isFull(x.other) {
				return strconv.FormatBool(e.Op == token.NEQ)
			}
			if _, ok := f.typeOf(x.other).Underlying().(*types.Slice); ok {
				return "(" + f.sliceAt(x.other).String() + " " + operators[e.Op] + " 0)"
			}
			return "(" + f.expr(x.other) + " " + operators[e.Op] + " 0)"
		}
	}
	x := f.expr(e.X)
	if f.typeOf(e.X).Underlying() == types.Typ[types.Uint64] {
		if v := f.l.info.Types[e.Y].Value; e.Op == token.SHR && v != nil && v.ExactString() == "32" {
			return "uvec2(" + x + ".y, 0u)"
		}
		f.fail("%s of 64-bit numbers", e.Op)
	}
	var y string
	if e.Op == token.LAND || e.Op == token.LOR {
		// What the right side needs beforehand must be harmless even if the left decides.
		f.conditional++
		y = f.expr(e.Y)
		f.conditional--
	} else {
		y = f.expr(e.Y)
	}
	if e.Op == token.AND_NOT {
		return "(" + x + " & ~" + y + ")"
	}
	return f.operate(e.Op, x, y)
}

// isFull reports whether e is the slice that is never nil in kernels.
func (u *unit) isFull(e ast.Expr) bool {
	s, ok := ast.Unparen(e).(*ast.SelectorExpr)
	return ok && u.full != nil && u.l.info.Selections[s] != nil && u.l.info.Selections[s].Obj() == u.full
}

func (f *fn) operate(op token.Token, x, y string) string {
	o, ok := operators[op]
	if !ok {
		f.fail("operator %s", op)
	}
	return "(" + x + " " + o + " " + y + ")"
}

// composite returns the value of a struct or array literal.
func (f *fn) composite(e *ast.CompositeLit) string {
	t := f.typeOf(e)
	switch b := t.Underlying().(type) {
	case *types.Struct:
		parts := make([]string, b.NumFields())
		for n, x := range e.Elts {
			i := n
			if kv, ok := x.(*ast.KeyValueExpr); ok {
				x = kv.Value
				for k := range b.NumFields() {
					if b.Field(k).Name() == kv.Key.(*ast.Ident).Name {
						i = k
					}
				}
				if i < n { // the order of evaluation must not change
					f.fail("fields out of order")
				}
			}
			parts[i] = f.converted(x, b.Field(i).Type())
		}
		for i := range parts {
			if parts[i] == "" {
				parts[i] = f.zero(b.Field(i).Type())
			}
		}
		return f.structType(t) + "(" + strings.Join(parts, ", ") + ")"
	case *types.Array:
		parts := make([]string, b.Len())
		for n, x := range e.Elts {
			if _, ok := x.(*ast.KeyValueExpr); ok {
				f.fail("array literal with indices")
			}
			parts[n] = f.converted(x, b.Elem())
		}
		for i := range parts {
			if parts[i] == "" {
				parts[i] = f.zero(b.Elem())
			}
		}
		return f.glslType(t) + "(" + strings.Join(parts, ", ") + ")"
	}
	f.fail("a literal of type %s", t)
	return "0"
}

// converted returns e as a value of type t, to which it is assigned.
func (f *fn) converted(e ast.Expr, t types.Type) string {
	if f.l.info.Types[e].IsNil() {
		return f.zero(t)
	}
	if types.IsInterface(t) {
		return "1"
	}
	return f.expr(e)
}
