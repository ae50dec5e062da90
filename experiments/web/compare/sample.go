package compare

import (
	"errors"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
	"github.com/terrarium-rl/terrarium/rewards/label"
)

const samplePurpose rng.Purpose = 0x736d706c

// Sample puts n questions on a desk about recorded episodes of one environment: pieces of the
// given number of steps, of two different episodes each where there are several. The same
// recordings and seed give the same questions, so that asking again adds none.
func Sample(d label.Desk, eps []*traj.Episode, n, steps int, seed uint64) error {
	if len(eps) == 0 {
		return errors.New("no recorded episodes to compare")
	}
	c, err := eps[0].Config()
	if err != nil {
		return err
	}
	spec, err := c.Spec()
	if err != nil {
		return err
	}
	if spec.Agents != 1 {
		return fmt.Errorf("people compare worlds of one agent, %s has %d", spec.ID, spec.Agents)
	}
	store, recordings := feedback.NewStore(feedback.ShapeOf(spec)), map[uint64]*traj.Episode{}
	for _, ep := range eps {
		if ep.Env != spec.ID || ep.Len() < 1 {
			continue
		}
		t := &feedback.Trajectory{
			Level: ep.Level.ID(spec), End: ep.Last, Obs: ep.Obs, Act: ep.Act, Facts: ep.Facts, Reward: ep.Reward,
		}
		if ep.Last > env.Truncated {
			t.End = env.Running
		}
		id, err := store.Add(t)
		if err != nil {
			return err
		}
		recordings[id] = ep
	}
	ask, r := d.Ask(), rng.New(seed).Stream(samplePurpose, 0, 0)
	for range n {
		var q label.Query
		for tries := 0; ; tries++ {
			segs, err := store.Sample(&r, 2, steps)
			if err != nil {
				return err
			}
			q = label.Query{A: segs[0], B: segs[1]}
			if q.A.Traj != q.B.Traj || store.Len() == 1 && q.A != q.B {
				break
			}
			if tries == 1000 {
				return fmt.Errorf("only one of %d episodes has %d steps: ask about shorter pieces", store.Len(), steps)
			}
		}
		if err := ask.Post(q, recordings[q.A.Traj], recordings[q.B.Traj]); err != nil {
			return err
		}
	}
	return nil
}
