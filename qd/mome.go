package qd

import (
	"fmt"
	"slices"
)

// FrontOptions are the options of NewFronts.
type FrontOptions struct {
	Goals     int       // objectives beside the first
	Most      int       // elites of a cell; the paper has 50
	Reference []float32 // 1+Goals: values that count as nothing, below all there can be
}

// Fronts is an archive of several objectives: each cell of a partition keeps those of its solutions
// that no other beats in every one of them (Pierrot, Richard, Beguir and Cully, "Multi-objective
// quality diversity optimization", GECCO 2022, algorithm 1). Where a cell has too many, the one in
// the densest place leaves. Elites change their numbers when others leave.
type Fronts struct {
	part   Partition
	s      Shape
	o      FrontOptions
	front  [][]int32 // by cell: numbers of elites
	cell   []int32   // of each elite
	sol    []float32
	goals  []float32 // of each elite: 1+Goals, the objective first
	points []float32 // of each elite: its measures
	visits []uint32
}

// NewFronts returns an empty archive for solutions of dim parameters.
func NewFronts(p Partition, dim int, o FrontOptions) (*Fronts, error) {
	if dim < 1 || o.Goals < 1 || o.Goals > 8 || o.Most < 1 || len(o.Reference) != 1+o.Goals {
		return nil, fmt.Errorf("qd: fronts of at most %d solutions of %d parameters in %d further objectives with %d reference values, want at least 1, 1, 1 to 8 and one for each objective",
			o.Most, dim, o.Goals, len(o.Reference))
	}
	return &Fronts{
		part: p, s: Shape{Dim: dim, Measures: p.Measures(), Goals: o.Goals}, o: o,
		front: make([][]int32, p.Cells()), visits: make([]uint32, p.Cells()),
	}, nil
}

// Len returns the number of elites in all cells.
func (a *Fronts) Len() int { return len(a.cell) }

// Niches returns the number of cells.
func (a *Fronts) Niches() int { return len(a.front) }

// Visits returns the number of solutions offered so far, by cell. The caller must not modify it.
func (a *Fronts) Visits() []uint32 { return a.visits }

// Occupied returns the number of cells with an elite.
func (a *Fronts) Occupied() (n int) {
	for _, f := range a.front {
		if len(f) > 0 {
			n++
		}
	}
	return n
}

// Elite returns elite i.
func (a *Fronts) Elite(i int) Elite {
	g := a.goalsOf(int32(i))
	return Elite{
		Sol: a.sol[i*a.s.Dim : (i+1)*a.s.Dim], Objective: g[0], Goals: g[1:],
		Measures: a.points[i*a.s.Measures : (i+1)*a.s.Measures],
	}
}

func (a *Fronts) goalsOf(i int32) []float32 {
	w := 1 + a.s.Goals
	return a.goals[int(i)*w : (int(i)+1)*w]
}

// Hypervolumes returns the sum over cells of the volume between their elites and the reference:
// the paper's MOQD score.
func (a *Fronts) Hypervolumes() (sum float64) {
	for _, f := range a.front {
		sum += a.volume(f)
	}
	return sum
}

func (a *Fronts) volume(front []int32) float64 {
	points := make([][]float32, len(front))
	for i, e := range front {
		points[i] = a.goalsOf(e)
	}
	return hypervolume(points, a.o.Reference)
}

// Test writes b.Status and b.Gain as Add would, and keeps nothing.
func (a *Fronts) Test(b *Batch) error {
	if err := b.check(a.s); err != nil {
		return err
	}
	for i := range b.N {
		c := a.part.Cell(b.Measures[i*a.s.Measures : (i+1)*a.s.Measures])
		b.Status[i], b.Gain[i] = a.judge(a.front[c], a.row(b, i))
	}
	return nil
}

// row returns the objectives of a row.
func (a *Fronts) row(b *Batch, i int) []float32 {
	return append([]float32{b.Objective[i]}, b.Goals[i*a.s.Goals:(i+1)*a.s.Goals]...)
}

// judge returns what a point is to a front, and the volume that it adds.
func (a *Fronts) judge(front []int32, x []float32) (Status, float32) {
	for _, e := range front {
		if covers(a.goalsOf(e), x) {
			return Rejected, 0
		}
	}
	points := [][]float32{x}
	for _, e := range front {
		points = append(points, a.goalsOf(e))
	}
	gain := float32(hypervolume(points, a.o.Reference) - a.volume(front))
	if len(front) == 0 {
		return New, gain
	}
	return Improved, gain
}

