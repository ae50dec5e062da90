package ppo

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/agenttest"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// randomRollout returns a rollout of normal numbers with ends of all kinds.
func randomRollout(rows, steps int, s *rng.Stream) *rollout {
	r := newRollout(rows, steps, 1, 1)
	for k := range r.reward {
		r.reward[k], r.value[k], r.next[k] = s.Norm(), s.Norm(), s.Norm()
		if s.IntN(4) == 0 {
			r.end[k] = env.Terminated + env.End(s.IntN(2))
		}
	}
	return r
}

// Advantages by their definition, GAE (16): the sum over l of (gamma lambda)^l delta(t+l), as far
// as the episode and the rollout go, in O(T^2).
func TestAdvantagesAgainstDefinition(t *testing.T) {
	s := rng.New(1).Stream(0, 0, 0)
	for _, c := range []struct{ gamma, lambda float64 }{{0.99, 0.95}, {1, 1}, {0.9, 0}, {0, 0.5}, {0.7, 1}} {
		r := randomRollout(3, 20, &s)
		r.advantages(float32(c.gamma), float32(c.lambda))
		delta := func(t, i int) float64 {
			k := t*r.rows + i
			next := float64(r.next[k]) // the value of the true successor
			if r.end[k] == env.Terminated {
				next = 0
			} else if r.end[k] == env.Running && t+1 < r.steps {
				next = float64(r.value[k+r.rows])
			}
			return float64(r.reward[k]) + c.gamma*next - float64(r.value[k])
		}
		for i := range r.rows {
			for t0 := range r.steps {
				var want float64
				for l := 0; t0+l < r.steps; l++ {
					want += math.Pow(c.gamma*c.lambda, float64(l)) * delta(t0+l, i)
					if r.end[(t0+l)*r.rows+i] != env.Running {
						break
					}
				}
				k := t0*r.rows + i
				if math.Abs(float64(r.adv[k])-want) > 1e-5 {
					t.Fatalf("gamma %v, lambda %v: advantage of step %d, row %d is %v, want %v", c.gamma, c.lambda, t0, i, r.adv[k], want)
				}
				if math.Abs(float64(r.target[k]-r.value[k])-want) > 1e-5 {
					t.Fatalf("target of step %d, row %d is not advantage plus value", t0, i)
				}
			}
		}
	}
}

// With lambda 1 the target is the discounted return, whatever the values, up to the one at the end.
func TestTargetsAreReturns(t *testing.T) {
	s := rng.New(2).Stream(0, 0, 0)
	r := randomRollout(2, 15, &s)
	r.advantages(0.9, 1)
	for i := range r.rows {
		var ret float64
		for st := r.steps - 1; st >= 0; st-- {
			k := st*r.rows + i
			switch {
			case r.end[k] == env.Terminated:
				ret = 0
			case r.end[k] == env.Truncated || st == r.steps-1:
				ret = float64(r.next[k])
			}
			ret = float64(r.reward[k]) + 0.9*ret
			if math.Abs(float64(r.target[k])-ret) > 1e-5 {
				t.Fatalf("target of step %d, row %d is %v, want %v", st, i, r.target[k], ret)
			}
		}
	}
}

func TestExplainedVariance(t *testing.T) {
	r := newRollout(1, 4, 1, 1)
	copy(r.target, []float32{1, 2, 3, 4})
	if got := r.explainedVariance(); got != 1 { // no error at all
		t.Errorf("perfect values explain %v", got)
	}
	copy(r.adv, []float32{1, 2, 3, 4}) // values are 0
	if got := r.explainedVariance(); got != 0 {
		t.Errorf("constant values explain %v", got)
	}
	copy(r.adv, []float32{0.5, 1, 1.5, 2}) // values are half the target
	if got := r.explainedVariance(); got != 0.75 {
		t.Errorf("half the target explains %v, want 0.75", got)
	}
}

