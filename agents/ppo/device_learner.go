package ppo

import (
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/agents/nn/gpu"
	"github.com/terrarium-rl/terrarium/env"
)

const (
	maxChunk     = 8192 // rows that go through the networks at a time outside minibatches
	momentChunks = 1024 // partial sums of observations
)

// places says where in the memory of rows and of work what begins; row k of a column of width w is at
// the beginning plus k*w.
type places struct {
	obs, act, reward, end, logProb, value, next, adv, target int // of rows
	words                                                    int
	dFree, metrics                                           int // of work
	work                                                     int
}

// A learner is the memory and the commands of updates on a device.
type learner struct {
	a                          *agent
	all, chunk, batches, free0 int // rows of a rollout; of a pass; minibatches of an epoch; free parameters
	stepWorlds, width, facts   int // worlds; numbers of a record, and of facts in it
	record                     *gpu.Buffer
	kit                        *gpu.Kit
	mem                        gpu.Memory
	products                   gpu.Kernels
	actor, critic              *gpu.Net // critic is nil if shared
	opt                        *gpu.Optimizer
	at                         places

	control, norm, list, mean, scale gpu.Twin
	moments, returns, returnParts    gpu.Twin
	gaeParts                         gpu.Twin
	rows, order, table               *gpu.Buffer
	stats                            *gpu.Buffer // of advantages
	sums                             *gpu.Buffer

	take, judge, listed, successors, advantages, standardize, epoch *gpu.Commands

	shuffle *shuffler
}

// newLearner makes the memory and the commands for rollouts of v that are kept in record.
func newLearner(a *agent, v env.Vec, record *gpu.Buffer) (l *learner, err error) {
	n := a.rows * a.Rollout
	facts := env.Width(v.Spec().Facts)
	l = &learner{
		a: a, all: n, batches: (n + a.Minibatch - 1) / a.Minibatch, record: record, kit: gpu.NewKit(v.(keeper).Device()),
		stepWorlds: a.rows, facts: facts, width: 2*a.obs + 2*a.act + facts + 3,
	}
	defer func() {
		if err != nil {
			l.kit.Free()
		}
	}()
	l.chunk = max(l.largest(), min(n, maxChunk))
	l.place()
	l.allocate()
	l.bind()
	if err := l.kit.Err(); err != nil {
		return nil, err
	}
	if err := l.table.Upload(floatsOf(l.tableWords())); err != nil {
		return nil, err
	}
	if a.rewards != nil {
		if err := l.returns.Dev.Upload(a.rewards.ret); err != nil {
			return nil, err
		}
	}
	return l, l.opt.Load(a.params)
}

// largest returns the rows of the largest minibatch.
func (l *learner) largest() int { return (l.all + l.batches - 1) / l.batches }

// batch returns the rows of minibatch m of an epoch.
func (l *learner) batch(m int) (first, rows int) {
	first = int(int64(m) * int64(l.all) / int64(l.batches))
	return first, int(int64(m+1)*int64(l.all)/int64(l.batches)) - first
}

// place lays memory out.
func (l *learner) place() {
	a, p := l.a, &l.at
	put := func(columns int) int {
		at := p.words
		p.words += columns * l.all
		return at
	}
	p.obs, p.act = put(a.obs), put(a.act)
	p.reward, p.end, p.logProb, p.value = put(1), put(1), put(1), put(1)
	p.next, p.adv, p.target = put(1), put(1), put(1)

	work := func(columns int) int {
		at := p.work
		p.work += columns * l.chunk
		return at
	}
	input := work(a.obs)
	widths := append([]int{a.obs}, a.Hidden...)
	inputs, size := a.head.Inputs(), len(a.params)
	if a.Shared {
		l.actor = gpu.NewNet(append(widths, inputs+1), a.Activation, 0, size, input, work)
	} else {
		l.actor = gpu.NewNet(append(slices.Clone(widths), inputs), a.Activation, 0, size, input, work)
		critic := a.net.NumParams() - a.head.Free() - len(a.net.ActorParams(a.params))
		l.critic = gpu.NewNet(append(slices.Clone(widths), 1), a.Activation, size-a.head.Free()-critic, size, input, work)
	}
	l.free0 = size - a.head.Free()
	p.dFree, p.metrics = work(max(a.head.Free(), 1)), work(7)
}

