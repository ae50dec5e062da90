package ppo

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

const purposeOffline rng.Purpose = 0x70706f20

var (
	_ agents.Imitator = (*agent)(nil)
	_ agents.Chooser  = (*agent)(nil)
)

// fromBounds sets rows of the distribution's numbers to those of actions.
func (a *agent) fromBounds(raw, act []float32) {
	for i, v := range act {
		if b := &a.bounds[i%a.act]; b.choice {
			raw[i] = v
		} else {
			raw[i] = (v - b.mid) / b.half
		}
	}
}

// LogProb writes the log-probability of each action row.
func (a *agent) LogProb(dst, obs, act []float32) {
	w, params := &a.work[0], a.ofNet(a.params)
	for lo := 0; lo < len(dst); lo += actBlock {
		n := min(actBlock, len(dst)-lo)
		a.normalize(w.obs[:n*a.obs], obs[lo*a.obs:(lo+n)*a.obs])
		a.fromBounds(w.act[:n*a.act], act[lo*a.act:(lo+n)*a.act])
		a.net.ForwardPolicy(params, w.tape, w.obs[:n*a.obs], n)
		a.head.Forward(w.head, w.tape.Policy, a.net.Free(params), w.act[:n*a.act])
		copy(dst[lo:lo+n], w.head.LogProb)
	}
}

// An offline is recorded rows and how much the loss changes with the log-probability of each.
type offline struct {
	obs, act []float32 // as the network sees them
	slope    []float32
	rows     []int32 // of the current step
	share    float32
}

// add appends rows, unless they do not fit.
func (d *offline) add(a *agent, obs, act []float32) error {
	n := len(act) / a.act
	if n == 0 || len(obs) != n*a.obs || len(act) != n*a.act {
		return fmt.Errorf("ppo: %d observation and %d action numbers, want rows of %d and %d", len(obs), len(act), a.obs, a.act)
	}
	at := len(d.slope)
	d.obs, d.act = append(d.obs, make([]float32, len(obs))...), append(d.act, make([]float32, len(act))...)
	d.slope = append(d.slope, make([]float32, n)...)
	a.normalize(d.obs[at*a.obs:], obs)
	a.fromBounds(d.act[at*a.act:], act)
	return nil
}

// gradient adds that of rows lo to hi of the step.
func (d *offline) gradient(a *agent, wi, lo, hi int, grad []float32) {
	w, params, netGrad := &a.work[wi], a.ofNet(a.params), a.ofNet(grad)
	n := hi - lo
	for i, k := range d.rows[lo:hi] {
		copy(w.obs[i*a.obs:(i+1)*a.obs], d.obs[int(k)*a.obs:])
		copy(w.act[i*a.act:(i+1)*a.act], d.act[int(k)*a.act:])
		w.dLogProb[i], w.dEntropy[i], w.dValue[i] = d.share*d.slope[k], 0, 0
	}
	a.net.Forward(params, w.tape, w.obs, n)
	a.head.Forward(w.head, w.tape.Policy, a.net.Free(params), w.act[:n*a.act])
	a.head.Backward(w.head, w.dLogProb[:n], w.dEntropy[:n], w.dPolicy, a.net.Free(netGrad))
	a.net.Backward(params, netGrad, w.tape, w.dPolicy[:n*a.head.Inputs()], w.dValue[:n])
}

// step moves the parameters by the gradient of some rows.
func (d *offline) step(a *agent, t *nn.Trainer, rows []int32, share float32, lr float64) error {
	d.rows, d.share = rows, share
	t.Gradient(len(rows), func(wi, _, lo, hi int, grad []float32) { d.gradient(a, wi, lo, hi, grad) })
	if _, err := t.Step(float32(lr)); err != nil {
		return fmt.Errorf("ppo: %w", err)
	}
	return nil
}

func validOffline(o agents.Offline, n int) error {
	if o.Epochs < 1 || o.Minibatch < 1 || !(o.LearningRate > 0) || n == 0 {
		return fmt.Errorf("ppo: cannot learn from %d recordings with %+v", n, o)
	}
	return nil
}

