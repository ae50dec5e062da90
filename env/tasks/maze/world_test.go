package maze

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// anywhere returns a level drawn from all that the environment can build.
func anywhere(s *env.Spec, seed uint64) *env.Level {
	l := &env.Level{Params: make([]float32, len(s.Params)), Seed: seed}
	r := rng.New(seed).Stream(1, 0, 0)
	for i, p := range s.Params {
		l.Params[i] = r.Range(p.Lo, p.Hi)
		if p.Integer {
			l.Params[i] = p.Lo + float32(r.IntN(int(p.Hi-p.Lo)+1))
		}
	}
	return l
}

// worlds calls f with a world on each of n such levels.
func worlds(t *testing.T, n uint64, f func(t *testing.T, w *world, b *env.Batch)) {
	t.Helper()
	c := New()
	c.MaxKeys = 3
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	w, b := c.New().(*world), env.NewBatch(s, 1)
	for seed := range n {
		w.Reset(anywhere(s, seed), rng.Key{})
		f(t, w, b)
		if t.Failed() {
			t.Fatalf("on level %d, %v", seed, w.Params)
		}
	}
}

// A box is a solid rectangle.
type box struct {
	lo, hi geom.Vec
	door   int
}

// boxes lists all that is solid, from the generator's walls.
func boxes(w *world) []box {
	var all []box
	around := func(p, q geom.Vec, door int) {
		h := geom.Vec{X: w.half, Y: w.half}
		all = append(all, box{geom.Vec{X: min(p.X, q.X), Y: min(p.Y, q.Y)}.Sub(h), geom.Vec{X: max(p.X, q.X), Y: max(p.Y, q.Y)}.Add(h), door})
	}
	for _, l := range w.grid.AppendWalls(nil) {
		around(l.From, l.To, -1)
	}
	for i, d := range w.grid.Doors {
		if w.Opened>>i&1 == 0 {
			a, b := w.centre(d.Cell), w.centre(w.grid.Neighbour(d.Cell, d.Side))
			mid, across := a.Add(b).Mul(0.5), b.Sub(a)
			// only the passage between the posts, which belong to walls
			half := geom.Vec{
				X: geom.Abs(float32(across.Y*(0.5-w.half)) + float32(across.X*w.half)),
				Y: geom.Abs(float32(across.X*(0.5-w.half)) + float32(across.Y*w.half)),
			}
			all = append(all, box{mid.Sub(half), mid.Add(half), i})
		}
	}
	return all
}

// hit returns where a ray enters a box, by the slab method in float64; +Inf if it does not.
func (b box) hit(from, along geom.Vec) float64 {
	enter, leave := 0.0, math.Inf(1)
	for _, a := range [][4]float32{{from.X, along.X, b.lo.X, b.hi.X}, {from.Y, along.Y, b.lo.Y, b.hi.Y}} {
		p, d, lo, hi := float64(a[0]), float64(a[1]), float64(a[2]), float64(a[3])
		if d == 0 {
			if p < lo || p > hi {
				return math.Inf(1)
			}
			continue
		}
		t0, t1 := (lo-p)/d, (hi-p)/d
		enter, leave = max(enter, min(t0, t1)), min(leave, max(t0, t1))
	}
	if enter > leave {
		return math.Inf(1)
	}
	return enter
}

// distance returns that of a point from a box.
func (b box) distance(p geom.Vec) float64 {
	dx := max(float64(b.lo.X-p.X), 0, float64(p.X-b.hi.X))
	dy := max(float64(b.lo.Y-p.Y), 0, float64(p.Y-b.hi.Y))
	return math.Hypot(dx, dy)
}

