package wasm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// Names of the function that metered modules import.
const (
	meterModule = "terrarium"
	meterName   = "refill"
)

// ration is the number of turns of loops and calls of functions after which a metered module
// asks its host whether it may go on: some 0.1 ms of work.
const ration = 1 << 16

// mostEntries is the most that the tables of a module hold together.
const mostEntries = 1 << 20

// meter rewrites a module so that nothing in it can run on without asking: every turn of a loop
// and every call of a function that calls others takes one from a global counter, and moving
// memory takes one for each 64 bytes; where the counter falls below zero, the module calls the
// imported function "terrarium" "refill", which either returns a new ration or does not return.
//
// The runtime's own way of stopping a module leaves the compiled code at every turn of a loop,
// which makes the turn tens of times slower; this costs about as much as the loop's own counter.
//
// The binary format is that of the WebAssembly Core Specification 2.0, chapter 5, section
// numbers of which are given below.
func meter(code []byte) (metered []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(formatError)
			if !ok {
				panic(r)
			}
			err = f
		}
	}()
	r := &reader{code: code}
	if magic := r.take(8); string(magic) != "\x00asm\x01\x00\x00\x00" {
		return nil, formatError{errors.New("it does not begin as one")}
	}
	m := &rewriter{}
	for len(r.code) > 0 {
		id := r.byte()
		m.sections = append(m.sections, section{id, r.take(int(r.u32()))})
	}
	return m.rewrite(), nil
}

// A formatError says where a module is malformed.
type formatError struct{ error }

func (e formatError) Unwrap() error { return e.error }

// A reader takes values from code, and panics with a formatError where there are none.
type reader struct{ code []byte }

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.code) {
		panic(formatError{errors.New("it ends too early")})
	}
	head := r.code[:n]
	r.code = r.code[n:]
	return head
}

func (r *reader) byte() byte { return r.take(1)[0] }

// u32 reads a LEB128 number (5.2.2).
func (r *reader) u32() uint32 {
	x, n := binary.Uvarint(r.code)
	if n <= 0 || n > 5 || x > 1<<32-1 {
		panic(formatError{errors.New("it has a malformed number")})
	}
	r.code = r.code[n:]
	return uint32(x)
}

// skip passes over a LEB128 number of at most 64 bits, signed or not.
func (r *reader) skip() {
	for range 10 {
		if r.byte() < 0x80 {
			return
		}
	}
	panic(formatError{errors.New("it has a malformed number")})
}

// done refuses what is left over: the runtime must see what the meter saw.
func (r *reader) done() {
	if len(r.code) > 0 {
		panic(formatError{errors.New("it has a section with more in it than it says")})
	}
}

// since returns what was read after the reader was as before.
func (r *reader) since(before []byte) []byte { return before[:len(before)-len(r.code)] }

type section struct {
	id   byte
	body []byte
}

// Section ids (5.5.2), in the order in which they stand, which is not that of the ids.
const (
	custom, typeSection, importSection, functionSection, tableSection, globalSection = 0, 1, 2, 3, 4, 6
	exportSection, startSection, elementSection, codeSection, dataCount              = 7, 8, 9, 10, 12
)

var sectionOrder = []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, dataCount, codeSection, 11}

// A rewriter puts a module together anew. The imported function comes behind the module's own
// imports, so that the indices of functions from there on move by one.
type rewriter struct {
	sections []section
	imported uint32   // functions that the module imports
	types    []int    // number of parameters of each type
	funcs    []uint32 // type of each function of the module
	globals  uint32   // of the module; the index of the counter, which it must not name
	locals   uint64   // of the function at hand
	refill   uint32   // the type of the refilling function
}

func (m *rewriter) rewrite() []byte {
	for _, id := range []byte{typeSection, importSection, globalSection} {
		if m.section(id) == nil {
			m.insert(id)
		}
	}
	m.readTypes()
	m.tables()
	m.addImport()
	m.addGlobal()
	if s := m.section(functionSection); s != nil {
		r := &reader{code: s.body}
		for range r.u32() {
			m.funcs = append(m.funcs, r.u32())
		}
		r.done()
	}
	m.exports()
	if s := m.section(startSection); s != nil {
		r := &reader{code: s.body}
		s.body = m.function(nil, r.u32())
		r.done()
	}
	m.elements()
	m.bodies()
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range m.sections {
		if s.id != custom { // such as the names of functions, whose indices have changed
			out = append(binary.AppendUvarint(append(out, s.id), uint64(len(s.body))), s.body...)
		}
	}
	return out
}

