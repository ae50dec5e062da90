//go:build goexperiment.simd && amd64

package explore

import (
	"simd/archsimd"
	"unsafe"
)

// kernels returns what the processor can run, the fastest last: an instruction that it lacks
// would kill the process.
func kernels() []kernel {
	ks := []kernel{portable}
	if archsimd.X86.AVX2() {
		ks = append(ks, kernel{symv256, rank8256, apart256, dot256, dist2256, scale256, eliminate64256, mix64256, outer64256})
		if archsimd.X86.AVX512() {
			ks = append(ks, kernel{symv512, rank8512, apart256, dot256, dist2256, scale256, eliminate64256, mix64256, outer64256})
		}
	}
	return ks
}

type vec = archsimd.Float32x8

func load(p *float32, i int) vec {
	return archsimd.LoadFloat32x8((*[8]float32)(unsafe.Add(unsafe.Pointer(p), 4*i)))
}

func store(p *float32, i int, v vec) {
	v.Store((*[8]float32)(unsafe.Add(unsafe.Pointer(p), 4*i)))
}

func spread(p *float32, i int) vec {
	return archsimd.BroadcastFloat32x8(*(*float32)(unsafe.Add(unsafe.Pointer(p), 4*i)))
}

func symv256(y, m, x []float32) {
	d := len(x)
	if d == 0 {
		return
	}
	_, _ = y[d-1], m[packed(d)-1] // the loops check no bounds
	py, pm, px, at := &y[0], &m[0], &x[0], 0
	for bi := 0; bi < d; bi += 8 {
		var a0, a1, a2, a3, a4, a5, a6, a7 vec
		x0, x1, x2, x3 := spread(px, bi), spread(px, bi+1), spread(px, bi+2), spread(px, bi+3)
		x4, x5, x6, x7 := spread(px, bi+4), spread(px, bi+5), spread(px, bi+6), spread(px, bi+7)
		for bj := 0; bj < bi; bj += 8 {
			v := load(px, bj)
			t := load(pm, at)
			even := load(py, bj).Add(x0.Mul(t))
			a0 = a0.Add(t.Mul(v))
			t = load(pm, at+8)
			odd := x1.Mul(t)
			a1 = a1.Add(t.Mul(v))
			t = load(pm, at+16)
			a2, even = a2.Add(t.Mul(v)), even.Add(x2.Mul(t))
			t = load(pm, at+24)
			a3, odd = a3.Add(t.Mul(v)), odd.Add(x3.Mul(t))
			t = load(pm, at+32)
			a4, even = a4.Add(t.Mul(v)), even.Add(x4.Mul(t))
			t = load(pm, at+40)
			a5, odd = a5.Add(t.Mul(v)), odd.Add(x5.Mul(t))
			t = load(pm, at+48)
			a6, even = a6.Add(t.Mul(v)), even.Add(x6.Mul(t))
			t = load(pm, at+56)
			a7, odd = a7.Add(t.Mul(v)), odd.Add(x7.Mul(t))
			store(py, bj, even.Add(odd))
			at += 64
		}
		v := load(px, bi)
		a0 = a0.Add(load(pm, at).Mul(v))
		a1 = a1.Add(load(pm, at+8).Mul(v))
		a2 = a2.Add(load(pm, at+16).Mul(v))
		a3 = a3.Add(load(pm, at+24).Mul(v))
		a4 = a4.Add(load(pm, at+32).Mul(v))
		a5 = a5.Add(load(pm, at+40).Mul(v))
		a6 = a6.Add(load(pm, at+48).Mul(v))
		a7 = a7.Add(load(pm, at+56).Mul(v))
		at += 64
		store(py, bi, sums(a0, a1, a2, a3, a4, a5, a6, a7))
	}
}

// sums returns the sum of each vector: of pairs, then of pairs of pairs, then of both halves.
func sums(a0, a1, a2, a3, a4, a5, a6, a7 vec) vec {
	low := a0.AddPairsGrouped(a1).AddPairsGrouped(a2.AddPairsGrouped(a3))
	high := a4.AddPairsGrouped(a5).AddPairsGrouped(a6.AddPairsGrouped(a7))
	return vec{}.SetLo(low.GetLo().Add(low.GetHi())).SetHi(high.GetLo().Add(high.GetHi()))
}

func rank8256(m, w []float32, sign float32) {
	d := len(w) / 8
	if d == 0 {
		return
	}
	_ = m[packed(d)-1] // the loops check no bounds
	pm, pw, at := &m[0], &w[0], 0
	var rows [64]vec // sign times w, of each row of a block and each vector
	for bi := 0; bi < d; bi += 8 {
		s := archsimd.BroadcastFloat32x8(sign)
		for r := range 8 {
			for k := range 8 {
				rows[8*r+k] = s.Mul(spread(pw, k*d+bi+r))
			}
		}
		for bj := 0; bj <= bi; bj += 8 {
			v0, v1, v2, v3 := load(pw, bj), load(pw, d+bj), load(pw, 2*d+bj), load(pw, 3*d+bj)
			v4, v5, v6, v7 := load(pw, 4*d+bj), load(pw, 5*d+bj), load(pw, 6*d+bj), load(pw, 7*d+bj)
			for r := 0; r < 64; r += 8 {
				row := (*[8]vec)(rows[r:])
				t := load(pm, at)
				t = t.Add(row[0].Mul(v0))
				t = t.Add(row[1].Mul(v1))
				t = t.Add(row[2].Mul(v2))
				t = t.Add(row[3].Mul(v3))
				t = t.Add(row[4].Mul(v4))
				t = t.Add(row[5].Mul(v5))
				t = t.Add(row[6].Mul(v6))
				t = t.Add(row[7].Mul(v7))
				store(pm, at, t)
				at += 8
			}
		}
	}
}

