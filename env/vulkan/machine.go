package vulkan

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

// A machine is a device with the memory of some worlds and the kernels that step them.
type machine struct {
	dev        *vk.Device
	mem, table *vk.Buffer
	before     *vk.Buffer // the states of worlds before the last step
	scenes     *scenes
	step       *vk.Commands
	rest       *vk.Commands // step, for worlds that are not done with it
	rests      int          // how often that was submitted
	n          int          // worlds
	kernels    uint32       // that a world needs in a step

	rowObs, rowAct, rowNext, rowFacts, rowEnd int

	simulate func(r *vk.Recorder)  // records the kernels of a step
	extra    map[string]*vk.Kernel // of rollouts
}

// groupSize is the number of worlds of a work group.
const groupSize = 64

// rounds is how often a submission runs those kernels that a world may need several times. More are
// seldom needed.
var rounds = 2 // but for tests never changed

// mostRests is how many submissions a step may take. Each solves for at least one contact more.
const mostRests = 200

func newMachine(manifest *engine.Manifest, c *scenes, id string, worlds, substeps int, device string) (m *machine, err error) {
	k := c.links[0]
	m = &machine{n: worlds, scenes: c, extra: map[string]*vk.Kernel{}, rowObs: k.row("Obs"), rowAct: k.row("Act"), rowNext: k.row("Next"), rowFacts: k.row("Facts"), rowEnd: k.row("End")}
	dev, err := vk.Open(vk.Options{Device: device})
	if err != nil {
		return nil, err
	}
	m.dev = dev
	defer func() {
		if err != nil {
			dev.Close()
		}
	}()
	if need, most := uint64(c.words)*4*uint64(worlds), m.dev.Info().Range; need > most {
		return nil, fmt.Errorf("%d worlds need %d MiB in one buffer, of which %s allows %d MiB: at most %d worlds",
			worlds, need>>20, m.dev.Info().Name, most>>20, most/uint64(4*c.words))
	}
	if m.mem, err = m.dev.NewBuffer(4*c.words*worlds, vk.HostVisible); err != nil {
		return nil, err
	}
	if m.table, err = m.dev.NewBuffer(4*len(c.table), vk.HostVisible); err != nil {
		return nil, err
	}
	if m.before, err = m.dev.NewBuffer(4*c.state*worlds, vk.HostVisible); err != nil {
		return nil, err
	}
	copy(m.table.Words(), c.table)
	m.fill(m.mem.Words(), c.words)
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
			return nil, err
		}
		kernel, err := m.dev.NewKernel(code, vk.KernelOptions{Buffers: 2, Push: 3, Constants: several(c)})
		if err != nil {
			return nil, fmt.Errorf("kernel %s: %w", name, err)
		}
		if bound[name], err = kernel.Bind(m.mem, m.table); err != nil {
			return nil, err
		}
	}
	m.simulate = func(r *vk.Recorder) {
		turn := 0
		run := func(names []string, substep int) {
			for _, name := range names {
				r.Dispatch(bound[name], m.groups(), uint32(worlds), uint32(turn), uint32(substep))
				r.Barrier()
				turn++
			}
		}
		for s := range substeps {
			for i, part := range parts {
				again := 1
				if i == 1 {
					again = rounds
				}
				for from := turn; again > 0; again-- {
					turn = from
					run(part, s)
				}
			}
		}
		run(names[substep:], substeps)
	}
	m.step, err = m.dev.Record(func(r *vk.Recorder) {
		r.Copy(m.mem, m.before, 4*c.state*worlds)
		m.simulate(r)
	})
	if err == nil {
		m.rest, err = m.dev.Record(m.simulate)
	}
	return m, err
}

// several returns the constants of kernels that step worlds.
func several(c *scenes) []uint32 {
	if c.host == nil {
		return []uint32{0}
	}
	return []uint32{1}
}

// fill sets the first words of the memories of all worlds to what they are at first.
func (m *machine) fill(mem []uint32, words int) {
	for a, w := range m.scenes.links[0].local[:words] {
		row := mem[a*m.n : (a+1)*m.n]
		for i := range row {
			row[i] = w
		}
	}
}

// groups returns the number of work groups of a kernel.
func (m *machine) groups() int { return (m.n + groupSize - 1) / groupSize }

// Close releases the device.
func (m *machine) Close() error {
	if m.dev != nil {
		m.dev.Close()
	}
	m.dev = nil
	return nil
}

// run steps all worlds.
func (m *machine) run() error {
	turns := m.mem.Words()[wordTurn*m.n : (wordTurn+1)*m.n]
	clear(turns)
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

func (m *machine) word(at, i int) uint32 { return m.mem.Words()[at*m.n+i] }

// check reports what kernels noticed in world i, and whether its step is to be done again.
func (m *machine) check(i int) (again bool, err error) {
	switch f := m.word(wordFault, i); {
	case f&engine.Panic != 0:
		return false, errors.New("a kernel came to where the Go code panics")
	case f&(engine.Loop|engine.Many) != 0:
		return true, nil
	}
	if at := m.word(wordTurn, i); at != m.kernels {
		return false, fmt.Errorf("%d of %d kernels ran to their end on %s", at, m.kernels, m.dev.Info().Name)
	}
	return false, nil
}

// restore makes the memory of world i what it was at first.
func (m *machine) restore(i int) {
	mem := m.mem.Words()
	for a, w := range m.scenes.of(m.word(wordScene, i)).local {
		mem[a*m.n+i] = w
	}
}

// scatter writes rows of width numbers to where they are in the memory of worlds.
func (m *machine) scatter(rows []float32, at, width int) {
	mem := m.mem.Words()
	for j := range width {
		col := mem[(at+j)*m.n : (at+j+1)*m.n]
		for i := range col {
			col[i] = math.Float32bits(rows[i*width+j])
		}
	}
}

// gather is the inverse of scatter.
func (m *machine) gather(rows []float32, at, width int) {
	mem := m.mem.Floats()
	for j := range width {
		for i, x := range mem[(at+j)*m.n : (at+j+1)*m.n] {
			rows[i*width+j] = x
		}
	}
}
