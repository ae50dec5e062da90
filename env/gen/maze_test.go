package gen

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/terrarium-rl/terrarium/env/rng"
)

const testPurpose rng.Purpose = 0x74657374

func buildMaze(m Maze, seed uint64) *Grid {
	g := &Grid{}
	r := rng.New(seed).Stream(testPurpose, 0, 0)
	m.Build(g, &r)
	return g
}

// mazes calls f with mazes of all sorts.
func mazes(t *testing.T, f func(t *testing.T, m Maze, g *Grid)) {
	g := &Grid{} // built again and again
	for seed := range uint64(600) {
		r := rng.New(seed).Stream(testPurpose, 1, 0)
		m := Maze{
			Size: 2 + r.IntN(11), Branching: r.Float32(), Loops: r.Float32(),
			Distance: r.Float32(), Keys: r.IntN(MazeKeys + 1),
		}
		if seed%3 == 0 {
			m.Loops = 0
		}
		m.Build(g, &r)
		f(t, m, g)
		if t.Failed() {
			t.Fatalf("in maze %d, %+v", seed, m)
		}
	}
}

type position struct {
	cell int32
	held uint
}

// brute finds the distance of the goal by trying all moves from p, forwards; -1 if there is no way.
func brute(g *Grid, p position) int {
	p.held = g.Take(p.cell, p.held)
	seen := map[position]bool{p: true}
	for front, n := []position{p}, 0; len(front) > 0; n++ {
		var next []position
		for _, p := range front {
			if p.cell == g.Goal {
				return n
			}
			x, y := int(p.cell)%g.Size, int(p.cell)/g.Size
			for s, d := range [4][2]int{{1, 0}, {0, 1}, {-1, 0}, {0, -1}} {
				if nx, ny := x+d[0], y+d[1]; nx < 0 || ny < 0 || nx >= g.Size || ny >= g.Size || !g.Passable(p.cell, Side(s), p.held) {
					continue
				}
				q := position{cell: p.cell + int32(d[0]+d[1]*g.Size)}
				q.held = g.Take(q.cell, p.held)
				if !seen[q] {
					seen[q] = true
					next = append(next, q)
				}
			}
		}
		front = next
	}
	return -1
}

func TestMazeDistanceMatchesBruteForce(t *testing.T) {
	mazes(t, func(t *testing.T, m Maze, g *Grid) {
		for c := range int32(g.Cells()) {
			if g.Cells() > 50 && c%7 != 0 && c != g.Start {
				continue
			}
			for held := range uint(1) << len(g.Keys) {
				want := brute(g, position{c, held})
				got := g.Distance(c, held)
				if want < 0 {
					want = Unreachable
				}
				if got != want {
					t.Errorf("from cell %d with keys %b: %d, want %d", c, held, got, want)
				}
			}
		}
	})
}

func TestMazeSolution(t *testing.T) {
	var way []int32
	mazes(t, func(t *testing.T, m Maze, g *Grid) {
		way = g.AppendSolution(way[:0])
		if err := g.Check(way); err != nil {
			t.Error(err)
		}
		if len(way)-1 != g.Distance(g.Start, 0) {
			t.Errorf("the solution has %d steps, want %d", len(way)-1, g.Distance(g.Start, 0))
		}
		if g.Check(way[:len(way)-1]) == nil || g.Check(way[1:]) == nil {
			t.Error("Check accepts a part of the way")
		}
	})
}

// Check is no formality: it refuses a jump and a door without its key.
func TestMazeCheckRefuses(t *testing.T) {
	g := buildMaze(Maze{Size: 6, Distance: 1, Keys: 2}, 3)
	if err := g.Check([]int32{g.Start, g.Goal}); err == nil {
		t.Error("it accepts a jump")
	}
	for seed := range uint64(50) {
		g := buildMaze(Maze{Size: 6, Distance: 1, Keys: 2}, seed)
		var straight []int32 // the way through the tree without fetching keys
		for c := g.Goal; c >= 0; c = g.parent[c] {
			straight = append([]int32{c}, straight...)
		}
		if detour := g.Distance(g.Start, 0) > len(straight)-1; detour != (g.Check(straight) != nil) {
			t.Errorf("maze %d: detour %v, but the straight way: %v", seed, detour, g.Check(straight))
		}
	}
}

