package nn

import (
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// oracle builds the loss of update.gradient a second time, as a graph that Gorgonia
// differentiates.
type oracle struct {
	g      *G.ExprGraph
	rows   int
	params []*G.Node // of the graph, with where they lie in the flat vector
	at     []int
}

func (o *oracle) constant(name string, x []float32, cols int) *G.Node {
	t := tensor.New(tensor.WithShape(len(x)/cols, cols), tensor.WithBacking(append([]float32(nil), x...)))
	return G.NewMatrix(o.g, tensor.Float32, G.WithShape(len(x)/cols, cols), G.WithName(name), G.WithValue(t))
}

func (o *oracle) param(p []float32, at, rows, cols int) *G.Node {
	n := o.constant(fmt.Sprint("p", at), p[at:at+rows*cols], cols)
	o.params, o.at = append(o.params, n), append(o.at, at)
	return n
}

// ones returns a matrix of ones: products with it sum and repeat, without broadcasting.
func (o *oracle) ones(name string, rows, cols int) *G.Node {
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = 1
	}
	return o.constant(name, x, cols)
}

func must(n *G.Node, err error) *G.Node {
	if err != nil {
		panic(err)
	}
	return n
}

func add(a, b *G.Node) *G.Node   { return must(G.Add(a, b)) }
func sub(a, b *G.Node) *G.Node   { return must(G.Sub(a, b)) }
func times(a, b *G.Node) *G.Node { return must(G.HadamardProd(a, b)) }
func mul(a, b *G.Node) *G.Node   { return must(G.Mul(a, b)) }
func scale(a *G.Node, c float32) *G.Node {
	return must(G.Mul(a, G.NewConstant(c)))
}
func plus(a *G.Node, c float32) *G.Node { return must(G.Add(a, G.NewConstant(c))) }

// mlp is the network m on x, with parameters from p at offset base.
func (o *oracle) mlp(m *MLP, p []float32, base int, x *G.Node) *G.Node {
	for i, l := range m.layers {
		w, b := o.param(p, base+l.w, l.in, l.out), o.param(p, base+l.b, 1, l.out)
		x = add(mul(x, w), mul(o.ones(fmt.Sprint("ones", base, i), o.rows, 1), b))
		switch l.act {
		case Tanh:
			x = must(G.Tanh(x))
		case ReLU:
			x = must(G.Rectify(x))
		}
	}
	return x
}

// loss is the loss of update.gradient: the mean over rows of
// max(-A r, -A clip(r, 0.8, 1.2)) - 0.01 H + 0.25 (V - R)^2.
func (o *oracle) loss(u *update) *G.Node {
	o.g, o.rows = G.NewGraph(), u.rows
	net, p := u.net, u.t.Params
	x := o.constant("x", u.obs, 24)
	critic, free := net.split()
	y := o.mlp(net.actor, p, 0, x)
	var policy, value *G.Node
	if net.critic != nil {
		policy, value = y, o.mlp(net.critic, p, critic, x)
	} else { // columns picked by products with parts of the unit matrix
		n := net.actor.Out()
		pick, last := make([]float32, n*(n-1)), make([]float32, n)
		for i := range n - 1 {
			pick[i*(n-1)+i] = 1
		}
		last[n-1] = 1
		policy, value = mul(y, o.constant("pick", pick, n-1)), mul(y, o.constant("last", last, 1))
	}

	var logProb, entropy *G.Node // rows x 1
	switch part := net.Head().parts[0]; part.Kind {
	case Categorical:
		hot := make([]float32, u.rows*part.N)
		for i, a := range u.act {
			hot[i*part.N+int(a)] = 1
		}
		// log softmax from its definition; the logits of this test are small
		e := must(G.Exp(policy))
		sum := mul(e, o.ones("sum", part.N, 1))
		lp := sub(policy, mul(must(G.Log(sum)), o.ones("spread", 1, part.N)))
		logProb = mul(times(lp, o.constant("hot", hot, part.N)), o.ones("sum2", part.N, 1))
		entropy = scale(mul(times(must(G.Exp(lp)), lp), o.ones("sum3", part.N, 1)), -1)
	case Gaussian:
		logStd := mul(o.ones("rows", u.rows, 1), o.param(p, free, 1, part.N))
		z := times(sub(o.constant("act", u.act, part.N), policy), must(G.Exp(scale(logStd, -1))))
		sum := o.ones("sum", part.N, 1)
		logProb = plus(mul(sub(scale(times(z, z), -0.5), logStd), sum), -float32(part.N)*halfLog2Pi)
		entropy = mul(logStd, sum)
	}

	ratio := must(G.Exp(sub(logProb, o.constant("old", u.old, 1))))
	// clip(r, lo, hi) = lo + relu(r-lo) - relu(r-hi);  max(a, b) = b + relu(a-b)
	clipped := plus(sub(must(G.Rectify(plus(ratio, -0.8))), must(G.Rectify(plus(ratio, -1.2)))), 0.8)
	adv := scale(o.constant("adv", u.adv, 1), -1)
	a, b := times(adv, ratio), times(adv, clipped)
	l := add(b, must(G.Rectify(sub(a, b))))
	l = sub(l, scale(entropy, 0.01))
	d := sub(value, o.constant("ret", u.ret, 1))
	l = add(l, scale(times(d, d), 0.25))
	return scale(must(G.Sum(l)), 1/float32(u.rows))
}

