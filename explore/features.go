package explore

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// Features are the options of an embedding of states: fields as they are, through fixed random
// weights, or learned by predicting the action from the states around it (Pathak et al.,
// "Curiosity-driven exploration by self-supervised prediction", ICML 2017, eq. 2-3), such that
// what no action influences leaves no trace in them.
type Features struct {
	Fields []string `json:"fields,omitempty" doc:"observation fields or facts to embed; default: the whole observation"`
	Embed  string   `json:"embed" doc:"none, random, or inverse: learned by predicting actions, from observation fields only"`
	Dim    int      `json:"dim" doc:"width of the embedding, for random and inverse"`
	Hidden int      `json:"hidden" doc:"width of the hidden layers"`
	LR     float32  `json:"lr" doc:"learning rate of what is learned"`
	Keep   float32  `json:"keep" doc:"part of the rows that is learned from"`
}

// NewFeatures returns the default options of an embedding.
func NewFeatures(embed string) Features {
	return Features{Embed: embed, Dim: 32, Hidden: 64, LR: 3e-4, Keep: 0.25}
}

// An embedding maps states, rows of the width of a view, to features. Each worker may embed at
// most chunk rows at once.
type embedding interface {
	embed(dst, x []float32, rows, worker int)
	learn(b *env.Batch, report func(string, float64)) error
	append(dst []byte) []byte
	cut(src []byte) ([]byte, error)
}

// features embeds the states of batches.
type features struct {
	view *view
	em   embedding
	dim  int
	pool *nn.Pool

	// of the call in progress
	batch  *env.Batch
	dst    []float32
	before bool
	x      []float32
	on     func(worker, i int)
}

func newFeatures(name string, c *Features, s Setup) (*features, error) {
	fail := func(format string, args ...any) (*features, error) {
		return nil, fmt.Errorf("bonus %s: %w", name, fmt.Errorf(format, args...))
	}
	v, err := newView(s.Spec, c.Fields)
	if err != nil {
		return fail("fields: %w", err)
	}
	if c.Dim < 1 || c.Dim > 512 || c.Hidden < 1 || c.Hidden > 4096 {
		return fail("dim is %d and hidden %d, want 1 to 512 and 1 to 4096", c.Dim, c.Hidden)
	}
	if !(c.LR > 0) || !(c.Keep > 0 && c.Keep <= 1) {
		return fail("lr is %v and keep %v, want above 0, and keep at most 1", c.LR, c.Keep)
	}
	f := &features{view: v, dim: c.Dim, pool: nn.NewPool(s.Workers), x: make([]float32, s.Rows*v.width())}
	f.on = f.chunk
	switch c.Embed {
	case "none":
		f.em, f.dim = plain{}, v.width()
	case "random":
		f.em = newRandom(v.width(), c, s)
	case "inverse":
		if len(v.facts) > 0 {
			return fail("embed inverse sees observation fields only, not facts")
		}
		f.em = newInverse(v, c, s, f.pool)
	default:
		return fail("embed is %q, want none, random or inverse", c.Embed)
	}
	return f, nil
}

// observed reports an error if the features are not of observations alone, which a bonus needs
// that looks at the state before a step: facts tell of the state after it only.
func (f *features) observed(name string) error {
	if len(f.view.facts) > 0 {
		return fmt.Errorf("bonus %s: fields: it sees observation fields only, not facts", name)
	}
	return nil
}

// after writes the features of the states that b leads to, beforehand those of the states
// before.
func (f *features) after(dst []float32, b *env.Batch)      { f.do(dst, b, false) }
func (f *features) beforehand(dst []float32, b *env.Batch) { f.do(dst, b, true) }

func (f *features) do(dst []float32, b *env.Batch, before bool) {
	f.dst, f.batch, f.before = dst, b, before
	f.pool.Do(chunks(b.N), f.on)
	f.dst, f.batch = nil, nil
}

func (f *features) chunk(worker, c int) {
	w, lo, hi := f.view.width(), c*chunk, min((c+1)*chunk, f.batch.N)
	for i := lo; i < hi; i++ {
		row := f.x[i*w : (i+1)*w]
		if !f.before {
			f.view.next(row, f.batch, i)
			continue
		}
		for j, at := range f.view.obs {
			row[j] = f.batch.Obs[i*f.view.obsW+at]
		}
	}
	f.em.embed(f.dst[lo*f.dim:hi*f.dim], f.x[lo*w:hi*w], hi-lo, worker)
}

// finite reports the first row of x that is not finite.
func finite(name, what string, x []float32, width int) error {
	for i, v := range x {
		if !geom.Finite(v) {
			return fmt.Errorf("bonus %s: %s of row %d is %v", name, what, i/width, v)
		}
	}
	return nil
}

// A column says how to write a column of actions for a network.
type column struct {
	choices   int
	lo, scale float32 // of a continuous action: to -1..1
}

func columns(s *env.Spec) (cs []column) {
	for _, f := range s.Act {
		for range f.Len {
			cs = append(cs, column{f.Choices, f.Lo, 2 / (f.Hi - f.Lo)})
		}
	}
	return cs
}

// number returns the choice, or the continuous action on the scale of -1..1.
func (c column) number(a float32) float32 {
	if c.choices > 0 {
		return a
	}
	return float32((a-c.lo)*c.scale) - 1
}

// encode writes actions as numbers -1..1, choices as one 1 among zeros, and returns how many
// numbers that is.
func encode(dst []float32, cs []column, act []float32) (n int) {
	for j, c := range cs {
		if c.choices == 0 {
			dst[n] = c.number(act[j])
			n++
			continue
		}
		clear(dst[n : n+c.choices])
		dst[n+int(act[j])] = 1
		n += c.choices
	}
	return n
}

// encoded returns the width of what encode writes.
func encoded(cs []column) (n int) {
	for _, c := range cs {
		n += max(c.choices, 1)
	}
	return n
}
