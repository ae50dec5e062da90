package agenttest

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// observed returns a batch whose observations come from a few steps of play.
func (s *suite) observed(t *testing.T, p agents.Policy, steps int) *env.Batch {
	t.Helper()
	v := s.vec(t)
	b := env.NewBatch(s.spec, s.Worlds)
	for i := 0; ; i++ {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		if i == steps {
			return b
		}
		p.Act(b, rng.New(s.Seed).Fold(uint64(i)), true)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
	}
}

// bounds: without exploring, actions lie within their bounds; choices always do; no action is NaN.
func (s *suite) bounds(t *testing.T) {
	p := s.build(t, 1)
	b := s.observed(t, p, 3)
	for step := range 50 {
		for _, explore := range []bool{false, true} {
			p.Act(b, rng.New(s.Seed).Fold(uint64(step)), explore)
			s.checkActions(t, b, explore)
		}
	}
}

func (s *suite) checkActions(t *testing.T, b *env.Batch, explore bool) {
	t.Helper()
	for at := 0; at < len(b.Act); {
		for _, f := range s.spec.Act {
			for range f.Len {
				v := b.Act[at]
				choice := f.Choices > 0 && v >= 0 && v < float32(f.Choices) && v == geom.Floor(v)
				number := f.Choices == 0 && geom.Finite(v) && (explore || v >= f.Lo && v <= f.Hi)
				if !choice && !number {
					t.Fatalf("action %q is %v (explore %v)", f.Name, v, explore)
				}
				at++
			}
		}
	}
}

// rowByRow: the same key gives a row the same action whatever the rows beside it hold, whether
// they are there at all, and however often the policy is asked.
func (s *suite) rowByRow(t *testing.T) {
	p := s.build(t, 1)
	b := s.observed(t, p, 2)
	key := rng.New(s.Seed + 1)
	obs, w := len(b.Obs)/b.N, len(b.Act)/b.N
	for _, explore := range []bool{true, false} {
		p.Act(b, key, explore)
		want := slices.Clone(b.Act)
		for i := range b.N {
			other := env.NewBatch(s.spec, s.Worlds) // whose rows but i are those in reverse order
			for j := range b.N {
				from := b.N - 1 - j
				if j == i {
					from = i
				}
				copy(other.Obs[j*obs:(j+1)*obs], b.Obs[from*obs:(from+1)*obs])
			}
			p.Act(other, key, explore)
			if got := other.Act[i*w : (i+1)*w]; !slices.Equal(got, want[i*w:(i+1)*w]) {
				t.Fatalf("row %d acts %v among other rows, %v before (explore %v)", i, got, want[i*w:(i+1)*w], explore)
			}
		}
		for n := 1; n < b.N; n++ {
			part := b.Rows(0, n)
			clear(part.Act)
			p.Act(&part, key, explore)
			if !slices.Equal(part.Act, want[:n*w]) {
				t.Fatalf("the first %d of %d rows act differently alone (explore %v)", n, b.N, explore)
			}
		}
	}
}

// keepsBatch: Act writes actions and nothing else.
func (s *suite) keepsBatch(t *testing.T) {
	p := s.build(t, 1)
	b := s.observed(t, p, 2)
	before := env.NewBatch(s.spec, s.Worlds)
	before.CopyFrom(b)
	p.Act(b, rng.New(s.Seed), true)
	if !slices.Equal(before.Obs, b.Obs) || !slices.Equal(before.Next, b.Next) || !slices.Equal(before.Facts, b.Facts) ||
		!slices.Equal(before.Reward, b.Reward) || !slices.Equal(before.End, b.End) || !slices.Equal(before.Level, b.Level) {
		t.Fatal("Act changed more than the actions")
	}
}

func (s *suite) actNoAllocs(t *testing.T) {
	p := s.build(t, 2)
	b := s.observed(t, p, 2)
	key := rng.New(s.Seed)
	for _, explore := range []bool{true, false} {
		if n := testing.AllocsPerRun(20, func() { p.Act(b, key, explore) }); n > 0 {
			t.Errorf("Act allocates %v times (explore %v)", n, explore)
		}
	}
}

