package scene

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// area returns the total coverage of the polygon through pts on a picture of w x h pixels.
func area(w, h int, pts []geom.Vec) (sum float64) {
	p := Painter{path: pts}
	p.begin(Camera{}, w, h)
	p.fill()
	p.cov.spans(func(_, _ int, cover []float32) {
		for _, c := range cover {
			sum += float64(c)
		}
	})
	for i, c := range p.cov.sum {
		if c != 0 {
			panic("coverage left behind at " + string(rune(i)))
		}
	}
	return sum
}

// clipArea is the area of the part of a polygon within a picture, by Sutherland and Hodgman's
// clipping at each border and the shoelace formula, in float64.
func clipArea(w, h float64, pts []geom.Vec) float64 {
	type vec [2]float64
	poly := make([]vec, len(pts))
	for i, p := range pts {
		poly[i] = vec{float64(p.X), float64(p.Y)}
	}
	cut := func(axis int, at, sign float64) {
		var out []vec
		for i, b := range poly {
			a := poly[(i+len(poly)-1)%len(poly)]
			da, db := sign*(a[axis]-at), sign*(b[axis]-at)
			if (da < 0) != (db < 0) {
				f := da / (da - db)
				out = append(out, vec{a[0] + f*(b[0]-a[0]), a[1] + f*(b[1]-a[1])})
			}
			if db >= 0 {
				out = append(out, b)
			}
		}
		poly = out
	}
	cut(0, 0, 1)
	cut(0, w, -1)
	cut(1, 0, 1)
	cut(1, h, -1)
	sum := 0.0
	for i, b := range poly {
		a := poly[(i+len(poly)-1)%len(poly)]
		sum += a[0]*b[1] - a[1]*b[0]
	}
	return max(sum, -sum) / 2
}

// Triangles anywhere, in and around the picture, cover exactly their clipped area.
func TestCoverageIsArea(t *testing.T) {
	r := rng.New(1).Fold(7).Stream(1, 0, 0)
	for i := range 2000 {
		pts := make([]geom.Vec, 3)
		for j := range pts {
			pts[j] = geom.Vec{X: r.Range(-20, 60), Y: r.Range(-20, 50)}
		}
		if i%5 == 0 {
			pts[1].X, pts[2].Y = pts[0].X, pts[0].Y // axis-parallel sides
		}
		if i%7 == 0 {
			pts[0] = geom.Vec{X: geom.Floor(pts[0].X), Y: geom.Floor(pts[0].Y)}
		}
		got, want := area(40, 30, pts), clipArea(40, 30, pts)
		if d := got - want; max(d, -d) > 2e-3+1e-4*want {
			t.Fatalf("triangle %v covers %v, want %v", pts, got, want)
		}
	}
}

// A pixel's coverage agrees with counting 32 x 32 points of it.
func TestCoverageOfPixels(t *testing.T) {
	tri := []geom.Vec{{X: 1.3, Y: 0.2}, {X: 11.7, Y: 4.1}, {X: 3.9, Y: 9.4}}
	p := Painter{path: tri}
	p.begin(Camera{}, 12, 10)
	p.fill()
	got := make([]float32, 120)
	p.cov.spans(func(x, y int, cover []float32) { copy(got[y*12+x:], cover) })
	in := func(q geom.Vec) bool {
		for i, b := range tri {
			if a := tri[(i+2)%3]; b.Sub(a).Cross(q.Sub(a)) < 0 {
				return false
			}
		}
		return true
	}
	for i, g := range got {
		n := 0
		for s := range 32 * 32 {
			if in(geom.Vec{X: float32(i%12) + (float32(s%32)+0.5)/32, Y: float32(i/12) + (float32(s/32)+0.5)/32}) {
				n++
			}
		}
		if d := g - float32(n)/1024; geom.Abs(d) > 0.03 {
			t.Errorf("pixel %d, %d: coverage %v, want about %v", i%12, i/12, g, float32(n)/1024)
		}
	}
}

