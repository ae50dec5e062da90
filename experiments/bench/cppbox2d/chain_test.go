//go:build box2dcpp && cgo

package cppbox2d

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// A chain falls and comes to rest with its capsules on the ground, 0.005 m less than their radius of
// 0.1 m above it.
func TestRest(t *testing.T) {
	s := Scene{Half: 0.25, Radius: 0.1, Mass: 0.131, Inertia: 0.005, Friction: 0.6, Velocity: 180, Position: 60, Every: 1000}
	for i := range 8 {
		s.At = append(s.At, geom.Vec{X: float32(i) * 0.5, Y: 0.5})
	}
	c := New(s, 3)
	for range 200 {
		c.Step(1. / 50)
	}
	for w := range 3 {
		for link := range s.At {
			if h := c.Height(w, link); !(h > 0.094 && h < 0.106) {
				t.Errorf("world %d: link %d rests at %v", w, link, h)
			}
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
