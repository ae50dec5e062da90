package box2d_test

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/physics/box2d"
	"github.com/terrarium-rl/terrarium/env/physics/internal/reference"
)

const trajectories = "../testdata/box2d"

// deviation returns the greatest difference from the trajectory of c of poses (m, rad) and of
// velocities, and the number of times that touches differ.
func deviation(t *testing.T, c *reference.Case) (pose, velocity float64, touches int) {
	t.Helper()
	w, err := box2d.New(&c.Scene, box2d.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.Load(trajectories, reference.Gym)
	if err != nil {
		t.Fatal(err)
	}
	for step := 0; step <= c.Steps; step++ {
		if step > 0 {
			c.Step(w, w, step)
		}
		row, ok := want.At(step)
		if !ok {
			continue
		}
		for i, name := range want.Bodies {
			g := reference.Read(w, w.Body(name))
			pose = max(pose, float64(g.Position.Sub(row[i].Position).Len()), math.Abs(float64(g.Angle-row[i].Angle)))
			velocity = max(velocity, float64(g.Velocity.Sub(row[i].Velocity).Len()), math.Abs(float64(g.Spin-row[i].Spin)))
			if g.Touching != row[i].Touching {
				touches++
			}
		}
	}
	return pose, velocity, touches
}

// The library is Box2D 2.3, with limits of joints as in 2.4 (limit.go); the trajectories are of C++ Box2D
// 2.4.1. Over all steps of all scenes the differences are those of float64 and float32: rounding, 1e-7, which
// hard impacts on two legs, where 180 sweeps are far from convergence, make up to 10,000 times larger.
func TestTrajectories(t *testing.T) {
	for _, c := range reference.Cases() {
		pose, velocity, touches := deviation(t, c)
		if pose > 3e-4 || velocity > 3e-3 || touches > 0 {
			t.Errorf("%s: poses differ by %.2g, velocities by %.2g, touches %d times", c.Name, pose, velocity, touches)
		}
	}
}
