package vulkan

import "testing"

// Slice makes slices of at most n worlds, until the end of the test.
func Slice(t testing.TB, n int) {
	old := mostAtRun
	mostAtRun = uint64(n)
	t.Cleanup(func() { mostAtRun = old })
}
