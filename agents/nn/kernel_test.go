package nn

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// product is one call of a gemm, with the slices cut to the last number touched.
type product struct {
	m, n, k int
	trans   bool // A is stored k x m
	start   int  // C0: 0 none, 1 a row, 2 a matrix, 3 C itself
	pad     int  // unused numbers at the end of each row
}

func (d product) String() string {
	return fmt.Sprintf("%dx%dx%d trans=%v start=%d pad=%d", d.m, d.n, d.k, d.trans, d.start, d.pad)
}

// run returns C, with a guard of 20 numbers behind it, and what it should be.
func (d product) run(g gemm) (c []float32, want []float64) {
	ar, ac := d.k+d.pad, 1
	if d.trans {
		ar, ac = 1, d.m+d.pad
	}
	ldb, ldc := d.n+d.pad, d.n+d.pad
	a := random(1, (d.m-1)*ar+(d.k-1)*ac+1, 1)
	b := random(2, (d.k-1)*ldb+d.n, 1)
	size := (d.m-1)*ldc + d.n
	c = random(3, size+20, 1)
	var c0 []float32
	ld0 := 0
	switch d.start {
	case 1:
		c0 = random(4, d.n, 1)
	case 2:
		c0, ld0 = random(5, (d.m-1)*(d.n+3)+d.n, 1), d.n+3
	case 3:
		c0, ld0 = c[:size:size], ldc
	}
	want = wide(c)
	for i := range d.m {
		for j := range d.n {
			var sum float64
			if c0 != nil {
				sum = float64(c0[i*ld0+j])
			}
			for p := range d.k {
				sum += float64(a[i*ar+p*ac]) * float64(b[p*ldb+j])
			}
			want[i*ldc+j] = sum
		}
	}
	g(d.m, d.n, d.k, a, ar, ac, b, ldb, c0, ld0, c[:size:size], ldc)
	return c, want
}

func products() (ds []product) {
	for _, m := range []int{1, 2, 3, 4, 5, 67} {
		for _, n := range []int{1, 4, 5, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 100, 200} {
			for _, k := range []int{1, 2, 24, 130} {
				d := product{m: m, n: n, k: k, start: (m + n + k) % 4, pad: (m + n) % 3, trans: (n+k)%2 == 0}
				ds = append(ds, d)
				d.trans = !d.trans
				ds = append(ds, d)
			}
		}
	}
	for start := range 4 { // slim ones of more rows than are computed at a time
		for n := 1; n <= 9; n++ {
			ds = append(ds, product{m: 150, n: n, k: 9 + n, trans: true, start: start, pad: n % 3})
		}
	}
	return ds
}

func TestGemm(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, d := range products() {
			c, want := d.run(active.gemm)
			for i, w := range want { // the guard and the padding must be as before
				if math.Abs(float64(c[i])-w) > 1e-5*math.Sqrt(float64(d.k)) {
					t.Fatalf("%v: number %d = %v, want %v", d, i, c[i], w)
				}
			}
		}
	})
}

// A row must not depend on the rows beside it.
func TestGemmRowsIndependent(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		const m, n, k = 67, 77, 70
		a, b, bias := random(1, m*k, 1), random(2, k*n, 1), random(3, n, 1)
		all, one := make([]float32, m*n), make([]float32, n)
		active.gemm(m, n, k, a, k, 1, b, n, bias, 0, all, n)
		for i := range m {
			active.gemm(1, n, k, a[i*k:], k, 1, b, n, bias, 0, one, n)
			if !slices.Equal(one, all[i*n:(i+1)*n]) {
				t.Fatalf("row %d alone differs", i)
			}
		}
	})
}

// Nor where few columns are computed transposed, or one with a row a lane.
func TestGemmSlimRowsIndependent(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		const m, k = 150, 70
		for n := 1; n <= 9; n++ {
			for _, stored := range [][2]int{{1, m}, {k, 1}} {
				a, b := random(1, m*k, 1), random(2, k*n, 1)
				all := random(3, m*n, 1)
				start := slices.Clone(all)
				active.gemm(m, n, k, a, stored[0], stored[1], b, n, all, n, all, n)
				for i := range m {
					one := slices.Clone(start[i*n : (i+1)*n])
					active.gemm(1, n, k, a[i*stored[0]:], 1, stored[1], b, n, one, 0, one, n)
					if !slices.Equal(one, all[i*n:(i+1)*n]) {
						t.Fatalf("%d columns, A stored %v: row %d alone differs", n, stored, i)
					}
				}
			}
		}
	})
}

