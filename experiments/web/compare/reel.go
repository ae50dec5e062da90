package compare

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/scene"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// A Clip is a segment to show.
type Clip struct {
	Reel  string  `json:"reel"` // of package render/scene, with a frame more than it has steps
	FPS   float64 `json:"fps"`
	Steps int     `json:"steps"`
	Ratio float32 `json:"ratio"` // width divided by height
	Ends  string  `json:"ends"`  // how the episode ended with it, or empty
}

// clip plays the steps of a segment again.
func clip(ep *traj.Episode, seg feedback.Segment) (c *Clip, err error) {
	if int(seg.To) > ep.Len() || seg.From < 0 || seg.From >= seg.To {
		return nil, fmt.Errorf("steps %d to %d of a recording of %d", seg.From, seg.To, ep.Len())
	}
	p, err := replay.Open(ep)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	fps := float64(1 / p.Spec().Dt)
	c = &Clip{FPS: fps, Steps: seg.Len()}
	reel, list := scene.NewReel(fps), new(scene.List)
	for step := int(seg.From); step <= int(seg.To); step++ {
		if err := p.Seek(step); err != nil {
			return nil, err
		}
		if !p.Draw(list) {
			return nil, fmt.Errorf("%s cannot be drawn", ep.Env)
		}
		if step == int(seg.From) {
			c.Ratio = scene.Ratio(list)
		}
		reel.Add(list, "")
	}
	if d := p.Drift(); d != 0 {
		return nil, fmt.Errorf("it goes differently from step %d on: it was recorded by another version of %s", d, ep.Env)
	}
	if int(seg.To) == ep.Len() && ep.Last != 0 {
		c.Ends = ep.Last.String()
	}
	c.Reel, err = reel.Base64()
	return c, err
}
