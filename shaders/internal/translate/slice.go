package translate

import (
	"go/ast"
	"go/types"
	"strconv"
	"strings"
)

// sliceParts returns address, length and capacity of a slice. Which are wanted is said by need,
// so that others are not computed: 1 address, 2 length, 4 capacity.
func (f *fn) sliceParts(e ast.Expr, need int) (at addr, length, capacity string) {
	e = ast.Unparen(e)
	switch x := e.(type) {
	case *ast.SliceExpr:
		return f.sliced(x, need)
	case *ast.CallExpr:
		if f.l.info.Types[x.Fun].IsType() {
			return f.sliceParts(x.Args[0], need)
		}
		v := f.temp("Slice", f.expr(e))
		return addr{base: v + ".at"}, v + ".n", v + ".cap"
	}
	if f.l.info.Types[e].IsNil() {
		return addr{}, "0", "0"
	}
	p := f.place(e)
	if p.local != "" {
		return addr{base: p.local + ".at"}, p.local + ".n", p.local + ".cap"
	}
	part := func(bit, i int) string {
		if need&bit == 0 {
			return "0"
		}
		return f.word("I", p.region, p.at.plus(i))
	}
	return addr{base: part(1, 0)}, part(2, 1), part(4, 2)
}

func (f *fn) sliceAt(e ast.Expr) addr { at, _, _ := f.sliceParts(e, 1); return at }

func (f *fn) sliced(e *ast.SliceExpr, need int) (at addr, length, capacity string) {
	t := f.typeOf(e.X)
	var n, c string
	switch b := t.Underlying().(type) {
	case *types.Slice:
		at, n, c = f.sliceParts(e.X, need|2)
	case *types.Array:
		p := f.place(e.X)
		if p.local != "" {
			f.fail("a slice of an array that is not in memory")
		}
		at, n = p.at, itoa(int(b.Len()))
		c = n
		if p.region != f.regionOf(b.Elem()) {
			f.fail("a slice of %s leads to memory %c", t, p.region)
		}
	case *types.Pointer:
		a := b.Elem().Underlying().(*types.Array)
		at, n = f.deref(e.X).at, itoa(int(a.Len()))
		c = n
	default:
		f.fail("a slice of a %s", t)
		return addr{}, "0", "0"
	}
	hi := n
	if e.High != nil {
		hi = f.intExpr(e.High)
	}
	if e.Max != nil {
		c = f.intExpr(e.Max)
	}
	if e.Low == nil {
		return at, hi, c
	}
	lo := f.intExpr(e.Low)
	if need&(2|4) != 0 && strings.ContainsAny(lo, "(+") {
		lo = f.temp("int", lo)
	}
	w := words(elemOfSliced(t))
	return at.add(times(lo, w)), minus(hi, lo), minus(c, lo)
}

func elemOfSliced(t types.Type) types.Type {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	return elem(t)
}

func minus(a, b string) string {
	if b == "0" {
		return a
	}
	x, err1 := strconv.Atoi(a)
	y, err2 := strconv.Atoi(b)
	if err1 == nil && err2 == nil {
		return itoa(x - y)
	}
	return "(" + a + " - (" + b + "))"
}
