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
