package translate

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// fn is a function being translated.
type fn struct {
	*unit
	sig         *types.Signature
	recv        *types.Var
	inMain      bool // the body of a kernel, not of a function
	names       map[types.Object]string
	inMemory    map[types.Object]bool
	named       []*types.Var // results, if they have names
	out         strings.Builder
	depth       int
	temps       int
	loops       []string // of those around the current statement: the flag of a regular end
	conditional int      // >0: in an operand that may not be evaluated
	left        bool     // by a return: what follows in a list of statements is not reached
}

func (f *fn) line(parts ...string) {
	f.out.WriteString(strings.Repeat("    ", f.depth+1))
	for _, p := range parts {
		f.out.WriteString(p)
	}
	f.out.WriteByte('\n')
}

func (f *fn) name(o types.Object) string {
	n, ok := f.names[o]
	if !ok {
		n = o.Name() + "_" + itoa(len(f.names))
		f.names[o] = n
	}
	return n
}

// temp keeps the value of an expression in a variable.
func (f *fn) temp(t, v string) string {
	if f.conditional > 0 && strings.Contains(v, "(") {
		for _, c := range []string{"physics_", "gen_", "rng_"} {
			if strings.Contains(v, c) {
				f.fail("a call in a condition needs a variable: %s", v)
			}
		}
	}
	n := "t" + itoa(f.temps) + "_"
	f.temps++
	f.line(t, " ", n, " = ", v, ";")
	return n
}

// prepare finds the variables that need an address.
func (f *fn) prepare(o *types.Func, d *ast.FuncDecl) {
	f.sig, f.inMemory = o.Signature(), map[types.Object]bool{}
	f.recv = f.sig.Recv()
	mark := func(e ast.Expr) {
		for {
			switch x := ast.Unparen(e).(type) {
			case *ast.Ident:
				if v, ok := f.l.info.ObjectOf(x).(*types.Var); ok && v.Parent() != v.Pkg().Scope() {
					if _, slice := v.Type().Underlying().(*types.Slice); !slice && !isPointer(v.Type()) || e == x {
						f.inMemory[v] = true
					}
				}
				return
			case *ast.SelectorExpr:
				if isPointer(f.typeOf(x.X)) {
					return
				}
				e = x.X
			case *ast.IndexExpr:
				if _, array := f.typeOf(x.X).Underlying().(*types.Array); !array {
					return
				}
				e = x.X
			default:
				return
			}
		}
	}
	ast.Inspect(d.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				mark(n.X)
			}
		case *ast.SliceExpr:
			if _, array := f.typeOf(n.X).Underlying().(*types.Array); array {
				mark(n.X)
			}
		case *ast.SelectorExpr:
			if s := f.l.info.Selections[n]; s != nil && s.Kind() == types.MethodVal && isPointer(s.Obj().(*types.Func).Signature().Recv().Type()) && !isPointer(f.typeOf(n.X)) && len(s.Index()) == 1 {
				mark(n.X)
			}
		}
		return true
	})
	if f.inMain { // what one kernel computes, the next must find
		for i := range f.sig.Params().Len() {
			f.inMemory[f.sig.Params().At(i)] = true
		}
		for _, s := range d.Body.List {
			switch s := s.(type) {
			case *ast.AssignStmt:
				if s.Tok == token.DEFINE {
					for _, e := range s.Lhs {
						if o := f.l.info.Defs[e.(*ast.Ident)]; o != nil {
							f.inMemory[o] = true
						}
					}
				}
			case *ast.DeclStmt:
				for _, sp := range s.Decl.(*ast.GenDecl).Specs {
					if v, ok := sp.(*ast.ValueSpec); ok {
						for _, n := range v.Names {
							if o, ok := f.l.info.Defs[n].(*types.Var); ok {
								f.inMemory[o] = true
							}
						}
					}
				}
			}
		}
		return
	}
	params := f.sig.Params()
	all := []*types.Var{}
	if f.recv != nil {
		all = append(all, f.recv)
	}
	for i := range params.Len() {
		all = append(all, params.At(i))
	}
	for _, p := range all {
		if f.inMemory[p] {
			f.line(f.storeTo(place{region: world, at: addr{off: f.frame(p)}, t: p.Type()}, f.name(p)))
		}
	}
	r := f.sig.Results()
	for i := range r.Len() {
		if v := r.At(i); v.Name() != "" && v.Name() != "_" {
			f.named = append(f.named, v)
			f.declare(v, f.zero(v.Type()))
		}
	}
}

// header returns the declaration of the function.
func (f *fn) header(name string) string {
	var ps []string
	add := func(v *types.Var) {
		if _, _, ok := f.singleton(v.Type()); ok && isPointer(v.Type()) {
			return
		}
		n := "unused" + itoa(len(ps))
		if v.Name() != "" && v.Name() != "_" {
			n = f.name(v)
		}
		ps = append(ps, f.glslType(v.Type())+" "+n)
	}
	if f.recv != nil {
		add(f.recv)
	}
	for i := range f.sig.Params().Len() {
		add(f.sig.Params().At(i))
	}
	result := "void"
	switch r := f.sig.Results(); r.Len() {
	case 0:
	case 1:
		result = f.glslType(r.At(0).Type())
	default:
		for i := range r.Len() {
			ps = append(ps, "out "+f.glslType(r.At(i).Type())+" r"+itoa(i)+"_")
		}
	}
	return result + " " + name + "(" + strings.Join(ps, ", ") + ")"
}

// finish ends the body.
func (f *fn) finish(d *ast.FuncDecl) {
	r := f.sig.Results()
	if n := len(d.Body.List); n > 0 {
		if _, ok := d.Body.List[n-1].(*ast.ReturnStmt); ok {
			return
		}
	}
	switch {
	case r.Len() == 1:
		f.line("return ", f.zero(r.At(0).Type()), "; // not reached")
	case r.Len() > 1:
		for i := range r.Len() {
			f.line("r", itoa(i), "_ = ", f.zero(r.At(i).Type()), "; // not reached")
		}
	}
}

// declare makes a variable.
func (f *fn) declare(o types.Object, v string) {
	if f.inMemory[o] {
		f.line(f.storeTo(place{region: world, at: addr{off: f.frame(o)}, t: o.Type()}, v))
		return
	}
	f.line(f.glslType(o.Type()), " ", f.name(o), " = ", v, ";")
}

// storeTo returns the statement that writes to a place.
func (f *fn) storeTo(p place, v string) string {
	if p.local != "" {
		return p.local + " = " + v + ";"
	}
	if p.region == model {
		f.fail("an assignment to what all worlds share")
	}
	if _, array := p.t.Underlying().(*types.Array); array {
		if strings.ContainsAny(v, "(") {
			v = f.temp(f.glslType(p.t), v)
		}
	}
	return f.store(p.t, p.at, v)
}
