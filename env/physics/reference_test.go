package physics_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/physics/internal/reference"
)

// The trajectories of this file come from C++ Box2D 2.4.1; testdata/box2d/README.md describes
// the scenes. This engine integrates as Box2D does, keeps the same skins, and meets joint limits
// in the same way. It differs in two ways, which set the tolerances:
//
//   - It solves joints exactly. So it is compared with what Box2D's iteration converges to, where
//     180 and 60 iterations are not enough.
//   - It stops bodies at the surface within the step that would carry them through, where Box2D
//     notices contacts at the start of a step, or stops fast bodies in the middle of one. An impact
//     may so happen up to one step earlier or later, at a distance of up to the skin.

const trajectories = "testdata/box2d"

// A track is what both engines did in one case.
type track struct {
	c         *reference.Case
	names     []string
	steps     []int
	want, got [][]reference.State // a row a recorded step
	coord     [][2]float64        // the joint's coordinate, want and got, where recorded
}

func follow(t *testing.T, name string, limit bool) *track {
	t.Helper()
	c := reference.ByName(name)
	ref, err := c.Load(trajectories, limit)
	if err != nil {
		t.Fatal(err)
	}
	m, err := physics.Compile(&c.Scene)
	if err != nil {
		t.Fatal(err)
	}
	w := m.NewWorld()
	tr := &track{c: c, names: ref.Bodies}
	row := 0
	for step := 0; step <= c.Steps; step++ {
		if step > 0 {
			c.Step(w, m, step)
		}
		if row == len(ref.Steps) || ref.Steps[row] != step {
			continue
		}
		got := make([]reference.State, len(ref.Bodies))
		for i, name := range ref.Bodies {
			got[i] = reference.Read(w, m.Body(name))
		}
		tr.steps, tr.want, tr.got = append(tr.steps, step), append(tr.want, ref.Rows[row]), append(tr.got, got)
		if ref.Extra != nil {
			tr.coord = append(tr.coord, [2]float64{ref.Extra[row], float64(w.JointPosition(0))})
		}
		row++
	}
	if row != len(ref.Steps) {
		t.Fatalf("%s: compared %d of %d rows", name, row, len(ref.Steps))
	}
	return tr
}

// A gap is the greatest difference over some rows and bodies.
type gap struct {
	position, angle, velocity, spin float64
	where                           string // of the greatest difference of poses
}

func (g gap) String() string {
	return fmt.Sprintf("position %.2g m, angle %.2g rad, velocity %.2g m/s, spin %.2g rad/s, worst at %s", g.position, g.angle, g.velocity, g.spin, g.where)
}

// gap compares the rows of steps lo to hi, inclusive.
func (tr *track) gap(lo, hi int) (g gap) {
	worst := -1.
	for r, step := range tr.steps {
		if step < lo || step > hi {
			continue
		}
		for i, x := range tr.want[r] {
			y := tr.got[r][i]
			p, a := float64(x.Position.Sub(y.Position).Len()), math.Abs(float64(x.Angle-y.Angle))
			g.position, g.angle = max(g.position, p), max(g.angle, a)
			g.velocity, g.spin = max(g.velocity, float64(x.Velocity.Sub(y.Velocity).Len())), max(g.spin, math.Abs(float64(x.Spin-y.Spin)))
			if p != p || a != a {
				p, a = math.Inf(1), math.Inf(1)
				g.position = p
			}
			if max(p, a) > worst {
				worst, g.where = max(p, a), fmt.Sprintf("%s, step %d", tr.names[i], step)
			}
		}
	}
	return g
}

func (tr *track) last() int { return tr.steps[len(tr.steps)-1] }

// firstTouch returns the first step at which the body touches something in the rows; -1 if none.
func (tr *track) firstTouch(rows [][]reference.State, body int) int {
	for r := range rows {
		if rows[r][body].Touching {
			return tr.steps[r]
		}
	}
	return -1
}

func (tr *track) within(t *testing.T, what string, lo, hi int, limit gap) {
	t.Helper()
	g := tr.gap(lo, hi)
	t.Logf("%s, %s, steps %d to %d: %v", tr.c.Name, what, lo, hi, g)
	if !(g.position <= limit.position && g.angle <= limit.angle && g.velocity <= limit.velocity && g.spin <= limit.spin) {
		t.Errorf("%s, %s, steps %d to %d: differs from Box2D by %v; want at most %.2g m, %.2g rad, %.2g m/s, %.2g rad/s",
			tr.c.Name, what, lo, hi, g, limit.position, limit.angle, limit.velocity, limit.spin)
	}
}

