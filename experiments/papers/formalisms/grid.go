package formalisms

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/tabular"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/rewards/spec"
)

// tasks are the metrics: what each objective makes of a policy.
var tasks = []string{"patrol", "order", "speed", "rate", "spread"}

func init() {
	c := papers.Claim{
		Name: "formalisms-grid", Paper: "Subramani et al. 2024",
		Doc:  "In five tasks on a grid, the objective's own solver does better than the best of twenty Markov rewards.",
		Arms: []string{"native", "markov", "one"}, Treatment: "native", Control: "one",
		Seeds: map[papers.Scale]int{papers.Smoke: 3, papers.Quick: 20, papers.Full: 100},
		Cell:  gridCell,
	}
	for _, task := range tasks {
		c.Pass = append(c.Pass, papers.Greater(task, "native", "markov", 0))
	}
	papers.Register(c)
}

const (
	side    = 5
	hidden  = 4 // walls of a grid, at most
	markovs = 20
	alpha   = 0.1 // of the divergence
)

// A course is a grid with two places to visit and one to keep away from, and what is wanted there.
type course struct {
	*tabular.Grid
	a, b, hazard int // states
	wanted       float64
	product      map[string]*tabular.MDP // by task: those with a machine
	machine      map[string]*spec.Machine
	reward       map[string]tabular.Reward
}

// newCourse draws a grid in which all cells can be reached from each other.
func newCourse(r *rng.Stream) (*course, error) {
	gamma := 0.9 + 0.08*r.Float64()
	for {
		plan := make([][]byte, side)
		for y := range plan {
			plan[y] = []byte(".....")
		}
		for range hidden {
			plan[r.IntN(side)][r.IntN(side)] = '#'
		}
		plan[side/2][side/2] = 'S'
		lines := make([]string, side)
		for y := range plan {
			lines[y] = string(plan[y])
		}
		g, err := tabular.NewGrid(lines, gamma, 0.1)
		if err != nil {
			return nil, err
		}
		c := &course{Grid: g, a: g.Cells[0], b: g.Cells[side*side-1], hazard: g.Cells[r.IntN(side*side)], wanted: 0.2 + 0.5*r.Float64()}
		start := g.Cells[side*side/2]
		if c.a < 0 || c.b < 0 || c.hazard < 0 || c.hazard == c.a || c.hazard == c.b || c.hazard == start || !c.connected() {
			continue
		}
		return c, c.build()
	}
}

// connected tells whether a walk that knows nothing comes everywhere, but to the hazard, from the start.
func (c *course) connected() bool {
	seen, open := make([]bool, c.States), []int{}
	for s, p := range c.Start {
		if p > 0 {
			seen[s], open = true, append(open, s)
		}
	}
	n := len(open)
	for len(open) > 0 {
		s := open[0]
		open = open[1:]
		for a := range c.Actions {
			for to, p := range c.Row(s, a) {
				if p > 0 && !seen[to] && to != c.hazard {
					seen[to], open = true, append(open, to)
					n++
				}
			}
		}
	}
	return n == c.States-1
}

// build joins the machines to the grid.
func (c *course) build() error {
	patrol, err := spec.NewMachine([]string{"a", "b", "hazard"}, []string{"to a", "to b"}, map[string][]spec.Move{
		"to a": {{When: "a", To: "to b", Reward: 1}}, "to b": {{When: "b", To: "to a", Reward: 1}},
	})
	if err != nil {
		return err
	}
	formula, err := spec.ParseLTL("!hazard U (a & (!hazard U b))")
	if err != nil {
		return err
	}
	order, err := formula.Machine()
	if err != nil {
		return err
	}
	c.product, c.reward = map[string]*tabular.MDP{}, map[string]tabular.Reward{}
	c.machine = map[string]*spec.Machine{"patrol": patrol, "rate": patrol, "order": order}
	at := map[string]int{"a": c.a, "b": c.b, "hazard": c.hazard}
	for task, m := range c.machine {
		labels := make(spec.Labels, c.States)
		for i, atom := range m.Atoms {
			labels[at[atom]] |= 1 << i
		}
		if c.product[task], c.reward[task], err = spec.Product(c.MDP, labels, m); err != nil {
			return fmt.Errorf("%s: %w", task, err)
		}
	}
	return nil
}

// moved is the discounted share of steps that lead to another cell.
func (c *course) moved() tabular.Reward {
	r := c.NewReward()
	for s := range c.States {
		for a := range c.Actions {
			for n := range c.States {
				if n != s {
					r[c.At(s, a, n)] = 1 - c.Gamma
				}
			}
		}
	}
	return r
}

