package physics

import (
	"slices"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

//go:generate go run ./lanegen

// batchOf is how many worlds lockstep solves for together: few enough that what they need stays in the nearer caches.
const batchOf = 64

// maxLaneRows is the number of rows that a group of worlds has room for, all worlds together.
const maxLaneRows = 2 * maxDense

// laneRows returns the number of rows that a group of worlds of m has room for.
func (m *Model) laneRows() int { return min(len(m.joints)+4*m.layout.contacts, maxLaneRows) }

// inTree returns the first velocity of a body relative to a tree; of the zeros if it does not
// respond.
func (m *Model) inTree(t *tree, b int32) int32 {
	if m.bodies[b].tree < 0 {
		return t.size
	}
	return m.bodies[b].dof - t.dof
}

// pointsAt returns where in a world the points of grounds begin, in bytes.
func (m *Model) pointsAt() int {
	l := &m.layout
	return sizeof[header]() + l.bodies*sizeof[body]() + l.shapes*sizeof[shape]() + l.verts*sizeof[vert]() +
		l.joints*sizeof[joint]() + l.grounds*sizeof[ground]()
}

// shapeQuads returns which four words of a world are shapes and corners only, from first to last, exclusive.
func (m *Model) shapeQuads() (first, last int) {
	l := &m.layout
	shapes := sizeof[header]() + l.bodies*sizeof[body]()
	joints := shapes + l.shapes*sizeof[shape]() + l.verts*sizeof[vert]()
	return (shapes + 15) / 16, joints / 16
}

// contactsAt returns where in a world the contacts begin, in bytes.
func (m *Model) contactsAt() int { return m.pointsAt() + m.layout.gverts*sizeof[gvert]() }

// touchOf returns what a body that touches body by notes.
func (m *Model) touchOf(by int32) uint32 {
	if m.bodies[by].kind == scene.Static {
		return touchAny | touchGround
	}
	return touchAny
}

// lineup is worlds in an order in which those that are likely to have the same number of rows are next to each other, and among
// them those that had contacts of the same shapes in their last step: then the lanes of a group have more to do in common.
type lineup struct {
	ws   []*World
	keys []uint64 // with the number of the world among those given
}

// sort takes in ws. It counts those of each number of rows, so that only few have to pass each other.
func (l *lineup) sort(ws []*World) {
	var first [maxKeyRows]int32
	for _, w := range ws { // none of them waits for the memory of another
		first[w.key>>keySlots]++
	}
	n := int32(0)
	for rows := range first {
		first[rows], n = n, n+first[rows]
	}
	l.keys = slices.Grow(l.keys[:0], len(ws))[:len(ws)]
	for i, w := range ws {
		to := &first[w.key>>keySlots]
		l.keys[*to] = uint64(w.key)<<32 | uint64(i)
		*to++
	}
	for i, key := range l.keys {
		for ; i > 0 && l.keys[i-1] > key; i-- {
			l.keys[i] = l.keys[i-1]
		}
		l.keys[i] = key
	}
	l.ws = l.ws[:0]
	for _, key := range l.keys {
		l.ws = append(l.ws, ws[uint32(key)])
	}
}

// A key of a world has bits for contacts of its first pairs of shapes and those after them, and above them a number of rows.
const (
	keySlots   = 26
	maxKeyRows = 1 << (32 - keySlots)
)

// maxOld is the number of contacts of the last step up to which worlds are stepped together.
const maxOld = 64

// noContact stands for the contacts that some worlds lack.
var noContact = contact{slot: noShape}

// pairContact returns a contact of two shapes without what its points differ in, as detectPair keeps it.
func (w *World) pairContact(slot uint32, s *slot) contact {
	as, bs := &w.shapes[s.a], &w.shapes[s.b]
	return contact{
		slot: slot, a: uint32(w.m.shapes[s.a].body), b: uint32(w.m.shapes[s.b].body), sa: uint32(s.a), sb: uint32(s.b),
		friction: geom.Sqrt(as.friction * bs.friction), bounce: geom.Max(as.restitution, bs.restitution),
	}
}

// passes reports whether keep leaves a point of c out.
func (w *World) passes(p *point, c *contact, dt float32) bool {
	vx, vy := relative(&w.bodies[c.a], &w.bodies[c.b], p.px, p.py)
	return p.misses(vx, vy, dt)
}

// segmentFrom returns what segmentAt does, beginning with segment i instead of a guess.
func segmentFrom(v []gvert, i int, x float32) int {
	for i < len(v)-2 && v[i+1].x < x {
		i++
	}
	for i > 0 && v[i].x >= x {
		i--
	}
	return i
}
