package model

import (
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

// corridor is five places in a row, each a column of the observation, and two actions: to the left and
// to the right. Its task pays at the right end, and ends nothing.
var corridor = &env.Spec{
	ID: "corridor-v0", Agents: 1, Dt: 1, MaxSteps: 20,
	Obs: []env.Field{{Name: "place", Len: 5, Hi: 1}}, Act: []env.Field{{Name: "right", Len: 1, Choices: 2}},
}

// walk fills b with the next random steps of some walkers.
func walk(b *env.Batch, places []int, s *rng.Stream, step int) {
	clear(b.Obs)
	clear(b.Next)
	for i := range places {
		p, a := places[i], s.IntN(2)
		b.Obs[5*i+p], b.Act[i] = 1, float32(a)
		p = min(max(p+2*a-1, 0), 4)
		b.Next[5*i+p], b.Reward[i], b.End[i] = 1, 0, env.Running
		if p == 4 {
			b.Reward[i] = 1
		}
		if step%20 == 19 {
			b.End[i], p = env.Truncated, s.IntN(5)
		}
		places[i] = p
	}
}

// An off-policy agent learns from transitions all of which were stored before the reward knew anything,
// and then were rewarded 0: what it draws has the rewards of now. Q-learning by Watkins, 1989.
func TestReplay(t *testing.T) {
	a := DefaultAsking()
	a.Labels, a.Rounds, a.Every, a.Segment, a.Window, a.Initial = 150, 1, 2000, 4, 4000, 1
	a.Hidden, a.Epochs, a.LearningRate, a.Stride, a.Inputs = []int{16}, 20, 0.01, 1, []string{"obs", "act", "next"}
	l, err := NewLearner(corridor, a, &label.Teacher{Myopia: 1})
	if err != nil {
		t.Fatal(err)
	}
	l.Seed(rng.New(1), 1)
	sum, err := rewards.NewSum([]rewards.Term{{Name: "preference", Weight: 1, Func: l}})
	if err != nil {
		t.Fatal(err)
	}
	const walkers = 10
	r, err := rewards.NewReplay(corridor, walkers, 200, sum)
	if err != nil {
		t.Fatal(err)
	}
	b, rew, places := env.NewBatch(corridor, walkers), make([]float32, walkers), make([]int, walkers)
	s := rng.New(2).Stream(0, 0, 0)
	for step := range 200 {
		walk(b, places, &s, step)
		sum.Score(rew, b)
		if slices.ContainsFunc(rew, func(x float32) bool { return x != 0 }) {
			t.Fatal("the reward knows something before it has asked")
		}
		if err := r.Add(b, rew); err != nil {
			t.Fatal(err)
		}
		if err := sum.Update(b, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := sum.Revise(nil); err != nil || l.Version() != 1 || sum.Version() != 1 {
		t.Fatal(err, l.Version())
	}
	var q [5][2]float64
	drawn, reward, now := env.NewBatch(corridor, 32), make([]float32, 32), make([]float32, 32)
	place := func(x []float32) int { return slices.Index(x, 1) }
	for range 400 {
		r.Sample(&s, drawn, reward)
		sum.Score(now, drawn)
		if !slices.Equal(now, reward) {
			t.Fatalf("rewards %v of what was drawn, now they are %v", reward, now)
		}
		for i := range drawn.N {
			from, to, act := place(drawn.Obs[5*i:5*i+5]), place(drawn.Next[5*i:5*i+5]), int(drawn.Act[i])
			q[from][act] += 0.1 * (float64(reward[i]) + 0.9*max(q[to][0], q[to][1]) - q[from][act])
		}
	}
	for p := range q {
		if q[p][1] <= q[p][0] {
			t.Errorf("place %d: going left is worth %.2f, right %.2f", p, q[p][0], q[p][1])
		}
	}
}

// The newest batches stay, and rewards that cannot be given anew are refused.
func TestReplayKeepsTheNewest(t *testing.T) {
	f := rewards.FuncOf(func(dst []float32, b *env.Batch) { copy(dst, b.Act) })
	r, err := rewards.NewReplay(corridor, 2, 3, f)
	if err != nil {
		t.Fatal(err)
	}
	b, rew := env.NewBatch(corridor, 2), []float32{7, 8}
	for i := range 5 {
		b.Obs[0], b.Obs[5] = float32(i), float32(i)
		if err := r.Add(b, rew); err != nil {
			t.Fatal(err)
		}
	}
	s, dst, got := rng.New(1).Stream(0, 0, 0), env.NewBatch(corridor, 100), make([]float32, 100)
	r.Sample(&s, dst, got)
	seen := map[float32]bool{}
	for i := range dst.N {
		seen[dst.Obs[5*i]] = true
	}
	if r.Len() != 6 || len(seen) != 3 || seen[0] || seen[1] || !slices.Contains(got, 7) || !slices.Contains(got, 8) {
		t.Errorf("%d transitions, of steps %v, with rewards %v", r.Len(), seen, got)
	}
	if r.Add(env.NewBatch(corridor, 3), rew) == nil {
		t.Error("a batch of other rows was taken")
	}
	for _, c := range []struct {
		f    rewards.Func
		want string
	}{{mute{}, "does not tell when it changes"}, {follower{}, "depends on the steps before"}} {
		sum, err := rewards.NewSum([]rewards.Term{{Name: "x", Weight: 1, Func: c.f}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rewards.NewReplay(corridor, 1, 1, sum); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewReplay = %v, want an error that says %q", err, c.want)
		}
	}
}

// mute is a Learner that does not tell its version, follower one that goes by what was before.
type (
	mute     struct{ rewards.Learner }
	follower struct{ mute }
)

func (follower) Follows() {}
