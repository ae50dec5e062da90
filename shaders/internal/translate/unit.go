package translate

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"
)

func itoa(i int) string    { return strconv.Itoa(i) }
func utoa(u uint32) string { return strconv.FormatUint(uint64(u), 10) + "u" }

// An addr is an address in words: base, an expression of type int or "", plus off.
type addr struct {
	base string
	off  int
}

func (a addr) plus(n int) addr { return addr{a.base, a.off + n} }

// add returns a moved by an expression of type int.
func (a addr) add(e string) addr {
	if n, err := strconv.Atoi(e); err == nil {
		return a.plus(n)
	}
	if a.base == "" {
		return addr{e, a.off}
	}
	return addr{a.base + " + " + e, a.off}
}

func (a addr) String() string {
	switch {
	case a.base == "":
		return itoa(a.off)
	case a.off == 0:
		return a.base
	case a.off < 0:
		return a.base + " - " + itoa(-a.off)
	}
	return a.base + " + " + itoa(a.off)
}

// A unit is code that is translated together: functions that share one memory layout.
type unit struct {
	l       *loader
	statics map[string]int // address of each singleton, by type name
	modelAt map[string]int // of those that all worlds share
	image   int            // where the shared image of the statics begins in the shared memory
	next    int            // first free word after statics and frames
	shared  map[string]bool
	frames  map[types.Object]int
	step    *types.Func           // physics.World.Step
	written map[types.Object]bool // fields that translated code assigns
	used    map[string]bool       // fields of pointer or slice type that translated code reads: "physics.World.bodies"

	scanned map[*types.Func]bool
	full    *types.Var // a slice that is never nil in kernels: physics.system.speeds

	// Of the kernel being made:
	structs map[string]bool
	fixed   map[string]bool // words that are read first
	early   strings.Builder // their declarations
	first   strings.Builder // what reads them
	types   strings.Builder
	globals strings.Builder
	code    strings.Builder
	done    map[types.Object]bool
	where   token.Pos
	errs    []string
}

func (u *unit) fail(format string, args ...any) {
	u.errs = append(u.errs, u.l.fset.Position(u.where).String()+": "+fmt.Sprintf(format, args...))
}

// regionOf returns where what pointers to and slices of t point to lies.
func (u *unit) regionOf(t types.Type) byte {
	for {
		if u.shared[typeName(t)] {
			return model
		}
		if b, ok := t.(*types.Basic); ok && u.shared[b.Name()] {
			return model
		}
		a, ok := t.Underlying().(*types.Array)
		if !ok {
			return world
		}
		t = a.Elem()
	}
}

// singleton returns the address of the one object of a type, if it is such a type: only values
// of a named struct type or pointers to it.
func (u *unit) singleton(t types.Type) (at int, region byte, ok bool) {
	name := typeName(t)
	if at, ok := u.statics[name]; ok {
		return at, world, true
	}
	at, ok = u.modelAt[name]
	return at, model, ok
}

// intrinsics are functions that shaders have, by package and name.
var intrinsics = map[string]string{
	"geom.Sqrt": "sqrt", "geom.Abs": "abs", "math.Float32bits": "floatBitsToUint", "math.Float32frombits": "uintBitsToFloat",
	"bits.OnesCount32": "bitCount", "bits.Mul32": "umulExtended",
}

// shortcuts are functions that try a way that is faster on CPUs and report whether it was there. Kernels
// have none.
var shortcuts = map[string]bool{"physics.World.castFan": true, "physics.World.inside": true, "lander.world.recall": true}

func funcName(f *types.Func) string {
	name := f.Pkg().Name()
	if r := f.Signature().Recv(); r != nil {
		name += "." + strings.TrimPrefix(typeName(r.Type()), name+".")
	}
	return name + "." + f.Name()
}

// scan walks the functions reachable from stmts, notes which fields they assign and use, and
// which variables need addresses.
func (u *unit) scan(n ast.Node) {
	info := u.l.info
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f := u.callee(n); f != nil {
				if _, ok := intrinsics[funcName(f)]; !ok && !shortcuts[funcName(f)] && u.l.decl[f] != nil && !u.scanned[f] {
					u.scanned[f] = true
					u.scan(u.l.decl[f].Body)
				}
			}
			if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "panic" {
				return false
			}
		case *ast.SelectorExpr:
			u.noteUse(n)
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if s, ok := ast.Unparen(e).(*ast.SelectorExpr); ok {
					if sel := info.Selections[s]; sel != nil {
						u.written[sel.Obj()] = true
					}
				}
			}
		case *ast.UnaryExpr:
			if s, ok := ast.Unparen(n.X).(*ast.SelectorExpr); ok && n.Op == token.AND {
				if sel := info.Selections[s]; sel != nil {
					if _, slice := sel.Type().Underlying().(*types.Slice); slice {
						u.written[sel.Obj()] = true
					}
				}
			}
		}
		return true
	})
}

