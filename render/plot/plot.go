// Package plot draws figures about runs in one house style: learning curves with bands, bars
// with intervals, and performance profiles, as SVG and PNG.
//
// Series differ in colour and in dash, so that they can be told apart in gray print and by
// colour-blind readers; the colours are those of Okabe and Ito. A figure does not compute
// anything: middle and band of a curve come from package stats or wherever.
//
//	f := plot.Figure{X: "steps", Y: "return", Series: []plot.Series{{Name: "ppo", X: x, Y: y, Lo: lo, Hi: hi}}}
//	err := f.Save("curve.svg")
package plot

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A Series is a curve through (X[i], Y[i]), with a band from Lo[i] to Hi[i] where those are
// given. A NaN is a gap.
type Series struct {
	Name   string // in the legend; none if empty
	X, Y   []float64
	Lo, Hi []float64
	Faint  bool // thin and pale, and of the colour of the last series that is not
}

// A Bar is a value with an interval.
type Bar struct {
	Name          string
	Value, Lo, Hi float64
}

// A Mark is a horizontal line with a name, such as the return from which a task is solved.
type Mark struct {
	Name string
	Y    float64
}

// A Figure is a set of curves, or of bars, over common axes. The zero value of each field is
// its default.
type Figure struct {
	Title         string
	X, Y          string // what the axes mean
	Series        []Series
	Bars          []Bar
	Heat          *Heat // nil for none
	Marks         []Mark
	YMin, YMax    float64 // range of the y axis, where YMin < YMax; default: what there is
	Width, Height float64 // in points, 1/72 inch; default 468 x 260, as wide as the text of a page
}

// Okabe and Ito's colours, "Color Universal Design" (2008), most contrast first.
var colours = []color.NRGBA{
	{0x00, 0x72, 0xb2, 255}, {0xd5, 0x5e, 0x00, 255}, {0x00, 0x9e, 0x73, 255}, {0xcc, 0x79, 0xa7, 255},
	{0xe6, 0x9f, 0x00, 255}, {0x56, 0xb4, 0xe9, 255}, {0x6b, 0x6b, 0x6b, 255},
}

var dashes = [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 2, 2, 2}, {10, 4}, {4, 1.5}, {1, 3}}

// Ink of axes and text, of grid lines, and the paper. Pages replace them, see HTML.
var (
	ink   = color.NRGBA{0x22, 0x2a, 0x35, 255}
	muted = color.NRGBA{0x5b, 0x66, 0x75, 255}
	grid  = color.NRGBA{0xdf, 0xe3, 0xe8, 255}
)

const (
	fontSize  = 11
	titleSize = 12
)

