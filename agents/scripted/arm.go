package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("arm-v0", newArm) }

// jacobianArm follows the transpose of the arm's Jacobian (Wolovich and Elliott, "A
// Computational Technique for Inverse Kinematics", CDC 1984): as torques it exerts those that a
// spring and a damper between tip and target would cause, as velocities it descends the
// distance. It knows nothing of gravity, and takes the strength of the joints for the default.
type jacobianArm struct {
	cos, sin, speed, lengths, tip, target int // first columns
	links                                 int
	velocity                              bool
}

func newArm(s *env.Spec) (agents.Policy, error) {
	at, err := columns(s.Obs, "angle_cos", "angle_sin", "joint_speed", "lengths", "tip", "target")
	if err != nil {
		return nil, err
	}
	p := &jacobianArm{at[0], at[1], at[2], at[3], at[4], at[5], env.Width(s.Act), s.Act[0].Name == "velocity"}
	return newPerRow(s, p.act), nil
}

func (p *jacobianArm) act(act, obs []float32) {
	tip := geom.Vec{X: obs[p.tip], Y: obs[p.tip+1]}
	gap := geom.Vec{X: obs[p.target], Y: obs[p.target+1]}
	if p.velocity {
		p.descend(act, obs, tip, gap)
	} else {
		p.pull(act, obs, tip, gap)
	}
}

// pull writes torques.
func (p *jacobianArm) pull(act, obs []float32, tip, gap geom.Vec) {
	const stiffness, damping, friction, strength = 12, 2, 0.05, 2 // N/m, N s/m, N m s, N m
	var v geom.Vec                                                // of the tip
	length := float32(0)
	p.joints(obs, func(i int, at geom.Vec) {
		v = v.Add(turn(tip.Sub(at)).Mul(obs[p.speed+i]))
		length += obs[p.lengths+i]
	})
	force := gap.Mul(stiffness).Sub(v.Mul(damping))
	left := length
	p.joints(obs, func(i int, at geom.Vec) {
		share := left / length
		torque := tip.Sub(at).Cross(force) - float32(friction*share*share*obs[p.speed+i])
		act[i] = geom.Clamp(torque/(strength*share*share), -1, 1)
		left -= obs[p.lengths+i]
	})
}

// descend writes velocities: rate J'e, scaled by the step that would minimise the distance if
// the arm were linear, a = (e.JJ'e)/(JJ'e.JJ'e) (Buss, "Introduction to Inverse Kinematics with
// Jacobian Transpose, Pseudoinverse and Damped Least Squares methods", 2004, section 4).
func (p *jacobianArm) descend(act, obs []float32, tip, gap geom.Vec) {
	const rate, speed = 6, 5 // 1/s, rad/s
	var move geom.Vec        // JJ'e
	p.joints(obs, func(i int, at geom.Vec) {
		act[i] = tip.Sub(at).Cross(gap)
		move = move.Add(turn(tip.Sub(at)).Mul(act[i]))
	})
	step := gap.Dot(move) / geom.Max(move.Dot(move), 1e-6)
	for i := range p.links {
		act[i] = geom.Clamp(rate*step*act[i]/speed, -1, 1)
	}
}

// turn returns v turned left.
func turn(v geom.Vec) geom.Vec { return geom.Vec{X: -v.Y, Y: v.X} }

// joints calls f with the place of each joint.
func (p *jacobianArm) joints(obs []float32, f func(i int, at geom.Vec)) {
	at, along := geom.Vec{}, geom.Rot{C: 1}
	for i := range p.links {
		f(i, at)
		next := along.Apply(geom.Vec{X: obs[p.cos+i], Y: obs[p.sin+i]})
		along = geom.Rot{S: next.Y, C: next.X}
		at = at.Add(next.Mul(obs[p.lengths+i]))
	}
}