func apart256(u, w, x []float32, n int) float32 {
	d := len(x)
	if d == 0 {
		return 0
	}
	_, _ = u[d-1], w[8*d-1] // the loops check no bounds
	pu, pw, px := &u[0], &w[0], &x[0]
	var s0, s1, s2, s3, s4, s5, s6, s7, sum vec
	for j := 0; j < d; j += 8 {
		v := load(px, j)
		s0, s1 = s0.Add(load(pw, j).Mul(v)), s1.Add(load(pw, d+j).Mul(v))
		s2, s3 = s2.Add(load(pw, 2*d+j).Mul(v)), s3.Add(load(pw, 3*d+j).Mul(v))
		s4, s5 = s4.Add(load(pw, 4*d+j).Mul(v)), s5.Add(load(pw, 5*d+j).Mul(v))
		s6, s7 = s6.Add(load(pw, 6*d+j).Mul(v)), s7.Add(load(pw, 7*d+j).Mul(v))
	}
	var a [8]float32
	sums(s0, s1, s2, s3, s4, s5, s6, s7).Store(&a)
	clear(a[n:])
	s0, s1, s2, s3 = spread(&a[0], 0), spread(&a[0], 1), spread(&a[0], 2), spread(&a[0], 3)
	s4, s5, s6, s7 = spread(&a[0], 4), spread(&a[0], 5), spread(&a[0], 6), spread(&a[0], 7)
	for j := 0; j < d; j += 8 {
		t := load(pu, j).Sub(s0.Mul(load(pw, j))).Sub(s1.Mul(load(pw, d+j)))
		t = t.Sub(s2.Mul(load(pw, 2*d+j))).Sub(s3.Mul(load(pw, 3*d+j)))
		t = t.Sub(s4.Mul(load(pw, 4*d+j))).Sub(s5.Mul(load(pw, 5*d+j)))
		t = t.Sub(s6.Mul(load(pw, 6*d+j))).Sub(s7.Mul(load(pw, 7*d+j)))
		store(pu, j, t)
		sum = sum.Add(t.Mul(load(px, j)))
	}
	var part [8]float32
	sum.Store(&part)
	return dotTail(&part, nil, nil)
}

func scale256(x []float32, a float32) {
	v := archsimd.BroadcastFloat32x8(a)
	for len(x) >= 8 {
		archsimd.LoadFloat32x8Slice(x).Mul(v).StoreSlice(x)
		x = x[8:]
	}
	scaleGo(x, a)
}

// The loops over float64 take four numbers at a time, also beyond a diagonal, where nothing is read.

type long = archsimd.Float64x4

func load64(p *float64, i int) long {
	return archsimd.LoadFloat64x4((*[4]float64)(unsafe.Add(unsafe.Pointer(p), 8*i)))
}

func store64(p *float64, i int, v long) {
	v.Store((*[4]float64)(unsafe.Add(unsafe.Pointer(p), 8*i)))
}

func eliminate64256(m, row []float64, k int) {
	d := len(row)
	if d%4 > 0 || k >= d {
		eliminate64Go(m, row, k)
		return
	}
	_ = m[d*d-1] // the loops check no bounds
	pm, px := &m[0], &row[0]
	for i := k + 1; i < d; i++ {
		a := archsimd.BroadcastFloat64x4(-row[i])
		for j := i &^ 3; j < d; j += 4 {
			store64(pm, i*d+j, load64(pm, i*d+j).Add(a.Mul(load64(px, j))))
		}
	}
}

func mix64256(y, m, a []float64) {
	d := len(y)
	if d%4 > 0 || len(a) == 0 {
		mix64Go(y, m, a)
		return
	}
	_ = m[len(a)*d-1] // the loops check no bounds
	py, pm := &y[0], &m[0]
	for k, x := range a {
		v := archsimd.BroadcastFloat64x4(x)
		for j := 0; j <= k; j += 4 {
			store64(py, j, load64(py, j).Add(v.Mul(load64(pm, k*d+j))))
		}
	}
}

func outer64256(m, x []float64, n int) {
	d := len(x)
	if d%4 > 0 || n == 0 {
		outer64Go(m, x, n)
		return
	}
	_ = m[n*d-1] // the loops check no bounds
	pm, px := &m[0], &x[0]
	for i := range n {
		v := archsimd.BroadcastFloat64x4(x[i])
		for j := 0; j <= i; j += 4 {
			store64(pm, i*d+j, load64(pm, i*d+j).Add(v.Mul(load64(px, j))))
		}
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
