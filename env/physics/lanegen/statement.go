package main

import (
	"fmt"
	"go/ast"
	"go/token"
)

func (t *translator) block(b *ast.BlockStmt) *ast.BlockStmt {
	if b == nil {
		return nil
	}
	return &ast.BlockStmt{List: t.stmts(b.List)}
}

func (t *translator) stmts(l []ast.Stmt) (out []ast.Stmt) {
	for _, s := range l {
		out = append(out, t.stmt(s)...)
	}
	return out
}

func one(s ast.Stmt) []ast.Stmt { return []ast.Stmt{s} }

func (t *translator) stmt(s ast.Stmt) []ast.Stmt {
	switch s := s.(type) {
	case nil:
		return nil
	case *ast.AssignStmt:
		return one(t.assign(s))
	case *ast.BlockStmt:
		return one(t.block(s))
	case *ast.IfStmt:
		if t.isMask(s.Cond) {
			return t.branch(s)
		}
		out := &ast.IfStmt{Init: t.single(s.Init), Cond: t.expr(s.Cond), Body: t.block(s.Body)}
		if s.Else != nil {
			out.Else = t.single(s.Else)
		}
		return one(out)
	case *ast.SwitchStmt:
		return t.switches(s)
	case *ast.ForStmt:
		return one(&ast.ForStmt{Init: t.single(s.Init), Cond: t.expr(s.Cond), Post: t.single(s.Post), Body: t.block(s.Body)})
	case *ast.RangeStmt:
		for _, e := range []ast.Expr{s.Key, s.Value} {
			if id, ok := e.(*ast.Ident); ok {
				t.declare(id)
			}
		}
		return one(&ast.RangeStmt{Key: t.expr(s.Key), Value: t.expr(s.Value), Tok: s.Tok, X: t.expr(s.X), Body: t.block(s.Body)})
	case *ast.DeclStmt:
		return one(&ast.DeclStmt{Decl: t.genDecl(s.Decl.(*ast.GenDecl), false)})
	case *ast.ExprStmt:
		t.unmasked(s, "a call")
		return one(&ast.ExprStmt{X: t.expr(s.X)})
	case *ast.ReturnStmt:
		t.unmasked(s, "return")
		return one(&ast.ReturnStmt{Results: t.exprs(s.Results)})
	case *ast.BranchStmt:
		t.unmasked(s, s.Tok.String())
		return one(&ast.BranchStmt{Tok: s.Tok, Label: s.Label})
	case *ast.IncDecStmt:
		t.unmasked(s, s.Tok.String())
		return one(&ast.IncDecStmt{X: t.expr(s.X), Tok: s.Tok})
	}
	t.fail(s, "%T is not translated", s)
	return nil
}

// single translates a statement that becomes a single one, or nil.
func (t *translator) single(s ast.Stmt) ast.Stmt {
	out := t.stmt(s)
	switch len(out) {
	case 0:
		return nil
	case 1:
		return out[0]
	}
	return &ast.BlockStmt{List: out}
}

func (t *translator) unmasked(n ast.Node, what string) {
	if len(t.masks) > 0 {
		t.fail(n, "%s under a mask", what)
	}
}

// assign translates an assignment. Under a mask, the other worlds keep their values.
func (t *translator) assign(s *ast.AssignStmt) ast.Stmt {
	if s.Tok == token.DEFINE {
		for _, e := range s.Lhs {
			t.declare(e.(*ast.Ident))
		}
		return &ast.AssignStmt{Lhs: t.exprs(s.Lhs), Tok: token.DEFINE, Rhs: t.exprs(s.Rhs)}
	}
	out := &ast.AssignStmt{Lhs: t.exprs(s.Lhs), Tok: token.ASSIGN, Rhs: t.exprs(s.Rhs)}
	if s.Tok != token.ASSIGN {
		if !t.is(s.Lhs[0], "lanes") {
			t.unmasked(s, "an assignment to "+t.info.TypeOf(s.Lhs[0]).String())
			out.Tok = s.Tok
			return out
		}
		op := map[token.Token]string{token.ADD_ASSIGN: "Add", token.SUB_ASSIGN: "Sub", token.MUL_ASSIGN: "Mul", token.QUO_ASSIGN: "Div"}[s.Tok]
		if op == "" {
			t.fail(s, "%s of lanes", s.Tok)
		}
		out.Rhs[0] = method(t.expr(s.Lhs[0]), op, out.Rhs[0])
	}
	for i, l := range s.Lhs {
		if len(t.masks) == 0 || t.local(l) {
			continue
		}
		if len(s.Lhs) != len(s.Rhs) {
			t.fail(s, "an assignment of several results under a mask")
		}
		m := t.masks[len(t.masks)-1]
		switch {
		case t.is(l, "lanes"):
			out.Rhs[i] = method(out.Rhs[i], "Merge", t.expr(l), m)
		case t.is(l, "mask"):
			out.Rhs[i] = call(t.sized("replace"), t.expr(l), out.Rhs[i], m)
		default:
			t.fail(s, "an assignment to %s under a mask", t.info.TypeOf(l))
		}
	}
	return out
}

