package ppo

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// actBlock is the number of rows that a worker passes through the network at a time.
const actBlock = 64

const purposeShuffle rng.Purpose = 0x70706f01 // the order of rows in an epoch

// agent is the learner. Its parts: the network and its optimiser; what it has recorded since the
// last update; statistics of observations and rewards.
type agent struct {
	Config
	spec     *env.Spec
	key      rng.Key
	allSteps int64

	net     *nn.ActorCritic
	curious *nn.MLP // the critic of bonuses, whose parameters follow those of net; or nil
	head    *nn.Head
	params  []float32
	trainer *nn.Trainer
	pool    *nn.Pool
	work    []worker // one a worker of pool

	rows               int     // of the batches it learns from
	obs, act           int     // widths
	bounds             []bound // of each action column
	norm               *scaler // of observations
	rewards            *rewardScaler
	roll               *rollout
	anchor             *anchor // nil without
	updates            int64   // made so far
	rowsLearned        int64
	metrics            metrics
	order              []int32 // of the rows of the rollout, as shuffled
	batch              []int32 // the part of order that is the current minibatch
	blockMetrics       []sums  // of each block of a minibatch
	advShift, advScale float32 // of the advantages of the current minibatch

	// of the call of Act in progress
	acting  *env.Batch
	actKey  rng.Key
	explore bool

	onAct  func(worker, i int) // made once, so that no call allocates
	onLoss nn.Loss
}

// worker is the scratch memory of one worker of the pool.
type worker struct {
	tape                                *nn.ActorCriticTape
	head                                *nn.HeadTape
	obs, act                            []float32
	dLogProb, dEntropy, dValue, dPolicy []float32
	curious                             *nn.Tape // nil without an intrinsic critic
	dBonus                              []float32
	bonusLoss                           float64
}

func newAgent(c Config, s agents.Setup, head *nn.Head) *agent {
	c.Hidden = slices.Clone(c.Hidden)
	a := &agent{
		Config: c, spec: s.Spec, key: s.Key, allSteps: s.Steps,
		head: head, rows: s.Rows, obs: env.Width(s.Spec.Obs), act: env.Width(s.Spec.Act), pool: nn.NewPool(s.Workers),
	}
	a.net = nn.NewActorCritic(nn.ActorCriticConfig{
		Obs: a.obs, Head: head, Hidden: c.Hidden, Activation: c.Activation, LayerNorm: c.LayerNorm,
		Shared: c.Shared, LogStd: float32(c.LogStd),
	})
	size := a.net.NumParams()
	if c.IntrinsicCoef > 0 {
		a.curious = nn.NewMLP(nn.MLPConfig{
			In: a.obs, Hidden: c.Hidden, Out: 1, Activation: c.Activation, LayerNorm: c.LayerNorm, OutGain: 1,
		})
		size += a.curious.NumParams()
	}
	a.params = make([]float32, size)
	a.net.Init(a.ofNet(a.params), s.Key.Fold(initFold))
	if a.curious != nil {
		a.curious.Init(a.ofCurious(a.params), s.Key.Fold(curiousFold))
	}
	rows, steps, minibatch := s.Rows, c.Rollout, c.Minibatch
	if c.Device {
		rows, steps, minibatch = 0, 0, 1 // they are on the device
	}
	a.trainer = nn.NewTrainer(a.params, minibatch, a.pool)
	a.trainer.Adam.Eps = 1e-5
	a.trainer.MaxNorm = float32(c.MaxGradNorm)
	for _, f := range s.Spec.Act {
		for range f.Len {
			a.bounds = append(a.bounds, bound{f.Lo, f.Hi, (f.Lo + f.Hi) / 2, (f.Hi - f.Lo) / 2, f.Choices > 0})
		}
	}
	if c.NormalizeObs {
		a.norm = newScaler(a.obs, c.ClipObs)
	}
	if c.NormalizeReward {
		a.rewards = newRewardScaler(s.Rows, c.Gamma, c.ClipReward)
	}
	a.roll = newRollout(rows, steps, a.obs, a.act)
	if a.curious != nil {
		bonus := newReturns(rows*steps, rows)
		a.roll.bonus = &bonus
	}
	a.order = make([]int32, rows*steps)
	a.blockMetrics = make([]sums, nn.Blocks(minibatch))
	a.work = make([]worker, a.pool.Workers())
	for i := range a.work {
		a.work[i] = a.newWorker()
	}
	a.onAct, a.onLoss = a.actBlock, a.loss
	return a
}

