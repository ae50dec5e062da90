package nn

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// ActorCriticConfig says what an ActorCritic looks like.
type ActorCriticConfig struct {
	Obs        int   // numbers a row of observation
	Head       *Head // the distribution of actions
	Hidden     []int // widths of the hidden layers
	Activation Activation
	LayerNorm  bool
	Shared     bool    // one body for policy and value, instead of two networks of the same shape
	LogStd     float32 // initial logarithm of the standard deviation of Gaussian actions
}

// An ActorCritic is a network, or two, from an observation to the inputs of a Head and to an
// estimate of value. Like an MLP it holds the shape only.
//
// The parameters are those of the actor's MLP, then those of the critic's; with a shared body, one
// MLP whose last output is the value; and at the end the free parameters of the Head.
//
// Init makes the weights orthogonal with gains of sqrt(2) for hidden layers, 0.01 for the policy
// and 1 for the value, after Andrychowicz et al., "What Matters for On-Policy Deep Actor-Critic
// Methods?" (ICLR 2021), section 3.2, who find the small policy gain to matter most.
type ActorCritic struct {
	cfg    ActorCriticConfig
	actor  *MLP // also the critic, if that is nil
	critic *MLP
}

// NewActorCritic returns the network of the given shape. It panics if a width is below 1.
func NewActorCritic(c ActorCriticConfig) *ActorCritic {
	mc := MLPConfig{
		In: c.Obs, Hidden: c.Hidden, Out: c.Head.Inputs(), Activation: c.Activation,
		LayerNorm: c.LayerNorm, OutGain: policyGain,
	}
	n := &ActorCritic{cfg: c}
	if c.Shared {
		mc.Out++
		n.actor = NewMLP(mc)
		return n
	}
	n.actor = NewMLP(mc)
	mc.Out, mc.OutGain = 1, 1
	n.critic = NewMLP(mc)
	return n
}

const policyGain = 0.01

// Head returns the distribution of actions.
func (n *ActorCritic) Head() *Head { return n.cfg.Head }

// NumParams returns the number of parameters.
func (n *ActorCritic) NumParams() int {
	_, free := n.split()
	return free + n.cfg.Head.Free()
}

// split returns where the parameters of the critic and the free ones begin.
func (n *ActorCritic) split() (critic, free int) {
	critic = n.actor.NumParams()
	free = critic
	if n.critic != nil {
		free += n.critic.NumParams()
	}
	return critic, free
}

// Free returns the part of p that is the free parameters of the Head.
func (n *ActorCritic) Free(p []float32) []float32 {
	_, free := n.split()
	return p[free:]
}

// Init fills p with initial parameters drawn from k.
func (n *ActorCritic) Init(p []float32, k rng.Key) {
	critic, free := n.split()
	n.actor.Init(p[:critic], k.Fold(0))
	if n.critic != nil {
		n.critic.Init(p[critic:free], k.Fold(1))
	} else {
		n.initValue(p[:critic], k.Fold(1))
	}
	for i := range p[free:] {
		p[free+i] = n.cfg.LogStd
	}
}

// initValue gives the last column of the shared output layer, the value, its own scale.
func (n *ActorCritic) initValue(p []float32, k rng.Key) {
	l := n.actor.layers[len(n.actor.layers)-1]
	s := k.Stream(purposeInit, 0, 0)
	w := make([]float32, l.in)
	Orthogonal(w, l.in, 1, 1, &s)
	for i, v := range w {
		p[l.w+i*l.out+l.out-1] = v
	}
}

// Where names the place of parameter i, such as "actor layer 1, bias 3".
func (n *ActorCritic) Where(i int) string {
	critic, free := n.split()
	switch {
	case i >= free:
		return fmt.Sprintf("free parameter %d of the action distribution", i-free)
	case i >= critic:
		return "critic " + n.critic.Where(i-critic)
	case n.critic == nil:
		return n.actor.Where(i)
	}
	return "actor " + n.actor.Where(i)
}

// An ActorCriticTape holds the results of Forward and what Backward needs. Use one for each
// goroutine.
type ActorCriticTape struct {
	Policy []float32 // rows x Head.Inputs(): what the Head's methods take
	Value  []float32 // rows

	actor, critic *Tape
	joint         []float32 // outputs of a shared body, or their gradient
}

// NewTape returns a tape for up to the given number of rows.
func (n *ActorCritic) NewTape(rows int) *ActorCriticTape {
	t := &ActorCriticTape{actor: n.actor.NewTape(rows)}
	if n.critic != nil {
		t.critic = n.critic.NewTape(rows)
		return t
	}
	t.joint = make([]float32, rows*n.actor.Out())
	t.Policy = make([]float32, 0, rows*n.cfg.Head.Inputs())
	t.Value = make([]float32, 0, rows)
	return t
}

// Forward computes t.Policy and t.Value for the first rows rows of obs (rows x Obs), which must
// hold until Backward.
func (n *ActorCritic) Forward(p []float32, t *ActorCriticTape, obs []float32, rows int) {
	critic, free := n.split()
	y := n.actor.Forward(p[:critic], t.actor, obs, rows)
	if n.critic != nil {
		t.Policy = y
		t.Value = n.critic.Forward(p[critic:free], t.critic, obs, rows)
		return
	}
	w := n.actor.Out()
	t.Policy, t.Value = t.Policy[:rows*(w-1)], t.Value[:rows]
	for i := range rows {
		row := y[i*w : (i+1)*w]
		copy(t.Policy[i*(w-1):(i+1)*(w-1)], row)
		t.Value[i] = row[w-1]
	}
}

// ForwardPolicy is Forward without the value, which it leaves undefined: it spares a critic of its
// own. No Backward may follow.
func (n *ActorCritic) ForwardPolicy(p []float32, t *ActorCriticTape, obs []float32, rows int) {
	if n.critic == nil {
		n.Forward(p, t, obs, rows)
		return
	}
	t.Policy = n.actor.Forward(p[:n.actor.NumParams()], t.actor, obs, rows)
}

// ForwardValue is Forward without the policy, which it leaves undefined.
func (n *ActorCritic) ForwardValue(p []float32, t *ActorCriticTape, obs []float32, rows int) {
	if n.critic == nil {
		n.Forward(p, t, obs, rows)
		return
	}
	critic, free := n.split()
	t.Value = n.critic.Forward(p[critic:free], t.critic, obs, rows)
}

// Backward adds to grad the gradient of a loss with respect to the parameters, given those with
// respect to t.Policy and t.Value of the last Forward. It leaves the free parameters of the Head,
// to which Head.Backward adds.
func (n *ActorCritic) Backward(p, grad []float32, t *ActorCriticTape, dPolicy, dValue []float32) {
	critic, free := n.split()
	if n.critic != nil {
		n.actor.Backward(p[:critic], grad[:critic], t.actor, dPolicy, nil)
		n.critic.Backward(p[critic:free], grad[critic:free], t.critic, dValue, nil)
		return
	}
	w, rows := n.actor.Out(), t.actor.rows
	for i := range rows {
		row := t.joint[i*w : (i+1)*w]
		copy(row, dPolicy[i*(w-1):(i+1)*(w-1)])
		row[w-1] = dValue[i]
	}
	n.actor.Backward(p[:critic], grad[:critic], t.actor, t.joint, nil)
}
