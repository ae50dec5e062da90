//go:build goexperiment.simd && amd64

package nn

import (
	"simd/archsimd"
	"unsafe"
)

// simdKernels returns the SIMD kernels that the processor can run, best first. Using an
// instruction that it lacks would kill the process.
func simdKernels() []kernel {
	var ks []kernel
	if !archsimd.X86.AVX2() || !archsimd.X86.FMA() {
		return ks
	}
	if archsimd.X86.AVX512() {
		ks = append(ks, vectorKernel("simd512", gemm512, tanh512))
	}
	return append(ks, vectorKernel("simd256", gemm256, tanh256))
}

// vectorKernel fills in the loops that have one form, of 8 lanes, because they are bound by
// memory or rarely run.
func vectorKernel(name string, g gemm, tanh func([]float32)) kernel {
	return kernel{
		name: name, gemm: g, tanh: tanh, tanhGrad: tanhGrad256, exp: exp256,
		relu: relu256, reluGrad: reluGrad256, add: add256, adam: adam256,
	}
}

type vec = archsimd.Float32x8

func splat(x float32) vec { return archsimd.BroadcastFloat32x8(x) }

// checkGemm panics unless all elements that a product touches are within their slices. The tiles
// rely on it: they use no further bounds checks, which would cost them a third of their speed.
func checkGemm(m, n, k int, a []float32, ar, ac int, b []float32, ldb int, c0 []float32, ld0 int, c []float32, ldc int) {
	if m < 1 || n < 1 || k < 1 || ar < 0 || ac < 0 || ldb < 0 || ld0 < 0 || ldc < 0 {
		panic("nn: matrix product of an empty or negative size")
	}
	_ = a[(m-1)*ar+(k-1)*ac]
	_ = b[(k-1)*ldb+n-1]
	_ = c[(m-1)*ldc+n-1]
	if c0 != nil {
		_ = c0[(m-1)*ld0+n-1]
	}
}

// slimCols and slimRows are the size of the parts of C that gemmSlim computes.
const slimCols, slimRows = 8, 64

// slim tells whether a product is better computed transposed: C has a few columns, which would leave
// most of a vector empty, and the numbers of A that go into a column of C lie side by side.
func slim(m, n, k, ar int) bool { return ar == 1 && n <= slimCols && m > slimCols && k > slimCols }

// gemmSlim is gemm, for which slim holds, by way of the transpose of C. Each element is the same
// sum in the same order.
func gemmSlim(wide bool, m, n, k int, a []float32, ac int, b []float32, ldb int, c0 []float32, ld0 int, c []float32, ldc int) {
	var block [slimCols * slimRows]float32
	for i := 0; i < m; i += slimRows {
		rows := min(slimRows, m-i)
		var start []float32
		if c0 != nil {
			start = block[:n*rows]
			for r := range rows {
				for j, v := range c0[(i+r)*ld0 : (i+r)*ld0+n] {
					start[j*rows+r] = v
				}
			}
		}
		if wide { // rather than by a func value, to which block would escape
			gemm512(n, rows, k, b, 1, ldb, a[i:], ac, start, rows, block[:n*rows], rows)
		} else {
			gemm256(n, rows, k, b, 1, ldb, a[i:], ac, start, rows, block[:n*rows], rows)
		}
		for r := range rows {
			to := c[(i+r)*ldc : (i+r)*ldc+n]
			for j := range to {
				to[j] = block[j*rows+r]
			}
		}
	}
}

// gemmColumn computes the first rows of a product whose C has one column and whose A is stored row by
// row, sixteen at a time, a row a lane, and returns their number. Each element is the same sum in the
// same order as by tiles, which would have one lane of a vector at work.
func gemmColumn(m, k int, a unsafe.Pointer, ar int, b unsafe.Pointer, ldb int, c0 []float32, ld0 int, c []float32, ldc int) (i int) {
	var block [16]float32
	for ; i+16 <= m; i += 16 {
		clear(block[:])
		if c0 != nil {
			for r := range block {
				block[r] = c0[(i+r)*ld0]
			}
		}
		column16(k, ptr(a, i*ar), ar, b, ldb, &block)
		for r, v := range block {
			c[(i+r)*ldc] = v
		}
	}
	return i
}

