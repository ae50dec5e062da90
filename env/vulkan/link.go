package vulkan

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unsafe"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/shaders/engine"
)

const module = "github.com/terrarium-rl/terrarium/"

// A linker walks over a world made of Go structs, gives each part its place in the memory of
// kernels, and notes how to copy the parts that change.
type linker struct {
	layout  *engine.Layout
	shared  map[string]bool
	used    map[string]bool
	placed  map[string]bool // singletons
	local   image           // memory of a world
	table   image           // memory that all worlds share
	items   []item          // what Go code may change between steps
	quiet   bool            // do not note items
	object  int             // number of the object in Go that is being placed
	objects int             // that there are so far
	arrays  []array
	scratch []reflect.Value // to be placed behind all else
	many    bool            // the world has other scenes, too
	base    uint32          // where the table of the scene begins in that of all
	crowded bool            // the physics may have more rows than kernels solve for
	failure error
}

// An image is the initial contents of a memory.
type image []uint32

func (m *image) grow(n int) int {
	at := len(*m)
	*m = append(*m, make([]uint32, n)...)
	return at
}

// An array is a slice header whose length Go code may change, and what it was when linked.
type array struct {
	header *sliceHeader
	data   unsafe.Pointer
	at     int // of the header in the world's memory
	base   int // of the elements there
}

type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// An item is n neighbouring values in Go, which begin at p, and in a world's memory, at word at.
type item struct {
	p  unsafe.Pointer
	at int
	n  int
	as form
	of int // number of the object in Go that it is a part of
}

type form uint8

const (
	word   form = iota // 4 bytes in Go, 1 word
	double             // 8 bytes, 2 words
	number             // an int, 1 word
	small              // 1 byte, 1 word
)

// link lays out an environment's world e as it is in its present scene, but for the scratch of the
// physics. Many says that it has others, too.
func link(l *engine.Layout, s *env.Spec, e env.Env, many bool) (*linker, error) {
	k := &linker{layout: l, many: many, shared: map[string]bool{}, used: map[string]bool{}, placed: map[string]bool{}}
	for _, n := range l.Shared {
		k.shared[n] = true
	}
	for _, n := range l.Used {
		k.used[n] = true
	}
	k.local.grow(l.Words)
	k.table.grow(l.Image + l.Words)
	k.quiet = true
	b := env.NewBatch(s, 1)
	k.single(reflect.ValueOf(b))
	k.quiet = false
	root := reflect.ValueOf(e)
	if root.Kind() != reflect.Pointer || !k.isSingle(root.Type()) {
		return nil, fmt.Errorf("its worlds are of type %s, for which there are no kernels", root.Type())
	}
	k.single(root)
	return k, k.failure
}

// finish places the scratch of the physics behind the given number of words.
func (k *linker) finish(state int) error {
	l := k.layout
	k.local.grow(state - len(k.local))
	k.quiet = true
	for _, v := range k.scratch {
		k.single(v)
	}
	copy(k.table[l.Image:], k.local[:l.Words])
	k.local[wordTurn] = engine.Idle
	return k.failure
}

// words returns how many words a value takes; it is the twin of words in shaders/internal/translate.
func words(t reflect.Type) int {
	if foreign(t) {
		return 0
	}
	switch t.Kind() {
	case reflect.Int64, reflect.Uint64, reflect.Float64:
		return 2
	case reflect.Slice:
		return 3
	case reflect.Array:
		return t.Len() * words(t.Elem())
	case reflect.Struct:
		n := 0
		for i := range t.NumField() {
			n += words(t.Field(i).Type)
		}
		return n
	case reflect.Map, reflect.Func, reflect.Chan, reflect.Interface, reflect.UnsafePointer:
		return 0
	}
	return 1
}

// foreign reports whether t is a type of another module or the standard library.
func foreign(t reflect.Type) bool {
	return t.PkgPath() != "" && !strings.HasPrefix(t.PkgPath(), module)
}

