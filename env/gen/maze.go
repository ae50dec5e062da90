package gen

import (
	"slices"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Maze is a square of cells with walls between them, and with keys to be fetched for doors
// that bar the way from its start to its goal.
//
// The passages grow as a tree, from a cell that is the newest of the tree or, with probability
// Branching, any: the growing tree algorithm (Buck, "Mazes for Programmers", 2015, chapter 12),
// whose extremes are the recursive backtracker and a random-cell variant of Prim's algorithm.
// Doors bar passages on the way from start to goal. They divide the tree into areas in a row;
// each door's key lies in an area before it, and walls are only taken away within areas. So
// every maze can be solved, and never without all keys. Keys lie aside of the tree's way from start to
// goal, if there is room.
type Maze struct {
	Size      int     // cells a side, 2 to MazeSize
	Branching float32 // 0: long winding corridors; 1: many short dead ends
	Loops     float32 // probability for each wall within an area to be taken away
	Distance  float32 // of the goal from the start, as a share of the farthest cell's
	Keys      int     // 0 to MazeKeys, each with a door. There are less where no cell is far enough from the start
}

const (
	MazeSize = 32 // largest Size of a Maze
	MazeKeys = 3  // largest number of keys
)

// A Side is one of the four directions in which a cell has neighbours.
type Side uint8

const (
	East Side = iota
	North
	West
	South
)

// Opposite returns the side on which the neighbour on side s has the cell.
func (s Side) Opposite() Side { return s ^ 2 }

// A Door bars the passage on one side of a cell until its key is held.
type Door struct {
	Cell int32
	Side Side
}

// A Grid is a maze that Maze.Build has built. Cells are numbered row by row, cell x + Size*y
// covering the unit square from (x, y). It may be built again without allocating anew.
type Grid struct {
	Size        int
	Start, Goal int32
	Keys        []int32 // cell of each key
	Doors       []Door  // door i is opened by key i, and it lies behind door i-1
	open        []uint8 // bit of each side that has a passage, barred or not
	dist        []int32 // see Distance
	parent      []int32 // of a cell in the tree, whose root is Start
	depth       []int32 // steps from Start in the tree; -1 outside
	area        []int32 // number of doors between Start and the cell
	order       []int32 // cells in the order in which the tree grew
	queue       []int32
	plan        *Grid // of rooms, if Rooms has built it
}

// Cells returns the number of cells.
func (g *Grid) Cells() int { return g.Size * g.Size }

// Neighbour returns the cell on a side of c, or -1 outside the maze.
func (g *Grid) Neighbour(c int32, s Side) int32 {
	n := int32(g.Size)
	x, y := c%n, c/n
	switch {
	case s == East && x < n-1:
		return c + 1
	case s == North && y < n-1:
		return c + n
	case s == West && x > 0:
		return c - 1
	case s == South && y > 0:
		return c - n
	}
	return -1
}

// Open reports whether there is a passage on a side of c; a door may bar it.
func (g *Grid) Open(c int32, s Side) bool { return g.open[c]>>s&1 != 0 }

// Door returns the number of the door on a side of c, or -1 if there is none.
func (g *Grid) Door(c int32, s Side) int {
	for i, d := range g.Doors {
		if d.Cell == c && d.Side == s || d.Side == s.Opposite() && d.Cell == g.Neighbour(c, s) {
			return i
		}
	}
	return -1
}

// Passable reports whether one can leave c on side s with the held keys, a set of bits.
func (g *Grid) Passable(c int32, s Side, held uint) bool {
	if !g.Open(c, s) {
		return false
	}
	d := g.Door(c, s)
	return d < 0 || held>>d&1 != 0
}

// Take returns the held keys after entering c.
func (g *Grid) Take(c int32, held uint) uint {
	for i, k := range g.Keys {
		if k == c {
			held |= 1 << i
		}
	}
	return held
}

// Build builds a maze into g. It panics if a parameter is out of its range.
func (m Maze) Build(g *Grid, r *rng.Stream) {
	if m.Size < 2 || m.Size > MazeSize || m.Keys < 0 || m.Keys > MazeKeys {
		panic("gen: Maze needs a Size of 2 to 32 and 0 to 3 Keys")
	}
	g.resize(m.Size)
	g.Start = int32(r.IntN(g.Cells()))
	g.grow(m.Branching, r)
	g.place(m, r)
	g.loop(m.Loops, r)
	g.measure()
}

// Reserve makes room for mazes of a size, so that building them does not allocate.
func (g *Grid) Reserve(size int) {
	cells := size * size
	if cap(g.open) >= cells {
		return
	}
	g.open = make([]uint8, cells)
	for _, p := range g.perCell() {
		*p = make([]int32, cells)
	}
	g.dist = make([]int32, cells<<MazeKeys)
	g.Keys, g.Doors = make([]int32, 0, MazeKeys), make([]Door, 0, MazeKeys)
}

func (g *Grid) perCell() [5]*[]int32 {
	return [...]*[]int32{&g.parent, &g.depth, &g.area, &g.order, &g.queue}
}

func (g *Grid) resize(n int) {
	g.Reserve(n)
	g.Size = n
	g.open = g.open[:n*n]
	clear(g.open)
	for _, p := range g.perCell() {
		*p = (*p)[:n*n]
	}
	g.Keys, g.Doors = g.Keys[:0], g.Doors[:0]
}

func (g *Grid) join(c int32, s Side) {
	g.open[c] |= 1 << s
	g.open[g.Neighbour(c, s)] |= 1 << s.Opposite()
}

// grow makes the tree of passages.
func (g *Grid) grow(branching float32, r *rng.Stream) {
	for i := range g.depth {
		g.depth[i] = -1
	}
	g.depth[g.Start], g.parent[g.Start] = 0, -1
	g.order[0] = g.Start
	grown := 1
	active := append(g.queue[:0], g.Start)
	for len(active) > 0 {
		i := len(active) - 1
		if branching > 0 && r.Float32() < branching {
			i = r.IntN(len(active))
		}
		c := active[i]
		s, ok := g.outward(c, r)
		if !ok {
			active = append(active[:i], active[i+1:]...)
			continue
		}
		g.join(c, s)
		d := g.Neighbour(c, s)
		g.parent[d], g.depth[d] = c, g.depth[c]+1
		g.order[grown] = d
		grown++
		active = append(active, d)
	}
}

// outward draws a side of c on which the tree can grow, if there is one.
func (g *Grid) outward(c int32, r *rng.Stream) (Side, bool) {
	var free [4]Side
	n := 0
	for s := range Side(4) {
		if d := g.Neighbour(c, s); d >= 0 && g.depth[d] < 0 {
			free[n] = s
			n++
		}
	}
	if n == 0 {
		return 0, false
	}
	return free[r.IntN(n)], true
}

// place chooses the goal, the doors and the keys.
func (g *Grid) place(m Maze, r *rng.Stream) {
	farthest := int32(0)
	for _, d := range g.depth {
		farthest = max(farthest, d)
	}
	keys := min(m.Keys, int(farthest)-1)
	far := max(int32(float32(m.Distance*float32(farthest))+0.5), int32(keys)+1)
	far = min(far, farthest)
	g.Goal = g.draw(r, func(c int32) bool { return g.depth[c] == far })

	// Doors bar keys of the passages to depths 2..far, which are drawn one after the other
	// by selection sampling (Knuth, TAOCP volume 2, algorithm 3.4.2 S). The start area
	// thus has room for a key beside the start.
	path := g.queue[:far+1]
	for c := g.Goal; c >= 0; c = g.parent[c] {
		path[g.depth[c]] = c
	}
	for depth := int32(2); depth <= far; depth++ {
		if left := keys - len(g.Doors); left > 0 && r.IntN(int(far-depth)+1) < left {
			from, to := path[depth-1], path[depth]
			g.Doors = append(g.Doors, Door{from, g.side(from, to)})
		}
	}
	for _, c := range g.order {
		p := g.parent[c]
		if p < 0 {
			g.area[c] = 0
			continue
		}
		g.area[c] = g.area[p]
		if g.Door(p, g.side(p, c)) >= 0 {
			g.area[c]++
		}
	}
	for i := range g.Doors {
		lies := func(c int32) bool {
			return g.area[c] <= int32(i) && c != g.Start && g.Take(c, 0) == 0
		}
		aside := func(c int32) bool { return lies(c) && (g.depth[c] > far || path[g.depth[c]] != c) }
		if slices.ContainsFunc(g.order, aside) {
			g.Keys = append(g.Keys, g.draw(r, aside))
		} else {
			g.Keys = append(g.Keys, g.draw(r, lies))
		}
	}
}

// draw returns one of the cells that fit, each with equal probability. There must be one.
func (g *Grid) draw(r *rng.Stream, fits func(c int32) bool) int32 {
	n := 0
	for _, c := range g.order {
		if fits(c) {
			n++
		}
	}
	n = r.IntN(n)
	for _, c := range g.order {
		if fits(c) {
			if n == 0 {
				return c
			}
			n--
		}
	}
	panic("gen: a cell vanished")
}

// side returns the side of a on which b lies.
func (g *Grid) side(a, b int32) Side {
	switch b - a {
	case 1:
		return East
	case int32(g.Size):
		return North
	case -1:
		return West
	}
	return South
}

// loop takes walls away within areas.
func (g *Grid) loop(share float32, r *rng.Stream) {
	if share <= 0 {
		return
	}
	for c := range int32(g.Cells()) {
		for s := East; s <= North; s++ {
			d := g.Neighbour(c, s)
			if d >= 0 && !g.Open(c, s) && g.area[c] == g.area[d] && r.Float32() < share {
				g.join(c, s)
			}
		}
	}
}