// Imitate makes recorded actions more probable. With normalize_obs, it first takes the statistics
// of the recorded observations for its own. Only the policy learns, not the critic.
func (a *agent) Imitate(obs, act []float32, o agents.Offline) (float64, error) {
	if err := validOffline(o, len(act)/a.act); err != nil {
		return 0, err
	}
	if len(obs)/a.obs != len(act)/a.act {
		return 0, fmt.Errorf("ppo: %d observation and %d action numbers, want rows of %d and %d", len(obs), len(act), a.obs, a.act)
	}
	if a.norm != nil {
		a.norm.add(obs)
		a.norm.merge()
		a.norm.freeze()
	}
	d := &offline{}
	if err := d.add(a, obs, act); err != nil {
		return 0, err
	}
	order := make([]int32, len(d.slope))
	for i := range order {
		order[i], d.slope[i] = int32(i), -1
	}
	t := nn.NewTrainer(a.params, min(o.Minibatch, len(order)), a.pool)
	for epoch := range o.Epochs {
		r := o.Key.Stream(purposeOffline, 0, uint32(epoch))
		r.Shuffle(order)
		for lo := 0; lo < len(order); lo += o.Minibatch {
			rows := order[lo:min(lo+o.Minibatch, len(order))]
			if err := d.step(a, t, rows, 1/float32(len(rows)), o.LearningRate); err != nil {
				return 0, err
			}
		}
	}
	said, mean := make([]float32, len(order)), 0.0
	a.LogProb(said, obs, act)
	for _, x := range said {
		mean += float64(x) / float64(len(said))
	}
	return mean, nil
}

// Choose makes the better of two pieces of behaviour more probable. The loss of a pair is
//
//	-log logistic(beta (log pi(better)/pi0(better) - log pi(worse)/pi0(worse)))
//
// with sums over the rows of each, and pi0 the policy as it was.
func (a *agent) Choose(pairs []agents.Comparison, beta float64, o agents.Offline) (float64, error) {
	if err := validOffline(o, len(pairs)); err != nil {
		return 0, err
	}
	if !(beta > 0) || math.IsInf(beta, 0) {
		return 0, fmt.Errorf("ppo: beta is %v, want above 0", beta)
	}
	d, ends, most := &offline{}, make([][3]int, len(pairs)), 0
	for i, p := range pairs {
		ends[i][0] = len(d.slope)
		if err := d.add(a, p.BetterObs, p.BetterAct); err != nil {
			return 0, fmt.Errorf("comparison %d: %w", i, err)
		}
		ends[i][1] = len(d.slope)
		if err := d.add(a, p.WorseObs, p.WorseAct); err != nil {
			return 0, fmt.Errorf("comparison %d: %w", i, err)
		}
		ends[i][2] = len(d.slope)
		most = max(most, ends[i][2]-ends[i][0])
	}
	c := &chooser{pairs: pairs, ends: ends, beta: float32(beta), now: make([]float32, most)}
	before := make([]float32, len(pairs))
	order := make([]int32, len(pairs))
	for i := range pairs {
		order[i], before[i] = int32(i), c.lead(a, i)
	}
	t := nn.NewTrainer(a.params, most*min(o.Minibatch, len(pairs)), a.pool)
	for epoch := range o.Epochs {
		r := o.Key.Stream(purposeOffline, 1, uint32(epoch))
		r.Shuffle(order)
		for lo := 0; lo < len(order); lo += o.Minibatch {
			var rows []int32
			part := order[lo:min(lo+o.Minibatch, len(order))]
			for _, k := range part {
				z := c.beta * (c.lead(a, int(k)) - before[k])
				g := -c.beta / (1 + geom.Exp(geom.Clamp(z, -80, 80)))
				for row := ends[k][0]; row < ends[k][2]; row++ {
					if d.slope[row] = g; row >= ends[k][1] {
						d.slope[row] = -g
					}
					rows = append(rows, int32(row))
				}
			}
			if err := d.step(a, t, rows, 1/float32(len(part)), o.LearningRate); err != nil {
				return 0, err
			}
		}
	}
	right := 0.0
	for i := range pairs {
		if c.lead(a, i) > before[i] {
			right += 1 / float64(len(pairs))
		}
	}
	return right, nil
}

// A chooser is the comparisons of Choose.
type chooser struct {
	pairs []agents.Comparison
	ends  [][3]int
	beta  float32
	now   []float32
}

// lead is how much more probable, as a logarithm, the better behaviour of a pair is than the worse.
func (c *chooser) lead(a *agent, i int) (sum float32) {
	p, e := &c.pairs[i], c.ends[i]
	n, m := e[1]-e[0], e[2]-e[1]
	a.LogProb(c.now[:n], p.BetterObs, p.BetterAct)
	for _, x := range c.now[:n] {
		sum += x
	}
	a.LogProb(c.now[:m], p.WorseObs, p.WorseAct)
	for _, x := range c.now[:m] {
		sum -= x
	}
	return sum
}
