package explore

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// learnEvery is the number of steps of all rows whose kept transitions make a minibatch.
const learnEvery = 4

// inverse features are learned by predicting the action from the states before and after it
// (Pathak et al., "Curiosity-driven exploration by self-supervised prediction", ICML 2017, eq.
// 2-3), as E3B does: what no action influences leaves no trace in them.
type inverse struct {
	view     *view
	phi, act *nn.MLP
	head     *nn.Head
	p        []float32 // of phi, of act, of head
	trainer  *nn.Trainer
	lr, keep float32
	key      rng.Key
	step     uint64
	cols     []column
	tapes    []*nn.Tape // one a worker, to embed with

	s, next, a []float32 // kept transitions: states before and after, and actions as numbers
	kept, rows int       // how many there are, and of the minibatch in progress
	losses     []float64 // of each block of it
	work       []inverseWorker
	onLoss     nn.Loss
}

// inverseWorker is the memory that a worker learns in.
type inverseWorker struct {
	before, after, act   *nn.Tape
	head                 *nn.HeadTape
	pair, dPair          []float32
	dLogProb, dEntropy   []float32
	dBefore, dAfter, dIn []float32
}

func newInverse(v *view, c *Features, s Setup, pool *nn.Pool) *inverse {
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
	a, b, total := n.parts()
	n.p = make([]float32, total)
	n.phi.Init(n.p[:a], s.Key.Fold(1))
	n.act.Init(n.p[a:b], s.Key.Fold(2))
	most := learnEvery * s.Rows
	n.trainer = nn.NewTrainer(n.p, most, pool)
	n.tapes = tapes(n.phi, s)
	f := func(w int) []float32 { return make([]float32, most*w) }
	n.s, n.next, n.a, n.losses = f(v.width()), f(v.width()), f(n.head.Actions()), make([]float64, nn.Blocks(most))
	for range pool.Workers() {
		n.work = append(n.work, n.newWorker(min(most, nn.BlockRows), c.Dim))
	}
	n.onLoss = n.loss
	return n
}

func (n *inverse) newWorker(rows, dim int) inverseWorker {
	f := func(w int) []float32 { return make([]float32, rows*w) }
	return inverseWorker{
		before: n.phi.NewTape(rows), after: n.phi.NewTape(rows), act: n.act.NewTape(rows), head: n.head.NewTape(rows),
		pair: f(2 * dim), dPair: f(2 * dim), dLogProb: f(1), dEntropy: f(1), dBefore: f(dim), dAfter: f(dim), dIn: f(n.head.Inputs()),
	}
}

// parts returns where the parameters of act, of head and all of them end.
func (n *inverse) parts() (act, head, all int) {
	act = n.phi.NumParams()
	head = act + n.act.NumParams()
	return act, head, head + n.head.Free()
}

func (n *inverse) embed(dst, x []float32, rows, worker int) {
	copy(dst, n.phi.Forward(n.p[:n.phi.NumParams()], n.tapes[worker], x, rows))
}

// take keeps some of the transitions of b.
func (n *inverse) take(b *env.Batch) {
	w, acts := n.view.width(), n.head.Actions()
	for i := range b.N {
		if r := n.key.Stream(keepPurpose, uint32(i), uint32(n.step)); r.Float32() >= n.keep {
			continue
		}
		for j, c := range n.view.obs {
			n.s[n.kept*w+j] = b.Obs[i*n.view.obsW+c]
			n.next[n.kept*w+j] = b.Next[i*n.view.obsW+c]
		}
		for j, a := range b.Act[i*acts : (i+1)*acts] {
			n.a[n.kept*acts+j] = n.cols[j].number(a)
		}
		n.kept++
	}
	n.step++
}

