//go:build goexperiment.simd && amd64

package explore

import (
	"simd/archsimd"
	"unsafe"
)

// These loops do what those of kernel_simd.go do for two rows of a block at once.

type vec512 = archsimd.Float32x16

func load512(p *float32, i int) vec512 {
	return archsimd.LoadFloat32x16((*[16]float32)(unsafe.Add(unsafe.Pointer(p), 4*i)))
}

func store512(p *float32, i int, v vec512) {
	v.Store((*[16]float32)(unsafe.Add(unsafe.Pointer(p), 4*i)))
}

// both returns a vector of two halves.
func both(lo, hi vec) vec512 { return vec512{}.SetLo(lo).SetHi(hi) }

func symv512(y, m, x []float32) {
	d := len(x)
	if d == 0 {
		return
	}
	_, _ = y[d-1], m[packed(d)-1] // the loops check no bounds
	py, pm, px, at := &y[0], &m[0], &x[0], 0
	for bi := 0; bi < d; bi += 8 {
		var a0, a1, a2, a3 vec512
		x0, x1 := both(spread(px, bi), spread(px, bi+1)), both(spread(px, bi+2), spread(px, bi+3))
		x2, x3 := both(spread(px, bi+4), spread(px, bi+5)), both(spread(px, bi+6), spread(px, bi+7))
		for bj := 0; bj < bi; bj += 8 {
			half := load(px, bj)
			v, s := both(half, half), both(load(py, bj), vec{})
			t := load512(pm, at)
			a0, s = a0.Add(t.Mul(v)), s.Add(x0.Mul(t))
			t = load512(pm, at+16)
			a1, s = a1.Add(t.Mul(v)), s.Add(x1.Mul(t))
			t = load512(pm, at+32)
			a2, s = a2.Add(t.Mul(v)), s.Add(x2.Mul(t))
			t = load512(pm, at+48)
			a3, s = a3.Add(t.Mul(v)), s.Add(x3.Mul(t))
			store(py, bj, s.GetLo().Add(s.GetHi()))
			at += 64
		}
		half := load(px, bi)
		v := both(half, half)
		a0 = a0.Add(load512(pm, at).Mul(v))
		a1 = a1.Add(load512(pm, at+16).Mul(v))
		a2 = a2.Add(load512(pm, at+32).Mul(v))
		a3 = a3.Add(load512(pm, at+48).Mul(v))
		at += 64
		store(py, bi, sums(a0.GetLo(), a0.GetHi(), a1.GetLo(), a1.GetHi(), a2.GetLo(), a2.GetHi(), a3.GetLo(), a3.GetHi()))
	}
}

func rank8512(m, w []float32, sign float32) {
	d := len(w) / 8
	if d == 0 {
		return
	}
	_ = m[packed(d)-1] // the loops check no bounds
	pm, pw, at := &m[0], &w[0], 0
	var rows [32]vec512 // sign times w, of each two rows of a block and each vector
	s := archsimd.BroadcastFloat32x8(sign)
	for bi := 0; bi < d; bi += 8 {
		for r := range 4 {
			for k := range 8 {
				i := k*d + bi + 2*r
				rows[8*r+k] = both(s.Mul(spread(pw, i)), s.Mul(spread(pw, i+1)))
			}
		}
		for bj := 0; bj <= bi; bj += 8 {
			twice := func(i int) vec512 { v := load(pw, i+bj); return both(v, v) }
			v0, v1, v2, v3 := twice(0), twice(d), twice(2*d), twice(3*d)
			v4, v5, v6, v7 := twice(4*d), twice(5*d), twice(6*d), twice(7*d)
			for r := 0; r < 32; r += 8 {
				row := (*[8]vec512)(rows[r:])
				t := load512(pm, at)
				t = t.Add(row[0].Mul(v0))
				t = t.Add(row[1].Mul(v1))
				t = t.Add(row[2].Mul(v2))
				t = t.Add(row[3].Mul(v3))
				t = t.Add(row[4].Mul(v4))
				t = t.Add(row[5].Mul(v5))
				t = t.Add(row[6].Mul(v6))
				t = t.Add(row[7].Mul(v7))
				store512(pm, at, t)
				at += 16
			}
		}
	}
}
