package vulkan

import (
	"fmt"
	"sync"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/shaders"
	"github.com/terrarium-rl/terrarium/shaders/engine"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

const (
	fewest    = 256     // worlds that memory to work in is to hold at least, if there are as many
	stageSize = 1 << 20 // words of memory for worlds on their way
	layers    = 2 * 256 // words of a world for what a policy computes; wider ones may find no room for many worlds
)

// mostAtRun is how many worlds every device can start in one dispatch.
var mostAtRun = uint64(65535 * groupSize) // but for tests never changed

// Room is how many worlds a device has room for.
type Room struct {
	Steps    int // where actions come from the host
	Rollouts int // where whole rollouts are made on the device, but for what is recorded
	Record   int // bytes that are recorded of a world in a step of a rollout, which Keep wants in one buffer
}

// Fits returns how many worlds of c there is room for on a device, if nobody else uses its memory.
func Fits(c env.Config, d vk.Info) (Room, error) {
	spec, err := c.Spec()
	if err != nil {
		return Room{}, err
	}
	_, s, err := layOut(spec, c.New())
	if err != nil {
		return Room{}, err
	}
	return Room{s.most(d, 0), s.most(d, spareStates), 4 * recordWords(spec)}, nil
}

// recordWords returns how many words are recorded of a world in a step: see Keep.
func recordWords(s *env.Spec) int {
	return 2*env.Width(s.Obs) + 2*env.Width(s.Act) + env.Width(s.Facts) + 3
}

// layOut returns the kernels that there are, and how the worlds of an environment lie in their memory.
func layOut(spec *env.Spec, e env.Env) (*engine.Manifest, *scenes, error) {
	m, err := engine.Load()
	if err != nil {
		return nil, nil, err
	}
	layout := m.Layouts[spec.ID]
	if layout == nil || spec.Agents != 1 {
		return nil, nil, fmt.Errorf("env %s: %w: there are kernels for %v", spec.ID, ErrUnsupported, m.Environments())
	}
	s, err := newScenes(layout, spec, e)
	if err != nil {
		return nil, nil, fmt.Errorf("env %s: %w: %w", spec.ID, ErrUnsupported, err)
	}
	return m, s, nil
}

// stride returns how many of the given worlds are to lie side by side on a device, so that there is room for
// all, and for each world's spares. ok is false if there is none.
//
// If memory and the largest buffer allow it, that is all of them. Otherwise worlds are in slices, which take
// turns in memory to work in: what a world needs during a step only, most of it, is there once a slice.
func (c *scenes) stride(d vk.Info, worlds, spares int) (stride int, ok bool) {
	work := 4 * (c.words + spares*c.state)
	if c.keeps(d) {
		work += 4 * c.state
	}
	widest := c.words // words of a world in one buffer
	if spares > 0 {
		widest = max(widest, spares*c.state, layers)
	}
	most := int(min(d.Most()/uint64(4*widest), mostAtRun))
	memory := int(d.Memory / 10 * 9) // others need some, too
	if worlds <= most && worlds <= memory/work {
		return worlds, true
	}
	room := memory - worlds*4*c.state*(1+spares)
	if most < 1 || room/work < min(worlds, fewest) {
		return 0, false
	}
	stride = min(most, room/work)
	slices := (worlds + stride - 1) / stride
	return (worlds + slices - 1) / slices, true
}

// keeps reports whether the states before a step are kept on a device, for steps to be done again: software
// alone ends loops early.
func (c *scenes) keeps(d vk.Info) bool { return c.crowded || d.Kind == vk.Software }

// most returns how many worlds there is room for.
func (c *scenes) most(d vk.Info, spares int) int {
	lo, hi := 0, 1
	for ; hi < 1<<30; hi *= 2 {
		if _, ok := c.stride(d, hi, spares); !ok {
			break
		}
		lo = hi
	}
	for lo+1 < hi {
		mid := (lo + hi) / 2
		if _, ok := c.stride(d, mid, spares); ok {
			lo = mid
		} else {
			hi = mid
		}
	}
	return lo
}

// plan is stride with as many spares as rollouts need or, if there is no room for those, with none.
func (c *scenes) plan(d vk.Info, worlds int) (stride int, err error) {
	for _, spares := range []int{spareStates, 0} {
		if stride, ok := c.stride(d, worlds, spares); ok {
			return stride, nil
		}
	}
	return 0, fmt.Errorf("%w for %d worlds of %d bytes, %d more while they are stepped: %s has %d MiB, with buffers of up to %d MiB: at most %d worlds",
		vk.ErrMemory, worlds, 4*c.state, 4*(c.words-c.state), d.Name, d.Memory>>20, d.Most()>>20, c.most(d, 0))
}

// pages are the memories of slices, of which one at a time is in the memory that kernels work in.
type pages struct {
	work    *vk.Buffer
	stores  []*vk.Buffer   // of each slice; none if there is one only, which is always there
	in, out []*vk.Commands // that bring them
	now     int
	changed bool // what is in work differs from its store
}

// newPages returns pages of n words for a number of slices; the first one is in work.
func newPages(d *vk.Device, work *vk.Buffer, n, slices int) (p *pages, err error) {
	p = &pages{work: work}
	for range slices {
		if slices == 1 {
			return p, nil
		}
		b, err := d.NewBuffer(4*n, vk.DeviceLocal)
		if err != nil {
			return p, err
		}
		p.stores = append(p.stores, b)
		for _, x := range []struct {
			list     *[]*vk.Commands
			src, dst *vk.Buffer
		}{{&p.in, b, work}, {&p.out, work, b}} {
			c, err := d.Record(func(r *vk.Recorder) { r.CopyPart(x.src, 0, x.dst, 0, n) })
			if err != nil {
				return p, err
			}
			*x.list = append(*x.list, c)
		}
	}
	return p, nil
}

// enter brings a slice to work.
func (p *pages) enter(s int) error {
	if s == p.now || p.stores == nil {
		return nil
	}
	if err := p.leave(p.now); err != nil {
		return err
	}
	p.now = s
	return p.in[s].Run()
}

// leave stores what is in work as a slice, if it has changed.
func (p *pages) leave(s int) error {
	if !p.changed || p.stores == nil {
		return nil
	}
	p.changed = false
	return p.out[s].Run()
}

func (p *pages) free() {
	for i := range p.stores {
		p.stores[i].Free()
	}
	for _, c := range append(p.in, p.out...) {
		c.Free()
	}
}

// columns bring worlds, a row of words each, to or from a memory in which word a of world i is at
// a*stride+i: at once if the host sees that memory, else by a kernel and a stage.
type columns struct {
	c      *scenes
	mem    []uint32 // nil if the host does not see it
	stride int
	stage  *vk.Buffer
	run    *vk.Commands
	head   []uint32 // number of worlds; words of each that are written; whether these are all
	list   []uint32 // words 0 of worlds in the memory
	rows   []uint32
	claims sync.Mutex
	n      int  // rows that wait to be written, or hold what was read
	whole  bool // how the rows that wait are written
	first  int  // world of the first that was read
	ahead  int  // worlds that reading brought last

	workers int // goroutines that flush
}

const (
	put  = 0 // modes of shaders/columns.comp
	get  = 1
	rest = 2
)

// newColumns returns columns of a buffer.
func (m *machine) newColumns(buf *vk.Buffer, mode int) (*columns, error) {
	c := m.scenes
	q := &columns{c: c, mem: buf.Words(), stride: m.stride, head: make([]uint32, 3), workers: m.workers}
	slots := min(stageSize/c.state+1, m.stride, 4096)
	if q.mem != nil {
		q.list, q.rows = make([]uint32, slots), make([]uint32, slots*c.state)
		return q, nil
	}
	kind := vk.HostVisible
	if mode == put {
		kind = vk.Upload
	}
	var err error
	if q.stage, err = m.dev.NewBuffer(4*(3+slots+slots*c.state), kind); err != nil {
		return nil, err
	}
	w := q.stage.Words()
	q.head, q.list, q.rows = w[:3], w[3:3+slots], w[3+slots:]
	q.run, err = m.move(buf, q.stage, slots, mode)
	return q, err
}

// move records the kernel that moves worlds.
func (m *machine) move(buf, stage *vk.Buffer, slots, mode int) (*vk.Commands, error) {
	c := m.scenes
	k, err := m.bind("columns", 7, buf, stage, m.table)
	if err != nil {
		return nil, err
	}
	groups := min((slots*c.words+groupSize-1)/groupSize, 1024)
	return m.dev.Record(func(r *vk.Recorder) {
		r.Dispatch(k, groups, uint32(m.stride), uint32(c.state), uint32(c.words), uint32(slots), uint32(mode), uint32(c.rest), uint32(c.nrest))
	})
}

// write makes the host's world the one whose word 0 is at a place of the memory, when flush is called. Whole
// makes that what is behind the state is as at first, too.
func (q *columns) write(at int, whole bool) (row []uint32, err error) {
	if err := q.reserve(1, whole); err != nil {
		return nil, err
	}
	row = q.claim(at)
	return row, q.c.write(row)
}

// room returns how many rows can wait to be written.
func (q *columns) room() int { return len(q.list) }

// reserve makes room for n more rows, at most as many as room says, which claim is to return.
func (q *columns) reserve(n int, whole bool) error {
	if q.n+n > q.room() || q.n > 0 && whole != q.whole {
		if err := q.flush(); err != nil {
			return err
		}
	}
	q.whole = whole
	q.head[1], q.head[2] = uint32(q.c.state), 0
	if whole {
		q.head[1], q.head[2] = uint32(q.c.words), 1
	}
	return nil
}

// claim returns a row that was reserved, for the world whose word 0 is at a place of the memory. Goroutines may
// call it, and fill their rows, at the same time.
func (q *columns) claim(at int) (row []uint32) {
	q.claims.Lock()
	defer q.claims.Unlock()
	row = q.rows[q.n*q.c.state:][:q.c.state]
	q.list[q.n] = uint32(at)
	q.n++
	return row
}

// flush performs what write has put off.
func (q *columns) flush() error {
	n := q.n
	q.n = 0
	if n == 0 {
		return nil
	}
	if q.mem == nil {
		q.head[0] = uint32(n)
		return q.run.Run()
	}
	return parallel(q.workers, n, func(_, lo, hi int) error {
		for i := lo; i < hi; i++ {
			q.put(int(q.list[i]), q.rows[i*q.c.state:][:q.c.state])
		}
		return nil
	})
}

// put writes a row to memory that the host sees.
func (q *columns) put(at int, row []uint32) {
	from := engine.Control
	if q.whole {
		from = 0
	}
	mem := q.mem[at:]
	for a, w := range row[from:] {
		mem[(from+a)*q.stride] = w
	}
	mem[wordScene*q.stride] = row[wordScene]
	if q.whole {
		for j, w := range q.c.at(row[wordScene]).local[q.c.state:] {
			mem[(q.c.state+j)*q.stride] = w
		}
	}
}

// read returns a world of the slice. Those that follow it are brought too, in ever greater numbers while
// they are asked for.
func (q *columns) read(i int) (row []uint32, err error) {
	state := q.c.state
	if q.mem != nil {
		row = q.rows[:state]
		for a := range row {
			row[a] = q.mem[a*q.stride+i]
		}
		return row, nil
	}
	if i < q.first || i >= q.first+q.n {
		if i == q.first+q.ahead {
			q.ahead = min(2*max(q.ahead, 1), len(q.list))
		} else {
			q.ahead = 1
		}
		q.first, q.n = i, min(q.ahead, q.stride-i)
		for j := range q.n {
			q.list[j] = uint32(i + j)
		}
		q.head[0] = uint32(q.n)
		if err := q.run.Run(); err != nil {
			q.n = 0
			return nil, err
		}
	}
	return q.rows[(i-q.first)*state:][:state], nil
}

// forget makes read look again.
func (q *columns) forget() { q.n = 0 }

// free releases the memory of the columns.
func (q *columns) free() {
	if q != nil && q.stage != nil {
		q.stage.Free()
		q.run.Free()
	}
}

// bind gives buffers to a kernel of package shaders.
func (m *machine) bind(name string, push int, buffers ...*vk.Buffer) (*vk.Binding, error) {
	if m.extra[name] == nil {
		code, err := shaders.Load(name)
		if err != nil {
			return nil, err
		}
		if m.extra[name], err = m.dev.NewKernel(code, vk.KernelOptions{Buffers: len(buffers), Push: push}); err != nil {
			return nil, fmt.Errorf("kernel %s: %w", name, err)
		}
	}
	return m.extra[name].Bind(buffers...)
}
