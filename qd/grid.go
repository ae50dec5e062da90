package qd

import "fmt"

// Grid divides a box of measure space into equal cells, the last axis running fastest. Points
// outside belong to the cell nearest to them.
type Grid struct {
	lo, hi, scale []float32
	dims          []int
	cells         int
}

// NewGrid returns a grid of dims[i] cells along axis i, which runs from bounds[i][0] to
// bounds[i][1].
func NewGrid(dims []int, bounds [][2]float32) (*Grid, error) {
	if len(dims) == 0 || len(dims) != len(bounds) {
		return nil, fmt.Errorf("qd: grid of %d axes with %d bounds, want at least one and as many", len(dims), len(bounds))
	}
	g := &Grid{dims: dims, cells: 1}
	for i, n := range dims {
		lo, hi := bounds[i][0], bounds[i][1]
		if n < 1 || !(lo < hi) {
			return nil, fmt.Errorf("qd: grid axis %d has %d cells from %v to %v, want at least 1 and a rising range", i, n, lo, hi)
		}
		if g.cells > 1<<30/n {
			return nil, fmt.Errorf("qd: grid %v has over 2^30 cells", dims)
		}
		g.cells *= n
		g.lo, g.hi = append(g.lo, lo), append(g.hi, hi)
		g.scale = append(g.scale, float32(n)/(hi-lo))
	}
	return g, nil
}

// Cells returns the number of cells.
func (g *Grid) Cells() int { return g.cells }

// Measures returns the number of axes.
func (g *Grid) Measures() int { return len(g.dims) }

// Dims returns the number of cells along each axis. The caller must not modify it.
func (g *Grid) Dims() []int { return g.dims }

// Inside reports whether a point is within the bounds, which count as inside.
func (g *Grid) Inside(x []float32) bool {
	for i, v := range x {
		if v < g.lo[i] || v > g.hi[i] {
			return false
		}
	}
	return true
}

// Cell returns the cell of one point.
func (g *Grid) Cell(x []float32) int {
	c := 0
	for i, n := range g.dims {
		at := (x[i] - g.lo[i]) * g.scale[i]
		k := 0
		if at >= float32(n) {
			k = n - 1
		} else if at > 0 {
			k = int(at)
		}
		c = c*n + k
	}
	return c
}