// Merged in pieces, moments are those of all numbers at once, also far from zero.
func TestMomentsAgainstTwoPasses(t *testing.T) {
	s := rng.New(3).Stream(0, 0, 0)
	m := newMoments(2)
	var all [2][]float64
	for piece := range 7 {
		for range 1 + piece*piece {
			row := []float32{1000 + 3*s.Norm(), s.Norm() * s.Norm()}
			m.add(row)
			all[0], all[1] = append(all[0], float64(row[0])), append(all[1], float64(row[1]))
		}
		m.merge()
		for j, x := range all {
			var mean, v float64
			for _, y := range x {
				mean += y / float64(len(x))
			}
			for _, y := range x {
				v += (y - mean) * (y - mean) / float64(len(x))
			}
			if math.Abs(m.mean[j]-mean) > 1e-9*math.Abs(mean)+1e-12 || math.Abs(m.variance(j)-v) > 1e-7*v+1e-12 {
				t.Fatalf("piece %d, column %d: mean %v, variance %v; want %v, %v", piece, j, m.mean[j], m.variance(j), mean, v)
			}
		}
	}
}

// The factor for rewards is one by the standard deviation of discounted returns, which start
// anew with each episode and go on across rollouts.
func TestRewardScaler(t *testing.T) {
	s := rng.New(4).Stream(0, 0, 0)
	sc := newRewardScaler(3, 0.9, 1.5)
	ret := make([]float64, 3)
	var seen []float64
	for range 4 {
		r := randomRollout(3, 10, &s)
		raw := append([]float32(nil), r.reward...)
		for k, x := range raw {
			i := k % 3
			ret[i] = 0.9*ret[i] + float64(x)
			seen = append(seen, ret[i])
			if r.end[k] != env.Running {
				ret[i] = 0
			}
		}
		var mean, v float64
		for _, x := range seen {
			mean += x / float64(len(seen))
		}
		for _, x := range seen {
			v += (x - mean) * (x - mean) / float64(len(seen))
		}
		f := float64(sc.scale(r))
		if math.Abs(f-1/math.Sqrt(v)) > 1e-5 {
			t.Fatalf("factor %v, want %v", f, 1/math.Sqrt(v))
		}
		for k, x := range raw {
			want := min(max(float64(x)*f, -1.5), 1.5)
			if math.Abs(float64(r.reward[k])-want) > 1e-5 {
				t.Fatalf("reward %v is scaled to %v, want %v", x, r.reward[k], want)
			}
		}
	}
}

func TestScaler(t *testing.T) {
	s := newScaler(2, 1.2)
	x := []float32{3, 100}
	dst := make([]float32, 2)
	if s.apply(dst, []float32{0.5, -9}); dst[0] != 0.5 || dst[1] != -1.2 {
		t.Errorf("before statistics, %v", dst)
	}
	s.add([]float32{1, 7, 3, 7, 5, 7}) // mean 3 and 7, variance 8/3 and 0
	if s.apply(dst, []float32{0.5, 0}); dst[0] != 0.5 {
		t.Error("statistics apply before they are frozen")
	}
	s.merge()
	s.freeze()
	if s.apply(dst, []float32{3 + float32(math.Sqrt(8.0/3)), 7}); math.Abs(float64(dst[0])-1) > 1e-6 || dst[1] != 0 {
		t.Errorf("one standard deviation up is %v", dst)
	}
	if s.apply(dst, x); dst[0] != 0 || dst[1] != 1.2 {
		t.Errorf("the mean and a distant number are %v, want 0 and the limit", dst)
	}
}

// twoStates alternates between states A and B, shown as 1 and -1, whatever the action. Leaving A
// pays 1. Every step ends the episode with probability quit; otherwise it is truncated after 5.
type twoStates struct{ quit float32 }

