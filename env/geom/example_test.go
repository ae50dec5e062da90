package geom_test

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// The functions give the same bits on every processor, unlike those of package math.
func Example() {
	sin, cos := geom.Sincos(geom.Pi / 6)
	fmt.Printf("%.4f %.4f %.4f\n", sin, cos, geom.Sqrt(float32(sin*sin)+float32(cos*cos)))

	fmt.Printf("%.4f\n", geom.WrapAngle(3*geom.Pi/2)/geom.Pi) // into -Pi to Pi
	fmt.Println(geom.Clamp(7, -1, 1), geom.Finite(geom.Log(-1)))
	// Output:
	// 0.5000 0.8660 1.0000
	// -0.5000
	// 1 false
}
