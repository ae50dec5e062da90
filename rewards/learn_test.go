package rewards_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

// surprise scores how far the first fact is from its mean so far.
type surprise struct {
	n, mean float64
	width   int
	fail    bool
}

func (s *surprise) Build(spec *env.Spec) (rewards.Func, error) {
	return &surprise{width: env.Width(spec.Facts), fail: s.fail}, nil
}

func (s *surprise) Score(dst []float32, b *env.Batch) {
	for i := range b.N {
		dst[i] = float32(math.Abs(float64(b.Facts[i*s.width]) - s.mean))
	}
}

func (s *surprise) Update(b *env.Batch, report func(string, float64)) error {
	if s.fail {
		return errors.New("surprised too much")
	}
	for i := range b.N {
		s.n++
		s.mean += (float64(b.Facts[i*s.width]) - s.mean) / s.n
	}
	if report != nil {
		report("surprise/mean", s.mean)
	}
	return nil
}

func (s *surprise) AppendBinary(dst []byte) ([]byte, error) {
	for _, x := range []float64{s.n, s.mean} {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	}
	return dst, nil
}

func (s *surprise) UnmarshalBinary(data []byte) error {
	if len(data) != 16 {
		return fmt.Errorf("surprise: state of %d bytes, want 16", len(data))
	}
	s.n = math.Float64frombits(binary.LittleEndian.Uint64(data))
	s.mean = math.Float64frombits(binary.LittleEndian.Uint64(data[8:]))
	return nil
}

func TestLearnerConformance(t *testing.T) { rewardtest.Run(t, &surprise{}, envtest.NewFast()) }

// A sum learns, saves and loads what its terms do.
func TestSumLearns(t *testing.T) {
	s, b := sample(t)
	make2 := func() *rewards.Sum {
		sum, err := rewards.NewSum([]rewards.Term{
			{Name: "own", Weight: 1, Func: build(t, &rewards.Task{}, s)},
			{Name: "new", Weight: 2, Func: build(t, &surprise{}, s)},
			{Name: "again", Weight: -1, Func: build(t, &surprise{}, s)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	x, reports := make2(), 0
	for range 3 {
		if err := x.Update(b, func(string, float64) { reports++ }); err != nil {
			t.Fatal(err)
		}
	}
	if reports != 6 {
		t.Errorf("%d reports of two learners in three updates", reports)
	}
	state, err := x.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	y := make2()
	if err := y.UnmarshalBinary(state); err != nil {
		t.Fatal(err)
	}
	dx, dy := make([]float32, b.N), make([]float32, b.N)
	x.Score(dx, b)
	y.Score(dy, b)
	if !slices.Equal(dx, dy) {
		t.Errorf("loaded, it scores %v, want %v", dy, dx)
	}
	for n := range state {
		if err := make2().UnmarshalBinary(state[:n]); err == nil {
			t.Fatalf("it loads %d of %d bytes", n, len(state))
		}
	}
	if err := make2().UnmarshalBinary(append(state, 0)); err == nil || !strings.Contains(err.Error(), "1 bytes too many") {
		t.Errorf("a byte too many: %v", err)
	}
	broken, err := rewards.NewSum([]rewards.Term{{Name: "bad", Weight: 1, Func: build(t, &surprise{fail: true}, s)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := broken.Update(b, nil); err == nil || !strings.Contains(err.Error(), `"bad": surprised`) {
		t.Errorf("Update = %v", err)
	}
}

// Follow lets followers go on, in sums too, and nothing that learns.
func TestFollow(t *testing.T) {
	s, err := envtest.NewFast().Spec()
	if err != nil {
		t.Fatal(err)
	}
	b, dst := env.NewBatch(s, 2), make([]float32, 2)
	follower, learner := &counting{}, &struct{ rewards.Learner }{&counting{}}
	sum, err := rewards.NewSum([]rewards.Term{{Name: "a", Weight: 1, Func: follower}, {Name: "b", Weight: 1, Func: learner}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []rewards.Func{sum, follower, learner} {
		if err := rewards.Follow(f, dst, b); err != nil {
			t.Fatal(err)
		}
	}
	if n := learner.Learner.(*counting).updates; follower.updates != 2 || n != 0 {
		t.Errorf("%d updates of what follows, want 2, and %d of what learns", follower.updates, n)
	}
	if !rewards.Follows(sum) || !rewards.Follows(follower) || rewards.Follows(learner) {
		t.Error("what follows is not told from what learns")
	}
}

type counting struct{ updates int }

func (*counting) Score([]float32, *env.Batch)                      {}
func (c *counting) Update(*env.Batch, func(string, float64)) error { c.updates++; return nil }
func (*counting) AppendBinary(b []byte) ([]byte, error)            { return b, nil }
func (*counting) UnmarshalBinary([]byte) error                     { return nil }
func (*counting) Follows()                                         {}
