package wasm

import (
	"errors"
	"fmt"
)

// Instructions (5.4) that the meter looks for or writes. Those behind the prefix 0xfc have it
// in the upper byte.
const (
	loop         = 0x03
	ifBlock      = 0x04
	end          = 0x0b
	call         = 0x10
	callIndirect = 0x11
	localGet     = 0x20
	localTee     = 0x22
	globalGet    = 0x23
	globalSet    = 0x24
	i32Const     = 0x41
	i32LtS       = 0x48
	i32Sub       = 0x6b
	i32ShrU      = 0x76
	refFunc      = 0xd2

	memoryInit = 0xfc08
	memoryCopy = 0xfc0a
	memoryFill = 0xfc0b
	tableInit  = 0xfc0c
	tableCopy  = 0xfc0e
	tableFill  = 0xfc11
)

const (
	i32      = 0x7f // the type of a value
	noResult = 0x40 // the type of a block
)

// instruction copies one instruction, with the new indices of functions, and returns it. It
// panics with a formatError at what version 2.0 of the specification does not have.
func (m *rewriter) instruction(to []byte, r *reader) (op int, out []byte) {
	before := r.code
	switch op = int(r.byte()); {
	case op == call || op == refFunc:
		return op, m.function(append(to, byte(op)), r.u32())
	case localGet <= op && op <= localTee:
		if uint64(r.u32()) >= m.locals {
			panic(formatError{errors.New("it uses a local variable that it does not have")})
		}
	case op == globalGet, op == globalSet:
		if r.u32() >= m.globals {
			panic(errGlobal)
		}
	case op == 0xfc:
		op = m.prefixed(r)
	case op == 0xfd:
		m.vector(r)
	case 0x02 <= op && op <= 0x04, op == 0x41, op == 0x42: // blocks and integers
		r.skip()
	case op == 0x0c, op == 0x0d, op == 0x25, op == 0x26, op == 0x3f, op == 0x40, op == 0xd0: // one index or type
		r.u32()
	case op == callIndirect, 0x28 <= op && op <= 0x3e: // two indices, or alignment and offset
		r.u32()
		r.u32()
	case op == 0x0e: // br_table
		for range r.u32() {
			r.u32()
		}
		r.u32()
	case op == 0x1c: // select with types
		r.take(int(r.u32()))
	case op == 0x43:
		r.take(4)
	case op == 0x44:
		r.take(8)
	case op <= 0x01, op == 0x05, op == 0x0b, op == 0x0f, op == 0x1a, op == 0x1b, 0x45 <= op && op <= 0xc4, op == 0xd1:
	default:
		panic(unknown(op))
	}
	return op, append(to, r.since(before)...)
}

var errGlobal = formatError{errors.New("it uses a global variable that it does not have")}

func unknown(op int) formatError {
	return formatError{fmt.Errorf("it has the instruction %#x, which WebAssembly 2.0 does not", op)}
}

// prefixed reads what follows 0xfc: conversions, and work on memory and tables.
func (m *rewriter) prefixed(r *reader) int {
	op := r.u32()
	switch {
	case op <= 7:
	case op == 15: // a way around the limit of memory
		panic(formatError{errors.New("it has the instruction table.grow, which is not allowed here")})
	case op == 9, op == 11, op == 13, op == 16, op == 17:
		r.u32()
	case op == 8, op == 10, op == 12, op == 14:
		r.u32()
		r.u32()
	default:
		panic(unknown(0xfc00 + int(min(op, 0xff))))
	}
	return 0xfc00 + int(op)
}

// vector reads what follows 0xfd: vectors of 128 bits.
func (m *rewriter) vector(r *reader) {
	switch op := r.u32(); {
	case op <= 11, op == 92, op == 93: // loads and stores
		r.u32()
		r.u32()
	case op == 12, op == 13: // a constant, a shuffle
		r.take(16)
	case 21 <= op && op <= 34: // a lane
		r.byte()
	case 84 <= op && op <= 91: // loads and stores of a lane
		r.u32()
		r.u32()
		r.byte()
	case op <= 255:
	default:
		panic(unknown(0xfd00 + int(min(op, 0xffff))))
	}
}