// Without contacts both engines solve the same equations in the same order. What is left is
// rounding, and the projection that takes the drift of joints back, at most a few mm a step for
// the fastest swings here, along directions that differ by (spin x dt)^2.
func TestFlights(t *testing.T) {
	smooth := gap{position: 1e-3, angle: 1e-3, velocity: 1e-2, spin: 1e-2}
	rough := gap{position: 5e-3, angle: 1e-2, velocity: 0.1, spin: 0.1} // motors throw legs of 0.3 kg against limits at 6 rad/s
	for _, c := range []struct {
		name  string
		limit bool
		upTo  int
		gap   gap
	}{
		{"lander_flight", true, 120, smooth},
		{"lander_gym_start", true, 80, rough}, // its first step moves the legs by 0.6 m
		{"biped_flight", true, 120, rough},
		{"pendulum", false, 300, smooth},
		{"chain", false, 100, rough},
		{"distance", false, 200, smooth},
		{"weld", true, 100, smooth},
		{"weld_beam", true, 100, smooth},
		{"prismatic", false, 200, smooth},
		{"motor", false, 150, smooth},
	} {
		tr := follow(t, c.name, c.limit)
		tr.within(t, "all", 0, c.upTo, c.gap)
		worst := 0.
		for _, x := range tr.coord {
			worst = max(worst, math.Abs(x[0]-x[1]))
		}
		if worst > c.gap.position {
			t.Errorf("%s: the joint's coordinate differs by %.2g m", c.name, worst)
		}
	}
}

// A landing agrees in free flight, in the step of the first touch, within a step's motion at
// the speed of impact while it bounces and settles, and closely once it stands. The same
// contacts and legs at their limits carry it, so the final pose is nearly the same; friction
// may leave feet up to a few mm elsewhere, and legs end within the 0.5 degrees that the settling
// of position correction leaves open in Box2D too (0.3953 against 0.3999 rad).
func TestLandings(t *testing.T) {
	for _, c := range []struct {
		name string
		rest gap
	}{
		{"lander_soft", gap{0.005, 0.01, 1e-3, 1e-3, ""}},
		{"lander_drop", gap{0.01, 0.01, 1e-3, 1e-3, ""}},
		{"lander_drop_gym", gap{0.01, 0.01, 1e-3, 1e-3, ""}},
		{"lander_kinked", gap{0.02, 0.02, 1e-3, 1e-3, ""}},
		{"lander_slope", gap{0.05, 0.01, 1e-3, 1e-3, ""}}, // it slides down while it bounces
		{"biped_stand", gap{0.02, 0.02, 1e-3, 1e-3, ""}},
	} {
		tr := follow(t, c.name, true)
		touch := tr.checkTouches(t)
		tr.checkBounce(t, touch)
		tr.within(t, "at rest", tr.last(), tr.last(), c.rest)
	}
}

// checkTouches demands that every body touches first in the same step or a neighbouring one, on
// the finer rows of 180 and 60 iterations, and returns the earliest of these steps.
func (tr *track) checkTouches(t *testing.T) (earliest int) {
	t.Helper()
	fine := follow(t, tr.c.Name, false)
	spacing := fine.steps[1] - fine.steps[0]
	earliest = math.MaxInt
	for i, name := range fine.names {
		want, got := fine.firstTouch(fine.want, i), fine.firstTouch(fine.got, i)
		t.Logf("%s: %s touches at step %d, want %d", tr.c.Name, name, got, want)
		if (want < 0) != (got < 0) || max(want-got, got-want) > max(1, spacing) {
			t.Errorf("%s: %s touches first at step %d, in Box2D at %d; want at most one row between", tr.c.Name, name, got, want)
		}
		for _, s := range []int{want, got} {
			if s >= 0 {
				earliest = min(earliest, s)
			}
		}
	}
	return earliest
}

// checkBounce compares the flight before the touch tightly, and what follows within the
// distance and angle that the fastest motion makes in one step.
func (tr *track) checkBounce(t *testing.T, touch int) {
	t.Helper()
	tr.within(t, "before the touch", 0, touch-2, gap{1e-3, 2e-3, 0.05, 0.05, ""})
	var v, w float64
	for _, row := range tr.want {
		for _, s := range row {
			v, w = max(v, float64(s.Velocity.Len())), max(w, math.Abs(float64(s.Spin)))
		}
	}
	step := float64(reference.Dt)
	tr.within(t, "bouncing", touch-1, tr.last(), gap{v*step + 0.02, w*step + 0.02, math.Inf(1), math.Inf(1), ""})
}

