package lab

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/agents"
	"github.com/terrarium-rl/terrarium/agents/nn"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/qd"
)

// NewestCheckpoint returns the path of the newest checkpoint file of a seed of the run in dir, or
// "" if there is none yet.
func NewestCheckpoint(dir string, seed uint64) (string, error) {
	paths, err := checkpoints(filepath.Join(SeedDir(dir, seed), "checkpoints"))
	if err != nil || len(paths) == 0 {
		return "", err
	}
	return paths[len(paths)-1], nil
}

// LoadCheckpoint returns the policy in a checkpoint file of a run of p, and the steps it was
// trained.
func LoadCheckpoint(p *Plan, path string, workers int) (policy agents.Policy, steps int64, err error) {
	c, err := loadCheckpoint(path)
	if err != nil {
		return nil, 0, err
	}
	if policy, err = p.buildPolicy(p.Seeds[0], workers); err != nil {
		return nil, 0, err
	}
	var l loop
	if err := json.Unmarshal(c["loop"], &l); err != nil {
		return nil, 0, lacking(fmt.Errorf("checkpoint %s: section loop: %w", path, err))
	}
	if err := restorePolicy(policy, c); err != nil {
		return nil, 0, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return policy, l.Steps, nil
}

// LoadElites returns the archive of results of a seed of a quality-diversity run, as its newest
// checkpoint has it.
func LoadElites(p *Plan, dir string, seed uint64) (qd.Archive, error) {
	if p.QD == nil {
		return nil, fmt.Errorf("%s is not a quality-diversity run", dir)
	}
	s, _, err := loadSearch(p, dir, seed)
	if err != nil {
		return nil, err
	}
	return s.elites(), nil
}

// ElitePolicy returns the policy that a solution of a quality-diversity experiment stands for.
func ElitePolicy(p *Plan, solution []float32) agents.Policy {
	e := &elitePolicy{genome: newGenome(p)}
	e.params, e.tape = make([]float32, e.net.NumParams()), e.net.NewTape(1)
	e.expand(e.params, solution)
	return e
}

type elitePolicy struct {
	*genome
	params []float32
	tape   *nn.Tape
}

// Act passes each row through the network.
func (e *elitePolicy) Act(b *env.Batch, _ rng.Key, _ bool) {
	in := e.net.In()
	for i := range b.N {
		y := e.net.Forward(e.params, e.tape, b.Obs[i*in:(i+1)*in], 1)
		e.action(b.Act[i*e.act:(i+1)*e.act], y)
	}
}
