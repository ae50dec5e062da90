package box2d_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"path/filepath"
	"strings"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/physics/box2d"
	"github.com/terrarium-rl/terrarium/env/physics/internal/reference"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
	_ "github.com/terrarium-rl/terrarium/env/tasks/arm"
	_ "github.com/terrarium-rl/terrarium/env/tasks/cartpole"
	_ "github.com/terrarium-rl/terrarium/env/tasks/lander"
	_ "github.com/terrarium-rl/terrarium/env/tasks/pusher"
	_ "github.com/terrarium-rl/terrarium/env/tasks/sandbox"
	_ "github.com/terrarium-rl/terrarium/env/tasks/walker"
	"github.com/terrarium-rl/terrarium/env/traj"
)

// simulated are the tasks with rigid bodies.
var simulated = []string{"arm-v0", "lander-v0", "pusher-v0", "sandbox-v0", "walker-v0"}

// driven is a world of env/physics that Box2D steps.
type driven struct {
	*physics.World
	s *box2d.Stepper
}

func (d driven) Step(dt float32) { d.s.Advance([]env.Sim{d.World}, dt) }

// A world that Box2D steps goes where the same scene goes that Box2D runs by itself, to the
// rounding of what passes through float32, and answers the same questions the same way.
func TestStepperIsBox2D(t *testing.T) {
	for _, c := range reference.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			m, err := physics.Compile(&c.Scene)
			if err != nil {
				t.Fatal(err)
			}
			d, w := driven{m.NewWorld(), box2d.NewStepper(box2d.Options{})}, open(t, &c.Scene)
			for n := 1; n <= c.Steps; n++ {
				c.Step(d, m, n)
				c.Step(w, w, n)
				if err := d.s.Err(); err != nil {
					t.Fatal(err)
				}
				for i := range c.Scene.Bodies {
					got, want := reference.Read(d, i), reference.Read(w, i)
					if off := got.Position.Sub(want.Position).Len() + geom.Abs(got.Angle-want.Angle); !(off <= 1e-3) {
						t.Fatalf("step %d, body %d: %v, by itself %v", n, i, got, want)
					}
					if d.Touching(i) != w.Touching(i) || d.TouchingGround(i) != w.TouchingGround(i) {
						t.Fatalf("step %d, body %d: touches %v, ground %v; by itself %v, %v", n, i, d.Touching(i), d.TouchingGround(i), w.Touching(i), w.TouchingGround(i))
					}
				}
				for i := range c.Scene.Joints {
					near(t, "joint position", d.JointPosition(i), w.JointPosition(i), 2e-3)
					near(t, "motor impulse", d.MotorImpulse(i), w.MotorImpulse(i), 1e-2+0.02*geom.Abs(w.MotorImpulse(i)))
				}
			}
		})
	}
}