func (s *suite) trainer(t *testing.T, workers int) *Trainer {
	t.Helper()
	return NewTrainer(s.vec(t), s.build(t, workers).(agents.Agent), s.Seed)
}

func (s *suite) update(t *testing.T, r *Trainer, updates int) {
	t.Helper()
	for range updates {
		if err := r.Update(); err != nil {
			t.Fatal(err)
		}
	}
}

// noAllocs: once warm, a whole cycle of acting, recording and learning allocates nothing.
func (s *suite) noAllocs(t *testing.T) {
	r := s.trainer(t, 2)
	s.update(t, r, 2)
	var err error
	if n := testing.AllocsPerRun(3, func() { err = r.Update() }); n > 0 {
		t.Errorf("an update with the steps before it allocates %v times", n)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// log collects what an agent reports.
type log []string

func (l *log) report(name string, value float64) {
	*l = append(*l, fmt.Sprintf("%s %016x", name, math.Float64bits(value)))
}

// workers: state and reports have the same bits for any number of workers.
func (s *suite) workers(t *testing.T) {
	var want []byte
	var wantLog log
	for _, n := range []int{1, 2, 3, 7} {
		r := s.trainer(t, n)
		var l log
		r.Report = l.report
		s.update(t, r, 3)
		got := state(t, r.Agent)
		if want == nil {
			want, wantLog = got, l
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%d workers: the state differs from that of 1 from byte %d on", n, firstDifference(got, want))
		}
		if !slices.Equal(l, wantLog) {
			t.Errorf("%d workers: the reports differ from those of 1", n)
		}
	}
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// seeds: the state after learning repeats for the same keys, and differs for others.
func (s *suite) seeds(t *testing.T) {
	get := func(agent, acts uint64) []byte {
		p, err := s.Config().Build(s.setup(1, agent))
		if err != nil {
			t.Fatal(err)
		}
		r := NewTrainer(s.vec(t), p.(agents.Agent), acts)
		s.update(t, r, 1)
		return state(t, r.Agent)
	}
	want := get(1, 1)
	if !bytes.Equal(get(1, 1), want) {
		t.Error("the same keys lead to different states")
	}
	if bytes.Equal(get(2, 1), want) {
		t.Error("Setup.Key makes no difference")
	}
	if bytes.Equal(get(1, 2), want) {
		t.Error("the key of Act makes no difference")
	}
}

// resume: an agent that loads a state goes on to the same bits as the one that saved it, also
// when it has lived through something else before.
func (s *suite) resume(t *testing.T) {
	old := s.trainer(t, 1)
	s.update(t, old, 2)
	saved := state(t, old.Agent)

	fresh := s.build(t, 2).(agents.Agent)
	used := s.trainer(t, 1)
	used.Key = rng.New(s.Seed + 99)
	s.update(t, used, 1)
	heirs := []agents.Agent{fresh, used.Agent}
	for _, a := range heirs {
		if err := a.UnmarshalBinary(saved); err != nil {
			t.Fatal(err)
		}
		if got := state(t, a); !bytes.Equal(got, saved) {
			t.Fatalf("loading and saving changes the state from byte %d on", firstDifference(got, saved))
		}
	}
	for learned := 0; learned < 2; {
		if err := old.Vec.Observe(old.Batch); err != nil {
			t.Fatal(err)
		}
		key := old.Key.Fold(old.Step)
		old.Agent.Act(old.Batch, key, true)
		want := slices.Clone(old.Batch.Act)
		for _, a := range heirs {
			a.Act(old.Batch, key, true)
			if !slices.Equal(old.Batch.Act, want) {
				t.Fatalf("%d updates after loading, the actions differ", learned)
			}
		}
		if err := old.Vec.Step(old.Batch); err != nil {
			t.Fatal(err)
		}
		old.Step++
		ok := s.learn(t, old.Agent, old.Batch)
		for _, a := range heirs {
			if s.learn(t, a, old.Batch) != ok {
				t.Fatal("after loading, an agent learns at another time")
			}
		}
		if ok {
			learned++
		}
	}
	want := state(t, old.Agent)
	for i, a := range heirs {
		if got := state(t, a); !bytes.Equal(got, want) {
			t.Errorf("heir %d: two updates after loading, the state differs from byte %d on", i, firstDifference(got, want))
		}
	}
}

func (s *suite) learn(t *testing.T, a agents.Agent, b *env.Batch) bool {
	t.Helper()
	a.Record(b, b.Reward)
	learned, err := a.Learn(func(string, float64) {})
	if err != nil {
		t.Fatal(err)
	}
	return learned
}

// badState: a state that was cut short, extended or made for another environment is refused
// with an error, and leaves the agent as it was.
func (s *suite) badState(t *testing.T) {
	r := s.trainer(t, 1)
	s.update(t, r, 1)
	good := state(t, r.Agent)
	a := s.build(t, 1).(agents.Agent)
	before := state(t, a)
	refuse := func(what string, b []byte) {
		t.Helper()
		if err := a.UnmarshalBinary(b); err == nil {
			t.Errorf("%s was accepted", what)
		}
		if !bytes.Equal(state(t, a), before) {
			t.Fatalf("%s was refused but changed the agent", what)
		}
	}
	refuse("no state", nil)
	for _, n := range []int{1, 4, 7, 8, 15, 16, 63, len(good) / 2, len(good) - 1} {
		if n < len(good) {
			refuse(fmt.Sprintf("a state cut to %d of %d bytes", n, len(good)), good[:n])
		}
	}
	refuse("a state with a byte too many", append(slices.Clone(good), 0))

	other := &Fast{Kind: "discrete", Agents: 3}
	if s.spec.ID == "fast-discrete" {
		other.Kind = "multi"
	}
	spec, _ := other.Spec()
	setup := s.setup(1, s.Seed)
	setup.Spec, setup.Rows = spec, s.Worlds*spec.Agents
	p, err := s.Config().Build(setup)
	if err != nil {
		t.Fatal(err)
	}
	refuse("the state of an agent for another environment", state(t, p.(agents.Agent)))
}

// notANumber: a reward that is NaN makes Learn fail rather than spoil the parameters in silence.
func (s *suite) notANumber(t *testing.T) {
	r := s.trainer(t, 1)
	s.update(t, r, 1)
	spoilt := make([]float32, r.Batch.N)
	for range maxWait {
		if err := r.Vec.Observe(r.Batch); err != nil {
			t.Fatal(err)
		}
		r.Agent.Act(r.Batch, r.Key.Fold(r.Step), true)
		if err := r.Vec.Step(r.Batch); err != nil {
			t.Fatal(err)
		}
		r.Step++
		copy(spoilt, r.Batch.Reward)
		spoilt[len(spoilt)/2] = float32(math.NaN())
		r.Agent.Record(r.Batch, spoilt)
		learned, err := r.Agent.Learn(r.Report)
		if err != nil {
			return
		}
		if learned {
			t.Fatal("Learn returned no error after rewards that are NaN")
		}
	}
	t.Fatalf("the agent did not learn within %d steps", maxWait)
}

// learns: from a fixed seed, the agent reaches the score.
func (s *suite) learns(t *testing.T) {
	r := s.trainer(t, 2)
	for taken := 0; taken < s.Steps; taken += r.Batch.N {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	score, err := Evaluate(s.vec(t), r.Agent, s.Seed+1, 200)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.3f a step after %d rows", score, s.Steps)
	if !(score >= s.Score) {
		t.Errorf("the agent scores %.3f a step after %d rows, want at least %v", score, s.Steps, s.Score)
	}
}