func TestFitKeepsShape(t *testing.T) {
	lo, hi := geom.Vec{X: -1, Y: 2}, geom.Vec{X: 3, Y: 4}
	for area, want := range map[image.Rectangle][4]float32{
		image.Rect(10, 20, 110, 220): {10, 220, 110, 170}, // to spare above
		image.Rect(10, 20, 210, 70):  {60, 70, 160, 20},   // to spare at both sides
	} {
		cam := Fit(area, lo, hi)
		x0, y0 := cam.Pixel(lo)
		x1, y1 := cam.Pixel(hi)
		if got := [4]float32{x0, y0, x1, y1}; got != want {
			t.Errorf("in %v the corners are at %v, want %v", area, got, want)
		}
	}
}

func TestBoundsWithoutView(t *testing.T) {
	var l List
	if lo, hi := l.Bounds(); lo != (geom.Vec{}) || hi != (geom.Vec{X: 1, Y: 1}) {
		t.Errorf("empty list: %v %v, want the unit square", lo, hi)
	}
	l.Circle(env.RoleAgent, geom.Vec{X: 5, Y: 5}, 2, 0)
	if lo, hi := l.Bounds(); lo != (geom.Vec{X: 3, Y: 3}) || hi != (geom.Vec{X: 7, Y: 7}) {
		t.Errorf("disc: %v %v, want its box", lo, hi)
	}
}

func TestListLeavesOutWhatIsNotFinite(t *testing.T) {
	var l List
	nan := geom.Sqrt(-1)
	bad := geom.Vec{X: nan}
	l.Circle(env.RoleAgent, bad, 1, 0)
	l.Circle(env.RoleAgent, geom.Vec{}, nan, 0)
	l.Circle(env.RoleAgent, geom.Vec{}, 1, nan)
	l.Polygon(env.RoleAgent, []geom.Vec{{}, {X: 1}, bad})
	l.Line(env.RoleAgent, 0, []geom.Vec{{}, bad})
	l.Line(env.RoleAgent, nan, []geom.Vec{{}, {X: 1}})
	l.Label(env.RoleAgent, bad, "x")
	if l.Len() != 0 {
		t.Errorf("%d shapes, want none", l.Len())
	}
}

func TestDrawingDoesNotAllocate(t *testing.T) {
	var l List
	var p Painter
	theme := Light()
	img := image.NewRGBA(image.Rect(0, 0, 128, 96))
	gray := make([]float32, 64*64)
	draw := func() {
		l.Reset()
		l.View(geom.Vec{}, geom.Vec{X: 4, Y: 3})
		l.Circle(env.RoleAgent, geom.Vec{X: 1, Y: 1}, 0.5, 1)
		l.Label(env.RoleText, geom.Vec{X: 1, Y: 2}, "label Ag")
		p.Paint(img, img.Rect, &l, theme)
		p.Caption(img, img.Rect, "step 12", theme)
		p.Raster(gray, 64, 64, &l)
	}
	for range 3 {
		draw()
	}
	if n := testing.AllocsPerRun(50, draw); n != 0 {
		t.Errorf("%v allocations a frame, want none", n)
	}
}

// The shapes of each theme differ in lightness from what they lie on, so that they can be told
// apart without colours: WCAG asks for a contrast of 3 for graphics; outlines must reach it.
func TestThemesContrast(t *testing.T) {
	for _, th := range []*Theme{Light(), Dark()} {
		middle := mix(th.Top, th.Bottom, 0.5)
		for _, r := range []env.Role{env.RoleAgent, env.RoleOther, env.RoleLimb, env.RoleObject, env.RoleGoal, env.RoleHazard, env.RoleKey, env.RoleJoint, env.RoleText} {
			if c := contrast(th.Roles[r].Edge, middle); c < 3 {
				t.Errorf("%s: outline of role %d has contrast %.1f with the background, want 3", th.Name, r, c)
			}
			if c := contrast(th.Roles[r].Line, middle); c < 2.5 {
				t.Errorf("%s: lines of role %d have contrast %.1f with the background, want 2.5", th.Name, r, c)
			}
		}
		if c := contrast(th.Text, over(middle, th.Plate)); c < 7 {
			t.Errorf("%s: captions have contrast %.1f, want 7", th.Name, c)
		}
	}
}

