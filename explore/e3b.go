package explore

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { Register("e3b", func() Config { return NewE3B() }) }

// E3B is the elliptical episodic bonus of Henaff et al., "Exploration via elliptical episodic
// bonuses" (NeurIPS 2022): how far the embedding of a state lies outside the ellipse of those
// seen in the episode.
//
//	C = ridge I + sum of phi(s) phi(s)' over the episode      b = phi(s)' C^-1 phi(s)
//
// The state that an episode's first step leads to scores 0.
type E3B struct {
	Features
	Ridge float32 `json:"ridge" doc:"what the ellipse begins as, times the unit sphere"`
}

// NewE3B returns the default options: the paper's ridge of 0.1, and 32 learned features.
func NewE3B() *E3B { return &E3B{Features: NewFeatures("inverse"), Ridge: 0.1} }

// Build returns the bonus.
func (c *E3B) Build(s Setup) (Bonus, error) {
	if !(c.Ridge > 0) || !geom.Finite(c.Ridge) {
		return nil, fmt.Errorf("bonus e3b: ridge is %v, want a positive number", c.Ridge)
	}
	f, err := newFeatures("e3b", &c.Features, s)
	if err != nil {
		return nil, err
	}
	v, em, dim := f.view, f.em, f.dim
	b := &e3b{
		view: v, embed: em, dim: dim,
		x: make([]float32, s.Rows*v.width()), phi: make([]float32, s.Rows*dim), u: make([]float32, s.Rows*dim),
		b: make([]float32, s.Rows), rows: make([]ellipse, s.Rows),
		pool: nn.NewPool(s.Workers), errs: make([]error, chunks(s.Rows)),
	}
	b.onScore, b.onUpdate = b.scoreChunk, b.updateChunk
	for range b.pool.Workers() {
		b.scratch = append(b.scratch, make([]float64, 3*dim*dim))
	}
	for i := range b.rows {
		b.rows[i] = newEllipse(dim, c.Ridge)
	}
	return b, nil
}

// reinvert is the number of rank-one updates after which the inverse is computed afresh.
const reinvert = 256

// An ellipse is C^-1 of one row, and what C is made of: cov is C as of the last time that the
// inverse was computed afresh, if it has been, and phis are the features since.
type ellipse struct {
	inv, cov []float32
	phis     []float32
	ridge    float32
	steps    uint32 // of the episode
}

func newEllipse(d int, ridge float32) ellipse {
	f := func(n int) []float32 { return make([]float32, n*d) }
	e := ellipse{inv: f(d), cov: f(d), phis: f(reinvert), ridge: ridge}
	e.reset()
	return e
}

func (e *ellipse) reset() {
	diagonal(e.inv, 1/e.ridge)
	e.steps = 0
}

// diagonal makes m a number times the unit matrix.
func diagonal(m []float32, x float32) {
	d := isqrt(len(m))
	clear(m)
	for i := range d {
		m[i*d+i] = x
	}
}

func isqrt(n int) int {
	d := 0
	for d*d < n {
		d++
	}
	return d
}

// quad sets u to C^-1 phi and returns phi' C^-1 phi.
func (e *ellipse) quad(u, phi []float32) float32 {
	loops.symv(u, e.inv, phi)
	return loops.dot(u, phi)
}

// add includes phi, given u and b = quad: the formula of Sherman and Morrison (1950). Scratch is
// memory for 3 d^2 numbers.
func (e *ellipse) add(u, phi []float32, b float32, scratch []float64) error {
	d := len(phi)
	copy(e.phis[int(e.steps%reinvert)*d:], phi)
	if e.steps++; e.steps%reinvert > 0 {
		loops.rank1(e.inv, u, -1/(1+b), false)
		return nil
	}
	if e.steps == reinvert {
		diagonal(e.cov, e.ridge)
	}
	for k := range reinvert {
		loops.rank1(e.cov, e.phis[k*d:(k+1)*d], 1, true)
	}
	return e.invert(scratch)
}

// parts returns what the state consists of beside steps.
func (e *ellipse) parts() [3][]float32 {
	d := isqrt(len(e.inv))
	p := [...][]float32{e.inv, e.phis[:int(e.steps%reinvert)*d], nil}
	if e.steps >= reinvert {
		p[2] = e.cov
	}
	return p
}