// Add offers the solutions of b. Those that no elite of their cell matches in every objective are
// kept, in their order, as far as the others leave it so. The gain is the volume that one alone
// adds to its cell.
func (a *Fronts) Add(b *Batch) error {
	if err := a.Test(b); err != nil {
		return err
	}
	m := a.s.Measures
	for i := range b.N {
		x, point := a.row(b, i), b.Measures[i*m:(i+1)*m]
		c := int32(a.part.Cell(point))
		a.visits[c]++
		if b.Status[i] == Rejected || slices.ContainsFunc(a.front[c], func(e int32) bool { return covers(a.goalsOf(e), x) }) {
			continue
		}
		for j := len(a.front[c]) - 1; j >= 0; j-- {
			if covers(x, a.goalsOf(a.front[c][j])) {
				a.remove(c, j)
			}
		}
		a.front[c] = append(a.front[c], int32(len(a.cell)))
		a.cell = append(a.cell, c)
		a.sol = append(a.sol, b.Sol[i*a.s.Dim:(i+1)*a.s.Dim]...)
		a.goals = append(a.goals, x...)
		a.points = append(a.points, point...)
		if len(a.front[c]) > a.o.Most {
			a.remove(c, a.densest(a.front[c]))
		}
	}
	return nil
}

// covers reports that x is at least as good as y in every objective.
func covers(x, y []float32) bool {
	for i, v := range x {
		if v < y[i] {
			return false
		}
	}
	return true
}

// densest returns the position in a front of what has the least crowding distance.
func (a *Fronts) densest(front []int32) (at int) {
	goals := make([][]float64, 1+a.s.Goals)
	for _, e := range front {
		for g, v := range a.goalsOf(e) {
			goals[g] = append(goals[g], float64(v))
		}
	}
	crowd := crowding(goals, make([]int, len(front)))
	for i, d := range crowd {
		if d < crowd[at] {
			at = i
		}
	}
	return at
}

// remove takes the elite at a position of a cell's front away; the last elite gets its number.
func (a *Fronts) remove(c int32, at int) {
	gone, last := a.front[c][at], int32(len(a.cell)-1)
	a.front[c] = slices.Delete(a.front[c], at, at+1)
	if gone != last {
		f := a.front[a.cell[last]]
		f[slices.Index(f, last)] = gone
		a.cell[gone] = a.cell[last]
	}
	drop := func(x []float32, w int) []float32 {
		copy(x[int(gone)*w:(int(gone)+1)*w], x[int(last)*w:])
		return x[:int(last)*w]
	}
	a.sol, a.goals, a.points = drop(a.sol, a.s.Dim), drop(a.goals, 1+a.s.Goals), drop(a.points, a.s.Measures)
	a.cell = a.cell[:last]
}

// hypervolume returns the volume of what lies between the reference and any of the points, by
// slicing along the last coordinate (Zitzler's HSO, as in While, Hingston, Barone and Huband, 2006).
func hypervolume(points [][]float32, ref []float32) float64 {
	d := len(ref)
	above := make([][]float32, 0, len(points))
	for _, p := range points {
		inside := true
		for j, r := range ref {
			inside = inside && p[j] > r
		}
		if inside {
			above = append(above, p)
		}
	}
	if len(above) == 0 {
		return 0
	}
	if d == 1 {
		top := above[0][0]
		for _, p := range above {
			top = max(top, p[0])
		}
		return float64(top) - float64(ref[0])
	}
	slices.SortStableFunc(above, func(p, q []float32) int { return descending(float64(p[d-1]), float64(q[d-1])) })
	sum := 0.0
	for i := range above {
		below := ref[d-1]
		if i+1 < len(above) {
			below = above[i+1][d-1]
		}
		if height := float64(above[i][d-1]) - float64(below); height > 0 {
			slice := make([][]float32, i+1)
			for j := range slice {
				slice[j] = above[j][:d-1]
			}
			sum += height * hypervolume(slice, ref[:d-1])
		}
	}
	return sum
}

func (a *Fronts) state(c *codec) {
	c.fixed(a.visits)
	vary(c, &a.cell)
	vary(c, &a.sol)
	vary(c, &a.goals)
	vary(c, &a.points)
	// The order within a cell matters to what leaves it.
	var numbers []int32
	for _, f := range a.front {
		numbers = append(numbers, int32(len(f)))
		numbers = append(numbers, f...)
	}
	vary(c, &numbers)
	n := len(a.cell)
	c.check(len(a.sol) == n*a.s.Dim && len(a.goals) == n*(1+a.s.Goals) && len(a.points) == n*a.s.Measures && len(numbers) == n+len(a.front))
	if !c.reading || c.err != nil {
		return
	}
	for i := range a.front {
		if len(numbers) == 0 || numbers[0] < 0 || int(numbers[0]) >= len(numbers) {
			c.check(false)
			return
		}
		k := numbers[0]
		a.front[i] = slices.Clone(numbers[1 : 1+k])
		numbers = numbers[1+k:]
		for _, e := range a.front[i] {
			c.check(e >= 0 && int(e) < n && int(a.cell[max(0, min(int(e), n-1))]) == i)
		}
	}
	c.check(len(numbers) == 0)
}

// AppendBinary appends the elites.
func (a *Fronts) AppendBinary(dst []byte) ([]byte, error) { return save(dst, a.state) }

// UnmarshalBinary loads a state of AppendBinary.
func (a *Fronts) UnmarshalBinary(data []byte) error { return load(data, "fronts", a.state) }

var (
	_ Archive = (*Fronts)(nil)
	_ Tester  = (*Fronts)(nil)
	_ Saver   = (*Fronts)(nil)
	_ Niched  = (*Fronts)(nil)
)
