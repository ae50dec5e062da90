//go:build goexperiment.simd && amd64

package physics

import (
	"math"
	"simd/archsimd"
	"unsafe"
)

// The primitive operations of lane_vec.go in 8 lanes.

type (
	lanes8 = archsimd.Float32x8
	mask8  = archsimd.Mask32x8
)

const laneCount8 = 8

func splat8(x float32) lanes8 { return archsimd.BroadcastFloat32x8(x) }

func bitsOf8(m mask8) uint32 { return uint32(m.ToBits()) }

func maskOf8(bits uint32) mask8 {
	own := archsimd.LoadInt32x8(&laneBits8)
	return archsimd.BroadcastInt32x8(int32(bits)).And(own).Equal(own)
}

// laneBits8 is the bit of each lane.
var laneBits8 = [8]int32{1, 2, 4, 8, 16, 32, 64, 128}

func some8(m mask8) bool { return m.ToBits() != 0 }

func not8(m mask8) mask8 { return m.ToInt32x8().Equal(archsimd.Int32x8{}) }

func andNot8(a, b mask8) mask8 { return a.And(not8(b)) }

// replace8 returns x where m holds, old elsewhere.
func replace8(old, x, m mask8) mask8 { return andNot8(old, m).Or(x.And(m)) }

func negative8(x lanes8) lanes8 {
	return x.AsInt32x8().Xor(archsimd.BroadcastInt32x8(-1 << 31)).AsFloat32x8()
}

func magnitude8(x lanes8) lanes8 {
	return x.AsInt32x8().And(archsimd.BroadcastInt32x8(1<<31 - 1)).AsFloat32x8()
}

func squareRoot8(x lanes8) lanes8 { return x.Sqrt() }

func whole8(x lanes8) lanes8 { return x.ConvertToInt32().ConvertToFloat32() }

func quadrant8(x lanes8) (odd, high mask8) {
	k := x.ConvertToInt32()
	var zero archsimd.Int32x8
	one, two := archsimd.BroadcastInt32x8(1), archsimd.BroadcastInt32x8(2)
	return k.And(one).NotEqual(zero), k.And(two).NotEqual(zero)
}

// at8 returns the number of one world.
func at8(x *lanes8, world int) *float32 {
	return &(*[8]float32)(unsafe.Pointer(x))[world]
}

func word8(x uint32) lanes8 { return archsimd.BroadcastFloat32x8(math.Float32frombits(x)) }

// wordOf8 returns the bits of one world.
func wordOf8(x *lanes8, world int) *uint32 {
	return &(*[8]uint32)(unsafe.Pointer(x))[world]
}

func sameWord8(a, b lanes8) mask8 { return a.AsInt32x8().Equal(b.AsInt32x8()) }

func joinWords8(a, b lanes8) lanes8 {
	return a.AsInt32x8().Or(b.AsInt32x8()).AsFloat32x8()
}

func number8(x lanes8) lanes8 { return x.AsInt32x8().ConvertToFloat32() }

func featureWord8(segment, id lanes8) lanes8 {
	return segment.ConvertToInt32().ShiftAllLeft(featureBits).Or(id.ConvertToInt32()).AsFloat32x8()
}

// gather8 reads four times quads words of each world, from where they are, into as many lanes.
//
//go:noescape
func gather8(to *lanes8, from *[8]unsafe.Pointer, quads int)

// scatter8 writes lanes where gather8 reads them.
//
//go:noescape
func scatter8(from *lanes8, to *[8]unsafe.Pointer, quads int)

func take8(from *float32) lanes8 {
	return archsimd.LoadFloat32x8((*[8]float32)(unsafe.Pointer(from)))
}

func put8(to *float32, x lanes8) { x.Store((*[8]float32)(unsafe.Pointer(to))) }
