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
	e := ensemble(t, Shape{Inputs: []string{"obs", "act"}, Hidden: []int{9, 4}, Activation: nn.Tanh, Members: 1}, small)
	f := &fitter{e: e, o: Training{Minibatch: 8, Loss: BradleyTerry}, pool: nn.NewPool(1)}
	if err := f.load(s, rs); err != nil {
		t.Fatal(err)
	}
	params := e.Params[0]
	grad := make([]float32, len(params))
	f.records(&f.workers[0], params, []int32{0, 1, 2, 3}, grad)

	g := G.NewGraph()
	matrix := func(name string, x []float32, rows, cols int) *G.Node {
		v := tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(append([]float32(nil), x...)))
		return G.NewMatrix(g, tensor.Float32, G.WithShape(rows, cols), G.WithName(name), G.WithValue(v))
	}
	ones := func(name string, rows, cols int) *G.Node {
		x := make([]float32, rows*cols)
		fill(x, 1)
		return matrix(name, x, rows, cols)
	}
	rows := len(rs) * 2 * length
	y := matrix("x", f.workers[0].x[:rows*7], rows, 7)
	var nodes G.Nodes
	at, in := 0, 7
	for i, out := range []int{9, 4, 1} {
		w, b := matrix(fmt.Sprint("w", i), params[at:at+in*out], in, out), matrix(fmt.Sprint("b", i), params[at+in*out:at+in*out+out], 1, out)
		nodes = append(nodes, w, b)
		at += in*out + out
		y = must(G.Add(must(G.Mul(y, w)), must(G.Mul(ones(fmt.Sprint("o", i), rows, 1), b))))
		if i < 2 {
			y = must(G.Tanh(y))
		}
		in = out
	}
	// Row i of signs adds up the first segment of pair i and takes off the second.
	signs, labels := make([]float32, len(rs)*rows), make([]float32, len(rs))
	for i := range rs {
		labels[i] = rs[i].Label
		for k := range 2 * length {
			signs[i*rows+i*2*length+k] = float32(1 - 2*(k/length))
		}
	}
	d := must(G.Mul(matrix("signs", signs, len(rs), rows), y))
	p := matrix("p", labels, len(rs), 1)
	// log s(d) = -log(1+exp(-d)), log s(-d) = -log(1+exp(d))
	one := ones("one", len(rs), 1)
	logSig := func(x *G.Node) *G.Node {
		return must(G.Neg(must(G.Log(must(G.Add(one, must(G.Exp(must(G.Neg(x))))))))))
	}
	l := must(G.Add(must(G.HadamardProd(p, logSig(d))), must(G.HadamardProd(must(G.Sub(one, p)), logSig(must(G.Neg(d)))))))
	grads, err := G.Grad(must(G.Neg(must(G.Sum(l)))), nodes...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]G.Value, len(grads))
	for i := range grads {
		G.Read(grads[i], &values[i])
	}
	vm := G.NewTapeMachine(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	k, largest := 0, 0.0
	for _, v := range values {
		for _, want := range v.Data().([]float32) {
			largest = max(largest, math.Abs(float64(want)))
			if math.Abs(float64(grad[k]-want)) > 2e-5 {
				t.Errorf("gradient of %s is %v, want %v", e.net.Where(k), grad[k], want)
			}
			k++
		}
	}
	if k != len(params) || largest < 0.1 {
		t.Errorf("compared %d of %d, largest %v", k, len(params), largest)
	}
}
