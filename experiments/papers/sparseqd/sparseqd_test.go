package sparseqd

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

// At smoke scale signatures already tell more paths apart than last states, which are all alike.
func TestSignature(t *testing.T) {
	papertest.Smoke(t, "sparse-qd-signature").Leans("classes: signature - last > 0")
}

// A circle winds once around what is inside, and paths end where they begin.
func TestPaths(t *testing.T) {
	circle := make([]float32, 2*points)
	for i := range points {
		s, c := math.Sincos(2 * math.Pi * float64(i) / (points - 1))
		circle[2*i], circle[2*i+1] = float32(0.5*c), float32(0.5*s)
	}
	if in, out := winding(circle, [2]float64{0.3, 0.2}), winding(circle, [2]float64{0, 0.7}); in != 1 || out != 0 {
		t.Errorf("a circle winds %d times around a point inside and %d around one outside", in, out)
	}
	sol := make([]float32, loop)
	for i := range sol {
		sol[i] = float32(i%7) - 3
	}
	row := make([]float32, 2*points)
	path(row, sol)
	for c := range 2 {
		if math.Abs(float64(row[c])) > 1e-6 || math.Abs(float64(row[2*points-2+c])) > 1e-6 {
			t.Errorf("the path goes from (%v, %v) to (%v, %v)", row[0], row[1], row[2*points-2], row[2*points-1])
		}
	}
}

// One arm of each claim on the tasks runs and yields what its bounds need.
func TestCell(t *testing.T) {
	row, err := cell(papers.Cell{Context: t.Context(), Scale: papers.Smoke, Arm: "cma-es", Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"areas", "reward-each", "coverage-arm", "coverage-maze", "coverage-curling"} {
		if _, ok := row[name]; !ok {
			t.Errorf("there is no %q in %v", name, row)
		}
	}
}
