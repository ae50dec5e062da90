package qd

import (
	"fmt"
	"math"
	"slices"
)

// UnstructuredOptions are the options of NewUnstructured.
type UnstructuredOptions struct {
	Threshold float32 // distance in measure space; elites are farther apart than that

	// Neighbours is how many nearest elites make the novelty of a solution, their mean
	// distance, which has to exceed Threshold. The default (zero) is 1.
	Neighbours int

	// Replace lets a solution that is too near to one elite, but to no other, replace it if
	// its objective is greater. It needs Neighbours of 1.
	Replace bool

	// Most is the number of elites beyond which none is added. The default (zero) is none.
	Most int
}

// Unstructured is an archive without cells, which needs no bounds of measure space. With one
// neighbour and Replace it is the container of Cully and Demiris, "Quality and Diversity
// Optimization: A Unifying Modular Framework" (2018), section III-A; with several neighbours
// and no Replace the archive of novelty search (Lehman and Stanley, "Abandoning objectives",
// 2011), which pyribs calls a proximity archive.
type Unstructured struct {
	dim, m    int
	o         UnstructuredOptions
	sol       []float32
	objective []float32
	index     index // its points are the measures
	near      nearestOf
	order     []int
	olds      []int32 // of each row of the last Test: the elite that it would replace
	fresh     index   // measures added by the present Add
	moved     []int32 // elites that it replaced
	version   uint64  // of the measures
}

// NewUnstructured returns an empty archive for solutions of dim parameters and the given number
// of measures.
func NewUnstructured(dim, measures int, o UnstructuredOptions) (*Unstructured, error) {
	if o.Neighbours == 0 {
		o.Neighbours = 1
	}
	switch {
	case dim < 1 || measures < 1:
		return nil, fmt.Errorf("qd: solutions of %d parameters and %d measures, want at least 1 of each", dim, measures)
	case !(o.Threshold >= 0) || math.IsInf(float64(o.Threshold), 0):
		return nil, fmt.Errorf("qd: threshold is %v, want a distance", o.Threshold)
	case o.Neighbours < 1 || o.Most < 0:
		return nil, fmt.Errorf("qd: %d neighbours and at most %d elites, want at least 1 and 0", o.Neighbours, o.Most)
	case o.Replace && o.Neighbours > 1:
		return nil, fmt.Errorf("qd: an archive that replaces elites judges by one neighbour, not by %d", o.Neighbours)
	}
	return &Unstructured{dim: dim, m: measures, o: o, index: newIndex(measures)}, nil
}

// Len returns the number of elites.
func (a *Unstructured) Len() int { return len(a.objective) }

// Elite returns elite i.
func (a *Unstructured) Elite(i int) Elite {
	return Elite{Sol: a.sol[i*a.dim : (i+1)*a.dim], Objective: a.objective[i], Measures: a.index.at(int32(i))}
}

// Novelty returns the mean distance of a point of measure space from the k nearest elites, from
// all where there are fewer, and +Inf where there is none.
func (a *Unstructured) Novelty(measures []float32, k int) float64 {
	a.near.reset(k, float32(math.Inf(1)))
	a.index.nearest(measures, &a.near)
	return a.near.meanDist()
}

// judge says what becomes of a solution alone, which elite it would replace, and its gain.
func (a *Unstructured) judge(measures []float32, objective float32) (Status, int32, float32) {
	if a.o.Neighbours > 1 {
		full := a.o.Most > 0 && a.Len() >= a.o.Most
		if a.Novelty(measures, a.o.Neighbours) > float64(a.o.Threshold) && !full {
			return New, -1, objective
		}
		return Rejected, -1, 0
	}
	// Two neighbours within the threshold tell all there is to know.
	within := a.o.Threshold * a.o.Threshold
	a.near.reset(2, math.Nextafter32(within, float32(math.Inf(1))))
	a.index.nearest(measures, &a.near)
	switch near := a.near.list; {
	case len(near) == 0 && a.o.Most > 0 && a.Len() >= a.o.Most:
		return Rejected, -1, 0
	case len(near) == 0:
		return New, -1, objective
	case objective > a.objective[near[0].id] && a.o.Replace && len(near) == 1:
		return Improved, near[0].id, objective - a.objective[near[0].id]
	default:
		return Rejected, -1, objective - a.objective[near[0].id]
	}
}

