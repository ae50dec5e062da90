package bonuses

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/experiments/papers/papertest"
)

// The orderings of both claims, on a few seeds: those that hold. README.md tells of the others.
func TestClaims(t *testing.T) {
	for name, holds := range map[string][]string{
		"bonuses-singleton": {"success: global - episodic > 0", "success: global - none > 0", "success: product - global > -0.1"},
		"bonuses-contexts":  {"success_inf: episodic - global > 0", "success_inf: episodic - none > 0", "success_inf: product - episodic > -0.05"},
	} {
		papertest.Smoke(t, name).Leans(holds...)
	}
}

// Mazes connect all cells, without loops, and walls are walls from both sides.
func TestMazes(t *testing.T) {
	r := rng.New(1).Stream(0, 0, 0)
	for range 100 {
		m, doors := newMaze(&r), 0
		for cell, open := range m.open {
			for a := range moves {
				if open>>a&1 == 0 {
					continue
				}
				doors++
				if to := neighbour(cell, a); to < 0 || m.open[to]>>((a+2)%4)&1 == 0 {
					t.Fatal("a door leads nowhere")
				}
			}
		}
		reached, stack := map[int]bool{m.start: true}, []int{m.start}
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			for a := range moves {
				if to := neighbour(at, a); m.open[at]>>a&1 == 1 && !reached[to] {
					reached[to] = true
					stack = append(stack, to)
				}
			}
		}
		if len(reached) != side*side || doors != 2*(side*side-1) || m.start == m.goal {
			t.Fatalf("%d cells reached, %d doors, start %d, goal %d", len(reached), doors, m.start, m.goal)
		}
	}
}

// The values of cells solve Bellman's equation.
func TestValues(t *testing.T) {
	r := rng.New(2).Stream(0, 0, 0)
	for range 20 {
		m := newMaze(&r)
		v := m.values()
		for cell, open := range m.open {
			best := 0.0
			for a := range moves {
				if open>>a&1 == 1 {
					best = max(best, mazeDiscount*v[neighbour(cell, a)])
				}
			}
			if want := map[bool]float64{true: 1, false: best}[cell == m.goal]; v[cell] != want {
				t.Fatalf("cell %d is worth %v, want %v", cell, v[cell], want)
			}
		}
	}
}

// The hub pays at the end of one corridor, 13 steps away.
func TestHub(t *testing.T) {
	h := newHub(rng.New(3))
	for c := range corridors {
		at, goal := h.step(0, c)
		steps := 1
		for ; steps < hubHorizon && !goal; steps++ {
			at, goal = h.step(at, 0)
		}
		if goal != (c == h.goal) || goal && steps != corridorLen {
			t.Fatalf("corridor %d: goal %v after %d steps, want it in %d", c, goal, steps, h.goal)
		}
	}
	if at, _ := h.step(1, 1); at != 0 {
		t.Errorf("back from the first cell of a corridor is cell %d", at)
	}
}

// The arms are what they say.
func TestArms(t *testing.T) {
	pays := func(arm string) (out []float64) {
		c, err := newCuriosity(hubArms, arm, rng.New(1))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []struct {
			state int
			end   env.End
		}{{4, env.Running}, {4, env.Running}, {4, env.Truncated}, {4, env.Running}, {5, env.Running}} {
			b, err := c.pay(s.state, s.end)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
		}
		return out
	}
	for arm, want := range map[string][]float64{
		"none": {0, 0, 0, 0, 0}, "episodic": {1, 0, 0, 1, 1}, "product": {1, 0, 0, 0.5, 1}, "global": {1, 0.7071, 0.5774, 0.5, 1},
	} {
		for i, got := range pays(arm) {
			if d := got - want[i]; d > 1e-3 || d < -1e-3 {
				t.Errorf("%s pays %v, want %v", arm, pays(arm), want)
				break
			}
		}
	}
}

// Families are mazes that can be solved within an episode, and families differ, as do their mazes.
func TestFamilies(t *testing.T) {
	g, starts, solved := &gen.Grid{}, map[[2]int32]bool{}, 0
	for i := range uint64(40) {
		f := newFamily(i)
		for k := range uint32(10) {
			f.build(g, k)
			starts[[2]int32{g.Start, g.Goal}] = true
			if err := g.Check(g.AppendSolution(nil)); err != nil {
				t.Fatal(err)
			}
			if float64(g.Distance(g.Start, 0)) < horizonPerCell*float64(g.Cells()*(1+len(g.Keys))) {
				solved++
			}
		}
	}
	if len(starts) < 300 || solved < 390 {
		t.Errorf("%d different mazes of 400, %d within reach", len(starts), solved)
	}
}

// A seeker that moves along the solution reaches the goal, with the keys on the way, and what it
// sees and where it is are numbers within its tables.
func TestSeeker(t *testing.T) {
	for i := range uint64(30) {
		f := newFamily(i)
		s := newSeeker(f, rng.New(i))
		f.build(&s.grid, 0)
		s.begin()
		way, reached := s.grid.AppendSolution(nil), false
		for _, to := range way[1:] {
			for a := range gen.Side(4) {
				if s.grid.Neighbour(s.cell, a) == to && s.grid.Passable(s.cell, a, s.held) {
					reached = s.move(int(a))
					break
				}
			}
			if s.cell != to || s.place() >= len(s.where) || s.sees() >= len(s.around) {
				t.Fatalf("family %d: in cell %d, want %d; place %d, sees %d", i, s.cell, to, s.place(), s.sees())
			}
		}
		if !reached {
			t.Fatalf("family %d: the way does not lead to the goal", i)
		}
	}
}
