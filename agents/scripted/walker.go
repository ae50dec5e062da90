package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("walker-v0", newWalker) }

// gait holds the gains of the walker's controller, in metres, seconds and radians.
type gait struct {
	lean, leanGain, leanDamp   float32 // stance hip: keeps the hull at an angle
	stanceKnee                 float32 // angle of the knee that carries
	pass                       float32 // how far the swinging foot is ahead when it is put down
	liftHip, liftKnee          float32 // swinging leg before that
	placeHip, placeKnee, reach float32 // and after it; reach: rad more for each m/s of speed
	hipGain, hipDamp           float32
	kneeGain, kneeDamp         float32
	soften                     float32 // knees give way to vertical velocity
	pushKnee, pushSpeed        float32 // the leg behind pushes off while it is on the ground and the walk slower than this
}

// newWalker returns a controller after Yin, Loken and van de Panne, "SIMBICON: Simple Biped
// Locomotion Control" (2007), without that paper's clock: one leg carries and holds the hull
// upright with its hip, the other swings, and is put down the further ahead the faster the walk.
// Which leg carries follows from the contacts: the only one on the ground, or the one ahead.
func newWalker(s *env.Spec) (agents.Policy, error) {
	at, err := columns(s.Obs, "angle", "spin", "vx", "vy",
		"hip_1", "hip_speed_1", "knee_1", "knee_speed_1", "foot_1", "hip_2", "hip_speed_2", "knee_2", "knee_speed_2", "foot_2")
	if err != nil {
		return nil, err
	}
	return newPerRow(s, func(act, obs []float32) {
		hull := hullState{obs[at[0]], obs[at[1]] * 25, obs[at[2]] * (25. / 3), obs[at[3]] * 12.5}
		var legs [2]legState
		for i := range legs {
			c := at[4+5*i:]
			legs[i] = legState{obs[c[0]], obs[c[1]] * 4, obs[c[2]] - 1, obs[c[3]] * 6, obs[c[4]] > 0}
		}
		walk.act(act, hull, legs)
	}), nil
}

type hullState struct{ angle, spin, vx, vy float32 }

type legState struct {
	hip, hipSpeed, knee, kneeSpeed float32
	down                           bool
}

// ahead returns how far the foot is before the hip, in lengths of half a leg.
func (l *legState) ahead(hull float32) float32 {
	return geom.Sin(hull+l.hip) + geom.Sin(hull+l.hip+l.knee)
}

func (g *gait) act(act []float32, hull hullState, legs [2]legState) {
	stance := 0
	first, second := legs[0].ahead(hull.angle), legs[1].ahead(hull.angle)
	switch {
	case legs[1].down && !legs[0].down:
		stance = 1
	case legs[1].down == legs[0].down && second > first:
		stance = 1
	}
	gap := first - second // of the swinging foot before the other
	if stance == 0 {
		gap = -gap
	}
	carry, swing := &legs[stance], &legs[1-stance]

	hip := float32(g.leanGain*(hull.angle-g.lean)) + float32(g.leanDamp*hull.spin)
	act[2*stance] = hip
	act[2*stance+1] = g.knee(carry, g.stanceKnee, hull)

	toHip, toKnee := g.liftHip, g.liftKnee
	if gap > g.pass {
		toHip, toKnee = g.placeHip+float32(g.reach*hull.vx), g.placeKnee
	}
	if swing.down && gap < 0 && hull.vx < g.pushSpeed {
		toKnee = g.pushKnee
	}
	act[2-2*stance] = float32(g.hipGain*(toHip-hull.angle-swing.hip)) - float32(g.hipDamp*swing.hipSpeed)
	act[3-2*stance] = g.knee(swing, toKnee, hull)
	for i := range act {
		act[i] = geom.Clamp(act[i], -1, 1)
	}
}

func (g *gait) knee(l *legState, to float32, hull hullState) float32 {
	return float32(g.kneeGain*(to-l.knee)) - float32(g.kneeDamp*l.kneeSpeed) - float32(g.soften*hull.vy)
}

// walk was found by a random search around values chosen by hand and an evolution strategy
// from the best of them, for the distance and then for the return on levels like the classic
// ones, with stronger kicks, rougher grass, and other legs, torques and frictions.
var walk = gait{
	lean: -0.131, leanGain: 2.26, leanDamp: 0.564,
	stanceKnee: -0.958,
	pass:       0.894,
	liftHip:    0.933, liftKnee: -2.23,
	placeHip: 0.356, placeKnee: -1.28, reach: 0.118,
	hipGain: 1.97, hipDamp: 0.03,
	kneeGain: 1.74, kneeDamp: 0.079,
	soften:   0.13,
	pushKnee: -0.65, pushSpeed: 1.27,
}