// arrival pays for each step to a state.
func (c *course) arrival(state int, worth float64) tabular.Reward {
	r := c.NewReward()
	for s := range c.States {
		for a := range c.Actions {
			r[c.At(s, a, state)] = worth
		}
	}
	return r
}

// score is what a task makes of a policy: of its product, or of the grid where it has none.
func (c *course) score(task string, pi tabular.Policy) float64 {
	switch p := c.product[task]; task {
	case "patrol":
		return p.Return(pi, c.reward[task])
	case "order":
		return spec.Probability(p, c.machine[task], pi)
	case "rate":
		mean, expected := 0.0, p.Expected(c.reward[task])
		for i, share := range spec.LongRun(p, pi) {
			mean += share * expected[i]
		}
		return mean
	case "speed": // a function of the return: not too slow, not too fast
		return -math.Pow(c.Return(pi, c.moved())-c.wanted, 2)
	}
	return c.Return(pi, c.Regularised(c.arrival(c.a, 1-c.Gamma), pi, c.Uniform(), alpha))
}

// native returns the policy of a task's own solver.
func (c *course) native(task string) (tabular.Policy, error) {
	switch p := c.product[task]; task {
	case "patrol":
		return p.Optimal(c.reward[task]).Policy, nil
	case "order": // that it holds at all counts, and hardly when
		patient := *p
		patient.Gamma = 0.9999
		return patient.Optimal(c.reward[task]).Policy, nil
	case "rate":
		best, err := p.OptimalAverage(c.reward[task])
		return best.Policy, err
	case "speed":
		return c.paced(), nil
	}
	return c.OptimalRegularised(c.arrival(c.a, 1-c.Gamma), c.Uniform(), alpha).Policy, nil
}

// paced takes one step of Frank and Wolfe's method (1956) from the uniform policy: towards the policy that
// is best for the slope of the function of the return, as far as the line between their occupancies makes it
// best. Occupancies mix as returns do.
func (c *course) paced() tabular.Policy {
	fast, slope := c.moved(), 1.0
	from := c.Uniform()
	speed := c.Return(from, fast)
	if speed > c.wanted {
		slope = -1
	}
	r := c.NewReward()
	for i := range r {
		r[i] = slope * fast[i]
	}
	to := c.Optimal(r).Policy
	share := min(1, (c.wanted-speed)/(c.Return(to, fast)-speed))
	x, y := c.Occupancy(from), c.Occupancy(to)
	out := make(tabular.Policy, len(x))
	for s := range c.States {
		sum := 0.0
		for i := s * c.Actions; i < (s+1)*c.Actions; i++ {
			out[i] = (1-share)*x[i] + share*y[i]
			sum += out[i]
		}
		for i := s * c.Actions; i < (s+1)*c.Actions; i++ {
			out[i] /= sum
		}
	}
	return out
}

// markov returns the policies that are best for n rewards of the kind that a designer would try: weights for
// the three places and for moving.
func (c *course) markov(n int, r *rng.Stream) (pis []tabular.Policy) {
	moved := c.moved()
	for range n {
		sum := c.NewReward()
		for _, place := range []int{c.a, c.b, c.hazard} {
			for i, x := range c.arrival(place, float64(r.Norm())) {
				sum[i] += x
			}
		}
		w := float64(r.Norm()) / 4
		for i, x := range moved {
			sum[i] += w * x / (1 - c.Gamma)
		}
		pis = append(pis, c.Optimal(sum).Policy)
	}
	return pis
}

const (
	purposeCourse rng.Purpose = 0x666f7202 + iota
	purposeMarkov
	purposeOne
)

func gridCell(cell papers.Cell) (papers.Row, error) {
	key := rng.New(cell.Seed)
	draw := key.Stream(purposeCourse, 0, 0)
	c, err := newCourse(&draw)
	if err != nil {
		return nil, err
	}
	row := papers.Row{}
	if cell.Arm == "native" {
		for _, task := range tasks {
			pi, err := c.native(task)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", task, err)
			}
			row[task] = c.score(task, pi)
		}
		return row, nil
	}
	n, purpose := markovs, purposeMarkov
	if cell.Arm == "one" {
		n, purpose = 1, purposeOne
	}
	r := key.Stream(purpose, 0, 0)
	for _, pi := range c.markov(n, &r) {
		for _, task := range tasks {
			of := pi
			if m := c.machine[task]; m != nil {
				of = spec.Lift(c.MDP, m, pi)
			}
			if s, ok := row[task]; !ok || c.score(task, of) > s {
				row[task] = c.score(task, of)
			}
		}
	}
	return row, nil
}
