package nn

import (
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// narrow is the number of columns up to which plain loops beat a call of BLAS for each row.
const narrow = 8

// blasGemm is gemm on gonum's BLAS.
func blasGemm(m, n, k int, a []float32, ar, ac int, b []float32, ldb int, c0 []float32, ld0 int, c []float32, ldc int) {
	fillRows(m, n, c0, ld0, c, ldc)
	if n <= narrow {
		narrowGemm(m, n, k, a, ar, ac, b, ldb, c, ldc)
		return
	}
	// gonum starts goroutines from four tiles of 64 x 64 on; networks are parallel over blocks
	// of rows already, so give it three at a time.
	const tile = 64
	trans, lda := blas.NoTrans, ar
	if ac != 1 {
		trans, lda = blas.Trans, ac
	}
	for i := 0; i < m; i += tile {
		rows := min(tile, m-i)
		ga := blas32.General{Rows: rows, Cols: k, Stride: lda, Data: a[i*ar:]}
		if trans == blas.Trans {
			ga.Rows, ga.Cols = k, rows
		}
		for j := 0; j < n; j += 3 * tile {
			cols := min(3*tile, n-j)
			blas32.Gemm(trans, blas.NoTrans, 1, ga,
				blas32.General{Rows: k, Cols: cols, Stride: ldb, Data: b[j:]},
				1, blas32.General{Rows: rows, Cols: cols, Stride: ldc, Data: c[i*ldc+j:]})
		}
	}
}

// fillRows copies C0 to C.
func fillRows(m, n int, c0 []float32, ld0 int, c []float32, ldc int) {
	if c0 != nil && ld0 == ldc && &c0[0] == &c[0] {
		return
	}
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		if c0 == nil {
			clear(row)
		} else {
			copy(row, c0[i*ld0:i*ld0+n])
		}
	}
}

// narrowGemm adds A*B to C in plain Go.
func narrowGemm(m, n, k int, a []float32, ar, ac int, b []float32, ldb int, c []float32, ldc int) {
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		for p := range k {
			x := a[i*ar+p*ac]
			bp := b[p*ldb : p*ldb+n][:len(row)]
			for j, y := range bp {
				row[j] += float32(x * y)
			}
		}
	}
}

func tanhGo(x []float32) {
	for i, v := range x {
		x[i] = geom.Tanh(v)
	}
}

func tanhGradGo(g, y []float32) {
	y = y[:len(g)]
	for i, v := range y {
		g[i] *= 1 - float32(v*v)
	}
}

func expGo(x []float32) {
	for i, v := range x {
		x[i] = geom.Exp(v)
	}
}

func reluGo(x []float32) {
	for i, v := range x {
		if v < 0 { // NaN stays
			x[i] = 0
		}
	}
}

func reluGradGo(g, y []float32) {
	y = y[:len(g)]
	for i, v := range y {
		if v <= 0 {
			g[i] = 0
		}
	}
}

func addGo(dst, x []float32) {
	x = x[:len(dst)]
	for i, v := range x {
		dst[i] += v
	}
}

func adamGo(p, g, m, v []float32, c adamCoef) {
	g, m, v = g[:len(p)], m[:len(p)], v[:len(p)]
	for i, x := range g {
		x *= c.scale
		mi := float32(c.beta1*m[i]) + float32(c.rest1*x)
		vi := float32(c.beta2*v[i]) + float32(c.rest2*float32(x*x))
		m[i], v[i] = mi, vi
		root := float32(math.Sqrt(float64(float32(vi * c.corr2))))
		p[i] -= float32(c.lr*mi) / (root + c.eps)
	}
}
