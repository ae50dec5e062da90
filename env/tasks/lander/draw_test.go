package lander

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// chart is a canvas that keeps where observed places lie and what the hull covers.
type chart struct {
	origin, unit, lo, hi geom.Vec
}

func (c *chart) Chart(origin, unit geom.Vec)                 { c.origin, c.unit = origin, unit }
func (c *chart) View(geom.Vec, geom.Vec)                     {}
func (c *chart) Circle(env.Role, geom.Vec, float32, float32) {}
func (c *chart) Line(env.Role, float32, []geom.Vec)          {}
func (c *chart) Label(env.Role, geom.Vec, string)            {}
func (c *chart) Polygon(role env.Role, pts []geom.Vec) {
	if role != env.RoleAgent {
		return
	}
	c.lo, c.hi = pts[0], pts[0]
	for _, p := range pts {
		c.lo = geom.Vec{X: min(c.lo.X, p.X), Y: min(c.lo.Y, p.Y)}
		c.hi = geom.Vec{X: max(c.hi.X, p.X), Y: max(c.hi.Y, p.Y)}
	}
}

// What is observed of the hull's place lies within the hull that is drawn, wherever the level has its pad.
func TestChart(t *testing.T) {
	v := newVec(t, New(), env.LevelSet{}, 8, 1)
	b := env.NewBatch(v.Spec(), 8)
	v.Reset(3)
	origins := map[geom.Vec]bool{}
	for step := range 100 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			var c chart
			v.(env.Drawer).Draw(&c, i)
			origins[c.origin] = true
			x, y := b.Obs[i*obsCount+obsX], b.Obs[i*obsCount+obsY]
			at := c.origin.Add(geom.Vec{X: x * c.unit.X, Y: y * c.unit.Y})
			if !(c.lo.X < at.X && at.X < c.hi.X && c.lo.Y < at.Y && at.Y < c.hi.Y) {
				t.Fatalf("step %d, world %d: observed at %v, the hull is drawn from %v to %v", step, i, at, c.lo, c.hi)
			}
			r := rng.New(1).Stream(0, uint32(i), uint32(step))
			b.Act[i] = float32(r.IntN(4))
		}
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
	}
	if len(origins) < 8 {
		t.Errorf("%d places of the pad, want 8 or more", len(origins))
	}
}
