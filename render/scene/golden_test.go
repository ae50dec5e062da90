package scene

import (
	"flag"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

var update = flag.Bool("update", false, "rewrite the golden images")

// golden compares what paint draws, three times over with the same painter, with the image
// testdata/NAME.png, where NAME is the test's. Rounding may differ between machines by little.
func golden(t *testing.T, w, h int, paint func(p *Painter, dst *image.RGBA)) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(t.Name())+".png")
	var p Painter
	for range 3 {
		img := image.NewRGBA(image.Rect(0, 0, w, h))
		paint(&p, img)
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := WritePNG(path, img); err != nil {
				t.Fatal(err)
			}
		}
		want := readPNG(t, path)
		if at, by := farthest(img, want); by > 2 {
			failed := path[:len(path)-len(".png")] + ".failed.png"
			if err := WritePNG(failed, img); err != nil {
				t.Error(err)
			}
			t.Fatalf("pixel %v differs by %d from %s; what was drawn is in %s", at, by, path, failed)
		}
	}
}

func readPNG(t *testing.T, path string) *image.RGBA {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(path, err)
	}
	rgba := image.NewRGBA(img.Bounds())
	draw.Draw(rgba, rgba.Rect, img, rgba.Rect.Min, draw.Src)
	return rgba
}

// farthest returns the pixel in which a and b differ most, and by how much in a channel.
func farthest(a, b *image.RGBA) (at image.Point, by int) {
	if a.Rect != b.Rect {
		return a.Rect.Max, 256
	}
	for i := range a.Pix {
		if d := int(a.Pix[i]) - int(b.Pix[i]); max(d, -d) > by {
			by, at = max(d, -d), image.Pt(i%a.Stride/4, i/a.Stride)
		}
	}
	return at, by
}

// landing draws a lunar lander above its pad.
func landing(c env.Canvas) {
	c.View(geom.Vec{}, geom.Vec{X: 20, Y: 13.3})
	ridge := []geom.Vec{{X: 0, Y: 5.5}, {X: 2, Y: 4.2}, {X: 4, Y: 5}, {X: 6, Y: 2.6}, {X: 8, Y: 3.3}, {X: 12, Y: 3.3}, {X: 14, Y: 4.6}, {X: 16, Y: 3.9}, {X: 18, Y: 6.4}, {X: 20, Y: 5.2}}
	c.Polygon(env.RoleBackdrop, []geom.Vec{{X: -1, Y: 0}, {X: -1, Y: 6}, {X: 3, Y: 8}, {X: 6, Y: 6.3}, {X: 10, Y: 7.2}, {X: 15, Y: 8.4}, {X: 21, Y: 6.5}, {X: 21, Y: 0}})
	for i := range ridge[1:] { // strips that turn alternate ways and must become one shape
		a, b := ridge[i], ridge[i+1]
		strip := []geom.Vec{{X: a.X}, {X: b.X}, b, a}
		if i%2 == 1 {
			strip = []geom.Vec{a, b, {X: b.X}, {X: a.X}}
		}
		c.Polygon(env.RoleGround, strip)
	}
	for _, x := range []float32{8, 12} {
		c.Line(env.RoleJoint, 0.06, []geom.Vec{{X: x, Y: 3.3}, {X: x, Y: 4.9}})
		c.Polygon(env.RoleGoal, []geom.Vec{{X: x, Y: 4.9}, {X: x + 0.8, Y: 4.65}, {X: x, Y: 4.4}})
	}
	at, r := geom.Vec{X: 10.6, Y: 8}, geom.Rotation(0.15)
	body := func(role env.Role, pts ...geom.Vec) {
		for i := range pts {
			pts[i] = r.Apply(pts[i]).Add(at)
		}
		c.Polygon(role, pts)
	}
	body(env.RoleForce, geom.Vec{X: -0.25, Y: -0.4}, geom.Vec{X: 0.25, Y: -0.4}, geom.Vec{Y: -1.5})
	for _, s := range []float32{-1, 1} {
		body(env.RoleLimb, geom.Vec{X: s * 0.45, Y: -0.2}, geom.Vec{X: s * 0.6, Y: -0.2}, geom.Vec{X: s * 1.0, Y: -1}, geom.Vec{X: s * 0.85, Y: -1})
	}
	body(env.RoleAgent, geom.Vec{X: -0.45, Y: 0.55}, geom.Vec{X: -0.55, Y: 0}, geom.Vec{X: -0.55, Y: -0.35},
		geom.Vec{X: 0.55, Y: -0.35}, geom.Vec{X: 0.55, Y: 0}, geom.Vec{X: 0.45, Y: 0.55})
	c.Label(env.RoleText, geom.Vec{X: 10, Y: 2.4}, "pad")
}

