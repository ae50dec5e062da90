//go:build box2dcpp && cgo

package cppbox2d

// #cgo CXXFLAGS: -O3
// #cgo LDFLAGS: -lbox2d
// #include "chain.h"
import "C"

import "github.com/terrarium-rl/terrarium/env/geom"

// A Scene is a chain of capsules, pinned end to end above flat ground at height 0.
type Scene struct {
	At                      []geom.Vec // middles of the capsules, at most 32
	Half, Radius            float32    // half of the way between the ends of a capsule, and its radius, m
	Mass, Inertia, Friction float32    // of a capsule
	Velocity, Position      int        // iterations of a step
	Every                   int        // steps after which a world begins again; world i 37 i steps earlier
}

// Chains are worlds of a Scene. Close frees them.
type Chains struct {
	scene Scene
	c     *C.chain_worlds
}

// New returns worlds of a scene.
func New(s Scene, worlds int) *Chains {
	cs := C.chain_scene{
		links: C.int(len(s.At)), half: C.float(s.Half), radius: C.float(s.Radius),
		mass: C.float(s.Mass), inertia: C.float(s.Inertia), friction: C.float(s.Friction),
	}
	for i, p := range s.At {
		cs.x[i], cs.y[i] = C.float(p.X), C.float(p.Y)
	}
	return &Chains{s, C.chain_new(&cs, C.int(worlds), C.int(s.Every))}
}

// Step advances every world by dt seconds.
func (c *Chains) Step(dt float32) {
	C.chain_step(c.c, C.float(dt), C.int(c.scene.Velocity), C.int(c.scene.Position), C.int(c.scene.Every))
}

// Height returns the height of the middle of a link.
func (c *Chains) Height(world, link int) float32 {
	return float32(C.chain_height(c.c, C.int(world), C.int(link)))
}

// Close frees the worlds.
func (c *Chains) Close() error {
	C.chain_free(c.c)
	c.c = nil
	return nil
}
