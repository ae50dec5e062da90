package explore

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/shaders/vk"
)

// The kernels of noveld are the host's, with first visits and without: rnd on the states before and
// after the step, and the tables of counts.
func TestDeviceNovelD(t *testing.T) {
	const worlds, slots, alpha, cell = 70, 1 << 14, 0.5, 2
	for _, first := range []bool{false, true} {
		_, s := setup(t, false)
		s.Rows = worlds
		k, c, width := newKit(t), NewDistill(), env.Width(s.Spec.Obs)
		c.Hidden, c.Dim, c.LR = 12, 9, 1e-3
		x, err := (&NovelD{Distill: c, Alpha: alpha, FirstVisit: first, Cell: cell}).Build(s)
		k.must(err)
		host, before, after := x.(*distill), newDeviceRND(k, worlds, width, &c), newDeviceRND(k, worlds, width, &c)
		v, bonus := newDeviceVisits(k, after.in, worlds, width, slots, cell, true), k.buffer(worlds)
		gate := uint32(0)
		if first {
			gate = 1
		}
		calls := append(append(before.calls, after.calls...), v.score, call{
			k.bind("noveld_score", 3, before.bonus, after.bonus, v.bonus, bonus), worlds, []uint32{worlds, gate, math.Float32bits(alpha)},
		})
		score, add := k.record(calls...), k.record(v.add)
		b, want, r := env.NewBatch(s.Spec, worlds), make([]float32, worlds), rng.New(5).Stream(0, 0, 0)
		paid, not := 0, 0
		for step := range 60 {
			for i := range b.Next {
				b.Obs[i], b.Next[i] = 2*r.Norm(), 2*r.Norm()
			}
			v.end(b, &r)
			before.load(host, b.Obs)
			after.load(host, b.Next)
			host.Score(want, b)
			k.run(score)
			k.same(fmt.Sprintf("first visits %v: step %d: bonus", first, step), bonus.Floats(), want, 1e-5)
			k.must(host.Update(b, nil))
			k.run(add)
			for _, x := range want {
				if x > 0 {
					paid++
				} else {
					not++
				}
			}
		}
		if paid < 300 || not < 300 {
			t.Errorf("first visits %v: %d bonuses and %d zeros: too few to tell", first, paid, not)
		}
	}
}

// deviceVisits is the twin of the episodic counts that noveld and ride contain.
type deviceVisits struct {
	bonus, ended *vk.Buffer
	score, add   call
}

func newDeviceVisits(k *kit, states *vk.Buffer, rows, width, slots int, cell float32, first bool) *deviceVisits {
	x := &deviceVisits{bonus: k.buffer(rows), ended: k.buffer(rows)}
	table, keys := k.buffer(rows*(2+4*slots)), k.buffer(2*rows)
	n, gate := uint32(rows), uint32(0)
	if first {
		gate = 1
	}
	x.score = call{
		k.bind("count_score", 7, states, table, keys, x.bonus, k.buffer(1)), rows,
		[]uint32{n, uint32(width), uint32(slots), 1, gate, math.Float32bits(cell), 0},
	}
	x.add = call{k.bind("count_add", 3, keys, x.ended, table, k.buffer(rows)), rows, []uint32{n, uint32(slots), 1}}
	return x
}

// end lets some episodes end.
func (x *deviceVisits) end(b *env.Batch, r *rng.Stream) {
	for i := range b.End {
		b.End[i] = env.Running
		if r.IntN(30) == 0 {
			b.End[i] = env.Terminated
		}
		x.ended.Words()[i] = uint32(b.End[i])
	}
}

