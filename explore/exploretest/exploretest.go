// Package exploretest checks that a bonus keeps the contract of package explore.
//
// Call Run from a test of each bonus:
//
//	func TestConformance(t *testing.T) {
//		exploretest.Run(t, func() explore.Config { return mybonus.New() })
//	}
package exploretest

import (
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/explore"
)

const rows = 40 // more than a worker takes at a time

// suite is a bonus in a toy environment.
type suite struct {
	config func() explore.Config
	env    *envtest.Fast
	spec   *env.Spec
}

// Run performs the checks, in an environment of choices and in one of continuous actions; config
// makes the options to check, each call new ones.
func Run(t *testing.T, config func() explore.Config) {
	for _, continuous := range []bool{false, true} {
		name := "choices"
		if continuous {
			name = "continuous"
		}
		e := envtest.NewFast()
		e.Continuous = continuous
		spec, err := e.Spec()
		if err != nil {
			t.Fatal(err)
		}
		s := &suite{config, e, spec}
		t.Run(name, func(t *testing.T) {
			t.Run("score", s.score)
			t.Run("state", s.state)
			t.Run("workers", s.workers)
			t.Run("permutation", s.permutation)
			t.Run("allocations", s.allocations)
		})
	}
}

func (s *suite) build(t *testing.T, rows, workers int) explore.Bonus {
	t.Helper()
	b, err := s.config().Build(explore.Setup{Spec: s.spec, Rows: rows, Key: rng.New(11), Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// walk plays random actions and hands each batch to f.
func (s *suite) walk(t *testing.T, steps int, f func(step int, b *env.Batch)) {
	t.Helper()
	v, err := env.NewVec(s.env, env.VecOptions{Worlds: rows})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.Reset(1)
	b := env.NewBatch(s.spec, rows)
	for step := range steps {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(s.spec, b, rng.New(5), step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		f(step, b)
	}
}

func update(t *testing.T, x explore.Bonus, b *env.Batch) {
	t.Helper()
	if err := x.Update(b, func(string, float64) {}); err != nil {
		t.Fatal(err)
	}
}

// score: Score gives finite numbers, learns nothing and leaves the batch as it is.
func (s *suite) score(t *testing.T) {
	x := s.build(t, rows, 1)
	var first, second [rows]float32
	s.walk(t, 50, func(step int, b *env.Batch) {
		obs, next, act := slices.Clone(b.Obs), slices.Clone(b.Next), slices.Clone(b.Act)
		x.Score(first[:], b)
		x.Score(second[:], b)
		for i, v := range first {
			if !geom.Finite(v) {
				t.Fatalf("step %d, row %d: the bonus is %v", step, i, v)
			}
		}
		if first != second {
			t.Fatalf("step %d: scored again, the bonus is another", step)
		}
		update(t, x, b)
		if !slices.Equal(obs, b.Obs) || !slices.Equal(next, b.Next) || !slices.Equal(act, b.Act) {
			t.Fatalf("step %d: the batch has been changed", step)
		}
	})
}

// state: a bonus that loads the state of another goes on to the same bits; what is cut short or
// of another number of rows is refused or, where the state has nothing of rows, loaded whole.
func (s *suite) state(t *testing.T) {
	x, y := s.build(t, rows, 1), s.build(t, rows, 1)
	var want, got [rows]float32
	s.walk(t, 90, func(step int, b *env.Batch) {
		x.Score(want[:], b)
		update(t, x, b)
		switch {
		case step == 50:
			state, err := x.AppendBinary(nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := y.UnmarshalBinary(state[:len(state)/2]); err == nil && len(state) > 0 {
				t.Error("half a state is accepted")
			}
			if err := y.UnmarshalBinary(append(slices.Clone(state), 0)); err == nil {
				t.Error("a state with a byte too many is accepted")
			}
			if err := y.UnmarshalBinary(state); err != nil {
				t.Fatal(err)
			}
			saved(t, y, state)
			if more := s.build(t, rows+1, 1); more.UnmarshalBinary(state) == nil {
				saved(t, more, state)
			}
		case step > 50:
			y.Score(got[:], b)
			update(t, y, b)
			if want != got {
				t.Fatalf("step %d: the bonus goes on otherwise after loading", step)
			}
		}
	})
}

// saved: x has this state.
func saved(t *testing.T, x explore.Bonus, state []byte) {
	t.Helper()
	again, err := x.AppendBinary(nil)
	if err != nil || !slices.Equal(state, again) {
		t.Errorf("saved again, the state is another; error %v", err)
	}
}

// workers: results do not depend on their number.
func (s *suite) workers(t *testing.T) {
	x, y := s.build(t, rows, 1), s.build(t, rows, 3)
	var a, b [rows]float32
	s.walk(t, 40, func(step int, batch *env.Batch) {
		x.Score(a[:], batch)
		y.Score(b[:], batch)
		if a != b {
			t.Fatalf("step %d: with 3 workers the bonus is another", step)
		}
		update(t, x, batch)
		update(t, y, batch)
	})
}

// permutation: before anything is learned, a row's bonus does not depend on its place.
func (s *suite) permutation(t *testing.T) {
	x, y := s.build(t, rows, 1), s.build(t, rows, 1)
	var a, c [rows]float32
	s.walk(t, 1, func(_ int, b *env.Batch) {
		turned := env.NewBatch(s.spec, rows)
		turn := func(dst, src []float32) {
			w := len(src) / rows
			for i := range rows {
				copy(dst[(rows-1-i)*w:(rows-i)*w], src[i*w:])
			}
		}
		turn(turned.Obs, b.Obs)
		turn(turned.Next, b.Next)
		turn(turned.Facts, b.Facts)
		turn(turned.Act, b.Act)
		for i, end := range b.End {
			turned.End[rows-1-i] = end
		}
		x.Score(a[:], b)
		y.Score(c[:], turned)
		for i := range rows {
			if a[i] != c[rows-1-i] {
				t.Fatalf("row %d: %v, in another place %v", i, a[i], c[rows-1-i])
			}
		}
	})
}

// allocations: none, once tables have grown.
func (s *suite) allocations(t *testing.T) {
	x := s.build(t, rows, 1)
	var dst [rows]float32
	last := env.NewBatch(s.spec, rows)
	s.walk(t, 100, func(_ int, b *env.Batch) {
		x.Score(dst[:], b)
		update(t, x, b)
		copy(last.Obs, b.Obs)
		copy(last.Next, b.Next)
	})
	report := func(string, float64) {}
	if n := testing.AllocsPerRun(50, func() { x.Score(dst[:], last); _ = x.Update(last, report) }); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}
