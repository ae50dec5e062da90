package goexplore

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/maze"
	"github.com/terrarium-rl/terrarium/rewards"
)

func mazes(t testing.TB, worlds, workers int) env.Vec {
	t.Helper()
	c := maze.New()
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	levels, err := (&env.LevelSet{Params: map[string]env.Range{"size": {6, 6}, "keys": {1, 1}, "distance": {1, 1}}, Count: 1, First: 7}).Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: worlds, Workers: workers, Levels: levels})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	v.Reset(1)
	return v
}

func search(t testing.TB, v env.Vec, c Config, steps int) *Search {
	t.Helper()
	s, err := New(v, c, rng.New(3))
	if err != nil {
		t.Fatal(err)
	}
	for range steps {
		if err := s.Step(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

var config = Config{Fields: []string{"position", "held"}, Cell: 1}

// It finds the goal of a maze with a key and a door, which random search with as many steps does
// not, and the actions that it returns lead there, with the same score in as many steps.
func TestFindsTheGoal(t *testing.T) {
	const steps = 10000
	s := search(t, mazes(t, 16, 1), config, steps)
	best := s.Best()
	if best.Score != 1 {
		t.Fatalf("the best score is %v after %d steps, in %d cells", best.Score, s.Steps(), s.Cells())
	}
	other := config
	other.Restart = true
	if r := search(t, mazes(t, 16, 1), other, steps); r.Best().Score != 0 || r.Cells() >= s.Cells() {
		t.Errorf("random search: score %v, %d cells; with returning %d", r.Best().Score, r.Cells(), s.Cells())
	}

	v := mazes(t, 3, 1)
	if err := v.(env.Snapshotter).SetState(2, s.Start()); err != nil {
		t.Fatal(err)
	}
	b, score, act := env.NewBatch(v.Spec(), 3), 0.0, best.Actions()
	if len(act) != 2*best.Steps {
		t.Fatalf("%d numbers of action for %d steps", len(act), best.Steps)
	}
	for t0 := range best.Steps {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		copy(b.Act[4:6], act[2*t0:])
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		score += float64(b.Reward[2])
		if end := b.End[2] != env.Running; end != (t0 == best.Steps-1) {
			t.Fatalf("step %d of %d: the episode is over: %v", t0, best.Steps, end)
		}
	}
	if score != best.Score {
		t.Errorf("the actions score %v, want %v", score, best.Score)
	}
}

// Every way of the archive leads to its cell.
func TestWaysLeadToTheirCells(t *testing.T) {
	s := search(t, mazes(t, 8, 1), config, 300)
	v := mazes(t, 1, 1)
	b := env.NewBatch(v.Spec(), 1)
	again, err := New(v, config, rng.New(1))
	if err != nil {
		t.Fatal(err)
	}
	for key, c := range s.cells {
		if err := v.(env.Snapshotter).SetState(0, s.Start()); err != nil {
			t.Fatal(err)
		}
		for act := c.Actions(); len(act) > 0; act = act[2:] {
			if err := v.Observe(b); err != nil {
				t.Fatal(err)
			}
			copy(b.Act, act)
			if err := v.Step(b); err != nil {
				t.Fatal(err)
			}
		}
		again.batch = b
		if got, err := again.cell(0); err != nil || got != key {
			t.Fatalf("a way of %d steps leads to another cell, %v", c.Steps, err)
		}
		if !slices.Equal(v.(env.Snapshotter).AppendState(nil, 0), c.state) {
			t.Fatal("the state is another")
		}
	}
	if s.Cells() < 5 {
		t.Errorf("only %d cells", s.Cells())
	}
}

// Results do not depend on the number of workers.
func TestWorkers(t *testing.T) {
	a, b := search(t, mazes(t, 20, 1), config, 200), search(t, mazes(t, 20, 3), config, 200)
	if a.Cells() != b.Cells() || a.Best().Steps != b.Best().Steps || len(a.order) != len(b.order) {
		t.Fatalf("%d cells with one worker, %d with three", a.Cells(), b.Cells())
	}
	for i, c := range a.order {
		if d := b.order[i]; c.Seen != d.Seen || c.Steps != d.Steps || !slices.Equal(c.state, d.state) {
			t.Fatalf("cell %d differs", i)
		}
	}
}

func TestErrors(t *testing.T) {
	v := mazes(t, 1, 1)
	for want, c := range map[string]Config{
		`maze-v0 has no observation or fact "positoin"; did you mean "position"?`: {Fields: []string{"positoin"}},
		"the side of a cell is -1, want a positive number":                        {Cell: -1},
		"-3 steps from a cell, want at least 1":                                   {Steps: -3},
		"actions repeat with probability 1, want 0 to below 1":                    {Repeat: 1},
	} {
		if _, err := New(v, c, rng.New(1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// Ways are scored by the reward that is given.
func TestReward(t *testing.T) {
	c := config
	spec := mazes(t, 1, 1).Spec()
	f, err := (&rewards.Fact{Fact: "new_cell"}).Build(spec)
	if err != nil {
		t.Fatal(err)
	}
	c.Reward = f
	if s := search(t, mazes(t, 8, 1), c, 300); s.Best().Score < 3 || s.Best().Score != math.Floor(s.Best().Score) {
		t.Errorf("the best way sees %v new cells", s.Best().Score)
	}
}

// Choices are drawn too.
func TestChoices(t *testing.T) {
	v, err := env.NewVec(envtest.NewFast(), env.VecOptions{Worlds: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.Reset(1)
	if s := search(t, v, Config{Cell: 0.3}, 50); s.Cells() < 5 {
		t.Errorf("only %d cells", s.Cells())
	}
}

func Example() {
	c := maze.New()
	c.MaxKeys = 0
	v, err := env.NewVec(c, env.VecOptions{Worlds: 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()
	v.Reset(4)
	s, err := New(v, Config{Fields: []string{"position"}}, rng.New(1))
	for s.Best().Score == 0 && err == nil {
		err = s.Step()
	}
	best := s.Best()
	fmt.Println("reached:", best.Score == 1, " actions:", len(best.Actions()) == 2*best.Steps, err)
	// Output: reached: true  actions: true <nil>
}

// A search that loads the state of another goes on as that one does; one of other options, worlds
// or a damaged state is refused.
func TestState(t *testing.T) {
	a := search(t, mazes(t, 6, 1), config, 157)
	state, err := a.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := search(t, mazes(t, 6, 2), config, 0)
	if err := b.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	for range 400 {
		for _, s := range []*Search{a, b} {
			if err := s.Step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	x, err := a.AppendBinary(nil)
	y, err2 := b.AppendBinary(nil)
	if err != nil || err2 != nil || !slices.Equal(x, y) {
		t.Errorf("the states differ after loading: %v, %v", err, err2)
	}
	other := config
	other.Cell = 2
	for want, s := range map[string]*Search{
		"with other options: fields [position held], cell 1": search(t, mazes(t, 6, 1), other, 0),
		"the state is of 6 worlds, want 5":                   search(t, mazes(t, 5, 1), config, 0),
	} {
		if err := s.UnmarshalBinary(state); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	for n := 0; n < len(state)-1; n += 97 {
		if err := search(t, mazes(t, 6, 1), config, 0).UnmarshalBinary(state[:n]); err == nil {
			t.Fatalf("a state cut to %d of %d bytes is accepted", n, len(state))
		}
	}
}

// Cells are drawn as often as their weights say, whatever the order of changes.
func TestWeights(t *testing.T) {
	r := rng.New(2).Stream(0, 0, 0)
	var tree weights
	var plain []uint64
	for range 500 {
		if len(plain) == 0 || r.IntN(3) > 0 {
			w := 1 + uint64(r.IntN(1000))
			tree.add(w)
			plain = append(plain, w)
		} else {
			i := r.IntN(len(plain))
			by := uint64(r.IntN(int(plain[i])))
			tree.lower(i, by)
			plain[i] -= by
		}
		sum := uint64(0)
		for i, w := range plain {
			if got := []int{tree.find(sum), tree.find(sum + w - 1)}; got[0] != i || got[1] != i {
				t.Fatalf("%d items: %d to %d fall on %v, want %d", len(plain), sum, sum+w-1, got, i)
			}
			sum += w
		}
		if tree.sum() != sum {
			t.Fatalf("sum %d, want %d", tree.sum(), sum)
		}
	}
}
