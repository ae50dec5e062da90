// Package stax checks what Paolo, Coninx, Laflaquiere and Doncieux, "Discovering and exploiting
// sparse rewards in a learned behavior space" (Evolutionary Computation, 2023), claim: that a
// search in a behaviour space learned from pictures finds and exploits hidden rewards about as well
// as one that is told what matters. See the README.
package stax

import (
	"errors"
	"fmt"
	"os"
	"slices"

	_ "github.com/terrarium-rl/terrarium/env/tasks/curling" // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/maze"    // environment
	_ "github.com/terrarium-rl/terrarium/env/tasks/reach"   // environment
	"github.com/terrarium-rl/terrarium/experiments/lab"
	"github.com/terrarium-rl/terrarium/experiments/papers"
)

// From is the first seed of the claims on the tasks: the first populations and the end of emitters
// were corrected, and mutations made as small as in the paper, after seeds from 1000 up had been seen.
const From = 2000

// tasks are those of the experiments stax-arm, stax-maze and stax-curling.
var tasks = []string{"arm", "maze", "curling"}

func init() {
	var pass, also []papers.Bound
	for _, task := range tasks {
		pass = append(pass,
			papers.GreaterPart("coverage-"+task, "stax", "serene", 0.8), papers.GreaterPart("reward-"+task, "stax", "serene", 0.8),
			papers.Greater("coverage-"+task, "stax", "stax-nt", 0), papers.Greater("coverage-"+task, "stax", "random", 0),
			papers.Greater("coverage-"+task, "stax", "wrong", 0),
		)
		also = append(also,
			papers.Greater("coverage-"+task, "stax", "taxons", 0), papers.Greater("reward-"+task, "stax", "taxons", 0),
			papers.Greater("coverage-"+task, "stax", "novelty", 0), papers.Greater("reward-"+task, "stax", "novelty", 0),
			papers.Greater("areas-"+task, "stax", "serene", 0), papers.Greater("areas-"+task, "stax", "novelty", 0),
			papers.Greater("uniformity-"+task, "stax", "serene", 0),
		)
	}
	papers.Register(papers.Claim{
		Name: "stax", Paper: "Paolo et al. 2023",
		Doc: "A behaviour space learned from pictures finds hidden rewards about as well as one made by hand.",
		Arms: []string{
			"stax", "stax-nt", "serene", "taxons", "novelty", "wrong", "random",
		},
		Treatment: "stax", Control: "random",
		Seeds: map[papers.Scale]int{papers.Smoke: 2, papers.Quick: 5, papers.Full: 10}, From: From,
		Cell: func(c papers.Cell) (papers.Row, error) { return Run(c, tasks, Arms) },
		Pass: append(pass, estimate("coverage", "stax", "serene", 0.9), estimate("reward", "stax", "serene", 0.9)),
		Also: also,
	})
}

// estimate says that the mean over tasks of the ratio of means over seeds, without an interval, is
// above a limit.
func estimate(metric, a, b string, limit float64) papers.Bound {
	text := fmt.Sprintf("%s: mean ratio %s / %s > %g (no interval)", metric, a, b, limit)
	return papers.Point(text, limit, false, func(t *papers.Table) (sum float64, err error) {
		for _, task := range tasks {
			x, y, err := t.Pair(metric+"-"+task, a, b)
			if err != nil {
				return 0, err
			}
			mx, my := 0.0, 0.0
			for i := range x {
				mx, my = mx+x[i], my+y[i]
			}
			sum += mx / max(my, 1e-9) / float64(len(tasks))
		}
		return sum, nil
	})
}

const (
	trueSpace = "qd.explore.describe={by: measures, of: [0, 1]}"
	noExplore = "qd.explore=null"
	box       = "bounds: [-5, 5]"
)