// simd512 and simd256 must give the same bits in everything.
func TestSIMDKernelsEqual(t *testing.T) {
	if len(kernels) < 3 {
		t.Skipf("there are the kernels %v only", Kernels())
	}
	a, b := kernels[0], kernels[1]
	for _, d := range products() {
		x, _ := d.run(a.gemm)
		y, _ := d.run(b.gemm)
		if !slices.Equal(x, y) {
			t.Fatalf("%v: %s and %s differ", d, a.name, b.name)
		}
	}
	for n := range 40 {
		x := random(uint64(n), n, 4)
		y := slices.Clone(x)
		a.tanh(x)
		b.tanh(y)
		if !slices.Equal(x, y) {
			t.Fatalf("tanh of %d numbers: %s and %s differ", n, a.name, b.name)
		}
	}
}

// A whole training must give the same bits with both SIMD kernels.
func TestSIMDKernelsTrainEqual(t *testing.T) {
	if len(kernels) < 3 {
		t.Skipf("there are the kernels %v only", Kernels())
	}
	before := active
	defer func() { active = before }()
	var params [2][]float32
	for i := range params {
		active = &kernels[i]
		u := newUpdate(true, 300, NewPool(1), allParts...)
		for range 10 {
			u.step()
		}
		params[i] = u.t.Params
	}
	if !slices.Equal(params[0], params[1]) {
		t.Errorf("%s and %s differ", kernels[0].name, kernels[1].name)
	}
}

// The products of both must be the sums of fused multiplications that its comment claims.
func TestSIMDGemmIsFused(t *testing.T) {
	if len(kernels) < 2 {
		t.Skip("no SIMD in this build")
	}
	const m, n, k = 5, 21, 50
	a, b, bias := random(1, m*k, 1), random(2, k*n, 1), random(3, n, 1)
	c := make([]float32, m*n)
	for _, kernel := range kernels[:len(kernels)-1] {
		kernel.gemm(m, n, k, a, k, 1, b, n, bias, 0, c, n)
		for i := range m {
			for j := range n {
				want := bias[j]
				for p := range k {
					// float64 holds the product of two float32 exactly; the sum rounds to float64
					// and then to float32, which differs from one rounding too rarely to show here.
					want = float32(math.FMA(float64(a[i*k+p]), float64(b[p*n+j]), float64(want)))
				}
				if c[i*n+j] != want {
					t.Fatalf("%s: element %d,%d = %v, want %v", kernel.name, i, j, c[i*n+j], want)
				}
			}
		}
	}
}

func TestTanhAndExp(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		var x []float32
		for v := -20.0; v < 20; v += 0.001 {
			x = append(x, float32(v))
		}
		for _, v := range []float64{0, 1e-30, 1e-8, 87, 88.7, 100} {
			x = append(x, float32(v), float32(-v))
		}
		for _, c := range []struct {
			name string
			f    func([]float32)
			want func(float64) float64
			tol  float64 // relative
		}{
			{"tanh", active.tanh, math.Tanh, 4e-7},
			{"exp", active.exp, math.Exp, 2.5e-7},
		} {
			y := slices.Clone(x)
			c.f(y)
			for i, v := range x {
				want := c.want(float64(v))
				if want > math.MaxFloat32 {
					want = math.Inf(1)
				} else if c.name == "exp" && v < -87 {
					want = 0
				}
				if got := float64(y[i]); got != want && !(math.Abs(got-want) <= c.tol*math.Abs(want)) {
					t.Fatalf("%s(%v) = %v, want %v", c.name, v, got, want)
				}
				if c.name == "tanh" && (y[i] > 1 || y[i] < -1) {
					t.Fatalf("tanh(%v) = %v is beyond 1", v, y[i])
				}
			}
		}
	})
}