func typeface(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// plot returns the gonum plot of f.
func (f *Figure) plot() (*gonum.Plot, error) {
	p := gonum.New()
	p.BackgroundColor = nil
	f.style(p)
	p.Add(gridLines(len(f.Bars) > 0))
	if len(f.Bars) > 0 {
		if err := f.bars(p); err != nil {
			return nil, err
		}
	}
	if f.Heat != nil {
		if err := f.Heat.check(); err != nil {
			return nil, err
		}
		p.Add(f.Heat)
	}
	at := -1
	for i := range f.Series {
		s := &f.Series[i]
		if err := s.check(); err != nil {
			return nil, err
		}
		if !s.Faint || at < 0 {
			at++
		}
		if err := s.add(p, at); err != nil {
			return nil, err
		}
	}
	for _, m := range f.Marks {
		mark(p, m)
	}
	settle(&p.X)
	settle(&p.Y)
	if len(f.Bars) == 0 && f.Heat == nil && p.X.Min > 0 && p.X.Min < 0.2*p.X.Max {
		p.X.Min = 0 // steps count from there
	}
	switch pad := 0.04 * (p.Y.Max - p.Y.Min); {
	case len(f.Bars) > 0 || f.Heat != nil:
	case f.YMin < f.YMax:
		p.Y.Min, p.Y.Max = f.YMin, f.YMax
	default:
		p.Y.Min, p.Y.Max = p.Y.Min-pad, p.Y.Max+pad
	}
	return p, nil
}

// drawOn draws p on c, with margins for labels that stand out at the sides.
func drawOn(p *gonum.Plot, c vg.CanvasSizer) {
	p.Draw(draw.Crop(draw.New(c), 4, -18, 2, -8))
}

// settle gives an axis without extent some.
func settle(a *gonum.Axis) {
	if math.IsInf(a.Min, 0) || math.IsInf(a.Max, 0) || math.IsNaN(a.Min) || math.IsNaN(a.Max) {
		a.Min, a.Max = 0, 1
	}
	if a.Min == a.Max {
		half := 0.1 * math.Abs(a.Min)
		if half == 0 {
			half = 0.5
		}
		a.Min, a.Max = a.Min-half, a.Max+half
	}
}

func (f *Figure) style(p *gonum.Plot) {
	p.Title.Text = f.Title
	p.Title.TextStyle.Font, p.Title.TextStyle.Color = typeface(titleSize), ink
	p.Title.Padding = 6
	width, height := f.size()
	for _, a := range []struct {
		axis  *gonum.Axis
		name  string
		ticks ticks
	}{{&p.X, f.X, ticks(width / 80)}, {&p.Y, f.Y, ticks(height / 45)}} {
		a.axis.Label.Text = a.name
		a.axis.Label.TextStyle.Font, a.axis.Label.TextStyle.Color = typeface(fontSize), ink
		a.axis.Label.Padding = 4
		a.axis.Tick.Label.Font, a.axis.Tick.Label.Color = typeface(fontSize), muted
		a.axis.Tick.LineStyle.Color, a.axis.LineStyle.Color = muted, muted
		a.axis.Tick.Marker = a.ticks
		a.axis.Padding = 0
	}
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width, p.Y.Tick.Length = 0, 0, 4
	p.X.LineStyle.Width, p.X.Tick.LineStyle.Width, p.X.Tick.Length = 0.8, 0.8, 4
	p.Legend.TextStyle.Font, p.Legend.TextStyle.Color = typeface(fontSize), ink
	p.Legend.ThumbnailWidth, p.Legend.Padding = 24, 2
	p.Legend.XOffs, p.Legend.YOffs = -6, 6 // from the lower right: learning curves rise
	p.TextHandler = text.Plain{Fonts: font.DefaultCache}
	p.X.Label.TextStyle.Handler, p.Y.Label.TextStyle.Handler = p.TextHandler, p.TextHandler
	p.Title.TextStyle.Handler, p.Legend.TextStyle.Handler = p.TextHandler, p.TextHandler
	p.X.Tick.Label.Handler, p.Y.Tick.Label.Handler = p.TextHandler, p.TextHandler
}

// gridLines returns grid lines at the ticks of the axis along which values are read.
func gridLines(bars bool) *plotter.Grid {
	g := plotter.NewGrid()
	line := draw.LineStyle{Color: grid, Width: 0.7}
	g.Vertical, g.Horizontal = draw.LineStyle{}, line
	if bars {
		g.Vertical, g.Horizontal = line, draw.LineStyle{}
	}
	return g
}

func (s *Series) check() error {
	n := len(s.X)
	if len(s.Y) != n || len(s.Lo) != len(s.Hi) || len(s.Lo) != 0 && len(s.Lo) != n {
		return fmt.Errorf("plot: series %q has %d x, %d y, %d lo, %d hi values, want as many of each, or no band",
			s.Name, n, len(s.Y), len(s.Lo), len(s.Hi))
	}
	return nil
}

// add draws s in style number at.
func (s *Series) add(p *gonum.Plot, at int) error {
	c := colours[at%len(colours)]
	style := draw.LineStyle{Color: c, Width: 1.8, Dashes: dashes[at%len(dashes)]}
	if s.Faint {
		c.A = 150
		style = draw.LineStyle{Color: c, Width: 0.8}
	}
	if len(s.Lo) > 0 {
		for _, run := range runs(s.X, s.Lo, s.Hi) {
			band, err := plotter.NewPolygon(outline(s, run))
			if err != nil {
				return fmt.Errorf("plot: band of %q: %w", s.Name, err)
			}
			band.LineStyle.Width = 0
			c.A = 50
			band.Color = c
			p.Add(band)
		}
	}
	var line *plotter.Line
	for _, run := range runs(s.X, s.Y) {
		xys := make(plotter.XYs, 0, run[1]-run[0])
		for i := run[0]; i < run[1]; i++ {
			xys = append(xys, plotter.XY{X: s.X[i], Y: s.Y[i]})
		}
		var err error
		if line, err = plotter.NewLine(xys); err != nil {
			return fmt.Errorf("plot: series %q: %w", s.Name, err)
		}
		line.LineStyle = style
		p.Add(line)
	}
	if s.Name != "" && line != nil {
		p.Legend.Add(s.Name, line)
	}
	return nil
}

// runs returns the longest ranges of indices in which all numbers are finite.
func runs(columns ...[]float64) (out [][2]int) {
	n, first := len(columns[0]), -1
	for i := range n + 1 {
		ok := i < n
		for _, c := range columns {
			ok = ok && !math.IsNaN(c[i]) && !math.IsInf(c[i], 0)
		}
		switch {
		case ok && first < 0:
			first = i
		case !ok && first >= 0:
			out, first = append(out, [2]int{first, i}), -1
		}
	}
	return out
}

// outline returns the border of the band of s over a run.
func outline(s *Series, run [2]int) plotter.XYs {
	var pts plotter.XYs
	for i := run[0]; i < run[1]; i++ {
		pts = append(pts, plotter.XY{X: s.X[i], Y: s.Hi[i]})
	}
	for i := run[1] - 1; i >= run[0]; i-- {
		pts = append(pts, plotter.XY{X: s.X[i], Y: s.Lo[i]})
	}
	return pts
}

// mark draws a dotted line across the plot, named above its left end.
func mark(p *gonum.Plot, m Mark) {
	p.Add(&markLine{m})
}

type markLine struct{ Mark }

// Plot implements the Plotter of gonum.
func (m *markLine) Plot(c draw.Canvas, p *gonum.Plot) {
	_, y := p.Transforms(&c)
	at := y(m.Y)
	if at < c.Min.Y || at > c.Max.Y {
		return
	}
	c.StrokeLine2(draw.LineStyle{Color: muted, Width: 0.9, Dashes: []vg.Length{1.5, 2.5}}, c.Min.X, at, c.Max.X, at)
	style := p.Y.Tick.Label
	style.XAlign, style.YAlign = text.XLeft, text.YBottom
	c.FillText(style, vg.Point{X: c.Min.X + 3, Y: at + 2}, m.Name)
}

// DataRange makes room for the line.
func (m *markLine) DataRange() (xmin, xmax, ymin, ymax float64) {
	return math.Inf(1), math.Inf(-1), m.Y, m.Y
}

// bars draws horizontal bars, the first on top, with their intervals.
func (f *Figure) bars(p *gonum.Plot) error {
	names := make([]string, len(f.Bars))
	for i, b := range f.Bars {
		at := len(f.Bars) - 1 - i
		names[at] = b.Name
		p.Add(&bar{b, float64(at), colours[0]})
	}
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(names))-0.4
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Width = 0, 0
	p.Y.Tick.Label.Color = ink
	return nil
}

