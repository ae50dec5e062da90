//go:build goexperiment.simd && amd64

package nn

import (
	"simd/archsimd"
	"unsafe"
)

// The tiles of kernel_avx512.go in vectors of 8. Each element of a result is the same sum in the
// same order, so that both kernels give the same bits.

func load256(p unsafe.Pointer, off int) vec {
	return archsimd.LoadFloat32x8((*[8]float32)(unsafe.Add(p, off)))
}

func splat256(p unsafe.Pointer, off int) vec { return archsimd.BroadcastFloat32x8(num(p, off)) }

func store256(p unsafe.Pointer, v vec) { v.Store((*[8]float32)(p)) }

// maskTable holds 8 lanes on, then 8 off.
var maskTable = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

func mask256(n int) archsimd.Mask32x8 {
	var zero archsimd.Int32x8
	return zero.Greater(archsimd.LoadInt32x8((*[8]int32)(maskTable[8-min(n, 8):])))
}

// gemm256 is gemm on AVX2.
func gemm256(m, n, k int, a []float32, ar, ac int, b []float32, ldb int, c0 []float32, ld0 int, c []float32, ldc int) {
	checkGemm(m, n, k, a, ar, ac, b, ldb, c0, ld0, c, ldc)
	if slim(m, n, k, ar) {
		gemmSlim(false, m, n, k, a, ac, b, ldb, c0, ld0, c, ldc)
		return
	}
	pa, pb, pc, p0 := unsafe.Pointer(&a[0]), unsafe.Pointer(&b[0]), unsafe.Pointer(&c[0]), unsafe.Pointer(unsafe.SliceData(c0))
	start := func(i, j int) unsafe.Pointer {
		if c0 == nil {
			return nil
		}
		return ptr(p0, i*ld0+j)
	}
	i := 0
	if n == 1 && ac == 1 {
		i = gemmColumn(m, k, pa, ar, pb, ldb, c0, ld0, c, ldc)
	}
	for ; i+4 <= m; i += 4 {
		j := 0
		for ; j+16 <= n; j += 16 {
			tile4x2w256(k, ptr(pa, i*ar), ar, ac, ptr(pb, j), ldb, start(i, j), ld0, ptr(pc, i*ldc+j), ldc)
		}
		for ; j < n; j += 8 {
			tile4x1w256(k, ptr(pa, i*ar), ar, ac, ptr(pb, j), ldb, start(i, j), ld0, ptr(pc, i*ldc+j), ldc, n-j)
		}
	}
	for ; i < m; i++ {
		j := 0
		for ; j+32 <= n; j += 32 {
			tile1x4w256(k, ptr(pa, i*ar), ac, ptr(pb, j), ldb, start(i, j), ptr(pc, i*ldc+j))
		}
		for ; j+16 <= n; j += 16 {
			tile1x2w256(k, ptr(pa, i*ar), ac, ptr(pb, j), ldb, start(i, j), ptr(pc, i*ldc+j))
		}
		for ; j < n; j += 8 {
			tile1x1w256(k, ptr(pa, i*ar), ac, ptr(pb, j), ldb, start(i, j), ptr(pc, i*ldc+j), n-j)
		}
	}
}

// tile4x2w256 computes 4 rows of 16 columns. c0 may be nil.
func tile4x2w256(k int, a unsafe.Pointer, ar, ac int, b unsafe.Pointer, ldb int, c0 unsafe.Pointer, ld0 int, c unsafe.Pointer, ldc int) {
	var s00, s01, s10, s11, s20, s21, s30, s31 vec
	if c0 != nil {
		s00, s01 = load256(c0, 0), load256(c0, 32)
		s10, s11 = load256(c0, 4*ld0), load256(c0, 4*ld0+32)
		s20, s21 = load256(c0, 8*ld0), load256(c0, 8*ld0+32)
		s30, s31 = load256(c0, 12*ld0), load256(c0, 12*ld0+32)
	}
	a1, a2, a3, b1 := ptr(a, ar), ptr(a, 2*ar), ptr(a, 3*ar), ptr(b, 8)
	for ao, bo := 0, 0; k > 0; k-- {
		x, y := load256(b, bo), load256(b1, bo)
		v := splat256(a, ao)
		s00, s01 = v.MulAdd(x, s00), v.MulAdd(y, s01)
		v = splat256(a1, ao)
		s10, s11 = v.MulAdd(x, s10), v.MulAdd(y, s11)
		v = splat256(a2, ao)
		s20, s21 = v.MulAdd(x, s20), v.MulAdd(y, s21)
		v = splat256(a3, ao)
		s30, s31 = v.MulAdd(x, s30), v.MulAdd(y, s31)
		ao += 4 * ac
		bo += 4 * ldb
	}
	store256(c, s00)
	store256(ptr(c, 8), s01)
	store256(ptr(c, ldc), s10)
	store256(ptr(c, ldc+8), s11)
	store256(ptr(c, 2*ldc), s20)
	store256(ptr(c, 2*ldc+8), s21)
	store256(ptr(c, 3*ldc), s30)
	store256(ptr(c, 3*ldc+8), s31)
}

