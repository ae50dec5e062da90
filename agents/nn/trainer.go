package nn

import (
	"fmt"
	"math"
)

const (
	// BlockRows is the number of rows whose gradient is summed by one worker. It is fixed, and so
	// is the order in which the sums of the blocks are added: hence no result depends on the
	// number of workers.
	BlockRows = 128

	// chunkParams is the number of parameters that a worker reduces or updates at a time.
	chunkParams = 1 << 14
)

// A Loss adds to grad the gradient of the loss of rows lo to hi, exclusive, of a minibatch, with
// respect to all parameters. It is called by several workers at once, with one block at a time for
// each worker number: scratch memory such as a Tape is kept for each worker, and what it reports
// for each block, of 0 to Blocks(rows)-1.
type Loss func(worker, block, lo, hi int, grad []float32)

// Blocks returns the number of blocks that a minibatch of the given number of rows is cut into.
func Blocks(rows int) int { return (rows + BlockRows - 1) / BlockRows }

// A Trainer fits a parameter vector by gradient descent, the rows of each minibatch shared out
// among the workers of a pool:
//
//	t.Gradient(rows, loss)          // calls loss for each block of rows
//	norm, err := t.Step(lr)         // clips and applies what the calls have added up
//
// Neither allocates. Results do not depend on the number of workers.
type Trainer struct {
	Params []float32 // shared with the caller
	Grad   []float32 // the last gradient, before clipping
	Adam   *Adam

	// MaxNorm limits the Euclidean norm of the gradient: a longer one is scaled down to it
	// (Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks",
	// ICML 2013, algorithm 1). The default (zero) means no limit.
	MaxNorm float32

	pool   *Pool
	k      *kernel
	blocks [][]float32 // gradient of each block; the first is Grad itself
	square []float64   // sum of squares of each chunk of Grad

	// of the call in progress
	rows int
	loss Loss
	coef adamCoef

	onBlock, onReduce, onUpdate func(worker, i int) // made once, so that no call allocates
}

// NewTrainer returns a trainer of params for minibatches of up to maxRows rows.
func NewTrainer(params []float32, maxRows int, pool *Pool) *Trainer {
	n := len(params)
	t := &Trainer{Params: params, Grad: make([]float32, n), Adam: NewAdam(n), pool: pool, k: active}
	t.blocks = make([][]float32, max(Blocks(maxRows), 1))
	t.blocks[0] = t.Grad
	for i := range t.blocks[1:] {
		t.blocks[i+1] = make([]float32, n)
	}
	t.square = make([]float64, (n+chunkParams-1)/chunkParams)
	t.onBlock, t.onReduce, t.onUpdate = t.block, t.reduce, t.update
	return t
}

// Gradient sets Grad to the sum of what loss adds for each block of a minibatch.
func (t *Trainer) Gradient(rows int, loss Loss) {
	if rows < 1 || Blocks(rows) > len(t.blocks) {
		panic(fmt.Sprintf("nn: minibatch of %d rows, want 1 to %d", rows, len(t.blocks)*BlockRows))
	}
	t.rows, t.loss = rows, loss
	t.pool.Do(Blocks(rows), t.onBlock)
	t.pool.Do(len(t.square), t.onReduce)
	t.loss = nil
}

func (t *Trainer) block(worker, i int) {
	clear(t.blocks[i])
	t.loss(worker, i, i*BlockRows, min((i+1)*BlockRows, t.rows), t.blocks[i])
}

// reduce adds up the blocks of one chunk of parameters, first block first.
func (t *Trainer) reduce(_, chunk int) {
	lo, hi := t.chunk(chunk)
	g := t.Grad[lo:hi]
	for _, b := range t.blocks[1:Blocks(t.rows)] {
		t.k.add(g, b[lo:hi])
	}
	t.square[chunk] = sumSquares(g)
}

func (t *Trainer) chunk(i int) (lo, hi int) {
	return i * chunkParams, min((i+1)*chunkParams, len(t.Grad))
}

// sumSquares uses four sums, in a fixed order, to keep the processor busy.
func sumSquares(x []float32) float64 {
	var s [4]float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		for j, v := range x[i : i+4 : i+4] {
			s[j] += float64(float64(v) * float64(v))
		}
	}
	for _, v := range x[i:] {
		s[0] += float64(float64(v) * float64(v))
	}
	return s[0] + s[1] + (s[2] + s[3])
}

// Step clips Grad and moves Params against it with learning rate lr. It returns the norm of Grad.
// If that is not finite, nothing has moved and the error tells the index of the first offending
// parameter.
func (t *Trainer) Step(lr float32) (norm float64, err error) {
	for _, s := range t.square {
		norm += s
	}
	norm = math.Sqrt(norm)
	if math.IsInf(norm, 0) || math.IsNaN(norm) {
		return norm, &NonFiniteError{Index: firstNonFinite(t.Grad)}
	}
	scale := float32(1)
	if t.MaxNorm > 0 && norm > float64(t.MaxNorm) {
		scale = float32(float64(t.MaxNorm) / norm)
	}
	t.coef = t.Adam.next(lr, scale)
	t.pool.Do(len(t.square), t.onUpdate)
	return norm, nil
}

func (t *Trainer) update(_, chunk int) {
	lo, hi := t.chunk(chunk)
	t.Adam.apply(t.Params, t.Grad, lo, hi, t.coef)
}

// A NonFiniteError says that the gradient of a parameter is infinite or not a number.
type NonFiniteError struct{ Index int }

func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("nn: the gradient of parameter %d is not finite", e.Index)
}

func firstNonFinite(x []float32) int {
	for i, v := range x {
		if v-v != 0 {
			return i
		}
	}
	return -1
}
