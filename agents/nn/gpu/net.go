package gpu

import (
	"github.com/terrarium-rl/terrarium/agents/nn"
)

// Memory is the buffers that networks work in.
type Memory struct {
	Control *Buffer // ControlWords words
	Params  *Buffer // parameters, in the order of package nn
	Work    *Buffer // rows on their way through networks
	Blocks  *Buffer // for each block of nn.BlockRows rows, a gradient as long as the parameters
}

// Kernels is the products that networks are made of.
type Kernels struct {
	down *Binding // rows times parameters
	grad *Binding // rows times rows
}

// Bind makes the products.
func (m *Memory) Bind(k *Kit) Kernels {
	const name = "learn_matmul"
	return Kernels{
		down: k.Bind(name, productWords, m.Control, m.Work, m.Params, m.Work, m.Work),
		grad: k.Bind(name, productWords, m.Control, m.Work, m.Work, m.Blocks, m.Work),
	}
}

// A Net is an nn.MLP without LayerNorm on a device.
type Net struct {
	widths   []int
	act      nn.Activation
	at       []int // parameters of each layer
	size     int   // parameters of all networks, the distance of gradients in Blocks
	in       int   // rows of the input in Work
	out      []int // rows of each layer's output
	gradient int   // rows of the gradient of the last layer's output
	scratch  [2]int
}

// NewNet lays a network out: widths are those of the input, each hidden layer and the output; its
// parameters begin at params among size in all; the rows of the input are at input in Work. Calls of
// place give it room in Work for a number of columns of rows.
func NewNet(widths []int, act nn.Activation, params, size, input int, place func(columns int) int) *Net {
	n := &Net{widths: widths, act: act, size: size, in: input}
	widest := 1
	for l, w := range widths[1:] {
		n.at = append(n.at, params)
		params += widths[l]*w + w
		n.out = append(n.out, place(w))
		if l+2 < len(widths) {
			widest = max(widest, w)
		}
	}
	n.gradient = place(n.Width())
	n.scratch = [2]int{place(widest), place(widest)}
	return n
}

// Width returns the width of the output.
func (n *Net) Width() int { return n.widths[len(n.widths)-1] }

// Output returns where the rows of the output are in Work.
func (n *Net) Output() int { return n.out[len(n.out)-1] }

// Gradient returns where Backward expects the gradient of the loss with respect to the output.
func (n *Net) Gradient() int { return n.gradient }

// Forward computes the output of a number of rows of the input.
func (n *Net) Forward(r *Recorder, k Kernels, rows int) {
	from := n.in
	for l, at := range n.at {
		in, out := n.widths[l], n.widths[l+1]
		p := Product{
			M: rows, N: out, K: in, A: from, ARow: in, ACol: 1, B: at, BRow: out, BCol: 1,
			C: n.out[l], Bias: uint32(at + in*out), Ones: None,
		}
		if l+1 < len(n.at) {
			p.Mode = 1 + int(n.act)
		}
		p.do(r, k.down)
		from = n.out[l]
	}
}

// Backward sets the gradient of each block of rows with respect to the parameters.
func (n *Net) Backward(r *Recorder, k Kernels, rows int) {
	g := n.gradient
	for l := len(n.at) - 1; l >= 0; l-- {
		in, out := n.widths[l], n.widths[l+1]
		x := n.in
		if l > 0 {
			x = n.out[l-1]
		}
		// The bias follows the weights, and is the weight of an input that is always 1.
		weights := Product{
			M: in + 1, N: out, K: nn.BlockRows, A: x, ARow: 1, ACol: in, B: g, BRow: out, BCol: 1,
			C: n.at[l], Bias: None, Ones: uint32(in), Depth: rows, BlockStride: n.size,
		}
		weights.do(r, k.grad)
		if l == 0 {
			return
		}
		down := Product{
			M: rows, N: in, K: out, A: g, ARow: out, ACol: 1, B: n.at[l], BRow: 1, BCol: out,
			C: n.scratch[l%2], Bias: None, Ones: None, Mode: 5 + int(n.act), Y: x,
		}
		down.do(r, k.down)
		g = n.scratch[l%2]
	}
}

// AddRows sets, in the gradient of each block, columns numbers from param on to the sums of those that
// rows have in Work from at on.
func AddRows(r *Recorder, k Kernels, size, param, at, columns, rows int) {
	p := Product{
		M: 1, N: columns, K: nn.BlockRows, A: at, ARow: 1, ACol: 0, B: at, BRow: columns, BCol: 1,
		C: param, Bias: None, Ones: 0, Depth: rows, BlockStride: size,
	}
	p.do(r, k.grad)
}
