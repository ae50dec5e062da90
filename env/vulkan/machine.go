package vulkan

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

// A machine is a device with the memory of some worlds and the kernels that step them. Worlds are stepped
// in slices, of which one at a time is in the memory that kernels work in.
type machine struct {
	dev        *vk.Device
	mem, table *vk.Buffer
	before     *vk.Buffer // the states of worlds before the last step; nil if no step is done again
	scenes     *scenes
	pages      *pages
	workers    int      // goroutines that do the host's part
	all        int      // worlds
	scene      []uint32 // where the table of each one's scene begins
	stride     int      // worlds of a slice
	states     *columns // to worlds of the slice
	looks      *columns // at them
	past       *columns // at them before the last step; nil if before is
	rooms      *vk.Commands
	broken     bool // a step has failed: what is behind states may be anything

	act, turns, faults, next, facts, ends *vk.Window

	step    *vk.Commands
	rest    *vk.Commands // step, for worlds that are not done with it
	rests   int          // how often that was submitted
	kernels uint32       // that a world needs in a step

	rowObs, rowAct, rowNext, rowFacts, rowEnd int

	program []dispatch            // the kernels of a step
	extra   map[string]*vk.Kernel // that are not an environment's
}

// A dispatch is one of the kernels of a step.
type dispatch struct {
	name          string
	kernel        *vk.Binding
	turn, substep uint32
}

// groupSize is the number of worlds of a work group.
const groupSize = 64

// rounds is how often a submission runs those kernels that a world may need several times. More are
// seldom needed.
var rounds = 2 // but for tests never changed

// mostRests is how many submissions a step may take. Each solves for at least one contact more.
const mostRests = 200

// widths are those of the rows of a batch.
type widths struct{ obs, act, facts int }

func newMachine(manifest *engine.Manifest, c *scenes, id string, o env.VecOptions, substeps int, w widths, device string) (m *machine, err error) {
	k := c.links[0]
	m = &machine{workers: o.Workers, all: o.Worlds, scene: make([]uint32, o.Worlds), scenes: c, extra: map[string]*vk.Kernel{}, rowObs: k.row("Obs"), rowAct: k.row("Act"), rowNext: k.row("Next"), rowFacts: k.row("Facts"), rowEnd: k.row("End")}
	if m.dev, err = vk.Open(vk.Options{Device: device}); err != nil {
		return nil, err
	}
	err = m.allocate(w)
	if err == nil {
		err = m.load(manifest, id, substeps)
	}
	if err == nil {
		err = m.record()
	}
	if err == nil {
		err = m.wipe()
	}
	if err != nil {
		m.dev.Close()
		return nil, err
	}
	return m, nil
}

// allocate makes the memory of worlds.
func (m *machine) allocate(w widths) (err error) {
	c := m.scenes
	if m.stride, err = c.plan(m.dev.Info(), m.all); err != nil {
		return err
	}
	n := m.stride
	if m.mem, err = m.dev.NewBuffer(4*c.words*n, vk.DeviceLocal); err != nil {
		return err
	}
	if m.table, err = m.dev.NewBuffer(4*len(c.table), vk.DeviceLocal); err != nil {
		return err
	}
	if err = m.table.Upload(floats(c.table)); err != nil {
		return err
	}
	if m.pages, err = newPages(m.dev, m.mem, c.state*n, m.slices()); err != nil {
		return err
	}
	if m.states, err = m.newColumns(m.mem, put); err != nil {
		return err
	}
	if m.looks, err = m.newColumns(m.mem, get); err != nil {
		return err
	}
	if c.keeps(m.dev.Info()) {
		if m.before, err = m.dev.NewBuffer(4*c.state*n, vk.DeviceLocal); err != nil {
			return err
		}
		if m.past, err = m.newColumns(m.before, get); err != nil {
			return err
		}
	}
	for _, x := range []struct {
		window   **vk.Window
		at, rows int
		kind     vk.Memory
	}{
		{&m.act, m.rowAct, w.act, vk.Upload}, {&m.turns, wordTurn, 1, vk.HostVisible}, {&m.faults, wordFault, 1, vk.HostVisible},
		{&m.next, m.rowNext, w.obs, vk.HostVisible}, {&m.facts, m.rowFacts, w.facts, vk.HostVisible}, {&m.ends, m.rowEnd, 1, vk.HostVisible},
	} {
		if *x.window, err = m.dev.NewWindow(m.mem, x.at*n, max(x.rows, 1)*n, x.kind); err != nil {
			return err
		}
	}
	return nil
}

