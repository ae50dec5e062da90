// Package fetch asks the processor to bring memory near that is going to be needed.
//
// It does not wait, and memory that is not the program's does no harm. A processor that is asked for more at
// a time than it can wait for, a dozen lines of 64 bytes or two, makes the program wait, or forgets the rest.
package fetch

import "unsafe"

// Near asks for the given number of bytes, at least one, from p on.
//
//go:noescape
func Near(p unsafe.Pointer, bytes int)

// Lines asks for the lines that hold the bytes which lie at from p on.
//
//go:noescape
func Lines(p unsafe.Pointer, at []int32)
