//go:build goexperiment.simd && amd64

package explore

import (
	"simd/archsimd"
	"unsafe"
)

// bestKernel returns what the processor can run: an instruction that it lacks would kill the
// process.
func bestKernel() kernel {
	if !archsimd.X86.AVX2() {
		return portable
	}
	return kernel{symv256, dot256, dist2256, rank1256}
}

type vec = archsimd.Float32x8

func load(p *float32, i int) vec {
	return archsimd.LoadFloat32x8((*[8]float32)(unsafe.Add(unsafe.Pointer(p), 4*i)))
}

func store(p *float32, i int, v vec) {
	v.Store((*[8]float32)(unsafe.Add(unsafe.Pointer(p), 4*i)))
}

func symv256(y, m, x []float32) {
	d := len(y)
	if d == 0 || len(x) == 0 {
		clear(y)
		return
	}
	_ = m[len(x)*d-1] // the loops check no bounds
	py, pm := &y[0], &m[0]
	j := 0
	for ; j+32 <= d; j += 32 {
		var s0, s1, s2, s3 vec
		for i, a := range x {
			at, v := i*d+j, archsimd.BroadcastFloat32x8(a)
			s0 = s0.Add(v.Mul(load(pm, at)))
			s1 = s1.Add(v.Mul(load(pm, at+8)))
			s2 = s2.Add(v.Mul(load(pm, at+16)))
			s3 = s3.Add(v.Mul(load(pm, at+24)))
		}
		store(py, j, s0)
		store(py, j+8, s1)
		store(py, j+16, s2)
		store(py, j+24, s3)
	}
	for ; j+8 <= d; j += 8 {
		var s vec
		for i, a := range x {
			s = s.Add(archsimd.BroadcastFloat32x8(a).Mul(load(pm, i*d+j)))
		}
		store(py, j, s)
	}
	for ; j < d; j++ {
		s := float32(0)
		for i, a := range x {
			s += float32(a * m[i*d+j])
		}
		y[j] = s
	}
}

func dot256(x, y []float32) float32 {
	y = y[:len(x)]
	var s vec
	for len(x) >= 8 {
		s = s.Add(archsimd.LoadFloat32x8Slice(x).Mul(archsimd.LoadFloat32x8Slice(y)))
		x, y = x[8:], y[8:]
	}
	var part [8]float32
	s.Store(&part)
	return dotTail(&part, x, y)
}

func dist2256(x, y []float32) float32 {
	y = y[:len(x)]
	var s vec
	for len(x) >= 8 {
		v := archsimd.LoadFloat32x8Slice(x).Sub(archsimd.LoadFloat32x8Slice(y))
		s = s.Add(v.Mul(v))
		x, y = x[8:], y[8:]
	}
	var part [8]float32
	s.Store(&part)
	return dist2Tail(&part, x, y)
}

func rank1256(m, x []float32, scale float32, lower bool) {
	d := len(x)
	if d == 0 {
		return
	}
	_ = m[d*d-1] // the loops check no bounds
	pm, py, end := &m[0], &x[0], d
	for i, a := range x {
		if lower {
			end = min(d, i|7+1)
		}
		a *= scale
		v, at, j := archsimd.BroadcastFloat32x8(a), i*d, 0
		for ; j+16 <= end; j += 16 {
			store(pm, at+j, load(pm, at+j).Add(v.Mul(load(py, j))))
			store(pm, at+j+8, load(pm, at+j+8).Add(v.Mul(load(py, j+8))))
		}
		for ; j+8 <= end; j += 8 {
			store(pm, at+j, load(pm, at+j).Add(v.Mul(load(py, j))))
		}
		for ; j < end; j++ {
			m[at+j] += float32(a * x[j])
		}
	}
}
