package lab

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/rewards"
)

func init() { rewards.Register("learned", func() rewards.Config { return new(LearnedConfig) }) }

// A LearnedConfig holds the options of the reward "learned": what a run has learned to reward, as
// its newest checkpoint has it. It learns no more.
type LearnedConfig struct {
	Run     string `json:"run" doc:"folder of a run whose reward learns, such as one with the reward preference or heron"`
	Seed    uint64 `json:"seed" doc:"seed of it; default: its first"`
	Version string `json:"version" doc:"the reward's version, the hash of its state; default: whatever the run has now. Runs write it down and refuse another"`
}

// Doc says what the reward is, in one line.
func (*LearnedConfig) Doc() string {
	return "What another run has learned to reward, frozen: to be searched for its faults, or trained on."
}

// Build returns the frozen reward.
func (c *LearnedConfig) Build(s *env.Spec) (rewards.Func, error) {
	if c.Run == "" {
		return nil, errors.New("reward learned: run is missing: name the folder of a run whose reward learns")
	}
	p, err := OpenRun(c.Run)
	if err != nil {
		return nil, fmt.Errorf("reward learned: %w", err)
	}
	if p.Spec.ID != s.ID || env.Width(p.Spec.Obs) != env.Width(s.Obs) || env.Width(p.Spec.Facts) != env.Width(s.Facts) {
		return nil, fmt.Errorf("reward learned: %s is about %s with %d observations and %d facts, this is %s with %d and %d: use the same environment and options",
			c.Run, p.Spec.ID, env.Width(p.Spec.Obs), env.Width(p.Spec.Facts), s.ID, env.Width(s.Obs), env.Width(s.Facts))
	}
	if c.Seed == 0 {
		c.Seed = p.Seeds[0]
	}
	f, err := p.buildReward()
	if err != nil {
		return nil, fmt.Errorf("reward learned: %w", err)
	}
	at := filepath.Join(SeedDir(c.Run, c.Seed), "checkpoints")
	saved, err := newestCheckpoint(at)
	if err != nil {
		return nil, fmt.Errorf("reward learned: %w", err)
	}
	if saved == nil || len(saved["reward"]) == 0 {
		return nil, lacking(fmt.Errorf("reward learned: %s has no checkpoint of a reward that learns", at))
	}
	hash := sha256.Sum256(saved["reward"])
	version := hex.EncodeToString(hash[:8])
	if c.Version == "" {
		c.Version = version
	}
	if c.Version != version {
		return nil, fmt.Errorf("reward learned: version %s is asked for, %s has %s: it went on learning; leave version out for what it has now", c.Version, at, version)
	}
	if err := f.UnmarshalBinary(saved["reward"]); err != nil {
		return nil, fmt.Errorf("reward learned: %s: %w", at, err)
	}
	return rewards.FuncOf(f.Score), nil
}