// Rays agree with an intersection of every wall.
func TestRaysMatchBruteForce(t *testing.T) {
	compared, doors := 0, 0
	worlds(t, 300, func(t *testing.T, w *world, _ *env.Batch) {
		r := rng.New(w.Seed).Stream(2, 0, 0)
		solid := boxes(w)
		for range 10 {
			w.P = geom.Vec{X: r.Range(0, float32(w.grid.Size)), Y: r.Range(0, float32(w.grid.Size))}
			inside := false
			for _, b := range solid {
				inside = inside || b.distance(w.P) < 1e-3
			}
			if inside {
				continue
			}
			for i := range w.rays {
				want, door := float64(w.config.Range), -1
				for _, b := range solid {
					if at := b.hit(w.P, w.rays[i].along); at < want {
						want, door = at, b.door
					}
				}
				got, gotDoor := w.cast(&w.rays[i])
				if math.Abs(float64(got)-want) > 1e-4 || gotDoor != door {
					t.Errorf("from %v, ray %d: %v (door %d), want %v (door %d)", w.P, i, got, gotDoor, want, door)
				}
				compared++
				if door >= 0 {
					doors++
				}
			}
		}
	})
	if compared < 10000 || doors < 50 {
		t.Errorf("only %d rays compared, %d of which met a door", compared, doors)
	}
}

// Whatever the level, the disc neither enters a wall nor gets through one.
func TestWallsHold(t *testing.T) {
	contacts, opened := 0, 0
	worlds(t, 200, func(t *testing.T, w *world, b *env.Batch) {
		r := rng.New(w.Seed).Stream(3, 0, 0)
		w.Held = 1 // the first door opens
		for step := range 300 {
			if step%20 == 0 { // long pushes reach full speed
				b.Act[0], b.Act[1] = r.Range(-1, 1), r.Range(-1, 1)
			}
			before := w.cell()
			w.Step(b)
			if b.End[0] != env.Running {
				break
			}
			contacts += int(b.Facts[factContact])
			opened += int(b.Facts[factDoors])
			for _, x := range boxes(w) {
				if d := x.distance(w.P); d < float64(w.Params[radius])-1e-3 {
					t.Fatalf("step %d: the disc at %v is %v from the wall %v", step, w.P, d, x)
				}
			}
			if after := w.cell(); !adjacent(w, before, after) {
				t.Fatalf("step %d: from cell %d to %d through a wall", step, before, after)
			}
		}
	})
	if contacts < 10000 || opened < 10 {
		t.Errorf("only %d contacts and %d opened doors", contacts, opened)
	}
}

// adjacent reports whether b is a, or reached from it by one or two open passages.
func adjacent(w *world, a, b int32) bool {
	if a == b {
		return true
	}
	for s := range gen.Side(4) {
		if w.closed(a, s) {
			continue
		}
		c := w.grid.Neighbour(a, s)
		if c == b {
			return true
		}
		for s := range gen.Side(4) {
			if !w.closed(c, s) && w.grid.Neighbour(c, s) == b {
				return true
			}
		}
	}
	return false
}

// lone returns a world of one open room with a disc in its middle.
func lone(t *testing.T, over map[int]float32) (*world, *env.Batch) {
	t.Helper()
	c := New()
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	l := &env.Level{Params: []float32{8, 0, 1, 1, 0.1, 0.2, 4, 2, 0, 0, 0}, Seed: 2}
	for i, v := range over {
		l.Params[i] = v
	}
	w := c.New().(*world)
	w.Reset(l, rng.Key{})
	return w, env.NewBatch(s, 1)
}

func TestMotionHasItsClosedForm(t *testing.T) {
	w, b := lone(t, nil)
	w.P, w.V = geom.Vec{X: 1.5, Y: 4.5}, geom.Vec{}
	const steps = 40
	b.Act[0], b.Act[1] = 1, 0
	for range steps {
		w.Step(b)
	}
	// v' = 4 - 2v from rest: v = 2(1-exp(-2t)), x = 2t - 1 + exp(-2t)
	time := steps * float64(dt)
	v, x := 2*(1-math.Exp(-2*time)), 1.5+2*time-1+math.Exp(-2*time)
	if math.Abs(float64(w.V.X)-v) > 0.01 || math.Abs(float64(w.P.X)-x) > 0.02 || w.P.Y != 4.5 {
		t.Errorf("at %v with %v, want x %.3f and v %.3f", w.P, w.V, x, v)
	}
	b.Act[0], b.Act[1] = 1, 1
	if push := w.push(b.Act).Len(); math.Abs(float64(push)-4) > 1e-5 {
		t.Errorf("a diagonal push has %v N, want 4", push)
	}
}

