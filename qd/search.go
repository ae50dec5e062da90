package qd

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Search connects emitters, an archive and the caller's evaluation.
type Search struct {
	Shape    Shape
	Archive  Archive
	Result   Archive // also offered every solution, if not nil: what a threshold archive would forget
	Emitters []Emitter
	PerEmit  int // solutions an emitter proposes each iteration

	// Evaluate writes Objective and Measures, and Goals and Obs if the shape has them, for each
	// row of b. What it writes must depend on the rows only, or on how often it was called.
	Evaluate func(b *Batch) error
	Key      rng.Key

	// Resample is how often solutions that the archive would accept are evaluated again before
	// they are offered with their means: where evaluations are noisy, luck has no lasting place
	// (Justesen, Risi and Mouret, "MAP-Elites for noisy domains by adaptive sampling", GECCO 2019,
	// with a fixed number of samples). The archive has to be a Tester.
	Resample int

	// Gradient evaluates the rows of b, by Counted if they are to count, and writes the gradients
	// of the objective and of each measure by the parameters, N x (1+measures) x dim, drawing from
	// k. Only emitters that are Climbers need it; see EstimateGradient where there are no
	// derivatives.
	Gradient func(b *Batch, grad []float32, k rng.Key) error

	iteration   uint64
	evaluations uint64
	asked       bool
	batch       *Batch
	rows        []*Batch
}

// A Tester is an archive that can tell what it would do.
type Tester interface {
	// Test writes b.Status and b.Gain as Add would, and keeps nothing.
	Test(b *Batch) error
}

// A Climber is an emitter that wants the gradients at a point before it proposes.
type Climber interface {
	Emitter

	// Centre writes the point.
	Centre(sol []float32, a Archive, k rng.Key)

	// Gradients tells the point, as it was evaluated and added, and its gradients, (1+measures) x
	// dim.
	Gradients(point *Batch, grad []float32)
}

// Iteration returns the number of steps made.
func (s *Search) Iteration() uint64 { return s.iteration }

// Evaluations returns the number of evaluations made, those of gradients and of samples taken
// again included.
func (s *Search) Evaluations() uint64 { return s.evaluations }

// Step performs one iteration: ask, evaluate, add, tell. The result does not depend on the
// number of CPUs.
func (s *Search) Step() error {
	b, err := s.Ask()
	if err != nil {
		return err
	}
	if err := s.evaluate(b); err != nil {
		return err
	}
	return s.Tell()
}

// Counted evaluates b and counts its rows: what a Gradient that samples evaluates with.
func (s *Search) Counted(b *Batch) error { return s.evaluate(b) }

func (s *Search) evaluate(b *Batch) error {
	if s.Evaluate == nil {
		return fmt.Errorf("qd: the search has no Evaluate: set it, or evaluate between Ask and Tell: %w", ErrOrder)
	}
	err := s.Evaluate(b)
	s.evaluations += uint64(b.N)
	return err
}

// Ask returns the solutions of the next iteration, to be evaluated. The batch is the search's.
func (s *Search) Ask() (*Batch, error) {
	switch {
	case s.asked:
		return nil, fmt.Errorf("qd: Ask after Ask: evaluate the batch of the last one and call Tell: %w", ErrOrder)
	case len(s.Emitters) == 0 || s.PerEmit < 1 || s.Archive == nil || s.Shape.Dim < 1:
		return nil, fmt.Errorf("qd: a search of %d emitters of %d solutions of %d parameters; it needs all of them, and an archive: %w",
			len(s.Emitters), s.PerEmit, s.Shape.Dim, ErrShape)
	}
	if s.batch == nil {
		s.batch = s.Shape.Batch(len(s.Emitters) * s.PerEmit)
		for i := range s.Emitters {
			s.rows = append(s.rows, s.batch.Rows(i*s.PerEmit, (i+1)*s.PerEmit))
		}
	}
	k := s.Key.Fold(s.iteration)
	if err := s.climb(k); err != nil {
		return nil, err
	}
	s.each(func(i int) { s.Emitters[i].Ask(s.rows[i], s.Archive, k.Fold(uint64(2*i))) })
	s.asked = true
	return s.batch, nil
}