// load compiles the kernels of a step.
func (m *machine) load(manifest *engine.Manifest, id string, substeps int) error {
	names, parts := manifest.Of(id)
	substep := len(parts[0]) + len(parts[1]) + len(parts[2])
	m.kernels = uint32(substeps*substep + len(names) - substep)
	bound := map[string]*vk.Binding{}
	for _, name := range names {
		if bound[name] != nil {
			continue
		}
		code, err := engine.Kernel(name)
		if err != nil {
			return err
		}
		kernel, err := m.dev.NewKernel(code, vk.KernelOptions{Buffers: 2, Push: 3, Constants: several(m.scenes)})
		if err != nil {
			return fmt.Errorf("kernel %s: %w", name, err)
		}
		if bound[name], err = kernel.Bind(m.mem, m.table); err != nil {
			return err
		}
	}
	run := func(names []string, turn, substep int) {
		for i, name := range names {
			m.program = append(m.program, dispatch{name, bound[name], uint32(turn + i), uint32(substep)})
		}
	}
	turn := 0
	for s := range substeps {
		for i, part := range parts {
			run(part, turn, s)
			for range rounds - 1 {
				if i == 1 {
					run(part, turn, s)
				}
			}
			turn += len(part)
		}
	}
	run(names[substep:], turn, substeps)
	return nil
}

// simulate records the kernels of a step.
func (m *machine) simulate(r *vk.Recorder) {
	for _, d := range m.program {
		m.dispatch(r, d)
	}
}

func (m *machine) dispatch(r *vk.Recorder, d dispatch) {
	r.Dispatch(d.kernel, m.groups(), uint32(m.stride), d.turn, d.substep)
	r.Barrier()
}

// record records a step.
func (m *machine) record() (err error) {
	m.step, err = m.dev.Record(func(r *vk.Recorder) {
		r.Load(m.act, m.turns)
		if m.before != nil {
			r.Copy(m.mem, m.before, m.before.Len())
		}
		m.simulate(r)
		r.Save(m.turns, m.faults, m.next, m.facts, m.ends)
	})
	if err != nil {
		return err
	}
	m.rest, err = m.dev.Record(func(r *vk.Recorder) {
		m.simulate(r)
		r.Save(m.turns, m.faults, m.next, m.facts, m.ends)
	})
	if err == nil && m.scenes.host != nil {
		m.rooms, err = m.move(m.mem, m.table, 1, rest)
	}
	return err
}

// several returns the constants of kernels that step worlds.
func several(c *scenes) []uint32 {
	if c.host == nil {
		return []uint32{0}
	}
	return []uint32{1}
}

// slices returns how many slices there are.
func (m *machine) slices() int { return (m.all + m.stride - 1) / m.stride }

// span returns the worlds of a slice.
func (m *machine) span(s int) (first, n int) {
	first = s * m.stride
	return first, min(m.stride, m.all-first)
}

// enter makes a slice the one that kernels work on.
func (m *machine) enter(s int) error {
	if s == m.pages.now {
		return nil
	}
	if err := m.flush(); err != nil {
		return err
	}
	m.looks.forget()
	if err := m.pages.enter(s); err != nil || m.rooms == nil {
		return err
	}
	return m.rooms.Run() // the slice before had others where this one's worlds are
}

// flush performs what was put off.
func (m *machine) flush() error {
	if m.states.n == 0 {
		return nil
	}
	m.pages.changed = true
	m.looks.forget()
	return m.states.flush()
}

// touch does what was put off and notes that kernels, or windows, are about to change the worlds of the slice.
func (m *machine) touch() error {
	if err := m.flush(); err != nil {
		return err
	}
	m.pages.changed = true
	m.looks.forget()
	if m.past != nil {
		m.past.forget()
	}
	return nil
}

