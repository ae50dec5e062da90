package nn

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// MLPConfig says what an MLP looks like.
type MLPConfig struct {
	In         int   // numbers a row of input, at least 1
	Hidden     []int // widths of the hidden layers; none makes a linear map
	Out        int   // numbers a row of output, at least 1
	Activation Activation
	// LayerNorm normalises each hidden layer before its activation (Ba, Kiros and Hinton,
	// "Layer Normalization", 2016, with eps 1e-5), with a gain and a bias to learn.
	LayerNorm bool
	// Gain and OutGain are the scales of Init for the hidden layers and the last one. The
	// default (zero) is sqrt(2) for Gain and 1 for OutGain.
	Gain, OutGain float32
}

// An MLP is a multi-layer perceptron: hidden layers y = activation(x W + b), then a linear layer.
// It holds the shape only, and may be used by several goroutines at once: the parameters are a
// flat slice handed to each call, the memory for a forward and a backward pass a Tape.
//
// The parameters are, layer by layer: the weights W, one row an input of the layer; the bias b;
// with LayerNorm, the gains.
type MLP struct {
	cfg    MLPConfig
	layers []layer
	params int
	k      *kernel
}

type layer struct {
	in, out    int
	w, b, gain int // offsets of the parameters
	norm       bool
	act        Activation
}

// NewMLP returns the network of the given shape. It panics if a width is below 1.
func NewMLP(c MLPConfig) *MLP {
	if c.Gain == 0 {
		c.Gain = math.Sqrt2
	}
	if c.OutGain == 0 {
		c.OutGain = 1
	}
	c.Hidden = append([]int(nil), c.Hidden...)
	m := &MLP{cfg: c, k: active}
	in := c.In
	for i, out := range append(c.Hidden, c.Out) {
		if in < 1 || out < 1 {
			panic(fmt.Sprintf("nn: MLP of widths %d, %d, %d: each must be at least 1", c.In, c.Hidden, c.Out))
		}
		l := layer{in: in, out: out, w: m.params, act: Identity}
		l.b = l.w + in*out
		l.gain = l.b + out
		m.params = l.gain
		if i < len(c.Hidden) {
			l.act = c.Activation
			if c.LayerNorm {
				l.norm = true
				m.params += out
			}
		}
		m.layers = append(m.layers, l)
		in = out
	}
	return m
}

// NumParams returns the number of parameters.
func (m *MLP) NumParams() int { return m.params }

// In returns the width of the input.
func (m *MLP) In() int { return m.cfg.In }

// Out returns the width of the output.
func (m *MLP) Out() int { return m.cfg.Out }

// Init fills p with orthogonal weights, scaled by the gains of the configuration, zero biases and
// unit LayerNorm gains. Layer i draws from the streams of k with world number i.
func (m *MLP) Init(p []float32, k rng.Key) {
	for i, l := range m.layers {
		gain := m.cfg.Gain
		if i == len(m.layers)-1 {
			gain = m.cfg.OutGain
		}
		s := k.Stream(purposeInit, uint32(i), 0)
		Orthogonal(p[l.w:l.b], l.in, l.out, gain, &s)
		clear(p[l.b:l.gain])
		if l.norm {
			for j := range l.out {
				p[l.gain+j] = 1
			}
		}
	}
}

// Where names the place of parameter i, such as "layer 1, weight of input 3 to output 5".
func (m *MLP) Where(i int) string {
	for n, l := range m.layers {
		switch {
		case i < l.b:
			return fmt.Sprintf("layer %d, weight of input %d to output %d", n, (i-l.w)/l.out, (i-l.w)%l.out)
		case i < l.gain:
			return fmt.Sprintf("layer %d, bias %d", n, i-l.b)
		case l.norm && i < l.gain+l.out:
			return fmt.Sprintf("layer %d, gain %d", n, i-l.gain)
		}
	}
	return fmt.Sprintf("parameter %d of %d", i, m.params)
}

