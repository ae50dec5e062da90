package arm

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

const thickness float32 = 0.03 // radius of the links, m

// models holds the compiled scenes, by number of links, which all worlds share.
var models = func() (ms [maxLinks + 1]func() *physics.Model) {
	for n := minLinks; n <= maxLinks; n++ {
		ms[n] = sync.OnceValue(func() *physics.Model {
			m, err := physics.Compile(Scene(n))
			if err != nil {
				panic("arm: " + err.Error())
			}
			return m
		})
	}
	return ms
}()

// Scene returns an arm of 2 to 12 links of equal lengths, 1 m in all, that points along x.
func Scene(links int) *scene.Scene {
	s := &scene.Scene{Name: ID}
	l := 1 / float32(links)
	for i := range links {
		at := geom.Vec{X: float32(i) * l}
		s.Bodies = append(s.Bodies, scene.Body{
			Name: "link" + strconv.Itoa(i), Position: at, Role: env.RoleLimb,
			Shapes: []scene.Shape{{
				Kind: scene.Capsule, Points: []geom.Vec{{}, {X: l}}, Radius: thickness, Density: 1,
				Filter: scene.Filter{Group: -1},
			}},
		})
		j := scene.Joint{
			Name: "joint" + strconv.Itoa(i), Kind: scene.Revolute, B: s.Bodies[i].Name,
			Motor: &scene.Motor{},
		}
		if i > 0 {
			j.A, j.AnchorA = s.Bodies[i-1].Name, geom.Vec{X: l}
		}
		s.Joints = append(s.Joints, j)
	}
	return s
}

// own is what a world remembers within an episode beside the physics.
type own struct {
	Target   geom.Vec
	Radius   float32
	Speed    float32
	Length   float32
	Lengths  [maxLinks]float32 // of links
	Strength [maxLinks]float32 // of joints
}

type world struct {
	links    int
	velocity bool
	phys     *physics.World
	link     [maxLinks]int // body numbers
	joint    [maxLinks]int
	own
}

func newWorld(c *Config) *world {
	m := models[c.Links]()
	w := &world{links: c.Links, velocity: c.Control == Velocity, phys: m.NewWorld()}
	for i := range c.Links {
		w.link[i], w.joint[i] = m.Body("link"+strconv.Itoa(i)), m.Joint("joint"+strconv.Itoa(i))
	}
	return w
}

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, _ rng.Key) {
	p := l.Params
	var a pose
	a.place(w.links, l)
	w.own = own{Target: target(l), Radius: p[targetRadius], Speed: p[speed], Length: p[length], Lengths: a.lengths}
	w.phys.Reset()
	w.phys.SetGravity(geom.Vec{Y: -p[gravity]})
	left := p[length]
	for i := range w.links {
		w.shape(i, &a, p[mass]/p[length])
		w.phys.SetDamping(w.link[i], p[damping], p[damping])
		share := left / p[length]
		w.Strength[i] = p[torque] * share * share
		left -= a.lengths[i]
	}
}

// shape gives a link its length, its mass, from a mass per metre, and its place.
func (w *world) shape(i int, a *pose, perMetre float32) {
	body, l := w.link[i], a.lengths[i]
	s := w.phys.Model().Shape(body, 0)
	area := float32(2*thickness*l) + geom.Pi*thickness*thickness
	w.phys.SetCapsule(s, geom.Vec{}, geom.Vec{X: l}, thickness)
	w.phys.SetDensity(s, perMetre*l/area)
	before := geom.Vec{}
	if i > 0 {
		before.X = a.lengths[i-1]
	}
	w.phys.SetAnchors(w.joint[i], before, geom.Vec{})
	w.phys.SetPose(body, a.joints[i], a.angles[i])
	w.phys.SetVelocity(body, geom.Vec{}, 0)
}

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) { env.StepSim(w, b) }

// Drive sets the motors.
func (w *world) Drive(b *env.Batch, substep int) (env.Sim, float32) {
	switch substep {
	case 0:
		w.drive(b.Act)
	case substeps:
		return nil, 0
	}
	return w.phys, dt / substeps
}

// Judge looks at what the step led to.
func (w *world) Judge(b *env.Batch) {
	f, squares := b.Facts, float32(0)
	for _, a := range b.Act[:w.links] {
		squares += float32(a * a)
	}
	tip := w.tip()
	kinetic, potential := w.phys.Energy()
	f[factDistance] = w.Target.Sub(tip).Len()
	f[factReached] = 0
	if f[factDistance] <= w.Radius {
		f[factReached] = 1
	}
	f[factEffort] = squares / float32(w.links)
	f[factX], f[factY] = tip.X, tip.Y
	f[factSpeed] = w.phys.VelocityAt(w.link[w.links-1], tip).Len()
	f[factEnergy] = kinetic + potential
	b.End[0] = env.Running
}

// drive sets the motors. One that aims at its full speed with a part of its strength exerts just
// that torque until it gets there.
func (w *world) drive(act []float32) {
	for i, a := range act[:w.links] {
		switch {
		case w.velocity:
			w.phys.SetMotor(w.joint[i], a*w.Speed, w.Strength[i])
		case a < 0:
			w.phys.SetMotor(w.joint[i], -w.Speed, -a*w.Strength[i])
		default:
			w.phys.SetMotor(w.joint[i], w.Speed, a*w.Strength[i])
		}
	}
}

func (w *world) tip() geom.Vec {
	last := w.links - 1
	return w.phys.WorldPoint(w.link[last], geom.Vec{X: w.Lengths[last]})
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) {
	n := w.links
	for i := range n {
		sin, cos := geom.Sincos(w.phys.JointPosition(w.joint[i]))
		obs[i], obs[n+i] = cos, sin
		obs[2*n+i] = w.phys.JointSpeed(w.joint[i])
		obs[3*n+i] = w.Lengths[i]
	}
	tip := w.tip()
	to := w.Target.Sub(tip)
	obs = obs[4*n:]
	obs[0], obs[1], obs[2], obs[3], obs[4] = tip.X, tip.Y, to.X, to.Y, w.Radius
}

// AppendState appends the exact state.
func (w *world) AppendState(dst []byte) []byte {
	dst, _ = binary.Append(dst, binary.LittleEndian, &w.own) // it holds fixed-size numbers only
	return w.phys.AppendState(dst)
}

// SetState continues from an appended state.
func (w *world) SetState(src []byte) error {
	n := binary.Size(&w.own)
	if len(src) != n+w.phys.Model().StateLen() {
		return fmt.Errorf("malformed state of %d bytes, want %d", len(src), n+w.phys.Model().StateLen())
	}
	if err := w.phys.SetState(src[n:]); err != nil {
		return err
	}
	_, err := binary.Decode(src[:n], binary.LittleEndian, &w.own)
	return err
}

// Draw draws the arm and its target.
func (w *world) Draw(c env.Canvas) {
	edge := 1.1 * w.Length
	c.View(geom.Vec{X: -edge, Y: -edge}, geom.Vec{X: edge, Y: edge})
	c.Circle(env.RoleGoal, w.Target, w.Radius, 0)
	for i := range w.links {
		role := env.RoleLimb
		if i == w.links-1 {
			role = env.RoleAgent
		}
		from, _ := w.phys.Pose(w.link[i])
		to := w.phys.WorldPoint(w.link[i], geom.Vec{X: w.Lengths[i]})
		c.Line(role, 2*thickness, []geom.Vec{from, to})
		c.Circle(env.RoleJoint, from, thickness, 0)
	}
}
