package gen

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

// Rooms have no walls inside, one doorway to each room that the plan joins them with, and none to
// others; start, goal, keys and doors are where the plan has them; and they can be solved.
func TestRooms(t *testing.T) {
	g := &Grid{} // built again and again
	for seed := range uint64(300) {
		r := rng.New(seed).Stream(testPurpose, 2, 0)
		m := Rooms{Side: 2 + r.IntN(3), Maze: Maze{
			Size: 2 + r.IntN(5), Branching: r.Float32(), Loops: r.Float32(), Distance: r.Float32(), Keys: r.IntN(MazeKeys + 1),
		}}
		m.Build(g, &r)
		p, n := g.plan, int32(g.Size)
		room := func(c int32) int32 { return c/n/int32(m.Side)*int32(m.Size) + c%n/int32(m.Side) }
		doorways := map[[2]int32]int{}
		for c := range int32(g.Cells()) {
			for s := East; s <= North; s++ {
				d := g.Neighbour(c, s)
				switch {
				case d < 0:
				case room(c) == room(d):
					if !g.Open(c, s) || g.Door(c, s) >= 0 {
						t.Fatalf("rooms %d: a wall or door in a room", seed)
					}
				case g.Open(c, s):
					doorways[[2]int32{room(c), room(d)}]++
					if g.Door(c, s) != p.Door(room(c), s) {
						t.Fatalf("rooms %d: door %d, in the plan %d", seed, g.Door(c, s), p.Door(room(c), s))
					}
				}
			}
		}
		for c := range int32(p.Cells()) {
			for s := East; s <= North; s++ {
				want := 0
				if p.Open(c, s) {
					want = 1
				}
				if got := doorways[[2]int32{c, p.Neighbour(c, s)}]; got != want {
					t.Fatalf("rooms %d: %d doorways between two rooms, want %d", seed, got, want)
				}
			}
		}
		if room(g.Start) != p.Start || room(g.Goal) != p.Goal || len(g.Keys) != len(p.Keys) || len(g.Doors) != len(p.Doors) {
			t.Fatalf("rooms %d: start, goal, keys or doors are not those of the plan", seed)
		}
		for i, k := range g.Keys {
			if room(k) != p.Keys[i] || k == g.Start || k == g.Goal {
				t.Fatalf("rooms %d: key %d lies in the wrong place", seed, i)
			}
		}
		if err := g.Check(g.AppendSolution(nil)); err != nil {
			t.Fatalf("rooms %d: %v", seed, err)
		}
		if got, want := g.Distance(g.Start, 0), brute(g, position{g.Start, 0}); got != want {
			t.Fatalf("rooms %d: distance %d, by brute force %d", seed, got, want)
		}
	}
	m := Rooms{Side: 3, Maze: Maze{Size: 5, Keys: 2, Distance: 1}}
	r := rng.New(1).Stream(testPurpose, 3, 0)
	if n := testing.AllocsPerRun(50, func() { m.Build(g, &r) }); n != 0 {
		t.Errorf("%v allocations to build rooms again", n)
	}
	var a, b Grid
	one, two := rng.New(5).Stream(testPurpose, 4, 0), rng.New(5).Stream(testPurpose, 4, 0)
	Rooms{Side: 1, Maze: m.Maze}.Build(&a, &one)
	m.Maze.Build(&b, &two)
	if a.Start != b.Start || a.Goal != b.Goal || string(a.open) != string(b.open) {
		t.Error("rooms of one cell are not a maze")
	}
}
