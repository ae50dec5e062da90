package rewards_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/envtest"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards"
	"github.com/terrarium-rl/terrarium/rewards/rewardtest"
)

func ptr(x float32) *float32 { return &x }

func TestConformance(t *testing.T) {
	rewardtest.Run(t, &rewards.Task{}, envtest.NewFast())
	rewardtest.Run(t, &rewards.Fact{Fact: "distance", Max: ptr(1)}, envtest.NewFast())
}

// sample returns a batch of random transitions.
func sample(t *testing.T) (*env.Spec, *env.Batch) {
	t.Helper()
	v, err := env.NewVec(envtest.NewFast(), env.VecOptions{Worlds: 9})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	b := env.NewBatch(v.Spec(), 9)
	v.Reset(1)
	for step := range 20 {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		envtest.RandomActions(v.Spec(), b, rng.New(1), step)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
	}
	return v.Spec(), b
}

func build(t *testing.T, c rewards.Config, s *env.Spec) rewards.Func {
	t.Helper()
	f, err := c.Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTaskEqualsTheEnvironment(t *testing.T) {
	s, b := sample(t)
	dst := make([]float32, b.N)
	build(t, &rewards.Task{}, s).Score(dst, b)
	if !slices.Equal(dst, b.Reward) {
		t.Errorf("task scores %v, the environment said %v", dst, b.Reward)
	}
	build(t, &rewards.Task{Weights: map[string]float32{"distance": 0}}, s).Score(dst, b)
	for i, x := range dst {
		if want := -0.01 * b.Facts[2*i+1]; x != want {
			t.Errorf("without its distance term, task scores %v, want %v", x, want)
		}
	}
}

func TestSum(t *testing.T) {
	s, b := sample(t)
	sum, err := rewards.NewSum([]rewards.Term{
		{Name: "own", Weight: 1, Func: build(t, &rewards.Task{}, s)},
		{Name: "near", Weight: -2, Func: build(t, &rewards.Fact{Fact: "distance", Min: ptr(0.25), Max: ptr(0.5)}, s)},
	})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, b.N)
	sum.Score(dst, b)
	for i := range dst {
		near := -2 * min(max(b.Facts[2*i], 0.25), 0.5)
		if sum.Column(0)[i] != b.Reward[i] || sum.Column(1)[i] != near || dst[i] != b.Reward[i]+near {
			t.Errorf("row %d: %v = %v + %v, want %v + %v", i, dst[i], sum.Column(0)[i], sum.Column(1)[i], b.Reward[i], near)
		}
	}
	if sum.Len() != 2 || sum.Name(1) != "near" {
		t.Error("terms have lost their names")
	}
	if n := testing.AllocsPerRun(50, func() { sum.Score(dst, b) }); n != 0 {
		t.Errorf("%v allocations a Score, want 0", n)
	}
	for _, bad := range [][]rewards.Term{nil, {{Name: ""}}, {{Name: "a"}, {Name: "a"}}} {
		if _, err := rewards.NewSum(bad); err == nil {
			t.Errorf("NewSum(%v) succeeds", bad)
		}
	}
}

func TestErrors(t *testing.T) {
	s, _ := sample(t)
	nan := float32(math.NaN())
	for want, c := range map[string]rewards.Config{
		`did you mean "distance"`:  &rewards.Fact{Fact: "distnce"},
		"index is 1":               &rewards.Fact{Fact: "distance", Index: 1},
		"min is 2, above max 1":    &rewards.Fact{Fact: "distance", Min: ptr(2), Max: ptr(1)},
		`no reward term "distanc"`: &rewards.Task{Weights: map[string]float32{"distanc": 1}},
		"weight of effort is NaN":  &rewards.Task{Weights: map[string]float32{"effort": nan}},
	} {
		if _, err := c.Build(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build = %v, want an error about %q", err, want)
		}
	}
	if _, err := rewards.Open("tsak", nil); err == nil || !strings.Contains(err.Error(), `did you mean "task"`) {
		t.Errorf("Open = %v", err)
	}
}

// A reward of one's own is a function of the batch: here, to be slow.
func ExampleFuncOf() {
	slow := rewards.FuncOf(func(dst []float32, b *env.Batch) {
		for i := range b.N {
			velocity := b.Next[2*i+1]
			dst[i] = -velocity * velocity
		}
	})
	b := &env.Batch{N: 2, Next: []float32{0, 3, 0, -0.5}}
	dst := make([]float32, 2)
	slow.Score(dst, b)
	fmt.Println(dst)
	// Output: [-9 -0.25]
}
