package bonuses

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers"
	"github.com/terrarium-rl/terrarium/explore"
)

// Mazes of 7 x 7 cells without loops; start and goal are any two cells. The learner sees the
// walls of its cell and how often it has been in each of the four cells around, 0 to 3, in this
// episode, and learns Q-values of that.
const (
	side         = 7
	mazeHorizon  = 80
	mazeEpisodes = 4000
	mazeMeasured = 500 // last episodes that success is the share of
	learnRate    = 0.1
	mazeBonus    = 0.03
	mazeSets     = 4 // sets of mazes of one size that a seed learns, each from scratch
	mazeDiscount = 0.95
	randomShare  = 0.1
)

// moves of the four actions in cells: east, north, west, south.
var moves = [4][2]int{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}

// A maze has open[cell] bit a set where action a leads out of the cell.
type maze struct {
	open        [side * side]uint8
	start, goal int
}

// newMaze digs from a random cell, depth first.
func newMaze(r *rng.Stream) *maze {
	m := new(maze)
	var seen [side * side]bool
	stack := []int{r.IntN(side * side)}
	seen[stack[0]] = true
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		var fresh []int
		for a := range moves {
			if to := neighbour(at, a); to >= 0 && !seen[to] {
				fresh = append(fresh, a)
			}
		}
		if len(fresh) == 0 {
			stack = stack[:len(stack)-1]
			continue
		}
		a := fresh[r.IntN(len(fresh))]
		to := neighbour(at, a)
		m.open[at] |= 1 << a
		m.open[to] |= 1 << ((a + 2) % 4)
		seen[to] = true
		stack = append(stack, to)
	}
	m.start = r.IntN(side * side)
	m.goal = (m.start + 1 + r.IntN(side*side-1)) % (side * side)
	return m
}

// neighbour returns the cell that an action leads to, -1 beyond the border.
func neighbour(cell, action int) int {
	x, y := cell%side+moves[action][0], cell/side+moves[action][1]
	if x < 0 || y < 0 || x >= side || y >= side {
		return -1
	}
	return y*side + x
}

// sees returns the number of what the learner sees.
func (m *maze) sees(cell int, visits *[side * side]int) int {
	s := int(m.open[cell])
	for a := range moves {
		n := 0
		if to := neighbour(cell, a); to >= 0 {
			n = min(visits[to], 3)
		}
		s = s*4 + n
	}
	return s
}

// contexts are the numbers of mazes trained on, as metrics call them; 0 is a new one each episode.
var contexts = []struct {
	name  string
	mazes int
}{{"1", 1}, {"3", 3}, {"10", 10}, {"inf", 0}}

func mazeCell(c papers.Cell) (papers.Row, error) {
	row := papers.Row{}
	for _, x := range contexts {
		success, variance, err := learnSets(c, x.mazes)
		if err != nil {
			return nil, err
		}
		row["success_"+x.name], row["variance_"+x.name] = success, variance
	}
	row["advantage_of_1"] = row["success_1"] - row["success_inf"] // differences of which are the interaction
	return row, nil
}

// learnSets returns the means of learnMazes over sets of mazes.
func learnSets(c papers.Cell, mazes int) (success, variance float64, err error) {
	sets := mazeSets
	if mazes == 0 || c.Scale == papers.Smoke {
		sets = 1 // ever new ones are thousands already
	}
	for set := range sets {
		// The streams of an earlier form of this claim, whose results were looked at, were others.
		s, v, err := learnMazes(c, mazes, rng.New(c.Seed).Fold(mazesFold).Fold(uint64(set)))
		if err != nil {
			return 0, 0, err
		}
		success, variance = success+s/float64(sets), variance+v/float64(sets)
	}
	return success, variance, nil
}

const mazesFold = 2

// learnMazes returns the share of the last episodes that reached the goal, and the variance of the
// value of a cell over the mazes of these episodes; see explore.ContextVariance.
func learnMazes(c papers.Cell, mazes int, key rng.Key) (success, variance float64, err error) {
	cur, err := newCuriosity(mazeArms, c.Arm, key)
	if err != nil {
		return 0, 0, err
	}
	layouts, r := key.Stream(2, uint32(mazes), 0), key.Stream(3, uint32(mazes), 0)
	var pool []*maze
	for range mazes {
		pool = append(pool, newMaze(&layouts))
	}
	q, found := make([][4]float64, 16*256), 0
	var values explore.ContextVariance
	for ep := range mazeEpisodes {
		if err := c.Context.Err(); err != nil {
			return 0, 0, err
		}
		var m *maze
		if mazes == 0 {
			m = newMaze(&layouts)
		} else {
			m = pool[r.IntN(mazes)]
		}
		reached, err := episode(m, q, cur, &r)
		if err != nil {
			return 0, 0, err
		}
		if ep < mazeEpisodes-mazeMeasured {
			continue
		}
		if reached {
			found++
		}
		for cell, v := range m.values() {
			values.Add(uint64(cell), v)
		}
	}
	return float64(found) / mazeMeasured, values.Share(), nil
}

// values returns what each cell is worth to who knows the way: the discount to the power of the
// number of moves to the goal.
func (m *maze) values() (v [side * side]float64) {
	v[m.goal] = 1
	for queue := []int{m.goal}; len(queue) > 0; queue = queue[1:] {
		for a := range moves {
			if to := neighbour(queue[0], a); m.open[queue[0]]>>a&1 == 1 && v[to] == 0 {
				v[to] = mazeDiscount * v[queue[0]]
				queue = append(queue, to)
			}
		}
	}
	return v
}

// episode plays and learns one.
func episode(m *maze, q [][4]float64, cur *curiosity, r *rng.Stream) (reached bool, err error) {
	var visits [side * side]int
	cell := m.start
	visits[cell]++
	saw := m.sees(cell, &visits)
	for t := 0; t < mazeHorizon && !reached; t++ {
		action, next := choose(&q[saw], randomShare, r), cell
		if m.open[cell]>>action&1 == 1 {
			next = neighbour(cell, action)
		}
		reached = next == m.goal
		end := env.Running
		switch {
		case reached:
			end = env.Terminated
		case t == mazeHorizon-1:
			end = env.Truncated
		}
		bonus, err := cur.pay(next, end)
		if err != nil {
			return false, err
		}
		visits[next]++
		sees := m.sees(next, &visits)
		target := mazeBonus * bonus
		if reached {
			target++
		} else {
			target += mazeDiscount * max(q[sees][0], q[sees][1], q[sees][2], q[sees][3])
		}
		q[saw][action] += learnRate * (target - q[saw][action])
		cell, saw = next, sees
	}
	return reached, nil
}

// choose returns a best action, of equal ones any, and now and then any of all.
func choose(q *[4]float64, random float32, r *rng.Stream) int {
	if r.Float32() < random {
		return r.IntN(4)
	}
	best, n := 0, 0
	for a, v := range q {
		switch {
		case v > q[best] || n == 0:
			best, n = a, 1
		case v == q[best]:
			if n++; r.IntN(n) == 0 {
				best = a
			}
		}
	}
	return best
}
