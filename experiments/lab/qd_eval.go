package lab

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
	"github.com/terrarium-rl/terrarium/qd/pga"
	"github.com/terrarium-rl/terrarium/rewards"
)

// A genome says how the parameters of a solution make a policy: a network from observations to a
// score for each choice, of which the greatest is taken, or to numbers that tanh brings within
// the bounds of the actions.
type genome struct {
	spec    *env.Spec
	net     *nn.MLP
	dim     int      // parameters of a solution
	weights [][2]int // where they are in the network's; nil if they are all of it
	act     int      // width of an action row
}

func newGenome(p *Plan) *genome {
	c := p.QD.Policy
	g := &genome{spec: p.Spec, act: env.Width(p.Spec.Act)}
	in, out := env.Width(p.Spec.Obs), 0
	for _, f := range p.Spec.Act {
		out += f.Len * max(1, f.Choices)
	}
	g.net = nn.NewMLP(nn.MLPConfig{In: in, Hidden: c.Hidden, Out: out, Activation: c.Activation})
	g.dim = g.net.NumParams()
	if c.Bias {
		return g
	}
	g.dim = 0
	at := 0
	for _, w := range append(append([]int(nil), c.Hidden...), out) {
		g.weights = append(g.weights, [2]int{at, at + in*w})
		g.dim += in * w
		at += (in + 1) * w
		in = w
	}
	return g
}

// expand writes the parameters of the network that sol stands for.
func (g *genome) expand(params, sol []float32) {
	if g.weights == nil {
		copy(params, sol)
		return
	}
	for _, w := range g.weights { // what lies between them, the biases, stays 0
		sol = sol[copy(params[w[0]:w[1]], sol):]
	}
}

// act turns the outputs of the network for one row into an action.
func (g *genome) action(act, y []float32) {
	for i := range g.spec.Act {
		f := &g.spec.Act[i]
		for range f.Len {
			n := max(1, f.Choices)
			if f.Choices > 0 {
				best := 0
				for j, v := range y[:n] {
					if v > y[best] {
						best = j
					}
				}
				act[0] = float32(best)
			} else {
				act[0] = (f.Lo+f.Hi)/2 + float32((f.Hi-f.Lo)/2*geom.Tanh(y[0]))
			}
			act, y = act[1:], y[n:]
		}
	}
}

// A genomePolicy plays one solution in any number of worlds.
type genomePolicy struct {
	g      *genome
	params []float32
	tape   *nn.Tape
}

func newGenomePolicy(g *genome, rows int) *genomePolicy {
	return &genomePolicy{g, make([]float32, g.net.NumParams()), g.net.NewTape(rows)}
}

// Act takes the action of each row. There is nothing to explore.
func (p *genomePolicy) Act(b *env.Batch, _ rng.Key, _ bool) {
	y := p.g.net.Forward(p.params, p.tape, b.Obs, b.N)
	out := p.g.net.Out()
	for i := range b.N {
		p.g.action(b.Act[i*p.g.act:(i+1)*p.g.act], y[i*out:(i+1)*out])
	}
}

// A qdWorld is one world in which a worker plays one policy after the other. Every evaluation
// resets it with a key of its own, so that it does not matter which world plays what.
type qdWorld struct {
	plan     *Plan
	vec      env.Vec
	batch    *env.Batch
	policy   *genomePolicy
	reward   *rewards.Sum
	rew      []float32
	measures []measured // and then the goals
	values   []tally
	observer *observer        // nil if nothing is observed
	lesson   *pga.Transitions // of the last play; nil if nobody learns from them
}

// A tally is a measure in the making.
type tally struct {
	value float64
	n     int
	fixed bool // by an event
	path  *pathTally
}

func newQDWorld(p *Plan, g *genome) (w *qdWorld, err error) {
	w = &qdWorld{
		plan: p, batch: env.NewBatch(p.Spec, 1), policy: newGenomePolicy(g, 1), rew: make([]float32, 1),
		values: make([]tally, len(p.QD.Measures)+len(p.QD.Goals)),
	}
	for _, m := range p.QD.tallied() {
		r, err := m.resolve(p.Spec)
		if err != nil {
			return nil, err
		}
		w.measures = append(w.measures, r)
	}
	if w.reward, err = p.buildReward(); err != nil {
		return nil, err
	}
	if w.vec, err = env.NewVec(p.EnvConfig, env.VecOptions{Worlds: 1, Workers: 1, Levels: p.levels, Engine: p.ownEngine()}); err != nil {
		return nil, err
	}
	w.observer, err = newObserver(p, w.vec)
	return w, err
}

// play evaluates row i of b in the episodes of key: what it writes are means over them.
func (w *qdWorld) play(b *qd.Batch, i, episodes int, key rng.Key) (steps int64, err error) {
	row := b.Rows(i, i+1)
	w.policy.g.expand(w.policy.params, row.Sol)
	if w.lesson != nil {
		w.lesson = &pga.Transitions{}
	}
	clear(row.Measures)
	clear(row.Goals)
	clear(row.Obs)
	sum, share := 0.0, 1/float64(episodes)
	for e := range episodes {
		r, n, err := w.episode(key.Fold(uint64(e)))
		if err != nil {
			return 0, err
		}
		sum += r
		steps += n
		for j := range w.values {
			v := w.values[j].end()
			if m := len(row.Measures); j < m {
				row.Measures[j] += float32(v * share)
			} else {
				row.Goals[j-m] += float32(w.plan.QD.Goals[j-m].sign() * v * share)
			}
		}
		if w.observer != nil {
			for j, v := range w.observer.out {
				row.Obs[j] += float32(v * float32(share))
			}
		}
	}
	row.Objective[0] = float32(sum * share)
	if areas := w.plan.QD.Areas; len(areas) > 0 {
		row.Objective[0], _ = inAreas(areas, row.Measures)
	}
	return steps, nil
}

