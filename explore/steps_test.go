package explore

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
)

// copied returns a copy of a batch.
func copied(s *env.Spec, b *env.Batch) *env.Batch {
	c := env.NewBatch(s, rows)
	for _, x := range [][2][]float32{{c.Obs, b.Obs}, {c.Act, b.Act}, {c.Next, b.Next}, {c.Facts, b.Facts}, {c.Reward, b.Reward}} {
		copy(x[0], x[1])
	}
	copy(c.End, b.End)
	return c
}

// Scored several at once, in blocks of any length, steps have the bits that they have one by one, and so do the
// states after them and what is logged of each bonus.
func TestScoreSteps(t *testing.T) {
	for _, expr := range every {
		v, s := setup(t, false)
		x, y := parse(t, expr, s), parse(t, expr, s)
		var want, got [5 * rows]float32
		var kept []*env.Batch
		sums, most := [2]map[string]float64{{}, {}}, 0
		walk(t, v, 150, func(step int, b *env.Batch) {
			dst := want[len(kept)*rows:]
			x.Score(dst, b)
			if err := x.Update(b, func(n string, v float64) { sums[0][n] += v }); err != nil {
				t.Fatal(err)
			}
			if kept = append(kept, copied(s.Spec, b)); len(kept) <= most {
				return
			}
			if err := ScoreSteps(y, got[:], kept, func(n string, v float64) { sums[1][n] += v }); err != nil {
				t.Fatal(err)
			}
			if n := len(kept) * rows; !slices.Equal(want[:n], got[:n]) {
				t.Fatalf("%s: step %d, %d at once: another bonus", expr, step, len(kept))
			}
			kept, most = kept[:0], (most+1)%5
		})
		a, err := x.AppendBinary(nil)
		b, err2 := y.AppendBinary(nil)
		if err != nil || err2 != nil || !slices.Equal(a, b) {
			t.Errorf("%s: another state after steps at once; errors %v, %v", expr, err, err2)
		}
		for n, v := range sums[0] {
			if sums[1][n] != v {
				t.Errorf("%s: %s adds up to %v, want %v", expr, n, sums[1][n], v)
			}
		}
	}
}

// The error of one of several steps says which, and nothing after it is learned from.
func TestScoreStepsNotFinite(t *testing.T) {
	for _, expr := range []string{"e3b(dim=8)", "e3b(embed=none)", "norm(count(cell=0.3)) * e3b(dim=8)", "rnd"} {
		v, s := setup(t, false)
		x := parse(t, expr, s)
		var steps []*env.Batch
		walk(t, v, 6, func(_ int, b *env.Batch) { steps = append(steps, copied(s.Spec, b)) })
		steps[2].Next[len(steps[2].Next)/rows*5+1] = float32(math.NaN())
		err := ScoreSteps(x, make([]float32, 6*rows), steps, nil)
		if err == nil || !strings.Contains(err.Error(), "3 steps of all worlds before: bonus ") || !strings.Contains(err.Error(), "row 5 is NaN") {
			t.Errorf("%s: error %v, want one that names the step, bonus and row", expr, err)
		}
	}
}
