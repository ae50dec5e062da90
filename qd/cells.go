package qd

import (
	"fmt"
	"math"
)

// A Partition divides measure space into numbered cells.
type Partition interface {
	Cells() int
	Measures() int

	// Cell returns the number of the cell of one point.
	Cell(measures []float32) int
}

// CellOptions are the options of NewCells.
type CellOptions struct {
	// LearningRate is alpha of CMA-MAE: how far a cell's threshold moves towards an accepted
	// objective. At 1 the threshold is the elite's objective (MAP-Elites, CMA-ME); at 0 it
	// never moves. The default, 0, means 1 unless Threshold is set.
	LearningRate float64

	// Threshold is the objective that an empty cell asks for. The default is none.
	Threshold *float64

	// Outside says what to do with measures outside the bounds of the partition. Unless the
	// batch is refused they are counted, see Cells.Outside.
	Outside Outside
}

// Outside says what an archive does with solutions whose measures are outside its bounds.
type Outside uint8

const (
	Clip   Outside = iota // they belong to the nearest cell
	Reject                // they are rejected
	Refuse                // the whole batch is refused, with ErrOutside
)

var outsides = [...]string{"clip", "reject", "refuse"}

// String returns the name of o.
func (o Outside) String() string { return outsides[o] }

// MarshalText returns the name of o.
func (o Outside) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText sets o by its name.
func (o *Outside) UnmarshalText(text []byte) error {
	for i, name := range outsides {
		if name == string(text) {
			*o = Outside(i)
			return nil
		}
	}
	return fmt.Errorf("unknown %q for what is outside, want one of %q", text, outsides)
}

// Bounded is a Partition that knows what is outside.
type Bounded interface{ Inside(measures []float32) bool }

// Cells is an archive with one elite for each cell of a partition: MAP-Elites (Mouret and
// Clune, "Illuminating search spaces by mapping elites", 2015) and, with thresholds that move
// slowly, CMA-MAE (Fontaine and Nikolaidis, "Covariance Matrix Adaptation MAP-Annealing",
// GECCO 2023).
type Cells struct {
	part      Partition
	dim       int
	alpha     float64
	least     float64 // threshold of empty cells
	slot      []int32 // of each cell; -1 if empty
	threshold []float64
	sol       []float32
	objective []float32
	measures  []float32
	cell      []int32 // of each elite
	outside   Outside
	bounded   Bounded  // nil where nothing is outside
	visits    []uint32 // solutions offered, by cell
	beyond    uint64   // solutions offered that were outside

	// Scratch of Add, one a cell; touched cells are reset.
	count   []int32
	sum     []float64
	best    []int32
	touched []int32
}

// NewCells returns an empty archive for solutions of dim parameters.
func NewCells(p Partition, dim int, o CellOptions) (*Cells, error) {
	n := p.Cells()
	a := &Cells{
		part: p, dim: dim, alpha: o.LearningRate, least: math.Inf(-1),
		slot: make([]int32, n), threshold: make([]float64, n), visits: make([]uint32, n), outside: o.Outside,
		count: make([]int32, n), sum: make([]float64, n), best: make([]int32, n),
	}
	a.bounded, _ = p.(Bounded)
	if o.Threshold != nil {
		a.least = *o.Threshold
	} else if a.alpha == 0 {
		a.alpha = 1
	}
	switch {
	case dim < 1:
		return nil, fmt.Errorf("qd: solutions of %d parameters, want at least 1", dim)
	case !(a.alpha >= 0 && a.alpha <= 1):
		return nil, fmt.Errorf("qd: learning rate is %v, want 0 to 1", a.alpha)
	case a.alpha < 1 && math.IsInf(a.least, -1):
		return nil, fmt.Errorf("qd: a learning rate below 1 needs a threshold for empty cells")
	}
	for i := range a.slot {
		a.slot[i], a.threshold[i] = -1, a.least
	}
	return a, nil
}

// Partition returns the partition of measure space.
func (a *Cells) Partition() Partition { return a.part }

// Len returns the number of occupied cells.
func (a *Cells) Len() int { return len(a.objective) }

// Elite returns elite i.
func (a *Cells) Elite(i int) Elite {
	m := a.part.Measures()
	return Elite{Sol: a.sol[i*a.dim : (i+1)*a.dim], Objective: a.objective[i], Measures: a.measures[i*m : (i+1)*m]}
}

