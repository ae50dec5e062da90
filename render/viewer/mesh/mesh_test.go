package mesh

import (
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	_ "github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/render/scene"
)

// draw is a graphics card: it draws the triangles of m at the middles of pixels, and each edge
// that two triangles share once.
func draw(m *Mesh) *image.RGBA {
	size := m.Size()
	pix := make([][4]float64, size.X*size.Y)
	for _, b := range m.Batches() {
		for t := b.Indices; len(t) > 0; t = t[3:] {
			triangle(pix, size, m.Atlas.Img, b.Vertices[t[0]], b.Vertices[t[1]], b.Vertices[t[2]])
		}
	}
	img := image.NewRGBA(image.Rectangle{Max: size})
	for i, p := range pix {
		img.SetRGBA(i%size.X, i/size.X, color.RGBA{uint8(p[0]*255 + 0.5), uint8(p[1]*255 + 0.5), uint8(p[2]*255 + 0.5), uint8(p[3]*255 + 0.5)})
	}
	return img
}

func triangle(pix [][4]float64, size image.Point, tex *image.RGBA, a, b, c Vertex) {
	cross := func(p, q Vertex, x, y float64) float64 {
		return (float64(q.X)-float64(p.X))*(y-float64(p.Y)) - (float64(q.Y)-float64(p.Y))*(x-float64(p.X))
	}
	area := cross(a, b, float64(c.X), float64(c.Y))
	if area == 0 {
		return
	}
	if area < 0 {
		b, c, area = c, b, -area
	}
	// The top-left rule: a pixel on an edge belongs to the triangle right of it or below.
	owns := func(p, q Vertex, w float64) bool {
		return w > 0 || w == 0 && (q.Y < p.Y || q.Y == p.Y && q.X > p.X)
	}
	x0, x1 := int(min(a.X, b.X, c.X)), int(max(a.X, b.X, c.X))+1
	y0, y1 := int(min(a.Y, b.Y, c.Y)), int(max(a.Y, b.Y, c.Y))+1
	for y := max(y0, 0); y < min(y1, size.Y); y++ {
		for x := max(x0, 0); x < min(x1, size.X); x++ {
			px, py := float64(x)+0.5, float64(y)+0.5
			wa, wb, wc := cross(b, c, px, py), cross(c, a, px, py), cross(a, b, px, py)
			if !owns(b, c, wa) || !owns(c, a, wb) || !owns(a, b, wc) {
				continue
			}
			mix := func(u, v, w float32) float64 { return (wa*float64(u) + wb*float64(v) + wc*float64(w)) / area }
			t := tex.RGBAAt(int(mix(a.U, b.U, c.U)), int(mix(a.V, b.V, c.V)))
			alpha := mix(a.A, b.A, c.A) * float64(t.A) / 255
			p := &pix[y*size.X+x]
			p[0] = p[0]*(1-alpha) + mix(a.R, b.R, c.R)*float64(t.R)/255
			p[1] = p[1]*(1-alpha) + mix(a.G, b.G, c.G)*float64(t.G)/255
			p[2] = p[2]*(1-alpha) + mix(a.B, b.B, c.B)*float64(t.B)/255
			p[3] = p[3]*(1-alpha) + alpha
		}
	}
}

// lander returns the picture of a world in flight.
func lander(t testing.TB) *scene.List {
	t.Helper()
	c, err := env.Open("lander-v0", nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	v.Reset(3)
	b := env.NewBatch(v.Spec(), 1)
	for range 40 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		b.Act[0] = 2
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
	}
	l := new(scene.List)
	v.(env.Drawer).Draw(l, 0)
	return l
}

// difference returns the mean and the share of large differences of two pictures.
func difference(a, b *image.RGBA) (mean, large float64) {
	for i := range a.Pix {
		d := math.Abs(float64(a.Pix[i]) - float64(b.Pix[i]))
		mean += d
		if d > 64 {
			large++
		}
	}
	n := float64(len(a.Pix))
	return mean / n, large / n
}

// Triangles look like the exact picture, but for fractions of pixels at edges; a picture of
// nothing does not.
func TestLikeThePainter(t *testing.T) {
	l := lander(t)
	shapes := new(scene.List)
	shapes.View(geom.Vec{}, geom.Vec{X: 10, Y: 6})
	shapes.Circle(env.RoleObject, geom.Vec{X: 2, Y: 2}, 1, 0.7)
	shapes.Polygon(env.RoleAgent, []geom.Vec{{X: 4, Y: 1}, {X: 7, Y: 1}, {X: 7, Y: 5}, {X: 5.5, Y: 2}, {X: 4, Y: 5}}) // a fork
	shapes.Polygon(env.RoleGoal, []geom.Vec{{X: 8, Y: 1}, {X: 9, Y: 1}, {X: 9, Y: 2}, {X: 8, Y: 2}})
	shapes.Polygon(env.RoleHazard, []geom.Vec{{X: 8, Y: 3}, {X: 9.5, Y: 5}, {X: 8.5, Y: 3.7}, {X: 7.5, Y: 5}})
	shapes.Line(env.RoleGoal, 0.4, []geom.Vec{{X: 0.5, Y: 4}, {X: 2, Y: 5}, {X: 3.5, Y: 4}})
	shapes.Circle(env.RoleSensor, geom.Vec{X: 9, Y: 0}, 2, 0) // reaches beyond the view
	for name, l := range map[string]*scene.List{"lander": l, "shapes": shapes} {
		for _, size := range []image.Point{{480, 320}, {128, 92}} {
			for _, theme := range []*scene.Theme{scene.Light(), scene.Dark()} {
				want := image.NewRGBA(image.Rectangle{Max: size})
				var p scene.Painter
				p.Paint(want, want.Rect, l, theme)
				m := New()
				m.Reset(size)
				m.World(want.Rect, l, theme)
				mean, large := difference(draw(m), want)
				if mean > 2.5 || large > 0.012 {
					t.Errorf("%s, %v, %s: mean difference %.2f, %.2f %% of values far off", name, size, theme.Name, mean, 100*large)
				}
				m.Reset(size)
				m.Gradient(want.Rect, theme.Top, theme.Bottom)
				if mean, large := difference(draw(m), want); mean < 4 && large < 0.03 {
					t.Errorf("%s, %v, %s: even the empty picture is like it: %.2f, %.2f %%", name, size, theme.Name, mean, 100*large)
				}
			}
		}
	}
}

