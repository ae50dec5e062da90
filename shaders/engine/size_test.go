package engine_test

import (
	"encoding/binary"
	"testing"

	"github.com/terrarium-rl/terrarium/shaders/engine"
)

// most is how many places there may be in a kernel, with all its calls inlined, that read or write a
// buffer. Mesa's software driver makes a loop over lanes of each and compiles a kernel in a time that
// grows with the square of their number: about 2 s for 550 of them on one core.
const most = 600

// Kernels must stay small enough to be compiled soon: this needs no driver. The benchmark
// FirstDispatch of package env/vulkan measures the time.
func TestSize(t *testing.T) {
	m, err := engine.Load()
	if err != nil {
		t.Fatal(err)
	}
	for name := range m.Kernels {
		code, err := engine.Kernel(name)
		if err != nil {
			t.Fatal(err)
		}
		n := accesses(code)
		if n < 5 || n > most {
			t.Errorf("%s reads or writes buffers in %d places, want at most %d: begin another kernel in between (stages in shaders/internal/translate)", name, n, most)
		}
	}
}

// accesses returns in how many places a module, with all calls inlined, accesses a buffer.
func accesses(module []byte) int {
	const opEntryPoint, opVariable, opFunction, opFunctionCall, opAccessChain = 15, 59, 54, 57, 65
	const uniform, storage = 2, 12 // storage classes of buffers
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(module[4*i:]) }
	buffers, own, calls := map[uint32]bool{}, map[uint32]int{}, map[uint32][]uint32{}
	var function, entry uint32
	for i := 5; i < len(module)/4; i += int(word(i) >> 16) {
		switch word(i) & 0xffff {
		case opEntryPoint:
			entry = word(i + 2)
		case opVariable:
			if c := word(i + 3); c == uniform || c == storage {
				buffers[word(i+2)] = true
			}
		case opFunction:
			function = word(i + 2)
		case opFunctionCall:
			calls[function] = append(calls[function], word(i+3))
		case opAccessChain:
			if buffers[word(i+3)] {
				own[function]++
			}
		}
	}
	total := map[uint32]int{}
	var of func(f uint32) int
	of = func(f uint32) int {
		if _, done := total[f]; !done {
			n := own[f]
			for _, c := range calls[f] {
				n += of(c)
			}
			total[f] = n
		}
		return total[f]
	}
	return of(entry)
}