func TestMazeStructure(t *testing.T) {
	full := 0
	mazes(t, func(t *testing.T, m Maze, g *Grid) {
		passages := 0
		for c := range int32(g.Cells()) {
			for s := East; s <= North; s++ {
				if d := g.Neighbour(c, s); d >= 0 && g.Open(c, s) {
					passages++
					if !g.Open(d, s.Opposite()) {
						t.Error("a passage leads one way only")
					}
				}
			}
			if all := uint(1)<<len(g.Keys) - 1; g.Distance(c, all) >= Unreachable {
				t.Errorf("cell %d is walled in", c)
			}
		}
		if m.Loops == 0 && passages != g.Cells()-1 {
			t.Errorf("%d passages in a tree of %d cells", passages, g.Cells())
		}
		if len(g.Keys) != len(g.Doors) || len(g.Keys) > m.Keys || m.Size >= 4 && len(g.Keys) < m.Keys {
			t.Errorf("%d keys and %d doors, want %d", len(g.Keys), len(g.Doors), m.Keys)
		}
		if len(g.Keys) == MazeKeys {
			full++
		}
		if g.Start == g.Goal {
			t.Error("the start is the goal")
		}
		// the goal is out of reach while any key is missing
		for i := range g.Keys {
			left := *g
			left.Keys = append([]int32(nil), g.Keys...)
			left.Keys[i] = -1
			if n := brute(&left, position{g.Start, 0}); n >= 0 {
				t.Errorf("key %d is not needed", i)
			}
		}
	})
	if full < 100 {
		t.Errorf("only %d mazes have all keys", full)
	}
}

// Without walls inside, the way is as long as the distance along the axes.
func TestMazeWithoutWalls(t *testing.T) {
	g := buildMaze(Maze{Size: 9, Loops: 1, Distance: 0.5}, 1)
	x := func(c int32) int { return int(c) % 9 }
	y := func(c int32) int { return int(c) / 9 }
	abs := func(a int) int { return max(a, -a) }
	for c := range int32(81) {
		if want := abs(x(c)-x(g.Goal)) + abs(y(c)-y(g.Goal)); g.Distance(c, 0) != want {
			t.Errorf("from cell %d: %d, want %d", c, g.Distance(c, 0), want)
		}
	}
	if walls := g.AppendWalls(nil); len(walls) != 4+64 {
		t.Errorf("%d walls, want the outer four and 64 posts", len(walls))
	}
}

// Walls cover every closed border once.
func TestMazeWalls(t *testing.T) {
	mazes(t, func(t *testing.T, m Maze, g *Grid) {
		covered := map[[4]int]int{}
		posts := map[[2]int]bool{}
		for _, w := range g.AppendWalls(nil) {
			x0, y0, x1, y1 := int(w.From.X), int(w.From.Y), int(w.To.X), int(w.To.Y)
			posts[[2]int{x0, y0}] = true
			for x0 < x1 || y0 < y1 {
				nx, ny := min(x0+1, x1), min(y0+1, y1)
				covered[[4]int{x0, y0, nx, ny}]++
				x0, y0 = nx, ny
				posts[[2]int{x0, y0}] = true
			}
		}
		n := g.Size
		if len(posts) != (n+1)*(n+1) {
			t.Errorf("%d crossings have a wall or a post, want %d", len(posts), (n+1)*(n+1))
		}
		borders := 4 * n
		for c := range int32(g.Cells()) {
			x, y := int(c)%n, int(c)/n
			if x < n-1 && !g.Open(c, East) {
				borders++
				if covered[[4]int{x + 1, y, x + 1, y + 1}] != 1 {
					t.Errorf("the wall east of cell %d is covered %d times", c, covered[[4]int{x + 1, y, x + 1, y + 1}])
				}
			}
			if y < n-1 && !g.Open(c, North) {
				borders++
				if covered[[4]int{x, y + 1, x + 1, y + 1}] != 1 {
					t.Errorf("the wall north of cell %d is covered wrongly", c)
				}
			}
		}
		if len(covered) != borders {
			t.Errorf("%d borders are covered, want %d", len(covered), borders)
		}
	})
}