// shapes draws every kind of shape in every role.
func shapes(c env.Canvas) {
	c.View(geom.Vec{}, geom.Vec{X: float32(env.Roles), Y: 5})
	for r := range env.Roles {
		x, role := float32(r)+0.5, env.Role(r)
		c.Circle(role, geom.Vec{X: x, Y: 4.4}, 0.4, float32(r))
		c.Polygon(role, []geom.Vec{{X: x - 0.4, Y: 3}, {X: x, Y: 3.3}, {X: x + 0.4, Y: 3}, {X: x, Y: 3.8}}) // concave
		c.Line(role, 0.2, []geom.Vec{{X: x - 0.3, Y: 2}, {X: x, Y: 2.7}, {X: x + 0.3, Y: 2}})
		c.Line(role, 0, []geom.Vec{{X: x - 0.3, Y: 1.2}, {X: x, Y: 1.8}, {X: x + 0.3, Y: 1.2}})
		c.Label(role, geom.Vec{X: x, Y: 0.5}, string(rune('A'+r)))
	}
}

func listOf(draw func(env.Canvas)) *List {
	l := new(List)
	draw(l)
	return l
}

func TestGolden(t *testing.T) {
	for _, theme := range []*Theme{Light(), Dark()} {
		t.Run("landing-"+theme.Name, func(t *testing.T) {
			golden(t, 480, 320, func(p *Painter, dst *image.RGBA) {
				p.Paint(dst, dst.Rect, listOf(landing), theme)
				p.Caption(dst, dst.Rect, "step 181   return 203.4   main 0.71  side -0.20", theme)
			})
		})
		t.Run("shapes-"+theme.Name, func(t *testing.T) {
			golden(t, 650, 250, func(p *Painter, dst *image.RGBA) { p.Paint(dst, dst.Rect, listOf(shapes), theme) })
		})
	}
	t.Run("square", func(t *testing.T) {
		golden(t, 64, 64, func(p *Painter, dst *image.RGBA) { p.Paint(dst, dst.Rect, listOf(landing), Light()) })
	})
	t.Run("wild", func(t *testing.T) { // shapes that cross every border, and points that are no numbers
		golden(t, 120, 80, func(p *Painter, dst *image.RGBA) {
			p.Paint(dst, dst.Rect, listOf(wild), Light())
		})
	})
	t.Run("raster", func(t *testing.T) {
		golden(t, 64, 64, func(p *Painter, dst *image.RGBA) {
			gray := make([]float32, 64*64)
			p.Raster(gray, 64, 64, listOf(landing))
			for i, g := range gray {
				v := uint8(g*255 + 0.5)
				copy(dst.Pix[4*i:], []uint8{v, v, v, 255})
			}
		})
	})
}

func wild(c env.Canvas) {
	nan := geom.Sqrt(-1)
	c.View(geom.Vec{}, geom.Vec{X: 12, Y: 8})
	c.Circle(env.RoleGoal, geom.Vec{X: 0, Y: 0}, 3, 0)
	c.Circle(env.RoleAgent, geom.Vec{X: 12, Y: 8}, 3, 4)
	c.Polygon(env.RoleHazard, []geom.Vec{{X: -1e9, Y: 3}, {X: 6, Y: 3.5}, {X: 1e9, Y: 3}, {X: 6, Y: 5}})
	c.Line(env.RoleKey, 0.5, []geom.Vec{{X: 6, Y: -50}, {X: 6, Y: 50}, {X: 9, Y: -1e30}})
	c.Circle(env.RoleOther, geom.Vec{X: nan, Y: 4}, 1, 0)
	c.Circle(env.RoleOther, geom.Vec{X: 4, Y: 4}, nan, nan)
	c.Polygon(env.RoleOther, []geom.Vec{{X: 1, Y: 1}, {X: nan, Y: nan}, {X: 2, Y: nan}})
	c.Label(env.RoleText, geom.Vec{X: 11.9, Y: 1}, "cut off")
	c.Label(env.RoleText, geom.Vec{X: nan, Y: nan}, "nowhere")
}
