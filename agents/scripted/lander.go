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
		engine := fly.engine(
			geom.Vec{X: float32(obs[at[0]] * 10), Y: float32(obs[at[1]] * (20. / 3))},
			geom.Vec{X: float32(obs[at[2]] * 5), Y: float32(obs[at[3]] * 7.5)},
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

// flight holds the gains of the lander's controller.
type flight struct {
	leanX, leanV, leanMost   float32 // lean for each m beside the pad and each m/s away from it, and the most
	sinkY, sinkMin, sinkMost float32 // sinking speed for each m of height, at the ground, and the most
	keep                     float32 // height to keep for each m beside the pad
	damp                     float32 // turning back for each rad/s of spin
	dead                     float32 // turns that are not worth an impulse
	prefer                   float32 // weight of sinking too fast against leaning wrong
}

// fly was found by a random search around values chosen by hand, for the sum of the mean
// returns on the classic, the windy and the default levels.
var fly = flight{
	leanX: 0.09, leanV: 0.155, leanMost: 0.35,
	sinkY: 1, sinkMin: 0.95, sinkMost: 3.1,
	keep: 0.1, damp: 0.38, dead: 0.04, prefer: 1.7,
}

// engine chooses the engine to fire. Position and velocity are relative to the pad.
func (f *flight) engine(at, v geom.Vec, angle, spin float32, touching bool) int {
	lean := geom.Clamp(float32(f.leanX*at.X)+float32(f.leanV*v.X), -f.leanMost, f.leanMost) // to the left, if right of the pad
	sink := geom.Clamp(float32(f.sinkY*(at.Y-float32(f.keep*geom.Abs(at.X))))+f.sinkMin, -0.5, f.sinkMost)
	late := -sink - v.Y // how much faster it sinks than it should
	if touching {
		if late > 0.1 {
			return fireMain
		}
		return fireNone
	}
	turn := lean - angle - float32(f.damp*spin)
	switch {
	case late > 0 && f.prefer*late > geom.Abs(turn):
		return fireMain
	case turn > f.dead:
		return fireLeft
	case turn < -f.dead:
		return fireRight
	}
	return fireNone
}
