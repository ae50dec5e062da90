package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("reach-v0", newReach) }

// reacher brings the tip to the first area, which no wall is in front of, by the transpose of
// the arm's Jacobian (Buss, see jacobianArm, section 3).
type reacher struct{ joints, links, tip, areas int }

func newReach(s *env.Spec) (agents.Policy, error) {
	at, err := columns(s.Obs, "joints", "tip", "areas")
	if err != nil {
		return nil, err
	}
	p := &reacher{at[0], env.Width(s.Act), at[1], at[2]}
	return newPerRow(s, p.act), nil
}

func (p *reacher) act(act, obs []float32) {
	tip := geom.Vec{X: obs[p.tip], Y: obs[p.tip+1]}
	to := geom.Vec{X: obs[p.areas], Y: obs[p.areas+1]}
	const step = 0.05 // radians that a joint turns in a step at full speed
	angle, at, length, top := geom.Pi, geom.Vec{}, 0.95/float32(p.links), float32(1e-3)
	var moved geom.Vec // of the tip, were the joints turned by act
	for i := range p.links {
		arm := turn(tip.Sub(at))
		act[i] = arm.Dot(to)
		moved = moved.Add(arm.Mul(act[i]))
		top = geom.Max(top, geom.Abs(act[i]))
		angle += obs[p.joints+i]
		s, c := geom.Sincos(angle)
		at = at.Add(geom.Vec{X: c, Y: s}.Mul(length))
	}
	// The best step along that direction (Buss, eq. 8), as far as the joints are fast enough.
	gain := geom.Min(step/top, to.Dot(moved)/(moved.Dot(moved)+1e-9)) / step
	for i := range p.links {
		act[i] *= gain
	}
}