// column16 adds the products of sixteen rows with a column to s: two sums, which hide half of the
// latency of each other.
func column16(k int, a unsafe.Pointer, ar int, b unsafe.Pointer, ldb int, s *[16]float32) {
	s0, s1 := load256(unsafe.Pointer(s), 0), load256(unsafe.Pointer(s), 32)
	p, row, e := 0, 4*ldb, ptr(a, 8*ar)
	for ; p+4 <= k; p += 4 {
		// Four numbers of each row, those of row r+4 beside those of row r; then column by column.
		at := ptr(a, p)
		x, y, z, w := quads(at, ar), quads(ptr(at, ar), ar), quads(ptr(at, 2*ar), ar), quads(ptr(at, 3*ar), ar)
		xy, zw := x.SelectFromPairGrouped(0, 1, 4, 5, y), z.SelectFromPairGrouped(0, 1, 4, 5, w)
		xyHi, zwHi := x.SelectFromPairGrouped(2, 3, 6, 7, y), z.SelectFromPairGrouped(2, 3, 6, 7, w)
		b0, b1, b2, b3 := splat256(b, p*row), splat256(b, (p+1)*row), splat256(b, (p+2)*row), splat256(b, (p+3)*row)
		s0 = b0.MulAdd(xy.SelectFromPairGrouped(0, 2, 4, 6, zw), s0)
		s0 = b1.MulAdd(xy.SelectFromPairGrouped(1, 3, 5, 7, zw), s0)
		s0 = b2.MulAdd(xyHi.SelectFromPairGrouped(0, 2, 4, 6, zwHi), s0)
		s0 = b3.MulAdd(xyHi.SelectFromPairGrouped(1, 3, 5, 7, zwHi), s0)
		at = ptr(e, p)
		x, y, z, w = quads(at, ar), quads(ptr(at, ar), ar), quads(ptr(at, 2*ar), ar), quads(ptr(at, 3*ar), ar)
		xy, zw = x.SelectFromPairGrouped(0, 1, 4, 5, y), z.SelectFromPairGrouped(0, 1, 4, 5, w)
		xyHi, zwHi = x.SelectFromPairGrouped(2, 3, 6, 7, y), z.SelectFromPairGrouped(2, 3, 6, 7, w)
		s1 = b0.MulAdd(xy.SelectFromPairGrouped(0, 2, 4, 6, zw), s1)
		s1 = b1.MulAdd(xy.SelectFromPairGrouped(1, 3, 5, 7, zw), s1)
		s1 = b2.MulAdd(xyHi.SelectFromPairGrouped(0, 2, 4, 6, zwHi), s1)
		s1 = b3.MulAdd(xyHi.SelectFromPairGrouped(1, 3, 5, 7, zwHi), s1)
	}
	for ; p < k; p++ {
		var x [16]float32
		for r := range x {
			x[r] = num(a, 4*(r*ar+p))
		}
		v := splat256(b, p*row)
		s0, s1 = v.MulAdd(load256(unsafe.Pointer(&x), 0), s0), v.MulAdd(load256(unsafe.Pointer(&x), 32), s1)
	}
	store256(unsafe.Pointer(s), s0)
	store256(ptr(unsafe.Pointer(s), 8), s1)
}

// quads returns four numbers of a row and of the fourth row after it.
func quads(p unsafe.Pointer, ar int) (v vec) {
	return v.SetLo(archsimd.LoadFloat32x4((*[4]float32)(p))).SetHi(archsimd.LoadFloat32x4((*[4]float32)(ptr(p, 4*ar))))
}

// ptr returns the address of the i-th number after p.
func ptr(p unsafe.Pointer, i int) unsafe.Pointer { return unsafe.Add(p, 4*i) }

// num reads the number off bytes after p.
func num(p unsafe.Pointer, off int) float32 { return *(*float32)(unsafe.Add(p, off)) }

// loadPart returns the fewer than 8 numbers of x and zeros.
func loadPart(x []float32) vec {
	var b [8]float32
	copy(b[:], x)
	return archsimd.LoadFloat32x8(&b)
}

// storePart sets the fewer than 8 numbers of x.
func storePart(x []float32, v vec) {
	var b [8]float32
	v.Store(&b)
	copy(x, b[:])
}

// The loops over whole slices come in pairs: a step of 8 numbers, and a last step of the numbers
// left over. That does the same arithmetic, so that the result for a number does not depend on
// where it stands.

