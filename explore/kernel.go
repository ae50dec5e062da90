package explore

// The inner loops of the ellipse. Every element is the same arithmetic in the same order in the
// portable and in the SIMD form, without fused multiplications, so that both give the same bits.
type kernel struct {
	// symv sets y to the sum over i of x[i] times row i of the d x d matrix m, d = len(x) =
	// len(y): m x, if m is symmetric.
	symv func(y, m, x []float32)

	// dot returns the inner product, in eight partial sums.
	dot func(x, y []float32) float32

	// dist2 returns the squared distance of x and y, in eight partial sums.
	dist2 func(x, y []float32) float32

	// rank1 adds to each row i of m the vector x times scale*x[i]; with lower, only as far as
	// the eight columns that i is one of.
	rank1 func(m, x []float32, scale float32, lower bool)
}

var portable = kernel{symvGo, dotGo, dist2Go, rank1Go}

var loops = bestKernel()

func symvGo(y, m, x []float32) {
	clear(y)
	for i, a := range x {
		addRow(y, m[i*len(y):], a)
	}
}

// addRow adds a times the front of row to y.
func addRow(y, row []float32, a float32) {
	row = row[:len(y)]
	for j := range y {
		y[j] += float32(a * row[j])
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

func rank1Go(m, x []float32, scale float32, lower bool) {
	d := len(x)
	for i, a := range x {
		end := d
		if lower {
			end = min(d, i|7+1)
		}
		addRow(m[i*d:i*d+end], x, a*scale)
	}
}