// At returns the elite of a cell, and false if the cell is empty.
func (a *Cells) At(cell int) (Elite, bool) {
	if a.slot[cell] < 0 {
		return Elite{}, false
	}
	return a.Elite(int(a.slot[cell])), true
}

// Add offers the solutions of b. A solution is accepted if its objective exceeds its cell's
// threshold; its gain is the difference, counted from 0 where a cell had no threshold. The
// threshold of a cell that accepted k solutions of mean objective f becomes
// (1-alpha)^k t + (1-(1-alpha)^k) f: k steps of t <- (1-alpha)t + alpha f, made independent of
// the order within a batch.
func (a *Cells) Add(b *Batch) error {
	m := a.part.Measures()
	if err := a.judge(b, true); err != nil {
		return err
	}
	for _, c := range a.touched {
		a.settle(c, b, m)
	}
	a.touched = a.touched[:0]
	return nil
}

// Test writes b.Status and b.Gain as Add would, and keeps nothing.
func (a *Cells) Test(b *Batch) error { return a.judge(b, false) }

// judge writes what becomes of each solution, and if asked to notes the best of each cell.
func (a *Cells) judge(b *Batch, note bool) error {
	m := a.part.Measures()
	if err := b.check(Shape{Dim: a.dim, Measures: m}); err != nil {
		return err
	}
	if err := a.refuse(b, m); err != nil {
		return err
	}
	for i := range b.N {
		x := b.Measures[i*m : (i+1)*m]
		b.Status[i], b.Gain[i] = Rejected, 0
		if a.bounded != nil && !a.bounded.Inside(x) {
			if note {
				a.beyond++
			}
			if a.outside == Reject {
				continue
			}
		}
		c := int32(a.part.Cell(x))
		f, t := float64(b.Objective[i]), a.threshold[c]
		if note {
			a.visits[c]++
		}
		if math.IsInf(t, -1) {
			b.Gain[i] = float32(f)
		} else {
			b.Gain[i] = float32(f - t)
		}
		if !(f > t) {
			continue
		}
		b.Status[i] = Improved
		if a.slot[c] < 0 {
			b.Status[i] = New
		}
		if !note {
			continue
		}
		if a.count[c] == 0 {
			a.touched = append(a.touched, c)
			a.best[c] = int32(i)
		} else if b.Objective[i] > b.Objective[a.best[c]] {
			a.best[c] = int32(i)
		}
		a.count[c]++
		a.sum[c] += f
	}
	return nil
}

// refuse fails for measures outside the bounds if the archive takes none.
func (a *Cells) refuse(b *Batch, m int) error {
	if a.outside != Refuse || a.bounded == nil {
		return nil
	}
	for i := range b.N {
		if x := b.Measures[i*m : (i+1)*m]; !a.bounded.Inside(x) {
			return fmt.Errorf("qd: measures %v of solution %d: widen the bounds, or let the archive clip or reject: %w", x, i, ErrOutside)
		}
	}
	return nil
}

// Outside returns the number of solutions offered so far that were outside the bounds.
func (a *Cells) Outside() int { return int(a.beyond) }

// Visits returns the number of solutions offered so far, by cell. The caller must not modify it.
func (a *Cells) Visits() []uint32 { return a.visits }

// settle gives a cell its new elite and threshold.
func (a *Cells) settle(c int32, b *Batch, m int) {
	i := int(a.best[c])
	if s := a.slot[c]; s < 0 {
		a.slot[c] = int32(len(a.objective))
		a.sol = append(a.sol, b.Sol[i*a.dim:(i+1)*a.dim]...)
		a.objective = append(a.objective, b.Objective[i])
		a.measures = append(a.measures, b.Measures[i*m:(i+1)*m]...)
		a.cell = append(a.cell, c)
	} else {
		copy(a.sol[int(s)*a.dim:], b.Sol[i*a.dim:(i+1)*a.dim])
		a.objective[s] = b.Objective[i]
		copy(a.measures[int(s)*m:], b.Measures[i*m:(i+1)*m])
	}
	if a.alpha == 1 {
		a.threshold[c] = float64(b.Objective[i])
	} else {
		keep := math.Pow(1-a.alpha, float64(a.count[c]))
		a.threshold[c] = keep*a.threshold[c] + (1-keep)*a.sum[c]/float64(a.count[c])
	}
	a.count[c], a.sum[c] = 0, 0
}

var (
	_ Archive = (*Cells)(nil)
	_ Tester  = (*Cells)(nil)
)
