package scene_test

import (
	"fmt"
	"image"
	"image/color"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// A list is filled as any Canvas and painted at any size.
func Example() {
	var list scene.List
	list.View(geom.Vec{}, geom.Vec{X: 4, Y: 3})
	list.Circle(env.RoleAgent, geom.Vec{X: 2, Y: 1.5}, 1, 0)

	theme := scene.Light()
	img := image.NewRGBA(image.Rect(0, 0, 400, 300))
	var p scene.Painter
	p.Paint(img, img.Rect, &list, theme)
	fmt.Println(list.Len(), color.NRGBA(img.RGBAAt(190, 180)) == theme.Roles[env.RoleAgent].Fill)
	// Output: 1 true
}

// What an agent would see through a camera.
func ExamplePainter_Raster() {
	var list scene.List
	list.View(geom.Vec{}, geom.Vec{X: 8, Y: 4})
	list.Polygon(env.RoleGround, []geom.Vec{{}, {X: 8}, {X: 8, Y: 2}, {Y: 2}})
	list.Circle(env.RoleAgent, geom.Vec{X: 4, Y: 3}, 1, 0)

	const w, h = 8, 4
	gray := make([]float32, w*h)
	var p scene.Painter
	p.Raster(gray, w, h, &list)
	for y := range h {
		fmt.Print("|")
		for x := range w {
			fmt.Print(string(" .:-=+*#%@"[int(9*gray[y*w+x]+0.5)]))
		}
		fmt.Println("|")
	}
	// Output:
	// |   **   |
	// |   **   |
	// |--------|
	// |--------|
}