// Changes in the middle of a flight reach Box2D: velocities, gravity, forces, poses, shapes,
// collisions that are switched off, and a return to an earlier state.
func TestStepperFollowsEdits(t *testing.T) {
	s := &scene.Scene{Gravity: geom.Vec{Y: -10}, Grounds: []scene.Ground{flat(scene.Filter{})}, Bodies: []scene.Body{
		disc("a", 0, 5, scene.Shape{}), disc("b", 9, 5, scene.Shape{}),
	}}
	m, err := physics.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	d := driven{m.NewWorld(), box2d.NewStepper(box2d.Options{})}
	steps(d, 150)
	at, _ := d.Pose(0)
	near(t, "rest", at.Y, 0.505, 0.002)
	if d.RestTime(0) < 0.5 || !d.Touching(0) || !d.TouchingGround(0) || d.Contacts() != 2 {
		t.Errorf("at rest for %v s, touching %v, %d contacts", d.RestTime(0), d.TouchingGround(0), d.Contacts())
	}
	if c, touching := d.Contact(0); !touching || c.A != physics.GroundBody || !(c.Normal.Y > 0.99) {
		t.Errorf("contact %+v, touching %v; want the ground below", c, touching)
	}
	saved := d.AppendState(nil)

	d.SetGravity(geom.Vec{})
	d.SetVelocity(0, geom.Vec{Y: 5}, 0)
	steps(d, 50)
	at, _ = d.Pose(0)
	near(t, "height after a second at 5 m/s", at.Y, 5.505, 0.01)
	d.ApplyForce(0, geom.Vec{X: 100}, d.Centre(0))
	d.Step(dt)
	mass, _ := d.Mass(0)
	v, _ := d.Velocity(0)
	near(t, "speed after a force", v.X, 100*dt/mass, 1e-4)
	d.ApplyTorque(1, 5)
	d.ApplyForce(1, geom.Vec{Y: 10}, d.Centre(1))
	d.SetPose(1, geom.Vec{X: 9, Y: 20}, 0)
	d.Step(dt)
	_, inertia := d.Mass(1)
	_, spin := d.Velocity(1)
	near(t, "spin after a torque", spin, 5*dt/inertia, 1e-4)
	d.SetPose(1, geom.Vec{X: 9, Y: 0.5}, 0)
	d.SetVelocity(1, geom.Vec{}, 0)
	d.SetPose(0, geom.Vec{X: 9, Y: 5.505}, 0)
	d.SetVelocity(0, geom.Vec{Y: -5}, 0)
	steps(d, 60)
	if !d.TouchingBodies(0, 1) {
		t.Error("a disc that was put above another and fell does not touch it")
	}
	d.SetEnabled(m.Shape(0, 0), false)
	d.SetEnabled(m.Shape(1, 0), false)
	d.SetGravity(geom.Vec{Y: -10})
	steps(d, 100)
	if at, _ := d.Pose(0); at.Y > -5 {
		t.Errorf("a disabled disc stopped at height %v", at.Y)
	}
	if err := d.SetState(saved); err != nil {
		t.Fatal(err)
	}
	d.SetCircle(m.Shape(0, 0), geom.Vec{}, 1)
	d.SetPose(0, geom.Vec{Y: 2}, 0)
	steps(d, 100)
	at, _ = d.Pose(0)
	near(t, "rest of a grown disc", at.Y, 1.005, 0.002)
}

// Sensors see through the stepper what they see in Box2D.
func TestStepperSensors(t *testing.T) {
	s := &scene.Scene{Bodies: []scene.Body{disc("a", 0, 0, scene.Shape{Sensor: true}), disc("b", -3, 0, scene.Shape{})}}
	s.Bodies[1].Velocity = geom.Vec{X: 2}
	m, err := physics.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	d, w := driven{m.NewWorld(), box2d.NewStepper(box2d.Options{})}, open(t, s)
	seen := 0
	for n := range 150 {
		d.Step(dt)
		w.Step(dt)
		got, want := d.Overlaps(m.Shape(0, 0), 1), w.Overlaps(w.Shape(0, 0), 1)
		if got != want || d.Touching(1) || d.TouchingBodies(0, 1) != want {
			t.Fatalf("step %d: overlaps %v, want %v; touching %v", n, got, want, d.Touching(1))
		}
		if got {
			seen++
		}
	}
	if seen < 30 || seen > 60 { // 2 m at 2 m/s
		t.Errorf("overlapped for %d steps, want about 50", seen)
	}
}

// A scene that Box2D does not run ends a step with an error that says why.
func TestStepperRefuses(t *testing.T) {
	s := &scene.Scene{Bodies: []scene.Body{disc("a", 0, -1, scene.Shape{})}}
	s.Joints = []scene.Joint{{Name: "strut", Kind: scene.Distance, B: "a", Limits: &[2]float32{0.5, 2}}}
	m, err := physics.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	d := driven{m.NewWorld(), box2d.NewStepper(box2d.Options{})}
	d.Step(dt)
	if err := d.s.Err(); !errors.Is(err, box2d.ErrUnsupported) || !strings.Contains(err.Error(), `joint "strut"`) {
		t.Errorf("error %v", err)
	}
	c, err := env.Open("cartpole-v0", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.NewVec(c, env.VecOptions{Worlds: 1, Engine: box2d.Engine}); err == nil || !strings.Contains(err.Error(), "no rigid bodies") {
		t.Errorf("a task without rigid bodies: error %v", err)
	}
}

// play plays random actions for some steps and returns a hash of all that was seen, of each world.
func play(t *testing.T, id, engine string, worlds, first, workers, steps int) []uint64 {
	t.Helper()
	c, err := env.Open(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: worlds, First: first, Workers: workers, Engine: engine})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.Reset(7)
	b, hashes := env.NewBatch(v.Spec(), worlds), make([]uint64, worlds)
	for n := range steps {
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		for i := range worlds {
			draw(v.Spec(), b, i, first+i, n)
		}
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		for i := range worlds {
			h := fnv.New64a()
			r := b.Rows(i, i+1)
			for _, x := range []any{hashes[i], r.Next, r.Facts, r.Reward} {
				_ = binary.Write(h, binary.LittleEndian, x)
			}
			hashes[i] = h.Sum64()
		}
	}
	return hashes
}