func tanhGrad256(g, y []float32) {
	y = y[:len(g)]
	one := splat(1)
	for len(g) >= 8 {
		v := archsimd.LoadFloat32x8Slice(y)
		archsimd.LoadFloat32x8Slice(g).Mul(one.Sub(v.Mul(v))).StoreSlice(g)
		g, y = g[8:], y[8:]
	}
	if len(g) > 0 {
		v := loadPart(y)
		storePart(g, loadPart(g).Mul(one.Sub(v.Mul(v))))
	}
}

func relu256(x []float32) {
	var zero vec
	for ; len(x) >= 8; x = x[8:] {
		v := archsimd.LoadFloat32x8Slice(x)
		zero.Merge(v, v.Less(zero)).StoreSlice(x)
	}
	if len(x) > 0 {
		v := loadPart(x)
		storePart(x, zero.Merge(v, v.Less(zero)))
	}
}

func reluGrad256(g, y []float32) {
	y = y[:len(g)]
	var zero vec
	for len(g) >= 8 {
		keep := zero.Less(archsimd.LoadFloat32x8Slice(y))
		archsimd.LoadFloat32x8Slice(g).Masked(keep).StoreSlice(g)
		g, y = g[8:], y[8:]
	}
	if len(g) > 0 {
		keep := zero.Less(loadPart(y))
		storePart(g, loadPart(g).Masked(keep))
	}
}

func add256(dst, x []float32) {
	x = x[:len(dst)]
	for len(dst) >= 8 {
		archsimd.LoadFloat32x8Slice(dst).Add(archsimd.LoadFloat32x8Slice(x)).StoreSlice(dst)
		dst, x = dst[8:], x[8:]
	}
	addGo(dst, x) // a sum rounds alike everywhere
}

func exp256(x []float32) {
	for ; len(x) >= 8; x = x[8:] {
		expVec(archsimd.LoadFloat32x8Slice(x)).StoreSlice(x)
	}
	if len(x) > 0 {
		storePart(x, expVec(loadPart(x)))
	}
}

// expVec is geom.Exp in eight lanes, with fused multiplications.
func expVec(x vec) vec {
	tiny, nan, whole := x.Less(splat(-87)), x.IsNaN(), x
	x = x.Min(splat(89)).Max(splat(-88))
	k := x.Mul(splat(1.44269504088896341)).RoundToEven()
	r := k.MulAdd(splat(-0.693359375), x)
	r = k.MulAdd(splat(2.12194440e-4), r)
	p := splat(1.9875691500e-4).MulAdd(r, splat(1.3981999507e-3))
	p = p.MulAdd(r, splat(8.3334519073e-3))
	p = p.MulAdd(r, splat(4.1665795894e-2))
	p = p.MulAdd(r, splat(1.6666665459e-1))
	p = p.MulAdd(r, splat(5.0000001201e-1))
	p = p.Mul(r).MulAdd(r, r).Add(splat(1))
	n := k.ConvertToInt32()
	half := n.ShiftAllRight(1) // in two steps: 2^128 has no float32
	p = p.Mul(pow2Vec(half)).Mul(pow2Vec(n.Sub(half)))
	var zero vec
	return whole.Merge(zero.Merge(p, tiny), nan)
}

func pow2Vec(n archsimd.Int32x8) vec {
	return n.Add(archsimd.BroadcastInt32x8(127)).ShiftAllLeft(23).AsFloat32x8()
}

// adam256 does the operations of adamGo in their order, so that both give the same bits.
func adam256(p, g, m, v []float32, c adamCoef) {
	b1, r1, b2, r2 := splat(c.beta1), splat(c.rest1), splat(c.beta2), splat(c.rest2)
	lr, corr2, eps, scale := splat(c.lr), splat(c.corr2), splat(c.eps), splat(c.scale)
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for len(p) >= 8 {
		x := archsimd.LoadFloat32x8Slice(g).Mul(scale)
		mi := b1.Mul(archsimd.LoadFloat32x8Slice(m)).Add(r1.Mul(x))
		vi := b2.Mul(archsimd.LoadFloat32x8Slice(v)).Add(r2.Mul(x.Mul(x)))
		mi.StoreSlice(m)
		vi.StoreSlice(v)
		step := lr.Mul(mi).Div(vi.Mul(corr2).Sqrt().Add(eps))
		archsimd.LoadFloat32x8Slice(p).Sub(step).StoreSlice(p)
		p, g, m, v = p[8:], g[8:], m[8:], v[8:]
	}
	adamGo(p, g, m, v, c)
}
