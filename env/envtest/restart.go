package envtest

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// restarts begins worlds at different moments, lets them rest in between, and compares each with a Vec
// of one world that was Reset at that moment.
func (s *suite) restarts(t *testing.T) {
	const n, first, steps = 100, 1, 50
	compiled, err := (&env.LevelSet{}).Compile(s.spec)
	must(t, err)
	levels := make(env.FixedLevels, 3) // so that it shows which world a world thinks it is
	for i := range levels {
		levels[i].Params = make([]float32, len(s.spec.Params))
		compiled.Next(&levels[i], 0, rng.New(uint64(i)))
	}
	vec := s.vec(t, env.VecOptions{Worlds: n, First: first, Levels: levels})
	v, ok := vec.(env.Restarter)
	if !ok {
		t.Fatal("the Vec is no Restarter")
	}
	b, before, drawn := env.NewBatch(s.spec, n), env.NewBatch(s.spec, n), env.NewBatch(s.spec, n)
	var twins [n]env.Vec
	var twinRows [n]*env.Batch
	var resting [n]bool
	v.Reset(1000)
	for i := range twins {
		twins[i], twinRows[i] = s.vec(t, env.VecOptions{Worlds: 1, First: first, Levels: levels, Engine: "go"}), env.NewBatch(s.spec, 1)
		v.Rest(i)
		resting[i] = true
	}
	for step := range steps {
		for i := range n {
			switch at := step + 7*i; {
			case at%41 == 5 || at%23 == 11:
				seed := uint64(100*i + step)
				v.Restart(i, seed)
				twins[i].Reset(seed)
				resting[i] = false
			case at%37 == 0:
				v.Rest(i)
				resting[i] = true
			}
		}
		before.CopyFrom(b)
		must(t, v.Observe(b))
		RandomActions(s.spec, drawn, rng.New(1), step)
		for i := range n {
			row, from := rowsOf(s.spec, b, i), rowsOf(s.spec, drawn, i)
			if !resting[i] {
				must(t, twins[i].Observe(twinRows[i]))
				copy(row.Act, from.Act)
				copy(twinRows[i].Act, from.Act)
			}
		}
		must(t, v.Step(b))
		for i := range n {
			want, what := rowsOf(s.spec, before, i), "a world that rests was changed"
			if !resting[i] {
				must(t, twins[i].Step(twinRows[i]))
				want, what = *twinRows[i], "a world that was restarted differs from one alone"
			}
			if got := rowsOf(s.spec, b, i); !equal(&got, &want) {
				t.Fatalf("step %d, world %d: %s", step, i, what)
			}
		}
	}
}

// rowsOf returns the rows of a world.
func rowsOf(s *env.Spec, b *env.Batch, world int) env.Batch {
	return b.Rows(world*s.Agents, (world+1)*s.Agents)
}
