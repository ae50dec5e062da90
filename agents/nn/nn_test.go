package nn

import (
	"crypto/sha256"
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// eachKernel runs f with every kernel of this build and machine.
func eachKernel(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	before := active
	defer func() { active = before }()
	for i := range kernels {
		active = &kernels[i]
		t.Run(active.name, f)
	}
}

func random(seed uint64, n int, scale float32) []float32 {
	s := rng.New(seed).Stream(99, 0, 0)
	x := make([]float32, n)
	for i := range x {
		x[i] = scale * s.Norm()
	}
	return x
}

// reference is an MLP in float64, written as its definition, from the same parameter layout.
func reference(m *MLP, p []float64, x []float64) []float64 {
	for i := range m.layers {
		l := m.layers[i]
		y := make([]float64, l.out)
		for j := range y {
			if !l.norm {
				y[j] = p[l.b+j]
			}
			for k, v := range x {
				y[j] += v * p[l.w+k*l.out+j]
			}
		}
		if l.norm {
			var mean, variance float64
			for _, v := range y {
				mean += v / float64(l.out)
			}
			for _, v := range y {
				variance += (v - mean) * (v - mean) / float64(l.out)
			}
			for j, v := range y {
				y[j] = (v-mean)/math.Sqrt(variance+1e-5)*p[l.gain+j] + p[l.b+j]
			}
		}
		for j, v := range y {
			switch l.act {
			case Tanh:
				y[j] = math.Tanh(v)
			case ReLU:
				y[j] = max(v, 0)
			case ELU:
				if v < 0 {
					y[j] = math.Expm1(v)
				}
			}
		}
		x = y
	}
	return x
}

func wide(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// Gradients of the whole network must be those of central differences of the float64 reference.
func TestMLPGradients(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, act := range []Activation{Tanh, ReLU, ELU, Identity} {
			for _, norm := range []bool{false, true} {
				for _, hidden := range [][]int{nil, {5}, {19, 6}} {
					t.Run(fmt.Sprint(act, norm, hidden), func(t *testing.T) {
						checkMLP(t, NewMLP(MLPConfig{In: 7, Hidden: hidden, Out: 3, Activation: act, LayerNorm: norm}))
					})
				}
			}
		}
	})
}

func checkMLP(t *testing.T, m *MLP) {
	const rows = 6
	p := make([]float32, m.NumParams())
	m.Init(p, rng.New(5))
	for i, v := range random(1, len(p), 0.1) {
		p[i] += v // so that biases and gains differ from 0 and 1
	}
	x, c := random(2, rows*m.In(), 1), random(3, rows*m.Out(), 1)
	tape := m.NewTape(rows + 3)
	y := m.Forward(p, tape, x, rows)
	grad, dx := make([]float32, len(p)), make([]float32, len(x))
	m.Backward(p, grad, tape, c, dx)

	// The loss is the sum of c*y.
	p64, x64 := wide(p), wide(x)
	loss := func() (sum float64) {
		for r := range rows {
			for j, v := range reference(m, p64, x64[r*m.In():(r+1)*m.In()]) {
				sum += v * float64(c[r*m.Out()+j])
			}
		}
		return sum
	}
	for r := range rows {
		for j, want := range reference(m, p64, x64[r*m.In():(r+1)*m.In()]) {
			if got := y[r*m.Out()+j]; math.Abs(float64(got)-want) > 2e-5*(1+math.Abs(want)) {
				t.Fatalf("output %d of row %d = %v, want %v", j, r, got, want)
			}
		}
	}
	checkGradient(t, "parameter", grad, p64, loss)
	checkGradient(t, "input", dx, x64, loss)
}

