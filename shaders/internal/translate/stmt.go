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

func (f *fn) block(list []ast.Stmt) {
	f.depth++
	for _, s := range list {
		f.stmt(s)
	}
	f.depth--
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

func (f *fn) ifStmt(s *ast.IfStmt) {
	if s.Init != nil {
		f.line("{")
		f.depth++
		f.stmt(s.Init)
		defer func() {
			f.depth--
			f.line("}")
		}()
	}
	f.line("if (", f.expr(s.Cond), ") {")
	f.block(s.Body.List)
	if s.Else != nil {
		f.line("} else {")
		f.depth++
		if b, ok := s.Else.(*ast.BlockStmt); ok {
			f.depth--
			f.block(b.List)
		} else {
			f.stmt(s.Else)
			f.depth--
		}
	}
	f.line("}")
}

// Drivers may end loops early without a word (Mesa's software driver after 65,535 iterations, all
// loops of a kernel together), so that each loop notes whether it ended as it should.
func (f *fn) loop(init func(), cond func() string, post func(), body func()) {
	f.line("{")
	f.depth++
	if init != nil {
		init()
	}
	ended := "ended" + itoa(f.temps) + "_"
	f.temps++
	f.line("bool ", ended, " = false;")
	var step string
	if post != nil {
		step = f.inline(post)
	}
	f.line("for (;; ", step, ") {")
	f.depth++
	if cond != nil {
		f.line("if (!", paren(cond()), ") { ", ended, " = true; break; }")
	}
	f.loops = append(f.loops, ended)
	body()
	f.loops = f.loops[:len(f.loops)-1]
	f.depth--
	f.line("}")
	f.line("if (!", ended, ") fault |= 1u;")
	f.depth--
	f.line("}")
}

func paren(s string) string {
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") {
		return s
	}
	return "(" + s + ")"
}

// inline returns what do writes as one expression.
func (f *fn) inline(do func()) string {
	before := f.out.String()
	do()
	text := strings.TrimPrefix(f.out.String(), before)
	f.out.Reset()
	f.out.WriteString(before)
	var parts []string
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		parts = append(parts, strings.TrimSuffix(strings.TrimSpace(l), ";"))
	}
	s := strings.Join(parts, ", ")
	if strings.Contains(s, "{") || strings.Contains(s, ";") {
		f.fail("the end of a loop's step is no plain assignment: %s", s)
	}
	return s
}

func (f *fn) forStmt(s *ast.ForStmt) {
	var init, post func()
	var cond func() string
	if s.Init != nil {
		init = func() { f.stmt(s.Init) }
	}
	if s.Cond != nil {
		cond = func() string { return f.expr(s.Cond) }
	}
	if s.Post != nil {
		post = func() { f.post(s.Post) }
	}
	f.loop(init, cond, post, func() { f.bodyOf(s.Body) })
}

// post translates the last part of a for clause, in which several variables may be assigned that
// do not depend on each other.
func (f *fn) post(s ast.Stmt) {
	a, ok := s.(*ast.AssignStmt)
	if !ok || len(a.Lhs) == 1 {
		f.stmt(s)
		return
	}
	for i := range a.Lhs {
		f.line(f.storeTo(f.place(a.Lhs[i]), f.expr(a.Rhs[i])))
	}
}

func (f *fn) bodyOf(b *ast.BlockStmt) {
	for _, s := range b.List {
		f.stmt(s)
	}
}

func (f *fn) rangeStmt(s *ast.RangeStmt) {
	x := f.typeOf(s.X)
	ident := func(e ast.Expr) types.Object {
		id, ok := e.(*ast.Ident)
		if !ok || id.Name == "_" {
			return nil
		}
		if s.Tok != token.DEFINE {
			f.fail("range over variables of before")
		}
		return f.l.info.Defs[id]
	}
	var key, val types.Object
	if s.Key != nil {
		key = ident(s.Key)
	}
	if s.Value != nil {
		val = ident(s.Value)
	}
	index, kind := "i"+itoa(f.temps)+"_", "int"
	f.temps++
	var n string
	var from func(index string) string
	var start func()
	switch b := x.Underlying().(type) {
	case *types.Basic:
		kind = f.glslType(x)
		if key != nil {
			kind = f.glslType(key.Type())
		}
		start = func() {
			n = f.expr(s.X)
			if !isConstant(n) {
				n = f.temp(kind, n)
			}
		}
	case *types.Slice:
		start = func() {
			at, l, _ := f.sliceParts(s.X, 3)
			if val != nil {
				a := f.temp("int", at.String())
				from = func(i string) string {
					return f.load(b.Elem(), f.regionOf(b.Elem()), addr{base: a}.add(times(i, words(b.Elem()))))
				}
			}
			if n = l; !isConstant(l) {
				n = f.temp("int", l)
			}
		}
	case *types.Array:
		n = itoa(int(b.Len()))
		if val != nil {
			start = func() {
				p := f.place(s.X)
				if p.local != "" {
					v := p.local
					if _, ok := ast.Unparen(s.X).(*ast.Ident); !ok {
						v = f.temp(f.glslType(x), v)
					}
					from = func(i string) string { return v + "[" + i + "]" }
					return
				}
				from = func(i string) string {
					return f.load(b.Elem(), p.region, p.at.add(times(i, words(b.Elem()))))
				}
			}
		}
	default:
		f.fail("range over a %s", x)
		return
	}
	f.loop(func() {
		if start != nil {
			start()
		}
		f.line(kind, " ", index, " = ", map[bool]string{true: "0u", false: "0"}[kind == "uint"], ";")
	}, func() string { return index + " < " + n }, func() { f.line(index, "++;") }, func() {
		if key != nil {
			f.declare(key, index)
		}
		if val != nil {
			f.declare(val, from(index))
		}
		f.bodyOf(s.Body)
	})
}

func (f *fn) switchStmt(s *ast.SwitchStmt) {
	f.line("{")
	f.depth++
	if s.Init != nil {
		f.stmt(s.Init)
	}
	tag := ""
	if s.Tag != nil {
		tag = f.temp(f.glslType(f.typeOf(s.Tag)), f.expr(s.Tag))
	}
	var other *ast.CaseClause
	open := 0
	for _, c := range s.Body.List {
		c := c.(*ast.CaseClause)
		if c.List == nil {
			other = c
			continue
		}
		var conds []string
		for _, e := range c.List {
			f.conditional++
			v := f.expr(e)
			f.conditional--
			if tag != "" {
				v = "(" + tag + " == " + v + ")"
			}
			conds = append(conds, v)
		}
		f.line("if (", strings.Join(conds, " || "), ") {")
		f.caseBody(c.Body)
		f.line("} else {")
		f.depth++
		open++
	}
	if other != nil {
		f.depth--
		f.caseBody(other.Body)
		f.depth++
	}
	for range open {
		f.depth--
		f.line("}")
	}
	f.depth--
	f.line("}")
}

func (f *fn) caseBody(list []ast.Stmt) {
	f.loops = append(f.loops, "") // break would end the switch
	f.block(list)
	f.loops = f.loops[:len(f.loops)-1]
}

func (f *fn) branch(s *ast.BranchStmt) {
	if s.Label != nil {
		f.fail("%s with a label", s.Tok)
		return
	}
	switch s.Tok {
	case token.CONTINUE:
		f.line("continue;")
	case token.BREAK:
		if n := len(f.loops); n == 0 || f.loops[n-1] == "" {
			f.fail("break of a switch")
			return
		}
		f.line("{ ", f.loops[len(f.loops)-1], " = true; break; }")
	default:
		f.fail("%s", s.Tok)
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