func (c *twoStates) Spec() (*env.Spec, error) {
	return &env.Spec{
		ID: "two-states", Agents: 1, Dt: 1, MaxSteps: 5,
		Obs:    []env.Field{{Name: "state", Len: 1, Lo: -1, Hi: 1}},
		Act:    []env.Field{{Name: "idle", Len: 1, Choices: 2}},
		Facts:  []env.Field{{Name: "paid", Len: 1, Lo: 0, Hi: 1}},
		Reward: []env.Term{{Fact: "paid", Weight: 1}},
	}, nil
}

func (c *twoStates) New() env.Env { return &twoStatesWorld{quit: c.quit} }

type twoStatesWorld struct {
	quit, state float32
	r           rng.Stream
}

func (w *twoStatesWorld) Reset(_ *env.Level, key rng.Key) {
	w.r = key.Stream(1, 0, 0)
	w.state = float32(1 - 2*w.r.IntN(2))
}
func (w *twoStatesWorld) Observe(obs []float32) { obs[0] = w.state }
func (w *twoStatesWorld) Step(b *env.Batch) {
	b.Facts[0] = max(w.state, 0)
	w.state = -w.state
	b.End[0] = env.Running
	if w.r.Float32() < w.quit {
		b.End[0] = env.Terminated
	}
}

// Truncation must not change values, and termination must. With g = gamma (1-quit),
// V(A) = 1 + g V(B) and V(B) = g V(A), hence V(A) = 1/(1-g^2).
func TestLearnedValuesAgainstClosedForm(t *testing.T) {
	for _, quit := range []float64{0, 0.2} {
		c := New()
		c.Rollout, c.Minibatch, c.Gamma, c.LearningRate, c.Hidden = 16, 64, 0.9, 3e-3, []int{16}
		c.NormalizeReward, c.NormalizeObs = false, false
		c.Schedule = "linear"
		const updates = 150
		r := trainer(t, &twoStates{float32(quit)}, 16, c, updates*16*16)
		for range updates {
			if err := r.Update(); err != nil {
				t.Fatal(err)
			}
		}
		a := r.Agent.(*agent)
		tape := a.net.NewTape(2)
		a.net.ForwardValue(a.params, tape, []float32{1, -1}, 2)
		g := 0.9 * (1 - quit)
		va := 1 / (1 - g*g)
		for i, want := range []float64{va, g * va} {
			if got := float64(tape.Value[i]); math.Abs(got-want) > 0.04*want {
				t.Errorf("quit %v: the value of state %c is %.3f, want %.3f", quit, 'A'+rune(i), got, want)
			}
		}
	}
}

// bandit pays 1 for the second of two arms; every step is an episode.
type bandit struct{ twoStates }

func (c *bandit) New() env.Env { return banditWorld{} }

type banditWorld struct{}

func (banditWorld) Reset(*env.Level, rng.Key) {}
func (banditWorld) Observe(obs []float32)     { obs[0] = 1 }
func (banditWorld) Step(b *env.Batch) {
	b.Facts[0] = b.Act[0]
	b.End[0] = env.Terminated
}

// The policy that maximises mean reward plus c times entropy is the softmax of reward/c.
func TestEntropyBonusAgainstClosedForm(t *testing.T) {
	for _, coef := range []float64{0.5, 1} {
		c := New()
		c.Rollout, c.Minibatch, c.EntropyCoef, c.LearningRate, c.Hidden = 64, 512, coef, 5e-3, []int{8}
		c.NormalizeReward, c.NormalizeObs, c.NormalizeAdvantage = false, false, false
		c.Schedule = "linear"
		const updates = 100
		r := trainer(t, &bandit{}, 16, c, updates*16*64)
		for range updates {
			if err := r.Update(); err != nil {
				t.Fatal(err)
			}
		}
		a := r.Agent.(*agent)
		tape := a.net.NewTape(1)
		a.net.ForwardPolicy(a.params, tape, []float32{1}, 1)
		got := 1 / (1 + math.Exp(float64(tape.Policy[0]-tape.Policy[1])))
		want := 1 / (1 + math.Exp(-1/coef))
		if math.Abs(got-want) > 0.03 {
			t.Errorf("entropy_coef %v: the better arm has probability %.3f, want %.3f", coef, got, want)
		}
	}
}

