package plot_test

import (
	"fmt"
	"strings"

	"github.com/terrarium-rl/terrarium/render/plot"
)

// A learning curve with a band, as an SVG document.
func ExampleFigure_SVG() {
	f := plot.Figure{X: "steps", Y: "return", Series: []plot.Series{{
		Name: "ppo", X: []float64{0, 5e5, 1e6}, Y: []float64{-200, 150, 240},
		Lo: []float64{-260, 90, 225}, Hi: []float64{-120, 190, 250},
	}}}
	var svg strings.Builder
	fmt.Println(f.SVG(&svg), strings.Contains(svg.String(), "800k"))
	// Output: <nil> true
}
