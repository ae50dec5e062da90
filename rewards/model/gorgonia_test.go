package model

import (
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

func must(n *G.Node, err error) *G.Node {
	if err != nil {
		panic(err)
	}
	return n
}

// A twin is a graph of Gorgonia with the network of an ensemble's first member.
type twin struct {
	g      *G.ExprGraph
	y      *G.Node // the scores of the rows, a column
	params G.Nodes // in the order of the parameters
}

func (w *twin) matrix(name string, x []float32, rows, cols int) *G.Node {
	v := tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(append([]float32(nil), x...)))
	return G.NewMatrix(w.g, tensor.Float32, G.WithShape(rows, cols), G.WithName(name), G.WithValue(v))
}

func (w *twin) ones(name string, rows, cols int) *G.Node {
	x := make([]float32, rows*cols)
	fill(x, 1)
	return w.matrix(name, x, rows, cols)
}

// logSig returns log s(d) = -log(1+exp(-d)) of a column.
func (w *twin) logSig(d *G.Node) *G.Node {
	one := w.ones("one", d.Shape()[0], 1)
	return must(G.Neg(must(G.Log(must(G.Add(one, must(G.Exp(must(G.Neg(d))))))))))
}

// newTwin makes the network of rows of inputs x, with tanh in hidden layers of the given widths.
func newTwin(params, x []float32, widths ...int) *twin {
	w := &twin{g: G.NewGraph()}
	rows := len(x) / widths[0]
	w.y = w.matrix("x", x, rows, widths[0])
	at, in := 0, widths[0]
	for i, out := range widths[1:] {
		weights := w.matrix(fmt.Sprint("w", i), params[at:at+in*out], in, out)
		b := w.matrix(fmt.Sprint("b", i), params[at+in*out:at+in*out+out], 1, out)
		w.params = append(w.params, weights, b)
		at += in*out + out
		w.y = must(G.Add(must(G.Mul(w.y, weights)), must(G.Mul(w.ones(fmt.Sprint("o", i), rows, 1), b))))
		if i < len(widths)-2 {
			w.y = must(G.Tanh(w.y))
		}
		in = out
	}
	return w
}

// compare checks a gradient against that of a loss of the graph.
func (w *twin) compare(t *testing.T, net *nn.MLP, grad []float32, loss *G.Node) {
	t.Helper()
	grads, err := G.Grad(loss, w.params...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]G.Value, len(grads))
	for i := range grads {
		G.Read(grads[i], &values[i])
	}
	vm := G.NewTapeMachine(w.g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	k, largest := 0, 0.0
	for _, v := range values {
		for _, want := range v.Data().([]float32) {
			largest = max(largest, math.Abs(float64(want)))
			if math.Abs(float64(grad[k]-want)) > 2e-5 {
				t.Errorf("gradient of %s is %v, want %v", net.Where(k), grad[k], want)
			}
			k++
		}
	}
	if k != len(grad) || largest < 0.1 {
		t.Errorf("compared %d of %d, largest %v", k, len(grad), largest)
	}
}

// ours returns the gradient of a loss of some records through a network of two hidden layers, and
// that network on the same rows in Gorgonia.
func ours(t *testing.T, s *feedback.Store, rs []feedback.Record, l Loss) (net *nn.MLP, grad []float32, w *twin) {
	t.Helper()
	e := ensemble(t, Shape{Inputs: []string{"obs", "act"}, Hidden: []int{9, 4}, Activation: nn.Tanh, Members: 1}, small)
	f := &fitter{e: e, o: Training{Minibatch: 8, Loss: l}, pool: nn.NewPool(1)}
	if err := f.load(s, rs); err != nil {
		t.Fatal(err)
	}
	rows, order := 0, []int32{}
	for i := range rs {
		order = append(order, int32(i))
		for _, seg := range rs[i].Segments {
			rows += seg.Len()
		}
	}
	grad = make([]float32, len(e.Params[0]))
	f.records(&f.workers[0], e.Params[0], order, grad)
	return e.net, grad, newTwin(e.Params[0], f.workers[0].x[:rows*7], 7, 9, 4, 1)
}

// The gradient of Bradley and Terry's loss through the network must be that of Gorgonia's
// automatic differentiation.
func TestGradientAgainstGorgonia(t *testing.T) {
	const length = 6
	s, segs := pool(t, small, 8, length)
	var rs []feedback.Record
	for i := range 4 {
		r := feedback.Better(segs[2*i], segs[2*i+1])
		r.Label = float32(i) / 3
		rs = append(rs, r)
	}
	net, grad, w := ours(t, s, rs, BradleyTerry)
	rows := len(rs) * 2 * length
	// Row i of signs adds up the first segment of pair i and takes off the second.
	signs, labels := make([]float32, len(rs)*rows), make([]float32, len(rs))
	for i := range rs {
		labels[i] = rs[i].Label
		for k := range 2 * length {
			signs[i*rows+i*2*length+k] = float32(1 - 2*(k/length))
		}
	}
	d := must(G.Mul(w.matrix("signs", signs, len(rs), rows), w.y))
	p := w.matrix("p", labels, len(rs), 1)
	l := must(G.Add(
		must(G.HadamardProd(p, w.logSig(d))),
		must(G.HadamardProd(must(G.Sub(w.ones("sure", len(rs), 1), p)), w.logSig(must(G.Neg(d))))),
	))
	w.compare(t, net, grad, must(G.Neg(must(G.Sum(l)))))
}

// So must those of remarks and of logistic marks.
func TestRemarksAgainstGorgonia(t *testing.T) {
	const length = 6
	s, segs := pool(t, small, 2, length)
	rs := []feedback.Record{
		{Kind: feedback.Remarked, Segments: segs[:1], Tokens: []uint16{0, 5, 10}, Weight: 1},
		{Kind: feedback.Remarked, Segments: segs[1:2], Tokens: []uint16{7}, Weight: 1},
	}
	marks := []feedback.Record{{Kind: feedback.Marked, Segments: segs[:1], Steps: []feedback.Mark{{Step: 1, Value: 2}, {Step: 4, Value: -0.5}}, Weight: 1}}
	// Rows of parts add up the steps of a word, or one marked step, times its sign.
	for _, c := range []struct {
		name    string
		rs      []feedback.Record
		loss    Loss
		parts   [][2]int // of the rows of all segments
		weights []float32
		signs   []float32
	}{
		{"remarks", rs, Remarks(words()), [][2]int{{0, 2}, {4, 6}, {2, 4}, {8, 10}}, []float32{1, 1, 2.5, 2.5}, []float32{1, -1, -1, 1}},
		{"marks", marks, LogisticMarks, [][2]int{{1, 2}, {4, 5}}, []float32{2, 0.5}, []float32{1, -1}},
	} {
		net, grad, w := ours(t, s, c.rs, c.loss)
		rows := length * len(c.rs)
		parts := make([]float32, len(c.parts)*rows)
		for i, p := range c.parts {
			fill(parts[i*rows+p[0]:i*rows+p[1]], c.signs[i])
		}
		d := must(G.Mul(w.matrix("parts", parts, len(c.parts), rows), w.y))
		l := must(G.HadamardProd(w.matrix("weights", c.weights, len(c.parts), 1), w.logSig(d)))
		t.Run(c.name, func(t *testing.T) { w.compare(t, net, grad, must(G.Neg(must(G.Sum(l))))) })
	}
}