// Gradients of a whole PPO loss must be those of Gorgonia's automatic differentiation.
func TestGradientsAgainstGorgonia(t *testing.T) {
	const rows = 140 // two blocks
	eachKernel(t, func(t *testing.T) {
		for _, parts := range [][]Part{{{Categorical, 4}}, {{Gaussian, 3}}} {
			for _, act := range []Activation{Tanh, ReLU} {
				for _, shared := range []bool{true, false} {
					t.Run(fmt.Sprint(parts, act, shared), func(t *testing.T) {
						checkOracle(t, newUpdateOf(ActorCriticConfig{
							Obs: 24, Head: NewHead(parts...), Hidden: []int{32, 20}, Activation: act, Shared: shared, LogStd: -0.5,
						}, rows, NewPool(1)))
					})
				}
			}
		}
	})
}

func checkOracle(t *testing.T, u *update) {
	for i, v := range random(9, len(u.t.Params), 0.1) {
		u.t.Params[i] += v
	}
	u.t.Gradient(u.rows, u.onGradient)
	clipped := 0
	for _, v := range u.workers[0].dl { // of the last row of each place in a block
		if v == 0 {
			clipped++
		}
	}
	if clipped == 0 || clipped == BlockRows {
		t.Fatalf("%d of %d rows are clipped: the loss tests one branch only", clipped, BlockRows)
	}

	o := &oracle{}
	loss := o.loss(u)
	grads, err := G.Grad(loss, o.params...)
	if err != nil {
		t.Fatal(err)
	}
	values := make([]G.Value, len(grads))
	for i, g := range grads {
		G.Read(g, &values[i])
	}
	vm := G.NewTapeMachine(o.g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		t.Fatal(err)
	}
	var largest, worst float64
	compared := 0
	for i, v := range values {
		want := v.Data().([]float32)
		compared += len(want)
		for j, w := range want {
			largest = max(largest, math.Abs(float64(w)))
			d := math.Abs(float64(u.t.Grad[o.at[i]+j] - w))
			if worst = max(worst, d); !(d <= 1e-6) {
				t.Fatalf("gradient of %s = %v, want %v", u.net.Where(o.at[i]+j), u.t.Grad[o.at[i]+j], w)
			}
		}
	}
	if compared != len(u.t.Params) || largest < 1e-2 {
		t.Errorf("compared %d of %d parameters, largest gradient %v", compared, len(u.t.Params), largest)
	}
	t.Logf("largest difference %.2g of gradients up to %.2g", worst, largest)
}
