package ppo

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func offlineSpec(discrete bool) *env.Spec {
	act := []env.Field{{Name: "a", Len: 2, Lo: -1, Hi: 3}}
	if discrete {
		act = []env.Field{{Name: "a", Len: 1, Choices: 3}}
	}
	return &env.Spec{
		ID: "offline-v0", Agents: 1, Dt: 1, Obs: []env.Field{{Name: "x", Len: 2, Lo: -5, Hi: 5}}, Act: act,
		Facts: []env.Field{{Name: "f", Len: 1, Lo: 0, Hi: 1}},
	}
}

func offlineAgent(t *testing.T, discrete bool) *agent {
	t.Helper()
	c := New()
	c.Hidden, c.Minibatch, c.Rollout, c.NormalizeObs = []int{8}, 4, 2, true
	p, err := c.Build(agents.Setup{Spec: offlineSpec(discrete), Rows: 4, Key: rng.New(1), Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	return p.(*agent)
}

// recorded are rows of an expert who does what the sign of the first observation says.
func recorded(discrete bool, n int, seed uint64) (obs, act []float32) {
	r := rng.New(seed).Stream(1, 0, 0)
	for range n {
		x := r.Norm()
		obs = append(obs, x, r.Norm())
		switch {
		case discrete && x > 0:
			act = append(act, 2)
		case discrete:
			act = append(act, 0)
		case x > 0:
			act = append(act, 2, 0.5+0.1*r.Norm())
		default:
			act = append(act, 0, 0.5+0.1*r.Norm())
		}
	}
	return obs, act
}

func TestImitate(t *testing.T) {
	for _, discrete := range []bool{true, false} {
		a := offlineAgent(t, discrete)
		obs, act := recorded(discrete, 400, 2)
		before := make([]float32, 400)
		a.LogProb(before, obs, act)
		mean := 0.0
		for _, x := range before {
			mean += float64(x) / 400
		}
		after, err := a.Imitate(obs, act, agents.Offline{Epochs: 60, Minibatch: 64, LearningRate: 1e-2})
		if err != nil {
			t.Fatal(err)
		}
		if discrete && after < -0.2 || after < mean+0.5 {
			t.Errorf("discrete %v: log-probability %.3f, before %.3f", discrete, after, mean)
		}
		b := env.NewBatch(a.spec, 2)
		copy(b.Obs, []float32{1.5, 0, -1.5, 0})
		a.Act(b, rng.New(1), false)
		if discrete && (b.Act[0] != 2 || b.Act[1] != 0) || !discrete && (b.Act[0] < 1.5 || b.Act[2] > 0.5) {
			t.Errorf("discrete %v: actions %v", discrete, b.Act)
		}
		if _, err := a.Imitate(obs[1:], act, agents.Offline{Epochs: 1, Minibatch: 1, LearningRate: 1}); err == nil {
			t.Error("rows that do not fit are accepted")
		}
	}
}

// The gradient of Choose against central differences of its loss.
func TestChooseGradient(t *testing.T) {
	a := offlineAgent(t, false)
	var pairs []agents.Comparison
	for i := range uint64(3) {
		bo, ba := recorded(false, 3, 10+i)
		wo, wa := recorded(false, 2, 20+i)
		pairs = append(pairs, agents.Comparison{BetterObs: bo, BetterAct: ba, WorseObs: wo, WorseAct: wa})
	}
	c := &chooser{pairs: pairs, beta: 0.7, now: make([]float32, 8)}
	d := &offline{}
	var before []float32
	for i, p := range pairs {
		e := [3]int{len(d.slope)}
		if err := d.add(a, p.BetterObs, p.BetterAct); err != nil {
			t.Fatal(err)
		}
		e[1] = len(d.slope)
		if err := d.add(a, p.WorseObs, p.WorseAct); err != nil {
			t.Fatal(err)
		}
		e[2] = len(d.slope)
		c.ends = append(c.ends, e)
		before = append(before, c.lead(a, i)+0.3*float32(i)) // as if it had moved already
	}
	loss := func() (sum float64) {
		for i := range pairs {
			sum += math.Log1p(math.Exp(-float64(c.beta * (c.lead(a, i) - before[i]))))
		}
		return sum
	}
	var rows []int32
	for i := range pairs {
		g := -c.beta / float32(1+math.Exp(float64(c.beta*(c.lead(a, i)-before[i]))))
		for row := c.ends[i][0]; row < c.ends[i][2]; row++ {
			d.slope[row] = g
			if row >= c.ends[i][1] {
				d.slope[row] = -g
			}
			rows = append(rows, int32(row))
		}
	}
	grad := make([]float32, len(a.params))
	d.rows, d.share = rows, 1
	d.gradient(a, 0, 0, len(rows), grad)
	if len(rows) > nn.BlockRows {
		t.Fatal("too many rows for one block")
	}
	for i := range a.params {
		old := a.params[i]
		const h = 1e-2
		a.params[i] = old + h
		up := loss()
		a.params[i] = old - h
		down := loss()
		a.params[i] = old
		if want := (up - down) / (2 * h); math.Abs(want-float64(grad[i])) > 1e-2+0.02*math.Abs(want) {
			t.Errorf("%s: gradient %v, want %v", a.where(i), grad[i], want)
		}
	}
}

// What is chosen becomes more probable than what is not, also where it was not in the data.
func TestChoose(t *testing.T) {
	a := offlineAgent(t, true)
	var pairs []agents.Comparison
	for i := range uint64(60) {
		obs, act := recorded(true, 5, 100+i)
		worse := make([]float32, len(act))
		for k, x := range act {
			worse[k] = 2 - x
		}
		pairs = append(pairs, agents.Comparison{BetterObs: obs, BetterAct: act, WorseObs: obs, WorseAct: worse})
	}
	right, err := a.Choose(pairs, 0.5, agents.Offline{Epochs: 20, Minibatch: 16, LearningRate: 1e-2})
	if err != nil || right < 0.95 {
		t.Fatalf("%v of the pairs are right, %v", right, err)
	}
	b := env.NewBatch(a.spec, 2)
	copy(b.Obs, []float32{1, 0.3, -1, 0.3})
	a.Act(b, rng.New(1), false)
	if b.Act[0] != 2 || b.Act[1] != 0 {
		t.Errorf("actions %v", b.Act)
	}
	for _, bad := range []agents.Offline{{}, {Epochs: 1, Minibatch: 1}} {
		if _, err := a.Choose(pairs, 1, bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	if _, err := a.Choose(pairs, 0, agents.Offline{Epochs: 1, Minibatch: 1, LearningRate: 1}); err == nil {
		t.Error("beta 0 is accepted")
	}
}
