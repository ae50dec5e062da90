package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

func init() { register("cartpole-v0", newCartpole) }

// cartpoleGains is the linear-quadratic regulator of the classic cart-pole, linearised about
// upright, for unit costs of the state and 1 of the squared force: newtons to the right a unit of
// position, velocity, angle and angular velocity. They are positive for the position too: a
// cart on the right is first driven further right, for the pole to lean left.
var cartpoleGains = [4]float32{0.910, 2.132, 30.59, 7.841}

// poleBalancer pushes with the force of the regulator, or in its direction where it cannot choose.
type poleBalancer struct {
	spec     *env.Spec
	discrete bool
	at       []int
}

func newCartpole(s *env.Spec) (agents.Policy, error) {
	at, err := columns(s.Obs, "position", "velocity", "angle", "angular_velocity")
	return &poleBalancer{spec: s, discrete: s.Discrete(), at: at}, err
}

// Act fills b.Act.
func (c *poleBalancer) Act(b *env.Batch, _ rng.Key, _ bool) {
	const classicForce = 10 // newtons
	w := len(b.Obs) / b.N
	for i := range b.N {
		row, force := b.Obs[i*w:(i+1)*w], float32(0)
		for j, at := range c.at {
			force += float32(cartpoleGains[j] * row[at])
		}
		switch {
		case !c.discrete:
			b.Act[i] = geom.Clamp(force/classicForce, -1, 1)
		case force > 0:
			b.Act[i] = 1
		default:
			b.Act[i] = 0
		}
	}
}
