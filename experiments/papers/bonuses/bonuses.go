// Package bonuses checks what Henaff, Jiang and Raileanu, "A study of global and episodic
// bonuses for exploration in contextual MDPs" (ICML 2023), say: which novelty bonus helps
// depends on what episodes have in common. Where every episode is the same world, a global bonus
// wins; where every episode is a new one, an episodic bonus; their product does well in both.
//
// Both experiments are tabular and small, so that a seed takes less than a second; see README.md. The
// bonuses are those of package explore.
package bonuses

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/explore"
)

const paper = "Henaff, Jiang and Raileanu 2023"

// hubArms are the bonuses compared in the hub, as expressions: counts of states, 1/sqrt(N) over
// all of training; 1 for the first visit in an episode; and the product. mazeArms are the same,
// divided by their running standard deviation, as the paper does it.
var (
	hubArms = map[string]string{
		"none":     "0",
		"global":   "count(cell=1)",
		"episodic": "episodic_count(cell=1, first_visit=true)",
		"product":  "count(cell=1) * episodic_count(cell=1, first_visit=true)",
	}
	mazeArms = map[string]string{
		"none":     "0",
		"global":   "norm(" + hubArms["global"] + ")",
		"episodic": "norm(" + hubArms["episodic"] + ")",
		"product":  "norm(" + hubArms["product"] + ")",
	}
)

func init() {
	papers.Register(papers.Claim{
		Name: "bonuses-singleton", Paper: paper,
		Doc:  "In a single world, a global bonus beats an episodic one, and their product does about as well.",
		Arms: []string{"none", "global", "episodic", "product"}, Treatment: "global", Control: "none",
		Seeds: map[papers.Scale]int{papers.Smoke: 5, papers.Quick: 20, papers.Full: 20},
		Cell:  hubCell,
		Pass: []papers.Bound{
			papers.Greater("success", "global", "episodic", 0),
			papers.Greater("success", "global", "none", 0),
			papers.Greater("success", "product", "global", -0.1),
		},
		Also: []papers.Bound{papers.Greater("success", "product", "none", 0)},
	})
	papers.Register(papers.Claim{
		Name: "bonuses-contexts", Paper: paper,
		Doc:  "In ever new mazes, an episodic bonus beats a global one, and their product does about as well.",
		Arms: []string{"none", "global", "episodic", "product"}, Treatment: "episodic", Control: "none",
		Seeds: map[papers.Scale]int{papers.Smoke: 4, papers.Quick: 20, papers.Full: 20},
		Cell:  mazeCell,
		Pass: []papers.Bound{
			papers.Greater("success_inf", "episodic", "global", 0),
			papers.Greater("success_inf", "episodic", "none", 0),
			papers.Greater("success_inf", "product", "episodic", -0.05),
			papers.Greater("advantage_of_1", "global", "episodic", 0), // the interaction
		},
		Also: []papers.Bound{
			papers.Greater("success_1", "global", "episodic", 0),
			papers.Greater("success_1", "product", "global", 0),
			papers.Greater("success_inf", "product", "none", 0),
			papers.Above("variance_1", "episodic", -1),
			papers.Above("variance_3", "episodic", 0),
			papers.Above("variance_10", "episodic", 0),
			papers.Above("variance_inf", "episodic", 0),
		},
	})
}

// curiosity pays the bonus of an arm for states that are numbers.
type curiosity struct {
	bonus explore.Bonus
	batch *env.Batch
	dst   [1]float32
}

func newCuriosity(arms map[string]string, arm string, key rng.Key) (*curiosity, error) {
	expr, ok := arms[arm]
	if !ok {
		return nil, fmt.Errorf("there is no arm %q", arm)
	}
	spec := &env.Spec{
		ID: "states", Agents: 1,
		Obs: []env.Field{{Name: "state", Len: 1}}, Act: []env.Field{{Name: "act", Len: 1, Choices: 2}},
	}
	b, err := explore.Parse(expr, explore.Setup{Spec: spec, Rows: 1, Key: key})
	if err != nil {
		return nil, err
	}
	return &curiosity{bonus: b, batch: env.NewBatch(spec, 1)}, nil
}

// pay returns the bonus of a step that leads to a state and ends the episode or not.
func (c *curiosity) pay(state int, end env.End) (float64, error) {
	c.batch.Next[0], c.batch.End[0] = float32(state), end
	c.bonus.Score(c.dst[:], c.batch)
	return float64(c.dst[0]), c.bonus.Update(c.batch, nil)
}
