//go:build goexperiment.simd && amd64

package nn

import (
	"simd/archsimd"
	"unsafe"
)

// The tiles below keep a block of C in registers while p runs: up to eight sums, which hide the
// latency of the fused multiplication; more than fifteen vectors would make the compiler spill.
// kernel_avx2.go has the same in vectors of 8.

type vec512 = archsimd.Float32x16

func load512(p unsafe.Pointer, off int) vec512 {
	return archsimd.LoadFloat32x16((*[16]float32)(unsafe.Add(p, off)))
}

func splat512(p unsafe.Pointer, off int) vec512 { return archsimd.BroadcastFloat32x16(num(p, off)) }

func store512(p unsafe.Pointer, v vec512) { v.Store((*[16]float32)(p)) }

func mask512(n int) archsimd.Mask32x16 {
	return archsimd.Mask32x16FromBits(uint16(1<<min(n, 16) - 1))
}

// gemm512 is gemm on AVX-512.
func gemm512(m, n, k int, a []float32, ar, ac int, b []float32, ldb int, c0 []float32, ld0 int, c []float32, ldc int) {
	checkGemm(m, n, k, a, ar, ac, b, ldb, c0, ld0, c, ldc)
	if slim(m, n, k, ar) {
		gemmSlim(true, m, n, k, a, ac, b, ldb, c0, ld0, c, ldc)
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
		for ; j+32 <= n; j += 32 {
			tile4x2w512(k, ptr(pa, i*ar), ar, ac, ptr(pb, j), ldb, start(i, j), ld0, ptr(pc, i*ldc+j), ldc)
		}
		for ; j < n; j += 16 {
			tile4x1w512(k, ptr(pa, i*ar), ar, ac, ptr(pb, j), ldb, start(i, j), ld0, ptr(pc, i*ldc+j), ldc, n-j)
		}
	}
	for ; i < m; i++ {
		j := 0
		for ; j+64 <= n; j += 64 {
			tile1x4w512(k, ptr(pa, i*ar), ac, ptr(pb, j), ldb, start(i, j), ptr(pc, i*ldc+j))
		}
		for ; j+32 <= n; j += 32 {
			tile1x2w512(k, ptr(pa, i*ar), ac, ptr(pb, j), ldb, start(i, j), ptr(pc, i*ldc+j))
		}
		for ; j < n; j += 16 {
			tile1x1w512(k, ptr(pa, i*ar), ac, ptr(pb, j), ldb, start(i, j), ptr(pc, i*ldc+j), n-j)
		}
	}
}

// tile4x2w512 computes 4 rows of 32 columns. c0 may be nil.
func tile4x2w512(k int, a unsafe.Pointer, ar, ac int, b unsafe.Pointer, ldb int, c0 unsafe.Pointer, ld0 int, c unsafe.Pointer, ldc int) {
	var s00, s01, s10, s11, s20, s21, s30, s31 vec512
	if c0 != nil {
		s00, s01 = load512(c0, 0), load512(c0, 64)
		s10, s11 = load512(c0, 4*ld0), load512(c0, 4*ld0+64)
		s20, s21 = load512(c0, 8*ld0), load512(c0, 8*ld0+64)
		s30, s31 = load512(c0, 12*ld0), load512(c0, 12*ld0+64)
	}
	a1, a2, a3, b1 := ptr(a, ar), ptr(a, 2*ar), ptr(a, 3*ar), ptr(b, 16)
	for ao, bo := 0, 0; k > 0; k-- {
		x, y := load512(b, bo), load512(b1, bo)
		v := splat512(a, ao)
		s00, s01 = v.MulAdd(x, s00), v.MulAdd(y, s01)
		v = splat512(a1, ao)
		s10, s11 = v.MulAdd(x, s10), v.MulAdd(y, s11)
		v = splat512(a2, ao)
		s20, s21 = v.MulAdd(x, s20), v.MulAdd(y, s21)
		v = splat512(a3, ao)
		s30, s31 = v.MulAdd(x, s30), v.MulAdd(y, s31)
		ao += 4 * ac
		bo += 4 * ldb
	}
	store512(c, s00)
	store512(ptr(c, 16), s01)
	store512(ptr(c, ldc), s10)
	store512(ptr(c, ldc+16), s11)
	store512(ptr(c, 2*ldc), s20)
	store512(ptr(c, 2*ldc+16), s21)
	store512(ptr(c, 3*ldc), s30)
	store512(ptr(c, 3*ldc+16), s31)
}