// local reports whether a variable is declared under the present mask.
func (t *translator) local(e ast.Expr) bool {
	for {
		switch x := e.(type) {
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.Ident:
			d, ok := t.depth[t.info.Uses[x]]
			return x.Name == "_" || ok && d == len(t.masks)
		default:
			return false
		}
	}
}

// branch translates an if on a mask.
func (t *translator) branch(s *ast.IfStmt) []ast.Stmt {
	var out []ast.Stmt
	if s.Init != nil {
		out = t.stmt(s.Init)
	}
	cond := t.name("m")
	out = append(out, define(cond, t.expr(s.Cond)))
	out = append(out, t.under(t.and(cond), s.Body.List)...)
	switch e := s.Else.(type) {
	case *ast.BlockStmt:
		out = append(out, t.under(t.without(cond), e.List)...)
	case *ast.IfStmt:
		out = append(out, t.under(t.without(cond), one(e))...)
	}
	return one(&ast.BlockStmt{List: out})
}

// switches translates a switch; one without a tag whose cases are masks becomes a chain of ifs.
func (t *translator) switches(s *ast.SwitchStmt) []ast.Stmt {
	clauses := s.Body.List
	if s.Tag == nil && len(clauses) > 0 {
		if first := clauses[0].(*ast.CaseClause); len(first.List) == 1 && t.isMask(first.List[0]) {
			return t.stmt(t.chain(clauses))
		}
	}
	out := &ast.SwitchStmt{Init: t.single(s.Init), Tag: t.expr(s.Tag), Body: &ast.BlockStmt{}}
	for _, c := range clauses {
		c := c.(*ast.CaseClause)
		out.Body.List = append(out.Body.List, &ast.CaseClause{List: t.exprs(c.List), Body: t.stmts(c.Body)})
	}
	return one(out)
}

func (t *translator) chain(clauses []ast.Stmt) ast.Stmt {
	c := clauses[0].(*ast.CaseClause)
	body := &ast.BlockStmt{List: c.Body}
	if c.List == nil {
		return body
	}
	out := &ast.IfStmt{Cond: c.List[0], Body: body}
	if len(clauses) > 1 {
		out.Else = t.chain(clauses[1:])
	}
	return out
}

// under translates statements that a mask guards.
func (t *translator) under(m ast.Expr, l []ast.Stmt) []ast.Stmt {
	name := t.name("in")
	t.masks = append(t.masks, name)
	body := t.stmts(l)
	t.masks = t.masks[:len(t.masks)-1]
	if len(body) == 0 {
		return nil
	}
	return one(&ast.BlockStmt{List: append([]ast.Stmt{define(name, m), keep(name)}, body...)})
}

func (t *translator) name(kind string) *ast.Ident {
	t.count++
	return ast.NewIdent(fmt.Sprintf("%s%d_", kind, t.count))
}

func define(id *ast.Ident, e ast.Expr) ast.Stmt {
	return &ast.AssignStmt{Lhs: []ast.Expr{id}, Tok: token.DEFINE, Rhs: []ast.Expr{e}}
}

// keep makes unused masks legal.
func keep(id *ast.Ident) ast.Stmt {
	return &ast.AssignStmt{Lhs: []ast.Expr{ast.NewIdent("_")}, Tok: token.ASSIGN, Rhs: []ast.Expr{id}}
}

// and returns cond and the present mask.
func (t *translator) and(cond ast.Expr) ast.Expr {
	if len(t.masks) == 0 {
		return cond
	}
	return method(t.masks[len(t.masks)-1], "And", cond)
}

// without returns the present mask but for the worlds where cond holds.
func (t *translator) without(cond ast.Expr) ast.Expr {
	if len(t.masks) == 0 {
		return call(t.sized("not"), cond)
	}
	return call(t.sized("andNot"), t.masks[len(t.masks)-1], cond)
}
