package plot

import (
	"fmt"
	"image"
	"image/color"
	"math"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Heat is a map of values over a grid of equal cells. NaN marks a cell without a value, which
// is left as paper.
type Heat struct {
	Cols, Rows             int
	XMin, XMax, YMin, YMax float64
	Values                 []float64 // Rows x Cols, the lowest row first
}

// viridis by van der Walt and Smith (2015), every quarter of it.
var viridis = [...]color.NRGBA{
	{0x44, 0x01, 0x54, 255}, {0x3b, 0x52, 0x8b, 255}, {0x21, 0x91, 0x8c, 255}, {0x5e, 0xc9, 0x62, 255}, {0xfd, 0xe7, 0x25, 255},
}

// HeatColour returns the colour of a share from 0 to 1 of the range of values.
func HeatColour(share float64) color.NRGBA {
	at := min(max(share, 0), 1) * float64(len(viridis)-1)
	i := min(int(at), len(viridis)-2)
	f := at - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(math.Round((1-f)*float64(a) + f*float64(b))) }
	a, b := viridis[i], viridis[i+1]
	return color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// Range returns the least and the greatest value; lo is above hi if there is none.
func (h *Heat) Range() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range h.Values {
		if !math.IsNaN(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	return lo, hi
}

func (h *Heat) check() error {
	if h.Cols < 1 || h.Rows < 1 || len(h.Values) != h.Cols*h.Rows || !(h.XMin < h.XMax && h.YMin < h.YMax) {
		return fmt.Errorf("plot: heat map of %d x %d cells over %v..%v x %v..%v has %d values, want one a cell and rising ranges",
			h.Cols, h.Rows, h.XMin, h.XMax, h.YMin, h.YMax, len(h.Values))
	}
	return nil
}

// Plot implements the Plotter of gonum. The cells are one image, of several pixels a cell so
// that viewers which smooth it do not blur it.
func (h *Heat) Plot(c draw.Canvas, p *gonum.Plot) {
	const pixels = 8
	lo, hi := h.Range()
	img := image.NewNRGBA(image.Rect(0, 0, h.Cols*pixels, h.Rows*pixels))
	for i, v := range h.Values {
		if math.IsNaN(v) {
			continue
		}
		share := 1.0
		if lo < hi {
			share = (v - lo) / (hi - lo)
		}
		at := HeatColour(share)
		left, top := i%h.Cols*pixels, (h.Rows-1-i/h.Cols)*pixels
		for y := top; y < top+pixels; y++ {
			for x := left; x < left+pixels; x++ {
				img.SetNRGBA(x, y, at)
			}
		}
	}
	tx, ty := p.Transforms(&c)
	c.DrawImage(vg.Rectangle{Min: vg.Point{X: tx(h.XMin), Y: ty(h.YMin)}, Max: vg.Point{X: tx(h.XMax), Y: ty(h.YMax)}}, img)
}

// DataRange makes room for the cells.
func (h *Heat) DataRange() (xmin, xmax, ymin, ymax float64) { return h.XMin, h.XMax, h.YMin, h.YMax }