// allocate makes the buffers.
func (l *learner) allocate() {
	k, a := l.kit, l.a
	l.control = k.Twin("control words", gpu.ControlWords)
	l.norm = k.Twin("normalisation", 4*a.obs)
	l.list = k.Twin("list of rows", 1+l.all)
	l.mean, l.scale = k.Twin("mean return", 2), k.Twin("scale of rewards", 1)
	l.moments = k.Twin("moments of observations", 4*a.obs*l.momentChunks())
	l.returns = k.Twin("returns", l.stepWorlds)
	l.returnParts, l.gaeParts = k.Twin("moments of returns", 4*l.stepWorlds), k.Twin("sums of targets", 8*l.stepWorlds)
	l.rows = k.Buffer("rollout", l.at.words)
	l.order = k.Buffer("orders of the rows", l.all*a.Epochs)
	l.table = k.Buffer("distribution of actions", len(l.tableWords()))
	l.stats = k.Buffer("statistics of advantages", 3*a.Epochs*l.batches)
	l.sums = k.Buffer("sums of advantages", 2*a.Epochs*l.batches*nn.Blocks(l.largest()))
	l.mem = gpu.Memory{
		Control: l.control.Dev, Params: k.Buffer("parameters", len(a.params)), Work: k.Buffer("minibatch", l.at.work),
		Blocks: k.Buffer("gradients of blocks", len(a.params)*nn.Blocks(l.largest())),
	}
	l.products = l.mem.Bind(k)
	l.opt = gpu.NewOptimizer(k, &l.mem, a.trainer.Adam, len(a.params), l.largest(), a.Epochs*l.batches)
}

func (l *learner) momentChunks() int { return min(l.all, momentChunks) }

// tableWords returns the distribution of actions as include/head.glsl has it.
func (l *learner) tableWords() []uint32 {
	parts := l.a.head.Parts()
	w := []uint32{uint32(len(parts))}
	in, free, act := 0, 0, 0
	for _, p := range parts {
		kind := uint32(0)
		if p.Kind == nn.Gaussian {
			kind = 1
		}
		w = append(w, kind, uint32(p.N), uint32(in), uint32(free), uint32(act))
		in += p.N
		if kind == 0 {
			act++
			continue
		}
		free += p.N
		act += p.N
	}
	return w
}

// floatsOf returns words as the floats of the same bits.
func floatsOf(w []uint32) []float32 {
	x := make([]float32, len(w))
	for i, b := range w {
		x[i] = math.Float32frombits(b)
	}
	return x
}

// bind records all commands.
func (l *learner) bind() {
	l.bindIntake()
	l.bindJudge()
	l.bindOrder()
	l.bindEpoch()
}

func words(n ...int) []uint32 {
	w := make([]uint32, len(n))
	for i, x := range n {
		w[i] = uint32(x)
	}
	return w
}

// normal returns the push constants of the normalisation of observations.
func (l *learner) normal() (on int, limit uint32) {
	if l.a.norm == nil {
		return 0, 0
	}
	return 1, math.Float32bits(l.a.norm.limit)
}

// bindIntake records the commands that take a rollout in and make advantages of it.
func (l *learner) bindIntake() {
	k, a, p := l.kit, l.a, &l.at
	intake := k.Bind("learn_intake", 12, l.record, l.norm.Dev, l.rows)
	moments := k.Bind("learn_moments", 5, l.record, l.norm.Dev, l.moments.Dev)
	returns := k.Bind("learn_returns", 5, l.rows, l.returns.Dev, l.returnParts.Dev, l.mean.Dev)
	gae := k.Bind("learn_gae", 11, l.rows, l.scale.Dev, l.gaeParts.Dev)
	on, limit := l.normal()
	l.take = k.Record(func(r *gpu.Recorder) {
		l.control.Load(r)
		l.norm.Load(r)
		gpu.Do(r, intake, l.all, append(words(l.stepWorlds, a.Rollout, l.width, a.obs, a.act, l.width-3, p.obs, p.act, p.reward, p.end, on), limit)...)
		if a.norm != nil {
			gpu.Do(r, moments, l.momentChunks()*a.obs, words(l.stepWorlds, a.Rollout, l.width, a.obs, l.momentChunks())...)
			l.moments.Save(r)
		}
		if a.rewards != nil {
			l.mean.Load(r)
			gpu.Do(r, returns, l.stepWorlds, append(words(l.stepWorlds, a.Rollout, p.reward, p.end), math.Float32bits(a.rewards.gamma))...)
			l.returnParts.Save(r)
		}
	})
	gamma, most := float32(a.Gamma), float32(0)
	decay := gamma * float32(a.Lambda)
	if a.rewards != nil {
		most = a.rewards.limit
	}
	l.advantages = k.Record(func(r *gpu.Recorder) {
		l.scale.Load(r)
		gpu.Do(r, gae, l.stepWorlds, append(words(l.stepWorlds, a.Rollout, p.reward, p.end, p.value, p.next, p.adv, p.target),
			math.Float32bits(gamma), math.Float32bits(decay), math.Float32bits(most))...)
		l.gaeParts.Save(r)
	})
}

