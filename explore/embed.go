package explore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func sqrt64(x float64) float64 { return math.Sqrt(x) }

// plain features are the fields themselves.
type plain struct{}

func (plain) embed(dst, x []float32, _, _ int)              { copy(dst, x) }
func (plain) learn(*env.Batch, func(string, float64)) error { return nil }
func (plain) append(dst []byte) []byte                      { return dst }
func (plain) cut(src []byte) ([]byte, error)                { return src, nil }

// random features are those of a network of fixed random weights.
type random struct {
	net   *nn.MLP
	p     []float32
	tapes []*nn.Tape // one a worker
}

func newRandom(width int, c *Features, s Setup) *random {
	net := nn.NewMLP(nn.MLPConfig{In: width, Hidden: []int{c.Hidden}, Out: c.Dim})
	r := &random{net: net, p: make([]float32, net.NumParams()), tapes: tapes(net, s)}
	net.Init(r.p, s.Key)
	return r
}

// tapes returns a tape of net for each worker, for a chunk of rows.
func tapes(net *nn.MLP, s Setup) (ts []*nn.Tape) {
	for range max(s.Workers, 1) {
		ts = append(ts, net.NewTape(min(chunk, s.Rows)))
	}
	return ts
}

func (r *random) embed(dst, x []float32, rows, worker int) {
	copy(dst, r.net.Forward(r.p, r.tapes[worker], x, rows))
}
func (r *random) learn(*env.Batch, func(string, float64)) error { return nil }
func (r *random) append(dst []byte) []byte                      { return dst }
func (r *random) cut(src []byte) ([]byte, error)                { return src, nil }

// inverse features are learned by predicting the action from the states before and after it
// (Pathak et al., "Curiosity-driven exploration by self-supervised prediction", ICML 2017, eq.
// 2-3), as E3B does: what no action influences leaves no trace in them.
type inverse struct {
	view     *view
	phi, act *nn.MLP
	head     *nn.Head
	p, grad  []float32 // of phi, of act, of head
	adam     *nn.Adam
	lr, keep float32
	key      rng.Key
	step     uint64

	before, after         *nn.Tape
	actTape               *nn.Tape
	headTape              *nn.HeadTape
	s, next, pair, dPair  []float32
	dLogProb, dEntropy    []float32
	dBefore, dAfter, dPol []float32
	cols                  []column
	a                     []float32
	tapes                 []*nn.Tape // one a worker
}

func newInverse(v *view, c *Features, s Setup) *inverse {
	n := &inverse{view: v, lr: c.LR, keep: c.Keep, key: s.Key, cols: columns(s.Spec)}
	var parts []nn.Part
	for _, c := range n.cols {
		if c.choices > 0 {
			parts = append(parts, nn.Part{Kind: nn.Categorical, N: c.choices})
		} else {
			parts = append(parts, nn.Part{Kind: nn.Gaussian, N: 1})
		}
	}
	n.head = nn.NewHead(parts...)
	n.phi = nn.NewMLP(nn.MLPConfig{In: v.width(), Hidden: []int{c.Hidden}, Out: c.Dim})
	n.act = nn.NewMLP(nn.MLPConfig{In: 2 * c.Dim, Hidden: []int{c.Hidden}, Out: n.head.Inputs(), OutGain: 0.01})
	a, b := n.phi.NumParams(), n.phi.NumParams()+n.act.NumParams()
	total := b + n.head.Free()
	n.p, n.grad, n.adam = make([]float32, total), make([]float32, total), nn.NewAdam(total)
	n.phi.Init(n.p[:a], s.Key.Fold(1))
	n.act.Init(n.p[a:b], s.Key.Fold(2))
	f := func(w int) []float32 { return make([]float32, s.Rows*w) }
	n.before, n.after, n.tapes = n.phi.NewTape(s.Rows), n.phi.NewTape(s.Rows), tapes(n.phi, s)
	n.actTape, n.headTape = n.act.NewTape(s.Rows), n.head.NewTape(s.Rows)
	n.s, n.next, n.pair, n.dPair = f(v.width()), f(v.width()), f(2*c.Dim), f(2*c.Dim)
	n.dLogProb, n.dEntropy = f(1), f(1)
	n.dBefore, n.dAfter, n.dPol = f(c.Dim), f(c.Dim), f(n.head.Inputs())
	n.a = f(n.head.Actions())
	return n
}

