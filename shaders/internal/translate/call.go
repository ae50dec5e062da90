package translate

import (
	"go/ast"
	"go/types"
	"math"
	"strings"
)

// call returns the value of a call with one result, or of a conversion.
func (f *fn) call(e *ast.CallExpr) string {
	if f.l.info.Types[e.Fun].IsType() {
		return f.conversion(e)
	}
	if id, ok := ast.Unparen(e.Fun).(*ast.Ident); ok {
		if _, ok := f.l.info.Uses[id].(*types.Builtin); ok {
			return f.builtin(id.Name, e)
		}
	}
	o := f.callee(e)
	if o == nil {
		f.fail("a call of a function value")
		return "0"
	}
	switch funcName(o) {
	case "math.Inf":
		if strings.HasPrefix(f.expr(e.Args[0]), "(-") {
			return float(float32(math.Inf(-1)))
		}
		return float(float32(math.Inf(1)))
	case "math.NaN":
		return "uintBitsToFloat(" + utoa(0x7fc00000) + ")"
	}
	if shortcuts[funcName(o)] {
		return "false"
	}
	name, args := f.prepareCall(e, o)
	return name + "(" + strings.Join(args, ", ") + ")"
}

// prepareCall returns name and arguments of a call.
func (f *fn) prepareCall(e *ast.CallExpr, o *types.Func) (name string, args []string) {
	sig := o.Signature()
	if r := sig.Recv(); r != nil {
		sel := ast.Unparen(e.Fun).(*ast.SelectorExpr)
		s := f.l.info.Selections[sel]
		if _, _, ok := f.singleton(r.Type()); !ok || !isPointer(r.Type()) {
			args = append(args, f.receiver(sel, s, r.Type()))
		}
	}
	params := sig.Params()
	if sig.Variadic() {
		f.fail("call of variadic %s", o.Name())
	}
	for i, a := range e.Args {
		t := params.At(i).Type()
		if _, _, ok := f.singleton(t); ok && isPointer(t) {
			continue
		}
		if isPointer(t) {
			args = append(args, f.pointer(a).String())
			continue
		}
		args = append(args, f.converted(a, t))
	}
	if g, ok := intrinsics[funcName(o)]; ok {
		return g, args
	}
	return f.function(o), args
}

// receiver returns the receiver of a method call as an argument.
func (f *fn) receiver(sel *ast.SelectorExpr, s *types.Selection, want types.Type) string {
	path := s.Index()[:len(s.Index())-1]
	if len(path) == 0 {
		have := f.typeOf(sel.X)
		switch {
		case isPointer(want) && isPointer(have):
			return f.pointer(sel.X).String()
		case isPointer(want):
			p := f.place(sel.X)
			if p.local != "" {
				f.fail("method of a variable that is not in memory")
			}
			if p.region != f.regionOf(p.t) {
				f.fail("the receiver %s is in memory %c", p.t, p.region)
			}
			return p.at.String()
		case isPointer(have):
			return f.value(f.deref(sel.X))
		}
		return f.expr(sel.X)
	}
	p, _ := f.walk(sel.X, path)
	switch {
	case isPointer(want) && isPointer(p.t):
		return f.value(p)
	case isPointer(want):
		if p.local != "" {
			f.fail("method of a variable that is not in memory")
		}
		return p.at.String()
	case isPointer(p.t):
		return f.value(f.derefPlace(p))
	}
	return f.value(p)
}

func (f *fn) conversion(e *ast.CallExpr) string {
	to, from := f.typeOf(e), f.typeOf(e.Args[0])
	if isPointer(to) {
		return f.pointer(e).String()
	}
	if b, ok := to.Underlying().(*types.Basic); ok {
		x := f.expr(e.Args[0])
		if b.Kind() == types.Int64 { // only to compare what 32 bits hold
			return x
		}
		if from.Underlying() == types.Typ[types.Uint64] {
			x += ".x"
			from = types.Typ[types.Uint32]
		}
		if b.Kind() == types.Uint64 {
			return "uvec2(" + x + ", 0u)"
		}
		g, have := f.glslType(to), "float"
		if from.Underlying() != types.Typ[types.Float64] { // a result of math that is an intrinsic
			have = f.glslType(from)
		}
		switch b.Kind() {
		case types.Uint8:
			return "(uint(" + x + ") & 255u)"
		case types.Uint16, types.Int8, types.Int16:
			f.fail("conversion to %s", to)
		}
		if g == have {
			return x
		}
		return g + "(" + x + ")"
	}
	return f.expr(e.Args[0])
}

func (f *fn) builtin(name string, e *ast.CallExpr) string {
	switch name {
	case "len", "cap":
		switch b := f.typeOf(e.Args[0]).Underlying().(type) {
		case *types.Slice:
			_, n, c := f.sliceParts(e.Args[0], 6)
			if name == "cap" {
				return c
			}
			return n
		case *types.Array:
			return itoa(int(b.Len()))
		}
	case "min", "max":
		if f.glslType(f.typeOf(e)) == "float" {
			f.fail("builtin %s of floats: use geom", name)
		}
		v := f.expr(e.Args[0])
		for _, a := range e.Args[1:] {
			v = name + "(" + v + ", " + f.expr(a) + ")"
		}
		return v
	}
	f.fail("builtin %s in an expression", name)
	return "0"
}
