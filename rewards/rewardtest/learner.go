package rewardtest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

// independent lets two instances score at once, as two seeds of a run do. The race detector
// sees memory that they share; results show it too.
func independent(t *testing.T, f, g rewards.Func, batches []*env.Batch) {
	var got [2][][]float32
	var wg sync.WaitGroup
	for k, f := range []rewards.Func{f, g} {
		wg.Go(func() {
			for _, b := range batches {
				got[k] = append(got[k], scores(f, b))
				if l, ok := f.(rewards.Learner); ok {
					if err := learn(l, b, nil); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if !slices.EqualFunc(got[0], got[1], same) {
		t.Fatal("two instances that run at once score differently")
	}
}

// state saves a learner half-way, loads it elsewhere, and compares how both go on.
func state(t *testing.T, build func(*testing.T) rewards.Learner, batches []*env.Batch) {
	l := build(t)
	half := len(batches) / 2
	play(t, l, batches[:half])
	saved, err := l.AppendBinary([]byte("before"))
	if err != nil {
		t.Fatal(err)
	}
	if string(saved[:6]) != "before" {
		t.Fatal("AppendBinary does not append")
	}
	loaded := build(t)
	play(t, loaded, batches[half:]) // whatever it has learned must go
	if err := loaded.UnmarshalBinary(saved[6:]); err != nil {
		t.Fatal(err)
	}
	if a, b := play(t, l, batches[half:]), play(t, loaded, batches[half:]); !slices.EqualFunc(a, b, same) {
		t.Fatal("from a saved state it goes on to other scores")
	}
	a, err := l.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := loaded.AppendBinary(nil); err != nil || !slices.Equal(a, b) {
		t.Fatalf("from a saved state it goes on to another state (%v)", err)
	}
}

// play scores and learns, and returns the scores.
func play(t *testing.T, l rewards.Learner, batches []*env.Batch) (all [][]float32) {
	t.Helper()
	for _, b := range batches {
		all = append(all, scores(l, b))
		if err := learn(l, b, func(string, float64) {}); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// learn is what training does after each step, of an agent that learns from each.
func learn(l rewards.Learner, b *env.Batch, report func(string, float64)) error {
	if err := l.Update(b, report); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	if r, ok := l.(rewards.Reviser); ok {
		if err := r.Revise(report); err != nil {
			return fmt.Errorf("revise: %w", err)
		}
	}
	return nil
}

func badState(t *testing.T, build func(*testing.T) rewards.Learner, batches []*env.Batch) {
	l := build(t)
	play(t, l, batches[:1])
	saved, err := l.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{saved[:len(saved)/2], append(slices.Clone(saved), 1), nil} {
		if len(bad) != len(saved) && build(t).UnmarshalBinary(bad) == nil {
			t.Errorf("it loads a state of %d bytes, and saved %d", len(bad), len(saved))
		}
	}
}

func updateReadOnly(t *testing.T, l rewards.Learner, batches []*env.Batch) {
	for _, b := range batches {
		before := clone(b)
		play(t, l, []*env.Batch{b})
		if !same(b.Obs, before.Obs) || !same(b.Act, before.Act) || !same(b.Next, before.Next) || !same(b.Facts, before.Facts) ||
			!same(b.Reward, before.Reward) || !slices.Equal(b.End, before.End) || !slices.Equal(b.Level, before.Level) {
			t.Fatal("Update modifies the batch")
		}
	}
}

func updateNoAllocs(t *testing.T, l rewards.Learner, b *env.Batch) {
	report := func(string, float64) {}
	for range 10 { // buffers may grow at first
		if err := l.Update(b, report); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _ = l.Update(b, report) }); n != 0 {
		t.Errorf("%v allocations an Update, want 0", n)
	}
}
