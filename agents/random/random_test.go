package random_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/agenttest"
	"github.com/terrarium-rl/terrarium/agents/random"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func TestConformance(t *testing.T) {
	agenttest.Run(t, agenttest.Options{Config: func() agents.Config { return new(random.Config) }})
}

// Every choice is as frequent as the others, and numbers fill their bounds evenly.
func TestUniform(t *testing.T) {
	spec := &env.Spec{
		ID: "x", Obs: []env.Field{{Name: "o", Len: 1}}, Agents: 1,
		Act: []env.Field{{Name: "a", Len: 2, Choices: 5}, {Name: "b", Len: 1, Choices: 2}},
	}
	numbers := *spec
	numbers.Act = []env.Field{{Name: "a", Len: 1, Lo: -3, Hi: 1}, {Name: "b", Len: 2, Lo: 0, Hi: 10}}
	const n = 40000
	for _, s := range []*env.Spec{spec, &numbers} {
		p, err := new(random.Config).Build(agents.Setup{Spec: s})
		if err != nil {
			t.Fatal(err)
		}
		b := env.NewBatch(s, n)
		p.Act(b, rng.New(1), true)
		col := 0
		for _, f := range s.Act {
			for range f.Len {
				const bins = 10
				cells := f.Choices
				if cells == 0 {
					cells = bins
				}
				count := make([]float64, cells)
				for i := range n {
					v := b.Act[i*3+col]
					if f.Choices == 0 {
						v = (v - f.Lo) / (f.Hi - f.Lo) * bins
					}
					count[min(int(v), cells-1)]++
				}
				// Each count is binomial: five standard deviations around its mean.
				mean := n / float64(cells)
				for c, k := range count {
					if math.Abs(k-mean) > 5*math.Sqrt(mean) {
						t.Errorf("%q, column %d: %v of %d in cell %d of %d", f.Name, col, k, n, c, cells)
					}
				}
				col++
			}
		}
	}
}

func Example() {
	config, err := agents.Open("random", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	spec, _ := (&agenttest.Fast{Kind: "discrete"}).Spec()
	p, err := config.Build(agents.Setup{Spec: spec, Rows: 8})
	if err != nil {
		fmt.Println(err)
		return
	}
	b := env.NewBatch(spec, 8)
	p.Act(b, rng.New(1), true)
	fmt.Println(len(b.Act), "actions, the same for the same key")
	// Output: 8 actions, the same for the same key
}
