package lab

import (
	"testing"
	"time"

	"github.com/terrarium-rl/terrarium/env"
)

// TestBenchRows checks medians and ratios with benchmarks whose figures are known.
func TestBenchRows(t *testing.T) {
	fake := func(name, vs string, values ...float64) benchmark {
		round := -1
		return benchmark{
			name: name, metric: "m", unit: "1/s", vs: vs,
			open: func() (func() (int, error), func() error, error) {
				return func() (int, error) { return 1, nil }, func() error { return nil }, nil
			},
			figure: func(units int, cpu, _ time.Duration) float64 {
				if units < 1 || cpu < time.Millisecond {
					t.Errorf("%s: %d units in %v, want a millisecond of work", name, units, cpu)
				}
				round++
				return values[round]
			},
		}
	}
	rounds := 0
	var rows []BenchRow
	err := runBenches([]benchmark{
		fake("slow", "", 10, 1, 12), // the machine stumbles in the second round, for both
		fake("fast", "slow m", 40, 5, 36),
	}, BenchPlan{3, time.Millisecond, func(_ *benchmark, round int) error {
		rounds = round
		return nil
	}, func(done []BenchRow) error {
		rows = append(rows, done...)
		return nil
	}})
	if err != nil || rounds != 3 || len(rows) != 2 {
		t.Fatalf("%d rounds, %d rows, %v", rounds, len(rows), err)
	}
	if r := rows[0]; r.Value != 10 || r.Lo != 1 || r.Hi != 12 || r.Ratio != 0 || r.Rounds != 3 {
		t.Errorf("slow: %+v", r)
	}
	// The ratios are 4, 5 and 3.
	if r := rows[1]; r.Value != 36 || r.Ratio != 4 || r.Vs != "slow m" {
		t.Errorf("fast: %+v", r)
	}
}

func TestSelectBenches(t *testing.T) {
	bs, err := selectBenches([]string{"env/cartpole-v0"})
	if err != nil || len(bs) == 0 || bs[0].name != "env/cartpole-v0" {
		t.Fatalf("%v, %v", bs, err)
	}
	bs, err = selectBenches([]string{"memory"})
	if err != nil || len(bs) != len(env.Names()) {
		t.Errorf("memory selects %d, %v; want one an environment", len(bs), err)
	}
	bs, err = selectBenches([]string{"*/pendulum-v0"})
	for _, b := range bs {
		if envOf(b.name) != "pendulum-v0" {
			t.Errorf("pattern selects %s", b.name)
		}
	}
	if err != nil || len(bs) < 2 {
		t.Errorf("pattern selects %d, %v", len(bs), err)
	}
}
