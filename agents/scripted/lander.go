package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("lander-v0", newLander) }

// newLander returns a controller that leans towards the pad as far as position and velocity
// demand, and sinks the slower the nearer the ground it is. It knows nothing of the terrain,
// but keeps high while it is far from the pad. Gains are in metres, seconds and radians.
func newLander(s *env.Spec) (agents.Policy, error) {
	at, err := columns(s.Obs, "x", "y", "vx", "vy", "angle", "spin", "right_leg", "left_leg")
	if err != nil {
		return nil, err
	}
	continuous := !s.Discrete()
	return newPerRow(s, func(act, obs []float32) {
		engine := pilot(
			geom.Vec{X: obs[at[0]] * 10, Y: obs[at[1]] * (20. / 3)}, geom.Vec{X: obs[at[2]] * 5, Y: obs[at[3]] * 7.5},
			obs[at[4]], obs[at[5]]*2.5, obs[at[6]]+obs[at[7]] > 0,
		)
		if !continuous {
			act[0] = float32(engine)
			return
		}
		act[0], act[1] = -1, 0
		switch engine {
		case fireMain:
			act[0] = 1
		case fireLeft:
			act[1] = -1
		case fireRight:
			act[1] = 1
		}
	}), nil
}

// The discrete actions of the lander.
const (
	fireNone = iota
	fireLeft
	fireMain
	fireRight
)

func pilot(at, v geom.Vec, angle, spin float32, touching bool) int {
	lean := geom.Clamp(float32(0.1*at.X)+float32(0.25*v.X), -0.45, 0.45) // to the left, if it is right of the pad
	sink := geom.Clamp(float32(0.7*(at.Y-float32(0.3*geom.Abs(at.X))))+0.5, -0.5, 4)
	late := -sink - v.Y // how much faster it sinks than it should
	if touching {
		if late > 0.1 {
			return fireMain
		}
		return fireNone
	}
	turn := lean - angle - float32(0.5*spin)
	switch {
	case late > 0 && 2*late > geom.Abs(turn):
		return fireMain
	case turn > 0.05:
		return fireLeft
	case turn < -0.05:
		return fireRight
	}
	return fireNone
}
