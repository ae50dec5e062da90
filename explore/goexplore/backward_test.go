package goexplore

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// found returns a way to the goal of the maze, and what it passes through.
func found(t testing.TB) (*Search, *Trace) {
	t.Helper()
	s := search(t, mazes(t, 16, 1), config, 10000)
	best := s.Best()
	way, err := Follow(mazes(t, 1, 1), s.Start(), best.Actions(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if way.Len() != best.Steps || way.Score() != best.Score || way.Score() != 1 {
		t.Fatalf("a way of %d steps and score %v, want %d and %v", way.Len(), way.Score(), best.Steps, best.Score)
	}
	return s, way
}

// drive steps worlds whose actions repeat those of the way where expert says so, and calls each
// after Stepped.
func drive(t *testing.T, v env.Vec, b *Backward, act []float32, expert func(world int) bool, steps int, each func()) {
	t.Helper()
	batch, r := env.NewBatch(v.Spec(), v.Len()), rng.New(9).Stream(0, 0, 0)
	at := make([]int, v.Len())
	place := func(i int) {
		at[i] = -1
		if b.runs[i].way >= 0 {
			at[i] = int(b.runs[i].from)
		}
	}
	for i := range at {
		place(i)
	}
	for range steps {
		if err := v.Observe(batch); err != nil {
			t.Fatal(err)
		}
		for i := range batch.Act {
			batch.Act[i] = r.Range(-1, 1)
		}
		for i := range at {
			if expert(i) && at[i] >= 0 {
				copy(batch.Act[2*i:2*i+2], act[2*at[i]:])
				at[i]++
			}
		}
		if err := v.Step(batch); err != nil {
			t.Fatal(err)
		}
		if err := b.Stepped(batch, batch.Reward); err != nil {
			t.Fatal(err)
		}
		for i, end := range batch.End {
			if end != env.Running {
				place(i)
			}
		}
		each()
	}
}

// Starts move back along a way as long as the policy scores as it does, to its beginning; with one
// that does not, they stay. From each place the way's own actions score.
func TestBackward(t *testing.T) {
	s, way := found(t)
	best := s.Best()
	act := best.Actions()
	for _, c := range []struct {
		skilled int // worlds of 8 that repeat the way; others push at random
		success float64
		moves   bool
	}{{8, 1, true}, {6, 0.6, true}, {0, 0.9, false}} {
		v := mazes(t, 8, 1)
		o := BackwardConfig{Success: c.success, Stretch: 0.1, Trials: 20}
		b, err := NewBackward(v, o, []*Trace{way}, rng.New(4))
		if err != nil {
			t.Fatal(err)
		}
		first, before := b.Left(), b.Left()
		if first < 0.8 || first >= 1 {
			t.Fatalf("starts begin with %v of the way left", first)
		}
		steps := 60 * way.Len()
		if !c.moves {
			steps = 3000
		}
		drive(t, v, b, act, func(i int) bool { return i < c.skilled }, steps, func() {
			left := b.Left()
			if left > before || left < before-0.11 {
				t.Fatalf("starts move from %v to %v of the way", before, left)
			}
			before = left
		})
		if c.moves && b.Left() != 0 || !c.moves && b.Left() != first {
			t.Errorf("%d of 8 skilled: %v of the way left, from %v", c.skilled, b.Left(), first)
		}
	}
}

// With a Spread, starts are on all parts of ways alike, as often as it says, and only those where the starts
// of a way have come to tell whether they move back.
func TestStartsAnywhere(t *testing.T) {
	_, way := found(t)
	for _, spread := range []float64{0, 0.5, 1} {
		c := BackwardConfig{Success: 0.5, Stretch: 0.1, Trials: 10, Spread: spread}
		b, err := NewBackward(mazes(t, 1, 1), c, []*Trace{way, way}, rng.New(4))
		if err != nil {
			t.Fatal(err)
		}
		s, judged := &b.runs[0], 0
		var tenths [2][10]int
		for i := range b.ways {
			b.ways[i].at = uint32(way.Len() / 2)
		}
		const draws = 4000
		for range draws {
			if err := b.restart(0); err != nil {
				t.Fatal(err)
			}
			tenths[s.way][int(s.from)*10/way.Len()]++
			w := &b.ways[s.way]
			w.trials = 0
			b.judge(s)
			if w.trials > 0 {
				judged++
			}
		}
		want := draws * (1 - 0.9*spread)
		if math.Abs(float64(judged)-want) > 150 {
			t.Errorf("spread %v: %d of %d starts tell, want about %v", spread, judged, draws, want)
		}
		for k := range tenths {
			for i, n := range tenths[k] {
				if i != 5 && math.Abs(float64(n)-draws/20*spread) > 50 {
					t.Errorf("spread %v: %d starts in tenth %d of way %d, want about %v", spread, n, i, k, draws/20*spread)
				}
			}
		}
	}
}

// Episodes that start as they would without ways are those that the worlds would have had, one
// after the other, and all of them are when the ways are done.
func TestFreshStarts(t *testing.T) {
	_, way := found(t)
	v := mazes(t, 3, 1)
	b, err := NewBackward(v, BackwardConfig{Success: 0.5, Stretch: 0.1, Trials: 10, Fresh: 0.5}, []*Trace{way}, rng.New(4))
	if err != nil {
		t.Fatal(err)
	}
	plain := mazes(t, 3, 1)
	pb, batch := env.NewBatch(plain.Spec(), 3), env.NewBatch(v.Spec(), 3)
	snap := plain.(env.Snapshotter)
	next := [3][]byte{} // states that the worlds' own next episodes begin from
	for i := range next {
		next[i] = snap.AppendState(nil, i)
	}
	fresh, onWay := 0, 0
	for range 6000 {
		for i := range next {
			if b.runs[i].score == 0 && b.runs[i].way < 0 && !slices.Equal(b.runs[i].home, next[i]) {
				t.Fatalf("world %d does not begin its own next episode", i)
			}
		}
		if err := v.Observe(batch); err != nil {
			t.Fatal(err)
		}
		clear(batch.Act)
		if err := v.Step(batch); err != nil {
			t.Fatal(err)
		}
		was := slices.Clone(b.runs)
		if err := b.Stepped(batch, batch.Reward); err != nil {
			t.Fatal(err)
		}
		for i, end := range batch.End {
			if end == env.Running {
				continue
			}
			if was[i].way >= 0 {
				onWay++
				continue
			}
			fresh++ // play the same episode to its end without ways
			if err := snap.SetState(i, next[i]); err != nil {
				t.Fatal(err)
			}
			for over := false; !over; over = pb.End[i] != env.Running {
				if err := plain.Observe(pb); err != nil {
					t.Fatal(err)
				}
				clear(pb.Act)
				if err := plain.Step(pb); err != nil {
					t.Fatal(err)
				}
			}
			next[i] = snap.AppendState(nil, i)
		}
	}
	if fresh < 2 || onWay < 2 {
		t.Errorf("%d episodes of the worlds' own, %d on the way: too few to tell", fresh, onWay)
	}
}

// The state is complete, and one of other ways is refused.
func TestBackwardState(t *testing.T) {
	s, way := found(t)
	best := s.Best()
	run := func(v env.Vec, b *Backward, steps int) {
		drive(t, v, b, best.Actions(), func(i int) bool { return i < 3 }, steps, func() {})
	}
	o := DefaultBackward()
	o.Trials = 5
	v := mazes(t, 5, 1)
	a, err := NewBackward(v, o, []*Trace{way}, rng.New(4))
	if err != nil {
		t.Fatal(err)
	}
	run(v, a, 4*way.Len())
	state, err := a.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	w := mazes(t, 5, 1)
	b, err := NewBackward(w, o, []*Trace{way}, rng.New(4))
	if err != nil {
		t.Fatal(err)
	}
	for n := range state {
		if b.UnmarshalBinary(state[:n]) == nil {
			t.Fatalf("a state cut to %d of %d bytes is accepted", n, len(state))
		}
	}
	if err := b.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := w.(env.Snapshotter).SetState(i, v.(env.Snapshotter).AppendState(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	run(v, a, 3*way.Len())
	run(w, b, 3*way.Len())
	x, _ := a.AppendBinary(nil)
	y, _ := b.AppendBinary(nil)
	if !slices.Equal(x, y) {
		t.Error("after loading, starts go another way")
	}
	two, err := NewBackward(mazes(t, 5, 1), o, []*Trace{way, way}, rng.New(4))
	if err != nil {
		t.Fatal(err)
	}
	if err := two.UnmarshalBinary(state); err == nil {
		t.Error("the state of one way is accepted for two")
	}
	short, err := Follow(mazes(t, 1, 1), s.Start(), best.Actions()[:2*way.Len()-2], nil)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewBackward(mazes(t, 5, 1), o, []*Trace{short}, rng.New(4))
	if err != nil {
		t.Fatal(err)
	}
	if err := other.UnmarshalBinary(state); err == nil || !strings.Contains(err.Error(), "other ways") {
		t.Errorf("the state of another way: %v", err)
	}
}