// contrast is the contrast ratio of WCAG 2, section 1.4.3.
func contrast(a, b color.NRGBA) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestPaletteFits(t *testing.T) {
	for _, th := range []*Theme{Light(), Dark()} {
		if n := len(th.Palette()); n > 255 {
			t.Errorf("%s: %d colours, want at most 255", th.Name, n)
		}
	}
}

func TestThemeNamed(t *testing.T) {
	if th, err := ThemeNamed("dark"); err != nil || th.Name != "dark" {
		t.Errorf("dark: %v, %v", th, err)
	}
	if _, err := ThemeNamed("pink"); err == nil {
		t.Error("pink is a theme, want an error")
	}
}

// moving paints frames of a disc that moves right, and rests in the last two.
func moving(n int) []*image.RGBA {
	var p Painter
	var out []*image.RGBA
	for i := range n {
		var l List
		landing(&l)
		l.Circle(env.RoleObject, geom.Vec{X: 2 + 0.3*float32(min(i, n-2)), Y: 11}, 0.7, float32(i))
		if i == n-1 {
			out = append(out, out[n-2])
			break
		}
		img := image.NewRGBA(image.Rect(0, 0, 120, 80))
		p.Paint(img, img.Rect, &l, Light())
		out = append(out, img)
	}
	return out
}

func create(t *testing.T, name string, fps float64, imgs []*image.RGBA) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := Create(path, fps, Light())
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range imgs {
		if err := f.Add(img); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// Playing a GIF gives back the frames, but for the palette, at their times.
func TestGIF(t *testing.T) {
	imgs := moving(9)
	b, err := os.ReadFile(create(t, "x.gif", 30, imgs))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gif.DecodeAll(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Image) != 8 {
		t.Fatalf("%d frames, want 8, as the last of 9 equals the one before", len(g.Image))
	}
	total := 0
	screen := image.NewRGBA(image.Rect(0, 0, 120, 80))
	for i, f := range g.Image {
		total += g.Delay[i]
		lay(screen, f, f.Rect.Min)
		if at, by := meanDifference(screen, imgs[i]); at > 4 || by > 90 {
			t.Errorf("frame %d: mean difference %.1f, largest %d", i, at, by)
		}
	}
	if total != 30 {
		t.Errorf("plays %d hundredths of a second, want 30", total)
	}
}

// lay puts the opaque pixels of f on screen.
func lay(screen *image.RGBA, f image.Image, at image.Point) {
	b := f.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if c := f.At(x, y); color.NRGBAModel.Convert(c).(color.NRGBA).A > 0 {
				screen.Set(at.X+x-b.Min.X, at.Y+y-b.Min.Y, c)
			}
		}
	}
}

func meanDifference(a, b *image.RGBA) (mean float64, most int) {
	for i := range a.Pix {
		d := int(a.Pix[i]) - int(b.Pix[i])
		mean += float64(max(d, -d)) / float64(len(a.Pix))
		most = max(most, d, -d)
	}
	return mean, most
}

