package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("cartpole-v0", newCartpole) }

// cartpoleGains is the linear-quadratic regulator of the classic cart-pole, linearised about
// upright, for unit costs of the state and 1 of the squared force: newtons to the right a unit of
// position, velocity, angle and angular velocity. They are positive for the position too: a
// cart on the right is first driven further right, for the pole to lean left.
var cartpoleGains = [4]float32{0.910, 2.132, 30.59, 7.841}

// newCartpole pushes with the force of the regulator, or in its direction where it cannot choose.
func newCartpole(s *env.Spec) (agents.Policy, error) {
	const classicForce = 10 // newtons
	at, err := columns(s.Obs, "position", "velocity", "angle", "angular_velocity")
	if err != nil {
		return nil, err
	}
	return newPerRow(s, func(act, obs []float32) {
		force := float32(0)
		for i, c := range at {
			force += float32(cartpoleGains[i] * obs[c])
		}
		switch {
		case !s.Discrete():
			act[0] = geom.Clamp(force/classicForce, -1, 1)
		case force > 0:
			act[0] = 1
		default:
			act[0] = 0
		}
	}), nil
}
