package scripted

import (
	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

func init() { register("pusher-v0", newPusher) }

// boxPusher takes the boxes one after the other: it goes round the box to the side away from its
// zone, and pushes. It does not mind other boxes in its way, nor walls behind a box.
type boxPusher struct {
	position, velocity, room, size, present, box, zone, placed int // first columns
	boxes                                                      int
}

func newPusher(s *env.Spec) (agents.Policy, error) {
	at, err := columns(s.Obs, "position", "velocity", "room", "box_size", "present", "box", "zone", "placed")
	if err != nil {
		return nil, err
	}
	p := &boxPusher{at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7], 0}
	for _, f := range s.Obs {
		if f.Name == "present" {
			p.boxes = f.Len
		}
	}
	return newPerRow(s, p.act), nil
}

func (p *boxPusher) act(act, obs []float32) {
	var want geom.Vec // velocity
	for i := range p.boxes {
		if obs[p.present+i] != 0 && obs[p.placed+i] == 0 {
			box := geom.Vec{X: obs[p.box+2*i], Y: obs[p.box+2*i+1]}
			zone := geom.Vec{X: obs[p.zone+2*i], Y: obs[p.zone+2*i+1]}
			at := geom.Vec{X: obs[p.position], Y: obs[p.position+1]}
			want = approach(at.Add(box), box, zone, obs[p.size], obs[p.room])
			break
		}
	}
	v := geom.Vec{X: obs[p.velocity], Y: obs[p.velocity+1]}
	push := want.Sub(v).Mul(1.5).Add(want.Mul(0.5))
	act[0], act[1] = geom.Clamp(push.X, -1, 1), geom.Clamp(push.Y, -1, 1)
}

// approach returns the velocity to have when a box of a size lies at at in the room and at box
// from the disc, and its zone at zone from the box.
func approach(at, box, zone geom.Vec, size, room float32) geom.Vec {
	const radius, speed = 0.2, 1.2 // of the disc: it takes every one for the default
	along := zone.Mul(1 / geom.Max(zone.Len(), 1e-3))
	across := turn(along)
	behind, aside := box.Dot(along), box.Dot(across) // of the box, as seen from the disc
	clear := float32(0.75*size) + radius + 0.05      // distance at which no corner is in the way
	switch {
	case behind > 0.3*size && geom.Abs(aside) < 0.25*size:
		return along.Mul(geom.Min(speed, 0.4+float32(2*zone.Len()))).Add(across.Mul(4 * aside))
	case behind > 0.8*clear: // far enough behind to get in line
		return across.Mul(geom.Clamp(4*aside, -speed, speed)).Add(along.Mul(2 * (behind - clear)))
	}
	// beside the box or in front of it: go back along the side that has room
	side := float32(1)
	if aside < 0 {
		side = -1
	}
	passage := at.Sub(across.Mul(side * clear))
	if max(geom.Abs(passage.X), geom.Abs(passage.Y)) > room-radius {
		side = -side
	}
	out := geom.Clamp(4*(aside-float32(side*clear)), -speed, speed)
	forward := geom.Clamp(3*(behind+clear), 0, speed) // out of the way before crossing over
	if side*aside > 0.8*clear {
		forward = -speed
	} else if side*aside > 0 {
		forward = 0
	}
	return across.Mul(out).Add(along.Mul(forward))
}