func TestBounceAndFriction(t *testing.T) {
	for _, c := range []struct{ bounce, friction float32 }{{0, 0}, {0.5, 0}, {0.5, 0.3}, {0, 1}} {
		w, b := lone(t, map[int]float32{bounce: c.bounce, friction: c.friction})
		w.P, w.V = geom.Vec{X: 0.3, Y: 4.5}, geom.Vec{X: -3, Y: 2}
		w.bounce(geom.Vec{X: 1}, 0, b.Facts)
		impulse := 3 * (1 + c.bounce)
		want := geom.Vec{X: 3 * c.bounce, Y: max(0, 2-c.friction*impulse)}
		if d := w.V.Sub(want).Len(); d > 1e-5 {
			t.Errorf("bounce %v, friction %v: velocity %v, want %v", c.bounce, c.friction, w.V, want)
		}
		before := w.V
		w.bounce(geom.Vec{X: 1}, 0, b.Facts) // it leaves already
		if w.V != before {
			t.Error("a surface holds what leaves it")
		}
	}
	// bodies that slide along a wall that they are pressed against lose friction times the force
	w, b := lone(t, map[int]float32{friction: 0.25})
	w.P = geom.Vec{X: 0.25, Y: 1.5}
	b.Act[0], b.Act[1] = -float32(math.Sqrt(0.5)), float32(math.Sqrt(0.5))
	for range 40 {
		w.Step(b)
	}
	along := 4 * math.Sqrt(0.5) * (1 - 0.25) / 2 // net force over drag
	if d := math.Abs(float64(w.V.Y)*1 - along*(1-math.Exp(-4))); d > 0.02 {
		t.Errorf("it slides at %v m/s, want %.3f", w.V.Y, along*(1-math.Exp(-4)))
	}
}

// follow steers along the certificate of the level. It returns whether the goal was reached.
func follow(w *world, b *env.Batch, steps int) bool {
	way := w.grid.AppendSolution(nil)
	next := 1
	for range steps {
		to := w.centre(way[next])
		if gap := to.Sub(w.P); gap.Len() < 0.15 && next < len(way)-1 {
			next++
			to = w.centre(way[next])
		}
		want := to.Sub(w.P).Mul(3).Sub(w.V)
		b.Act[0], b.Act[1] = geom.Clamp(want.X, -1, 1), geom.Clamp(want.Y, -1, 1)
		w.Step(b)
		if b.End[0] == env.Terminated {
			return b.Facts[factReached] == 1
		}
	}
	return false
}

// The certificates hold in the world of discs too: whoever follows one gets to the goal.
func TestCertificatesLeadToTheGoal(t *testing.T) {
	taken := 0
	worlds(t, 300, func(t *testing.T, w *world, b *env.Batch) {
		if !follow(w, b, 20000) {
			t.Errorf("stuck at %v on the way to %v", w.P, w.centre(w.grid.Goal))
		}
		for held := w.Held; held > 0; held >>= 1 {
			taken += int(held & 1)
		}
		if len(w.grid.Doors) > 0 && int(w.Opened) != 1<<len(w.grid.Doors)-1 {
			t.Errorf("the goal is reached with doors %b open of %d", w.Opened, len(w.grid.Doors))
		}
	})
	if taken < 300 {
		t.Errorf("only %d keys were needed", taken)
	}
}

