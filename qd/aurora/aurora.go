// Package aurora is an archive over descriptors that it learns itself: AURORA of Grillotti and Cully,
// "Unsupervised behavior discovery with quality-diversity optimization" (IEEE Transactions on
// Evolutionary Computation, 2022), called [G] in comments.
//
// It needs batches with observations. An autoencoder is trained on those of the elites after growing
// intervals, everything is then described anew, and how far elites have to be apart follows how
// many there are. It is registered as the archive "aurora"; any emitter works with it.
package aurora

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/describe"
)

// Options are the options of New.
type Options struct {
	Shape     qd.Shape // of batches; Obs has to be above 0
	Describer describe.Describer
	Threshold float32 // distance in descriptor space that elites are apart at first
	Target    int     // elites to aim at
	Gain      float64 // of the size control; 5e-6 in [G]
	Control   int     // batches between two corrections; 10 in [G]
	Train     int     // batches before the first training; the next come after 2, 3, 4, ... times as many
	Most      int     // elites beyond which none is added, however far apart; default 8 times Target
	Key       rng.Key
}

// Archive is an archive whose measures are its own.
type Archive struct {
	o      Options
	inner  *qd.Unstructured // its parameters are those of a solution and then what was observed
	counts counts
	batch  *qd.Batch
}

// counts is what an archive remembers beside the elites.
type counts struct{ Batches, Since, Interval, Trainings int64 }

// New returns an empty archive.
func New(o Options) (*Archive, error) {
	if o.Most == 0 {
		o.Most = 8 * o.Target
	}
	switch {
	case o.Shape.Dim < 1 || o.Shape.Obs < 1 || o.Describer == nil:
		return nil, fmt.Errorf("aurora: solutions of %d parameters and %d observations, want at least 1 of each, and a Describer", o.Shape.Dim, o.Shape.Obs)
	case o.Target < 1 || o.Control < 1 || o.Train < 1 || !(o.Gain >= 0) || !(o.Threshold > 0):
		return nil, fmt.Errorf("aurora: target %d, control %d, train %d, gain %v and threshold %v: all but the gain have to be above 0", o.Target, o.Control, o.Train, o.Gain, o.Threshold)
	}
	inner, err := qd.NewUnstructured(o.Shape.Dim+o.Shape.Obs, o.Describer.Width(), qd.UnstructuredOptions{Threshold: o.Threshold, Replace: true, Most: o.Most})
	if err != nil {
		return nil, err
	}
	return &Archive{o: o, inner: inner, counts: counts{Interval: int64(o.Train)}}, nil
}

// Len returns the number of elites.
func (a *Archive) Len() int { return a.inner.Len() }

// Elite returns elite i. Its measures are descriptors of the present Version.
func (a *Archive) Elite(i int) qd.Elite {
	e := a.inner.Elite(i)
	e.Sol = e.Sol[:a.o.Shape.Dim]
	return e
}

// Version counts the trainings.
func (a *Archive) Version() uint64 { return a.inner.Version() }

// Threshold returns how far elites are apart.
func (a *Archive) Threshold() float32 { return a.inner.Threshold() }

// fill describes b into the batch of the inner archive.
func (a *Archive) fill(b *qd.Batch) error {
	s := a.o.Shape
	if b.N < 1 || len(b.Obs) != b.N*s.Obs || len(b.Sol) != b.N*s.Dim || len(b.Measures) != b.N*s.Measures {
		return fmt.Errorf("aurora: batch of %d has %d observations, %d parameters and %d measures; the archive takes %d, %d and %d a solution: %w",
			b.N, len(b.Obs), len(b.Sol), len(b.Measures), s.Obs, s.Dim, s.Measures, qd.ErrShape)
	}
	if a.batch == nil || a.batch.N != b.N {
		a.batch = qd.Shape{Dim: s.Dim + s.Obs, Measures: a.o.Describer.Width()}.Batch(b.N)
	}
	in := a.batch
	in.Version = a.inner.Version()
	for i := range b.N {
		row := in.Sol[i*(s.Dim+s.Obs) : (i+1)*(s.Dim+s.Obs)]
		copy(row, b.Sol[i*s.Dim:(i+1)*s.Dim])
		copy(row[s.Dim:], b.Obs[i*s.Obs:(i+1)*s.Obs])
	}
	copy(in.Objective, b.Objective)
	a.o.Describer.Describe(in.Measures, make([]float32, b.N), b.Obs, b.N)
	// What the caller measured is not used, but has to be sound all the same.
	for i, x := range b.Measures {
		if !geom.Finite(x) {
			return fmt.Errorf("aurora: measure %d of solution %d is %v: %w", i%s.Measures, i/s.Measures, x, qd.ErrNotFinite)
		}
	}
	return nil
}

// Test writes b.Status and b.Gain as Add would, and keeps nothing.
func (a *Archive) Test(b *qd.Batch) error {
	if err := a.fill(b); err != nil {
		return err
	}
	if err := a.inner.Test(a.batch); err != nil {
		return err
	}
	copy(b.Status, a.batch.Status)
	copy(b.Gain, a.batch.Gain)
	return nil
}

