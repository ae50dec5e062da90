// Package pga varies policies along the policy gradient of a critic that learns from every evaluation:
// the emitter of Nilsson and Cully, "Policy gradient assisted MAP-Elites" (GECCO 2021), called [N] in
// comments, registered as "policy-gradient". Beside it a search should have an emitter without
// gradients, such as isoline; half and half is [N]'s mixture.
//
// Critics and the greedy actor are those of TD3: Fujimoto, van Hoof and Meger, "Addressing function
// approximation error in actor-critic methods" (ICML 2018), called [F]. Solutions are the parameters
// of a network whose outputs, through tanh, are actions from -1 to 1.
package pga

import (
	"fmt"
	"math"
	"slices"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

// Transitions are steps of episodes.
type Transitions struct {
	N      int
	Obs    []float32 // N x observations
	Act    []float32 // N x actions, from -1 to 1
	Reward []float32 // N
	Next   []float32 // N x observations
	Done   []float32 // N: 1 where nothing follows, 0 else
}

// Options are the options of New.
type Options struct {
	Net      *nn.MLP // of the policies
	First    float32 // standard deviation of the first solutions around 0
	Hidden   []int   // widths of the critics' hidden layers
	Batch    int     // transitions of a gradient step
	Train    int     // gradient steps of the critics before each batch of solutions
	Steps    int     // gradient steps of a variation
	Rate     float32 // learning rate of critics and greedy actor
	Vary     float32 // learning rate of variations
	Discount float32
	Scale    float32 // factor of rewards, that brings returns to tens
	Capacity int     // transitions that are kept, the newest ones
}

// Emitter is the emitter. Observe feeds it the transitions of all evaluations.
type Emitter struct {
	o        Options
	obs, act int
	critic   *nn.MLP

	actor, actorTarget []float32
	critics, targets   [2][]float32
	adam               [3]*nn.Adam // of the actor and the critics
	buffer             Transitions // a ring once it is full
	next               int         // row that is written next
	seen               int64

	// Scratch.
	at            []int
	x, xn         []float32 // batch x (obs+act)
	target        []float32
	tapeA, tapeQ  *nn.Tape
	gradA, gradQ  []float32
	dq, dx, dy    []float32
	varied        []float32
	normA, normXA []float32
}

// New returns an emitter whose critics know nothing.
func New(o Options, key rng.Key) (*Emitter, error) {
	if o.Net == nil || slices.Min(append([]int{o.Batch, o.Train, o.Steps}, o.Hidden...)) < 1 || o.Capacity < o.Batch || !(o.Rate > 0) || !(o.Vary > 0) ||
		!(o.Discount >= 0 && o.Discount < 1) || !(o.Scale > 0) || !(o.First > 0) {
		return nil, fmt.Errorf("pga: hidden %d, batch %d, train %d, steps %d, capacity %d, rates %v and %v, discount %v, scale %v and first %v: all have to be above 0, the discount below 1, the capacity at least a batch, and there has to be a policy network",
			o.Hidden, o.Batch, o.Train, o.Steps, o.Capacity, o.Rate, o.Vary, o.Discount, o.Scale, o.First)
	}
	e := &Emitter{o: o, obs: o.Net.In(), act: o.Net.Out()}
	w := e.obs + e.act
	e.critic = nn.NewMLP(nn.MLPConfig{In: w, Hidden: o.Hidden, Out: 1, Activation: nn.ReLU})
	e.actor = make([]float32, o.Net.NumParams())
	o.Net.Init(e.actor, key.Fold(0))
	e.actorTarget = slices.Clone(e.actor)
	e.adam[0] = nn.NewAdam(len(e.actor))
	for i := range 2 {
		e.critics[i] = make([]float32, e.critic.NumParams())
		e.critic.Init(e.critics[i], key.Fold(uint64(1+i)))
		e.targets[i] = slices.Clone(e.critics[i])
		e.adam[1+i] = nn.NewAdam(len(e.critics[i]))
	}
	f := func(n int) []float32 { return make([]float32, n) }
	e.at = make([]int, o.Batch)
	e.x, e.xn, e.target, e.dq, e.dx, e.dy = f(o.Batch*w), f(o.Batch*w), f(o.Batch), f(o.Batch), f(o.Batch*w), f(o.Batch*e.act)
	e.tapeA, e.tapeQ = o.Net.NewTape(o.Batch), e.critic.NewTape(o.Batch)
	e.gradA, e.gradQ, e.varied = f(len(e.actor)), f(e.critic.NumParams()), f(len(e.actor))
	e.normA, e.normXA = f(o.Batch*e.obs), f(o.Batch*e.obs)
	return e, nil
}

// Seen returns the number of transitions observed.
func (e *Emitter) Seen() int64 { return e.seen }

// Observe keeps the transitions of t. It fails if their widths are not those of the policies.
func (e *Emitter) Observe(t *Transitions) error {
	if len(t.Obs) != t.N*e.obs || len(t.Next) != t.N*e.obs || len(t.Act) != t.N*e.act || len(t.Reward) != t.N || len(t.Done) != t.N {
		return fmt.Errorf("pga: %d transitions have %d observations and %d actions, the policy has %d and %d a step: %w",
			t.N, len(t.Obs), len(t.Act), e.obs, e.act, qd.ErrShape)
	}
	for i := max(0, t.N-e.o.Capacity); i < t.N; i++ {
		e.put(t, i)
	}
	e.seen += int64(t.N)
	return nil
}

func (e *Emitter) put(t *Transitions, i int) {
	b := &e.buffer
	if b.N < e.o.Capacity {
		b.Obs = append(b.Obs, t.Obs[i*e.obs:(i+1)*e.obs]...)
		b.Next = append(b.Next, t.Next[i*e.obs:(i+1)*e.obs]...)
		b.Act = append(b.Act, t.Act[i*e.act:(i+1)*e.act]...)
		b.Reward, b.Done = append(b.Reward, t.Reward[i]), append(b.Done, t.Done[i])
		b.N++
		return
	}
	at := e.next
	e.next = (e.next + 1) % e.o.Capacity
	copy(b.Obs[at*e.obs:(at+1)*e.obs], t.Obs[i*e.obs:])
	copy(b.Next[at*e.obs:(at+1)*e.obs], t.Next[i*e.obs:])
	copy(b.Act[at*e.act:(at+1)*e.act], t.Act[i*e.act:])
	b.Reward[at], b.Done[at] = t.Reward[i], t.Done[i]
}

// Ask trains the critics, then writes the greedy actor and elites varied along the policy gradient:
// [N], algorithms 2 and 3. Without transitions solutions are drawn at random.
func (e *Emitter) Ask(b *qd.Batch, a qd.Archive, k rng.Key) {
	n := len(e.actor)
	if e.buffer.N < e.o.Batch || a.Len() == 0 {
		for i := range b.N {
			r := k.Stream(1, uint32(i), 0)
			for j := range n {
				b.Sol[i*n+j] = float32(e.o.First * r.Norm())
			}
		}
		return
	}
	r := k.Stream(2, 0, 0)
	for step := range e.o.Train {
		e.learn(&r, step%2 == 1) // the actor every other step: [F], policy delay
	}
	copy(b.Sol[:n], e.actor)
	for i := 1; i < b.N; i++ {
		sol := b.Sol[i*n : (i+1)*n]
		copy(sol, a.Elite(r.IntN(a.Len())).Sol)
		adam := nn.NewAdam(n)
		for range e.o.Steps {
			e.draw(&r)
			e.ascend(sol)
			adam.Step(sol, e.gradA, e.o.Vary)
		}
	}
}

// Tell does nothing: transitions are all that is learned from.
func (e *Emitter) Tell(*qd.Batch, qd.Archive, rng.Key) {}

// draw chooses the transitions of a gradient step.
func (e *Emitter) draw(r *rng.Stream) {
	for i := range e.at {
		e.at[i] = r.IntN(e.buffer.N)
	}
}

// observe writes observations into rows of dst, w wide, and into flat.
func (e *Emitter) observe(dst, flat, from []float32, w int) {
	for i, at := range e.at {
		copy(dst[i*w:], from[at*e.obs:(at+1)*e.obs])
		copy(flat[i*e.obs:], from[at*e.obs:(at+1)*e.obs])
	}
}

// learn takes a gradient step of both critics, [F] algorithm 1, and of the greedy actor if asked to.
func (e *Emitter) learn(r *rng.Stream, actor bool) {
	o, w := &e.o, e.obs+e.act
	e.draw(r)
	e.observe(e.xn, e.normA, e.buffer.Next, w)
	y := o.Net.Forward(e.actorTarget, e.tapeA, e.normA, o.Batch)
	for i := range o.Batch {
		for j := range e.act { // target policy smoothing
			noise := geom.Clamp(0.2*r.Norm(), -0.5, 0.5)
			e.xn[i*w+e.obs+j] = geom.Clamp(geom.Tanh(y[i*e.act+j])+noise, -1, 1)
		}
	}
	for c := range 2 { // the lesser of two targets
		for i, q := range e.critic.Forward(e.targets[c], e.tapeQ, e.xn, o.Batch) {
			if c == 0 || q < e.target[i] {
				e.target[i] = q
			}
		}
	}
	for i, at := range e.at {
		e.target[i] = o.Scale*e.buffer.Reward[at] + o.Discount*(1-e.buffer.Done[at])*e.target[i]
	}
	e.observe(e.x, e.normA, e.buffer.Obs, w)
	for i, at := range e.at {
		copy(e.x[i*w+e.obs:(i+1)*w], e.buffer.Act[at*e.act:(at+1)*e.act])
	}
	for c := range 2 {
		q := e.critic.Forward(e.critics[c], e.tapeQ, e.x, o.Batch)
		for i := range q {
			e.dq[i] = 2 * (q[i] - e.target[i]) / float32(o.Batch)
		}
		clear(e.gradQ)
		e.critic.Backward(e.critics[c], e.gradQ, e.tapeQ, e.dq, nil)
		e.adam[1+c].Step(e.critics[c], e.gradQ, o.Rate)
	}
	if !actor {
		return
	}
	e.ascend(e.actor)
	e.adam[0].Step(e.actor, e.gradA, o.Rate)
	const tau = 0.005
	follow := func(target, x []float32) {
		for i, v := range x {
			target[i] += tau * (v - target[i])
		}
	}
	follow(e.actorTarget, e.actor)
	for c := range 2 {
		follow(e.targets[c], e.critics[c])
	}
}

// ascend sets gradA to minus the gradient of the mean value, in the eyes of the first critic, of what
// a policy does at the observations drawn: [N], eq. 3.
func (e *Emitter) ascend(policy []float32) {
	o, w := &e.o, e.obs+e.act
	e.observe(e.x, e.normXA, e.buffer.Obs, w)
	y := o.Net.Forward(policy, e.tapeA, e.normXA, o.Batch)
	for i := range o.Batch {
		for j := range e.act {
			e.x[i*w+e.obs+j] = geom.Tanh(y[i*e.act+j])
		}
	}
	e.critic.Forward(e.critics[0], e.tapeQ, e.x, o.Batch)
	for i := range e.dq {
		e.dq[i] = -1 / float32(o.Batch)
	}
	clear(e.gradQ)
	e.critic.Backward(e.critics[0], e.gradQ, e.tapeQ, e.dq, e.dx)
	for i := range o.Batch {
		for j := range e.act {
			a := e.x[i*w+e.obs+j]
			e.dy[i*e.act+j] = e.dx[i*w+e.obs+j] * (1 - a*a)
		}
	}
	clear(e.gradA)
	o.Net.Backward(policy, e.gradA, e.tapeA, e.dy, nil)
	for i, g := range e.gradA { // a critic that overflows does not spoil solutions
		if !geom.Finite(g) || math.Abs(float64(g)) > 1e6 {
			e.gradA[i] = 0
		}
	}
}
