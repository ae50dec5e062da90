// Package rng provides random numbers that depend on what they are for, never on when or
// where they are drawn.
//
// A [Key] names a family of streams. The numbers of one [Stream] are the Philox4x32-10 blocks
// of Salmon, Moraes, Dror and Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011),
// under that key, at the counters (block, step, world, purpose). Any worker may therefore draw
// the numbers of any world at any step, in any order, and so may a SIMD lane or a shader.
package rng

import (
	"math/bits"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// A Purpose keeps apart streams that the same key, world and step serve. Packages choose their
// own constants; two uses need different ones only if they can share a key.
type Purpose uint32

// fold is the purpose that Key.Fold keeps for itself.
const fold Purpose = 0xffffffff

// A Key names a family of independent streams. The zero Key is as good as any other.
type Key struct{ Lo, Hi uint32 }

// New returns the key of a seed.
func New(seed uint64) Key { return Key{uint32(seed), uint32(seed >> 32)} }

// Uint64 returns the key as a number, from which New makes it again.
func (k Key) Uint64() uint64 { return uint64(k.Hi)<<32 | uint64(k.Lo) }

// Fold returns the key that x, such as the number of a world or an episode, selects from the
// family of k.
func (k Key) Fold(x uint64) Key {
	lo, hi, _, _ := philox(uint32(x), uint32(x>>32), 0, uint32(fold), k.Lo, k.Hi)
	return Key{lo, hi}
}

// Stream returns the stream of the given purpose, world and step.
func (k Key) Stream(p Purpose, world, step uint32) Stream {
	return Stream{key: k, ctr: [4]uint32{0, step, world, uint32(p)}}
}

// Pair returns two numbers uniform in [lo, hi): the first two that Range of a stream returns, faster than the
// stream does.
func (k Key) Pair(p Purpose, world, step uint32, lo, hi float32) (a, b float32) {
	x, y, _, _ := philox(0, step, world, uint32(p), k.Lo, k.Hi)
	return lo + float32((hi-lo)*unit(x)), lo + float32((hi-lo)*unit(y))
}

// unit returns a multiple of 2^-24 in [0, 1).
func unit(x uint32) float32 { return float32(float32(x>>8) * (1.0 / (1 << 24))) }

// Philox returns the Philox4x32-10 block at counter ctr under key k.
func Philox(ctr [4]uint32, k Key) (block [4]uint32) {
	block[0], block[1], block[2], block[3] = philox(ctr[0], ctr[1], ctr[2], ctr[3], k.Lo, k.Hi)
	return block
}

// philox is Philox in registers: to copy the words of an array soon after they were written, one by one, takes
// longer than half of the rounds.
func philox(a, b, c, d, lo, hi uint32) (uint32, uint32, uint32, uint32) {
	const m0, m1, w0, w1 = 0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85
	for range 10 {
		h0, l0 := bits.Mul32(m0, a)
		h1, l1 := bits.Mul32(m1, c)
		a, b, c, d = h1^b^lo, l1, h0^d^hi, l0
		lo += w0
		hi += w1
	}
	return a, b, c, d
}

// A Stream is a sequence of random numbers. It is a small value: copying it copies its
// position. The zero Stream is the one of zero key, purpose, world and step.
type Stream struct {
	key  Key
	ctr  [4]uint32
	buf  [4]uint32
	left int // unread numbers at the end of buf
}

// Uint32 returns 32 random bits.
func (s *Stream) Uint32() uint32 {
	if s.left == 0 {
		s.buf[0], s.buf[1], s.buf[2], s.buf[3] = philox(s.ctr[0], s.ctr[1], s.ctr[2], s.ctr[3], s.key.Lo, s.key.Hi)
		s.ctr[0]++
		s.left = 4
	}
	s.left--
	return s.buf[3-s.left]
}

// Uint64 returns 64 random bits.
func (s *Stream) Uint64() uint64 {
	hi := uint64(s.Uint32())
	return hi<<32 | uint64(s.Uint32())
}

// Float32 returns a multiple of 2^-24, uniform in [0, 1).
func (s *Stream) Float32() float32 { return unit(s.Uint32()) }

// Range returns a number uniform in [lo, hi), or lo if they are equal. Rounding may yield hi itself.
func (s *Stream) Range(lo, hi float32) float32 { return lo + float32((hi-lo)*s.Float32()) }

// Float64 returns a multiple of 2^-53, uniform in [0, 1).
func (s *Stream) Float64() float64 { return float64(s.Uint64()>>11) / (1 << 53) }

// IntN returns an integer uniform in [0, n), without bias. It panics if n is not in 1..2^31.
//
// The method is Lemire's, "Fast Random Integer Generation in an Interval" (2019).
func (s *Stream) IntN(n int) int {
	if n <= 0 || int64(n) > 1<<31 {
		panic("rng: IntN needs 1..2^31")
	}
	m := uint32(n)
	hi, lo := bits.Mul32(s.Uint32(), m)
	if lo < m {
		for t := -m % m; lo < t; {
			hi, lo = bits.Mul32(s.Uint32(), m)
		}
	}
	return int(hi)
}

// Norm returns a standard normal number, by Box and Muller's transform of two uniform ones.
func (s *Stream) Norm() float32 {
	u := float32(s.Uint32()>>8+1) * (1.0 / (1 << 24)) // (0, 1]
	r := geom.Sqrt(-2 * geom.Log(u))
	return r * geom.Cos(float32(2*geom.Pi*s.Float32()))
}

// Shuffle permutes the numbers of p, each permutation being equally likely (Fisher and Yates).
func (s *Stream) Shuffle(p []int32) {
	for i := len(p) - 1; i > 0; i-- {
		j := s.IntN(i + 1)
		p[i], p[j] = p[j], p[i]
	}
}