// The kernels of ride are the host's, while the host trains the features.
func TestDeviceRIDE(t *testing.T) {
	const worlds, slots, cell, hidden, dim = 70, 1 << 14, 2, 12, 11
	_, s := setup(t, false)
	s.Rows = worlds
	k, c, width := newKit(t), NewFeatures("inverse"), env.Width(s.Spec.Obs)
	c.Hidden, c.Dim, c.LR, c.Keep = hidden, dim, 1e-2, 1
	x, err := (&RIDE{Features: c, Cell: cell}).Build(s)
	k.must(err)
	host := x.(*ride)
	states := [2]*vk.Buffer{k.buffer(worlds * width), k.buffer(worlds * width)} // before and after
	var nets [2]*deviceNet
	var calls []call
	for i := range nets {
		n, embed := newDeviceNet(k, states[i], worlds, []int{width, hidden, dim}, 0, 0)
		nets[i], calls = n, append(calls, embed)
	}
	v, bonus := newDeviceVisits(k, states[1], worlds, width, slots, cell, false), k.buffer(worlds)
	calls = append(calls, v.score, call{
		k.bind("ride_score", 2, nets[0].out, nets[1].out, v.bonus, bonus), worlds, []uint32{worlds, dim},
	})
	score, add := k.record(calls...), k.record(v.add)
	b, want, r := env.NewBatch(s.Spec, worlds), make([]float32, worlds), rng.New(5).Stream(0, 0, 0)
	for step := range 40 {
		for i := range b.Next {
			b.Obs[i], b.Next[i] = 2*r.Norm(), 2*r.Norm()
		}
		v.end(b, &r)
		learned := host.f.em.(*inverse)
		for i, x := range [][]float32{b.Obs, b.Next} {
			copy(states[i].Floats(), x)
			copy(nets[i].params.Floats(), learned.p[:learned.phi.NumParams()])
		}
		host.Score(want, b)
		k.run(score)
		k.same(fmt.Sprintf("step %d: bonus", step), bonus.Floats(), want, 1e-5)
		k.must(host.Update(b, nil))
		k.run(add)
	}
}

// The kernels of icm, progress and disagreement are the host's models, while the host trains them, of choices
// and of continuous actions.
func TestDevicePredict(t *testing.T) {
	const worlds, hidden, dim, models = 70, 12, 9, 3
	for kind, expr := range []string{"icm(embed=random", "progress(gamma=0.9", fmt.Sprintf("disagreement(models=%d", models)} {
		for _, continuous := range []bool{false, true} {
			_, s := setup(t, continuous)
			s.Rows = worlds
			k, width := newKit(t), env.Width(s.Spec.Obs)
			host := parse(t, fmt.Sprintf("%s, hidden=%d, dim=%d, lr=0.01, keep=1)", expr, hidden, dim), s).(*leaf).Bonus.(*predict)
			in, acts := host.net.In(), len(host.cols)
			act, columns := k.buffer(worlds*acts), k.buffer(3*acts)
			for i, c := range host.cols {
				copy(columns.Words()[3*i:], []uint32{uint32(c.choices), math.Float32bits(c.lo), math.Float32bits(c.scale)})
			}
			var states [2]*vk.Buffer // before and after
			var phi [2]*deviceNet
			var calls []call
			for i := range phi {
				states[i] = k.buffer(worlds * width)
				n, embed := newDeviceNet(k, states[i], worlds, []int{width, hidden, dim}, 0, 0)
				copy(n.params.Floats(), host.f.em.(*random).p)
				phi[i], calls = n, append(calls, embed)
			}
			x, y, bonus := k.buffer(worlds*in), k.buffer(len(host.models)*worlds*dim), k.buffer(worlds)
			calls = append(calls, call{
				k.bind("predict_in", 4, phi[0].out, act, columns, x), worlds, []uint32{worlds, dim, uint32(acts), uint32(in)},
			})
			var nets []*deviceNet
			for m := range host.models {
				n, predict := newDeviceNetTo(k, x, y, m*worlds*dim, worlds, []int{in, hidden, dim}, 0, 0)
				nets, calls = append(nets, n), append(calls, predict)
			}
			score := k.record(append(calls, call{
				k.bind("predict_score", 4, y, phi[1].out, bonus), worlds, []uint32{worlds, dim, uint32(len(host.models)), uint32(kind)},
			})...)
			b, want, r := env.NewBatch(s.Spec, worlds), make([]float32, worlds), rng.New(5).Stream(0, 0, 0)
			paid := 0
			for step := range 30 {
				for i := range b.Next {
					b.Obs[i], b.Next[i] = r.Norm(), r.Norm()
				}
				envtest.RandomActions(s.Spec, b, rng.New(5), step)
				copy(states[0].Floats(), b.Obs)
				copy(states[1].Floats(), b.Next)
				copy(act.Floats(), b.Act)
				for m, n := range nets {
					copy(n.params.Floats(), host.models[m].p)
				}
				host.Score(want, b)
				k.run(score)
				k.same(fmt.Sprintf("%s, continuous %v: step %d: bonus", expr, continuous, step), bonus.Floats(), want, 1e-5)
				k.must(host.Update(b, nil))
				for _, x := range want {
					if x > 1e-3 {
						paid++
					}
				}
			}
			if paid < 200 {
				t.Errorf("%s, continuous %v: %d bonuses: too few to tell", expr, continuous, paid)
			}
		}
	}
}
