package ppo

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
)

// An anchor is the policy that training has to stay near. Its observations are normalised as they
// were when it was dropped.
type anchor struct {
	coef    float32
	params  []float32
	norm    *scaler
	logProb []float32 // of the actions of the rollout, under the anchor
	kl      []float32 // of the policy from the anchor, where those were taken
	work    []anchorWork
}

// anchorWork is the scratch memory of one worker.
type anchorWork struct {
	tape *nn.ActorCriticTape
	head *nn.HeadTape
	obs  []float32
}

// Anchor makes the agent begin as a copy of another of the same shape, and stay near it: each step
// costs coef times the logarithm of how much more probable its action has become, which in the mean
// is the divergence from the other policy (Ziegler et al., "Fine-Tuning Language Models from Human
// Preferences", 2019, eq. 2). With coef 0 it is free to go, and the divergence is only measured:
// Learn reports anchor/kl, the mean over steps of KL(policy | anchor), in nats.
//
// The anchor is not part of the state. After one was loaded, Anchor has to be called again, with
// the other agent, and again makes a copy: load the state last.
func (a *agent) Anchor(to agents.Policy, coef float64) error {
	from, ok := to.(*agent)
	if !ok || from.net.NumParams() != a.net.NumParams() || from.obs != a.obs || from.act != a.act || (from.norm == nil) != (a.norm == nil) {
		return fmt.Errorf("ppo: an anchor has to be a ppo agent with the same networks and normalisation")
	}
	if !(coef >= 0) || coef-coef != 0 {
		return fmt.Errorf("ppo: weight of the divergence from the anchor is %v, want 0 or more", coef)
	}
	copy(a.ofNet(a.params), from.ofNet(from.params))
	w := &anchor{
		coef: float32(coef), params: slices.Clone(from.ofNet(from.params)),
		logProb: make([]float32, len(a.roll.logProb)), kl: make([]float32, len(a.roll.logProb)), work: make([]anchorWork, len(a.work)),
	}
	if a.norm != nil {
		a.norm.cut(from.norm.append(nil))
		a.norm.freeze()
		w.norm = newScaler(a.obs, a.ClipObs)
		w.norm.cut(from.norm.append(nil))
		w.norm.freeze()
	}
	for i := range w.work {
		w.work[i] = anchorWork{
			tape: a.net.NewTape(actBlock), head: a.head.NewTape(actBlock), obs: make([]float32, actBlock*a.obs),
		}
	}
	a.anchor = w
	return nil
}

// compare notes how probable the actions of n rows from lo on are under the anchor, given the
// policy's tape. It is called by the worker that has just acted.
func (w *anchor) compare(a *agent, wi, lo, n int, raw []float32) {
	s := &w.work[wi]
	obs := s.obs[:n*a.obs]
	if w.norm == nil {
		copy(obs, a.acting.Obs[lo*a.obs:(lo+n)*a.obs])
	} else {
		w.norm.apply(obs, a.acting.Obs[lo*a.obs:(lo+n)*a.obs])
	}
	a.net.ForwardPolicy(w.params, s.tape, obs, n)
	a.head.Forward(s.head, s.tape.Policy, a.net.Free(w.params), raw)
	at := a.roll.at(lo)
	copy(w.logProb[at:], s.head.LogProb)
	a.head.KL(w.kl[at:at+n], a.work[wi].tape.Policy, a.net.Free(a.ofNet(a.params)), s.tape.Policy, a.net.Free(w.params))
}

// meanKL returns the mean divergence over a full rollout.
func (w *anchor) meanKL() float64 {
	sum := 0.0
	for _, x := range w.kl {
		sum += float64(x)
	}
	return sum / float64(len(w.kl))
}
