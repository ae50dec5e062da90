package explore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders"
	"github.com/terrarium-rl/terrarium/shaders/vk"
	"github.com/terrarium-rl/terrarium/shaders/vk/vktest"
)

// A kit makes kernels and compares what they yield with the host.
type kit struct {
	t     testing.TB
	dev   *vk.Device
	exact bool // the device is a software one
}

func newKit(t testing.TB) *kit {
	dev := vktest.Open(t)
	return &kit{t, dev, dev.Info().Kind == vk.Software}
}

func (k *kit) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// buffer returns memory of so many words, all 0.
func (k *kit) buffer(words int) *vk.Buffer {
	k.t.Helper()
	b, err := k.dev.NewBuffer(4*words, vk.HostVisible)
	k.must(err)
	clear(b.Words())
	return b
}

func (k *kit) bind(name string, push int, buffers ...*vk.Buffer) *vk.Binding {
	k.t.Helper()
	code, err := shaders.Load(name)
	k.must(err)
	kernel, err := k.dev.NewKernel(code, vk.KernelOptions{Buffers: len(buffers), Push: push})
	k.must(err)
	bound, err := kernel.Bind(buffers...)
	k.must(err)
	return bound
}

// A call runs a kernel on rows, 64 a group.
type call struct {
	kernel *vk.Binding
	rows   int
	push   []uint32
}

// record records calls that follow each other.
func (k *kit) record(calls ...call) *vk.Commands {
	k.t.Helper()
	c, err := k.dev.Record(func(r *vk.Recorder) {
		for _, x := range calls {
			r.Dispatch(x.kernel, (x.rows+63)/64, x.push...)
			r.Barrier()
		}
	})
	k.must(err)
	return c
}

func (k *kit) run(c *vk.Commands) {
	k.t.Helper()
	k.must(c.Run())
}

// same fails the test unless got begins with want: bit by bit on a software device if within is 0, else
// to within, at least 1e-4 on a GPU, in proportion to 1 and the number.
func (k *kit) same(what string, got, want []float32, within float64) {
	k.t.Helper()
	if !k.exact {
		within = max(within, 1e-4)
	}
	for i, x := range want {
		if within == 0 && math.Float32bits(got[i]) != math.Float32bits(x) && got[i] != x ||
			!(math.Abs(float64(got[i]-x)) <= within*(1+math.Abs(float64(x)))) {
			k.t.Fatalf("%s[%d] is %v on the device, %v on the host", what, i, got[i], x)
		}
	}
}

// deviceE3B is the twin of e3b's ellipses in compute kernels.
type deviceE3B struct {
	phi, inv, cov, w, kept, steps, u, form, bonus, ended *vk.Buffer
	score, add                                           *vk.Commands
}

func newDeviceE3B(k *kit, worlds, d int, ridge float32) *deviceE3B {
	x := &deviceE3B{}
	for _, b := range []struct {
		to   **vk.Buffer
		each int
	}{
		{&x.phi, d}, {&x.inv, packed(d)}, {&x.cov, packed(d)}, {&x.w, lazy * d}, {&x.kept, lazy * d},
		{&x.steps, 1}, {&x.u, d}, {&x.form, 1}, {&x.bonus, 1}, {&x.ended, 1},
	} {
		*b.to = k.buffer(worlds * b.each)
	}
	score := k.bind("e3b_score", 3, x.phi, x.inv, x.w, x.steps, x.u, x.form, x.bonus)
	add := k.bind("e3b_add", 4, x.phi, x.u, x.form, x.ended, x.inv, x.cov, x.w, x.kept, x.steps)
	n, size := uint32(worlds), uint32(packed(d))
	x.score = k.record(call{score, worlds, []uint32{n, uint32(d), size}})
	x.add = k.record(call{add, worlds, []uint32{n, uint32(d), size, math.Float32bits(ridge)}})
	return x
}

