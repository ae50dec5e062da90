package eval

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

// EPIC returns the EPIC distance of two rewards (Gleave et al., definition 4.3): the Pearson
// distance of their canonically shaped forms
//
//	C(R)(s, a, s') = R(s, a, s') + E[gamma R(s', A, S') - R(s, A, S') - gamma R(S, A, S')]
//
// over recorded transitions, with A and S' of other recorded transitions (their appendix A.1; the
// last term is a constant, which the Pearson distance does not see). Terminated transitions are
// left out: the definition knows no end of an episode.
func EPIC(a, b rewards.Func, d *Data, o Options) (Distance, error) {
	return counterfactual(a, b, d, o, epicForm)
}

// A Model predicts what follows: it writes the observation after act in obs to next, for each of
// len(act)/width rows.
type Model interface {
	Predict(next, obs, act []float32)
}

// DARD returns the DARD distance of two rewards (Wulfe et al., definition 3): the Pearson
// distance of
//
//	C(R)(s, a, s') = R(s, a, s') + E[gamma R(s', A, S'') - R(s, A, S') - gamma R(S', A, S'')]
//
// over recorded transitions, with A of other recorded transitions, and S' after A in s, S” after
// A in s' by the model. Terminated transitions are left out, as in [EPIC].
func DARD(a, b rewards.Func, d *Data, m Model, o Options) (Distance, error) {
	return counterfactual(a, b, d, o, func(c *counter, f rewards.Func, i int) float64 { return c.dard(f, m, i) })
}

// counterfactual compares canonical forms that average over transitions that never happened.
func counterfactual(a, b rewards.Func, d *Data, o Options, form func(*counter, rewards.Func, int) float64) (Distance, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Distance{}, err
	}
	if err := d.Validate(); err != nil {
		return Distance{}, err
	}
	for _, f := range []rewards.Func{a, b} {
		if readsFacts(f, d) {
			return Distance{}, ErrFacts
		}
	}
	c := newCounter(d, o)
	x := c.canonical(a, form)
	y := c.canonical(b, form)
	return distance(d, x, y, c.rows, moments.pearson, o), nil
}

// canonical returns the canonical form of f, row by row. Where only rounding is left of it, it
// is zero.
func (c *counter) canonical(f rewards.Func, form func(*counter, rewards.Func, int) float64) []float64 {
	x := make([]float64, len(c.rows))
	var mean, size, left float64
	for k, i := range c.rows {
		x[k] = form(c, f, i)
		r := c.recorded(f, i)
		mean += x[k] / float64(len(x))
		size += r * r
	}
	for _, v := range x {
		left += (v - mean) * (v - mean)
	}
	if left < 1e-9*size {
		clear(x)
	}
	return x
}

// A counter scores transitions that never happened.
type counter struct {
	d       *Data
	gamma   float64
	rows    []int // that are looked at
	samples []int // rows whose actions and successors are used
	batch   *env.Batch
	dst     []float32
	next    []float32 // of a model
	one     []float32
}

func newCounter(d *Data, o Options) *counter {
	c := &counter{d: d, gamma: o.Gamma, one: make([]float32, 1)}
	r := rng.New(o.Seed).Stream(purpose, 2, 0)
	var usable []int
	for i, e := range d.Rows.End {
		if e != env.Terminated {
			usable = append(usable, i)
		}
	}
	pick := func(n int) []int {
		if n >= len(usable) {
			return usable
		}
		list := make([]int, n)
		for i := range list {
			list[i] = usable[r.IntN(len(usable))]
		}
		return list
	}
	c.rows, c.samples = pick(o.Rows), pick(o.Samples)
	spec := *d.Spec
	spec.Agents = 1
	c.batch = env.NewBatch(&spec, max(1, len(c.samples)))
	c.dst = make([]float32, c.batch.N)
	c.next = make([]float32, len(c.batch.Next))
	w := len(c.batch.Act) / c.batch.N
	for k, i := range c.samples {
		copy(c.batch.Act[k*w:(k+1)*w], c.d.Rows.Act[i*w:(i+1)*w])
	}
	return c
}

// recorded returns the reward of a row as it happened.
func (c *counter) recorded(f rewards.Func, i int) float64 {
	row := c.d.Rows.Rows(i, i+1)
	f.Score(c.one, &row)
	return float64(c.one[0])
}

// mean returns the mean reward of the batch, all of whose rows begin in obs unless it is nil.
func (c *counter) mean(f rewards.Func, obs []float32) float64 {
	if obs != nil {
		for k := range c.batch.N {
			copy(c.batch.Obs[k*len(obs):], obs)
		}
	}
	f.Score(c.dst, c.batch)
	sum := 0.0
	for _, x := range c.dst {
		sum += float64(x)
	}
	return sum / float64(len(c.dst))
}

func epicForm(c *counter, f rewards.Func, i int) float64 {
	w := len(c.batch.Obs) / c.batch.N
	for k, j := range c.samples {
		copy(c.batch.Next[k*w:(k+1)*w], c.d.Rows.Next[j*w:(j+1)*w])
	}
	here, there := c.d.Rows.Obs[i*w:(i+1)*w], c.d.Rows.Next[i*w:(i+1)*w]
	return c.recorded(f, i) + c.gamma*c.mean(f, there) - c.mean(f, here)
}

func (c *counter) dard(f rewards.Func, m Model, i int) float64 {
	w, b := len(c.batch.Obs)/c.batch.N, c.batch
	here, there := c.d.Rows.Obs[i*w:(i+1)*w], c.d.Rows.Next[i*w:(i+1)*w]
	from := func(obs []float32) {
		for k := range b.N {
			copy(b.Obs[k*w:], obs)
		}
		m.Predict(b.Next, b.Obs, b.Act)
	}
	from(here)
	sum := c.recorded(f, i) - c.mean(f, nil)
	copy(c.next, b.Next) // S'
	from(there)          // S'' in b.Next
	sum += c.gamma * c.mean(f, nil)
	copy(b.Obs, c.next)
	return sum - c.gamma*c.mean(f, nil)
}
