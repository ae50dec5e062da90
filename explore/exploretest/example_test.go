package exploretest_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/explore"
	"github.com/terrarium-rl/terrarium/explore/exploretest"
)

func init() {
	explore.Register("optimism", func() explore.Config { return &optimism{Scale: 1} })
	explore.Register("monitor", func() explore.Config { return &monitor{} })
}

// optimism pays for places by how much better than known they may be, as methods do that are optimistic
// in the face of uncertainty: sqrt(2 ln t / n) for the n-th of t visits (Auer et al., 2002), n
// being counted by the place where the first observation is.
type optimism struct {
	Scale float32 `json:"scale" doc:"side of a place"`
}

func (o *optimism) Build(explore.Setup) (explore.Bonus, error) {
	if !(o.Scale > 0) {
		return nil, fmt.Errorf("bonus optimism: scale is %v, want above 0", o.Scale)
	}
	return &optimist{scale: o.Scale, visits: make([]uint64, 64)}, nil
}

type optimist struct {
	scale  float32
	visits []uint64
	all    uint64
}

func (o *optimist) place(b *env.Batch, i int) int {
	x := b.Next[i*len(b.Next)/b.N] / o.scale
	return min(max(int(x)+len(o.visits)/2, 0), len(o.visits)-1)
}

func (o *optimist) Score(dst []float32, b *env.Batch) {
	for i := range b.N {
		n := o.visits[o.place(b, i)]
		dst[i] = float32(math.Sqrt(2 * math.Log(float64(o.all+1)) / float64(n+1)))
	}
}

func (o *optimist) Update(b *env.Batch, _ func(string, float64)) error {
	for i := range b.N {
		o.visits[o.place(b, i)]++
		o.all++
	}
	return nil
}

func (o *optimist) AppendBinary(dst []byte) ([]byte, error) {
	for _, n := range append(slices.Clone(o.visits), o.all) {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	return dst, nil
}

func (o *optimist) UnmarshalBinary(src []byte) error {
	if len(src) != 8*(len(o.visits)+1) {
		return fmt.Errorf("bonus optimism: a state of %d bytes, want %d", len(src), 8*(len(o.visits)+1))
	}
	for i := range o.visits {
		o.visits[i] = binary.LittleEndian.Uint64(src[8*i:])
	}
	o.all = binary.LittleEndian.Uint64(src[8*len(o.visits):])
	return nil
}

// monitor pays nothing. It reports what a schedule of exploration is steered by: how different the
// states are that the agent sees at a time, and how good.
type monitor struct{}

func (monitor) Build(explore.Setup) (explore.Bonus, error) { return watcher{}, nil }

type watcher struct{}

func (watcher) Score(dst []float32, b *env.Batch) { clear(dst[:b.N]) }

func (watcher) Update(b *env.Batch, report func(string, float64)) error {
	if report == nil {
		return nil
	}
	var sum, squares, reward float64
	for i := range b.N {
		x := float64(b.Next[i*len(b.Next)/b.N])
		sum, squares, reward = sum+x, squares+float64(x*x), reward+float64(b.Reward[i])
	}
	n := float64(b.N)
	report("diversity", math.Sqrt(max(squares/n-float64(sum/n*sum/n), 0)))
	report("quality", reward/n)
	return nil
}

func (watcher) AppendBinary(dst []byte) ([]byte, error) { return dst, nil }

func (watcher) UnmarshalBinary(src []byte) error {
	if len(src) > 0 {
		return fmt.Errorf("bonus monitor: a state of %d bytes, want none", len(src))
	}
	return nil
}

// Bonuses of one's own, here an optimistic one and one that only watches, are used in expressions as those
// of this package are. What they report is logged as bonus/monitor/quality, and so on.
func Example() {
	spec, _ := envtest.NewFast().Spec()
	bonus, err := explore.Parse("0.1 * norm(optimism(scale=0.5) * e3b(embed=none)) + monitor", explore.Setup{Spec: spec, Rows: 2, Key: rng.New(1)})
	if err != nil {
		fmt.Println(err)
		return
	}
	b, pays := env.NewBatch(spec, 2), make([]float32, 2)
	b.Next[0], b.Reward[0], b.Reward[1] = 4, 1, 3
	for range 2 {
		bonus.Score(pays, b)
		err = bonus.Update(b, func(name string, value float64) {
			if name == "bonus/monitor/diversity" || name == "bonus/monitor/quality" {
				fmt.Println(name, value)
			}
		})
	}
	fmt.Println(pays[0] > 0, pays[1], err)
	// Output:
	// bonus/monitor/diversity 2
	// bonus/monitor/quality 2
	// bonus/monitor/diversity 2
	// bonus/monitor/quality 2
	// true 0 <nil>
}

func TestBonusesOfOthers(t *testing.T) {
	for _, name := range []string{"optimism", "monitor"} {
		t.Run(name, func(t *testing.T) {
			exploretest.Run(t, func() explore.Config {
				c, err := explore.Open(name, nil)
				if err != nil {
					t.Fatal(err)
				}
				return c
			})
		})
	}
}
