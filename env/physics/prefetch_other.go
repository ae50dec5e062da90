//go:build !amd64

package physics

import "unsafe"

func prefetch(unsafe.Pointer, int) {}
