package tabular

import (
	"fmt"
	"math"

	"github.com/terrarium-rl/terrarium/env/rng"
)

const (
	purposeTransitions rng.Purpose = 0x74616201 + iota
	purposeReward
	purposeRedistribute
)

// A Family is random worlds of one size.
type Family struct {
	States, Actions int
	Gamma           float64
	Branch          int // successors of a state and action, 1 to States
}

// Random draws a world: each state and action has Branch successors, whose probabilities are the
// softmax of normal numbers. It begins anywhere alike. It panics if the family is none.
func Random(f Family, key rng.Key) *MDP {
	if f.States < 1 || f.Actions < 1 || f.Branch < 1 || f.Branch > f.States {
		panic(fmt.Sprintf("tabular: no family: %+v", f))
	}
	m := &MDP{States: f.States, Actions: f.Actions, Gamma: f.Gamma, P: make([]float64, f.States*f.Actions*f.States)}
	order := make([]int32, f.States)
	for i := range f.States * f.Actions {
		r := key.Stream(purposeTransitions, uint32(i), 0)
		for k := range order {
			order[k] = int32(k)
		}
		r.Shuffle(order)
		row, sum := m.P[i*f.States:(i+1)*f.States], 0.0
		for _, n := range order[:f.Branch] {
			row[n] = math.Exp(float64(r.Norm()))
			sum += row[n]
		}
		for n := range row {
			row[n] /= sum
		}
	}
	m.Start = make([]float64, f.States)
	for s := range m.Start {
		m.Start[s] = 1 / float64(f.States)
	}
	return m
}

// Loops is the least world in which the mean reward and a discounted sum ask for different things: in
// state 0, action 0 pays 1 at once and stays, action 1 pays 5 at the end of three steps, 5/3 a step. Below a
// discount of (1 + sqrt 17)/8, 0.64, the first is worth more.
func Loops(gamma float64) (*MDP, Reward) {
	m := &MDP{States: 3, Actions: 2, Gamma: gamma, P: make([]float64, 18), Start: []float64{1, 0, 0}}
	r := m.NewReward()
	m.P[m.At(0, 0, 0)], m.P[m.At(0, 1, 1)] = 1, 1
	r[m.At(0, 0, 0)] = 1
	for a := range 2 {
		m.P[m.At(1, a, 2)], m.P[m.At(2, a, 0)] = 1, 1
		r[m.At(2, a, 0)] = 5
	}
	return m, r
}

// RandomReward draws a reward of normal numbers for states, actions and successors.
func (m *MDP) RandomReward(key rng.Key) Reward {
	s := key.Stream(purposeReward, 0, 0)
	r := m.NewReward()
	for i := range r {
		r[i] = float64(s.Norm())
	}
	return r
}

// Redistributed adds normal numbers of deviation size to the rewards of successors such that the
// mean over the successors of each state and action stays. No policy earns another return for it.
func (m *MDP) Redistributed(r Reward, size float64, key rng.Key) Reward {
	s := key.Stream(purposeRedistribute, 0, 0)
	out := append(Reward(nil), r...)
	for i := range m.States * m.Actions {
		row, mean := m.P[i*m.States:(i+1)*m.States], 0.0
		noise := make([]float64, m.States)
		for n, p := range row {
			noise[n] = size * float64(s.Norm())
			mean += p * noise[n]
		}
		for n := range row {
			out[i*m.States+n] += noise[n] - mean
		}
	}
	return out
}

// A Grid is a world of cells in rows, of which some are walls. The actions are up, right, down and
// left; who bumps stays.
type Grid struct {
	*MDP
	Cells []int // state of each cell, row by row; -1 for walls
	Width int
}

// Moves are the actions of a grid, as steps in x and y, with y downwards.
var Moves = [4][2]int{{0, -1}, {1, 0}, {0, 1}, {-1, 0}}