// wipe makes the memory of all worlds what it is at first, but for states, which are written later.
func (m *machine) wipe() error {
	c, n := m.scenes, m.stride
	k := c.links[0]
	wipe, err := m.dev.Record(func(r *vk.Recorder) {
		r.Fill(m.mem, 0, c.words*n, 0)
		r.Fill(m.mem, wordTurn*n, n, engine.Idle)
		for a, w := range k.local[c.state:] {
			if w != 0 {
				r.Fill(m.mem, (c.state+a)*n, n, w)
			}
		}
	})
	if err != nil {
		return err
	}
	defer wipe.Free()
	m.states.n = 0
	m.looks.forget()
	if err := wipe.Run(); err != nil {
		return err
	}
	for s := range m.pages.stores {
		m.pages.changed = true
		if err := m.pages.leave(s); err != nil {
			return err
		}
	}
	m.broken = false
	return nil
}

// send makes the host's world number i.
func (m *machine) send(i int) error {
	if err := m.enter(i / m.stride); err != nil {
		return err
	}
	row, err := m.states.write(i%m.stride, m.wholly())
	if err == nil {
		m.scene[i] = row[wordScene]
	}
	return err
}

// wholly reports whether worlds that are sent need what is behind their states, too.
func (m *machine) wholly() bool { return m.broken || m.scenes.host != nil }

// reserve makes room for n worlds to be sent to the slice.
func (m *machine) reserve(n int) error {
	if n > 0 && m.states.n+n > m.states.room() || m.states.n > 0 && m.states.whole != m.wholly() {
		if err := m.flush(); err != nil {
			return err
		}
	}
	return m.states.reserve(n, m.wholly())
}

// fetch makes world i the host's.
func (m *machine) fetch(i int) error {
	if err := m.enter(i / m.stride); err != nil {
		return err
	}
	if err := m.flush(); err != nil {
		return err
	}
	row, err := m.looks.read(i % m.stride)
	if err == nil {
		m.scenes.read(row)
	}
	return err
}

// groups returns the number of work groups of a kernel.
func (m *machine) groups() int { return (m.stride + groupSize - 1) / groupSize }

// Close releases the device.
func (m *machine) Close() error {
	if m.dev != nil {
		m.dev.Close()
	}
	m.dev = nil
	return nil
}

// run steps the first n worlds of the slice, after touch.
func (m *machine) run(n int) error {
	turns := m.turns.Words()
	clear(turns[:n])
	for i := n; i < m.stride; i++ {
		turns[i] = engine.Idle
	}
	err := m.step.Run()
	for n := 0; err == nil && m.amid(turns) && n < mostRests; n++ {
		err = m.rest.Run()
		m.rests++
	}
	return err
}

// amid reports whether any world is amid its step.
func (m *machine) amid(turns []uint32) bool {
	return slices.ContainsFunc(turns, func(t uint32) bool { return t != m.kernels && t != engine.Idle })
}

// check reports what kernels noticed in world i of the slice, and whether its step is to be done again.
func (m *machine) check(i int) (again bool, err error) {
	if again, err := m.fault(m.faults.Words()[i]); again || err != nil {
		return again, err
	}
	if at := m.turns.Words()[i]; at != m.kernels {
		return false, fmt.Errorf("%d of %d kernels ran to their end on %s", at, m.kernels, m.dev.Info().Name)
	}
	return false, nil
}

// fault reports whether a step that kernels noticed something in is to be done again.
func (m *machine) fault(f uint32) (again bool, err error) {
	switch {
	case f&engine.Panic != 0:
		return false, errors.New("a kernel came to where the Go code panics")
	case f&(engine.Loop|engine.Many) == 0:
		return false, nil
	case m.before == nil:
		return false, fmt.Errorf("%s ended a loop of a kernel before its time", m.dev.Info().Name)
	}
	return true, nil
}

// scatter writes rows of width numbers to a window on words of the worlds of a slice.
func (m *machine) scatter(rows []float32, w *vk.Window, width int) {
	mem := w.Floats()
	for j := range width {
		col := mem[j*m.stride:][:len(rows)/width]
		for i := range col {
			col[i] = rows[i*width+j]
		}
	}
}

// gather is the inverse of scatter.
func (m *machine) gather(rows []float32, w *vk.Window, width int) {
	mem := w.Floats()
	for j := range width {
		for i, x := range mem[j*m.stride:][:len(rows)/width] {
			rows[i*width+j] = x
		}
	}
}

// floats returns words as the numbers of the same bits.
func floats(w []uint32) []float32 {
	x := make([]float32, len(w))
	for i, b := range w {
		x[i] = math.Float32frombits(b)
	}
	return x
}
