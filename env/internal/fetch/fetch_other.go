//go:build !amd64

// Package fetch asks the processor to bring memory near that is going to be needed: here it does nothing.
package fetch

import "unsafe"

// Near would ask for bytes.
func Near(unsafe.Pointer, int) {}

// Lines would ask for lines.
func Lines(unsafe.Pointer, []int32) {}