func (n *inverse) embed(dst, x []float32, rows, worker int) {
	copy(dst, n.phi.Forward(n.p[:n.phi.NumParams()], n.tapes[worker], x, rows))
}

// load gathers the kept transitions of b, and returns how many there are.
func (n *inverse) load(b *env.Batch) (rows int) {
	w, acts := n.view.width(), n.head.Actions()
	for i := range b.N {
		if r := n.key.Stream(keepPurpose, uint32(i), uint32(n.step)); r.Float32() >= n.keep {
			continue
		}
		for j, c := range n.view.obs {
			n.s[rows*w+j] = b.Obs[i*n.view.obsW+c]
			n.next[rows*w+j] = b.Next[i*n.view.obsW+c]
		}
		for j, a := range b.Act[i*acts : (i+1)*acts] {
			n.a[rows*acts+j] = n.cols[j].number(a)
		}
		rows++
	}
	n.step++
	return rows
}

// learn takes one step on the kept transitions of b: minus the mean log-probability of the
// actions, ICM (3).
func (n *inverse) learn(b *env.Batch, report func(string, float64)) error {
	rows, d := n.load(b), n.phi.Out()
	if rows == 0 {
		return nil
	}
	np, na := n.phi.NumParams(), n.act.NumParams()
	p := n.p
	x := n.phi.Forward(p[:np], n.before, n.s, rows)
	y := n.phi.Forward(p[:np], n.after, n.next, rows)
	for i := range rows {
		copy(n.pair[i*2*d:], x[i*d:(i+1)*d])
		copy(n.pair[i*2*d+d:], y[i*d:(i+1)*d])
	}
	policy := n.act.Forward(p[np:np+na], n.actTape, n.pair, rows)
	free := p[np+na:]
	n.head.Forward(n.headTape, policy, free, n.a[:rows*n.head.Actions()])
	loss := 0.0
	for i := range rows {
		loss -= float64(n.headTape.LogProb[i]) / float64(rows)
		n.dLogProb[i] = -1 / float32(rows)
	}
	clear(n.grad)
	n.head.Backward(n.headTape, n.dLogProb[:rows], n.dEntropy[:rows], n.dPol[:rows*n.head.Inputs()], n.grad[np+na:])
	n.act.Backward(p[np:np+na], n.grad[np:np+na], n.actTape, n.dPol[:rows*n.head.Inputs()], n.dPair[:rows*2*d])
	for i := range rows {
		copy(n.dBefore[i*d:(i+1)*d], n.dPair[i*2*d:])
		copy(n.dAfter[i*d:(i+1)*d], n.dPair[i*2*d+d:])
	}
	n.phi.Backward(p[:np], n.grad[:np], n.before, n.dBefore[:rows*d], nil)
	n.phi.Backward(p[:np], n.grad[:np], n.after, n.dAfter[:rows*d], nil)
	if !geom.Finite(float32(loss)) {
		return errors.New("the loss of the inverse model is not finite")
	}
	n.adam.Step(p, n.grad, n.lr)
	if report != nil {
		report("inverse_loss", loss)
	}
	return nil
}

func (n *inverse) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, n.step)
	dst, _ = n.adam.AppendBinary(nn.AppendFloats(dst, n.p))
	return dst
}

func (n *inverse) cut(src []byte) ([]byte, error) {
	size := 4*len(n.p) + 16 + 8*len(n.p)
	if len(src) < 8+size {
		return nil, fmt.Errorf("the embedding has %d parameters, the state is shorter", len(n.p))
	}
	n.step, src = binary.LittleEndian.Uint64(src), src[8:]
	if err := n.adam.UnmarshalBinary(src[4*len(n.p) : size]); err != nil {
		return nil, err
	}
	nn.DecodeFloats(n.p, src)
	return src[size:], nil
}

var (
	_ embedding = plain{}
	_ embedding = (*random)(nil)
	_ embedding = (*inverse)(nil)
)
