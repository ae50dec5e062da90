//go:build goexperiment.simd && amd64

package qd

import (
	"simd/archsimd"
	"unsafe"
)

// kernels returns what the processor can run, the fastest last: an instruction that it lacks
// would kill the process.
func kernels() []func(*[lanes]float32, []float32, []float32, float32) uint8 {
	ks := []func(*[lanes]float32, []float32, []float32, float32) uint8{distancesGo}
	if archsimd.X86.AVX2() {
		ks = append(ks, distances256)
	}
	return ks
}

func distances256(dst *[lanes]float32, block, q []float32, bound float32) uint8 {
	if len(q) == 0 {
		return distancesGo(dst, block, q, bound)
	}
	_ = block[lanes*len(q)-1] // the loop checks no bounds
	p, most := unsafe.Pointer(&block[0]), archsimd.BroadcastFloat32x8(bound)
	var sum archsimd.Float32x8
	for j, v := range q {
		if j%every == 0 && j > 0 && sum.LessEqual(most).ToBits() == 0 {
			return 0
		}
		d := archsimd.LoadFloat32x8((*[lanes]float32)(unsafe.Add(p, 4*lanes*j))).Sub(archsimd.BroadcastFloat32x8(v))
		sum = sum.Add(d.Mul(d))
	}
	sum.Store(dst)
	return sum.LessEqual(most).ToBits()
}
