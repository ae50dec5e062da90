// Package source finds what the viewer is asked to show: recorded episodes, runs, checkpoints,
// environments and levels. [Play] alone is for where there are no files, as in a browser.
package source

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/scripted"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/render/replay"
	"github.com/terrarium-rl/terrarium/render/viewer/playback"
)

// best is a policy that takes the actions it believes best.
type best struct{ agents.Policy }

// Act calls the policy without exploration.
func (p best) Act(b *env.Batch, k rng.Key, _ bool) { p.Policy.Act(b, k, false) }

// bestJudge is a best whose policy says what it expects.
type bestJudge struct {
	best
	judge
}

type judge = playback.Judge // under a name that its method does not have

var _ playback.Judge = bestJudge{}

func driver(s *env.Spec, name string, p agents.Policy) playback.Driver {
	if j, ok := p.(playback.Judge); ok {
		return playback.Driver{Name: name, Driver: bestJudge{best{p}, j}, Spec: s}
	}
	return playback.Driver{Name: name, Driver: best{p}, Spec: s}
}

// Standard returns who can play an environment without having been trained, best first.
func Standard(s *env.Spec) (ds []playback.Driver, err error) {
	for _, name := range []string{"scripted", "random"} {
		if name == "scripted" && !slices.Contains(scripted.Names(), s.ID) {
			continue
		}
		p, err := untrained(s, name)
		if err != nil {
			return nil, err
		}
		ds = append(ds, playback.Driver{Name: name, Driver: p, Spec: s})
	}
	return ds, nil
}

// untrained returns a registered agent as it is before training.
func untrained(s *env.Spec, name string) (agents.Policy, error) {
	c, err := agents.Open(name, nil)
	if err != nil {
		return nil, err
	}
	return c.Build(agents.Setup{Spec: s, Rows: s.Agents, Key: rng.New(0), Workers: 1})
}

// A Stage is where new episodes are played.
type Stage struct {
	Config env.Config
	Levels env.Levels // default: those of the environment
	Seed   uint64
	Worlds int
}

// Play begins an episode of each driver in each world of the stage. Those of one world are kin:
// they have the same level and the same chance events.
func Play(s Stage, ds []playback.Driver) (tracks []*playback.Track, err error) {
	for w := range s.Worlds {
		for i := range ds {
			t, err := s.episode(w, 0, func() playback.Driver { return ds[i] })
			if err != nil {
				for _, t := range tracks {
					_ = t.Close() // the first error tells more
				}
				return nil, err
			}
			if len(ds) > 1 {
				t.Kin = w + 1
			}
			tracks = append(tracks, t)
		}
	}
	if len(tracks) > playback.Most {
		return nil, fmt.Errorf("%d worlds for each of %d policies are too many: at most %d episodes are shown", s.Worlds, len(ds), playback.Most)
	}
	return tracks, nil
}

// episode begins the n-th episode of a world, which whoever is the driver by then plays.
func (s Stage) episode(world, n int, now func() playback.Driver) (*playback.Track, error) {
	d := now()
	p, err := replay.Play(replay.Scene{
		Config: s.Config, Levels: s.Levels, World: world, Seed: rng.New(s.Seed).Fold(uint64(n)).Uint64(), Purpose: d.Name,
	}, d.Driver)
	if err != nil {
		return nil, err
	}
	t := &playback.Track{Player: p, Name: d.Name}
	t.Judge, _ = d.Driver.(playback.Judge)
	t.Again = func() (*playback.Track, error) {
		next, err := s.episode(world, n+1, now)
		if err == nil {
			next.Kin = t.Kin
		}
		return next, err
	}
	return t, nil
}
