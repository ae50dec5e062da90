// Package sparseqd checks what Paolo's thesis, "Learning in sparse rewards settings through
// quality-diversity algorithms" (2021), claims of its parts: TAXONS, which learns a behaviour space
// from pictures; the signature of a path as a descriptor; and SERENE, which explores and exploits by
// turns. See the README.
package sparseqd

import (
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/experiments/papers/stax"
)

const paper = "Paolo 2021"

var tasks = []string{"arm", "maze", "curling"}

func cell(c papers.Cell) (papers.Row, error) {
	row, err := stax.Run(c, tasks, stax.Arms)
	if err != nil {
		return nil, err
	}
	// Over the tasks: areas reached, and the mean over those of the best reward met.
	areas, reward := 0.0, 0.0
	for task, n := range map[string]float64{"arm": 3, "maze": 3, "curling": 2} {
		areas += row["areas-"+task]
		reward += n * row["reward-"+task]
	}
	row["areas"] = areas
	row["reward-each"] = reward / max(areas, 1)
	return row, nil
}

func init() {
	seeds := map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 5, papers.Full: 10}
	var pass []papers.Bound
	for _, task := range tasks {
		m := "coverage-" + task
		pass = append(pass, papers.GreaterPart(m, "taxons", "novelty", 0.8), papers.Greater(m, "taxons", "fixed", 0), papers.Greater(m, "taxons", "random", 0))
	}
	papers.Register(papers.Claim{
		Name: "sparse-qd-taxons", Paper: paper,
		Doc:  "A learned behaviour space covers nearly as much as a true one, and more than a random one.",
		Arms: []string{"taxons", "fixed", "novelty", "random"}, Treatment: "taxons", Control: "random",
		Seeds: seeds, From: stax.From, Cell: cell, Pass: pass,
	})
	papers.Register(papers.Claim{
		Name: "sparse-qd-serene", Paper: paper,
		Doc:  "Exploring and exploiting by turns reaches more reward areas than evolution by rewards, and climbs higher than novelty search.",
		Arms: []string{"serene", "nsga2", "cma-es", "novelty", "random"}, Treatment: "serene", Control: "random",
		Seeds: seeds, From: stax.From, Cell: cell,
		Pass: []papers.Bound{
			papers.Greater("areas", "serene", "nsga2", 0), papers.Greater("areas", "serene", "cma-es", 0),
			papers.Greater("reward-each", "serene", "novelty", 0),
		},
	})
	papers.Register(papers.Claim{
		Name: "sparse-qd-signature", Paper: paper,
		Doc:  "Where every path ends where it began, signatures tell paths apart and last states do not.",
		Arms: []string{"signature", "log-signature", "last", "random"}, Treatment: "signature", Control: "last",
		Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 10, papers.Full: 20}, From: stax.From, Cell: loopCell,
		Pass: []papers.Bound{papers.Greater("classes", "signature", "last", 0)},
		Also: []papers.Bound{papers.Greater("classes", "signature", "random", 0), papers.Greater("classes", "log-signature", "signature", 0)},
	})
}
