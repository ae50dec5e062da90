package physics

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// A World is one world of a Model. Its methods do not allocate. It is used by one goroutine at
// a time; worlds of one Model are independent of each other.
type World struct {
	m *Model
	views
	scratch
}

// scratch is what a step computes and forgets.
type scratch struct {
	v           velocities   // of all bodies that can move
	shift       velocities   // displacements that correct overlaps and joints
	column      velocities   // of one tree
	x           []float32    // one a constraint row
	gap         float32      // largest error of a joint at the beginning of the step
	constraints []constraint // of all joints
	factors     []float32    // of all trees
	axes        []axis
	rows        []row
	resp        []float32 // responses of axes and rows
	free        []free
	dense       []float32  // matrix of the free impulses, and its factors
	response    velocities // one response at a time, zeros otherwise
	columns     []float32  // responses to unit impulses on a body
	column0     []int32    // where those of each body begin; -1 until needed
	old         []memory   // impulses of the last step
	fresh       []uint8    // of each shape: its world coordinates are up to date
}

// memory is what a contact hands on to the next step.
type memory struct {
	slot, feature uint32
	ni, ti        float32
}

// NewWorld returns a world in the scene's initial state.
func (m *Model) NewWorld() *World {
	w := &World{m: m, views: m.layout.carve(make([]uint32, m.layout.words))}
	w.scratch = m.newScratch()
	w.Reset()
	return w
}

func (m *Model) newScratch() (s scratch) {
	n := m.dofs + 3
	v := make([]float32, 4*n)
	s.v, s.shift, s.column, s.response = v[:n], v[n:2*n], v[2*n:3*n], v[3*n:]
	s.x = make([]float32, m.rows)
	s.constraints = make([]constraint, m.rows)
	entries, widest, columns := int32(0), int32(0), int32(0)
	for i := range m.trees {
		t := &m.trees[i]
		entries += t.rows + t.entries
		widest = max(widest, t.size)
		columns += 3 * t.size * int32(len(t.bodies))
	}
	s.factors = make([]float32, entries)
	for i := range m.joints {
		j := &m.joints[i]
		t := &m.trees[m.jointTree(i)]
		local := func(b int32) int32 {
			if m.bodies[b].tree < 0 {
				return t.size
			}
			return m.bodies[b].dof - t.dof
		}
		for r := range j.rows {
			c := &s.constraints[j.row0+r]
			c.a, c.b = local(j.a), local(j.b)
		}
	}
	sides := int32(1)
	if len(m.trees) > 1 {
		sides = 2
	}
	s.axes = make([]axis, 0, len(m.joints))
	s.rows = make([]row, 0, m.layout.contacts)
	s.resp = make([]float32, 0, int(widest)*(len(m.joints)+2*int(sides)*m.layout.contacts))
	unknowns := min(maxFree, len(m.joints)+2*m.layout.contacts)
	s.free = make([]free, 0, unknowns)
	s.dense = make([]float32, 2*unknowns*unknowns)
	s.columns = make([]float32, 0, columns)
	s.column0 = make([]int32, len(m.bodies))
	s.fresh = make([]uint8, len(m.shapes))
	s.old = make([]memory, m.layout.contacts)
	return s
}

// Bytes returns the memory that one world takes.
func (m *Model) Bytes() int {
	s := m.newScratch()
	floats := cap(s.v) + cap(s.x) + cap(s.factors) + cap(s.resp) + cap(s.columns) + cap(s.dense)
	return 4*m.layout.words + 4*floats + 4*cap(s.column0) + cap(s.fresh) + cap(s.constraints)*sizeof[constraint]() +
		cap(s.axes)*sizeof[axis]() + cap(s.free)*sizeof[free]() + cap(s.rows)*sizeof[row]() + cap(s.old)*sizeof[memory]() + sizeof[World]()
}

// Model returns the model of w.
func (w *World) Model() *Model { return w.m }

// Reset returns to the scene's initial state, undoing all Set methods too.
func (w *World) Reset() { copy(w.mem, w.m.template) }

// CopyFrom makes w equal to o, a world of the same Model.
func (w *World) CopyFrom(o *World) {
	if w.m != o.m {
		panic("physics: CopyFrom a world of another model")
	}
	copy(w.mem, o.mem)
}

// AppendState appends the exact state: Model().StateLen() bytes.
func (w *World) AppendState(dst []byte) []byte {
	for _, x := range w.mem[:w.m.layout.state] {
		dst = binary.LittleEndian.AppendUint32(dst, x)
	}
	return dst
}

// SetState continues from what AppendState of a world of the same Model appended. An error
// leaves w as it was.
func (w *World) SetState(state []byte) error {
	if len(state) != w.m.StateLen() {
		return fmt.Errorf("physics: state of %d bytes, want %d", len(state), w.m.StateLen())
	}
	if err := w.m.check(state); err != nil {
		return err
	}
	for i := range w.m.layout.state {
		w.mem[i] = binary.LittleEndian.Uint32(state[4*i:])
	}
	for i := range w.m.shapes {
		if !w.m.shapes[i].moves {
			w.place(i)
			w.box(i, 0)
		}
	}
	return nil
}

// check refuses states whose counts and indices would lead outside the arrays.
func (m *Model) check(state []byte) error {
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(state[4*i:]) }
	at := 0
	carve[header](nil, &at, 1)
	if n := word(2); n > uint32(m.layout.contacts) {
		return fmt.Errorf("physics: state with %d contacts, want at most %d", n, m.layout.contacts)
	}
	carve[body](nil, &at, m.layout.bodies)
	for i := range m.shapes {
		if n, most := word(at+i*sizeof[shape]()/4), uint32(m.shapes[i].verts); n < 1 || n > most {
			return fmt.Errorf("physics: state with %d corners of shape %d, want 1 to %d", n, i, most)
		}
	}
	carve[shape](nil, &at, m.layout.shapes)
	carve[vert](nil, &at, m.layout.verts)
	carve[joint](nil, &at, m.layout.joints)
	for i := range m.grounds {
		if n, most := word(at+i*sizeof[ground]()/4), uint32(m.grounds[i].verts); n < 2 || n > most {
			return fmt.Errorf("physics: state with %d points of ground %d, want 2 to %d", n, i, most)
		}
	}
	carve[ground](nil, &at, m.layout.grounds)
	carve[gvert](nil, &at, m.layout.gverts)
	for i := range int(word(2)) {
		c := at + i*sizeof[contact]()/4
		a, b, sa, sb := word(c+2), word(c+3), word(c+4), word(c+5)
		shapes := uint32(m.layout.shapes)
		if a >= uint32(len(m.bodies)) || b >= uint32(len(m.bodies)) || sb >= shapes || sa >= shapes && sa != noShape {
			return fmt.Errorf("physics: state whose contact %d has no such bodies or shapes", i)
		}
	}
	return nil
}

// SetGravity sets the acceleration of gravity, m/s^2.
func (w *World) SetGravity(g geom.Vec) { w.head.gx, w.head.gy = g.X, g.Y }

// Gravity returns the acceleration of gravity.
func (w *World) Gravity() geom.Vec { return geom.Vec{X: w.head.gx, Y: w.head.gy} }