// noteUse notes the fields along a selector.
func (u *unit) noteUse(n *ast.SelectorExpr) {
	sel := u.l.info.Selections[n]
	if sel == nil {
		return
	}
	t := sel.Recv()
	path := sel.Index()
	if sel.Kind() != types.FieldVal {
		path = path[:len(path)-1]
	}
	for _, i := range path {
		name := typeName(t)
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		s, ok := t.Underlying().(*types.Struct)
		if !ok {
			return
		}
		u.used[name+"."+s.Field(i).Name()] = true
		t = s.Field(i).Type()
	}
}

// callee returns the function or method that is called, nil for conversions and builtins.
func (u *unit) callee(n *ast.CallExpr) *types.Func {
	switch f := ast.Unparen(n.Fun).(type) {
	case *ast.Ident:
		fn, _ := u.l.info.Uses[f].(*types.Func)
		return fn
	case *ast.SelectorExpr:
		fn, _ := u.l.info.Uses[f.Sel].(*types.Func)
		return fn
	}
	return nil
}

// A piece of a function becomes a part of a kernel: some statements of its body, or what do writes.
type piece struct {
	fn    *types.Func
	stmts []ast.Stmt
	do    func(f *fn)
}

// kernel returns the source of a kernel that runs pieces one after the other. Next is the turn of the
// kernel that a world needs then.
func (u *unit) kernel(pieces []piece, next string) (string, error) {
	u.structs, u.done, u.errs = map[string]bool{}, map[types.Object]bool{}, nil
	u.fixed = map[string]bool{}
	u.early.Reset()
	u.first.Reset()
	u.types.Reset()
	u.globals.Reset()
	u.code.Reset()
	var body strings.Builder
	temps := 0
	for _, p := range pieces {
		f := &fn{unit: u, inMain: true, names: map[types.Object]string{}, temps: temps}
		f.prepare(p.fn, u.l.decl[p.fn])
		for _, s := range p.stmts {
			f.stmt(s)
		}
		if p.do != nil {
			p.do(f)
		}
		temps = f.temps
		body.WriteString(f.out.String())
	}
	if len(u.errs) > 0 {
		return "", fmt.Errorf("%s", strings.Join(u.errs, "\n"))
	}
	return prelude + u.early.String() + u.types.String() + u.globals.String() + u.code.String() + `
void main() {
    locate();
` + u.first.String() + `    if (!begin()) return;
` + body.String() + `    end(` + next + `);
}
`, nil
}

// global defines a package-level variable as a constant, and returns its name.
func (u *unit) global(o types.Object) string {
	name := o.Pkg().Name() + "_" + o.Name() + "_g"
	if u.done[o] {
		return name
	}
	u.done[o] = true
	init := u.l.vars[o]
	if init == nil {
		u.fail("variable %s of a package has no initial value", o.Name())
		return name
	}
	f := &fn{unit: u, names: map[types.Object]string{}}
	v := f.expr(init)
	if f.out.Len() > 0 {
		u.fail("the initial value of %s is no plain expression", o.Name())
	}
	u.globals.WriteString("const " + u.glslType(o.Type()) + " " + name + " = " + v + ";\n")
	return name
}

// function emits a function and what it calls, and returns its name.
func (u *unit) function(o *types.Func) string {
	name := strings.ReplaceAll(funcName(o), ".", "_")
	if u.done[o] {
		return name
	}
	d := u.l.decl[o]
	if d == nil || d.Body == nil {
		u.fail("%s cannot be translated", funcName(o))
		return name
	}
	where := u.where
	u.done[o] = true
	f := &fn{unit: u, names: map[types.Object]string{}}
	f.prepare(o, d)
	f.list(d.Body.List)
	f.finish(d)
	u.code.WriteString(f.header(name) + " {\n" + f.out.String() + "}\n\n")
	u.where = where
	return name
}

// frame returns the address of a variable that lives in memory.
func (u *unit) frame(o types.Object) int {
	at, ok := u.frames[o]
	if !ok {
		at = u.next
		u.frames[o] = at
		u.next += words(o.Type())
	}
	return at
}

func sorted(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }
