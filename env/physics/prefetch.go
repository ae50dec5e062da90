package physics

import (
	"unsafe"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/internal/fetch"
)

const (
	line     = 64   // bytes that processors bring near at once
	farthest = 2048 // bytes of a part of a world, at most, that are brought near
)

// hotLines returns where in the memory of a world the lines lie that each step reads: those up to the first
// points of grounds, but for shapes that are common to many worlds, and the boxes of shapes that do not move, which
// are not made again.
func (m *Model) hotLines(common bool) (lines []int32) {
	add := func(from, bytes int) {
		for at := from / line * line; at < from+bytes; at += line {
			if n := len(lines); n == 0 || lines[n-1] < int32(at) {
				lines = append(lines, int32(at))
			}
		}
	}
	points, grounds := m.pointsAt(), m.layout.grounds*sizeof[ground]()
	if first, last := m.shapeQuads(); common && first < last {
		add(0, min(16*first, farthest))
		add(16*last, min(points-grounds-16*last, farthest))
	} else {
		add(0, min(points-grounds, farthest))
	}
	add(points-grounds, min(grounds+m.layout.gverts*sizeof[gvert](), farthest/4))
	if len(m.movers) < len(m.shapes) {
		add(4*m.layout.state+m.layout.verts*sizeof[vert](), min(len(m.shapes)*sizeof[aabb](), farthest/2))
	}
	return lines
}

// Prefetch brings near what the next step of w will read, as far as that is little and known in
// advance. It implements env.Prefetcher.
func (w *World) Prefetch() {
	fetch.Lines(unsafe.Pointer(w.head), w.m.hot[w.own])
	w.prefetchContacts()
}

// prefetchContacts brings near the contacts of the last step, as far as lockstep knows of them.
func (w *World) prefetchContacts() {
	if n := min(int(w.near), 12); n > 0 {
		fetch.Near(unsafe.Add(unsafe.Pointer(w.head), w.m.contactsAt()), n*sizeof[contact]())
	}
}

// Bytes returns the memory that w takes.
func (w *World) Bytes() int { return w.m.Bytes() }

var _ env.Prefetcher = (*World)(nil)

// A convoy is worlds that are going to be stepped soon. They are brought near bit by bit while others are
// stepped, as package fetch wants it.
type convoy struct {
	ws   []*World
	line int // of the first world's hot ones, that comes next
	many int // lines to bring at a time
}

// start makes the convoy ws, which is to be brought near by a number of calls of bring.
func (c *convoy) start(ws []*World, calls int) {
	c.ws, c.line, c.many = ws, 0, 0
	if len(ws) > 0 {
		c.many = (len(ws)*len(ws[0].m.hot[1]) + calls - 1) / calls
	}
	c.peek(0)
	c.peek(1)
}

// worldHead is how much of a World itself most steps look at, in bytes.
const worldHead = 128

// peek asks for what bring looks at.
func (c *convoy) peek(i int) {
	if i < len(c.ws) {
		fetch.Near(unsafe.Pointer(c.ws[i]), worldHead)
	}
}

// bring brings the next lines near.
func (c *convoy) bring() {
	if len(c.ws) > 0 {
		c.bringMany()
	}
}

func (c *convoy) bringMany() {
	w, from := c.ws[0], c.line
	hot := w.m.hot[w.own]
	c.line = min(from+c.many, len(hot))
	fetch.Lines(unsafe.Pointer(w.head), hot[from:c.line])
	if c.line == len(hot) {
		w.prefetchContacts()
		c.ws, c.line = c.ws[1:], 0
		c.peek(1)
	}
}
