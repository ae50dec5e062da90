package physics

import "unsafe"

// Everything that changes in a world lies in one array of 32-bit words, viewed as the structs
// below, which therefore hold nothing but 4-byte fields. One array makes a copy of a world one
// memory copy, is what a snapshot stores, and is how a kernel on another device would see it.

// header is the first words of a world.
type header struct {
	gx, gy   float32 // gravity
	contacts uint32  // points in use
	dropped  uint32  // points that found no room, since the last Reset
}

// body is the state of one body. The last one of a world is the immovable rest of the world.
type body struct {
	x, y, a         float32 // centre of mass, angle
	s, c            float32 // sine and cosine of a
	vx, vy, w       float32
	invM, invI      float32 // 0 if not dynamic
	lcx, lcy        float32 // centre of mass relative to the origin, local
	fx, fy, t       float32 // force and torque of the coming step
	linear, angular float32 // damping
	mass, inertia   float32
	rest            float32 // seconds of stillness
	touch           uint32  // touchAny, touchGround
}

const (
	touchAny    = 1 << iota // the body touches something
	touchGround             // it touches a ground or a static body
)

// shape is the state of one shape; its corners are in verts and world.
type shape struct {
	n           uint32 // corners in use: 1 circle, 2 capsule and segment, 3 to 8 polygon
	on          uint32 // 1 if it takes part in collisions
	radius      float32
	density     float32
	friction    float32
	restitution float32
	cx, cy      float32 // centre of a bounding circle, relative to the centre of mass, local
	bound       float32 // its radius, including radius
}

// vert is a corner and the outward normal of the edge that starts there.
type vert struct{ x, y, nx, ny float32 }

// aabb is an axis-aligned bounding box.
type aabb struct{ lox, loy, hix, hiy float32 }

// joint is the state of one joint. Anchors are relative to the origins of the bodies.
type joint struct {
	ax, ay, bx, by float32
	ux, uy         float32 // prismatic: axis, local to body A
	reference      float32
	length         float32 // of a rod
	lo, hi         float32
	speed, max     float32 // motor
	im, il         float32 // impulses of the motor and of the limits
}

// ground is the state of one ground; its points are in gverts.
type ground struct {
	n                     uint32
	friction, restitution float32
	perX                  float32 // segments a metre, on average
}

// gvert is a point of a ground with the upward normal and the length of the segment that
// starts there.
type gvert struct{ x, y, nx, ny, length float32 }

// contact is a point at which two shapes touch or are about to.
type contact struct {
	slot     uint32 // which pair of shapes, in the order they are visited
	feature  uint32 // which point of the pair
	a, b     uint32 // bodies; b is always one that can move
	sa, sb   uint32 // shapes; sa is noShape for grounds
	flags    uint32
	nx, ny   float32 // from a to b
	px, py   float32
	sep      float32 // distance, negative if they overlap
	ni, ti   float32 // impulses along the normal and the tangent
	friction float32
	bounce   float32 // restitution
}

const noShape = 1<<32 - 1

const (
	isSensor   = 1 << iota // not solved
	isTouching             // closer than the slop, or pressing
)

// layout says where the views of a world start, in words.
type layout struct {
	bodies, shapes, verts, joints, grounds, gverts, contacts int // counts
	state                                                    int // words of a snapshot
	words                                                    int // of the whole array, with what follows from the state
}

// views are the parts of a world's array. Those that most steps of a task look at come first.
type views struct {
	head     *header
	bodies   []body
	gverts   []gvert
	grounds  []ground
	mem      []uint32
	shapes   []shape
	verts    []vert // local, relative to the centre of mass
	joints   []joint
	contacts []contact // capacity; head.contacts are in use

	// What follows from the state: kept for bodies that cannot move, refreshed when needed for others.
	world []vert // verts in world coordinates
	boxes []aabb // one a shape; with margin if it can move
}

// carve makes the views of mem, or with nil mem just counts the words.
func (l *layout) carve(mem []uint32) views {
	at := 0
	v := views{mem: mem}
	if h := carve[header](mem, &at, 1); h != nil {
		v.head = &h[0]
	}
	v.bodies = carve[body](mem, &at, l.bodies)
	v.shapes = carve[shape](mem, &at, l.shapes)
	v.verts = carve[vert](mem, &at, l.verts)
	v.joints = carve[joint](mem, &at, l.joints)
	v.grounds = carve[ground](mem, &at, l.grounds)
	v.gverts = carve[gvert](mem, &at, l.gverts)
	v.contacts = carve[contact](mem, &at, l.contacts)
	l.state = at
	v.world = carve[vert](mem, &at, l.verts)
	v.boxes = carve[aabb](mem, &at, l.shapes)
	l.words = at/4*4 + 4 // lanes take four at once
	return v
}

func carve[T any](mem []uint32, at *int, n int) []T {
	var t T
	start := *at
	*at += n * int(unsafe.Sizeof(t)) / 4
	if mem == nil || n == 0 {
		return nil
	}
	part := mem[start:*at] // panics if mem is short
	return unsafe.Slice((*T)(unsafe.Pointer(&part[0])), n)
}
