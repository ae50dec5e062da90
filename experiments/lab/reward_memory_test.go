package lab

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/tasks/lander"
	"github.com/terrarium-rl/terrarium/rewards/eval"
	"github.com/terrarium-rl/terrarium/rewards/program"
)

// Rewards that remember are scored on recordings step by step, and are not measured by distances
// between rewards of single transitions.
func TestRecordedMemory(t *testing.T) {
	spec, err := lander.New().Spec()
	if err != nil {
		t.Fatal(err)
	}
	b := env.NewBatch(spec, 6)
	height, err := env.Column(spec.Facts, "height")
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range []float32{9, 7, 4, 20, 21, 19} { // two episodes of three steps
		b.Facts[i*env.Width(spec.Facts)+height] = h
	}
	b.End[2], b.End[5] = env.Terminated, env.Truncated
	r := &recording{spec: spec, data: &eval.Data{Spec: spec, Rows: b, Starts: []int{0, 3}}}
	f, err := program.Open("height - prev(height)", spec)
	if err != nil {
		t.Fatal(err)
	}
	got, err := scoreInOrder(f, r)
	if want := []float64{0, -2, -3, 0, 1, -2}; err != nil || !slices.EqualFunc(got, want, func(x, y float64) bool { return math.Abs(x-y) < 1e-6 }) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	if _, err := diffRewards(context.Background(), "task", "height - prev(height)", "", r, 0.9); err == nil || !strings.Contains(err.Error(), "remembers earlier steps") {
		t.Errorf("a distance of what remembers: %v", err)
	}
}