type bar struct {
	Bar
	y float64
	c color.NRGBA
}

// Plot implements the Plotter of gonum.
func (b *bar) Plot(c draw.Canvas, p *gonum.Plot) {
	tx, ty := p.Transforms(&c)
	zero, value, half := tx(max(0, p.X.Min)), tx(b.Value), (ty(0.56)-ty(0))/2
	y := ty(b.y)
	fill := b.c
	fill.A = 120
	c.FillPolygon(fill, []vg.Point{{X: zero, Y: y - half}, {X: value, Y: y - half}, {X: value, Y: y + half}, {X: zero, Y: y + half}})
	if b.Lo < b.Hi {
		style := draw.LineStyle{Color: ink, Width: 1.4}
		c.StrokeLine2(style, tx(b.Lo), y, tx(b.Hi), y)
		for _, x := range []float64{b.Lo, b.Hi} {
			c.StrokeLine2(style, tx(x), y-half/2, tx(x), y+half/2)
		}
	}
}

// DataRange makes room for the bar, its interval, and zero.
func (b *bar) DataRange() (xmin, xmax, ymin, ymax float64) {
	lo, hi := min(0, b.Value), max(0, b.Value)
	if b.Lo < b.Hi {
		lo, hi = min(lo, b.Lo), max(hi, b.Hi)
	}
	return lo, hi, b.y, b.y
}

// ticks are about that many round numbers, at least three, with short labels: 200k, 1.5M.
type ticks int

