package qd

import (
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// ArborescenceOptions are the options of NewArborescence.
type ArborescenceOptions struct {
	X0    []float32 // where to begin
	Sigma float64   // standard deviation of the coefficients of the gradients, at first
	Batch int       // solutions a generation

	// Rate is how far the centre moves along the step that was found, or 0: then the centre is a
	// random elite each generation, and coefficients are not adapted (OMG-MEGA).
	Rate float64
	Rank Ranking

	// Raw uses gradients as they are. Otherwise each is divided by its length, as the paper does.
	Raw    bool
	Bounds Bounds
}

// Arborescence branches from a centre along mixtures of the gradients of the objective and of the
// measures, with coefficients that a CMA-ES adapts: CMA-MEGA and, without adaptation, OMG-MEGA of
// Fontaine and Nikolaidis, "Differentiable quality diversity" (NeurIPS 2021), algorithm 1 and
// section 4. Batch by batch it is a Climber: the search gets it the gradients. Into an archive with
// thresholds that move slowly, ranked by improvement, it is CMA-MAEGA.
type Arborescence struct {
	o        ArborescenceOptions
	es       *cmaES // of coefficients
	measures int
	centre   []float32
	grad     []float64 // (1+measures) x dim
	started  bool
	restarts int

	rank *Evolution // only for its ranking
	coef []float32
}

// NewArborescence returns an emitter.
func NewArborescence(o ArborescenceOptions) *Arborescence {
	return &Arborescence{
		o: o, centre: slices.Clone(o.X0),
		rank: &Evolution{o: EvolutionOptions{Rank: o.Rank, Batch: o.Batch}, value: make([]float64, o.Batch), order: make([]int, o.Batch)},
	}
}

// Restarts returns how often the centre went to another elite for lack of progress.
func (e *Arborescence) Restarts() int { return e.restarts }

// Centre writes where gradients are wanted.
func (e *Arborescence) Centre(sol []float32, a Archive, k rng.Key) {
	if e.o.Rate == 0 && e.started {
		copy(e.centre, pick(a, e.o.X0, k, 0, 0))
	}
	e.started = true
	copy(sol, e.centre)
}

// Gradients takes the gradients at the centre.
func (e *Arborescence) Gradients(point *Batch, grad []float32) {
	e.shape(len(point.Measures))
	n := len(e.o.X0)
	for i := range 1 + e.measures {
		length := 0.0
		for j, v := range grad[i*n : (i+1)*n] {
			e.grad[i*n+j] = float64(v)
			length += float64(v) * float64(v)
		}
		if length = math.Sqrt(length); length > 0 && !e.o.Raw {
			for j := range n {
				e.grad[i*n+j] /= length
			}
		}
	}
}

// shape makes what depends on the number of measures.
func (e *Arborescence) shape(measures int) {
	if e.es != nil {
		return
	}
	e.measures = measures
	e.grad = make([]float64, (1+measures)*len(e.o.X0))
	e.es = newCMAES(1+measures, e.o.Batch, e.o.Sigma)
	e.es.reset(make([]float32, 1+measures))
	e.coef = make([]float32, e.o.Batch*(1+measures))
}

// Ask writes solutions on branches from the centre.
func (e *Arborescence) Ask(b *Batch, _ Archive, k rng.Key) {
	n, w := len(e.o.X0), 1+e.measures
	e.es.sample(e.coef, k)
	for i := range b.N {
		c, x := e.coef[i*w:(i+1)*w], b.Sol[i*n:(i+1)*n]
		if e.o.Rate == 0 && c[0] < 0 {
			c[0] = -c[0] // OMG-MEGA always ascends the objective
		}
		for j := range x {
			v := float64(e.centre[j])
			for g, f := range c {
				v += float64(f) * e.grad[g*n+j]
			}
			x[j] = float32(v)
		}
	}
	e.o.Bounds.clamp(b.Sol)
}

// Tell moves the centre and adapts the coefficients.
func (e *Arborescence) Tell(b *Batch, a Archive, k rng.Key) {
	if e.o.Rate == 0 {
		return
	}
	accepted := e.rank.rank(b)
	parents := e.rank.order[:max(b.N/2, 1)]
	n, w, p := len(e.o.X0), 1+e.measures, newRates(1+e.measures, len(parents))
	for i, row := range parents { // algorithm 1, lines 14 and 15
		for g, f := range e.coef[row*w : (row+1)*w] {
			for j := range n {
				e.centre[j] += float32(e.o.Rate * p.w[i] * float64(f) * e.grad[g*n+j])
			}
		}
	}
	e.o.Bounds.clamp(e.centre)
	e.es.update(e.coef, parents)
	if accepted == 0 || e.es.exhausted() { // lines 17 and 18
		e.restarts++
		copy(e.centre, pick(a, e.o.X0, k, 0, 0))
		e.es.reset(make([]float32, w))
	}
}

func (e *Arborescence) state(c *codec) {
	c.fixed(&e.started)
	c.fixed(e.centre)
	c.int(&e.restarts)
	c.int(&e.measures)
	made := e.es != nil
	c.fixed(&made)
	if c.err == nil && made {
		c.check(e.measures > 0 && e.measures < 1<<16)
		if c.err != nil {
			return
		}
		if c.reading {
			e.es = nil
		}
		e.shape(e.measures)
		e.es.state(c)
	}
}

// AppendBinary appends the centre and the distribution of coefficients.
func (e *Arborescence) AppendBinary(dst []byte) ([]byte, error) { return save(dst, e.state) }

// UnmarshalBinary loads a state of AppendBinary.
func (e *Arborescence) UnmarshalBinary(data []byte) error {
	return load(data, "arborescence", e.state)
}

// EstimateGradient returns a Search.Gradient that needs no derivatives: it evaluates pairs of points
// on both sides of each row, Gaussian with deviation sigma, and weighs their directions by half the
// differences over sigma (Salimans, Ho, Chen, Sidor and Sutskever, "Evolution strategies as a
// scalable alternative to reinforcement learning", 2017, with mirrored samples; Tjanaka, Fontaine,
// Togelius and Nikolaidis, "Approximating gradients for differentiable quality diversity in
// reinforcement learning", GECCO 2022, use it for CMA-MEGA).
func EstimateGradient(evaluate func(*Batch) error, s Shape, sigma float32, pairs int) func(*Batch, []float32, rng.Key) error {
	probe := s.Batch(2 * pairs)
	noise := make([]float32, pairs*s.Dim)
	return func(b *Batch, grad []float32, k rng.Key) error {
		if err := evaluate(b); err != nil {
			return err
		}
		clear(grad)
		for row := range b.N {
			r, x := k.Stream(samplePurpose, uint32(row), 0), b.Sol[row*s.Dim:(row+1)*s.Dim]
			for i := range noise {
				noise[i] = r.Norm()
				p, j := i/s.Dim, i%s.Dim
				probe.Sol[2*p*s.Dim+j] = x[j] + float32(sigma*noise[i])
				probe.Sol[(2*p+1)*s.Dim+j] = x[j] - float32(sigma*noise[i])
			}
			if err := evaluate(probe); err != nil {
				return err
			}
			g := grad[row*(1+s.Measures)*s.Dim:]
			for p := range pairs {
				along := noise[p*s.Dim : (p+1)*s.Dim]
				addTo := func(g []float32, up, down float32) {
					f := (up - down) / (2 * sigma * float32(pairs))
					for j, v := range along {
						g[j] += float32(f * v)
					}
				}
				addTo(g, probe.Objective[2*p], probe.Objective[2*p+1])
				for m := range s.Measures {
					addTo(g[(1+m)*s.Dim:], probe.Measures[2*p*s.Measures+m], probe.Measures[(2*p+1)*s.Measures+m])
				}
			}
		}
		return nil
	}
}

var (
	_ Climber = (*Arborescence)(nil)
	_ Saver   = (*Arborescence)(nil)
)
