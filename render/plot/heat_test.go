package plot

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"math"
	"regexp"
	"strings"
	"testing"
)

// Each cell has the colour of its value, the first row at the bottom, and empty cells none.
func TestHeat(t *testing.T) {
	h := &Heat{Cols: 3, Rows: 2, XMin: -1, XMax: 1, YMin: 0, YMax: 2, Values: []float64{0, 1, 2, math.NaN(), 3, 4}}
	f := &Figure{X: "x", Y: "y", Heat: h}
	s, err := f.HTML("a map")
	if err != nil {
		t.Fatal(err)
	}
	data := regexp.MustCompile(`data:image/png;base64,\s*([^"]+)"`).FindStringSubmatch(s)
	if data == nil {
		t.Fatal("the figure has no image")
	}
	if !strings.Contains(s, `<image preserveAspectRatio="none"`) {
		t.Error("the image keeps its own proportions: cells would not be where the axes say")
	}
	raw, err := base64.StdEncoding.DecodeString(data[1])
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	b := img.Bounds()
	for i, v := range h.Values {
		r, g, bl, a := img.At(b.Min.X+(2*(i%3)+1)*b.Dx()/6, b.Max.Y-(2*(i/3)+1)*b.Dy()/4).RGBA()
		if math.IsNaN(v) {
			if a != 0 {
				t.Errorf("the empty cell %d has alpha %d", i, a)
			}
			continue
		}
		want := HeatColour(v / 4)
		if uint8(r>>8) != want.R || uint8(g>>8) != want.G || uint8(bl>>8) != want.B {
			t.Errorf("cell %d has colour %d %d %d, want %v", i, r>>8, g>>8, bl>>8, want)
		}
	}
	h.Values = h.Values[:5]
	if _, err := f.HTML("a map"); err == nil || !strings.Contains(err.Error(), "has 5 values") {
		t.Errorf("error %v, want one about 5 values", err)
	}
}