func (k *linker) isSingle(t reflect.Type) bool {
	_, a := k.layout.Statics[t.Elem().String()]
	_, b := k.layout.Model[t.Elem().String()]
	return a || b
}

// single places the one object of a type, to which v points.
func (k *linker) single(v reflect.Value) {
	name := v.Type().Elem().String()
	if k.placed[name] {
		return
	}
	k.placed[name] = true
	at, ok := k.layout.Statics[name]
	m := &k.local
	if !ok {
		at, m = k.layout.Model[name], &k.table
	}
	if !k.fits(at, words(v.Type().Elem()), ok) {
		k.fail("%s is not as the kernels were made for it: run make shaders", name)
		return
	}
	quiet := k.quiet
	k.quiet = quiet || !ok
	defer k.enter()()
	k.place(v.Elem(), m, at, name)
	k.quiet = quiet
	if w, ok := v.Interface().(*physics.World); ok {
		k.scratch = append(k.scratch, reflect.ValueOf(w.Model().Scratch()))
		k.crowded = w.Model().Crowded()
	}
}

// enter begins another object in Go. What it returns goes back to the one before.
func (k *linker) enter() (leave func()) {
	old := k.object
	k.objects++
	k.object = k.objects
	return func() { k.object = old }
}

// fits reports whether n words at an address do not reach into the next object.
func (k *linker) fits(at, n int, static bool) bool {
	next := k.layout.Words
	if !static {
		next = k.layout.Image
	}
	others := k.layout.Model
	if static {
		others = k.layout.Statics
	}
	for _, other := range others {
		if other > at {
			next = min(next, other)
		}
	}
	return at+n <= next
}

func (k *linker) fail(format string, args ...any) {
	if k.failure == nil {
		k.failure = fmt.Errorf(format, args...)
	}
}

// place writes v, which is addressable, into m, and what it leads to.
func (k *linker) place(v reflect.Value, m *image, at int, name string) {
	t := v.Type()
	if foreign(t) {
		return
	}
	v = reflect.NewAt(t, v.Addr().UnsafePointer()).Elem() // also for what is not exported
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			k.place(v.Field(i), m, at, t.String()+"."+t.Field(i).Name)
			at += words(t.Field(i).Type)
		}
	case reflect.Array:
		for i := range t.Len() {
			k.place(v.Index(i), m, at, name)
			at += words(t.Elem())
		}
	case reflect.Slice:
		k.placeSlice(v, m, at, name)
	case reflect.Pointer:
		if !v.IsNil() && t.Elem().Kind() == reflect.Struct && k.isSingle(t) {
			k.single(v)
			(*m)[at] = uint32(k.layout.Statics[t.Elem().String()])
		}
	case reflect.String:
		(*m)[at] = hash(v.String())
	default:
		k.scalar(v, m, at)
	}
}

// scalar writes a number or truth value, and notes it as something that may change.
func (k *linker) scalar(v reflect.Value, m *image, at int) {
	i := item{p: v.Addr().UnsafePointer(), at: at, n: 1, of: k.object}
	switch v.Kind() {
	case reflect.Float32, reflect.Int32, reflect.Uint32:
	case reflect.Int64, reflect.Uint64, reflect.Float64:
		i.as = double
	case reflect.Int, reflect.Uint:
		i.as = number
	case reflect.Bool, reflect.Uint8:
		i.as = small
	default:
		return
	}
	i.read(*m)
	if k.quiet || m != &k.local {
		return
	}
	if n := len(k.items); n > 0 {
		last := &k.items[n-1]
		next := uintptr(last.p) + uintptr(last.n*last.as.bytes())
		if last.of == i.of && last.as == i.as && next == uintptr(i.p) && last.at+last.n*last.as.words() == i.at {
			last.n++
			return
		}
	}
	k.items = append(k.items, i)
}

