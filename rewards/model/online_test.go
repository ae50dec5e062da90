package model

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

// quickAsking learns within a few steps of 16 rows.
func quickAsking() Asking {
	a := DefaultAsking()
	a.Labels, a.Rounds, a.Every, a.Segment, a.Epochs, a.Hidden, a.Window = 20, 2, 70, 1, 2, []int{8}, 1000
	return a
}

func TestConformance(t *testing.T) {
	p := New()
	p.Asking, p.Beta = quickAsking(), 1
	t.Run("preference", func(t *testing.T) { rewardtest.Run(t, p, envtest.NewFast()) })
	h := NewHeron()
	h.Asking, h.Order = quickAsking(), []Factor{{Fact: "distance", Less: true, Margin: 0.5}, {Fact: "effort", Less: true}}
	t.Run("heron", func(t *testing.T) { rewardtest.Run(t, h, envtest.NewFast()) })
}

// drive feeds a learner random play of the fast environment.
func drive(t *testing.T, l rewards.Learner, steps int, each func(step int, b *env.Batch)) map[string]float64 {
	t.Helper()
	v, err := env.NewVec(envtest.NewFast(), env.VecOptions{Worlds: 8})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	b, told := env.NewBatch(v.Spec(), 8), map[string]float64{}
	v.Reset(3)
	for step := range steps {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(v.Spec(), b, rng.New(3), step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		report := func(name string, x float64) { told[name] = x }
		if err := cmp.Or(l.Update(b, report), l.(rewards.Reviser).Revise(report)); err != nil {
			t.Fatal(err)
		}
		if each != nil {
			each(step, b)
		}
	}
	return told
}

func learner(t *testing.T, c rewards.Config, seed uint64, workers int) rewards.Learner {
	t.Helper()
	spec, err := envtest.NewFast().Spec()
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	f.(rewards.Seeder).Seed(rng.New(seed), workers)
	return f.(rewards.Learner)
}

// The online loop must come to rank behaviour as its labeler does, ask no more than its budget,
// and depend on the seed, not on the workers.
func TestOnline(t *testing.T) {
	a := DefaultAsking()
	a.Labels, a.Rounds, a.Every, a.Segment, a.Window = 100, 2, 400, 5, 4000
	a.Hidden, a.Epochs, a.LearningRate = []int{12}, 20, 0.01
	a.Inputs = []string{"obs", "act", "next"}
	p := New()
	p.Asking = a
	h := NewHeron()
	h.Asking, h.Order = a, []Factor{{Fact: "distance", Less: true, Margin: 0.5}, {Fact: "effort", Less: true}}
	for name, c := range map[string]rewards.Config{"preference": p, "heron": h} {
		one := learner(t, c, 1, 1)
		told := drive(t, one, 150, nil)
		if told["preference/accuracy"] < 0.75 || told["preference/labels"] < 75 || told["preference/labels"] > 100 {
			t.Errorf("%s: %v", name, told)
		}
		if name == "heron" && !(told["heron/level1"] > 0.05 && told["heron/level2"] > 0.05) {
			t.Errorf("levels: %v", told)
		}
		states := [][]byte{}
		for _, w := range []int{1, 3} {
			l := learner(t, c, 1, w)
			drive(t, l, 150, nil)
			b, err := l.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			states = append(states, b)
		}
		other := learner(t, c, 2, 1)
		drive(t, other, 150, nil)
		b, _ := other.AppendBinary(nil)
		if !bytes.Equal(states[0], states[1]) || bytes.Equal(states[0], b) {
			t.Errorf("%s: one and three workers are equal: %v; another seed too: %v", name, bytes.Equal(states[0], states[1]), bytes.Equal(states[0], b))
		}
		t.Log(name, told)
	}
}

// slow answers each query when it is asked the third time.
type slow struct {
	teacher label.Teacher
	asked   map[string]int
}

func (s *slow) Label(st *feedback.Store, q label.Query) (feedback.Record, bool, error) {
	k := fmt.Sprint(q)
	if s.asked[k]++; s.asked[k] < 3 {
		return feedback.Record{}, false, label.ErrLater
	}
	return s.teacher.Label(st, q)
}

// Questions wait for their answers, also through a checkpoint, while training goes on.
func TestPendingQuestions(t *testing.T) {
	spec, _ := envtest.NewFast().Spec()
	who := &slow{asked: map[string]int{}}
	build := func() *Learner {
		l, err := NewLearner(spec, quickAsking(), who)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l, most := build(), 0
	drive(t, l, 200, func(step int, _ *env.Batch) {
		most = max(most, len(l.pending))
		if step != 20 {
			return
		}
		saved, err := l.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		again := build()
		if err := again.UnmarshalBinary(saved); err != nil {
			t.Fatal(err)
		}
		if len(again.pending) == 0 || !slices.EqualFunc(again.pending, l.pending, func(a, b label.Query) bool { return a.A == b.A && a.B == b.B }) {
			t.Fatalf("%d questions wait after loading, %d before", len(again.pending), len(l.pending))
		}
		*l = *again
	})
	if most == 0 || len(l.pending) != 0 || len(l.records) < 15 {
		t.Errorf("up to %d questions waited, %d still do, %d answers", most, len(l.pending), len(l.records))
	}
}

func TestOptionsAreChecked(t *testing.T) {
	spec, _ := envtest.NewFast().Spec()
	for want, change := range map[string]func(*Config, *Heron){
		"labels is 0": func(c *Config, _ *Heron) { c.Labels = 0 },
		"segment is 41, and episodes of fast-v0 have 40 steps at most: want 1 to 40": func(c *Config, _ *Heron) { c.Segment = 41 },
		"window is 59, want at least 60":                                             func(c *Config, _ *Heron) { c.Window = 59 },
		"initial is NaN":                                                             func(c *Config, _ *Heron) { c.Initial = math.NaN() },
		"mistake is 2":                                                               func(c *Config, _ *Heron) { c.Mistake = 2 },
		`did you mean "distance"`:                                                    func(_ *Config, h *Heron) { h.Order[0].Fact = "distence" },
		"index is 3":                                                                 func(_ *Config, h *Heron) { h.Order[0].Index = 3 },
		"margin of level 1":                                                          func(_ *Config, h *Heron) { h.Order[0].Margin = -1 },
		"order is empty":                                                             func(_ *Config, h *Heron) { h.Order = nil },
		`of is "maximum"`:                                                            func(_ *Config, h *Heron) { h.Order[0].Of = "maximum" },
	} {
		c, h := New(), NewHeron()
		c.Segment, h.Segment = 30, 30
		h.Order = []Factor{{Fact: "distance"}}
		change(c, h)
		_, err := c.Build(spec)
		if err == nil {
			_, err = h.Build(spec)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build = %v, want an error about %q", err, want)
		}
	}
}

func TestSchedules(t *testing.T) {
	for _, c := range []struct {
		s       Schedule
		initial float64
		want    []int
	}{
		{Constant, 0.25, []int{25, 25, 25, 25}},
		{Constant, 0.1, []int{10, 30, 30, 30}},
		{Hyperbolic, 0, []int{0, 46, 31, 23}}, // in proportion to 1/2, 1/3, 1/4
	} {
		if got := c.s.Questions(100, 4, c.initial); !slices.Equal(got, c.want) {
			t.Errorf("%s, %v at first: %v, want %v", c.s, c.initial, got, c.want)
		}
	}
	for budget := range 50 {
		sum := 0
		for _, n := range Hyperbolic.Questions(budget, 7, 0.3) {
			if sum += n; n < 0 {
				t.Fatalf("%d questions of %d", n, budget)
			}
		}
		if sum != budget {
			t.Errorf("%d questions of %d", sum, budget)
		}
	}
}

// Each selection is compared with its definition, computed from the members' scores.
func TestSelect(t *testing.T) {
	s, segs := pool(t, small, 60, 8)
	e := ensemble(t, DefaultShape(), small)
	for m := range e.Params {
		for i := range e.Params[m] {
			e.Params[m][i] *= 3 // so that members disagree
		}
	}
	var cands []label.Query
	for i := range 30 {
		cands = append(cands, label.Query{A: segs[2*i], B: segs[2*i+1]})
	}
	score := func(how Selection, q label.Query) float64 {
		a, _ := s.View(q.A)
		b, _ := s.View(q.B)
		ra, rb := make([]float32, 3), make([]float32, 3)
		e.Returns(ra, a, nil)
		e.Returns(rb, b, nil)
		var p, up float64
		var each [3]float64
		for m := range each {
			each[m] = 1 / (1 + math.Exp(float64(rb[m]-ra[m])))
			p += each[m] / 3
		}
		dev := func(x []float32) float64 {
			mean := float64(x[0]+x[1]+x[2]) / 3
			v := 0.0
			for _, y := range x {
				v += (float64(y) - mean) * (float64(y) - mean) / 3
			}
			return mean + math.Sqrt(v)
		}
		up = max(dev(ra), dev(rb))
		switch how {
		case Disagreement:
			v := 0.0
			for _, x := range each {
				v += (x - p) * (x - p)
			}
			return v
		case Entropy:
			return -p*math.Log(p) - (1-p)*math.Log(1-p)
		}
		return up
	}
	for _, how := range []Selection{Disagreement, Entropy, Optimistic} {
		got, err := Select(e, s, how, cands, 10)
		if err != nil {
			t.Fatal(err)
		}
		worst, chosen := math.Inf(1), map[string]bool{}
		for _, q := range got {
			worst = min(worst, score(how, q))
			chosen[fmt.Sprint(q)] = true
		}
		for _, q := range cands {
			if !chosen[fmt.Sprint(q)] && score(how, q) > worst+1e-4 {
				t.Errorf("%s leaves out a pair of merit %v, the worst chosen has %v", how, score(how, q), worst)
			}
		}
		if len(chosen) != 10 {
			t.Errorf("%s chose %d", how, len(chosen))
		}
	}
	if got, _ := Select(e, s, Uniform, cands, 3); fmt.Sprint(got) != fmt.Sprint(cands[:3]) {
		t.Error("uniform is not the first ones")
	}
	// Of candidates that are the same pair over and over and two others, covering takes the others.
	many := append(slices.Repeat(cands[:1], 20), cands[1], cands[2])
	got, err := Select(e, s, KCentre, many, 3)
	if err != nil || !slices.ContainsFunc(got, func(q label.Query) bool { return q.A == cands[1].A }) || !slices.ContainsFunc(got, func(q label.Query) bool { return q.A == cands[2].A }) {
		t.Errorf("k-centre chose %v, %v", got, err)
	}
	qs, err := Candidates(s, 50, 3, 0, rng.New(1))
	if err != nil || len(qs) != 50 {
		t.Fatal(err)
	}
	for _, q := range qs {
		if q.A == q.B || !s.Has(q.A) || q.A.Len() != 3 {
			t.Errorf("candidate %+v", q)
		}
	}
}

// Between two Revise no reward changes, so that the steps of a rollout are rewarded alike; rounds that
// come due at once are asked as one; and what only questions need goes with the last.
func TestRevise(t *testing.T) {
	spec, _ := envtest.NewFast().Spec()
	l, err := NewLearner(spec, quickAsking(), &label.Teacher{Myopia: 1})
	if err != nil {
		t.Fatal(err)
	}
	b := env.NewBatch(spec, 8)
	for i := range b.Next {
		b.Next[i] = float32(i % 5)
	}
	rew := make([]float32, 8)
	for i := range 100 {
		b.Obs[0], b.Reward[0], b.End[i%8] = float32(i), float32(i%3), env.Terminated
		if err := l.Update(b, nil); err != nil {
			t.Fatal(err)
		}
		b.End[i%8] = env.Running
		if l.Score(rew, b); l.Version() != 0 || slices.ContainsFunc(rew, func(x float32) bool { return x != 0 }) {
			t.Fatalf("step %d: rewards %v of version %d before Revise", i, rew, l.Version())
		}
	}
	if err := l.Revise(nil); err != nil {
		t.Fatal(err)
	}
	if n := len(l.Records()); l.Version() != 1 || n < 15 || n > 20 {
		t.Errorf("version %d and %d labels of two rounds of 20 that were due", l.Version(), n)
	}
	if l.Score(rew, b); slices.Equal(rew, make([]float32, 8)) {
		t.Error("nothing is rewarded after the round")
	}
	before, err := l.AppendBinary(nil)
	if err != nil || l.recent.Steps() != 0 {
		t.Fatalf("%v; %d steps are kept that nobody will ask about", err, l.recent.Steps())
	}
	if err := cmp.Or(l.Update(b, nil), l.Revise(nil)); err != nil {
		t.Fatal(err)
	}
	if after, _ := l.AppendBinary(nil); len(after) != len(before) || l.Version() != 1 {
		t.Errorf("state of %d bytes and version %d after the last round, %d and 1 at it", len(after), l.Version(), len(before))
	}
}