// A Tape holds what Forward leaves for Backward. Use one for each goroutine.
type Tape struct {
	m     *MLP
	rows  int         // of the last Forward
	x     []float32   // its input
	acts  [][]float32 // output of each layer
	norms []norm      // of layers with LayerNorm
	g, g2 []float32   // gradients on their way down
	wt    []float32   // a transposed weight matrix
	ones  []float32   // to sum rows with a matrix product
}

// Hidden returns the last hidden layer of the last Forward, a row for each of input; the input if
// there is none. It is valid until the next Forward and must not be modified.
func (t *Tape) Hidden() []float32 {
	n := len(t.m.layers) - 1
	if n == 0 {
		return t.x[:t.rows*t.m.cfg.In]
	}
	return t.acts[n-1][:t.rows*t.m.layers[n-1].out]
}

// norm holds the normalised inputs and the reciprocal deviations of a LayerNorm.
type norm struct{ xhat, rstd []float32 }

// NewTape returns a tape for up to the given number of rows.
func (m *MLP) NewTape(rows int) *Tape {
	t := &Tape{m: m, acts: make([][]float32, len(m.layers)), norms: make([]norm, len(m.layers))}
	width, matrix := 0, 0
	for i, l := range m.layers {
		t.acts[i] = make([]float32, rows*l.out)
		if l.norm {
			t.norms[i] = norm{make([]float32, rows*l.out), make([]float32, rows)}
		}
		width = max(width, l.in, l.out)
		matrix = max(matrix, l.in*l.out)
	}
	t.g, t.g2, t.wt = make([]float32, rows*width), make([]float32, rows*width), make([]float32, matrix)
	t.ones = make([]float32, rows)
	for i := range t.ones {
		t.ones[i] = 1
	}
	return t
}

// Forward computes the outputs of the first rows rows of x (rows x In) under the parameters p and
// returns them (rows x Out). They are part of the tape and hold until its next Forward, and so
// must x hold until Backward.
func (m *MLP) Forward(p []float32, t *Tape, x []float32, rows int) []float32 {
	t.check(m, p, rows)
	t.x, t.rows = x[:rows*m.cfg.In], rows
	for i, l := range m.layers {
		y := t.acts[i][:rows*l.out]
		start := p[l.b:l.gain]
		if l.norm {
			start = nil // its bias comes after normalising
		}
		m.k.gemm(rows, l.out, l.in, x, l.in, 1, p[l.w:l.b], l.out, start, 0, y, l.out)
		if l.norm {
			t.norms[i].forward(y, p[l.b:l.gain], p[l.gain:l.gain+l.out])
		}
		l.act.apply(m.k, y, t.g[:len(y)])
		x = y
	}
	return x
}

// ForwardEach is Forward of len(ps) rows with parameters of its own for each: ps[i] for row i, which
// is left out if they are nil. What it returns for a row are the bits of a Forward of that row alone.
// It leaves nothing for Backward. It lets many different policies act at once, one a world.
func (m *MLP) ForwardEach(ps [][]float32, t *Tape, x []float32) []float32 {
	rows := len(ps)
	for _, p := range ps {
		if p != nil {
			t.check(m, p, rows)
		}
	}
	t.rows = 0
	for i, l := range m.layers {
		y := t.acts[i][:rows*l.out]
		for r, p := range ps {
			if p == nil {
				continue
			}
			start, row := p[l.b:l.gain], y[r*l.out:(r+1)*l.out]
			if l.norm {
				start = nil // its bias comes after normalising
			}
			m.k.gemm(1, l.out, l.in, x[r*l.in:], l.in, 1, p[l.w:l.b], l.out, start, 0, row, l.out)
			if l.norm {
				t.norms[i].forward(row, p[l.b:l.gain], p[l.gain:l.gain+l.out])
			}
		}
		l.act.apply(m.k, y, t.g[:len(y)])
		x = y
	}
	return x
}

