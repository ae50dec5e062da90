package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("curling-v0", newCurling) }

// curler brings the tip of the arm behind the ball, as seen from the nearer area, and then
// drives it through the ball towards the area, so fast that friction stops the ball there. It
// waits while the ball slides. The tip follows by the arm's inverse Jacobian, damped (Buss, see
// jacobianArm, section 5).
type curler struct{ ball, joints, velocity, areas, friction int }

func newCurling(s *env.Spec) (agents.Policy, error) {
	at, err := columns(s.Obs, "ball", "joints", "ball_velocity", "areas", "friction")
	if err != nil {
		return nil, err
	}
	p := &curler{at[0], at[1], at[2], at[3], at[4]}
	return newPerRow(s, p.act), nil
}

func (p *curler) act(act, obs []float32) {
	const reach, behind, slow, top = 0.6, 0.17, 0.03, 3
	ball := geom.Vec{X: obs[p.ball], Y: obs[p.ball+1]}
	to := geom.Vec{X: obs[p.areas], Y: obs[p.areas+1]}
	if other := (geom.Vec{X: obs[p.areas+2], Y: obs[p.areas+3]}); other.Len() < to.Len() {
		to = other
	}
	act[0], act[1] = 0, 0
	left := to.Len()
	if left < 0.08 || (geom.Vec{X: obs[p.velocity], Y: obs[p.velocity+1]}).Len() > slow {
		return
	}
	s1, c1 := geom.Sincos(obs[p.joints])
	s2, c2 := geom.Sincos(obs[p.joints] + obs[p.joints+1])
	elbow := geom.Vec{X: c1, Y: s1}.Mul(reach)
	tip := elbow.Add(geom.Vec{X: c2, Y: s2}.Mul(reach)).Add(geom.Vec{Y: -1.2})
	along := to.Mul(1 / left)
	want := ball.Sub(along.Mul(behind)).Sub(tip)
	off := want.Sub(along.Mul(want.Dot(along))) // how far the tip is beside the line
	var v geom.Vec
	if off.Len() < 0.02 && want.Dot(along) > -behind && want.Dot(along) < 0.06 {
		// v^2 = 2 a s, and a bounce of half gives the ball 1.5 times the tip's speed.
		v = along.Mul(geom.Sqrt(2*obs[p.friction]*left) / 1.5).Add(off.Mul(6))
	} else {
		v = want.Mul(6)
		if side := ball.Sub(tip); side.Len() < 0.16 { // not through the ball
			v = v.Sub(side.Mul(geom.Max(0, v.Dot(side)) / side.Dot(side)))
		}
	}
	p.follow(act, tip.Add(geom.Vec{Y: 1.2}), elbow, v, top)
}

// follow writes joint speeds that give the tip the velocity v.
func (p *curler) follow(act []float32, tip, elbow, v geom.Vec, top float32) {
	a, b := turn(tip), turn(tip.Sub(elbow)) // columns of the Jacobian
	const damp = 1e-3
	aa, bb, ab := a.Dot(a)+damp, b.Dot(b)+damp, a.Dot(b)
	av, bv := a.Dot(v), b.Dot(v)
	det := float32(aa*bb) - float32(ab*ab)
	act[0] = geom.Clamp((float32(bb*av)-float32(ab*bv))/(det*top), -1, 1)
	act[1] = geom.Clamp((float32(aa*bv)-float32(ab*av))/(det*top), -1, 1)
}
