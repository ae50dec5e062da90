package translate

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

func (f *fn) block(list []ast.Stmt) {
	f.depth++
	f.list(list)
	f.depth--
}

func (f *fn) list(list []ast.Stmt) {
	for _, s := range list {
		if f.stmt(s); f.left {
			f.left = false
			return
		}
	}
}

func (f *fn) stmt(s ast.Stmt) {
	f.where = s.Pos()
	switch s := s.(type) {
	case *ast.BlockStmt:
		f.line("{")
		f.block(s.List)
		f.line("}")
	case *ast.DeclStmt:
		f.decl(s.Decl.(*ast.GenDecl))
	case *ast.AssignStmt:
		f.assign(s)
	case *ast.IncDecStmt:
		p := f.hold(f.place(s.X))
		op := token.ADD
		if s.Tok == token.DEC {
			op = token.SUB
		}
		f.line(f.storeTo(p, f.operate(op, f.value(p), f.one(p.t))))
	case *ast.ExprStmt:
		f.exprStmt(s.X.(*ast.CallExpr))
	case *ast.IfStmt:
		f.ifStmt(s)
	case *ast.ForStmt:
		f.forStmt(s)
	case *ast.RangeStmt:
		f.rangeStmt(s)
	case *ast.SwitchStmt:
		f.switchStmt(s)
	case *ast.ReturnStmt:
		f.returnStmt(s)
	case *ast.BranchStmt:
		f.branch(s)
	case *ast.EmptyStmt:
	default:
		f.fail("a statement of kind %T", s)
	}
}

func (f *fn) one(t types.Type) string {
	switch f.glslType(t) {
	case "float":
		return "1.0"
	case "uint":
		return "1u"
	}
	return "1"
}

// hold keeps an address that is an expression in a variable, so that it is computed once.
func (f *fn) hold(p place) place {
	if p.local == "" && strings.Contains(p.at.base, "(") {
		p.at = addr{base: f.temp("int", p.at.String())}
	}
	return p
}

func (f *fn) decl(d *ast.GenDecl) {
	if d.Tok != token.VAR {
		return // constants are folded
	}
	for _, sp := range d.Specs {
		v := sp.(*ast.ValueSpec)
		for i, n := range v.Names {
			o := f.l.info.Defs[n]
			if o == nil || n.Name == "_" {
				continue
			}
			init := f.zero(o.Type())
			if i < len(v.Values) {
				init = f.converted(v.Values[i], o.Type())
			}
			f.declare(o, init)
		}
	}
}

func (f *fn) assign(s *ast.AssignStmt) {
	if op, ok := assignOps[s.Tok]; ok {
		p := f.hold(f.place(s.Lhs[0]))
		y := f.expr(s.Rhs[0])
		v := f.value(p)
		if op == token.AND_NOT {
			v = "(" + v + " & ~" + y + ")"
		} else {
			v = f.operate(op, v, y)
		}
		f.line(f.storeTo(p, v))
		return
	}
	if len(s.Lhs) == 1 {
		if f.isFull(s.Lhs[0]) && f.l.info.Types[s.Rhs[0]].IsNil() {
			return
		}
		if c, ok := ast.Unparen(s.Rhs[0]).(*ast.CallExpr); ok {
			if id, ok := c.Fun.(*ast.Ident); ok && id.Name == "append" {
				f.appendTo(s, c)
				return
			}
		}
		f.set(s.Lhs[0], f.converted(s.Rhs[0], f.lhsType(s.Lhs[0])), s.Tok == token.DEFINE)
		return
	}
	var values []string
	if len(s.Rhs) == 1 {
		values = f.multi(s.Rhs[0])
	} else {
		for i, e := range s.Rhs {
			v := f.converted(e, f.lhsType(s.Lhs[i]))
			if s.Tok != token.DEFINE || !isConstant(v) {
				v = f.temp(f.glslTypeOr(f.lhsType(s.Lhs[i]), f.typeOf(e)), v)
			}
			values = append(values, v)
		}
	}
	for i, e := range s.Lhs {
		f.set(e, values[i], s.Tok == token.DEFINE)
	}
}

func isConstant(v string) bool { return !strings.ContainsAny(v, "(_") }

func (f *fn) glslTypeOr(t, other types.Type) string {
	if t == nil {
		t = other
	}
	return f.glslType(t)
}

var assignOps = map[token.Token]token.Token{
	token.ADD_ASSIGN: token.ADD, token.SUB_ASSIGN: token.SUB, token.MUL_ASSIGN: token.MUL, token.QUO_ASSIGN: token.QUO,
	token.REM_ASSIGN: token.REM, token.AND_ASSIGN: token.AND, token.OR_ASSIGN: token.OR, token.XOR_ASSIGN: token.XOR,
	token.SHL_ASSIGN: token.SHL, token.SHR_ASSIGN: token.SHR, token.AND_NOT_ASSIGN: token.AND_NOT,
}

