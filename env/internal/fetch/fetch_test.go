package fetch

import (
	"slices"
	"testing"
	"unsafe"
)

// Advice changes nothing, wherever it points.
func TestAdvice(t *testing.T) {
	x := make([]uint32, 16<<20/4)
	for i := range x {
		x[i] = uint32(i) * 2654435761
	}
	want := slices.Clone(x)
	p := unsafe.Pointer(&x[0])
	for _, n := range []int{1, 63, 64, 65, 4096} {
		Near(p, n)
		Near(unsafe.Add(p, 37), n)
	}
	Near(nil, 8)
	Lines(p, nil)
	Lines(p, []int32{0, 64, 1 << 20, 1 << 30})
	from := uintptr(p)
	Huge(from, from+16<<20)
	Huge(from, from+1)
	Huge(from, from)
	if !slices.Equal(x, want) {
		t.Fatal("advice has changed memory")
	}
}