// A loss written again, in float64 and for one row at a time, differentiated by central
// differences.
func TestGradientAgainstFiniteDifferences(t *testing.T) {
	for _, kind := range []string{"discrete", "multi", "continuous"} {
		for _, shared := range []bool{false, true} {
			for _, valueClip := range []float64{0, 0.3} {
				t.Run(fmt.Sprintf("%s,shared=%v,value_clip=%v", kind, shared, valueClip), func(t *testing.T) {
					c := New()
					c.Rollout, c.Minibatch, c.Hidden = 20, 150, []int{5, 4} // two blocks
					c.EntropyCoef, c.ValueClip, c.Shared, c.LogStd = 0.05, valueClip, shared, -0.5
					c.IntrinsicCoef = 2 * valueClip // with and without an intrinsic critic
					checkGradient(t, c, kind)
				})
			}
		}
	}
}

func checkGradient(t *testing.T, c *Config, kind string) {
	r := trainer(t, &agenttest.Fast{Kind: kind}, 16, c, 0)
	a := r.Agent.(*agent)
	for !a.roll.full() {
		step(t, r)
	}
	s := rng.New(5).Stream(0, 0, 0)
	for i := range a.params { // away from the old policy, so that ratios are clipped both ways
		a.params[i] += 0.3 * s.Norm()
	}
	for k := range a.roll.adv {
		a.roll.adv[k], a.roll.target[k], a.roll.value[k] = 1+2*s.Norm(), s.Norm(), 0.5*s.Norm()
		if a.curious != nil {
			a.roll.bonus.target[k] = s.Norm()
		}
	}
	for i := range a.order {
		a.order[i] = int32(i)
	}
	s.Shuffle(a.order)
	a.batch = a.order[:150]
	a.standardize()
	a.trainer.Gradient(len(a.batch), a.onLoss)

	ref := newReference(a)
	if ref.loss(); ref.clippedUp == 0 || ref.clippedDown == 0 || ref.free == 0 || (c.ValueClip > 0) != (ref.valueClipped > 0) {
		t.Fatalf("the test does not reach every branch: %+v", ref)
	}
	p := ref.params
	for i := range p {
		const h = 1e-7 // small, as the loss has kinks
		at := p[i]
		p[i] = at + h
		up := ref.loss()
		p[i] = at - h
		down := ref.loss()
		p[i] = at
		want := (up - down) / (2 * h)
		if got := float64(a.trainer.Grad[i]); math.Abs(got-want) > 2e-5+1e-3*math.Abs(want) {
			t.Errorf("the gradient of the %s is %v, want %v", a.where(i), got, want)
		}
	}
	var m sums
	for _, b := range a.blockMetrics {
		m.add(b)
	}
	n := float64(len(a.batch))
	got := m.policy/n + c.ValueCoef*(m.value+m.bonus)/n - c.EntropyCoef*m.entropy/n
	if want := ref.loss(); math.Abs(got-want) > 1e-5 {
		t.Errorf("the reported losses add up to %v, want %v", got, want)
	}
}

// reference computes the loss of an agent's minibatch independently.
type reference struct {
	a      *agent
	params []float64

	clippedUp, clippedDown, free, valueClipped int // rows that took each branch
}

func newReference(a *agent) *reference {
	r := &reference{a: a}
	for _, v := range a.params {
		r.params = append(r.params, float64(v))
	}
	return r
}

