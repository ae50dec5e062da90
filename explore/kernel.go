package explore

// The inner loops of the ellipse. Every element is the same arithmetic in the same order in the
// portable and in the SIMD form, without fused multiplications, so that both give the same bits.
//
// Matrices are symmetric and hold blocks of 8 x 8 numbers on and below the diagonal: block row 0,
// then the two of block row 1, and so on, each row by row. Their vectors have a multiple of 8
// elements.
type kernel struct {
	// symv sets y to m x.
	symv func(y, m, x []float32)

	// rank8 adds to m sign times the sum of w w' over the eight vectors that w holds one after
	// another.
	rank8 func(m, w []float32, sign float32)

	// apart takes from u, for each of the first n of the eight vectors v that w holds one after
	// another, v times its inner product with x, and returns that of u and x. u may be one of the
	// others.
	apart func(u, w, x []float32, n int) float32

	// dot returns the inner product, in eight partial sums.
	dot func(x, y []float32) float32

	// dist2 returns the squared distance of x and y, in eight partial sums.
	dist2 func(x, y []float32) float32

	// scale multiplies x by a.
	scale func(x []float32, a float32)

	// eliminate64 subtracts from each row of the square matrix m below row k, from its diagonal on,
	// row times the row's element of that number. What is left of the diagonal may be overwritten.
	eliminate64 func(m, row []float64, k int)

	// mix64 adds to y the rows of the square lower triangular matrix m, each times its number in a.
	mix64 func(y, m, a []float64)

	// outer64 adds x x' to the first n rows of the square matrix m, on and below the diagonal. What
	// is right of it may be overwritten. Of x, what follows the first n elements is 0.
	outer64 func(m, x []float64, n int)
}

var portable = kernel{symvGo, rank8Go, apartGo, dotGo, dist2Go, scaleGo, eliminate64Go, mix64Go, outer64Go}

var loops = kernels()[len(kernels())-1]

func symvGo(y, m, x []float32) {
	for bi := 0; bi < len(x); bi += 8 {
		var acc [8][8]float32
		for bj := 0; bj <= bi; bj += 8 {
			var odd [8]float32 // the even rows' products are added to y one by one
			for r := range 8 {
				t := m[8*r : 8*r+8]
				for l, v := range t {
					acc[r][l] += float32(v * x[bj+l])
					switch {
					case bj == bi:
					case r%2 == 0:
						y[bj+l] += float32(x[bi+r] * v)
					default:
						odd[l] += float32(x[bi+r] * v)
					}
				}
			}
			for l, v := range odd {
				if bj < bi {
					y[bj+l] += v
				}
			}
			m = m[64:]
		}
		for r, a := range acc {
			y[bi+r] = (a[0] + a[1]) + (a[2] + a[3]) + ((a[4] + a[5]) + (a[6] + a[7]))
		}
	}
}

func rank8Go(m, w []float32, sign float32) {
	d := len(w) / 8
	for bi := 0; bi < d; bi += 8 {
		for bj := 0; bj <= bi; bj += 8 {
			for r := range 8 {
				for l := range 8 {
					for k := range 8 {
						m[8*r+l] += float32(float32(sign*w[k*d+bi+r]) * w[k*d+bj+l])
					}
				}
			}
			m = m[64:]
		}
	}
}

func apartGo(u, w, x []float32, n int) float32 {
	d := len(x)
	var a [8]float32
	for k := range n {
		var s [8]float32
		for j, v := range x {
			s[j%8] += float32(w[k*d+j] * v)
		}
		a[k] = (s[0] + s[1]) + (s[2] + s[3]) + ((s[4] + s[5]) + (s[6] + s[7]))
	}
	for j := range u {
		for k := range 8 {
			u[j] -= float32(a[k] * w[k*d+j])
		}
	}
	return dotGo(u, x)
}

func scaleGo(x []float32, a float32) {
	for j := range x {
		x[j] *= a
	}
}

func axpy64(y, x []float64, a float64) {
	x = x[:len(y)]
	for j := range y {
		y[j] += float64(a * x[j])
	}
}

func eliminate64Go(m, row []float64, k int) {
	d := len(row)
	for i := k + 1; i < d; i++ {
		axpy64(m[i*d+i:(i+1)*d], row[i:], -row[i])
	}
}

func mix64Go(y, m, a []float64) {
	d := len(y)
	for k, x := range a {
		axpy64(y[:k+1], m[k*d:], x)
	}
}

func outer64Go(m, x []float64, n int) {
	d := len(x)
	for j := range n {
		axpy64(m[j*d:j*d+j+1], x, x[j])
	}
}

func dotGo(x, y []float32) float32 {
	var s [8]float32
	y = y[:len(x)]
	for len(x) >= 8 {
		for j := range 8 {
			s[j] += float32(x[j] * y[j])
		}
		x, y = x[8:], y[8:]
	}
	return dotTail(&s, x, y)
}

func dist2Go(x, y []float32) float32 {
	var s [8]float32
	y = y[:len(x)]
	for len(x) >= 8 {
		for j := range 8 {
			s[j] += float32((x[j] - y[j]) * (x[j] - y[j]))
		}
		x, y = x[8:], y[8:]
	}
	return dist2Tail(&s, x, y)
}

func dist2Tail(s *[8]float32, x, y []float32) float32 {
	sum := dotTail(s, nil, nil)
	for j := range x {
		sum += float32((x[j] - y[j]) * (x[j] - y[j]))
	}
	return sum
}

// dotTail adds the partial sums and the products of the fewer than 8 numbers left over.
func dotTail(s *[8]float32, x, y []float32) float32 {
	sum := (s[0] + s[4]) + (s[1] + s[5]) + ((s[2] + s[6]) + (s[3] + s[7]))
	for j := range x {
		sum += float32(x[j] * y[j])
	}
	return sum
}