// checkGradient compares grad with the central differences of loss by the numbers of x.
func checkGradient(t *testing.T, name string, grad []float32, x []float64, loss func() float64) {
	t.Helper()
	const h = 1e-6
	var scale float64
	want := make([]float64, len(x))
	for i, v := range x {
		x[i] = v + h
		up := loss()
		x[i] = v - h
		want[i] = (up - loss()) / (2 * h)
		x[i] = v
		scale = max(scale, math.Abs(want[i]))
	}
	for i, w := range want {
		if d := math.Abs(float64(grad[i]) - w); !(d <= 1e-5*(scale+1)) {
			t.Errorf("gradient of %s %d = %v, want %v", name, i, grad[i], w)
			return
		}
	}
}

func TestMisuse(t *testing.T) {
	m := NewMLP(MLPConfig{In: 2, Hidden: []int{3}, Out: 1})
	other := NewMLP(MLPConfig{In: 2, Hidden: []int{3}, Out: 1})
	p, x, tape := make([]float32, m.NumParams()), make([]float32, 20), m.NewTape(4)
	for name, f := range map[string]func(){
		"no inputs":           func() { NewMLP(MLPConfig{In: 0, Out: 1}) },
		"empty layer":         func() { NewMLP(MLPConfig{In: 1, Hidden: []int{0}, Out: 1}) },
		"no rows":             func() { m.Forward(p, tape, x, 0) },
		"too many rows":       func() { m.Forward(p, tape, x, 5) },
		"too few inputs":      func() { m.Forward(p, tape, x[:7], 4) },
		"too few parameters":  func() { m.Forward(p[1:], tape, x, 4) },
		"another's tape":      func() { other.Forward(p, tape, x, 4) },
		"backward first":      func() { m.Backward(p, p, m.NewTape(4), x, nil) },
		"too large minibatch": func() { NewTrainer(p, 4, NewPool(1)).Gradient(BlockRows+1, nil) },
		"wrong Adam":          func() { NewAdam(3).Step(p, p, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// The bits of a training are part of what a checkpoint relies on. They may change with a change of
// the arithmetic, and then runs made before cannot be repeated: say so in the change log.
func TestGolden(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the compiler of other processors may fuse multiplications within gonum")
	}
	want := map[string]string{"simd512": "b971850c3a1aba35", "simd256": "b971850c3a1aba35", "blas": "d5bd7734769cef50"}
	eachKernel(t, func(t *testing.T) {
		u := newUpdate(true, 300, NewPool(1), allParts...)
		for range 5 {
			u.step()
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(AppendFloats(nil, u.t.Params)))[:16]; got != want[active.name] {
			t.Errorf("parameters hash to %s, want %s", got, want[active.name])
		}
	})
}

// Rows with parameters of their own come out as each would alone, and those without are not touched.
func TestForwardEach(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, c := range []MLPConfig{{In: 8, Out: 4}, {In: 24, Hidden: []int{16, 5}, Out: 1}, {In: 3, Hidden: []int{33}, Out: 20, Activation: ELU, LayerNorm: true}} {
			m := NewMLP(c)
			const rows = 9
			x, all, one := random(7, rows*c.In, 1), m.NewTape(rows), m.NewTape(1)
			ps := make([][]float32, rows)
			for i := range ps {
				if i != 4 {
					ps[i] = random(uint64(10+i), m.NumParams(), 0.5)
				}
			}
			y := m.ForwardEach(ps, all, x)
			if len(y) != rows*c.Out {
				t.Fatalf("%d outputs, want %d", len(y), rows*c.Out)
			}
			for i, p := range ps {
				if p == nil {
					continue
				}
				want := m.Forward(p, one, x[i*c.In:], 1)
				for j, v := range want {
					if got := y[i*c.Out+j]; math.Float32bits(got) != math.Float32bits(v) {
						t.Fatalf("%v: output %d of row %d is %v, alone %v", c, j, i, got, v)
					}
				}
			}
			if n := testing.AllocsPerRun(20, func() { m.ForwardEach(ps, all, x) }); n != 0 {
				t.Errorf("%v: %v allocations, want 0", c, n)
			}
		}
	})
}
