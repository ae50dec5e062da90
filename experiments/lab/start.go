package lab

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/traj"
	"github.com/terrarium-rl/terrarium/explore/goexplore"
)

// startPurpose selects the random streams of starts under a seed.
const startPurpose uint64 = 0x7374

// StartConfig lets training episodes start on ways that lead to a reward.
type StartConfig struct {
	Ways                     []string `json:"ways" doc:"recordings of ways, such as terrarium goexplore --out writes"`
	goexplore.BackwardConfig `yaml:",inline"`
}

// resolveStart makes the files of ways independent of the folder that the program runs in.
func (p *Plan) resolveStart() (err error) {
	if p.Start == nil {
		return nil
	}
	if p.QD != nil {
		return p.at("start", errors.New("a quality-diversity search plays whole episodes: leave it out"))
	}
	for i, f := range p.Start.Ways {
		if p.Start.Ways[i], err = filepath.Abs(f); err != nil {
			return p.at("start.ways", err)
		}
	}
	return p.at("start", p.Start.Check())
}

// checkStart reports what is wrong with the recordings of ways.
func (p *Plan) checkStart() error {
	_, err := p.ways()
	return err
}

// ways returns what training episodes start on, none without a start.
func (p *Plan) ways() (ways []*goexplore.Trace, err error) {
	if p.Start == nil {
		return nil, nil
	}
	if len(p.Start.Ways) == 0 {
		return nil, p.at("start", errors.New("no ways to start from: name recordings in ways"))
	}
	for _, f := range p.Start.Ways {
		t, err := p.follow(f)
		if err != nil {
			return nil, p.at("start.ways", fmt.Errorf("%s: %w", f, err))
		}
		ways = append(ways, t)
	}
	return ways, nil
}

// buildStart takes over where the episodes of vec start, if the experiment says so.
func (p *Plan) buildStart(vec env.Vec, seed uint64) (*goexplore.Backward, error) {
	ways, err := p.ways()
	if ways == nil || err != nil {
		return nil, err
	}
	b, err := goexplore.NewBackward(vec, p.Start.BackwardConfig, ways, rng.New(seed).Fold(startPurpose))
	return b, p.at("start", err)
}

// follow plays a recorded way with the experiment's reward.
func (p *Plan) follow(file string) (*goexplore.Trace, error) {
	ep, err := traj.Load(file)
	if err != nil {
		return nil, err
	}
	if ep.Env != p.Env.Name {
		return nil, fmt.Errorf("it was recorded in %s, this is an experiment in %s", ep.Env, p.Env.Name)
	}
	reward, err := p.wayReward()
	if err != nil {
		return nil, err
	}
	vec, err := env.NewVec(p.EnvConfig, env.VecOptions{Worlds: 1, Workers: 1, Levels: p.levels})
	if err != nil {
		return nil, err
	}
	defer vec.Close()
	vec.Reset(0)
	t, err := goexplore.Follow(vec, ep.Start, ep.Act, reward)
	if err == nil && t.Score() <= 0 {
		err = fmt.Errorf("the way has a return of %v in the reward of the experiment, want more than 0", t.Score())
	}
	return t, err
}