// NewGrid builds a grid of a plan: # is a wall, S a start, anything else free; all lines have one
// length. With probability slip a move goes another of the four ways. Without an S it begins
// anywhere.
func NewGrid(plan []string, gamma, slip float64) (*Grid, error) {
	if len(plan) == 0 || len(plan[0]) == 0 {
		return nil, fmt.Errorf("tabular: the plan is empty")
	}
	if !(slip >= 0 && slip <= 1) {
		return nil, fmt.Errorf("tabular: slip is %v, want 0 to 1", slip)
	}
	g := &Grid{MDP: &MDP{Actions: len(Moves), Gamma: gamma}, Width: len(plan[0])}
	starts := 0.0
	for y, line := range plan {
		if len(line) != g.Width {
			return nil, fmt.Errorf("tabular: line %d of the plan has %d cells, want %d", y+1, len(line), g.Width)
		}
		for _, c := range []byte(line) {
			if c == '#' {
				g.Cells = append(g.Cells, -1)
				continue
			}
			g.Cells = append(g.Cells, g.States)
			g.States++
			first := 0.0
			if c == 'S' {
				first = 1
			}
			starts += first
			g.Start = append(g.Start, first)
		}
	}
	if g.States == 0 {
		return nil, fmt.Errorf("tabular: the plan has no free cell")
	}
	for s := range g.Start {
		if starts == 0 {
			g.Start[s] = 1 / float64(g.States)
		} else {
			g.Start[s] /= starts
		}
	}
	g.P = make([]float64, g.States*g.Actions*g.States)
	for cell, s := range g.Cells {
		for a := range Moves {
			for way := range Moves {
				p := slip / 3
				if way == a {
					p = 1 - slip
				}
				if s >= 0 {
					g.P[g.At(s, a, g.follow(cell, way))] += p
				}
			}
		}
	}
	return g, g.Validate()
}

// follow returns the state that a move from a cell leads to.
func (g *Grid) follow(cell, way int) int {
	x, y := cell%g.Width+Moves[way][0], cell/g.Width+Moves[way][1]
	if x < 0 || x >= g.Width || y < 0 || y >= len(g.Cells)/g.Width || g.Cells[y*g.Width+x] < 0 {
		return g.Cells[cell]
	}
	return g.Cells[y*g.Width+x]
}

// Delivery is a grid through which parcels are carried: a state is a cell and whether the parcel is
// on board. The parcel comes on board at P and leaves at D, where the next one begins to wait at P.
type Delivery struct {
	*MDP
	Grid *Grid
	P, D int // states of the grid
}

// NewDelivery builds a delivery world of a plan with exactly one P and one D; the rest is as in
// NewGrid. State s of the grid is state s without, States+s with the parcel.
func NewDelivery(plan []string, gamma, slip float64) (*Delivery, error) {
	g, err := NewGrid(plan, gamma, slip)
	if err != nil {
		return nil, err
	}
	d := &Delivery{Grid: g, P: -1, D: -1}
	for y, line := range plan {
		for x, c := range []byte(line) {
			at := map[byte]*int{'P': &d.P, 'D': &d.D}[c]
			if at == nil {
				continue
			}
			if *at >= 0 {
				return nil, fmt.Errorf("tabular: line %d of the plan has a second %c", y+1, c)
			}
			*at = g.Cells[y*g.Width+x]
		}
	}
	if d.P < 0 || d.D < 0 {
		return nil, fmt.Errorf("tabular: the plan needs a P and a D")
	}
	n := g.States
	d.MDP = &MDP{States: 2 * n, Actions: g.Actions, Gamma: gamma, P: make([]float64, 4*n*n*g.Actions), Start: make([]float64, 2*n)}
	copy(d.Start, g.Start)
	for s := range n {
		for a := range g.Actions {
			for to, p := range g.Row(s, a) {
				without, with := to, n+to
				if to == d.P {
					without = n + to
				}
				if to == d.D {
					with = to
				}
				d.MDP.P[d.At(s, a, without)] += p
				d.MDP.P[d.At(n+s, a, with)] += p
			}
		}
	}
	return d, d.Validate()
}

// Delivered is 1 for each parcel that is brought, else 0.
func (d *Delivery) Delivered() Reward {
	r := d.NewReward()
	n := d.Grid.States
	for s := range n {
		for a := range d.Actions {
			r[d.At(n+s, a, d.D)] = 1
		}
	}
	return r
}
