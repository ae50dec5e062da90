package translate

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
)

// module is the path of this module; its packages lie in folders below its root.
const module = "github.com/terrarium-rl/terrarium/"

// A loader parses and checks packages of this module. Of the standard library it knows only what
// numerical code uses; other packages are empty to it, and what refers to them has no type. That
// is harmless: code that is translated cannot refer to them, and the Go compiler checks the rest.
type loader struct {
	root string
	fset *token.FileSet
	std  types.Importer
	pkgs map[string]*types.Package
	info *types.Info
	decl map[*types.Func]*ast.FuncDecl // of all packages loaded
	vars map[types.Object]ast.Expr     // initial values of package-level variables
}

func newLoader(root string) *loader {
	fset := token.NewFileSet()
	return &loader{
		root: root, fset: fset, std: importer.ForCompiler(fset, "source", nil), pkgs: map[string]*types.Package{},
		info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
			Selections: map[*ast.SelectorExpr]*types.Selection{}, Implicits: map[ast.Node]types.Object{},
		},
		decl: map[*types.Func]*ast.FuncDecl{}, vars: map[types.Object]ast.Expr{},
	}
}

// Import implements types.Importer.
func (l *loader) Import(path string) (*types.Package, error) {
	if p := l.pkgs[path]; p != nil {
		return p, nil
	}
	short, ours := strings.CutPrefix(path, module)
	switch {
	case ours:
		return l.load(short)
	case path == "math" || path == "math/bits":
		p, err := l.std.Import(path)
		l.pkgs[path] = p
		return p, err
	case path == "unsafe":
		return types.Unsafe, nil
	}
	p := types.NewPackage(path, filepath.Base(path))
	p.MarkComplete()
	l.pkgs[path] = p
	return p, nil
}

// load checks the package in a folder below the root.
func (l *loader) load(dir string) (*types.Package, error) {
	path := module + dir
	if p := l.pkgs[path]; p != nil {
		return p, nil
	}
	entries, err := os.ReadDir(filepath.Join(l.root, dir))
	if err != nil {
		return nil, err
	}
	// What a build without cgo and experiments compiles: the plain twin.
	ctx := build.Context{GOOS: "linux", GOARCH: "amd64", Compiler: "gc", ReleaseTags: build.Default.ReleaseTags}
	var files []*ast.File
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		if ok, err := ctx.MatchFile(filepath.Join(l.root, dir), e.Name()); err != nil || !ok {
			if err != nil {
				return nil, err
			}
			continue
		}
		f, err := parser.ParseFile(l.fset, filepath.Join(l.root, dir, e.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no Go files in %s", dir)
	}
	conf := types.Config{Importer: l, Error: func(error) {}, IgnoreFuncBodies: false}
	p, err := conf.Check(path, l.fset, files, l.info)
	if p == nil {
		return nil, errors.Join(fmt.Errorf("checking %s", dir), err)
	}
	l.pkgs[path] = p
	for _, f := range files {
		for _, d := range f.Decls {
			l.note(d)
		}
	}
	return p, nil
}

func (l *loader) note(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if f, ok := l.info.Defs[d.Name].(*types.Func); ok {
			l.decl[f] = d
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			v, ok := s.(*ast.ValueSpec)
			if !ok || d.Tok != token.VAR || len(v.Values) != len(v.Names) {
				continue
			}
			for i, n := range v.Names {
				l.vars[l.info.Defs[n]] = v.Values[i]
			}
		}
	}
}

// method returns a method of a type of a package.
func (l *loader) method(pkg, typ, name string) (*types.Func, error) {
	p, err := l.load(pkg)
	if err != nil {
		return nil, err
	}
	obj := p.Scope().Lookup(typ)
	if obj == nil {
		return nil, fmt.Errorf("%s has no type %s", pkg, typ)
	}
	m, _, _ := types.LookupFieldOrMethod(types.NewPointer(obj.Type()), true, p, name)
	f, ok := m.(*types.Func)
	if !ok {
		return nil, fmt.Errorf("%s.%s has no method %s", pkg, typ, name)
	}
	return f, nil
}
