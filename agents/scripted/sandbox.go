package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("sandbox-v0", newSandbox) }

// newSandbox goes straight to the nearest goal: every motor turns towards it, and every thruster
// keeps the agent as high as it. It knows nothing of walls, hazards and what is bound to what: a
// baseline that something that has learned should beat.
func newSandbox(s *env.Spec) (agents.Policy, error) {
	obs, err := columns(s.Obs, "agent", "goal", "position", "velocity", "bound", "joint", "joint_speed", "region", "region_radius")
	if err != nil {
		return nil, err
	}
	agent, goal, position, velocity, bound, joint, speed, region, radius := obs[0], obs[1], obs[2], obs[3], obs[4], obs[5], obs[6], obs[7], obs[8]
	bodies, regions := goal-agent, (radius-region)/2
	at := func(row []float32, column, i int) geom.Vec {
		return geom.Vec{X: row[column+2*i], Y: row[column+2*i+1]}
	}
	return newPerRow(s, func(act, row []float32) {
		clear(act)
		me := 0
		for me < bodies-1 && row[agent+me] == 0 {
			me++
		}
		from := at(row, position, me)
		var to geom.Vec
		nearest := float32(0)
		consider := func(p geom.Vec) {
			if d := p.Sub(from).Len(); nearest == 0 || d < nearest {
				nearest, to = d, p
			}
		}
		for i := range bodies {
			if row[goal+i] == 1 {
				consider(at(row, position, i))
			}
		}
		for i := range regions {
			if row[radius+i] > 0 {
				consider(at(row, region, i))
			}
		}
		way, v := to.Sub(from), at(row, velocity, me)
		for i := range act {
			switch {
			case row[bound+i] == 0:
			case row[joint+i] != 0 || row[speed+i] != 0:
				act[i] = geom.Clamp(way.X, -1, 1)
			default:
				act[i] = geom.Clamp(0.5+way.Y-v.Y, -1, 1)
			}
		}
	}), nil
}
