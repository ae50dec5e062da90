package lab

import (
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd/pga"
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

// A tally is a measure in the making.
type tally struct {
	value float64
	n     int
	fixed bool // by an event
	path  *pathTally
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