// An animated PNG is a PNG of its first frame, and has a control chunk a frame.
func TestAPNG(t *testing.T) {
	imgs := moving(5)
	path := create(t, "x.apng", 25, imgs)
	first := readPNG(t, path)
	if mean, _ := meanDifference(first, imgs[0]); mean > 4 {
		t.Errorf("the first frame differs by %.1f", mean)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(b, []byte("fcTL")); n != 4 || !bytes.Contains(b, []byte("acTL\x00\x00\x00\x04")) {
		t.Errorf("%d control chunks, want 4 and a count of 4", n)
	}
	one, err := os.ReadFile(create(t, "one.apng", 25, imgs[:1]))
	if err != nil || bytes.Contains(one, []byte("acTL")) {
		t.Errorf("a single frame is animated, or %v", err)
	}
	if _, err := png.Decode(bytes.NewReader(one)); err != nil {
		t.Error(err)
	}
}

func TestVideo(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		for _, name := range []string{"x.mp4", "x.webm"} {
			if _, err := Create(filepath.Join(t.TempDir(), name), 25, Light()); !errors.Is(err, ErrNoFFmpeg) {
				t.Errorf("%s without ffmpeg: %v, want ErrNoFFmpeg", name, err)
			}
		}
		return
	}
	for name, magic := range map[string]string{"x.mp4": "ftyp", "x.webm": "\x1aE\xdf\xa3"} {
		b, err := os.ReadFile(create(t, name, 25, moving(5)))
		if err != nil || !bytes.Contains(b[:32], []byte(magic)) {
			t.Errorf("%s does not begin with %q: %v", name, magic, err)
		}
	}
}

// Whatever goes wrong, the error says where, and no file is left.
func TestFilmErrors(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{"x.avi": `unknown ending ".avi"`, "x": `unknown ending ""`} {
		if _, err := Create(filepath.Join(dir, name), 25, Light()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if _, err := Create(filepath.Join(dir, "x.gif"), 0, Light()); err == nil {
		t.Error("0 frames a second are no error")
	}
	names := []string{"x.gif", "x.apng"}
	if _, err := exec.LookPath("ffmpeg"); err == nil {
		names = append(names, "x.mp4")
	}
	for _, name := range names {
		f, err := Create(filepath.Join(dir, name), 25, Light())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); !errors.Is(err, errNoFrames) {
			t.Errorf("%s without frames: %v", name, err)
		}
		f, err = Create(filepath.Join(dir, "nowhere", name), 25, Light())
		if err == nil {
			err = errors.Join(f.Add(moving(2)[0]), f.Close())
		}
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s in a missing folder: %v", name, err)
		}
	}
	f, err := Create(filepath.Join(dir, "y.gif"), 25, Light())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Add(image.NewRGBA(image.Rect(0, 0, 4, 4))), f.Add(image.NewRGBA(image.Rect(0, 0, 5, 4)))); !errors.Is(err, errFrameSize) {
		t.Errorf("frames of two sizes: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("%v is left behind", left)
	}
}

func BenchmarkPaint(b *testing.B) {
	for _, size := range []int{64, 256} {
		b.Run(image.Pt(size, size).String(), func(b *testing.B) {
			b.ReportAllocs()
			var l List
			var p Painter
			theme := Light()
			img := image.NewRGBA(image.Rect(0, 0, size, size))
			landing(&l)
			for b.Loop() {
				p.Paint(img, img.Rect, &l, theme)
				p.Caption(img, img.Rect, "step 181   return 203.4", theme)
			}
		})
	}
}

func BenchmarkRaster(b *testing.B) {
	for _, size := range []int{16, 32, 64} {
		b.Run(image.Pt(size, size).String(), func(b *testing.B) {
			b.ReportAllocs()
			var l List
			var p Painter
			gray := make([]float32, size*size)
			landing(&l)
			for b.Loop() {
				p.Raster(gray, size, size, &l)
			}
		})
	}
}

// luminance is the relative luminance of WCAG 2.
func luminance(c color.NRGBA) float64 {
	lin := func(v uint8) float64 {
		if f := float64(v) / 255; f > 0.04045 {
			return math.Pow((f+0.055)/1.055, 2.4)
		} else {
			return f / 12.92
		}
	}
	return 0.2126*lin(c.R) + 0.7152*lin(c.G) + 0.0722*lin(c.B)
}
