//go:build goexperiment.simd && amd64

package explore

// These loops do what those of kernel_simd.go do for two rows of a block at once, with a number of each of
// eight vectors in every register: more than Go keeps there.

func symv512(y, m, x []float32) {
	d := len(x)
	if d == 0 {
		return
	}
	_, _ = y[d-1], m[packed(d)-1] // the loops check no bounds
	symvPairs(&y[0], &m[0], &x[0], d/8)
}

func rank8512(m, w []float32, sign float32) {
	d := len(w) / 8
	if d == 0 {
		return
	}
	_ = m[packed(d)-1] // the loops check no bounds
	rank8Pairs(&m[0], &w[0], d/8, sign)
}

// rank8Pairs is rank8 of a matrix of rows of blocks, for vectors of 8 numbers a block.
//
//go:noescape
func rank8Pairs(m, w *float32, blocks int, sign float32)

// symvPairs is symv of a matrix of rows of blocks.
//
//go:noescape
func symvPairs(y, m, x *float32, blocks int)