// What the key of Setup is folded with.
const (
	initFold    = 0
	shuffleFold = 1
	curiousFold = 2
)

// ofNet returns the part of parameters or gradients p that is of net, ofCurious the rest.
func (a *agent) ofNet(p []float32) []float32     { return p[:a.net.NumParams()] }
func (a *agent) ofCurious(p []float32) []float32 { return p[a.net.NumParams():] }

// where names the place of parameter i.
func (a *agent) where(i int) string {
	if n := a.net.NumParams(); i >= n {
		return "intrinsic critic " + a.curious.Where(i-n)
	}
	return a.net.Where(i)
}

func (a *agent) newWorker() worker {
	const n = max(nn.BlockRows, actBlock)
	f := func(w int) []float32 { return make([]float32, n*w) }
	w := worker{
		tape: a.net.NewTape(n), head: a.head.NewTape(n), obs: f(a.obs), act: f(a.act),
		dLogProb: f(1), dEntropy: f(1), dValue: f(1), dPolicy: f(a.head.Inputs()),
	}
	if a.curious != nil {
		w.curious, w.dBonus = a.curious.NewTape(n), f(1)
	}
	return w
}

// Act fills b.Act. When exploring with as many rows as it learns from, it also notes what Record
// will need: the next call of Record is about the last such batch.
func (a *agent) Act(b *env.Batch, k rng.Key, explore bool) {
	a.acting, a.actKey, a.explore = b, k, explore
	if a.noting() {
		a.roll.acted = true
	}
	a.pool.Do((b.N+actBlock-1)/actBlock, a.onAct)
	a.acting = nil
}

// noting reports whether the current call of Act is part of a rollout.
func (a *agent) noting() bool { return a.explore && a.acting.N == a.roll.rows }

// actBlock acts for one block of rows.
func (a *agent) actBlock(wi, block int) {
	lo := block * actBlock
	hi := min(lo+actBlock, a.acting.N)
	n, w := hi-lo, &a.work[wi]
	obs, raw := w.obs[:n*a.obs], w.act[:n*a.act]
	if a.noting() {
		at := a.roll.at(lo)
		obs, raw = a.roll.obs[at*a.obs:(at+n)*a.obs], a.roll.act[at*a.act:(at+n)*a.act]
	}
	a.normalize(obs, a.acting.Obs[lo*a.obs:hi*a.obs])
	params := a.ofNet(a.params)
	free := a.net.Free(params)
	switch {
	case !a.explore:
		a.net.ForwardPolicy(params, w.tape, obs, n)
		a.head.Mode(raw, w.tape.Policy, free)
	case !a.noting():
		a.net.ForwardPolicy(params, w.tape, obs, n)
		a.head.Sample(raw, w.tape.Policy, free, a.actKey, lo)
	default:
		a.net.Forward(params, w.tape, obs, n)
		a.head.Sample(raw, w.tape.Policy, free, a.actKey, lo)
		a.head.Forward(w.head, w.tape.Policy, free, raw)
		at := a.roll.at(lo)
		copy(a.roll.value[at:], w.tape.Value)
		copy(a.roll.logProb[at:], w.head.LogProb)
		if a.anchor != nil {
			a.anchor.compare(a, wi, lo, n, raw)
		}
		if a.curious != nil {
			copy(a.roll.bonus.value[at:], a.curious.Forward(a.ofCurious(a.params), w.curious, obs, n))
		}
	}
	a.toBounds(a.acting.Act[lo*a.act:hi*a.act], raw)
}

// normalize sets the rows of dst to what the network sees of observations x.
func (a *agent) normalize(dst, x []float32) {
	if a.norm == nil {
		copy(dst, x)
		return
	}
	a.norm.apply(dst, x)
}

// A bound is that of an action column.
type bound struct {
	lo, hi, mid, half float32
	choice            bool
}

