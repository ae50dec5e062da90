package scripted

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("maze-v0", newMaze) }

// wallFollower keeps its right hand on the wall. In a maze without loops that passes every
// cell, and so every key, door and goal; around loops it may circle for ever. It leaves the
// wall for a goal or key that it sees straight ahead along a row or column of cells.
//
// It has no memory but what the world keeps for it: the velocity tells where it was heading,
// and keeping to the right of the corridor's middle tells, within a cell, a right turn to be
// made from one that was just made.
type wallFollower struct {
	position, velocity, rays, door int // first columns
	targets                        []int
	quarter                        int // rays between two directions of the maze
	discrete                       bool
}

const (
	mazeHug   = 0.15 // m, how far to the right of the middle it keeps
	mazeSpeed = 1.6  // m/s
)

func newMaze(s *env.Spec) (agents.Policy, error) {
	at, err := columns(s.Obs, "position", "velocity", "rays", "ray_door")
	if err != nil {
		return nil, err
	}
	p := &wallFollower{position: at[0], velocity: at[1], rays: at[2], door: at[3], discrete: s.Discrete()}
	column := 0
	for _, f := range s.Obs {
		switch f.Name {
		case "rays":
			p.quarter = f.Len / 4
			if f.Len%4 != 0 {
				return nil, fmt.Errorf("it needs rays in the four directions of the maze: a multiple of 4, not %d", f.Len)
			}
		case "goal", "keys":
			for i := 0; i < f.Len; i += 2 {
				p.targets = append(p.targets, column+i)
			}
		}
		column += f.Len
	}
	return newPerRow(s, p.act), nil
}

// compass holds the directions of the maze, counter-clockwise from east.
var compass = [4]geom.Vec{{X: 1}, {Y: 1}, {X: -1}, {Y: -1}}

func (p *wallFollower) act(act, obs []float32) {
	at := geom.Vec{X: obs[p.position], Y: obs[p.position+1]}
	v := geom.Vec{X: obs[p.velocity], Y: obs[p.velocity+1]}
	u := geom.Vec{X: at.X - geom.Floor(at.X) - 0.5, Y: at.Y - geom.Floor(at.Y) - 0.5}
	want, ok := p.target(obs)
	if !ok {
		want = p.follow(obs, u, v)
	}
	push := want.Sub(v).Mul(2).Add(want.Mul(0.5))
	if !p.discrete {
		act[0], act[1] = geom.Clamp(push.X, -1, 1), geom.Clamp(push.Y, -1, 1)
		return
	}
	act[0] = 0
	best := float32(0.2)
	for d, along := range compass {
		if g := push.Dot(along); g > best {
			act[0], best = float32(d+1), g
		}
	}
}

// target returns the velocity towards a goal or key in plain sight.
func (p *wallFollower) target(obs []float32) (geom.Vec, bool) {
	for _, t := range p.targets {
		to := geom.Vec{X: obs[t], Y: obs[t+1]}
		if to == (geom.Vec{}) {
			continue
		}
		for d, along := range compass {
			ahead, aside := to.Dot(along), geom.Abs(to.Cross(along))
			if ahead >= 0 && aside < 0.3 && ahead < obs[p.rays+d*p.quarter] {
				return to.Mul(mazeSpeed / geom.Max(to.Len(), 0.5)), true
			}
		}
	}
	return geom.Vec{}, false
}

// open reports whether the disc, at u from its cell's middle, can leave the cell in direction d.
func (p *wallFollower) open(obs []float32, u geom.Vec, d int) bool {
	i := d * p.quarter
	return obs[p.rays+i]+u.Dot(compass[d]) > 0.75 || obs[p.door+i] != 0
}

// follow returns the velocity along the wall on the right.
func (p *wallFollower) follow(obs []float32, u, v geom.Vec) geom.Vec {
	ahead := 0
	if v.Dot(v) > 1e-4 {
		for d := range compass {
			if v.Dot(compass[d]) > v.Dot(compass[ahead]) {
				ahead = d
			}
		}
	} else {
		for ahead < 3 && !p.open(obs, u, ahead) {
			ahead++
		}
	}
	right, left := (ahead+3)%4, (ahead+1)%4
	progress := u.Dot(compass[ahead])
	switch {
	case progress > -0.35 && progress < 0 && p.open(obs, u, right):
		ahead, right = right, (right+3)%4
	case progress > 0 && !p.open(obs, u, ahead):
		ahead, right = left, ahead
	}
	aside := mazeHug - u.Dot(compass[right])
	return compass[ahead].Mul(mazeSpeed).Add(compass[right].Mul(geom.Clamp(6*aside, -1, 1)))
}