// The kernels of e3b are the host's ellipses: bit by bit on a software device, to 1e-4 on a GPU.
func TestDeviceE3B(t *testing.T) {
	const worlds, d, ridge = 70, 16, 0.1
	k := newKit(t)
	x := newDeviceE3B(k, worlds, d, ridge)
	rows, inv := make([]ellipse, worlds), newInverter(d)
	for i := range rows {
		rows[i] = newEllipse(d, ridge)
		rows[i].gather(0) // nothing but the ridge
		copy(x.inv.Floats()[i*packed(d):], rows[i].inv)
		copy(x.cov.Floats()[i*packed(d):], rows[i].cov)
	}
	r := rng.New(5).Stream(0, 0, 0)
	phi := make([]float32, worlds*d)
	same := func(step, world int, what string, got, want []float32) {
		t.Helper()
		k.same(fmt.Sprintf("step %d, world %d: %s", step, world, what), got, want, 0)
	}
	resets := 0
	for step := range 40 {
		for i := range phi {
			phi[i] = r.Norm()
		}
		copy(x.phi.Floats(), phi)
		for i := range worlds {
			x.ended.Words()[i] = 0
			if r.IntN(30) == 0 {
				x.ended.Words()[i] = 1
				resets++
			}
		}
		for _, c := range []*vk.Commands{x.score, x.add} {
			if c == x.add { // compare before the update
				for i := range worlds {
					f := phi[i*d : (i+1)*d]
					b := rows[i].quad(f)
					bonus := geom.Max(b, 0)
					if rows[i].steps == 0 {
						bonus = 0
					}
					u := rows[i].apart(rows[i].steps)
					same(step, i, "u", x.u.Floats()[i*d:], u)
					same(step, i, "bonus", x.bonus.Floats()[i:], []float32{bonus})
					if x.ended.Words()[i] != 0 {
						rows[i].reset()
					} else if _, err := rows[i].add(b, inv); err != nil {
						t.Fatal(err)
					}
				}
			}
			k.run(c)
		}
		for i := range rows {
			n := packed(d)
			rows[i].settle()
			rows[i].gather(rows[i].steps / lazy * lazy)
			same(step, i, "inverse", x.inv.Floats()[i*n:], rows[i].inv)
			same(step, i, "covariance", x.cov.Floats()[i*n:], rows[i].cov)
			same(step, i, "w", x.w.Floats()[i*lazy*d:], rows[i].w)
			if x.steps.Words()[i] != rows[i].steps {
				t.Fatalf("step %d, world %d: %d steps on the device, %d on the host", step, i, x.steps.Words()[i], rows[i].steps)
			}
		}
	}
	if resets < 30 {
		t.Errorf("only %d episodes ended", resets)
	}
}

// wide returns a spec whose observations have 11 columns.
func wide(s *env.Spec) *env.Spec {
	c := *s
	c.Obs = append(slices.Clone(c.Obs), env.Field{Name: "more", Len: 11 - env.Width(c.Obs), Lo: -9, Hi: 9})
	return &c
}

// The kernels of counts are the host's tables: global and episodic, first visits, and tables that are
// full.
func TestDeviceCounts(t *testing.T) {
	const worlds, slots = 130, 64
	_, s := setup(t, false)
	s.Rows = worlds
	for _, c := range []struct {
		name            string
		episodic, first bool
		spread          float32
		bits            int // of simhash, 0 for a grid
	}{
		{"global", false, false, 1, 0}, {"global, full", false, false, 9, 0}, {"episodic", true, false, 1, 0},
		{"first visits", true, true, 2, 0}, {"episodic, full", true, false, 40, 0},
		{"simhash", false, false, 1, 5}, {"simhash, full", false, false, 9, 64}, {"simhash of 33 bits", false, false, 9, 33}, {"episodic simhash", true, true, 2, 4},
	} {
		k, s := newKit(t), s
		if c.bits > 0 {
			s.Spec = wide(s.Spec)
		}
		config := &Count{Cell: 0.5, MaxKeys: slots, Hash: "grid", Bits: 1, Episodic: c.episodic, FirstVisit: c.first}
		if c.bits > 0 {
			config.Hash, config.Bits = "simhash", c.bits
		}
		host, err := config.Build(s)
		k.must(err)
		width, tables := env.Width(s.Spec.Obs), 1
		if c.episodic {
			tables = worlds
		}
		state, table, keys, bonus := k.buffer(worlds*width), k.buffer(tables*(2+4*slots)), k.buffer(2*worlds), k.buffer(worlds)
		ended, unknown, planes := k.buffer(worlds), k.buffer(worlds), k.buffer(max(c.bits, 1)*width)
		copy(planes.Floats(), host.(*count).planes)
		flag := func(b bool) uint32 {
			if b {
				return 1
			}
			return 0
		}
		score := k.record(call{
			k.bind("count_score", 7, state, table, keys, bonus, planes), worlds,
			[]uint32{worlds, uint32(width), slots, flag(c.episodic), flag(c.first), math.Float32bits(0.5), uint32(c.bits)},
		})
		calls := []call{{k.bind("count_add", 3, keys, ended, table, unknown), worlds, []uint32{worlds, slots, flag(c.episodic)}}}
		if !c.episodic {
			calls = append(calls, call{k.bind("count_new", 2, keys, unknown, table), 1, []uint32{worlds, slots}})
		}
		add := k.record(calls...)
		b, want, r := env.NewBatch(s.Spec, worlds), make([]float32, worlds), rng.New(5).Stream(0, 0, 0)
		for step := range 60 {
			for i := range b.Next {
				b.Next[i] = c.spread * (r.Float32() - 0.5)
			}
			copy(state.Floats(), b.Next)
			for i := range b.End {
				b.End[i] = env.Running
				if r.IntN(70) == 0 {
					b.End[i] = env.Terminated
				}
				ended.Words()[i] = uint32(b.End[i])
			}
			host.Score(want, b)
			k.run(score)
			k.same(fmt.Sprintf("%s: step %d: bonus", c.name, step), bonus.Floats(), want, 0)
			k.must(host.Update(b, nil))
			k.run(add)
		}
		lost := uint64(0)
		for i := range tables {
			lost += uint64(table.Words()[i*(2+4*slots)])
		}
		told := uint64(0)
		host.(Degrader).Degraded(func(what string, n uint64) {
			if strings.HasPrefix(what, "visits") {
				told += n
			}
		})
		if full := c.spread > 5; lost != told || full != (told > 0) {
			t.Errorf("%s: %d shared visits on the device, %d on the host", c.name, lost, told)
		}
	}
}

