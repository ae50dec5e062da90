//go:build lanesource

package physics

import "github.com/terrarium-rl/terrarium/env/geom"

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
