// Package noisytv checks what Burda, Edwards, Pathak, Storkey, Darrell and Efros, "Large-scale study
// of curiosity-driven learning" (ICLR 2019), and Pathak, Gandhi and Gupta, "Self-supervised
// exploration via disagreement" (ICML 2019), say: an agent that is curious about prediction errors
// switches the channels of a television that shows noise for ever; one that is curious about what
// an ensemble disagrees on does not.
package noisytv

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/agents/ppo"
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tasks/maze"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/explore"
)

// arms are the bonuses, which are all the reward there is.
var arms = map[string]string{
	"errors":       "norm(icm(embed=none, lr=0.001))",
	"disagreement": "norm(disagreement(embed=none, lr=0.001))",
	"elliptical":   "norm(e3b(lr=0.001))",
	"none":         "0",
}

func init() {
	papers.Register(papers.Claim{
		Name: "noisy-tv", Paper: "Burda et al. 2019; Pathak et al. 2019",
		Doc:  "Curiosity about prediction errors switches channels of a noisy television; curiosity about disagreement explores.",
		Arms: []string{"errors", "disagreement", "elliptical", "none"}, Treatment: "errors", Control: "none",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 10, papers.Full: 20},
		Cell:  cell,
		Pass: []papers.Bound{
			papers.Greater("switching", "errors", "none", 0.1),
			papers.Greater("switching", "errors", "disagreement", 0.1),
		},
		Also: []papers.Bound{
			papers.Greater("switching", "errors", "elliptical", 0),
			papers.Greater("cells", "disagreement", "errors", 0),
			papers.Greater("cells", "elliptical", "errors", 0),
		},
	})
}

const worlds = 32

var steps = map[papers.Scale]int64{papers.Smoke: 40_000, papers.Quick: 200_000, papers.Full: 1_000_000}

// cell trains PPO on nothing but the bonus, in one maze of 4 x 4 cells with a television that an
// action of its own switches to another channel, of 8 random numbers, and measures over the last
// quarter in how many of the steps it does so, and how many cells an episode sees.
func cell(c papers.Cell) (papers.Row, error) {
	config := maze.New()
	config.MaxSize, config.MaxKeys, config.Goal, config.Discrete, config.MaxSteps = 4, 0, false, true, 400
	config.TV, config.TVMode = 8, "remote"
	spec, err := config.Spec()
	if err != nil {
		return nil, err
	}
	expr, ok := arms[c.Arm]
	if !ok {
		return nil, fmt.Errorf("there is no arm %q", c.Arm)
	}
	bonus, err := explore.Parse(expr, explore.Setup{Spec: spec, Rows: worlds, Key: rng.New(c.Seed).Fold(1)})
	if err != nil {
		return nil, err
	}
	agent := ppo.New()
	agent.Hidden, agent.Rollout, agent.NormalizeReward, agent.EntropyCoef = []int{32}, 128, true, 0.01
	m := meter{spec: spec, from: steps[c.Scale] * 3 / 4, bonus: bonus, dst: make([]float32, worlds)}
	for i, f := range spec.Facts {
		if f.Name == "visited" {
			m.visited = i // all facts are single numbers
		}
	}
	t := papers.Training{
		Env: config, Levels: env.LevelSet{Params: map[string]env.Range{"size": {4, 4}, "distance": {1, 1}, "loops": {0.5, 0.5}, "force": {8, 8}, "drag": {1, 1}}, Count: 1, First: c.Seed},
		Agent: agent, Worlds: worlds, Steps: steps[c.Scale], Seed: c.Seed, Each: m.each,
	}
	if _, err := t.Run(c); err != nil {
		return nil, err
	}
	return papers.Row{"switching": m.switching / m.rows, "cells": m.cells / max(m.episodes, 1)}, nil
}

// meter pays the bonus, alone, and measures.
type meter struct {
	spec            *env.Spec
	visited         int
	from, step      int64
	bonus           explore.Bonus
	dst             []float32
	switching, rows float64
	cells, episodes float64
}

func (m *meter) each(b *env.Batch, reward []float32) error {
	m.bonus.Score(m.dst, b)
	copy(reward, m.dst)
	m.step += int64(b.N)
	if m.step > m.from {
		facts := env.Width(m.spec.Facts)
		for i := range b.N {
			m.switching += float64(b.Act[2*i+1])
			m.rows++
			if b.End[i] != env.Running {
				m.cells += float64(b.Facts[i*facts+m.visited])
				m.episodes++
			}
		}
	}
	return m.bonus.Update(b, nil)
}