// Sliding down a slope, the lander gains speed as g (sin - friction cos) says, with friction
// the mean of leg and ground.
func TestLanderSlide(t *testing.T) {
	tr := follow(t, "lander_slide", true)
	tr.checkTouches(t)
	last := len(tr.steps) - 1
	want, got := tr.want[last][0], tr.got[last][0]
	if d := float64(want.Velocity.Sub(got.Velocity).Len()); d > 0.03*float64(want.Velocity.Len()) {
		t.Errorf("it slides at %v, in Box2D at %v; want within 3 %%", got.Velocity, want.Velocity)
	}
	if d := math.Abs(float64(want.Angle - got.Angle)); d > 0.01 {
		t.Errorf("its angle is %v, in Box2D %v", got.Angle, want.Angle)
	}
	mid := len(tr.steps) * 3 / 4
	dv := float64(tr.got[last][0].Velocity.Len() - tr.got[mid][0].Velocity.Len())
	slope := math.Atan(0.3)
	accel := 10 * (math.Sin(slope) - math.Sqrt(0.1*0.2)*math.Cos(slope))
	if got := dv / (float64(tr.steps[last]-tr.steps[mid]) * float64(reference.Dt)); math.Abs(got-accel) > 0.02*accel {
		t.Errorf("its acceleration is %.4f, want %.4f within 2 %%", got, accel)
	}
}

// A biped that jumps and falls: tight until the feet meet the ground, then as far as one step's
// motion for as long as the trajectory is not chaotic.
func TestBipedFall(t *testing.T) {
	tr := follow(t, "biped_fall", true)
	fine := follow(t, "biped_fall", false)
	touch := -1
	for i, name := range fine.names {
		want, got := fine.firstTouch(fine.want, i), fine.firstTouch(fine.got, i)
		t.Logf("%s touches at %d, want %d", name, got, want)
		if want >= 0 && (touch < 0 || want < touch) {
			touch = want
			if got < 0 || max(want-got, got-want) > 1 {
				t.Errorf("%s touches first at step %d, in Box2D at %d", name, got, want)
			}
		}
	}
	tr.within(t, "before the touch", 0, touch-2, gap{5e-3, 1e-2, 0.1, 0.2, ""})
	tr.within(t, "jumping off", touch-1, touch+30, gap{0.1, 0.2, math.Inf(1), math.Inf(1), ""})
}

// Without torque the biped collapses, and lies still on the ground afterwards.
func TestBipedRest(t *testing.T) {
	tr := follow(t, "biped_rest", true)
	last := len(tr.steps) - 1
	for i, name := range tr.names {
		s := tr.got[last][i]
		if s.Velocity.Len() > 1e-2 || math.Abs(float64(s.Spin)) > 1e-2 {
			t.Errorf("%s still moves: %v m/s, %v rad/s", name, s.Velocity, s.Spin)
		}
	}
	want, got := tr.want[last][0], tr.got[last][0]
	t.Logf("hull rests at %v, angle %v; in Box2D at %v, angle %v", got.Position, got.Angle, want.Position, want.Angle)
	if math.Abs(float64(want.Position.Y-got.Position.Y)) > 0.05 || math.Abs(float64(want.Angle-got.Angle)) > 0.1 {
		t.Errorf("its hull rests at height %v, angle %v; in Box2D at %v, %v", got.Position.Y, got.Angle, want.Position.Y, want.Angle)
	}
}

// Single shapes on the ground. Skins are equal, so stacks and slides agree to what position
// correction leaves, a fraction of the slop of 0.005 m per contact.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name string
		upTo int
		gap  gap
	}{
		{"box_stack", 300, gap{0.005 * 5, 1e-3, 0.02, 0.01, ""}},
		{"box_slide", 75, gap{0.005, 1e-3, 0.01, 0.01, ""}},
		{"box_stick", 100, gap{0.005, 1e-3, 1e-3, 1e-3, ""}},
		{"ball_roll", 100, gap{0.005, 0.01, 0.01, 0.01, ""}},
	} {
		tr := follow(t, c.name, false)
		tr.within(t, "all", 0, c.upTo, c.gap)
	}
	tumble := follow(t, "box_tumble", false)
	touch := tumble.checkTouches(t)
	tumble.checkBounce(t, touch)
	last := len(tumble.steps) - 1
	want, got := tumble.want[last][0], tumble.got[last][0]
	if math.Abs(float64(want.Position.Y-got.Position.Y)) > 0.002 || math.Abs(float64(want.Angle-got.Angle)) > 0.002 || got.Velocity.Len() > 1e-3 {
		t.Errorf("the box comes to rest at %+v, in Box2D at %+v", got, want)
	}
}

