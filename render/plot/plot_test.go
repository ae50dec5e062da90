package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden images")

// curves returns two learning curves with bands, the second with a gap.
func curves() *Figure {
	f := &Figure{X: "steps", Y: "return", Marks: []Mark{{"solved", 200}}}
	for k, name := range []string{"ppo", "ppo without normalisation"} {
		s := Series{Name: name}
		for i := range 60 {
			x := float64(i) * 1e6 / 59
			y := -180 + 430*(1-math.Exp(-x/(2e5*float64(k+1)))) + 8*math.Sin(float64(i*(k+2)))
			if k == 1 && i > 40 && i < 45 {
				y = math.NaN()
			}
			s.X, s.Y = append(s.X, x), append(s.Y, y)
			w := 60 * math.Exp(-x/4e5)
			s.Lo, s.Hi = append(s.Lo, y-w-10), append(s.Hi, y+w+5)
		}
		f.Series = append(f.Series, s)
	}
	return f
}

func bars() *Figure {
	return &Figure{X: "return of 100 episodes", Height: 120, Bars: []Bar{{"seed 1", 244, 230, 255}, {"seed 2", 212, 190, 233}, {"all", 228, 215, 240}}}
}

// The figures are drawn three times and compared with the golden images of their test's name.
func TestGolden(t *testing.T) {
	for name, f := range map[string]*Figure{"curves": curves(), "bars": bars()} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", filepath.FromSlash(t.Name())+".png")
			for range 3 {
				var got bytes.Buffer
				if err := f.PNG(&got); err != nil {
					t.Fatal(err)
				}
				if *update {
					write(t, path, got.Bytes())
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if d := difference(t, got.Bytes(), want); d > 0.002 {
					failed := strings.TrimSuffix(path, ".png") + ".failed.png"
					write(t, failed, got.Bytes())
					t.Fatalf("a fraction of %.4f differs from %s; what was drawn is in %s", d, path, failed)
				}
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, data, 0o644)); err != nil {
		t.Fatal(err)
	}
}

// difference returns the fraction of pixels of two PNGs that differ clearly.
func difference(t *testing.T, a, b []byte) float64 {
	t.Helper()
	x, err := png.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	y, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if x.Bounds() != y.Bounds() {
		return 1
	}
	n, size := 0, x.Bounds().Size()
	for i := range size.X * size.Y {
		r, g, b, _ := x.At(i%size.X, i/size.X).RGBA()
		r2, g2, b2, _ := y.At(i%size.X, i/size.X).RGBA()
		const clear = 24 << 8
		if far(r, r2) > clear || far(g, g2) > clear || far(b, b2) > clear {
			n++
		}
	}
	return float64(n) / float64(size.X*size.Y)
}

func far(a, b uint32) uint32 { return max(a, b) - min(a, b) }

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1e-15: "0", 0.25: "0.25", -3: "\u22123", 12.5: "12.5", 999: "999", 1500: "1.5k",
		-2e6: "\u22122M", 250000: "250k", 1e10: "10G", 1e-5: "1e\u22125", 123456789: "123M",
	} {
		if got := Short(v); got != want {
			t.Errorf("Short(%v) is %q, want %q", v, got, want)
		}
	}
}

func TestTicksAreRoundAndFew(t *testing.T) {
	for _, r := range [][2]float64{{0, 1}, {-250, 250}, {0, 1e6}, {0.9, 1.1}, {-3, 1e-3}, {1e5, 1.3e5}, {0, 7}} {
		ts := ticks(6).Ticks(r[0], r[1])
		if len(ts) < 3 || len(ts) > 13 {
			t.Errorf("%v: %d ticks, want 3 to 13", r, len(ts))
		}
		for _, k := range ts {
			if slack := 1e-9 * (r[1] - r[0]); k.Value < r[0]-slack || k.Value > r[1]+slack || k.Label == "" {
				t.Errorf("%v: tick %v %q is outside or has no label", r, k.Value, k.Label)
			}
		}
	}
}

// A page's element has no colours or fonts of its own for text and lines, and keeps its label.
func TestHTML(t *testing.T) {
	s, err := curves().HTML(`return "<ppo>" against steps`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg class=\"plot\"", "&lt;ppo&gt;", "var(--ink)", "var(--muted)", "var(--grid)", "</svg>", "var(--series-1,#0072B2)", "var(--series-2,#D55E00)"} {
		if !strings.Contains(s, want) {
			t.Errorf("no %s in the element", want)
		}
	}
	for _, unwanted := range []string{"<?xml", "font-family", "#222A35", "NaN", "-8000"} {
		if strings.Contains(s, unwanted) {
			t.Errorf("%s is in the element", unwanted)
		}
	}
	if err := xml.Unmarshal([]byte(s), new(struct{})); err != nil {
		t.Error(err)
	}
}

func TestDegenerateFigures(t *testing.T) {
	nan := math.NaN()
	for name, f := range map[string]*Figure{
		"empty":    {},
		"no point": {Series: []Series{{Name: "a"}}},
		"one":      {Series: []Series{{Name: "a", X: []float64{3}, Y: []float64{4}, Lo: []float64{4}, Hi: []float64{4}}}},
		"flat":     {Series: []Series{{X: []float64{0, 1}, Y: []float64{5, 5}}}},
		"all NaN":  {Series: []Series{{X: []float64{0, 1}, Y: []float64{nan, nan}}}},
		"infinite": {Series: []Series{{X: []float64{0, 1}, Y: []float64{math.Inf(1), 2}}}},
		"bar of 0": {Bars: []Bar{{Name: "a"}}},
	} {
		var b bytes.Buffer
		if err := f.SVG(&b); err != nil || strings.Contains(b.String(), "NaN") {
			t.Errorf("%s: %v, or a NaN in the document", name, err)
		}
	}
}

func TestErrors(t *testing.T) {
	f := &Figure{Series: []Series{{Name: "a", X: []float64{1, 2}, Y: []float64{1}}}}
	if err := f.SVG(&bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), `"a" has 2 x, 1 y`) {
		t.Errorf("lengths: %v", err)
	}
	dir := t.TempDir()
	if err := curves().Save(filepath.Join(dir, "x.pdf")); err == nil {
		t.Error("a .pdf is no error")
	}
	if err := curves().Save(filepath.Join(dir, "no", "x.svg")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
	for _, name := range []string{"x.svg", "x.png"} {
		if err := curves().Save(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}