// tile4x1w512 computes 4 rows of min(cols, 16) columns. The pointers of masked vectors may reach
// beyond their slices, but nothing is touched there.
//
//go:nocheckptr
func tile4x1w512(k int, a unsafe.Pointer, ar, ac int, b unsafe.Pointer, ldb int, c0 unsafe.Pointer, ld0 int, c unsafe.Pointer, ldc, cols int) {
	mask := mask512(cols)
	var s0, s1, s2, s3 vec512
	if c0 != nil {
		s0 = archsimd.LoadMaskedFloat32x16((*[16]float32)(c0), mask)
		s1 = archsimd.LoadMaskedFloat32x16((*[16]float32)(ptr(c0, ld0)), mask)
		s2 = archsimd.LoadMaskedFloat32x16((*[16]float32)(ptr(c0, 2*ld0)), mask)
		s3 = archsimd.LoadMaskedFloat32x16((*[16]float32)(ptr(c0, 3*ld0)), mask)
	}
	a1, a2, a3 := ptr(a, ar), ptr(a, 2*ar), ptr(a, 3*ar)
	for ao, bo := 0, 0; k > 0; k-- {
		x := archsimd.LoadMaskedFloat32x16((*[16]float32)(unsafe.Add(b, bo)), mask)
		s0 = splat512(a, ao).MulAdd(x, s0)
		s1 = splat512(a1, ao).MulAdd(x, s1)
		s2 = splat512(a2, ao).MulAdd(x, s2)
		s3 = splat512(a3, ao).MulAdd(x, s3)
		ao += 4 * ac
		bo += 4 * ldb
	}
	s0.StoreMasked((*[16]float32)(c), mask)
	s1.StoreMasked((*[16]float32)(ptr(c, ldc)), mask)
	s2.StoreMasked((*[16]float32)(ptr(c, 2*ldc)), mask)
	s3.StoreMasked((*[16]float32)(ptr(c, 3*ldc)), mask)
}

// tile1x4w512 computes 64 columns of one row.
func tile1x4w512(k int, a unsafe.Pointer, ac int, b unsafe.Pointer, ldb int, c0, c unsafe.Pointer) {
	var s0, s1, s2, s3 vec512
	if c0 != nil {
		s0, s1, s2, s3 = load512(c0, 0), load512(c0, 64), load512(c0, 128), load512(c0, 192)
	}
	for ao, bo := 0, 0; k > 0; k-- {
		v := splat512(a, ao)
		s0 = v.MulAdd(load512(b, bo), s0)
		s1 = v.MulAdd(load512(b, bo+64), s1)
		s2 = v.MulAdd(load512(b, bo+128), s2)
		s3 = v.MulAdd(load512(b, bo+192), s3)
		ao += 4 * ac
		bo += 4 * ldb
	}
	store512(c, s0)
	store512(ptr(c, 16), s1)
	store512(ptr(c, 32), s2)
	store512(ptr(c, 48), s3)
}

// tile1x2w512 computes 32 columns of one row.
func tile1x2w512(k int, a unsafe.Pointer, ac int, b unsafe.Pointer, ldb int, c0, c unsafe.Pointer) {
	var s0, s1 vec512
	if c0 != nil {
		s0, s1 = load512(c0, 0), load512(c0, 64)
	}
	for ao, bo := 0, 0; k > 0; k-- {
		v := splat512(a, ao)
		s0, s1 = v.MulAdd(load512(b, bo), s0), v.MulAdd(load512(b, bo+64), s1)
		ao += 4 * ac
		bo += 4 * ldb
	}
	store512(c, s0)
	store512(ptr(c, 16), s1)
}

// tile1x1w512 computes min(cols, 16) columns of one row.
//
//go:nocheckptr
func tile1x1w512(k int, a unsafe.Pointer, ac int, b unsafe.Pointer, ldb int, c0, c unsafe.Pointer, cols int) {
	mask := mask512(cols)
	var s vec512
	if c0 != nil {
		s = archsimd.LoadMaskedFloat32x16((*[16]float32)(c0), mask)
	}
	for ao, bo := 0, 0; k > 0; k-- {
		s = splat512(a, ao).MulAdd(archsimd.LoadMaskedFloat32x16((*[16]float32)(unsafe.Add(b, bo)), mask), s)
		ao += 4 * ac
		bo += 4 * ldb
	}
	s.StoreMasked((*[16]float32)(c), mask)
}

func tanh512(x []float32) {
	one, limit := archsimd.BroadcastFloat32x16(1), archsimd.BroadcastFloat32x16(tanhLimit)
	minusOne, minusLimit := archsimd.BroadcastFloat32x16(-1), archsimd.BroadcastFloat32x16(-tanhLimit)
	p1, p2, p3, p4 := archsimd.BroadcastFloat32x16(tanhP1), archsimd.BroadcastFloat32x16(tanhP2), archsimd.BroadcastFloat32x16(tanhP3), archsimd.BroadcastFloat32x16(tanhP4)
	q1, q2, q3, q4 := archsimd.BroadcastFloat32x16(tanhQ1), archsimd.BroadcastFloat32x16(tanhQ2), archsimd.BroadcastFloat32x16(tanhQ3), archsimd.BroadcastFloat32x16(tanhQ4)
	for ; len(x) >= 16; x = x[16:] {
		raw := archsimd.LoadFloat32x16Slice(x)
		v := raw.Min(limit).Max(minusLimit) // of NaN, either
		z := v.Mul(v)
		p := p4.MulAdd(z, p3).MulAdd(z, p2).MulAdd(z, p1).MulAdd(z, one)
		q := q4.MulAdd(z, q3).MulAdd(z, q2).MulAdd(z, q1).MulAdd(z, one)
		raw.Merge(p.Mul(v).Div(q).Min(one).Max(minusOne), raw.IsNaN()).StoreSlice(x)
	}
	tanh256(x)
}