// deviceNet is a network in the kernel embed.
type deviceNet struct{ in, params, table, moments, scratch, out *vk.Buffer }

// newDeviceNet returns a network of the given widths and the call that puts rows through it.
func newDeviceNet(k *kit, in *vk.Buffer, rows int, widths []int, activation uint32, limit float32) (*deviceNet, call) {
	return newDeviceNetTo(k, in, k.buffer(rows*widths[len(widths)-1]), 0, rows, widths, activation, limit)
}

// newDeviceNetTo returns one whose outputs begin at a place in out.
func newDeviceNetTo(k *kit, in, out *vk.Buffer, place, rows int, widths []int, activation uint32, limit float32) (*deviceNet, call) {
	n := &deviceNet{in: in, table: k.buffer(3 * (len(widths) - 1)), moments: k.buffer(2 * widths[0]), out: out}
	at, widest := 0, 0
	for l := range len(widths) - 1 {
		copy(n.table.Words()[3*l:], []uint32{uint32(widths[l]), uint32(widths[l+1]), uint32(at)})
		at += widths[l]*widths[l+1] + widths[l+1]
		widest = max(widest, widths[l], widths[l+1])
	}
	n.params, n.scratch = k.buffer(at), k.buffer(2*rows*widest)
	return n, call{
		k.bind("embed", 6, n.in, n.params, n.table, n.moments, n.scratch, n.out), rows,
		[]uint32{uint32(rows), uint32(len(widths) - 1), uint32(widest), activation, math.Float32bits(limit), uint32(place)},
	}
}

// deviceRND is the twin of the novelty that rnd and noveld are made of.
type deviceRND struct {
	in, bonus *vk.Buffer
	nets      [2]*deviceNet // predictor and target
	calls     []call
}

func newDeviceRND(k *kit, rows, width int, c *Distill) *deviceRND {
	x := &deviceRND{in: k.buffer(rows * width), bonus: k.buffer(rows)}
	var predict, aim call
	x.nets[0], predict = newDeviceNet(k, x.in, rows, []int{width, c.Hidden, c.Hidden, c.Dim}, 1, 5)
	x.nets[1], aim = newDeviceNet(k, x.in, rows, []int{width, c.Hidden, c.Dim}, 1, 5)
	score := call{k.bind("rnd_score", 2, x.nets[0].out, x.nets[1].out, x.bonus), rows, []uint32{uint32(rows), uint32(c.Dim)}}
	x.calls = []call{predict, aim, score}
	return x
}

// load takes over what the host has learned, and the states to score.
func (x *deviceRND) load(host *distill, states []float32) {
	copy(x.in.Floats(), states)
	for k, p := range [][]float32{host.p, host.tp} {
		copy(x.nets[k].params.Floats(), p)
		copy(x.nets[k].moments.Floats(), host.shift)
		copy(x.nets[k].moments.Floats()[len(host.shift):], host.scale)
	}
}