// Arms are changes to the experiments stax-arm, stax-maze and stax-curling.
var Arms = map[string][]string{
	"stax":    nil,
	"stax-nt": {"qd.explore.method=serene", "qd.explore.describe.fixed=true"},
	"serene":  {"qd.explore.method=serene", trueSpace},
	"pixels":  {"qd.explore.method=serene", "qd.explore.describe={by: observed}"},
	"taxons":  {"qd.explore.method=taxons"},
	"novelty": {"qd.explore.method=novelty", trueSpace},
	"fixed":   {"qd.explore.method=novelty", "qd.explore.describe.fixed=true"},
	"nsga2":   {"qd.explore.method=nsga2", trueSpace},
	"map-elites": {
		noExplore, "qd.observe=null", "qd.batch=100", "qd.archive_of=[0, 1]",
		"qd.emitters=[{name: gaussian, options: {first: 1, sigma: 0.05, " + box + "}}]",
	},
	"cma-me": {noExplore, "qd.observe=null", "qd.batch=30", "qd.archive_of=[0, 1]", "qd.emitters=[{name: cma-me, count: 5, options: {sigma: 0.5, " + box + "}}]"},
	"cma-es": {noExplore, "qd.observe=null", "qd.batch=20", "qd.archive_of=[0, 1]", "qd.emitters=[{name: cma-es, options: {sigma: 0.5, " + box + "}}]"},
	// MAP-Elites told the wrong thing: how fast what matters moves in the end, not where it is.
	"wrong": {
		noExplore, "qd.observe=null", "qd.batch=100", "qd.result={name: grid, options: {cells: [50, 50]}}", "qd.result_of=[0, 1]",
		"qd.emitters=[{name: gaussian, options: {first: 1, sigma: 0.05, " + box + "}}]",
	},
	"random": {noExplore, "qd.observe=null", "qd.batch=100", "qd.archive_of=[0, 1]", "qd.emitters=[{name: random, options: {" + box + "}}]"},
}

// velocities are further measures: the wrong descriptor.
var velocities = map[string]string{
	"arm":     "{of: fact.vx, lo: -2, hi: 2}, {of: fact.vy, lo: -2, hi: 2}",
	"maze":    "{of: obs.velocity, column: 0, lo: -2, hi: 2}, {of: obs.velocity, column: 1, lo: -2, hi: 2}",
	"curling": "{of: fact.speed, lo: 0, hi: 2}",
}

var places = map[string]string{
	"arm":     "{of: fact.x, lo: -1, hi: 1}, {of: fact.y, lo: -1, hi: 1}",
	"maze":    "{of: fact.x, lo: 0, hi: 4}, {of: fact.y, lo: 0, hi: 4}",
	"curling": "{of: fact.x, lo: -1.5, hi: 1.5}, {of: fact.y, lo: -1.5, hi: 1.5}",
}

// Run runs an arm on some of the tasks, one seed, and returns of each task the coverage of 50 x 50
// cells of the true space by everything evaluated, its uniformity, the number of areas reached and
// the mean over areas of the best reward met.
func Run(c papers.Cell, tasks []string, arms map[string][]string) (papers.Row, error) {
	changes, ok := arms[c.Arm]
	if !ok {
		return nil, fmt.Errorf("unknown arm %q", c.Arm)
	}
	row := papers.Row{}
	for _, task := range tasks {
		sets := []string{
			"eval.episodes=0", "replays.eval=0", "checkpoint={steps: 1000000000, seconds: 0, keep: 1}", "metrics.steps=1000000000",
			fmt.Sprintf("seeds=[%d]", c.Seed), "qd.measures=[" + places[task] + ", " + velocities[task] + "]",
		}
		if c.Arm == "wrong" {
			last := "[2, 3]"
			if task == "curling" {
				last = "[2]"
			}
			sets = append(sets, "qd.archive={name: grid, options: {cells: "+map[string]string{"[2, 3]": "[50, 50]", "[2]": "[50]"}[last]+"}}", "qd.archive_of="+last)
		} else if !slices.Contains(changes, "qd.archive_of=[0, 1]") {
			sets = append(sets, "qd.archive_of=[0, 1]")
		}
		switch c.Scale {
		case papers.Smoke:
			sets = append(sets, "qd.evaluations=1500")
		case papers.Full:
			sets = append(sets, "qd.evaluations=100000")
		}
		if err := runTask(c, task, append(sets, changes...), row); err != nil {
			return nil, fmt.Errorf("%s: %w", task, err)
		}
	}
	return row, nil
}

func runTask(c papers.Cell, task string, sets []string, row papers.Row) (err error) {
	p, err := lab.ReadPlan("stax-"+task, sets)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "claim-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	r, err := lab.Train(c.Context, p, dir, lab.Options{Workers: 1})
	if err != nil {
		return err
	}
	s := r.Seeds[0].QD
	row["coverage-"+task], row["uniformity-"+task] = float64(s.Coverage), float64(s.Uniformity)
	reached, sum := 0, 0.0
	for _, best := range s.Areas {
		if best > 0 {
			reached++
		}
		sum += float64(best) / float64(len(s.Areas))
	}
	row["areas-"+task], row["reward-"+task] = float64(reached), sum
	return nil
}