// Nothing is drawn outside of the area, and what covers it exactly once leaves no seams.
func TestClipAndSeams(t *testing.T) {
	r := rng.New(5).Stream(0, 0, 0)
	for range 60 {
		l := new(scene.List)
		l.View(geom.Vec{}, geom.Vec{X: 4, Y: 4})
		x := float32(-1)
		top := []geom.Vec{{X: -1, Y: -1}}
		for x < 5 {
			top = append(top, geom.Vec{X: x, Y: r.Range(2, 5)})
			x += r.Range(0, 1)
		}
		l.Polygon(env.RoleGround, append(top, geom.Vec{X: x, Y: -1}))
		m := New()
		m.Reset(image.Pt(100, 100))
		area := image.Rect(20, 30, 70, 80)
		m.Over(area, l, scene.Light())
		img := draw(m)
		for y := range 100 {
			for x := range 100 {
				a := img.RGBAAt(x, y).A
				switch {
				case !image.Pt(x, y).In(area) && a != 0:
					t.Fatalf("pixel %d,%d outside of the area is drawn", x, y)
				case y > 58 && image.Pt(x, y).In(area) && a != 255:
					t.Fatalf("there is a hole of opacity %d at %d,%d in the ground", a, x, y)
				}
			}
		}
	}
}

// Text is as the painter writes it, but for its place within a pixel.
func TestText(t *testing.T) {
	const text = "step 12  return \u221242.5"
	m := New()
	m.Reset(image.Pt(240, 40))
	m.Fill(image.Rect(0, 0, 240, 40), color.NRGBA{A: 255})
	w := m.Text(10, 25, 14, text, color.NRGBA{255, 255, 255, 255})
	got := draw(m)
	want := image.NewRGBA(got.Rect)
	for i := 3; i < len(want.Pix); i += 4 {
		want.Pix[i] = 255
	}
	var p scene.Painter
	if exact := p.Text(want, 10, 25, 14, text, color.NRGBA{255, 255, 255, 255}); geom.Abs(w-exact) > 0.5 {
		t.Errorf("the text is %v wide, want %v", w, exact)
	}
	var a, b float64
	for i := 0; i < len(want.Pix); i += 4 {
		a, b = a+float64(got.Pix[i]), b+float64(want.Pix[i])
	}
	if mean, _ := difference(got, want); mean > 5 || a < 0.97*b || a > 1.03*b {
		t.Errorf("mean difference %.2f, ink %.0f, want %.0f", mean, a, b)
	}
}

// An atlas that is full starts anew with the next picture.
func TestAtlasFull(t *testing.T) {
	m := New()
	for round := range 3 {
		m.Reset(image.Pt(100, 100))
		for r := rune(' '); r < 0x180; r++ {
			m.Text(0, 90, 90-float32(round), string(r), color.NRGBA{255, 255, 255, 255})
		}
	}
	if !m.Atlas.full {
		t.Fatal("this does not fill an atlas")
	}
	m.Reset(image.Pt(100, 100))
	m.Text(0, 90, 80, "M", color.NRGBA{255, 255, 255, 255})
	if len(m.Batches()) == 0 {
		t.Error("nothing is written after the atlas was full")
	}
}

// Large pictures are divided, and drawing again does not allocate.
func TestBatchesAndAllocation(t *testing.T) {
	l := lander(t)
	m := New()
	paint := func() {
		m.Reset(image.Pt(1280, 800))
		for range 400 {
			m.World(image.Rect(3, 4, 900, 700), l, scene.Light())
		}
	}
	paint()
	total := 0
	for _, b := range m.Batches() {
		total += len(b.Vertices)
		for _, i := range b.Indices {
			if int(i) >= len(b.Vertices) {
				t.Fatalf("index %d of %d vertices", i, len(b.Vertices))
			}
		}
	}
	if len(m.Batches()) < 2 || total < MostVertices {
		t.Fatalf("%d vertices in %d batches are too few for this test", total, len(m.Batches()))
	}
	light := scene.Light()
	if n := testing.AllocsPerRun(5, func() {
		m.Reset(image.Pt(1280, 800))
		m.World(image.Rect(3, 4, 900, 700), l, light)
	}); n != 0 {
		t.Errorf("%v allocations a picture", n)
	}
}

func BenchmarkLander(b *testing.B) {
	l, m, theme := lander(b), New(), scene.Light()
	b.ReportAllocs()
	for b.Loop() {
		m.Reset(image.Pt(128, 92))
		m.World(image.Rect(0, 0, 128, 92), l, theme)
	}
}
