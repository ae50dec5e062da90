package physics

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// A World is one world of a Model. Its methods do not allocate. It is used by one goroutine at
// a time; worlds of one Model are independent of each other.
type World struct {
	m    *Model
	key  uint32 // what lineup sorts by, as lockstep has left it: a bit for each pair of shapes with contacts, above the contacts expected to have rows
	near uint32 // contacts that lockstep has left in the array
	own  uint16 // 1 if shapes or corners may differ from those of the template
	seen uint16 // where lockstep has last looked at the first ground: a segment, which may not be there any more
	hint uint32 // the segment that GroundHeight found last
	views
	*scratch           // during a step
	cast     []float32 // what the rays of a fan hit, as castFan keeps it; with it, Go gives a world 320 bytes, which begin where a cache line does
}

// scratch is what a step computes and forgets. The worlds of a model that one goroutine steps
// take the same again and again, which then stays in the nearest cache.
type scratch struct {
	now         system       // velocities
	shift       system       // displacements that correct overlaps and joints
	gap         float32      // largest error of a joint at the beginning of the step
	constraints []constraint // of all joints
	factors     []float32    // of all trees
	jacobians   [][6]float32 // of the joints' positions
	positions   []float32
	axes        []axis
	grips       []grip
	waiting     []grip    // without rows
	rows        []row     // of the axes, then two of each grip
	react       []float32 // their reactions in the joints
	wild        bool      // tame has stopped a body
	unsettled   bool      // the velocities are still to be settled
	dense       []float32 // speeds that unit impulses along the rows bring about, if they are few
	unit        motion    // of one unit of impulse, zeros otherwise
	free        []free
	matrix      []float32 // of the free impulses, and its factors
	old         []memory  // impulses of the last step
	fresh       []uint8   // of each shape: its world coordinates are up to date
}

// memory is what a contact hands on to the next step.
type memory struct {
	slot, feature uint32
	ni, ti        float32
}

// NewWorld returns a world in the scene's initial state.
func (m *Model) NewWorld() *World {
	l := m.layout // carve writes to it, and other goroutines may make worlds too
	w := &World{m: m, views: l.carve(make([]uint32, l.words)), cast: make([]float32, m.fan.room(len(m.rays)))}
	w.Reset()
	return w
}

func (m *Model) newScratch() *scratch {
	s := &scratch{}
	n := m.dofs + 3 + m.rows
	s.now.motion, s.shift.motion, s.unit = make(motion, n), make(motion, n), make(motion, n)
	s.constraints = make([]constraint, m.rows)
	entries, widest := int32(0), int32(0)
	for i := range m.trees {
		t := &m.trees[i]
		entries += t.rows + t.entries
		widest = max(widest, t.rows)
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
	s.jacobians, s.positions = make([][6]float32, len(m.joints)), make([]float32, len(m.joints))
	s.axes = make([]axis, 0, len(m.joints))
	s.grips, s.waiting = make([]grip, 0, m.layout.contacts), make([]grip, 0, m.layout.contacts)
	rows := m.maxRows()
	s.rows = make([]row, 0, rows)
	s.react = make([]float32, 0, 2*int(widest)*rows)
	few := min(maxDense, (rows+3)/4*4)
	s.dense = make([]float32, few*few)
	unknowns := min(maxFree, rows)
	s.free = make([]free, 0, unknowns)
	s.matrix = make([]float32, 2*unknowns*unknowns)
	s.fresh = make([]uint8, len(m.shapes))
	s.old = make([]memory, m.layout.contacts)
	return s
}

// maxRows returns how many rows a step can have at most.
func (m *Model) maxRows() int { return len(m.joints) + 2*m.layout.contacts }

// Bytes returns the memory that one world takes.
func (m *Model) Bytes() int { return 4*(m.layout.words+m.fan.room(len(m.rays))) + sizeof[World]() }

// Model returns the model of w.
func (w *World) Model() *Model { return w.m }

// Reset returns to the scene's initial state, undoing all Set methods too.
func (w *World) Reset() {
	copy(w.mem, w.m.template)
	w.key, w.near, w.own = 0, 0, 0
	w.forgetCast()
}

// CopyFrom makes w equal to o, a world of the same Model.
func (w *World) CopyFrom(o *World) {
	if w.m != o.m {
		panic("physics: CopyFrom a world of another model")
	}
	copy(w.mem, o.mem)
	w.key, w.near, w.own = o.key, o.near, o.own
	copy(w.cast, o.cast)
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
	w.own = 1
	w.forgetCast()
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