// climb gets the gradients that emitters want.
func (s *Search) climb(k rng.Key) error {
	var climbers []Climber
	for _, e := range s.Emitters {
		if c, ok := e.(Climber); ok {
			climbers = append(climbers, c)
		}
	}
	if len(climbers) == 0 {
		return nil
	}
	if s.Gradient == nil {
		return fmt.Errorf("qd: emitter %T needs the search's Gradient: use EstimateGradient if there are no derivatives: %w", climbers[0], ErrOrder)
	}
	b, dim := s.Shape.Batch(len(climbers)), s.Shape.Dim
	for i, c := range climbers {
		c.Centre(b.Sol[i*dim:(i+1)*dim], s.Archive, k.Fold(1<<32+uint64(i)))
	}
	w := (1 + s.Shape.Measures) * dim
	grad := make([]float32, len(climbers)*w)
	if err := s.Gradient(b, grad, k.Fold(1<<33)); err != nil {
		return err
	}
	if err := s.add(b); err != nil {
		return err
	}
	for i, c := range climbers {
		c.Gradients(b.Rows(i, i+1), grad[i*w:(i+1)*w])
	}
	return nil
}

// Tell adds the batch of the last Ask, evaluated, and tells the emitters what became of it.
func (s *Search) Tell() error {
	if !s.asked {
		return fmt.Errorf("qd: Tell without Ask: call Ask, evaluate its batch, then Tell: %w", ErrOrder)
	}
	if s.Resample > 0 {
		if err := s.resample(); err != nil {
			return err
		}
	}
	if err := s.add(s.batch); err != nil {
		return err
	}
	k := s.Key.Fold(s.iteration)
	s.each(func(i int) { s.Emitters[i].Tell(s.rows[i], s.Archive, k.Fold(uint64(2*i+1))) })
	s.iteration++
	s.asked = false
	return nil
}

func (s *Search) add(b *Batch) error {
	if s.Result != nil {
		if err := s.Result.Add(b); err != nil {
			return err
		}
	}
	return s.Archive.Add(b)
}

// resample evaluates what would be accepted again, and makes means of it.
func (s *Search) resample() error {
	t, ok := s.Archive.(Tester)
	if !ok {
		return fmt.Errorf("qd: %T cannot tell what it would accept, which Resample needs: use a grid, cvt or unstructured archive", s.Archive)
	}
	if err := t.Test(s.batch); err != nil {
		return err
	}
	var rows []int
	for i, status := range s.batch.Status {
		if status != Rejected {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	again := s.Shape.Batch(len(rows))
	copyRow := func(dst, src []float32, to, from, w int) { copy(dst[to*w:(to+1)*w], src[from*w:(from+1)*w]) }
	for j, i := range rows {
		copyRow(again.Sol, s.batch.Sol, j, i, s.Shape.Dim)
	}
	for n := range s.Resample {
		if err := s.evaluate(again); err != nil {
			return err
		}
		if err := again.check(s.Shape); err != nil {
			return err
		}
		mix := func(mean, x []float32, w int) {
			for j, i := range rows {
				for c := range w {
					mean[i*w+c] += (x[j*w+c] - mean[i*w+c]) / float32(n+2)
				}
			}
		}
		mix(s.batch.Objective, again.Objective, 1)
		mix(s.batch.Measures, again.Measures, s.Shape.Measures)
		mix(s.batch.Goals, again.Goals, s.Shape.Goals)
		mix(s.batch.Obs, again.Obs, s.Shape.Obs)
	}
	return nil
}

// each runs f for every emitter, on all CPUs.
func (s *Search) each(f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), len(s.Emitters))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(s.Emitters); i += workers {
				f(i)
			}
		})
	}
	wg.Wait()
}

func (s *Search) state(c *codec) {
	if s.asked {
		c.fail("the search waits for Tell: save it after that")
		return
	}
	c.fixed(&s.iteration)
	c.fixed(&s.evaluations)
	c.saver(s.Archive)
	if s.Result != nil {
		c.saver(s.Result)
	}
	for _, e := range s.Emitters {
		c.saver(e)
	}
}

// AppendBinary appends the state of the search, its archives and its emitters.
func (s *Search) AppendBinary(dst []byte) ([]byte, error) { return save(dst, s.state) }

// UnmarshalBinary continues from a state of AppendBinary.
func (s *Search) UnmarshalBinary(data []byte) error { return load(data, "search", s.state) }

var _ Saver = (*Search)(nil)
