package scene

import "github.com/terrarium-rl/terrarium/env/geom"

// A coverage accumulates closed outlines and yields how much of each pixel they cover.
//
// Each edge adds to a pixel the signed height it passes there, weighed by the part of the pixel
// right of it, and the rest to the pixel's right neighbour; the sum along a row is then the
// exact covered area. Outlines that turn the same way unite, as the sum is limited to 1.
type coverage struct {
	w, h   int       // size in pixels
	sum    []float32 // h rows of w+2
	lo, hi []int32   // touched part of each row, empty if lo >= hi
	y0, y1 int       // touched rows
}

// resize prepares c for a picture of w x h pixels; c must be clear.
func (c *coverage) resize(w, h int) {
	if c.w == w && c.h == h {
		return
	}
	c.w, c.h = w, h
	if n := (w + 2) * h; n > cap(c.sum) {
		c.sum = make([]float32, n)
	} else {
		c.sum = c.sum[:n]
	}
	if h > cap(c.lo) {
		c.lo, c.hi = make([]int32, h), make([]int32, h)
	}
	c.lo, c.hi = c.lo[:h], c.hi[:h]
	for y := range h {
		c.lo[y], c.hi[y] = int32(w), 0
	}
	c.y0, c.y1 = h, 0
}

// edge adds the edge from (x0, y0) to (x1, y1), in pixels. What lies left of the picture
// counts as its left border, what lies right of it as its right border.
func (c *coverage) edge(x0, y0, x1, y1 float32) {
	dir := float32(1)
	if y0 > y1 {
		x0, y0, x1, y1, dir = x1, y1, x0, y0, -1
	}
	h := float32(c.h)
	if !(y0 < h && y1 > 0 && y0 < y1) {
		return
	}
	slope := (x1 - x0) / (y1 - y0)
	if y0 < 0 {
		x0, y0 = x0-slope*y0, 0
	}
	if y1 > h {
		x1, y1 = x0+slope*(h-y0), h
	}
	w := float32(c.w)
	if min(x0, x1) >= 0 && max(x0, x1) <= w {
		c.inside(x0, y0, x1, y1, slope, dir)
		return
	}
	// Cut at the left and the right border, from the top down.
	left, right := float32(0), w
	if slope < 0 {
		left, right = right, left
	}
	for _, border := range [2]float32{left, right} {
		if (x0 < border) != (x1 < border) && x0 != border {
			y := geom.Clamp(y0+(border-x0)/slope, y0, y1)
			c.clamped(x0, y0, border, y, slope, dir)
			x0, y0 = border, y
		}
	}
	c.clamped(x0, y0, x1, y1, slope, dir)
}

// clamped adds an edge that does not cross a border.
func (c *coverage) clamped(x0, y0, x1, y1, slope, dir float32) {
	w := float32(c.w)
	switch {
	case max(x0, x1) <= 0:
		c.inside(0, y0, 0, y1, 0, dir)
	case min(x0, x1) >= w:
		c.inside(w, y0, w, y1, 0, dir)
	default:
		c.inside(geom.Clamp(x0, 0, w), y0, geom.Clamp(x1, 0, w), y1, slope, dir)
	}
}

// inside adds an edge within the picture, y0 <= y1.
func (c *coverage) inside(x0, y0, x1, y1, slope, dir float32) {
	w := float32(c.w)
	row, last := int(y0), min(int(y1), c.h-1)
	c.y0, c.y1 = min(c.y0, row), max(c.y1, last+1)
	x, y := x0, y0
	for ; row <= last; row++ {
		yn := min(float32(row+1), y1)
		xn := geom.Clamp(x+slope*(yn-y), 0, w)
		if yn == y1 {
			xn = x1
		}
		c.cross(row, x, xn, (yn-y)*dir)
		x, y = xn, yn
	}
}

// cross adds an edge that passes a row from x0 to x1 and signed height d.
func (c *coverage) cross(row int, x0, x1, d float32) {
	if x0 > x1 {
		x0, x1 = x1, x0
	}
	i, j := int(x0), int(x1)
	c.lo[row], c.hi[row] = min(c.lo[row], int32(i)), max(c.hi[row], int32(j+1))
	sum := c.sum[row*(c.w+2) : (row+1)*(c.w+2)]
	if i == j {
		right := d * ((x0+x1)/2 - float32(i))
		sum[i] += d - right
		sum[i+1] += right
		return
	}
	per := d / (x1 - x0) // height a pixel
	for ; i <= j; i++ {
		a, b := max(x0, float32(i)), min(x1, float32(i+1))
		part := per * (b - a)
		right := part * ((a+b)/2 - float32(i))
		sum[i] += part - right
		sum[i+1] += right
	}
}

// spans calls emit for each touched row with the coverage, 0 to 1, of pixels x to x+len(cover),
// and clears c. emit may overwrite cover.
func (c *coverage) spans(emit func(x, y int, cover []float32)) {
	for y := c.y0; y < c.y1; y++ {
		lo, hi := int(c.lo[y]), min(int(c.hi[y]), c.w)
		if lo <= hi {
			row := c.sum[y*(c.w+2) : (y+1)*(c.w+2)]
			var total float32
			for x := lo; x < hi; x++ {
				total += row[x]
				row[x] = min(geom.Abs(total), 1)
			}
			if lo < hi {
				emit(lo, y, row[lo:hi])
			}
			clear(row[lo:min(int(c.hi[y])+1, c.w+2)])
		}
		c.lo[y], c.hi[y] = int32(c.w), 0
	}
	c.y0, c.y1 = c.h, 0
}
