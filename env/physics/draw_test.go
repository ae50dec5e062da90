package physics

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

type counter struct{ polygons, circles, lines, bad int }

func (c *counter) check(pts ...geom.Vec) {
	for _, p := range pts {
		if !geom.Finite(p.X) || !geom.Finite(p.Y) {
			c.bad++
		}
	}
}
func (c *counter) View(lo, hi geom.Vec)                     { c.check(lo, hi) }
func (c *counter) Polygon(_ env.Role, pts []geom.Vec)       { c.polygons++; c.check(pts...) }
func (c *counter) Line(_ env.Role, _ float32, p []geom.Vec) { c.lines++; c.check(p...) }
func (c *counter) Label(env.Role, geom.Vec, string)         {}
func (c *counter) Circle(_ env.Role, at geom.Vec, r, _ float32) {
	c.circles++
	c.check(at, vec(r, 0))
}

func TestDraw(t *testing.T) {
	s := zoo()
	w := compile(t, s)
	w.SetEnabled(w.Model().Shape(4, 0), false)
	before := string(w.AppendState(nil))
	var c counter
	c.View(w.View())
	w.Draw(&c)
	// 4 capsules, 2 of 3 boxes and the lift, the ground; 2 + 2 static discs and 7 joints; 3 segments, 2 + 1 joints with lines
	if want := (counter{polygons: 7, circles: 11, lines: 6}); c != want {
		t.Errorf("drew %+v, want %+v", c, want)
	}
	if string(w.AppendState(nil)) != before {
		t.Error("drawing changes the world")
	}
}
