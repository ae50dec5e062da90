package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
)

// A translator turns declarations of the source into those of one width.
type translator struct {
	*source
	width int
	masks []ast.Expr           // the masks of the enclosing branches; the last implies the others
	depth map[types.Object]int // number of masks where a local variable was declared
	count int                  // of masks named in the function
}

// A failure reports what cannot be translated.
type failure struct{ error }

func (t *translator) fail(n ast.Node, format string, args ...any) {
	panic(failure{fmt.Errorf("%s: %s", t.fset.Position(n.Pos()), fmt.Sprintf(format, args...))})
}

func (t *translator) sized(name string) *ast.Ident {
	return ast.NewIdent(name + strconv.Itoa(t.width))
}

func call(fun ast.Expr, args ...ast.Expr) ast.Expr { return &ast.CallExpr{Fun: fun, Args: args} }

func method(x ast.Expr, name string, args ...ast.Expr) ast.Expr {
	return call(&ast.SelectorExpr{X: x, Sel: ast.NewIdent(name)}, args...)
}

func (t *translator) is(e ast.Expr, name string) bool {
	return named(t.info.TypeOf(e), name)
}

// isMask reports whether a condition may differ between worlds. Comparisons have no type of
// their own.
func (t *translator) isMask(e ast.Expr) bool {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return t.isMask(x.X)
	case *ast.UnaryExpr:
		return t.isMask(x.X)
	case *ast.BinaryExpr:
		return t.is(x.X, "lanes") || t.isMask(x.X) || t.isMask(x.Y)
	}
	return t.is(e, "mask")
}

func named(typ types.Type, name string) bool {
	n, ok := typ.(*types.Named)
	return ok && n.Obj().Name() == name && n.Obj().Pkg() != nil && n.Obj().Pkg().Name() == "physics"
}

// Declarations.

func (t *translator) decl(d ast.Decl) ast.Decl {
	switch d := d.(type) {
	case *ast.FuncDecl:
		t.masks, t.depth, t.count = nil, map[types.Object]int{}, 0
		name := d.Name
		if d.Recv == nil {
			name = t.sized(name.Name)
		}
		return &ast.FuncDecl{Recv: t.fields(d.Recv), Name: name, Type: t.expr(d.Type).(*ast.FuncType), Body: t.block(d.Body)}
	case *ast.GenDecl:
		return t.genDecl(d, true)
	}
	t.fail(d, "unexpected declaration")
	return nil
}

func (t *translator) genDecl(d *ast.GenDecl, top bool) *ast.GenDecl {
	out := &ast.GenDecl{Tok: d.Tok}
	if len(d.Specs) > 1 {
		out.Lparen = 1
	}
	name := func(id *ast.Ident) *ast.Ident {
		if top {
			return t.sized(id.Name)
		}
		return id
	}
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.ImportSpec:
			out.Specs = append(out.Specs, &ast.ImportSpec{Path: &ast.BasicLit{Kind: token.STRING, Value: s.Path.Value}})
		case *ast.TypeSpec:
			out.Specs = append(out.Specs, &ast.TypeSpec{Name: name(s.Name), Type: t.expr(s.Type)})
		case *ast.ValueSpec:
			v := &ast.ValueSpec{Type: t.expr(s.Type), Values: t.exprs(s.Values)}
			for _, id := range s.Names {
				v.Names = append(v.Names, name(id))
				t.declare(id)
			}
			out.Specs = append(out.Specs, v)
		}
	}
	return out
}

func (t *translator) fields(l *ast.FieldList) *ast.FieldList {
	if l == nil {
		return nil
	}
	out := &ast.FieldList{}
	for _, f := range l.List {
		for _, id := range f.Names {
			t.declare(id)
		}
		out.List = append(out.List, &ast.Field{Names: f.Names, Type: t.expr(f.Type)})
	}
	return out
}

func (t *translator) declare(id *ast.Ident) {
	if o := t.info.Defs[id]; o != nil && t.depth != nil {
		t.depth[o] = len(t.masks)
	}
}

// Expressions.

func (t *translator) exprs(es []ast.Expr) (out []ast.Expr) {
	for _, e := range es {
		out = append(out, t.expr(e))
	}
	return out
}