// mlp evaluates a tanh network of the layout that package nn documents at the front of p.
func mlp(p, x []float64, widths ...int) (y, rest []float64) {
	for l, out := range widths {
		w, b := p[:len(x)*out], p[len(x)*out:len(x)*out+out]
		p = p[len(x)*out+out:]
		y = append([]float64(nil), b...)
		for j := range y {
			for i, v := range x {
				y[j] += v * w[i*out+j]
			}
			if l < len(widths)-1 {
				y[j] = math.Tanh(y[j])
			}
		}
		x = y
	}
	return y, p
}

func (r *reference) loss() float64 {
	a := r.a
	r.clippedUp, r.clippedDown, r.free, r.valueClipped = 0, 0, 0, 0
	var mean, sd float64
	n := float64(len(a.batch))
	for _, k := range a.batch {
		mean += float64(a.roll.adv[k]) / n
	}
	for _, k := range a.batch {
		sd += math.Pow(float64(a.roll.adv[k])-mean, 2) / n
	}
	sd = math.Sqrt(sd) + 1e-8
	var total float64
	for _, k := range a.batch {
		total += r.row(int(k), (float64(a.roll.adv[k])-mean)/sd) / n
	}
	return total
}

func (r *reference) row(k int, adv float64) float64 {
	a := r.a
	x := make([]float64, a.obs)
	for j := range x {
		x[j] = float64(a.roll.obs[k*a.obs+j])
	}
	inputs := a.head.Inputs()
	var policy, free []float64
	var value float64
	if a.Shared {
		var y []float64
		y, free = mlp(r.params, x, 5, 4, inputs+1)
		policy, value = y[:inputs], y[inputs]
	} else {
		var v []float64
		policy, free = mlp(r.params, x, 5, 4, inputs)
		v, free = mlp(free, x, 5, 4, 1)
		value = v[0]
	}
	logProb, entropy := r.head(policy, free, a.roll.act[k*a.act:])
	ratio, clip := math.Exp(logProb-float64(a.roll.logProb[k])), a.Clip
	clipped := min(max(ratio, 1-clip), 1+clip)
	switch surrogate := min(ratio*adv, clipped*adv); {
	case ratio > 1+clip && surrogate < ratio*adv:
		r.clippedUp++
	case ratio < 1-clip && surrogate < ratio*adv:
		r.clippedDown++
	default:
		r.free++
	}
	target, old := float64(a.roll.target[k]), float64(a.roll.value[k])
	errs := math.Pow(value-target, 2)
	if c := a.ValueClip; c > 0 {
		limited := math.Pow(old+min(max(value-old, -c), c)-target, 2)
		if limited > errs {
			errs = limited
			r.valueClipped++
		}
	}
	if a.curious != nil {
		v, _ := mlp(r.params[a.net.NumParams():], x, 5, 4, 1)
		errs += math.Pow(v[0]-float64(a.roll.bonus.target[k]), 2)
	}
	return -min(ratio*adv, clipped*adv) + a.ValueCoef*errs - a.EntropyCoef*entropy
}

// head returns the log-probability of the action and the entropy.
func (r *reference) head(policy, free []float64, act []float32) (logProb, entropy float64) {
	for _, f := range r.a.spec.Act {
		for range f.Len {
			if f.Choices > 0 {
				var sum float64
				for _, v := range policy[:f.Choices] {
					sum += math.Exp(v)
				}
				logProb += policy[int(act[0])] - math.Log(sum)
				for _, v := range policy[:f.Choices] {
					entropy -= math.Exp(v) / sum * (v - math.Log(sum))
				}
				policy = policy[f.Choices:]
			} else {
				std := math.Exp(free[0])
				z := (float64(act[0]) - policy[0]) / std
				logProb -= z*z/2 + math.Log(std) + math.Log(2*math.Pi)/2
				entropy += math.Log(std) + math.Log(2*math.Pi*math.E)/2
				policy, free = policy[1:], free[1:]
			}
			act = act[1:]
		}
	}
	return logProb, entropy
}

var _ agents.Agent = (*agent)(nil)