// Loops over slices must give each number the same result wherever it stands, and touch no other.
func TestLoopsIndependentOfPlace(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	eachKernel(t, func(t *testing.T) {
		type loop struct {
			name string
			f    func(x, y []float32)
		}
		for _, l := range []loop{
			{"tanh", func(x, _ []float32) { active.tanh(x) }},
			{"exp", func(x, _ []float32) { active.exp(x) }},
			{"relu", func(x, _ []float32) { active.relu(x) }},
			{"tanhGrad", active.tanhGrad},
			{"reluGrad", active.reluGrad},
			{"add", active.add},
		} {
			x, y := random(1, 61, 3), random(2, 61, 3)
			copy(x[3:], []float32{inf, -inf, nan, 0})
			copy(y[7:], []float32{inf, -inf, 0})
			whole := slices.Clone(x)
			l.f(whole, y)
			for lo := range 20 {
				for n := range 40 {
					part := slices.Clone(x)
					l.f(part[lo:lo+n], y[lo:lo+n])
					for i, v := range part {
						want := x[i]
						if i >= lo && i < lo+n {
							want = whole[i]
						}
						if math.Float32bits(v) != math.Float32bits(want) && !(v != v && want != want) {
							t.Fatalf("%s of %d numbers at %d: number %d = %v, want %v", l.name, n, lo, i, v, want)
						}
					}
				}
			}
			if v := whole[5]; l.name != "reluGrad" && l.name != "tanhGrad" && v == v {
				t.Errorf("%s(NaN) = %v", l.name, v)
			}
		}
	})
}

// The optimiser has one rounding for all kernels.
func TestAdamKernelsEqual(t *testing.T) {
	const n = 45
	c := NewAdam(n).next(1e-3, 0.7)
	run := func(k kernel) []float32 {
		p, g, m, v := random(1, n, 1), random(2, n, 1), random(3, n, 1), random(4, n, 1)
		for i := range v {
			v[i] *= v[i]
		}
		k.adam(p, g, m, v, c)
		return slices.Concat(p, m, v)
	}
	want := run(blasKernel)
	for _, k := range kernels {
		if !slices.Equal(run(k), want) {
			t.Errorf("%s differs", k.name)
		}
	}
}

func TestSetKernel(t *testing.T) {
	before := active
	defer func() { active = before }()
	for _, name := range Kernels() {
		if err := SetKernel(name); err != nil || Kernel() != name {
			t.Errorf("SetKernel(%q): %v, Kernel() = %q", name, err, Kernel())
		}
	}
	name := Kernel()
	if err := SetKernel("abacus"); err == nil || Kernel() != name {
		t.Errorf("SetKernel of an unknown name: error %v, Kernel() = %q", err, Kernel())
	}
	if k, err := chooseKernel("abacus"); err == nil || k != &kernels[0] {
		t.Errorf("an unknown name in the environment: kernel %s, error %v", k.name, err)
	}
	if err := KernelErr(); err != nil {
		t.Errorf("KernelErr() = %v", err)
	}
	if Kernels()[len(Kernels())-1] != "blas" {
		t.Errorf("Kernels() = %v, want blas last", Kernels())
	}
}

func TestOrthogonal(t *testing.T) {
	for _, c := range [][2]int{{1, 1}, {4, 9}, {9, 4}, {16, 16}, {64, 1}} {
		rows, cols := c[0], c[1]
		w := make([]float32, rows*cols)
		s := rng.New(3).Stream(0, 0, 0)
		Orthogonal(w, rows, cols, 2, &s)
		n := min(rows, cols)
		for i := range n {
			for j := range n {
				var d float64
				for k := range max(rows, cols) {
					if rows > cols {
						d += float64(w[k*cols+i]) * float64(w[k*cols+j])
					} else {
						d += float64(w[i*cols+k]) * float64(w[j*cols+k])
					}
				}
				want := 0.0
				if i == j {
					want = 4
				}
				if math.Abs(d-want) > 1e-6 {
					t.Errorf("%dx%d: product of vectors %d and %d = %v, want %v", rows, cols, i, j, d, want)
				}
			}
		}
	}
}