// The kernels of rnd are the host's networks, while the host trains the predictor and moves the moments
// that states are normalised by. Sums are in another order than those of the host's SIMD.
func TestDeviceRND(t *testing.T) {
	const worlds = 70
	_, s := setup(t, false)
	s.Rows = worlds
	k, c := newKit(t), NewDistill()
	c.Hidden, c.Dim, c.LR = 12, 9, 1e-3
	x, err := (&RND{Distill: c}).Build(s)
	k.must(err)
	host, device := x.(*distill), newDeviceRND(k, worlds, env.Width(s.Spec.Obs), &c)
	score := k.record(device.calls...)
	b, want, r := env.NewBatch(s.Spec, worlds), make([]float32, worlds), rng.New(5).Stream(0, 0, 0)
	first := float32(0)
	for step := range 200 {
		for i := range b.Next {
			b.Next[i] = 3 + 2*r.Norm()
		}
		device.load(host, b.Next)
		host.Score(want, b)
		k.run(score)
		k.same(fmt.Sprintf("step %d: bonus", step), device.bonus.Floats(), want, 1e-5)
		k.must(host.Update(b, nil))
		if step == 0 {
			first = want[0]
		}
	}
	if !(want[0] < first/1.5) {
		t.Errorf("the bonus goes from %v to %v: the predictor does not learn, so that little was tested", first, want[0])
	}
}

// The kernels of re3, apt and ngu are the host's memories, also when they are full, and embed is their
// random features.
func TestDeviceNear(t *testing.T) {
	const worlds, size, neighbours = 70, 150, 4
	_, s := setup(t, false)
	s.Rows = worlds
	for kind, name := range nearNames {
		k := newKit(t)
		memory, d := size, env.Width(s.Spec.Obs)
		if nearKind(kind) == ngu {
			memory = 6
		}
		x := parse(t, fmt.Sprintf("%s(embed=none, k=%d, memory=%d)", name, neighbours, memory), s).(*leaf).Bonus.(*near)
		memories := len(x.rings)
		phi, states, known, later := k.buffer(worlds*d), k.buffer(memories*memory*d), k.buffer(2*memories), k.buffer(2*memories)
		best, kth, bonus, ended := k.buffer(worlds*neighbours), k.buffer(worlds), k.buffer(worlds), k.buffer(worlds)
		scorer := k.bind("near_score", 6, phi, states, known, best, kth, bonus)
		add := k.record(call{k.bind("near_add", 4, phi, ended, states, known, later), worlds, []uint32{worlds, uint32(d), uint32(memory), uint32(kind)}})
		b, want, r := env.NewBatch(s.Spec, worlds), make([]float32, worlds), rng.New(5).Stream(0, 0, 0)
		for step := range 20 {
			for i := range b.Next {
				b.Next[i] = r.Norm()
			}
			copy(phi.Floats(), b.Next)
			for i := range b.End {
				b.End[i] = env.Running
				if r.IntN(12) == 0 {
					b.End[i] = env.Truncated
				}
				ended.Words()[i] = uint32(b.End[i])
			}
			mean := float32(1) // of the squared distance of the k-th, which the host keeps
			if x.dm.mean > 0 {
				mean = float32(x.dm.mean)
			}
			x.Score(want, b)
			score := k.record(call{scorer, worlds, []uint32{worlds, uint32(d), uint32(memory), neighbours, uint32(kind), math.Float32bits(mean)}})
			k.run(score)
			score.Free()
			k.same(fmt.Sprintf("%s: step %d: bonus", name, step), bonus.Floats(), want, 0)
			k.same(fmt.Sprintf("%s: step %d: distance", name, step), kth.Floats(), x.kth[:worlds], 0)
			k.must(x.Update(b, nil))
			k.run(add)
			copy(known.Words(), later.Words())
		}
		if want[0] == 0 && want[1] == 0 && want[2] == 0 {
			t.Errorf("%s pays nothing: little was tested", name)
		}
	}
}

// The kernel embed is the network of random features.
func TestDeviceFeatures(t *testing.T) {
	const worlds, hidden, dim = 70, 12, 9
	_, s := setup(t, false)
	s.Rows = worlds
	k, width := newKit(t), env.Width(s.Spec.Obs)
	c := NewFeatures("random")
	c.Hidden, c.Dim = hidden, dim
	f, err := newFeatures("re3", &c, s)
	k.must(err)
	in := k.buffer(worlds * width)
	net, put := newDeviceNet(k, in, worlds, []int{width, hidden, dim}, 0, 0)
	copy(net.params.Floats(), f.em.(*random).p)
	b, want, r := env.NewBatch(s.Spec, worlds), make([]float32, worlds*dim), rng.New(5).Stream(0, 0, 0)
	for i := range b.Next {
		b.Next[i] = 3 * r.Norm()
	}
	copy(in.Floats(), b.Next)
	f.after(want, b)
	k.run(k.record(put))
	k.same("features", net.out.Floats(), want, 1e-5)
}