func (m *rewriter) section(id byte) *section {
	for i := range m.sections {
		if m.sections[i].id == id {
			return &m.sections[i]
		}
	}
	return nil
}

// insert adds an empty section where it belongs.
func (m *rewriter) insert(id byte) {
	rank := func(id byte) int { return slices.Index(sectionOrder, id) }
	at := len(m.sections)
	for i, s := range m.sections {
		if s.id != custom && rank(s.id) > rank(id) {
			at = i
			break
		}
	}
	m.sections = slices.Insert(m.sections, at, section{id, []byte{0}})
}

// function appends the new index of a function.
func (m *rewriter) function(to []byte, index uint32) []byte {
	if index >= m.imported {
		index++
	}
	return binary.AppendUvarint(to, uint64(index))
}

// readTypes reads function types (5.3.6), and adds that of refill: () -> i32.
func (m *rewriter) readTypes() {
	s := m.section(typeSection)
	r := &reader{code: s.body}
	n := r.u32()
	rest := r.code
	for range n {
		if r.byte() != 0x60 {
			panic(formatError{errors.New("it has a type that is not a function's")})
		}
		params := int(r.u32())
		r.take(params)
		r.take(int(r.u32()))
		m.types = append(m.types, params)
	}
	r.done()
	m.refill = n
	s.body = append(append(binary.AppendUvarint(nil, uint64(n)+1), rest...), 0x60, 0, 1, i32)
}

// addImport reads the imports (5.5.5) and adds refill.
func (m *rewriter) addImport() {
	s := m.section(importSection)
	r := &reader{code: s.body}
	n := r.u32()
	rest := r.code
	for range n {
		r.take(int(r.u32()))
		r.take(int(r.u32()))
		switch r.byte() {
		case 0:
			if int(r.u32()) >= len(m.types) {
				panic(errType)
			}
			m.imported++
		case 1:
			r.byte()
			r.limits()
		case 2:
			r.limits()
		case 3:
			r.take(2)
			m.globals++
		default:
			panic(formatError{errors.New("it imports something unknown")})
		}
	}
	r.done()
	body := append(binary.AppendUvarint(nil, uint64(n)+1), rest...)
	body = append(append(body, byte(len(meterModule))), meterModule...)
	body = append(append(body, byte(len(meterName))), meterName...)
	s.body = binary.AppendUvarint(append(body, 0), uint64(m.refill))
}

// limits reads the least and the most size of a table or memory (5.3.8) and returns the least.
func (r *reader) limits() (least uint32) {
	bounded := r.byte()&1 != 0
	least = r.u32()
	if bounded {
		r.u32()
	}
	return least
}

// addGlobal adds the counter to the globals (5.5.9), at zero: the first turn asks.
func (m *rewriter) addGlobal() {
	s := m.section(globalSection)
	r := &reader{code: s.body}
	n := r.u32()
	m.globals += n
	var body []byte
	for range n {
		body = append(body, r.take(2)...)
		body = m.constant(body, r)
	}
	r.done()
	s.body = append(append(binary.AppendUvarint(nil, uint64(n)+1), body...), i32, 1, i32Const, 0, end)
}

// exports renumbers what is exported (5.5.10).
func (m *rewriter) exports() {
	s := m.section(exportSection)
	if s == nil {
		return
	}
	r := &reader{code: s.body}
	n := r.u32()
	body := binary.AppendUvarint(nil, uint64(n))
	for range n {
		before := r.code
		r.take(int(r.u32()))
		kind := r.byte()
		body = append(body, r.since(before)...)
		index := r.u32()
		switch {
		case kind == 0:
			body = m.function(body, index)
		case kind == 3 && index >= m.globals:
			panic(errGlobal)
		default:
			body = binary.AppendUvarint(body, uint64(index))
		}
	}
	r.done()
	s.body = body
}

// tables refuses tables (5.5.7) that make up for a limit of memory: they count for nothing there.
func (m *rewriter) tables() {
	s := m.section(tableSection)
	if s == nil {
		return
	}
	r, sum := &reader{code: s.body}, uint64(0)
	for range r.u32() {
		r.byte()
		sum += uint64(r.limits())
	}
	r.done()
	if sum > mostEntries {
		panic(formatError{fmt.Errorf("its tables have %d entries, the limit is %d", sum, mostEntries)})
	}
}

