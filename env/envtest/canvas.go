package envtest

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// canvas checks what it is asked to draw.
type canvas struct {
	t             *testing.T
	views, shapes int
}

func (c *canvas) check(role env.Role, numbers ...float32) {
	c.t.Helper()
	c.shapes++
	if c.views != 1 {
		c.t.Fatal("a shape comes before View")
	}
	if int(role) >= env.Roles {
		c.t.Fatalf("unknown role %d", role)
	}
	for _, x := range numbers {
		if !geom.Finite(x) {
			c.t.Fatalf("a coordinate is %v", x)
		}
	}
}

func (c *canvas) points(role env.Role, least int, pts []geom.Vec) {
	c.t.Helper()
	if len(pts) < least {
		c.t.Fatalf("a shape has %d points, want at least %d", len(pts), least)
	}
	for _, p := range pts {
		c.check(role, p.X, p.Y)
	}
}

func (c *canvas) View(lo, hi geom.Vec) {
	c.views++
	if !(lo.X < hi.X && lo.Y < hi.Y) {
		c.t.Fatalf("empty view %v to %v", lo, hi)
	}
}

func (c *canvas) Polygon(role env.Role, pts []geom.Vec) { c.points(role, 3, pts) }

func (c *canvas) Circle(role env.Role, at geom.Vec, radius, spoke float32) {
	c.check(role, at.X, at.Y, radius, spoke)
}

func (c *canvas) Line(role env.Role, width float32, pts []geom.Vec) {
	c.points(role, 2, pts)
	c.check(role, width)
}

func (c *canvas) Label(role env.Role, at geom.Vec, _ string) { c.check(role, at.X, at.Y) }

var _ env.Canvas = (*canvas)(nil)
