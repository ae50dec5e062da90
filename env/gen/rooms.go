package gen

import "github.com/terrarium-rl/terrarium/env/rng"

// Rooms is a maze of square rooms, several cells wide, in place of single cells: as Maze makes
// it, with doorways of one cell between rooms. Start, goal and keys lie anywhere in their rooms,
// and posts stand where the cells of a room meet.
type Rooms struct {
	Maze     // of rooms: its Size counts them
	Side int // cells a side of a room, at least 1; Size*Side is at most MazeSize
}

// Build builds the rooms into g. It panics if a parameter is out of its range.
func (m Rooms) Build(g *Grid, r *rng.Stream) {
	if m.Side < 1 || m.Size*m.Side > MazeSize {
		panic("gen: Rooms needs a Side of at least 1, and at most 32 cells a side in all")
	}
	if m.Side == 1 {
		m.Maze.Build(g, r)
		return
	}
	if g.plan == nil {
		g.plan = new(Grid)
	}
	p := g.plan
	m.Maze.Build(p, r)
	g.resize(m.Size * m.Side)
	anywhere := func(room int32) int32 { return m.cell(room, r.IntN(m.Side), r.IntN(m.Side)) }
	g.Start = anywhere(p.Start)
	for g.Goal = g.Start; g.Goal == g.Start; {
		g.Goal = anywhere(p.Goal)
	}
	for _, k := range p.Keys {
		c := anywhere(k)
		for c == g.Start || c == g.Goal || g.Take(c, 0) != 0 {
			c = anywhere(k)
		}
		g.Keys = append(g.Keys, c)
	}
	for room := range int32(p.Cells()) {
		m.clear(g, room)
	}
	g.Doors = append(g.Doors, p.Doors...) // in their order; each is put in its place below
	for room := range int32(p.Cells()) {
		for s := East; s <= North; s++ {
			if !p.Open(room, s) {
				continue
			}
			c := m.edge(room, s, r.IntN(m.Side))
			g.join(c, s)
			if d := p.Door(room, s); d >= 0 {
				g.Doors[d] = Door{c, s}
			}
		}
	}
	g.measure()
}

// cell returns a cell of a room.
func (m Rooms) cell(room int32, x, y int) int32 {
	n, side := int32(m.Size), int32(m.Side)
	return (room/n*side+int32(y))*n*side + room%n*side + int32(x)
}

// edge returns the i-th of the cells of a room that lie on its side s, East or North.
func (m Rooms) edge(room int32, s Side, i int) int32 {
	if s == East {
		return m.cell(room, m.Side-1, i)
	}
	return m.cell(room, i, m.Side-1)
}

// clear takes the walls within a room away.
func (m Rooms) clear(g *Grid, room int32) {
	for y := range m.Side {
		for x := range m.Side {
			if x < m.Side-1 {
				g.join(m.cell(room, x, y), East)
			}
			if y < m.Side-1 {
				g.join(m.cell(room, x, y), North)
			}
		}
	}
}