// Ticks implements the Ticker of gonum.
func (n ticks) Ticks(lo, hi float64) (out []gonum.Tick) {
	rough := (hi - lo) / float64(max(n, 3))
	step := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, f := range []float64{5, 2} {
		if f*step <= 1.2*rough {
			step *= f
			break
		}
	}
	for i := math.Ceil(lo/step - 1e-9); i <= hi/step+1e-9; i++ {
		out = append(out, gonum.Tick{Value: i * step, Label: Short(i * step)})
	}
	return out
}

// Short writes a number in few characters: 0.25, 1500 as 1.5k, 2000000 as 2M.
func Short(v float64) string {
	text, suffix := "", ""
	for _, u := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= u.size {
			v, suffix = v/u.size, u.name
			break
		}
	}
	switch {
	case math.Abs(v) < 1e-12:
		text = "0"
	case math.Abs(v) >= 100:
		text = strconv.FormatFloat(v, 'f', 0, 64)
	default:
		text = strings.Replace(strconv.FormatFloat(v, 'g', 3, 64), "e-0", "e-", 1)
	}
	return strings.Replace(text, "-", "−", 1) + suffix
}

func (f *Figure) size() (w, h vg.Length) {
	w, h = vg.Length(f.Width), vg.Length(f.Height)
	if w <= 0 {
		w = 468
	}
	if h <= 0 {
		h = 260
	}
	return w, h
}

// SVG writes f as an SVG document.
func (f *Figure) SVG(w io.Writer) error {
	p, err := f.plot()
	if err != nil {
		return err
	}
	width, height := f.size()
	c := vgsvg.New(width, height)
	drawOn(p, c)
	var buf bytes.Buffer
	if _, err := c.WriteTo(&buf); err != nil {
		return err
	}
	_, err = imageStyle.WriteString(w, buf.String())
	return err
}

// PNG writes f as an image on white of 216 dots an inch.
func (f *Figure) PNG(w io.Writer) error {
	p, err := f.plot()
	if err != nil {
		return err
	}
	p.BackgroundColor = color.White
	width, height := f.size()
	c := vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(216))
	drawOn(p, c)
	_, err = vgimg.PngCanvas{Canvas: c}.WriteTo(w)
	return err
}

// HTML returns f as an SVG element of class plot for a page: as wide as its place, and in the
// page's colours --ink, --muted, --grid and --series-1 to --series-7, which may depend on
// whether the reader prefers dark pages. The page sets the font, which should have the widths
// of Liberation Sans, as Arial has. The label describes the figure to those who cannot see it.
func (f *Figure) HTML(label string) (string, error) {
	var buf bytes.Buffer
	if err := f.SVG(&buf); err != nil {
		return "", err
	}
	s := buf.String()
	at := strings.Index(s, "<svg")
	end := strings.Index(s[at:], ">")
	width, height := f.size()
	head := fmt.Sprintf(`<svg class="plot" role="img" aria-label="%s" viewBox="0 0 %g %g" xmlns="http://www.w3.org/2000/svg">`,
		html.EscapeString(label), float64(width), float64(height))
	return head + pageStyle.Replace(s[at+end+1:]), nil
}

// imageStyle corrects the images that gonum writes: they are PNGs, are to fill their rectangle,
// and their cells are to have sharp edges.
var imageStyle = strings.NewReplacer(
	"data:image/jpg;", "data:image/png;",
	"<image ", `<image preserveAspectRatio="none" style="image-rendering:pixelated" `,
)

var pageStyle = func() *strings.Replacer {
	pairs := []string{
		"font-family:Liberation Sans;font-variant:normal;font-weight:normal;font-style:normal;", "",
		hexName(ink), "var(--ink)", hexName(muted), "var(--muted)", hexName(grid), "var(--grid)",
	}
	for i, c := range colours {
		pairs = append(pairs, hexName(c), fmt.Sprintf("var(--series-%d,%s)", i+1, hexName(c)))
	}
	return strings.NewReplacer(pairs...)
}()

func hexName(c color.NRGBA) string { return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B) }

// Save writes f to a file, as .svg or .png.
func (f *Figure) Save(path string) error {
	write, ok := map[string]func(io.Writer) error{".svg": f.SVG, ".png": f.PNG}[strings.ToLower(filepath.Ext(path))]
	if !ok {
		return fmt.Errorf("plot %s: want a file name that ends with .svg or .png", path)
	}
	var buf bytes.Buffer
	if err := write(&buf); err != nil {
		return err
	}
	return os.WriteFile(path, buf.Bytes(), 0o666)
}
