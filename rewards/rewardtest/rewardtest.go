// Package rewardtest checks that a reward keeps the contract of package rewards: scores are
// finite, the same row by row and in any order, from the batch alone, without changing or keeping
// it, and without allocation. Rewards that learn are also checked to go on from a saved state to
// the same bits. Run the test with -race to have instances checked for shared memory.
//
//	func TestConformance(t *testing.T) {
//		rewardtest.Run(t, mine.NewConfig(), lander.New())
//	}
package rewardtest

import (
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
)

const worlds = 16

// Run performs the conformance checks, each of them a subtest, on transitions of the
// environment under random actions.
func Run(t *testing.T, c rewards.Config, e env.Config) {
	spec, err := e.Spec()
	if err != nil {
		t.Fatal(err)
	}
	build := func(t *testing.T) rewards.Func {
		t.Helper()
		f, err := c.Build(spec)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	batches := Transitions(t, e)
	// First: what changes the batch may do so only once.
	t.Run("ReadOnly", func(t *testing.T) { readOnly(t, build(t), cloneAll(batches)) })
	t.Run("Finite", func(t *testing.T) { finite(t, build(t), cloneAll(batches)) })
	t.Run("RowByRow", func(t *testing.T) { rowByRow(t, build(t), build(t), cloneAll(batches)) })
	t.Run("Permutation", func(t *testing.T) { permutation(t, build(t), build(t), cloneAll(batches)) })
	t.Run("NotRetained", func(t *testing.T) { notRetained(t, build(t), build(t), cloneAll(batches)) })
	t.Run("NoAllocs", func(t *testing.T) { noAllocs(t, build(t), clone(batches[0])) })
	t.Run("Independent", func(t *testing.T) { independent(t, build(t), build(t), cloneAll(batches)) })
	if _, ok := build(t).(rewards.Learner); ok {
		learner := func(t *testing.T) rewards.Learner { t.Helper(); return build(t).(rewards.Learner) }
		t.Run("State", func(t *testing.T) { state(t, learner, cloneAll(batches)) })
		t.Run("BadState", func(t *testing.T) { badState(t, learner, cloneAll(batches)) })
		t.Run("UpdateReadOnly", func(t *testing.T) { updateReadOnly(t, learner(t), cloneAll(batches)) })
		t.Run("UpdateNoAllocs", func(t *testing.T) { updateNoAllocs(t, learner(t), clone(batches[0])) })
	}
}

// Transitions returns some batches of random play, among them ends of both kinds.
func Transitions(t *testing.T, e env.Config) (list []*env.Batch) {
	t.Helper()
	spec, err := e.Spec()
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(e, env.VecOptions{Worlds: worlds})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	b := env.NewBatch(spec, worlds)
	v.Reset(1)
	for step := range 300 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(spec, b, rng.New(1), step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		if step%10 == 9 || slices.Contains(b.End, env.Terminated) && len(list) < 60 {
			list = append(list, clone(b))
		}
	}
	last := clone(b)
	for i := range last.End {
		last.End[i] = env.End(i % 3)
	}
	return append(list, last)
}

func clone(b *env.Batch) *env.Batch {
	c := *b
	c.Obs, c.Act, c.Next = slices.Clone(b.Obs), slices.Clone(b.Act), slices.Clone(b.Next)
	c.Facts, c.Reward, c.End, c.Level = slices.Clone(b.Facts), slices.Clone(b.Reward), slices.Clone(b.End), slices.Clone(b.Level)
	return &c
}

func cloneAll(batches []*env.Batch) (list []*env.Batch) {
	for _, b := range batches {
		list = append(list, clone(b))
	}
	return list
}

// same compares bits, so that it also holds for NaN.
func same(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func scores(f rewards.Func, b *env.Batch) []float32 {
	dst := make([]float32, b.N)
	for i := range dst {
		dst[i] = 1e9 // every row must be written
	}
	f.Score(dst, b)
	return dst
}

func finite(t *testing.T, f rewards.Func, batches []*env.Batch) {
	for _, b := range batches {
		for i, x := range scores(f, b) {
			if !geom.Finite(x) || x == 1e9 {
				t.Fatalf("row %d scores %v", i, x)
			}
		}
	}
}

func rowByRow(t *testing.T, f, g rewards.Func, batches []*env.Batch) {
	for _, b := range batches {
		whole := scores(f, b)
		for i := range b.N {
			row := b.Rows(i, i+1)
			if one := scores(g, &row); !same(one, whole[i:i+1]) {
				t.Fatalf("row %d scores %v in a batch of %d and %v alone", i, whole[i], b.N, one[0])
			}
		}
	}
}

func permutation(t *testing.T, f, g rewards.Func, batches []*env.Batch) {
	for _, b := range batches {
		whole, turned := scores(f, b), clone(b)
		move := func(dst, src []float32) {
			w := len(src) / b.N
			for i := range b.N {
				copy(dst[i*w:(i+1)*w], src[(b.N-1-i)*w:(b.N-i)*w])
			}
		}
		move(turned.Obs, b.Obs)
		move(turned.Act, b.Act)
		move(turned.Next, b.Next)
		move(turned.Facts, b.Facts)
		move(turned.Reward, b.Reward)
		slices.Reverse(turned.End)
		slices.Reverse(turned.Level)
		got := scores(g, turned)
		slices.Reverse(got)
		if !same(got, whole) {
			t.Fatal("the order of rows changes their scores")
		}
	}
}

func readOnly(t *testing.T, f rewards.Func, batches []*env.Batch) {
	for _, b := range batches {
		before := clone(b)
		scores(f, b)
		if !same(b.Obs, before.Obs) || !same(b.Act, before.Act) || !same(b.Next, before.Next) || !same(b.Facts, before.Facts) ||
			!same(b.Reward, before.Reward) || !slices.Equal(b.End, before.End) || !slices.Equal(b.Level, before.Level) {
			t.Fatal("Score modifies the batch")
		}
	}
}

// notRetained scores batches through one reused buffer, as training does, and compares with
// batches that have memory of their own.
func notRetained(t *testing.T, f, g rewards.Func, batches []*env.Batch) {
	shared := clone(batches[0])
	for _, b := range batches {
		shared.CopyFrom(b)
		if !same(scores(f, shared), scores(g, b)) {
			t.Fatal("scores depend on what was in the batch before")
		}
	}
}

func noAllocs(t *testing.T, f rewards.Func, b *env.Batch) {
	dst := make([]float32, b.N)
	f.Score(dst, b) // buffers may grow at first
	if n := testing.AllocsPerRun(100, func() { f.Score(dst, b) }); n != 0 {
		t.Errorf("%v allocations a Score, want 0", n)
	}
}