func (w *qdWorld) episode(key rng.Key) (sum float64, steps int64, err error) {
	b := w.batch
	clear(w.values)
	for w.vec.Reset(key.Uint64()); ; steps++ {
		if err := w.vec.Observe(b); err != nil {
			return 0, 0, err
		}
		w.policy.Act(b, rng.Key{}, false)
		if err := w.vec.Step(b); err != nil {
			return 0, 0, err
		}
		if err := w.score(); err != nil {
			return 0, 0, err
		}
		sum += float64(w.rew[0])
		for i := range w.measures {
			w.values[i].step(&w.measures[i], b)
		}
		if w.lesson != nil {
			w.policy.g.record(w.lesson, b, w.rew[0])
		}
		over := b.End[0] != env.Running
		if w.observer != nil {
			w.observer.step(int(steps), over, b)
		}
		if over {
			return sum, steps + 1, nil
		}
	}
}

func (w *qdWorld) score() (err error) {
	defer w.plan.recoverReward(w.reward, w.batch, &err)
	if err := rewards.Follow(w.reward, w.rew, w.batch); err != nil {
		return &rewardError{err: err}
	}
	if err := checkReward(w.batch, w.rew, w.reward); err != nil {
		return &rewardError{err: err}
	}
	return nil
}

func (t *tally) step(m *measured, b *env.Batch) {
	if t.fixed {
		return
	}
	v := float64(m.of.value(b))
	t.n++
	if m.take == "signature" {
		t.follow(m, b)
		return
	}
	for _, w := range m.when {
		if w.value(b) > 0 {
			t.value, t.fixed = v, true
			return
		}
	}
	switch {
	case t.n == 1 || m.take == "last":
		t.value = v
	case m.take == "min":
		t.value = min(t.value, v)
	case m.take == "max":
		t.value = max(t.value, v)
	case m.take == "mean":
		t.value += (v - t.value) / float64(t.n)
	case m.take == "sum":
		t.value += v
	}
}

// record adds a step to what is learned from, with actions from -1 to 1.
func (g *genome) record(t *pga.Transitions, b *env.Batch, reward float32) {
	t.N++
	t.Obs, t.Next = append(t.Obs, b.Obs...), append(t.Next, b.Next...)
	at := 0
	for i := range g.spec.Act {
		f := &g.spec.Act[i]
		for range f.Len {
			t.Act = append(t.Act, (2*b.Act[at]-f.Lo-f.Hi)/(f.Hi-f.Lo))
			at++
		}
	}
	done := float32(0)
	if b.End[0] == env.Terminated {
		done = 1
	}
	t.Reward, t.Done = append(t.Reward, reward), append(t.Done, done)
}

// learns makes the pool keep the transitions of each batch for the emitters that learn from them.
func (q *qdPool) learns(s searcher) {
	e, ok := s.(emitterSearch)
	if !ok {
		return
	}
	for _, emitter := range e.Emitters {
		if l, ok := emitter.(*pga.Emitter); ok {
			q.learners = append(q.learners, l)
		}
	}
	for _, w := range q.worlds {
		if len(q.learners) > 0 {
			w.lesson = &pga.Transitions{}
		}
	}
}

// A qdPool evaluates batches in as many worlds as there are workers.
type qdPool struct {
	worlds   []*qdWorld
	steps    atomic.Int64 // transitions so far
	learners []*pga.Emitter
}

func newQDPool(p *Plan, workers int) (*qdPool, error) {
	g, pool := newGenome(p), &qdPool{}
	for range workers {
		w, err := newQDWorld(p, g)
		if err != nil {
			pool.close()
			return nil, err
		}
		pool.worlds = append(pool.worlds, w)
	}
	return pool, nil
}

func (q *qdPool) close() {
	for _, w := range q.worlds {
		w.vec.Close()
	}
}

// evaluate plays every row of b. Row i plays the episodes of key(i).
func (q *qdPool) evaluate(b *qd.Batch, episodes int, key func(i int) rng.Key) error {
	var next atomic.Int64
	errs, lessons := make([]error, b.N), make([]*pga.Transitions, b.N)
	var wg sync.WaitGroup
	for _, w := range q.worlds {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < b.N; i = int(next.Add(1)) - 1 {
				var n int64
				n, errs[i] = w.play(b, i, episodes, key(i))
				lessons[i] = w.lesson
				q.steps.Add(n)
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("solution %d: %w", i, err)
		}
	}
	for _, l := range q.learners { // in the order of rows, whatever worker played them
		for _, t := range lessons {
			if err := l.Observe(t); err != nil {
				return err
			}
		}
	}
	return nil
}