func (t *translator) expr(e ast.Expr) ast.Expr {
	if e == nil {
		return nil
	}
	if tv := t.info.Types[e]; tv.Value != nil && named(tv.Type, "lanes") {
		if constant.Sign(tv.Value) == 0 {
			return &ast.CompositeLit{Type: t.sized("lanes")}
		}
		if c, ok := e.(*ast.CallExpr); ok { // a conversion
			e = call(ast.NewIdent("float32"), c.Args[0])
		}
		return call(t.sized("splat"), e)
	}
	switch e := e.(type) {
	case *ast.Ident:
		if t.names[t.info.Uses[e]] {
			return t.sized(e.Name)
		}
		return ast.NewIdent(e.Name)
	case *ast.BasicLit:
		return &ast.BasicLit{Kind: e.Kind, Value: e.Value}
	case *ast.ParenExpr:
		return &ast.ParenExpr{X: t.expr(e.X)}
	case *ast.BinaryExpr:
		return t.binary(e)
	case *ast.UnaryExpr:
		switch {
		case t.is(e.X, "lanes") && e.Op == token.SUB:
			return call(t.sized("negative"), t.expr(e.X))
		case e.Op == token.NOT && t.isMask(e.X):
			return call(t.sized("not"), t.expr(e.X))
		}
		return &ast.UnaryExpr{Op: e.Op, X: t.expr(e.X)}
	case *ast.CallExpr:
		return t.call(e)
	case *ast.SelectorExpr:
		sel := ast.NewIdent(e.Sel.Name)
		if v, ok := t.info.Uses[e.Sel].(*types.Var); ok && v.Embedded() && t.embeds(v) {
			sel = t.sized(e.Sel.Name)
		}
		return &ast.SelectorExpr{X: t.expr(e.X), Sel: sel}
	case *ast.IndexExpr:
		return &ast.IndexExpr{X: t.expr(e.X), Index: t.expr(e.Index)}
	case *ast.SliceExpr:
		return &ast.SliceExpr{X: t.expr(e.X), Low: t.expr(e.Low), High: t.expr(e.High), Max: t.expr(e.Max), Slice3: e.Slice3}
	case *ast.StarExpr:
		return &ast.StarExpr{X: t.expr(e.X)}
	case *ast.CompositeLit:
		return t.literal(e)
	}
	return t.typeExpr(e)
}

// embeds reports whether the type of an embedded field is one of the source.
func (t *translator) embeds(v *types.Var) bool {
	typ := v.Type()
	if p, ok := typ.(*types.Pointer); ok {
		typ = p.Elem()
	}
	n, ok := typ.(*types.Named)
	return ok && t.names[n.Obj()]
}

func (t *translator) typeExpr(e ast.Expr) ast.Expr {
	switch e := e.(type) {
	case *ast.ArrayType:
		return &ast.ArrayType{Len: t.expr(e.Len), Elt: t.expr(e.Elt)}
	case *ast.FuncType:
		return &ast.FuncType{Params: t.fields(e.Params), Results: t.fields(e.Results)}
	case *ast.StructType:
		return &ast.StructType{Fields: t.fields(e.Fields)}
	}
	t.fail(e, "%T is not translated", e)
	return nil
}

var operators = map[token.Token]string{
	token.ADD: "Add", token.SUB: "Sub", token.MUL: "Mul", token.QUO: "Div",
	token.LSS: "Less", token.LEQ: "LessEqual", token.GTR: "Greater", token.GEQ: "GreaterEqual",
	token.EQL: "Equal", token.NEQ: "NotEqual", token.LAND: "And", token.LOR: "Or",
}

func (t *translator) binary(e *ast.BinaryExpr) ast.Expr {
	x, y := t.expr(e.X), t.expr(e.Y)
	if t.is(e.X, "lanes") || t.isMask(e) {
		name, ok := operators[e.Op]
		if !ok {
			t.fail(e, "operator %s of %s", e.Op, t.info.TypeOf(e.X))
		}
		return method(x, name, y)
	}
	return &ast.BinaryExpr{X: x, Op: e.Op, Y: y}
}

func (t *translator) call(e *ast.CallExpr) ast.Expr {
	if t.info.Types[e.Fun].IsType() && t.is(e, "lanes") {
		if t.is(e.Args[0], "lanes") {
			return t.expr(e.Args[0])
		}
		return call(t.sized("splat"), t.expr(e.Args[0]))
	}
	if t.info.Types[e.Fun].IsType() && t.is(e, "mask") {
		return t.expr(e.Args[0])
	}
	if id, ok := e.Fun.(*ast.Ident); ok && id.Name == "choose" {
		return method(t.expr(e.Args[1]), "Merge", t.expr(e.Args[2]), t.expr(e.Args[0]))
	}
	out := &ast.CallExpr{Fun: t.expr(e.Fun), Args: t.exprs(e.Args)}
	if e.Ellipsis.IsValid() {
		out.Ellipsis = 1
	}
	return out
}

func (t *translator) literal(e *ast.CompositeLit) ast.Expr {
	out := &ast.CompositeLit{Type: t.expr(e.Type)}
	for _, elt := range e.Elts {
		if kv, ok := elt.(*ast.KeyValueExpr); ok {
			out.Elts = append(out.Elts, &ast.KeyValueExpr{Key: kv.Key, Value: t.expr(kv.Value)})
			continue
		}
		out.Elts = append(out.Elts, t.expr(elt))
	}
	return out
}