// action returns what the environment is told for the number v of the distribution, where -1..1
// stands for the bounds and what lies beyond is clipped. Choices stay as they are.
func (b *bound) action(v float32) float32 {
	if b.choice {
		return v
	}
	return geom.Clamp(b.mid+float32(b.half*v), b.lo, b.hi)
}

// toBounds sets the action rows of dst to those of the distribution.
func (a *agent) toBounds(dst, raw []float32) {
	for ; len(raw) > 0; raw, dst = raw[a.act:], dst[a.act:] {
		for j := range a.bounds {
			dst[j] = a.bounds[j].action(raw[j])
		}
	}
}

// chose reports whether b.Act is what Act has noted for the current step.
func (a *agent) chose(b *env.Batch) bool {
	at := a.roll.at(0) * a.act
	for i, v := range b.Act {
		if v != a.bounds[i%a.act].action(a.roll.act[at+i]) {
			return false
		}
	}
	return true
}

// Record stores the transition. It panics if the rollout is full or Act did not choose the
// actions: PPO cannot learn from those of another policy.
func (a *agent) Record(b *env.Batch, reward []float32) { a.RecordBonus(b, reward, nil) }

// RecordBonus is Record with a bonus for each row. With intrinsic_coef, the bonus has returns, a
// critic and a discount of its own; without, it is added to the reward. No bonus is one of 0.
func (a *agent) RecordBonus(b *env.Batch, reward, bonus []float32) {
	r := a.roll
	if bonus != nil && len(bonus) != r.rows {
		panic(fmt.Sprintf("ppo: Record of %d bonuses, want %d", len(bonus), r.rows))
	}
	switch {
	case b.N != r.rows || len(reward) != r.rows:
		panic(fmt.Sprintf("ppo: Record of %d rows and %d rewards, want %d", b.N, len(reward), r.rows))
	case !r.acted:
		panic("ppo: Record without Act with explore before it")
	case r.full():
		panic("ppo: Record without Learn after the last one")
	case !a.chose(b):
		panic("ppo: Record of actions that Act did not choose")
	}
	at := r.at(0)
	copy(r.reward[at:], reward)
	copy(r.end[at:], b.End)
	if w := a.anchor; w != nil {
		for i := at; i < at+r.rows; i++ {
			r.reward[i] -= float32(w.coef * (r.logProb[i] - w.logProb[i]))
		}
	}
	if t := float32(a.Temperature); t > 0 {
		for i := at; i < at+r.rows; i++ {
			r.reward[i] -= float32(t * r.logProb[i])
		}
	}
	switch {
	case a.curious == nil:
		for i, x := range bonus {
			r.reward[at+i] += x
		}
	case bonus == nil:
		clear(r.bonus.reward[at : at+r.rows])
	default:
		copy(r.bonus.reward[at:], bonus)
	}
	if a.norm != nil {
		a.norm.add(b.Obs)
	}
	last := r.step == r.steps-1
	for i, end := range b.End {
		if end == env.Truncated || last && (end == env.Running || a.curious != nil) {
			r.open = append(r.open, int32(i))
		}
	}
	a.valueNext(b)
	r.step++
	r.acted = false
}

// valueNext notes the value of the true successor of each row in roll.open.
func (a *agent) valueNext(b *env.Batch) {
	r, w := a.roll, &a.work[0]
	for open := r.open; len(open) > 0; {
		n := min(len(open), actBlock)
		for j, i := range open[:n] {
			a.normalize(w.obs[j*a.obs:(j+1)*a.obs], b.Next[int(i)*a.obs:(int(i)+1)*a.obs])
		}
		a.net.ForwardValue(a.ofNet(a.params), w.tape, w.obs[:n*a.obs], n)
		for j, i := range open[:n] {
			r.next[r.at(int(i))] = w.tape.Value[j]
		}
		if a.curious != nil {
			v := a.curious.Forward(a.ofCurious(a.params), w.curious, w.obs[:n*a.obs], n)
			for j, i := range open[:n] {
				r.bonus.next[r.at(int(i))] = v[j]
			}
		}
		open = open[n:]
	}
	r.open = r.open[:0]
}

var (
	_ agents.Config        = (*Config)(nil)
	_ agents.Agent         = (*agent)(nil)
	_ agents.BonusRecorder = (*agent)(nil)
)
