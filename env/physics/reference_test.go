package physics_test

import (
	"fmt"
	"math"
	"slices"
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

func follow(t *testing.T, name string, v reference.Variant) *track {
	t.Helper()
	c := reference.ByName(name)
	ref, err := c.Load(trajectories, v)
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

// Without contacts both engines solve the same equations in the same order. They differ in when
// they take back the drift of joints, which a step along tangents makes: a joint at the distance
// r from the centre about which it turns at speed v drifts by d = (v dt)^2/2r. Box2D does so at
// the end of the step, and this engine in the next one: its poses show one step's drift. A lever
// l that is too long by d turns slower by a part d/l, so that over a path of so many radians the
// angle goes wrong by up to d/l times the path.
func TestFlights(t *testing.T) {
	for _, c := range []struct {
		name  string
		exact reference.Variant
		drift float64 // d, m, of the fastest joint
		lever float64 // l, m, of the shortest lever
	}{
		{"lander_flight", reference.Limit, 1e-4, 0.9},    // legs at 0.5 rad/s
		{"lander_gym_start", reference.Limit, 1e-4, 0.9}, // legs start 0.6 m and 0.45 rad off, closed within the first step
		{"biped_flight", reference.Limit, 0.004, 0.57},   // shins of 0.57 m at 8 rad/s
		{"pendulum", reference.Gym, 0.0012, 0.5},         // 3.4 rad/s at 0.5 m
		{"chain", reference.Gym, 0.0067, 0.25},           // 11.6 rad/s at 0.25 m
		{"distance", reference.Gym, 0.0046, 0.22},        // 4.8 m/s at 1 m
		{"weld", reference.Limit, 0.001, 0.5},            // 3 rad/s at 0.5 m
		{"weld_beam", reference.Limit, 0, 1},
		{"prismatic", reference.Gym, 0, 1},
		{"motor", reference.Gym, 0.0009, 0.5}, // 3 rad/s at 0.5 m
	} {
		tr := follow(t, c.name, c.exact)
		path, spin := tr.turned()
		const known = 3e-4 // how well Box2D's iterations converge here: 2e-4 from 180/60 to 10000/5000
		angle := c.drift/c.lever*path + known
		g := gap{position: c.drift + angle*2*c.lever + known, angle: angle, velocity: math.Inf(1), spin: 1e-3 + 0.02*spin + c.drift/c.lever*spin*path}
		tr.within(t, "all", 0, tr.last(), g)
		for r, x := range tr.coord {
			if math.Abs(x[0]-x[1]) > c.drift+known {
				t.Errorf("%s, step %d: joint at %.5f, want %.5f", c.name, tr.steps[r], x[1], x[0])
				break
			}
		}
	}
}

// turned returns the greatest path that a body turns, rad, and the greatest spin.
func (tr *track) turned() (path, spin float64) {
	for i := range tr.names {
		p := 0.
		for r := 1; r < len(tr.want); r++ {
			p += math.Abs(float64(tr.want[r][i].Angle - tr.want[r-1][i].Angle))
			spin = max(spin, math.Abs(float64(tr.want[r][i].Spin)))
		}
		path = max(path, p)
	}
	return path, spin
}

// spread is what a step of 1/50 s leaves undetermined of a case, while it moves and at its end:
// the larger of how far trajectories of Box2D lie apart that differ in the phase of the impact
// and the treatment of fast bodies, and how far Box2D is from its own limit of small steps; from
// testdata/box2d/README.md.
var spread = map[string]struct{ moving, end gap }{
	"lander_soft":     {gap{position: 0.069, angle: 0.069}, gap{position: 0.005, angle: 0}},
	"lander_drop":     {gap{position: 0.093, angle: 0.173}, gap{position: 0.014, angle: 0.002}},
	"lander_drop_gym": {gap{position: 0.070, angle: 0.076}, gap{position: 0.008, angle: 0.003}},
	"lander_kinked":   {gap{position: 0.054, angle: 0.059}, gap{position: 0.030, angle: 0.005}},
	"lander_slope":    {gap{position: 0.053, angle: 0.060}, gap{position: 0.024, angle: 0}},
	"lander_slide":    {gap{position: 0.207, angle: 0.136}, gap{position: 0.207, angle: 0.003}},
	"biped_stand":     {gap{position: 0.161, angle: 0.087}, gap{position: 0.060, angle: 0.066}},
	"biped_fall":      {gap{position: 0.240, angle: 0.289}, gap{}}, // to step 40
	"box_tumble":      {gap{position: 0.101, angle: 0.166}, gap{position: 0.063, angle: 0.001}},
}

// slop is the overlap that either engine may leave, m; over half the length of a foot or of the
// lander's stance it makes an angle of less than slopAngle.
const slop, slopAngle = 0.005, 0.01

// A landing agrees in free flight and in the step of the first touch. From then on it agrees as
// well as Box2D with itself when the impact falls on another phase of the step, and the slop.
func TestLandings(t *testing.T) {
	feet := map[string]int{"lander_soft": 2, "lander_drop": 2, "lander_drop_gym": 2, "lander_kinked": 2, "lander_slope": 2, "lander_slide": 2, "biped_stand": 2, "box_tumble": 1}
	for name, n := range feet {
		exact := reference.Limit
		if name == "box_tumble" {
			exact = reference.Gym // no joints: nothing to converge
		}
		tr := follow(t, name, exact)
		touch := tr.checkTouches(t, n)
		tr.within(t, "before the touch", 0, touch-2, gap{1e-3, 2e-3, 0.05, 0.05, ""})
		inf := math.Inf(1)
		m, e := spread[name].moving, spread[name].end
		tr.within(t, "bouncing", touch-1, tr.last(), gap{m.position + slop, m.angle + slopAngle, inf, inf, ""})
		rest := gap{e.position + slop, e.angle + slopAngle, 1e-3, 1e-3, ""}
		if name == "lander_slide" {
			rest.velocity, rest.spin = 0.1, 0.01
		}
		tr.within(t, "at the end", tr.last(), tr.last(), rest)
	}
}

// checkTouches demands that the bodies which touch first, so many as said, do so in the same
// step as in Box2D or a neighbouring one, and returns the earliest of these steps. It takes the
// rows of 180 and 60 iterations, which are finer, and equal until then.
func (tr *track) checkTouches(t *testing.T, count int) int {
	t.Helper()
	fine := follow(t, tr.c.Name, reference.Gym)
	spacing := max(1, fine.steps[1]-fine.steps[0])
	first := make([][2]int, 0, len(fine.names))
	for i, name := range fine.names {
		want, got := fine.firstTouch(fine.want, i), fine.firstTouch(fine.got, i)
		t.Logf("%s: %s touches at step %d, want %d", tr.c.Name, name, got, want)
		if want >= 0 {
			first = append(first, [2]int{want, got})
		}
	}
	slices.SortFunc(first, func(a, b [2]int) int { return a[0] - b[0] })
	earliest := math.MaxInt
	for _, f := range first[:count] {
		if f[1] < 0 || max(f[0]-f[1], f[1]-f[0]) > spacing {
			t.Errorf("%s: a body touches first at step %d, in Box2D at %d; want at most one row between", tr.c.Name, f[1], f[0])
		}
		earliest = min(earliest, f[0], f[1])
	}
	return earliest
}

// What has come to rest stands as in the limit of small steps and many iterations: legs at
// their limits, feet on the ground. Friction leaves open where along the ground.
func TestRestPoses(t *testing.T) {
	for name, along := range map[string]float64{
		"lander_soft": slop, "lander_drop": slop, "lander_drop_gym": slop,
		"lander_slope": 0.03, "lander_kinked": 0.03, "box_tumble": 0.1, "biped_stand": 0.01, "biped_rest": 0.05,
	} {
		tr := follow(t, name, reference.Fine)
		last := len(tr.steps) - 1
		rise := 0. // of the ground along the way that is left open
		if name == "lander_slope" || name == "lander_kinked" {
			rise = 0.08
		}
		for i, want := range tr.want[last] {
			got := tr.got[last][i]
			dx, dy, da := math.Abs(float64(got.Position.X-want.Position.X)), math.Abs(float64(got.Position.Y-want.Position.Y)), math.Abs(float64(got.Angle-want.Angle))
			t.Logf("%s: %s rests %.2g m, %.2g m and %.2g rad from Box2D's fine steps", name, tr.names[i], dx, dy, da)
			if !(dx <= along && dy <= slop+rise*along && da <= slopAngle) {
				t.Errorf("%s: %s rests at %v, angle %v; want %v, %v within (%.2g, %.2g) m and %.2g rad",
					name, tr.names[i], got.Position, got.Angle, want.Position, want.Angle, along, slop+rise*along, slopAngle)
			}
			if got.Velocity.Len() > 1e-3 || math.Abs(float64(got.Spin)) > 1e-3 {
				t.Errorf("%s: %s still moves: %v, %v", name, tr.names[i], got.Velocity, got.Spin)
			}
		}
	}
}

// Sliding down a slope, the lander gains speed as g (sin - friction cos) says, with friction
// the mean of leg and ground.
func TestLanderSlide(t *testing.T) {
	tr := follow(t, "lander_slide", reference.Limit)
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

// A biped that jumps and falls: tight until the feet meet the ground, then as well as Box2D
// agrees with itself, until it falls on its hull and becomes chaotic.
func TestBipedFall(t *testing.T) {
	tr := follow(t, "biped_fall", reference.Limit)
	touch := tr.checkTouches(t, 2)
	tr.within(t, "before the touch", 0, touch-2, gap{5e-3, 1e-2, 0.1, 0.2, ""})
	m := spread["biped_fall"].moving
	tr.within(t, "jumping off", touch-1, 40, gap{m.position + slop, m.angle + slopAngle, math.Inf(1), math.Inf(1), ""})
}

// Single shapes on the ground. Skins are equal, so stacks and slides agree to what position
// correction leaves, a fraction of the slop of 0.005 m per contact.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name string
		upTo int
		gap  gap
	}{
		{"box_stack", 300, gap{5 * slop, slop / 1, 0.05, 0.05, ""}}, // it begins pressed together and relaxes
		{"box_slide", 75, gap{0.005, 1e-3, 0.01, 0.01, ""}},
		{"box_stick", 100, gap{0.005, 1e-3, 1e-3, 1e-3, ""}},
		{"ball_roll", 100, gap{0.005, 0.01, 0.01, 0.01, ""}},
	} {
		tr := follow(t, c.name, reference.Gym)
		tr.within(t, "all", 0, c.upTo, c.gap)
	}
}

// A bounce of restitution e returns e times the speed of impact and e^2 times the height. The
// speed of impact is sampled once a step, so it is wrong by up to g dt, and the rise of v^2/2g by
// v e dt; semi-implicit Euler misses v dt/2 of the height; and it begins up to a slop off.
func TestBounce(t *testing.T) {
	tr := follow(t, "ball_bounce", reference.Gym)
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
		tolerance := v*(0.5+0.5)*float64(reference.Dt) + slop
		if math.Abs(got[i]-ideal) > tolerance {
			t.Errorf("bounce %d rises to %.3f m, want %.3f within %.3f (Box2D: %.3f)", i, got[i], ideal, tolerance, want[i])
		}
	}
	if s := tr.got[len(tr.got)-1][0]; math.Abs(float64(s.Position.Y)-0.505) > slop || s.Velocity.Len() > 1e-3 {
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
	if math.Abs(px) > 1e-5 || math.Abs(py) > 1e-5 || math.Abs(e) > 1e-4 || math.Abs(float64(sa)) > 1e-5 || math.Abs(float64(sb)) > 1e-5 {
		t.Errorf("the collision gained momentum (%.2g, %.2g), energy %.2g, spins %v, %v", px, py, e, sa, sb)
	}
}