// lhsType returns the type of what is assigned to, nil for the blank identifier.
func (f *fn) lhsType(e ast.Expr) types.Type {
	if id, ok := e.(*ast.Ident); ok {
		if id.Name == "_" {
			return types.Typ[types.Int]
		}
		return f.l.info.ObjectOf(id).Type()
	}
	return f.typeOf(e)
}

// set assigns a value to a variable, which it may define.
func (f *fn) set(e ast.Expr, v string, define bool) {
	if id, ok := e.(*ast.Ident); ok {
		if id.Name == "_" {
			return
		}
		if o := f.l.info.Defs[id]; define && o != nil {
			f.declare(o, v)
			return
		}
	}
	f.line(f.storeTo(f.place(e), v))
}

// multi calls a function of several results, and returns the variables that hold them.
func (f *fn) multi(e ast.Expr) []string {
	c, ok := ast.Unparen(e).(*ast.CallExpr)
	if !ok {
		f.fail("several values of a %T", e)
		return make([]string, 9)
	}
	o := f.callee(c)
	if o == nil {
		f.fail("a call of a function value")
		return make([]string, 9)
	}
	name, args := f.prepareCall(c, o)
	r := o.Signature().Results()
	var vars []string
	for i := range r.Len() {
		n := "t" + itoa(f.temps) + "_"
		f.temps++
		f.line(f.glslType(r.At(i).Type()), " ", n, ";")
		vars = append(vars, n)
	}
	f.line(name, "(", strings.Join(append(args, vars...), ", "), ");")
	return vars
}

// appendTo translates s = append(s, v), where s has room.
func (f *fn) appendTo(s *ast.AssignStmt, c *ast.CallExpr) {
	if len(c.Args) != 2 || types.ExprString(s.Lhs[0]) != types.ExprString(c.Args[0]) {
		f.fail("append other than s = append(s, v)")
		return
	}
	t := elem(f.typeOf(c.Args[0]))
	p := f.place(c.Args[0])
	v := f.converted(c.Args[1], t)
	if p.local != "" {
		f.line(f.storeTo(place{region: world, at: addr{base: p.local + ".at"}.add(times(p.local+".n", words(t))), t: t}, v))
		f.line(p.local, ".n++;")
		return
	}
	n := f.temp("int", "WI("+p.at.plus(1).String()+")")
	f.line(f.storeTo(place{region: f.regionOf(t), at: addr{base: "WI(" + p.at.String() + ")"}.add(times(n, words(t))), t: t}, v))
	f.line("WI_(", p.at.plus(1).String(), ", ", n, " + 1);")
}

func (f *fn) exprStmt(c *ast.CallExpr) {
	if id, ok := ast.Unparen(c.Fun).(*ast.Ident); ok {
		if _, ok := f.l.info.Uses[id].(*types.Builtin); ok {
			f.builtinStmt(id.Name, c)
			return
		}
	}
	o := f.callee(c)
	if o == nil {
		f.fail("a call of a function value")
		return
	}
	if o.Signature().Results().Len() > 1 {
		f.multi(c)
		return
	}
	name, args := f.prepareCall(c, o)
	f.line(name, "(", strings.Join(args, ", "), ");")
}

func (f *fn) builtinStmt(name string, c *ast.CallExpr) {
	switch name {
	case "panic":
		f.line("fault |= 2u;")
	case "clear":
		at, n, _ := f.sliceParts(c.Args[0], 3)
		f.line("clear_(", at.String(), ", (", n, ") * ", itoa(words(elem(f.typeOf(c.Args[0])))), ");")
	case "copy":
		t := elem(f.typeOf(c.Args[0]))
		a, n, _ := f.sliceParts(c.Args[0], 3)
		b, m, _ := f.sliceParts(c.Args[1], 3)
		if f.regionOf(t) != world {
			f.fail("copy to what all worlds share")
		}
		f.line("copy_(", a.String(), ", ", b.String(), ", min(", n, ", ", m, ") * ", itoa(words(t)), ");")
	default:
		f.fail("builtin %s as a statement", name)
	}
}

func (f *fn) returnStmt(s *ast.ReturnStmt) {
	if f.inMain {
		f.fail("return from the body of a kernel")
		return
	}
	r := f.sig.Results()
	if r.Len() == 0 {
		f.line("return;")
		return
	}
	var values []string
	switch {
	case len(s.Results) == 0:
		for _, v := range f.named {
			if f.inMemory[v] {
				values = append(values, f.load(v.Type(), world, addr{off: f.frame(v)}))
			} else {
				values = append(values, f.name(v))
			}
		}
	case len(s.Results) == 1 && r.Len() > 1:
		values = f.multi(s.Results[0])
	default:
		for i, e := range s.Results {
			values = append(values, f.converted(e, r.At(i).Type()))
		}
	}
	if r.Len() == 1 {
		f.line("return ", values[0], ";")
		return
	}
	if len(s.Results) > 1 {
		for i := range values {
			if !isConstant(values[i]) {
				values[i] = f.temp(f.glslType(r.At(i).Type()), values[i])
			}
		}
	}
	for i, v := range values {
		f.line("r", itoa(i), "_ = ", v, ";")
	}
	f.line("return;")
}
