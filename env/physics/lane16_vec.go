//go:build goexperiment.simd && amd64

package physics

import (
	"math"
	"simd/archsimd"
	"unsafe"
)

// The primitive operations of lane_vec.go in 16 lanes.

type (
	lanes16 = archsimd.Float32x16
	mask16  = archsimd.Mask32x16
)

const laneCount16 = 16

func splat16(x float32) lanes16 { return archsimd.BroadcastFloat32x16(x) }

func bitsOf16(m mask16) uint32 { return uint32(m.ToBits()) }

func maskOf16(bits uint32) mask16 { return archsimd.Mask32x16FromBits(uint16(bits)) }

func some16(m mask16) bool { return m.ToBits() != 0 }

func not16(m mask16) mask16 { return m.ToInt32x16().Equal(archsimd.Int32x16{}) }

func andNot16(a, b mask16) mask16 { return a.And(not16(b)) }

// replace16 returns x where m holds, old elsewhere.
func replace16(old, x, m mask16) mask16 { return andNot16(old, m).Or(x.And(m)) }

func negative16(x lanes16) lanes16 {
	return x.AsInt32x16().Xor(archsimd.BroadcastInt32x16(-1 << 31)).AsFloat32x16()
}

func magnitude16(x lanes16) lanes16 {
	return x.AsInt32x16().And(archsimd.BroadcastInt32x16(1<<31 - 1)).AsFloat32x16()
}

func squareRoot16(x lanes16) lanes16 { return x.Sqrt() }

func whole16(x lanes16) lanes16 { return x.ConvertToInt32().ConvertToFloat32() }

func quadrant16(x lanes16) (odd, high mask16) {
	k := x.ConvertToInt32()
	var zero archsimd.Int32x16
	one, two := archsimd.BroadcastInt32x16(1), archsimd.BroadcastInt32x16(2)
	return k.And(one).NotEqual(zero), k.And(two).NotEqual(zero)
}

// at16 returns the number of one world.
func at16(x *lanes16, world int) *float32 {
	return &(*[16]float32)(unsafe.Pointer(x))[world]
}

func word16(x uint32) lanes16 { return archsimd.BroadcastFloat32x16(math.Float32frombits(x)) }

// wordOf16 returns the bits of one world.
func wordOf16(x *lanes16, world int) *uint32 {
	return &(*[16]uint32)(unsafe.Pointer(x))[world]
}

func sameWord16(a, b lanes16) mask16 { return a.AsInt32x16().Equal(b.AsInt32x16()) }

func joinWords16(a, b lanes16) lanes16 {
	return a.AsInt32x16().Or(b.AsInt32x16()).AsFloat32x16()
}

func number16(x lanes16) lanes16 { return x.AsInt32x16().ConvertToFloat32() }

func featureWord16(segment, id lanes16) lanes16 {
	return segment.ConvertToInt32().ShiftAllLeft(featureBits).Or(id.ConvertToInt32()).AsFloat32x16()
}

// gather16 reads four times quads words of each world, from where they are, into as many lanes.
//
//go:noescape
func gather16(to *lanes16, from *[16]unsafe.Pointer, quads int)

// scatter16 writes lanes where gather16 reads them.
//
//go:noescape
func scatter16(from *lanes16, to *[16]unsafe.Pointer, quads int)

func take16(from *float32) lanes16 {
	return archsimd.LoadFloat32x16((*[16]float32)(unsafe.Pointer(from)))
}

func put16(to *float32, x lanes16) { x.Store((*[16]float32)(unsafe.Pointer(to))) }
