package gen

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// Unreachable is the Distance from where no way leads to the goal.
const Unreachable = 1 << 30

// Distance returns the number of steps between cells on the shortest way from c to the goal,
// starting with the held keys, a set of bits, and fetching those that the way needs.
func (g *Grid) Distance(c int32, held uint) int {
	held = g.Take(c, held) & (1<<len(g.Keys) - 1)
	return int(g.dist[int(held)*g.Cells()+int(c)])
}

// measure fills g.dist. Row by row, from all keys held to none, it is a breadth-first search
// from the goal and from the keys that are not held, each with the distance from where it is
// taken, which a row before has.
func (g *Grid) measure() {
	cells := g.Cells()
	g.dist = g.dist[:cells<<len(g.Keys)]
	for held := 1<<len(g.Keys) - 1; held >= 0; held-- {
		row := g.dist[held*cells : (held+1)*cells]
		for i := range row {
			row[i] = Unreachable
		}
		g.search(row, uint(held))
	}
}

// A source is a cell whose distance is known before the search.
type source struct{ cell, dist int32 }

func (g *Grid) search(row []int32, held uint) {
	var sources [1 + MazeKeys]source
	n := 1
	sources[0] = source{g.Goal, 0}
	for i, k := range g.Keys {
		if taken := held | 1<<i; taken != held {
			sources[n] = source{k, g.dist[int(taken)*len(row)+int(k)]}
			n++
		}
	}
	queue := g.queue[:0]
	for head := 0; ; head++ {
		// the nearest source enters the queue before the first cell that is farther
		best := -1
		for i, s := range sources[:n] {
			if best < 0 || s.dist < sources[best].dist {
				best = i
			}
		}
		if best >= 0 && (head == len(queue) || sources[best].dist <= row[queue[head]]) {
			s := sources[best]
			n--
			sources[best] = sources[n]
			if s.dist < row[s.cell] {
				row[s.cell] = s.dist
				queue = append(queue, 0)
				copy(queue[head+1:], queue[head:])
				queue[head] = s.cell
			}
			head--
			continue
		}
		if head == len(queue) {
			return
		}
		c := queue[head]
		for s := range Side(4) {
			d := g.Neighbour(c, s)
			if d >= 0 && row[c]+1 < row[d] && g.Passable(c, s, held) && g.Take(d, held) == held {
				row[d] = row[c] + 1
				queue = append(queue, d)
			}
		}
	}
}

// AppendSolution appends the cells of a shortest way from start to goal, both included, which
// passes the keys that it needs. It is the certificate that the maze can be solved.
func (g *Grid) AppendSolution(dst []int32) []int32 {
	c, held := g.Start, g.Take(g.Start, 0)
	dst = append(dst, c)
	for c != g.Goal {
		for s := range Side(4) {
			d := g.Neighbour(c, s)
			if d >= 0 && g.Passable(c, s, held) && g.Distance(d, held) < g.Distance(c, held) {
				c, held = d, g.Take(d, held)
				break
			}
		}
		dst = append(dst, c)
	}
	return dst
}

// Check follows a way step by step, and reports the first one that the rules do not allow, or
// that it does not lead from start to goal.
func (g *Grid) Check(way []int32) error {
	if len(way) == 0 || way[0] != g.Start || way[len(way)-1] != g.Goal {
		return fmt.Errorf("gen: the way does not lead from cell %d to cell %d", g.Start, g.Goal)
	}
	held := g.Take(g.Start, 0)
	for i, d := range way[1:] {
		c, ok := way[i], false
		for s := range Side(4) {
			ok = ok || g.Neighbour(c, s) == d && g.Passable(c, s, held)
		}
		if !ok {
			return fmt.Errorf("gen: step %d of the way, from cell %d to cell %d, is barred", i, c, d)
		}
		held = g.Take(d, held)
	}
	return nil
}

// A Wall is a straight run of wall between two crossings of cell borders. Its ends are equal
// where a single post stands.
type Wall struct{ From, To geom.Vec }

// AppendWalls appends the walls of the maze, including its outer ones and the posts that stand
// alone, each as long as possible. Barred passages are no walls.
func (g *Grid) AppendWalls(dst []Wall) []Wall {
	n := int32(g.Size)
	for y := int32(0); y <= n; y++ {
		dst = g.appendRow(dst, y, func(x, y int32) bool {
			return y == 0 || y == n || !g.Open(x+(y-1)*n, North)
		}, func(x, y int32) geom.Vec { return geom.Vec{X: float32(x), Y: float32(y)} })
	}
	for x := int32(0); x <= n; x++ {
		dst = g.appendRow(dst, x, func(y, x int32) bool {
			return x == 0 || x == n || !g.Open(x-1+y*n, East)
		}, func(y, x int32) geom.Vec { return geom.Vec{X: float32(x), Y: float32(y)} })
	}
	for y := int32(1); y < n; y++ {
		for x := int32(1); x < n; x++ {
			below, above := x-1+(y-1)*n, x-1+y*n
			if g.Open(below, North) && g.Open(below+1, North) && g.Open(below, East) && g.Open(above, East) {
				at := geom.Vec{X: float32(x), Y: float32(y)}
				dst = append(dst, Wall{at, at})
			}
		}
	}
	return dst
}

// appendRow appends the runs of wall along one line of cell borders.
func (g *Grid) appendRow(dst []Wall, line int32, wall func(i, line int32) bool, at func(i, line int32) geom.Vec) []Wall {
	from := int32(-1)
	for i := int32(0); i <= int32(g.Size); i++ {
		solid := i < int32(g.Size) && wall(i, line)
		switch {
		case solid && from < 0:
			from = i
		case !solid && from >= 0:
			dst = append(dst, Wall{at(from, line), at(i, line)})
			from = -1
		}
	}
	return dst
}
