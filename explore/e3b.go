package explore

import (
	"encoding/binary"
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

// NewE3B returns the default options: the paper's ridge of 0.1, and 32 features learned from an
// eighth of the rows. Of 256 worlds these are 128 transitions every four steps, a gradient for
// each 1024 steps; the paper takes one for each 640.
func NewE3B() *E3B {
	f := NewFeatures("inverse")
	f.Keep = 0.125
	return &E3B{Features: f, Ridge: 0.1}
}

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
		b: make([]float32, s.Rows), rows: make([]ellipse, s.Rows),
		pool: f.pool, errs: make([]error, chunks(s.Rows)), repairs: make([]uint64, chunks(s.Rows)),
	}
	b.onScore, b.onUpdate = b.scoreChunk, b.updateChunk
	for range b.pool.Workers() {
		b.scratch = append(b.scratch, scratch{newInverter(dim), make([]float32, chunk*v.width()), make([]float32, chunk*dim)})
	}
	for i := range b.rows {
		b.rows[i] = newEllipse(dim, c.Ridge)
	}
	return b, nil
}

type e3b struct {
	view  *view
	embed embedding
	dim   int
	b     []float32 // bonus of the batch scored last, before the rule of the first step
	rows  []ellipse

	pool              *nn.Pool
	batch             *env.Batch // of the call in progress
	dst               []float32
	scratch           []scratch // one a worker
	errs              []error   // one a chunk
	repairs           []uint64  // inverses computed before they were due, by chunk
	onScore, onUpdate func(worker, i int)
	back              bool // take the chunks from the last to the first
}

// scratch is the memory of a worker.
type scratch struct {
	inverter *inverter
	x, phi   []float32 // states of a chunk, and their embeddings
}

// Score writes the bonus of each row. It takes the rows of every other step in the opposite order: those
// that it came to last are still in the caches, which do not hold the ellipses of many worlds.
func (e *e3b) Score(dst []float32, b *env.Batch) {
	e.batch, e.dst = b, dst
	e.pool.Do(chunks(b.N), e.onScore)
	e.batch, e.dst = nil, nil
}

func (e *e3b) scoreChunk(worker, c int) {
	w, d, k := e.view.width(), e.dim, &e.scratch[worker]
	if e.back {
		c = chunks(e.batch.N) - 1 - c
	}
	lo := c * chunk
	hi := min(lo+chunk, e.batch.N)
	x, phi := k.x[:(hi-lo)*w], k.phi[:(hi-lo)*d]
	for i := lo; i < hi; i++ {
		e.view.next(x[(i-lo)*w:(i-lo+1)*w], e.batch, i)
	}
	e.embed.embed(phi, x, hi-lo, worker)
	for i := lo; i < hi; i++ {
		e.b[i] = e.rows[i].quad(phi[(i-lo)*d : (i-lo+1)*d])
		e.dst[i] = geom.Max(e.b[i], 0)
		if e.rows[i].steps == 0 {
			e.dst[i] = 0
		}
	}
}

// Update includes the states of b in their episodes' ellipses and trains the embedding.
func (e *e3b) Update(b *env.Batch, report func(string, float64)) error {
	e.batch = b
	e.pool.Do(chunks(b.N), e.onUpdate)
	e.batch, e.back = nil, !e.back
	for _, err := range e.errs[:chunks(b.N)] {
		if err != nil {
			return fmt.Errorf("bonus e3b: %w", err)
		}
	}
	if err := e.embed.learn(b, report); err != nil {
		return fmt.Errorf("bonus e3b: %w", err)
	}
	if report != nil {
		report("repairs", float64(e.repaired()))
	}
	return nil
}

// repaired returns how many inverses were computed before they were due.
func (e *e3b) repaired() (n uint64) {
	for _, x := range e.repairs {
		n += x
	}
	return n
}

func (e *e3b) updateChunk(worker, c int) {
	for i := c * chunk; i < min((c+1)*chunk, e.batch.N); i++ {
		if !geom.Finite(e.b[i]) {
			e.errs[c] = e.unfit(i, e.scratch[worker].x)
			return
		}
		if e.batch.End[i] != env.Running {
			e.rows[i].reset()
			continue
		}
		repaired, err := e.rows[i].add(e.b[i], e.scratch[worker].inverter)
		if err != nil {
			e.errs[c] = fmt.Errorf("row %d: %w", i, err)
			return
		}
		if repaired {
			e.repairs[c]++
		}
	}
}

// unfit says why the bonus of a row is not finite.
func (e *e3b) unfit(i int, state []float32) error {
	state = state[:e.view.width()]
	e.view.next(state, e.batch, i)
	for j, v := range state {
		if !geom.Finite(v) {
			return fmt.Errorf("number %d of the state of row %d is %v", j, i, v)
		}
	}
	return fmt.Errorf("bonus of row %d is %v: its features are too large: lower lr, or raise ridge", i, e.b[i])
}

// AppendBinary appends the embedding, the number of repairs and the ellipse of each row.
func (e *e3b) AppendBinary(dst []byte) ([]byte, error) {
	dst = binary.LittleEndian.AppendUint64(e.embed.append(dst), e.repaired())
	for i := range e.rows {
		dst = e.rows[i].append(dst)
	}
	return dst, nil
}

// UnmarshalBinary restores what AppendBinary wrote.
func (e *e3b) UnmarshalBinary(src []byte) error {
	src, err := e.embed.cut(src)
	if err != nil {
		return fmt.Errorf("bonus e3b: %w", err)
	}
	if len(src) < 8 {
		return e.misfit()
	}
	clear(e.repairs)
	e.repairs[0], src = binary.LittleEndian.Uint64(src), src[8:]
	for i := 0; err == nil && i < len(e.rows); i++ {
		ok := false
		if src, ok = e.rows[i].cut(src); !ok {
			err = e.misfit()
		}
	}
	if err == nil && len(src) > 0 {
		err = e.misfit()
	}
	return err
}

func (e *e3b) misfit() error {
	return fmt.Errorf("bonus e3b: the state is of another dimension or number of rows than %d and %d", e.dim, len(e.rows))
}