// draw writes a random action of a world, the same wherever the world is in the batch.
func draw(s *env.Spec, b *env.Batch, row, world, step int) {
	r := rng.New(3).Stream(1, uint32(world), uint32(step/5)) // held for five steps
	act := b.Rows(row, row+1).Act
	for _, f := range s.Act {
		for i := range f.Len {
			if act[i] = r.Range(f.Lo, f.Hi); f.Choices > 0 {
				act[i] = float32(r.IntN(f.Choices))
			}
		}
		act = act[f.Len:]
	}
}

// Every task with rigid bodies runs on Box2D, to the same bytes for any number of workers and
// any slot, and to others than on env/physics.
func TestTasks(t *testing.T) {
	for _, id := range simulated {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			const steps = 150
			want := play(t, id, box2d.Engine, 5, 0, 1, steps)
			for _, workers := range []int{2, 3} {
				if got := play(t, id, box2d.Engine, 5, 0, workers, steps); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%d workers: %x, one: %x", workers, got, want)
				}
			}
			if got := play(t, id, box2d.Engine, 2, 3, 1, steps); fmt.Sprint(got) != fmt.Sprint(want[3:]) {
				t.Errorf("worlds 3 and 4 alone: %x, among others %x", got, want[3:])
			}
			if plain := play(t, id, "go", 5, 0, 1, steps); fmt.Sprint(plain) == fmt.Sprint(want) {
				t.Error("env/physics leads to the same bits: Box2D did not step the worlds")
			}
		})
	}
}

// Episodes recorded on Box2D say so, and repeat bit by bit, read from a file too.
func TestReplays(t *testing.T) {
	c, err := env.Open("lander-v0", nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := env.NewVec(c, env.VecOptions{Worlds: 1, Engine: box2d.Engine})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	v.Reset(5)
	origin, err := traj.OriginOf(c, "test", 5)
	if err != nil {
		t.Fatal(err)
	}
	r, err := traj.NewRecorder(v, 0, origin)
	if err != nil {
		t.Fatal(err)
	}
	b := env.NewBatch(v.Spec(), 1)
	var eps []*traj.Episode
	for n := 0; len(eps) < 3; n++ {
		r.Begin()
		if err := v.Observe(b); err != nil {
			t.Fatal(err)
		}
		r.Observed(b)
		draw(v.Spec(), b, 0, 0, n)
		if err := v.Step(b); err != nil {
			t.Fatal(err)
		}
		if e := r.Stepped(b); e != nil {
			path := filepath.Join(t.TempDir(), "e.replay")
			if err := e.Save(path); err != nil {
				t.Fatal(err)
			}
			again, err := traj.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			eps = append(eps, again)
		}
	}
	if eps[0].Engine != box2d.Engine {
		t.Errorf("recorded engine is %q", eps[0].Engine)
	}
	steps, d, err := traj.Verify(eps, 2)
	if err != nil || d != nil || steps < 100 {
		t.Errorf("%d steps verified, divergence %v, error %v", steps, d, err)
	}
	for _, e := range eps {
		e.Engine = ""
	}
	if _, d, err := traj.Verify(eps, 2); err != nil || d == nil {
		t.Errorf("on env/physics: divergence %v, error %v; want one", d, err)
	}
}