// Add offers the solutions of b. Those that suit the archive as it was are kept, best first, as
// far as they suit it still. The gain of a rejected solution is what it has over its nearest
// elite; in an archive of several neighbours, 0.
func (a *Unstructured) Add(b *Batch) error {
	if err := a.Test(b); err != nil {
		return err
	}
	a.order = a.order[:0]
	for i, s := range b.Status {
		if s != Rejected {
			a.order = append(a.order, i)
		}
	}
	slices.SortStableFunc(a.order, func(i, j int) int {
		switch {
		case b.Objective[i] > b.Objective[j]:
			return -1
		case b.Objective[i] < b.Objective[j]:
			return 1
		}
		return 0
	})
	a.fresh.reset(a.m, leafLarge)
	a.moved = a.moved[:0]
	for _, i := range a.order {
		measures, sol := b.Measures[i*a.m:(i+1)*a.m], b.Sol[i*a.dim:(i+1)*a.dim]
		s, old := a.again(b, i, measures)
		if s != Rejected {
			a.fresh.put(int32(a.fresh.len()), measures)
		}
		switch s {
		case New:
			a.index.put(int32(a.Len()), measures)
			a.sol = append(a.sol, sol...)
			a.objective = append(a.objective, b.Objective[i])
		case Improved:
			a.moved = append(a.moved, old)
			a.index.put(old, measures)
			copy(a.sol[int(old)*a.dim:], sol)
			a.objective[old] = b.Objective[i]
		}
	}
	return nil
}

// Test writes b.Status and b.Gain as Add would, and keeps nothing.
func (a *Unstructured) Test(b *Batch) error {
	if err := b.check(Shape{Dim: a.dim, Measures: a.m}); err != nil {
		return err
	}
	if b.Version != a.version {
		return fmt.Errorf("qd: measures of version %d, the archive holds version %d, and distances between the two mean nothing: describe the batch anew, or the archive by Reembed: %w",
			b.Version, a.version, ErrVersion)
	}
	a.olds = slices.Grow(a.olds[:0], b.N)[:b.N]
	for i := range b.N {
		b.Status[i], a.olds[i], b.Gain[i] = a.judge(b.Measures[i*a.m:(i+1)*a.m], b.Objective[i])
	}
	return nil
}

// again is judge for row i of a batch of which some were added since Test: what Test said holds if
// none of those is near.
func (a *Unstructured) again(b *Batch, i int, measures []float32) (Status, int32) {
	s, old := b.Status[i], a.olds[i]
	if a.o.Neighbours == 1 && !(s == New && a.o.Most > 0) && !(s == Improved && slices.Contains(a.moved, old)) {
		a.near.reset(1, math.Nextafter32(a.o.Threshold*a.o.Threshold, float32(math.Inf(1))))
		a.fresh.nearest(measures, &a.near)
		if len(a.near.list) == 0 {
			return s, old
		}
	}
	s, old, _ = a.judge(measures, b.Objective[i])
	return s, old
}

// Version returns the version of the descriptors of the elites.
func (a *Unstructured) Version() uint64 { return a.version }

// Threshold returns the distance that elites are apart.
func (a *Unstructured) Threshold() float32 { return a.o.Threshold }

// Reembed gives every elite the measures that describe writes for the elites first to last, and
// offers all to the archive anew, with another threshold: some may be too near to others now.
// Batches have to be of the given version from now on. Elites change their numbers. It fails, and
// changes nothing, if a measure is not finite.
func (a *Unstructured) Reembed(version uint64, threshold float32, describe func(dst []float32)) error {
	n := a.Len()
	if !(threshold >= 0) || math.IsInf(float64(threshold), 0) {
		return fmt.Errorf("qd: threshold is %v, want a distance", threshold)
	}
	if n == 0 {
		a.version, a.o.Threshold = version, threshold
		return nil
	}
	b := NewBatch(n, a.dim, a.m)
	b.Version = version
	copy(b.Sol, a.sol)
	copy(b.Objective, a.objective)
	describe(b.Measures)
	if err := b.check(Shape{Dim: a.dim, Measures: a.m}); err != nil {
		return err
	}
	a.sol, a.objective, a.index = a.sol[:0], a.objective[:0], newIndex(a.m)
	a.version, a.o.Threshold = version, threshold
	return a.Add(b)
}

func (a *Unstructured) state(c *codec) {
	c.fixed(&a.version)
	c.fixed(&a.o.Threshold)
	vary(c, &a.sol)
	vary(c, &a.objective)
	measures := a.index.points
	vary(c, &measures)
	n := len(a.objective)
	c.check(len(a.sol) == n*a.dim && len(measures) == n*a.m)
	if c.reading && c.err == nil {
		// Trees of another history give the same answers: ties go to the least number.
		a.index = newIndex(a.m)
		for i := range n {
			a.index.put(int32(i), measures[i*a.m:(i+1)*a.m])
		}
	}
}

// AppendBinary appends the elites.
func (a *Unstructured) AppendBinary(dst []byte) ([]byte, error) { return save(dst, a.state) }

// UnmarshalBinary loads a state of AppendBinary.
func (a *Unstructured) UnmarshalBinary(data []byte) error {
	return load(data, "unstructured archive", a.state)
}

var (
	_ Archive = (*Unstructured)(nil)
	_ Tester  = (*Unstructured)(nil)
	_ Saver   = (*Unstructured)(nil)
)
