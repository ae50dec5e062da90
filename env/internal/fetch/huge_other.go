//go:build !linux

package fetch

// Huge would ask for large pages.
func Huge(from, to uintptr) {}