// A bounce of restitution e returns e times the speed of impact and e^2 times the height; the
// impact comes up to a step's fall away from the ideal time, that is the speed within g dt.
func TestBounce(t *testing.T) {
	tr := follow(t, "ball_bounce", false)
	apexes := func(rows [][]reference.State) (a []float64) {
		for r := 1; r+1 < len(rows); r++ {
			y := float64(rows[r][0].Position.Y)
			if v0, v1 := rows[r-1][0].Velocity.Y, rows[r][0].Velocity.Y; v0 > 0.1 && v1 <= 0.1 {
				a = append(a, y)
			}
		}
		return a
	}
	want, got := apexes(tr.want), apexes(tr.got)
	t.Logf("apexes %.3v, in Box2D %.3v", got, want)
	if len(got) < 3 {
		t.Fatalf("the ball rose %d times, want 3", len(got))
	}
	for i, ideal := range []float64{1.75, 0.8125, 0.578} {
		v := math.Sqrt(2 * 10 * (ideal - 0.5)) // after the bounce
		tolerance := v*0.5*10*float64(reference.Dt)/10 + 0.02
		if math.Abs(got[i]-ideal) > tolerance {
			t.Errorf("bounce %d rises to %.3f m, want %.3f within %.3f (Box2D: %.3f)", i, got[i], ideal, tolerance, want[i])
		}
	}
	if s := tr.got[len(tr.got)-1][0]; math.Abs(float64(s.Position.Y)-0.505) > 0.002 || s.Velocity.Len() > 1e-3 {
		t.Errorf("the ball comes to rest at %+v, want height 0.505", s)
	}
}

// Two discs without friction collide as theory says: momentum and energy stay, and what
// changes is along the line of centres at the moment of contact. Box2D, which lets discs overlap
// before it notices, is 0.3 m/s off here.
func TestBallPair(t *testing.T) {
	c := reference.ByName("ball_pair")
	m, err := physics.Compile(&c.Scene)
	if err != nil {
		t.Fatal(err)
	}
	w := m.NewWorld()
	for step := 1; step <= c.Steps; step++ {
		c.Step(w, m, step)
	}
	ma, mb := math.Pi*0.25, 2*math.Pi*0.16
	// Centres are (4, 0.3) - 7 t (1, 0) apart; contact at distance 0.9.
	ny := 0.3 / 0.9
	nx := math.Sqrt(1 - ny*ny)
	j := 2 * 7 * nx * ma * mb / (ma + mb) // elastic
	want := [4]float64{4 - j/ma*nx, -j / ma * ny, -3 + j/mb*nx, j / mb * ny}
	va, sa := w.Velocity(m.Body("a"))
	vb, sb := w.Velocity(m.Body("b"))
	for i, got := range []float32{va.X, va.Y, vb.X, vb.Y} {
		// The bodies are up to 7 dt = 0.14 m of relative motion from contact when the normal is taken,
		// which turns it by at most 0.3/0.9 * 0.14/0.9 rad.
		if math.Abs(float64(got)-want[i]) > 0.35 {
			t.Errorf("velocity %d after the collision is %.3f, want %.3f within 0.35", i, got, want[i])
		}
	}
	px := ma*float64(va.X) + mb*float64(vb.X) - (4*ma - 3*mb)
	py := ma*float64(va.Y) + mb*float64(vb.Y)
	e := 0.5*ma*float64(va.Dot(va)) + 0.5*mb*float64(vb.Dot(vb)) - (0.5*ma*16 + 0.5*mb*9)
	if math.Abs(px) > 1e-5 || math.Abs(py) > 1e-5 || math.Abs(e) > 1e-4 || sa != 0 || sb != 0 {
		t.Errorf("the collision gained momentum (%.2g, %.2g), energy %.2g, spins %v, %v", px, py, e, sa, sb)
	}
}
