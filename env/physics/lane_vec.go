//go:build lanesource

package physics

import (
	"math"
	"unsafe"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// This file says what the primitive operations of the lane engine mean, for one world. The real
// ones, for 8 and 16 worlds, are in lane8_vec.go and lane16_vec.go.

// lanes is a number that may differ between the worlds of a group.
type lanes float32

// mask is a condition that may differ between the worlds of a group.
type mask bool

// laneCount is the number of worlds of a group.
const laneCount = 1

// splat returns x for all worlds.
func splat(x float32) lanes { return lanes(x) }

// choose returns a where m holds, b elsewhere.
func choose(m mask, a, b lanes) lanes {
	if m {
		return a
	}
	return b
}

// bitsOf returns a bit for each world, the first the lowest.
func bitsOf(m mask) uint32 {
	if m {
		return 1
	}
	return 0
}

// maskOf returns the condition of which bitsOf returns the bits.
func maskOf(bits uint32) mask { return bits != 0 }

// some reports whether m holds for any world.
func some(m mask) bool { return bool(m) }

// andNot returns a and not b.
func andNot(a, b mask) mask { return a && !b }

// squareRoot returns the correctly rounded square root.
func squareRoot(x lanes) lanes { return lanes(geom.Sqrt(float32(x))) }

// magnitude returns the absolute value.
func magnitude(x lanes) lanes { return lanes(geom.Abs(float32(x))) }

// whole returns x as a 32-bit integer, rounded towards zero, as a number again.
func whole(x lanes) lanes { return lanes(int32(x)) }

// quadrant returns the two lowest bits of the 32-bit integer x.
func quadrant(x lanes) (odd, high mask) { return int32(x)&1 != 0, int32(x)&2 != 0 }

// at returns the number of one world.
func at(x *lanes, world int) *float32 { return (*float32)(x) }

// Whole words: bits that the lanes hold but do not compute with.

// word returns the bits x for all worlds.
func word(x uint32) lanes { return lanes(math.Float32frombits(x)) }

// wordOf returns the bits of one world.
func wordOf(x *lanes, world int) *uint32 { return (*uint32)(unsafe.Pointer(x)) }

// sameWord reports where the bits are the same.
func sameWord(a, b lanes) mask { return math.Float32bits(float32(a)) == math.Float32bits(float32(b)) }

// joinWords returns the bits that are in either.
func joinWords(a, b lanes) lanes {
	return word(math.Float32bits(float32(a)) | math.Float32bits(float32(b)))
}

// number returns the number that the bits are as a 32-bit integer.
func number(x lanes) lanes { return lanes(int32(math.Float32bits(float32(x)))) }

// featureWord returns the bits of a feature of a contact with a segment.
func featureWord(segment, id lanes) lanes { return word(uint32(segment)<<featureBits | uint32(id)) }

// gather reads four times quads words of each world, from where they are, into as many lanes.
func gather(to *lanes, from *[laneCount]unsafe.Pointer, quads int) {
	copy(unsafe.Slice(to, 4*quads), unsafe.Slice((*lanes)(from[0]), 4*quads))
}

// scatter writes lanes where gather reads them.
func scatter(from *lanes, to *[laneCount]unsafe.Pointer, quads int) {
	copy(unsafe.Slice((*lanes)(to[0]), 4*quads), unsafe.Slice(from, 4*quads))
}

// take returns numbers that lie one behind the other, as many as there are lanes.
func take(from *float32) lanes { return lanes(*from) }

// put writes numbers where take reads them.
func put(to *float32, x lanes) { *to = float32(x) }
