package translate

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

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
	cond := f.expr(s.Cond)
	switch {
	case cond == "true" && s.Else == nil:
		f.line("{")
		f.block(s.Body.List)
		f.line("}")
		n := len(s.Body.List)
		_, f.left = s.Body.List[n-1].(*ast.ReturnStmt)
		return
	case cond == "false" && s.Else == nil:
		return
	}
	f.line("if (", cond, ") {")
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
// loops of a kernel together), so that behind each loop stands a check that its condition fails. A
// flag set where the loop ends would not do: compilers know that it is set. Loops without a condition
// end by a return, and are not checked.
func (f *fn) loop(init func(), cond func() string, post func(), body func()) {
	f.line("{")
	f.depth++
	if init != nil {
		init()
	}
	broken := "broken" + itoa(f.temps) + "_"
	f.temps++
	f.line("bool ", broken, " = false;")
	var step string
	if post != nil {
		step = f.inline(post)
	}
	f.line("[[dont_unroll]] for (;; ", step, ") {")
	f.depth++
	if cond != nil {
		f.line("if (!", paren(cond()), ") break;")
	}
	f.loops = append(f.loops, broken)
	body()
	f.loops = f.loops[:len(f.loops)-1]
	f.depth--
	f.line("}")
	if cond != nil {
		f.line("if (!", broken, ") {")
		f.depth++
		f.line("if ", paren(cond()), " fault |= 1u;")
		f.depth--
		f.line("}")
	}
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
	f.list(b.List)
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
	case *types.Pointer:
		a, ok := b.Elem().Underlying().(*types.Array)
		if !ok || val != nil {
			f.fail("range over a %s", x)
			return
		}
		n = itoa(int(a.Len()))
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