func (t *Tape) check(m *MLP, p []float32, rows int) {
	if t.m != m {
		panic("nn: the tape is of another network")
	}
	if len(p) != m.params {
		panic(fmt.Sprintf("nn: network of %d parameters got %d", m.params, len(p)))
	}
	if rows < 1 || rows > len(t.ones) {
		panic(fmt.Sprintf("nn: %d rows on a tape for 1 to %d", rows, len(t.ones)))
	}
}

// Backward takes the gradient dy of a loss with respect to the outputs of the last Forward with
// tape t and adds that with respect to the parameters to grad. If dx is not nil (rows x In), it
// is set to the gradient with respect to the inputs.
func (m *MLP) Backward(p, grad []float32, t *Tape, dy, dx []float32) {
	t.check(m, p, t.rows)
	rows := t.rows
	g := dy[:rows*m.cfg.Out]
	for i := len(m.layers) - 1; i >= 0; i-- {
		l := m.layers[i]
		if i < len(m.layers)-1 { // g is scratch of ours
			l.act.grad(m.k, g, t.acts[i][:len(g)])
			if l.norm {
				t.norms[i].backward(g, p[l.gain:l.gain+l.out], grad[l.b:l.gain], grad[l.gain:l.gain+l.out])
			}
		}
		x := t.x
		if i > 0 {
			x = t.acts[i-1]
		}
		dw := grad[l.w:l.b]
		m.k.gemm(l.in, l.out, rows, x, 1, l.in, g, l.out, dw, l.out, dw, l.out)
		if !l.norm { // else norm.backward has done it
			db := grad[l.b:l.gain]
			m.k.gemm(1, l.out, rows, t.ones, rows, 1, g, l.out, db, l.out, db, l.out)
		}
		down := dx
		if i > 0 {
			down = t.g[:rows*l.in]
			t.g, t.g2 = t.g2, t.g
		} else if dx == nil {
			return
		}
		transpose(t.wt, p[l.w:l.b], l.in, l.out)
		m.k.gemm(rows, l.in, l.out, g, l.out, 1, t.wt, l.in, nil, 0, down, l.in)
		g = down
	}
}

// transpose sets dst (cols x rows) to the transpose of src (rows x cols).
func transpose(dst, src []float32, rows, cols int) {
	const tile = 8 // keeps the lines being written in the first cache
	for j0 := 0; j0 < cols; j0 += tile {
		j1 := min(j0+tile, cols)
		for i := range rows {
			for j, v := range src[i*cols+j0 : i*cols+j1] {
				dst[(j0+j)*rows+i] = v
			}
		}
	}
}

const normEps = 1e-5

// forward replaces each row of y by its normalised form times gain plus bias.
func (n norm) forward(y, bias, gain []float32) {
	w := len(gain)
	for r := range len(y) / w {
		row, xhat := y[r*w:(r+1)*w], n.xhat[r*w:(r+1)*w]
		var mean, sq float32
		for _, v := range row {
			mean += v
		}
		mean /= float32(w)
		for j, v := range row {
			xhat[j] = v - mean
			sq += float32(xhat[j] * xhat[j])
		}
		rstd := 1 / geom.Sqrt(sq/float32(w)+normEps)
		n.rstd[r] = rstd
		for j, b := range bias {
			xhat[j] *= rstd
			row[j] = float32(xhat[j]*gain[j]) + b
		}
	}
}

// backward replaces the gradient g of the results by that of the inputs and adds those of bias
// and gain.
func (n norm) backward(g, gain, dbias, dgain []float32) {
	w := len(gain)
	for r := range len(g) / w {
		row, xhat := g[r*w:(r+1)*w], n.xhat[r*w:(r+1)*w]
		var sum, dot float32
		for j, x := range xhat {
			dbias[j] += row[j]
			dgain[j] += float32(row[j] * x)
			row[j] *= gain[j]
			sum += row[j]
			dot += float32(row[j] * x)
		}
		sum, dot = sum/float32(w), dot/float32(w)
		for j, x := range xhat {
			row[j] = n.rstd[r] * (row[j] - sum - float32(x*dot))
		}
	}
}