// Without its key, a door stays shut.
func TestDoorsNeedKeys(t *testing.T) {
	closed := 0
	worlds(t, 200, func(t *testing.T, w *world, b *env.Batch) {
		if len(w.grid.Keys) == 0 {
			return
		}
		closed++
		for i := range w.grid.Keys { // out of reach
			w.grid.Keys[i] = -1
		}
		d := w.grid.Doors[0]
		w.P = w.centre(d.Cell)
		to := w.centre(w.grid.Neighbour(d.Cell, d.Side)).Sub(w.P)
		b.Act[0], b.Act[1] = to.X, to.Y
		for range 100 {
			w.Step(b)
		}
		if w.cell() != d.Cell || w.Opened != 0 || b.Facts[factContact] != 1 {
			t.Errorf("the door %v lets the disc pass to %v", d, w.P)
		}
		w.built.Params = nil // built anew for the next level
	})
	if closed < 100 {
		t.Errorf("only %d doors tried", closed)
	}
}

// Progress adds up to the way that the certificate is long, and visited to its cells.
func TestFactsAddUp(t *testing.T) {
	worlds(t, 50, func(t *testing.T, w *world, b *env.Batch) {
		start := w.left(w.grid.Start)
		cells := map[int32]bool{w.grid.Start: true}
		var progress float32
		way := w.grid.AppendSolution(nil)
		for i := 0; i < 20000 && b.Facts != nil; i++ {
			to := w.centre(way[min(i/40, len(way)-1)])
			want := to.Sub(w.P).Mul(3).Sub(w.V)
			b.Act[0], b.Act[1] = geom.Clamp(want.X, -1, 1), geom.Clamp(want.Y, -1, 1)
			w.Step(b)
			cells[int32(b.Facts[factCell])] = true
			progress += b.Facts[factProgress]
			if got := b.Facts[factVisited]; int(got) != len(cells) {
				t.Fatalf("%v cells visited, want %d", got, len(cells))
			}
			if b.End[0] != env.Running {
				break
			}
		}
		if d := b.Facts[factDistance]; progress != start-d {
			t.Errorf("progress of %v from %v to %v", progress, start, d)
		}
	})
}

func TestStateIsRefusedWhenMalformed(t *testing.T) {
	w, _ := lone(t, nil)
	good := w.AppendState(nil)
	for _, spoil := range []func(){
		func() { w.Params[size] = 99 },
		func() { w.Params[friction] = float32(math.NaN()) },
		func() { w.P.X = -1 },
		func() { w.P.Y = float32(math.NaN()) },
	} {
		if err := w.SetState(good); err != nil {
			t.Fatal(err)
		}
		spoil()
		if err := w.SetState(w.AppendState(nil)); err == nil {
			t.Errorf("a state with %v at %v is accepted", w.Params, w.P)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, c := range map[string]func(*Config){
		"max_size": func(c *Config) { c.MaxSize = 33 }, "max_keys": func(c *Config) { c.MaxKeys = 4 },
		"rays": func(c *Config) { c.Rays = -1 }, "range": func(c *Config) { c.Range = float32(math.NaN()) },
		"progress": func(c *Config) { c.Progress = float32(math.Inf(1)) }, "max_steps": func(c *Config) { c.MaxSteps = 0 },
	} {
		o := New()
		c(o)
		if _, err := o.Spec(); err == nil {
			t.Errorf("a bad %s is accepted", name)
		}
	}
}

func TestDifficultyGrowsWithTheWay(t *testing.T) {
	c := New()
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	mean := func(preset string) (d float32) {
		levels, err := (&env.LevelSet{Preset: preset}).Compile(s)
		if err != nil {
			t.Fatal(err)
		}
		l := env.Level{Params: make([]float32, len(s.Params))}
		for i := range 100 {
			levels.Next(&l, 0, rng.New(uint64(i)))
			d += c.Difficulty(&l) / 100
		}
		return d
	}
	if a, b, h := mean("tiny"), mean("keyless"), mean("hard"); !(a < b-0.1 && b < h-0.1) {
		t.Errorf("difficulties %v, %v, %v", a, b, h)
	}
}