// placeSlice writes a slice, if kernels use it, with all elements that it has room for.
func (k *linker) placeSlice(v reflect.Value, m *image, at int, name string) {
	if v.Type().Elem() == reflect.TypeFor[*physics.World]() && v.Len() > 1 && !k.many {
		k.fail("each of its worlds has %d scenes, but it is no env.MultiScene", v.Len())
	}
	if !k.used[name] || v.IsNil() {
		return
	}
	elem := v.Type().Elem()
	to := &k.local
	if k.inTable(elem) {
		to = &k.table
	}
	n := v.Cap()
	base := to.grow(max(n*words(elem), 1))
	h := (*sliceHeader)(v.Addr().UnsafePointer())
	copy((*m)[at:], []uint32{uint32(base), uint32(v.Len()), uint32(n)})
	defer k.enter()()
	all := v.Slice(0, n)
	for i := range n {
		k.place(all.Index(i), to, base+i*words(elem), name)
	}
	if !k.quiet && m == &k.local {
		k.arrays = append(k.arrays, array{h, h.data, at, base})
	}
}

func (k *linker) inTable(t reflect.Type) bool {
	if k.shared[t.String()] {
		return true
	}
	return t.Kind() == reflect.Array && t.Name() == "" && k.inTable(t.Elem())
}

func (f form) bytes() int { return [...]int{4, 8, int(unsafe.Sizeof(0)), 1}[f] }
func (f form) words() int { return [...]int{1, 2, 1, 1}[f] }

// read copies the item from Go to a world's memory.
func (i *item) read(mem []uint32) {
	mem = mem[i.at:]
	switch i.as {
	case word:
		copy(mem, unsafe.Slice((*uint32)(i.p), i.n))
	case double:
		for j, w := range unsafe.Slice((*uint64)(i.p), i.n) {
			mem[2*j], mem[2*j+1] = uint32(w), uint32(w>>32)
		}
	case number:
		for j, w := range unsafe.Slice((*int)(i.p), i.n) {
			mem[j] = uint32(w)
		}
	case small:
		for j, w := range unsafe.Slice((*uint8)(i.p), i.n) {
			mem[j] = uint32(w)
		}
	}
}

// write copies the item from a world's memory to Go.
func (i *item) write(mem []uint32) {
	mem = mem[i.at:]
	switch i.as {
	case word:
		copy(unsafe.Slice((*uint32)(i.p), i.n), mem)
	case double:
		for j := range unsafe.Slice((*uint64)(i.p), i.n) {
			unsafe.Slice((*uint64)(i.p), i.n)[j] = uint64(mem[2*j]) | uint64(mem[2*j+1])<<32
		}
	case number:
		for j := range unsafe.Slice((*int)(i.p), i.n) {
			unsafe.Slice((*int)(i.p), i.n)[j] = int(int32(mem[j]))
		}
	case small:
		for j := range unsafe.Slice((*uint8)(i.p), i.n) {
			unsafe.Slice((*uint8)(i.p), i.n)[j] = uint8(mem[j])
		}
	}
}

var errMoved = errors.New("a world keeps an array in another place than when it was made")

// upload copies the Go world to a world's memory.
func (k *linker) upload(mem []uint32) error {
	for i := range k.items {
		k.items[i].read(mem)
	}
	for _, a := range k.arrays {
		if a.header.data != a.data {
			return errMoved
		}
		mem[a.at], mem[a.at+1], mem[a.at+2] = uint32(a.base), uint32(a.header.len), uint32(a.header.cap)
	}
	return nil
}

// download copies a world's memory to the Go world.
func (k *linker) download(mem []uint32) {
	for i := range k.items {
		k.items[i].write(mem)
	}
	for _, a := range k.arrays {
		a.header.len = int(mem[a.at+1])
	}
}

// hash is Hash of shaders/internal/translate: FNV-1a.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// header returns where a row of the batch begins in a world's memory.
func (k *linker) row(field string) int {
	t := reflect.TypeFor[env.Batch]()
	at := k.layout.Statics["env.Batch"]
	for i := range t.NumField() {
		if t.Field(i).Name == field {
			break
		}
		at += words(t.Field(i).Type)
	}
	return int(k.local[at])
}
