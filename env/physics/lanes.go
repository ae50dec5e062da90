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
