package lab

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/agents"
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