// elements renumbers the functions in tables (5.5.12).
func (m *rewriter) elements() {
	s := m.section(elementSection)
	if s == nil {
		return
	}
	r := &reader{code: s.body}
	n := r.u32()
	body := binary.AppendUvarint(nil, uint64(n))
	for range n {
		kind := r.u32()
		body = binary.AppendUvarint(body, uint64(kind))
		if kind&1 == 0 { // active: goes into a table as the module starts
			if kind&2 != 0 {
				body = binary.AppendUvarint(body, uint64(r.u32()))
			}
			body = m.constant(body, r)
		}
		if kind&3 != 0 {
			body = append(body, r.byte()) // kind of element or type of reference
		}
		count := r.u32()
		body = binary.AppendUvarint(body, uint64(count))
		for range count {
			if kind&4 != 0 {
				body = m.constant(body, r)
			} else {
				body = m.function(body, r.u32())
			}
		}
	}
	r.done()
	s.body = body
}

// constant copies an expression up to its end.
func (m *rewriter) constant(to []byte, r *reader) []byte {
	for {
		op, next := m.instruction(to, r)
		to = next
		if op == end {
			return to
		}
	}
}

// bodies rewrites the code section (5.5.13).
func (m *rewriter) bodies() {
	s := m.section(codeSection)
	if s == nil {
		return
	}
	r := &reader{code: s.body}
	n := r.u32()
	if int(n) != len(m.funcs) {
		panic(formatError{fmt.Errorf("it declares %d functions and has %d", len(m.funcs), n)})
	}
	body := binary.AppendUvarint(make([]byte, 0, 2*len(s.body)), uint64(n))
	var one []byte
	for i := range n {
		one = m.body(one[:0], &reader{code: r.take(int(r.u32()))}, m.funcs[i])
		body = append(binary.AppendUvarint(body, uint64(len(one))), one...)
	}
	r.done()
	s.body = body
}

var errType = formatError{errors.New("it has a function of a type that it does not have")}

// body rewrites the code of one function: one more local variable, and the counting.
func (m *rewriter) body(to []byte, r *reader, typ uint32) []byte {
	if int(typ) >= len(m.types) {
		panic(errType)
	}
	m.locals = uint64(m.types[typ])
	groups := r.u32()
	before := r.code
	for range groups {
		m.locals += uint64(r.u32())
		r.byte()
	}
	to = append(binary.AppendUvarint(to, uint64(groups)+1), r.since(before)...)
	to = append(to, 1, i32)
	if calls(m, &reader{code: r.code}) {
		to = m.count(to)
	}
	for len(r.code) > 0 {
		op, next := m.instruction(to, r)
		switch op {
		case memoryInit, memoryCopy, memoryFill, tableInit, tableCopy, tableFill:
			// The length is on top of the stack: charge for it, then move.
			moved := slices.Clone(next[len(to):])
			next = append(m.charge(to), moved...)
		case loop:
			next = m.count(next)
		}
		to = next
	}
	return to
}

// calls reports whether code calls functions: what calls none and loops never ends by itself.
func calls(m *rewriter, r *reader) bool {
	var scratch []byte
	for len(r.code) > 0 {
		op, to := m.instruction(scratch[:0], r)
		if op == call || op == callIndirect {
			return true
		}
		scratch = to
	}
	return false
}

// count appends code that takes one from the counter, and asks for more where there is none.
func (m *rewriter) count(to []byte) []byte {
	g := binary.AppendUvarint(nil, uint64(m.globals))
	to = append(append(to, globalGet), g...)
	to = append(to, i32Const, 1, i32Sub, globalSet)
	to = append(append(append(to, g...), globalGet), g...)
	to = append(to, i32Const, 0, i32LtS, ifBlock, noResult, call)
	to = binary.AppendUvarint(to, uint64(m.imported))
	return append(append(append(to, globalSet), g...), end)
}

// charge appends code that takes a 64th of the number on top of the stack from the counter, and
// leaves the number where it is.
func (m *rewriter) charge(to []byte) []byte {
	l := binary.AppendUvarint(nil, m.locals)
	g := binary.AppendUvarint(nil, uint64(m.globals))
	to = append(append(append(to, localTee), l...), globalGet)
	to = append(append(append(to, g...), localGet), l...)
	to = append(to, i32Const, 6, i32ShrU, i32Sub, globalSet)
	return m.count(append(to, g...))
}
