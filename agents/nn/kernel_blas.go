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
	if ac != 1 || ar < k { // ar may be 1 too, if m is
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

// narrowGemm adds A*B to C in plain Go, four sums at a time.
func narrowGemm(m, n, k int, a []float32, ar, ac int, b []float32, ldb int, c []float32, ldc int) {
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		j := 0
		for ; j+4 <= n; j += 4 {
			d := row[j : j+4 : j+4]
			s0, s1, s2, s3 := d[0], d[1], d[2], d[3]
			for p, at := 0, i*ar; p < k; p, at = p+1, at+ac {
				x, y := a[at], b[p*ldb+j:p*ldb+j+4]
				s0 += float32(x * y[0])
				s1 += float32(x * y[1])
				s2 += float32(x * y[2])
				s3 += float32(x * y[3])
			}
			d[0], d[1], d[2], d[3] = s0, s1, s2, s3
		}
		for ; j < n; j++ {
			s := row[j]
			for p, at := 0, i*ar; p < k; p, at = p+1, at+ac {
				s += float32(a[at] * b[p*ldb+j])
			}
			row[j] = s
		}
	}
}

// tanh x is approximated within 4e-7 by x P(x*x)/Q(x*x), with constant terms 1, for |x| up to
// tanhLimit, where it rounds to 1. The coefficients are our own minimax fit of the relative error
// (2.1e-8 before rounding). In SIMD this is several times cheaper than geom.Tanh, which branches.
const (
	tanhLimit = 9.02

	tanhP1, tanhP2 float32 = 0.13379718363285065, 0.0034940356854349375
	tanhP3, tanhP4 float32 = 2.0583496734616347e-05, 1.331908983104313e-08
	tanhQ1, tanhQ2 float32 = 0.4671303331851959, 0.025871077552437782
	tanhQ3, tanhQ4 float32 = 0.00032830945565365255, 7.762027394164761e-07
)

func tanhGo(x []float32) {
	for i, v := range x {
		if v > tanhLimit {
			v = tanhLimit
		} else if v < -tanhLimit {
			v = -tanhLimit
		}
		z := v * v
		p := float32(tanhP4*z) + tanhP3
		p = float32(p*z) + tanhP2
		p = float32(p*z) + tanhP1
		p = float32(p*z) + 1
		q := float32(tanhQ4*z) + tanhQ3
		q = float32(q*z) + tanhQ2
		q = float32(q*z) + tanhQ1
		q = float32(q*z) + 1
		y := float32(p*v) / q
		if y > 1 {
			y = 1
		} else if y < -1 {
			y = -1
		}
		x[i] = y
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
		if !(v > 0) {
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