// invert computes the inverse from C, against the drift of many updates: C = L L', W = L^-1,
// C^-1 = W' W, in float64 and row by row.
func (e *ellipse) invert(scratch []float64) error {
	d := isqrt(len(e.cov))
	l, w, inv := scratch[:d*d], scratch[d*d:2*d*d], scratch[2*d*d:3*d*d]
	for i := range d {
		li := l[i*d : (i+1)*d]
		for j := range i + 1 {
			s := float64(e.cov[i*d+j])
			lj := l[j*d : j*d+j+1]
			for k, x := range lj[:j] {
				s -= float64(li[k] * x)
			}
			if i != j {
				li[j] = s / lj[j]
			} else if !(s > 0) {
				return errors.New("the covariance of an episode is singular; raise ridge")
			} else {
				li[i] = sqrt64(s)
			}
		}
	}
	clear(w)
	clear(inv)
	for i := range d {
		wi := w[i*d : i*d+i+1]
		for k, x := range l[i*d : i*d+i] {
			subtractRow(wi[:k+1], w[k*d:], x)
		}
		for j := range i {
			wi[j] /= l[i*d+i]
		}
		wi[i] = 1 / l[i*d+i]
		for j, x := range wi {
			subtractRow(inv[j*d:j*d+j+1], wi, x) // minus W' W, lower triangle
		}
	}
	for i := range d {
		for j := range i + 1 {
			x := float32(-inv[i*d+j])
			e.inv[i*d+j], e.inv[j*d+i] = x, x
		}
	}
	return nil
}

// subtractRow subtracts a times the front of x from y.
func subtractRow(y, x []float64, a float64) {
	x = x[:len(y)]
	for j := range y {
		y[j] -= float64(a * x[j])
	}
}

type e3b struct {
	view  *view
	embed embedding
	dim   int
	x     []float32 // states of the batch scored last
	phi   []float32 // their embeddings
	u     []float32 // C^-1 phi
	b     []float32 // bonus before the rule of the first step
	rows  []ellipse

	pool              *nn.Pool
	batch             *env.Batch // of the call in progress
	dst               []float32
	scratch           [][]float64 // one a worker
	errs              []error     // one a chunk
	onScore, onUpdate func(worker, i int)
}

// Score writes the bonus of each row.
func (e *e3b) Score(dst []float32, b *env.Batch) {
	e.batch, e.dst = b, dst
	e.pool.Do(chunks(b.N), e.onScore)
	e.batch, e.dst = nil, nil
}

func (e *e3b) scoreChunk(worker, c int) {
	w, d := e.view.width(), e.dim
	lo := c * chunk
	hi := min(lo+chunk, e.batch.N)
	for i := lo; i < hi; i++ {
		e.view.next(e.x[i*w:(i+1)*w], e.batch, i)
	}
	e.embed.embed(e.phi[lo*d:hi*d], e.x[lo*w:hi*w], hi-lo, worker)
	for i := lo; i < hi; i++ {
		e.b[i] = e.rows[i].quad(e.u[i*d:(i+1)*d], e.phi[i*d:(i+1)*d])
		e.dst[i] = e.b[i]
		if e.rows[i].steps == 0 {
			e.dst[i] = 0
		}
	}
}

// Update includes the states of b in their episodes' ellipses and trains the embedding.
func (e *e3b) Update(b *env.Batch, report func(string, float64)) error {
	e.batch = b
	e.pool.Do(chunks(b.N), e.onUpdate)
	e.batch = nil
	for _, err := range e.errs[:chunks(b.N)] {
		if err != nil {
			return fmt.Errorf("bonus e3b: %w", err)
		}
	}
	if err := e.embed.learn(b, report); err != nil {
		return fmt.Errorf("bonus e3b: %w", err)
	}
	return nil
}

func (e *e3b) updateChunk(worker, c int) {
	d := e.dim
	for i := c * chunk; i < min((c+1)*chunk, e.batch.N); i++ {
		if !geom.Finite(e.b[i]) {
			e.errs[c] = fmt.Errorf("bonus of row %d is %v", i, e.b[i])
			return
		}
		if e.batch.End[i] != env.Running {
			e.rows[i].reset()
			continue
		}
		if err := e.rows[i].add(e.u[i*d:(i+1)*d], e.phi[i*d:(i+1)*d], e.b[i], e.scratch[worker]); err != nil {
			e.errs[c] = fmt.Errorf("row %d: %w", i, err)
			return
		}
	}
}

// AppendBinary appends the embedding, then steps, inverse, features and covariance of each row.
func (e *e3b) AppendBinary(dst []byte) ([]byte, error) {
	dst = e.embed.append(dst)
	for i := range e.rows {
		dst = binary.LittleEndian.AppendUint32(dst, e.rows[i].steps)
		for _, x := range e.rows[i].parts() {
			dst = nn.AppendFloats(dst, x)
		}
	}
	return dst, nil
}

// UnmarshalBinary restores what AppendBinary wrote.
func (e *e3b) UnmarshalBinary(src []byte) error {
	src, err := e.embed.cut(src)
	if err != nil {
		return fmt.Errorf("bonus e3b: %w", err)
	}
	fail := func() error {
		return fmt.Errorf("bonus e3b: the state is of another dimension or number of rows than %d and %d", e.dim, len(e.rows))
	}
	for i := range e.rows {
		if len(src) < 4 {
			return fail()
		}
		e.rows[i].steps = binary.LittleEndian.Uint32(src)
		src = src[4:]
		for _, x := range e.rows[i].parts() {
			if len(src) < 4*len(x) {
				return fail()
			}
			nn.DecodeFloats(x, src)
			src = src[4*len(x):]
		}
	}
	if len(src) > 0 {
		return fail()
	}
	return nil
}
