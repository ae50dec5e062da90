package physics

import "unsafe"

// prefetch asks the processor to bring memory near, in at least one step.
//
//go:noescape
func prefetch(p unsafe.Pointer, bytes int)