// value returns where the values that the networks put out are, and their distance from row to row.
func (l *learner) value() (at, step int) {
	if l.critic != nil {
		return l.critic.Output(), 1
	}
	return l.actor.Output() + l.a.head.Inputs(), l.actor.Width()
}

// bindJudge records the commands that value the rows of a rollout and those that follow their ends.
func (l *learner) bindJudge() {
	k, a, p := l.kit, l.a, &l.at
	gather := k.Bind("learn_gather", 11, l.mem.Control, l.rows, l.list.Dev, l.record, l.norm.Dev, l.mem.Work)
	judge := k.Bind("learn_judge", 13, l.mem.Control, l.rows, l.list.Dev, l.mem.Work, l.table, l.mem.Params)
	on, limit := l.normal()
	value, step := l.value()
	pass := func(r *gpu.Recorder, gatherMode, mode, first, rows int) {
		gpu.Do(r, gather, rows*a.obs, append(words(gatherMode, rows, first, a.obs, p.obs, l.all, l.stepWorlds, l.width, a.obs+2*a.act, on), limit)...)
		if l.critic == nil || mode == 0 {
			l.actor.Forward(r, l.products, rows)
		}
		if l.critic != nil {
			l.critic.Forward(r, l.products, rows)
		}
		gpu.Do(r, judge, rows, words(mode, rows, first, l.actor.Output(), l.actor.Width(), value, step, l.free0, a.act, p.act, p.logProb, p.value, p.next)...)
	}
	l.judge = k.Record(func(r *gpu.Recorder) {
		for first := 0; first < l.all; first += l.chunk {
			pass(r, 1, 0, first, min(l.chunk, l.all-first))
		}
	})
	l.listed = k.Record(l.list.Load)
	l.successors = k.Record(func(r *gpu.Recorder) {
		l.control.Load(r)
		pass(r, 2, 1, 0, l.chunk)
	})
}

// bindOrder records the commands that shuffle the rows for each epoch, and what minibatches need to
// know of their advantages.
func (l *learner) bindOrder() {
	k, a := l.kit, l.a
	l.shuffle = newShuffler(k, l.control, l.order, l.all, a.Epochs)
	stats := k.Bind("learn_advantage", 6, l.rows, l.order, l.sums, l.stats)
	modes := []int{4}
	if a.NormalizeAdvantage {
		modes = []int{0, 1, 2, 3}
	}
	blocks := nn.Blocks(l.largest())
	l.standardize = k.Record(func(r *gpu.Recorder) {
		for _, mode := range modes {
			gpu.Do(r, stats, a.Epochs*l.batches*blocks, words(mode, l.all, l.batches, a.Epochs, blocks, l.at.adv)...)
		}
		l.opt.LoadRates(r)
	})
}

// bindEpoch records the steps of the optimiser of an epoch.
func (l *learner) bindEpoch() {
	k, a, p := l.kit, l.a, &l.at
	gather := k.Bind("learn_gather", 11, l.mem.Control, l.rows, l.order, l.record, l.norm.Dev, l.mem.Work)
	loss := k.Bind("learn_loss", 25, l.mem.Control, l.rows, l.order, l.mem.Work, l.table, l.mem.Params, l.stats)
	value, step := l.value()
	dValue := l.actor.Gradient() + a.head.Inputs()
	if l.critic != nil {
		dValue = l.critic.Gradient()
	}
	f := func(x float64) uint32 { return math.Float32bits(float32(x)) }
	l.epoch = k.Record(func(r *gpu.Recorder) {
		for m := range l.batches {
			first, rows := l.batch(m)
			gpu.Do(r, gather, rows*a.obs, words(0, rows, first, a.obs, p.obs, l.all, 0, 0, 0, 0, 0)...)
			l.actor.Forward(r, l.products, rows)
			if l.critic != nil {
				l.critic.Forward(r, l.products, rows)
			}
			push := words(rows, first, l.all, m, l.batches, l.actor.Output(), l.actor.Width(), value, step, l.actor.Gradient(), dValue, p.dFree, p.metrics,
				l.free0, a.head.Free(), a.act, p.act, p.logProb, p.value, p.adv, p.target)
			gpu.Do(r, loss, rows, append(push, f(a.Clip), f(a.ValueClip), f(a.ValueCoef), f(a.EntropyCoef))...)
			l.actor.Backward(r, l.products, rows)
			if l.critic != nil {
				l.critic.Backward(r, l.products, rows)
			}
			if n := a.head.Free(); n > 0 {
				gpu.AddRows(r, l.products, len(a.params), l.free0, p.dFree, n, rows)
			}
			l.opt.Step(r, rows, p.metrics, m == l.batches-1, gpu.Limits{Norm: float32(a.MaxGradNorm), Far: 1.5 * a.TargetKL})
		}
		l.control.Save(r)
	})
}