// learn keeps some of the transitions of b and, every few steps, takes a step of Adam on them.
func (n *inverse) learn(b *env.Batch, report func(string, float64)) error {
	n.take(b)
	if n.step%learnEvery > 0 || n.kept == 0 {
		return nil
	}
	n.rows, n.kept = n.kept, 0
	n.trainer.Gradient(n.rows, n.onLoss)
	loss := 0.0
	for _, x := range n.losses[:nn.Blocks(n.rows)] {
		loss += x
	}
	if loss-loss != 0 {
		return fmt.Errorf("the loss of the inverse model is %v: lower lr", loss)
	}
	if _, err := n.trainer.Step(n.lr); err != nil {
		return fmt.Errorf("the inverse model: %w", err)
	}
	if report != nil {
		report("inverse_loss", loss)
	}
	return nil
}

// loss adds the gradient of rows lo to hi of the minibatch: of minus the mean log-probability of
// the actions, ICM (3).
func (n *inverse) loss(worker, block, lo, hi int, grad []float32) {
	a, h, _ := n.parts()
	k, p, w, d, rows := &n.work[worker], n.p, n.view.width(), n.phi.Out(), hi-lo
	x := n.phi.Forward(p[:a], k.before, n.s[lo*w:hi*w], rows)
	y := n.phi.Forward(p[:a], k.after, n.next[lo*w:hi*w], rows)
	for i := range rows {
		copy(k.pair[i*2*d:], x[i*d:(i+1)*d])
		copy(k.pair[i*2*d+d:], y[i*d:(i+1)*d])
	}
	policy, acts := n.act.Forward(p[a:h], k.act, k.pair, rows), n.head.Actions()
	n.head.Forward(k.head, policy, p[h:], n.a[lo*acts:hi*acts])
	n.losses[block] = 0
	for i := range rows {
		n.losses[block] -= float64(k.head.LogProb[i]) / float64(n.rows)
		k.dLogProb[i] = -1 / float32(n.rows)
	}
	in := k.dIn[:rows*n.head.Inputs()]
	n.head.Backward(k.head, k.dLogProb[:rows], k.dEntropy[:rows], in, grad[h:])
	n.act.Backward(p[a:h], grad[a:h], k.act, in, k.dPair[:rows*2*d])
	for i := range rows {
		copy(k.dBefore[i*d:(i+1)*d], k.dPair[i*2*d:])
		copy(k.dAfter[i*d:(i+1)*d], k.dPair[i*2*d+d:])
	}
	n.phi.Backward(p[:a], grad[:a], k.before, k.dBefore[:rows*d], nil)
	n.phi.Backward(p[:a], grad[:a], k.after, k.dAfter[:rows*d], nil)
}

// append appends step and parameters, the optimiser, and the transitions kept so far.
func (n *inverse) append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, n.step)
	dst, _ = n.trainer.Adam.AppendBinary(nn.AppendFloats(dst, n.p))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(n.kept))
	for _, x := range n.transitions() {
		dst = nn.AppendFloats(dst, x)
	}
	return dst
}

func (n *inverse) transitions() [3][]float32 {
	w := n.view.width()
	return [...][]float32{n.s[:n.kept*w], n.next[:n.kept*w], n.a[:n.kept*n.head.Actions()]}
}

func (n *inverse) cut(src []byte) ([]byte, error) {
	size := 4*len(n.p) + 16 + 8*len(n.p)
	if len(src) < 8+size+4 {
		return nil, fmt.Errorf("the embedding has %d parameters, the state is shorter: the dimensions differ", len(n.p))
	}
	kept := binary.LittleEndian.Uint32(src[8+size:])
	row := 4 * (2*n.view.width() + n.head.Actions())
	if int(kept) > len(n.s)/n.view.width() || len(src)-12-size < int(kept)*row {
		return nil, fmt.Errorf("the state keeps %d transitions, which do not fit: the rows or dimensions differ", kept)
	}
	if err := n.trainer.Adam.UnmarshalBinary(src[8+4*len(n.p) : 8+size]); err != nil {
		return nil, err
	}
	n.step, n.kept = binary.LittleEndian.Uint64(src), int(kept)
	nn.DecodeFloats(n.p, src[8:])
	src = src[12+size:]
	for _, x := range n.transitions() {
		nn.DecodeFloats(x, src)
		src = src[4*len(x):]
	}
	return src, nil
}
