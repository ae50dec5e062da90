package qd

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// CVT divides measure space into the Voronoi cells of well-spread centroids (Vassiliades,
// Chatzilygeroudis and Mouret, "Using centroidal Voronoi tessellations to scale up MAP-Elites",
// 2018).
type CVT struct {
	dim    int
	tree   kdTree
	bounds [][2]float32
}

const cvtPurpose rng.Purpose = 0x637674

// NewCVT spreads cells centroids over the box of bounds: Lloyd's algorithm on samples uniform
// points, for the given number of iterations.
func NewCVT(cells int, bounds [][2]float32, samples, iterations int, k rng.Key) (*CVT, error) {
	dim := len(bounds)
	if cells < 1 || dim < 1 || samples < cells || iterations < 0 {
		return nil, fmt.Errorf("qd: CVT of %d cells in %d dimensions from %d samples, want at least 1, 1 and a sample a cell", cells, dim, samples)
	}
	r := k.Stream(cvtPurpose, 0, 0)
	points := make([]float32, samples*dim)
	for i := range points {
		b := bounds[i%dim]
		if !(b[0] < b[1]) {
			return nil, fmt.Errorf("qd: CVT axis %d from %v to %v, want a rising range", i%dim, b[0], b[1])
		}
		points[i] = r.Range(b[0], b[1])
	}
	centroids := slices.Clone(points[:cells*dim]) // uniform points are as good a start as any
	sum, count := make([]float64, cells*dim), make([]int, cells)
	for range iterations {
		t := newTree(centroids, dim)
		clear(sum)
		clear(count)
		for i := range samples {
			p := points[i*dim : (i+1)*dim]
			c := t.nearest(p)
			count[c]++
			for j, x := range p {
				sum[c*dim+j] += float64(x)
			}
		}
		for c, n := range count {
			for j := range dim {
				if n > 0 { // an empty cell keeps its centroid
					centroids[c*dim+j] = float32(sum[c*dim+j] / float64(n))
				}
			}
		}
	}
	return &CVT{dim, newTree(centroids, dim), slices.Clone(bounds)}, nil
}

// Cells returns the number of cells.
func (c *CVT) Cells() int { return len(c.tree.points) / c.dim }

// Measures returns the dimension of measure space.
func (c *CVT) Measures() int { return c.dim }

// Centroid returns the centroid of a cell. The caller must not modify it.
func (c *CVT) Centroid(cell int) []float32 { return c.tree.at(int32(cell)) }

// Inside reports whether a point is within the box of NewCVT.
func (c *CVT) Inside(x []float32) bool {
	for i, v := range x {
		if v < c.bounds[i][0] || v > c.bounds[i][1] {
			return false
		}
	}
	return true
}

// Cell returns the cell whose centroid is nearest.
func (c *CVT) Cell(x []float32) int { return c.tree.nearest(x) }

// A kdTree finds the nearest of a fixed set of points (Bentley, 1975). It is an implicit
// balanced tree: the median of a range of order is its root.
type kdTree struct {
	points []float32
	dim    int
	order  []int32
	axis   []uint8 // of the node at each position of order
}

func newTree(points []float32, dim int) kdTree {
	t := kdTree{points: points, dim: dim, order: make([]int32, len(points)/dim), axis: make([]uint8, len(points)/dim)}
	for i := range t.order {
		t.order[i] = int32(i)
	}
	t.build(0, len(t.order))
	return t
}

func (t *kdTree) at(i int32) []float32 { return t.points[int(i)*t.dim : (int(i)+1)*t.dim] }

// build arranges order[lo:hi], splitting along its widest axis.
func (t *kdTree) build(lo, hi int) {
	if hi-lo < 2 {
		return
	}
	axis, widest := 0, float32(-1)
	for a := range t.dim {
		least, most := t.at(t.order[lo])[a], t.at(t.order[lo])[a]
		for _, i := range t.order[lo:hi] {
			least, most = min(least, t.at(i)[a]), max(most, t.at(i)[a])
		}
		if most-least > widest {
			axis, widest = a, most-least
		}
	}
	slices.SortFunc(t.order[lo:hi], func(i, j int32) int {
		if d := t.at(i)[axis] - t.at(j)[axis]; d != 0 {
			return int(math.Copysign(1, float64(d)))
		}
		return int(i - j)
	})
	mid := (lo + hi) / 2
	t.axis[mid] = uint8(axis)
	t.build(lo, mid)
	t.build(mid+1, hi)
}

// nearest returns the number of the point nearest to x; of equally near ones any, but always
// the same.
func (t *kdTree) nearest(x []float32) int {
	best, dist := int32(-1), float32(math.Inf(1))
	t.search(x, 0, len(t.order), &best, &dist)
	return int(best)
}

func (t *kdTree) search(x []float32, lo, hi int, best *int32, dist *float32) {
	for lo < hi {
		mid := (lo + hi) / 2
		p, d := t.at(t.order[mid]), float32(0)
		for j, v := range p {
			d += float32((v - x[j]) * (v - x[j]))
		}
		if d < *dist {
			*best, *dist = t.order[mid], d
		}
		gap := x[t.axis[mid]] - p[t.axis[mid]]
		nearLo, nearHi, farLo, farHi := lo, mid, mid+1, hi
		if gap > 0 {
			nearLo, nearHi, farLo, farHi = mid+1, hi, lo, mid
		}
		t.search(x, nearLo, nearHi, best, dist)
		if float32(gap*gap) > *dist {
			return
		}
		lo, hi = farLo, farHi
	}
}

var (
	_ Partition = (*Grid)(nil)
	_ Partition = (*CVT)(nil)
)