// Add offers the solutions of b by their observations, corrects the distance of elites and trains
// when that is due. Elites change their numbers then.
func (a *Archive) Add(b *qd.Batch) error {
	if err := a.fill(b); err != nil {
		return err
	}
	if err := a.inner.Add(a.batch); err != nil {
		return err
	}
	copy(b.Status, a.batch.Status)
	copy(b.Gain, a.batch.Gain)
	c := &a.counts
	c.Batches++
	c.Since++
	if c.Since >= c.Interval {
		c.Since = 0
		c.Interval += int64(a.o.Train)
		return a.train()
	}
	if c.Batches%int64(a.o.Control) == 0 {
		return a.control()
	}
	return nil
}

// control corrects how far elites are apart: [G], eq. 2.
func (a *Archive) control() error {
	l := a.inner.Threshold() * float32(max(0.1, 1+a.o.Gain*float64(a.Len()-a.o.Target)*float64(a.o.Control)))
	return a.inner.Reembed(a.inner.Version(), l, func(dst []float32) {
		for i := range a.Len() {
			e := a.inner.Elite(i)
			copy(dst[i*len(e.Measures):], e.Measures)
		}
	})
}

// train trains the describer on the elites and describes them anew. The distance is corrected for
// how the scale of descriptors changed: by the ratio of their root mean squares about the mean.
func (a *Archive) train() error {
	n, s := a.Len(), a.o.Shape
	obs := make([]float32, 0, n*s.Obs)
	for i := range n {
		obs = append(obs, a.inner.Elite(i).Sol[s.Dim:]...)
	}
	w := a.o.Describer.Width()
	before, after := make([]float32, n*w), make([]float32, n*w)
	a.o.Describer.Describe(before, make([]float32, n), obs, n)
	changed, err := a.o.Describer.Train(obs, n, a.o.Key.Fold(uint64(a.counts.Batches)))
	if err != nil || !changed {
		return err
	}
	a.counts.Trainings++
	a.o.Describer.Describe(after, make([]float32, n), obs, n)
	l := a.inner.Threshold()
	if s0, s1 := spread(before, w), spread(after, w); s0 > 0 && s1 > 0 {
		l *= float32(s1 / s0)
	}
	return a.inner.Reembed(a.inner.Version()+1, l, func(dst []float32) { copy(dst, after) })
}

// spread returns the mean squared deviation of rows of w numbers from their mean, as a root.
func spread(x []float32, w int) float64 {
	n, sum := len(x)/w, 0.0
	for j := range w {
		mean, sq := 0.0, 0.0
		for i := range n {
			v := float64(x[i*w+j])
			mean += v / float64(n)
			sq += v * v / float64(n)
		}
		sum += max(sq-mean*mean, 0)
	}
	return math.Sqrt(sum)
}

// AppendBinary appends the elites with what was observed of them, the describer and the schedule:
// what goes on from here can train on all that was seen.
func (a *Archive) AppendBinary(dst []byte) ([]byte, error) {
	inner, err := a.inner.AppendBinary(nil)
	if err != nil {
		return dst, err
	}
	params := a.o.Describer.Params()
	for _, part := range []any{&a.counts, uint64(len(params)), params, uint64(len(inner)), inner} {
		if dst, err = binary.Append(dst, binary.LittleEndian, part); err != nil {
			return dst, fmt.Errorf("aurora: %w", err)
		}
	}
	return dst, nil
}

// UnmarshalBinary loads a state of AppendBinary of an archive of the same options.
func (a *Archive) UnmarshalBinary(data []byte) error {
	r, params := bytes.NewReader(data), a.o.Describer.Params()
	var c counts
	var n uint64
	read := func(v any) error {
		if err := binary.Read(r, binary.LittleEndian, v); err != nil {
			return fmt.Errorf("aurora: state is cut off: %w", err)
		}
		return nil
	}
	if err := read(&c); err != nil {
		return err
	}
	if err := read(&n); err != nil {
		return err
	}
	if n != uint64(len(params)) {
		return fmt.Errorf("aurora: the state has a describer of %d parameters, this archive one of %d: %w", n, len(params), qd.ErrVersion)
	}
	loaded := make([]float32, n)
	if err := read(loaded); err != nil {
		return err
	}
	if err := read(&n); err != nil {
		return err
	}
	if n != uint64(r.Len()) {
		return fmt.Errorf("aurora: state is damaged: %d bytes of elites, want %d", r.Len(), n)
	}
	if err := a.inner.UnmarshalBinary(data[len(data)-r.Len():]); err != nil {
		return err
	}
	copy(params, loaded)
	a.counts = c
	return nil
}

var (
	_ qd.Archive = (*Archive)(nil)
	_ qd.Tester  = (*Archive)(nil)
	_ qd.Saver   = (*Archive)(nil)
)
