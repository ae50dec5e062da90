package physics

//go:generate go run ./lanegen

// maxLaneRows is the number of rows that a group of worlds has room for, all worlds together.
const maxLaneRows = 2 * maxDense

// laneRows returns the number of rows that a group of worlds of m has room for.
func (m *Model) laneRows() int { return min(len(m.joints)+4*m.layout.contacts, maxLaneRows) }

// fits reports whether a group has room for the contacts of w, whichever are solved. A world
// with more rows than maxDense solves them in another way.
func (m *Model) fits(w *World) bool {
	return len(m.joints)+2*int(w.head.contacts) <= maxDense && len(m.joints) <= maxFree
}

// inTree returns the first velocity of a body relative to a tree; of the zeros if it does not
// respond.
func (m *Model) inTree(t *tree, b int32) int32 {
	if m.bodies[b].tree < 0 {
		return t.size
	}
	return m.bodies[b].dof - t.dof
}

// lineup is worlds in an order in which those with contacts of the same shapes are next to each
// other: then the lanes of a group have more to do in common.
type lineup struct {
	ws   []*World
	keys []uint64
}

// sort takes in ws.
func (l *lineup) sort(ws []*World) {
	l.ws, l.keys = l.ws[:0], l.keys[:0]
	for _, w := range ws {
		key := uint64(0)
		for i := range w.contacts[:w.head.contacts] {
			key |= 1 << min(w.contacts[i].slot, 63)
		}
		at := len(l.ws)
		l.ws, l.keys = append(l.ws, w), append(l.keys, key)
		for ; at > 0 && l.keys[at-1] > key; at-- {
			l.ws[at], l.keys[at] = l.ws[at-1], l.keys[at-1]
		}
		l.ws[at], l.keys[at] = w, key
	}
}

// maxNear is the number of pairs of shapes and segments that are looked at together.
const maxNear = 512

// nearby is a pair of a shape and a segment of a ground that may touch.
type nearby struct{ slot, segment int32 }

// keepFound makes contacts of what was found of pairs of shapes and segments, and looks for those of
// shapes with shapes.
func (w *World) keepFound(near []nearby, found []manifold, dt float32) {
	old := w.remember()
	for i := range found {
		if m := &found[i]; m.n > 0 {
			w.keepLanded(m, uint32(near[i].slot), &w.m.landing[near[i].slot], int(near[i].segment), &old, dt)
		}
	}
	clear(w.fresh)
	w.detectPairs(dt, &old)
}