// Branching and distance do what their names say, on average.
func TestMazeParameters(t *testing.T) {
	deadEnds := func(m Maze) (ends, length float64) {
		const n = 200
		for seed := range uint64(n) {
			g := buildMaze(m, seed)
			for c := range int32(g.Cells()) {
				if b := g.open[c]; b&(b-1) == 0 {
					ends += 1.0 / float64(g.Cells()) / n
				}
			}
			length += float64(g.Distance(g.Start, 0)) / n
		}
		return ends, length
	}
	// Measured: 11 % and 29 % dead ends, ways of 94 and 19 steps.
	winding, long := deadEnds(Maze{Size: 12, Branching: 0, Distance: 1})
	branched, short := deadEnds(Maze{Size: 12, Branching: 1, Distance: 1})
	if winding < 0.08 || winding > 0.13 || branched < 0.25 || branched > 0.33 || short > long/3 {
		t.Errorf("dead ends %.2f and %.2f, longest ways %.1f and %.1f", winding, branched, long, short)
	}
	_, half := deadEnds(Maze{Size: 12, Branching: 0, Distance: 0.5})
	if half < 0.45*long || half > 0.55*long {
		t.Errorf("half the distance is %.1f of %.1f", half, long)
	}
	_, keys := deadEnds(Maze{Size: 12, Branching: 0, Distance: 0.5, Keys: 3})
	if keys < 1.2*half {
		t.Errorf("three keys lengthen the way from %.1f to %.1f only", half, keys)
	}
}

func TestMazeIsAFunctionOfItsInput(t *testing.T) {
	m := Maze{Size: 7, Branching: 0.4, Loops: 0.1, Distance: 0.7, Keys: 2}
	a, b := buildMaze(m, 5), buildMaze(m, 5)
	if !reflect.DeepEqual(a, b) {
		t.Error("the same stream gives different mazes")
	}
	used := buildMaze(Maze{Size: 12, Keys: 3, Loops: 1}, 8)
	r := rng.New(5).Stream(testPurpose, 0, 0)
	m.Build(used, &r)
	if !reflect.DeepEqual(used.AppendSolution(nil), a.AppendSolution(nil)) || !reflect.DeepEqual(used.AppendWalls(nil), a.AppendWalls(nil)) {
		t.Error("a grid that was used before gives another maze")
	}
	if reflect.DeepEqual(a.open, buildMaze(m, 6).open) {
		t.Error("seed 6 gives the maze of seed 5")
	}
	g := buildMaze(Maze{Size: 12}, 1)
	way, walls := make([]int32, 0, 4096), make([]Wall, 0, 4096)
	seed := uint64(0)
	if n := testing.AllocsPerRun(200, func() {
		r := rng.New(seed).Stream(testPurpose, 0, 0)
		seed++
		Maze{Size: 4 + int(seed%9), Branching: 0.5, Loops: 0.1, Distance: 1, Keys: 3}.Build(g, &r)
		way, walls = g.AppendSolution(way[:0]), g.AppendWalls(walls[:0])
	}); n != 0 {
		t.Errorf("building allocates %v times", n)
	}
}

// ExampleMaze builds a maze, and follows its shortest solution.
func ExampleMaze() {
	r := rng.New(1).Stream(testPurpose, 0, 0)
	g := &Grid{}
	Maze{Size: 8, Distance: 1, Keys: 2}.Build(g, &r)
	way := g.AppendSolution(nil)
	fmt.Println(len(g.Doors), "doors,", g.Check(way))
	// Output: 2 doors, <nil>
}

func BenchmarkMaze(b *testing.B) {
	g := &Grid{}
	b.ReportAllocs()
	for i := range b.N {
		r := rng.New(uint64(i)).Stream(testPurpose, 0, 0)
		Maze{Size: 8, Branching: 0.5, Loops: 0.1, Distance: 1, Keys: 2}.Build(g, &r)
	}
}