// tile4x1w256 computes 4 rows of min(cols, 8) columns. The pointers of masked vectors may reach
// beyond their slices, but nothing is touched there.
//
//go:nocheckptr
func tile4x1w256(k int, a unsafe.Pointer, ar, ac int, b unsafe.Pointer, ldb int, c0 unsafe.Pointer, ld0 int, c unsafe.Pointer, ldc, cols int) {
	mask := mask256(cols)
	var s0, s1, s2, s3 vec
	if c0 != nil {
		s0 = archsimd.LoadMaskedFloat32x8((*[8]float32)(c0), mask)
		s1 = archsimd.LoadMaskedFloat32x8((*[8]float32)(ptr(c0, ld0)), mask)
		s2 = archsimd.LoadMaskedFloat32x8((*[8]float32)(ptr(c0, 2*ld0)), mask)
		s3 = archsimd.LoadMaskedFloat32x8((*[8]float32)(ptr(c0, 3*ld0)), mask)
	}
	a1, a2, a3 := ptr(a, ar), ptr(a, 2*ar), ptr(a, 3*ar)
	for ao, bo := 0, 0; k > 0; k-- {
		x := archsimd.LoadMaskedFloat32x8((*[8]float32)(unsafe.Add(b, bo)), mask)
		s0 = splat256(a, ao).MulAdd(x, s0)
		s1 = splat256(a1, ao).MulAdd(x, s1)
		s2 = splat256(a2, ao).MulAdd(x, s2)
		s3 = splat256(a3, ao).MulAdd(x, s3)
		ao += 4 * ac
		bo += 4 * ldb
	}
	s0.StoreMasked((*[8]float32)(c), mask)
	s1.StoreMasked((*[8]float32)(ptr(c, ldc)), mask)
	s2.StoreMasked((*[8]float32)(ptr(c, 2*ldc)), mask)
	s3.StoreMasked((*[8]float32)(ptr(c, 3*ldc)), mask)
}

// tile1x4w256 computes 32 columns of one row.
func tile1x4w256(k int, a unsafe.Pointer, ac int, b unsafe.Pointer, ldb int, c0, c unsafe.Pointer) {
	var s0, s1, s2, s3 vec
	if c0 != nil {
		s0, s1, s2, s3 = load256(c0, 0), load256(c0, 32), load256(c0, 64), load256(c0, 96)
	}
	for ao, bo := 0, 0; k > 0; k-- {
		v := splat256(a, ao)
		s0 = v.MulAdd(load256(b, bo), s0)
		s1 = v.MulAdd(load256(b, bo+32), s1)
		s2 = v.MulAdd(load256(b, bo+64), s2)
		s3 = v.MulAdd(load256(b, bo+96), s3)
		ao += 4 * ac
		bo += 4 * ldb
	}
	store256(c, s0)
	store256(ptr(c, 8), s1)
	store256(ptr(c, 16), s2)
	store256(ptr(c, 24), s3)
}

// tile1x2w256 computes 16 columns of one row.
func tile1x2w256(k int, a unsafe.Pointer, ac int, b unsafe.Pointer, ldb int, c0, c unsafe.Pointer) {
	var s0, s1 vec
	if c0 != nil {
		s0, s1 = load256(c0, 0), load256(c0, 32)
	}
	for ao, bo := 0, 0; k > 0; k-- {
		v := splat256(a, ao)
		s0, s1 = v.MulAdd(load256(b, bo), s0), v.MulAdd(load256(b, bo+32), s1)
		ao += 4 * ac
		bo += 4 * ldb
	}
	store256(c, s0)
	store256(ptr(c, 8), s1)
}

// tile1x1w256 computes min(cols, 8) columns of one row.
//
//go:nocheckptr
func tile1x1w256(k int, a unsafe.Pointer, ac int, b unsafe.Pointer, ldb int, c0, c unsafe.Pointer, cols int) {
	mask := mask256(cols)
	var s vec
	if c0 != nil {
		s = archsimd.LoadMaskedFloat32x8((*[8]float32)(c0), mask)
	}
	for ao, bo := 0, 0; k > 0; k-- {
		s = splat256(a, ao).MulAdd(archsimd.LoadMaskedFloat32x8((*[8]float32)(unsafe.Add(b, bo)), mask), s)
		ao += 4 * ac
		bo += 4 * ldb
	}
	s.StoreMasked((*[8]float32)(c), mask)
}

func tanh256(x []float32) {
	for ; len(x) >= 8; x = x[8:] {
		tanhVec(archsimd.LoadFloat32x8Slice(x)).StoreSlice(x)
	}
	if len(x) > 0 {
		storePart(x, tanhVec(loadPart(x)))
	}
}

func tanhVec(x vec) vec {
	one := splat(1)
	v := x.Min(splat(tanhLimit)).Max(splat(-tanhLimit)) // of NaN, either
	z := v.Mul(v)
	p := splat(tanhP4).MulAdd(z, splat(tanhP3)).MulAdd(z, splat(tanhP2)).MulAdd(z, splat(tanhP1)).MulAdd(z, one)
	q := splat(tanhQ4).MulAdd(z, splat(tanhQ3)).MulAdd(z, splat(tanhQ2)).MulAdd(z, splat(tanhQ1)).MulAdd(z, one)
	return x.Merge(p.Mul(v).Div(q).Min(one).Max(splat(-1)), x.IsNaN())
}
