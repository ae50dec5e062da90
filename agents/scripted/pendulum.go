package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("pendulum-v0", newPendulum) }

// newPendulum pumps energy into the swing until it suffices to stand upright, after Åström and
// Furuta, "Swinging up a pendulum by energy control" (Automatica 36, 2000), and balances with a
// linear-quadratic regulator once near. It takes the rod for the classic one.
func newPendulum(s *env.Spec) (agents.Policy, error) {
	at, err := columns(s.Obs, "cos", "sin", "angular_velocity")
	if err != nil {
		return nil, err
	}
	return newPerRow(s, func(act, obs []float32) {
		act[0] = geom.Clamp(swingUp(obs[at[0]], obs[at[1]], obs[at[2]]), -1, 1)
	}), nil
}

func swingUp(cos, sin, spin float32) float32 {
	const (
		gravity, inertia, torque = 10, 1.0 / 3, 2 // of the classic rod, whose mass and length are 1
		near                     = 0.4            // rad within which the motor can hold the rod
	)
	angle := geom.Atan2(sin, cos)
	if lean := angle + float32(0.25*spin); geom.Abs(lean) < near && geom.Abs(angle) < 2*near {
		return -(float32(9.77*angle) + float32(2.33*spin)) / torque
	}
	missing := float32(0.5*gravity*(1-cos)) - float32(0.5*inertia*spin*spin)
	if spin < 0 {
		return -missing
	}
	return missing
}
