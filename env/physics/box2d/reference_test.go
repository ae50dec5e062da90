package box2d_test

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/physics/box2d"
	"github.com/terrarium-rl/terrarium/env/physics/internal/reference"
)

const trajectories = "../testdata/box2d"

// deviation returns the greatest difference from the trajectory of c, up to the given step, of
// poses (m, rad) and of velocities, and the number of times that touches differ.
func deviation(t *testing.T, c *reference.Case, upTo int) (pose, velocity float64, touches int) {
	t.Helper()
	w, err := box2d.New(&c.Scene, box2d.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.Load(trajectories, reference.Gym)
	if err != nil {
		t.Fatal(err)
	}
	for step := 0; step <= upTo; step++ {
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

// The library is Box2D 2.3, the trajectories are of Box2D 2.4.1. The two differ in how a joint
// meets a limit: 2.4.1 slows down so as to arrive at it, 2.3 notices one step later. Everything
// else is the same algorithm in float64 and float32: differences are rounding, 1e-7, which a hard
// impact on two legs, where 180 sweeps are far from convergence, makes up to 1000 times larger.
func TestTrajectories(t *testing.T) {
	untilLimit := map[string]int{ // the last step before a joint meets a limit; gym's start is beyond it
		"lander_flight": 33, "lander_gym_start": 0, "lander_soft": 26, "lander_drop": 55, "lander_drop_gym": 0, "lander_slope": 8,
		"lander_slide": 8, "lander_kinked": 55, "biped_flight": 3, "biped_fall": 3, "biped_rest": 0, "prismatic": 37, "motor": 52,
	}
	for _, c := range reference.Cases() {
		upTo, limited := untilLimit[c.Name]
		if !limited {
			upTo = c.Steps
		}
		pose, velocity, touches := deviation(t, c, upTo)
		if pose > 2e-4 || velocity > 2e-3 || touches > 0 {
			t.Errorf("%s: up to step %d, poses differ by %.2g, velocities by %.2g, touches %d times", c.Name, upTo, pose, velocity, touches)
		}
	}
}
