package pusher

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// models holds the compiled scenes, by number of boxes, which all worlds share.
var models = func() (ms [mostBoxes + 1]func() *physics.Model) {
	for n := 1; n <= mostBoxes; n++ {
		ms[n] = sync.OnceValue(func() *physics.Model {
			m, err := physics.Compile(Scene(n))
			if err != nil {
				panic("pusher: " + err.Error())
			}
			return m
		})
	}
	return ms
}()

// Scene returns a room with a disc and 1 to 4 boxes side by side.
func Scene(boxes int) *scene.Scene {
	const half, radius, width = 2, 0.2, 0.4
	s := &scene.Scene{Name: ID}
	corners := [5]geom.Vec{{X: -half, Y: -half}, {X: half, Y: -half}, {X: half, Y: half}, {X: -half, Y: half}, {X: -half, Y: -half}}
	walls := scene.Body{Name: "walls", Kind: scene.Static, Role: env.RoleGround}
	for i := range 4 {
		walls.Shapes = append(walls.Shapes, scene.Shape{Kind: scene.Segment, Points: corners[i : i+2 : i+2], Friction: 0.3})
	}
	disc := scene.Body{
		Name: "disc", Position: geom.Vec{Y: -1}, Role: env.RoleAgent,
		Shapes: []scene.Shape{{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: radius, Density: 1, Friction: 0.3}},
	}
	s.Bodies = append(s.Bodies, walls, disc)
	for i := range boxes {
		s.Bodies = append(s.Bodies, scene.Body{
			Name: "box" + strconv.Itoa(i), Position: geom.Vec{X: float32(i) - 1}, Role: env.RoleObject,
			Shapes: []scene.Shape{{Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, width/2, width/2, 0), Density: 1, Friction: 0.3}},
		})
	}
	return s
}

// own is what a world remembers within an episode beside the physics.
type own struct {
	Boxes            int32
	Room, Size, Zone float32
	Radius, Force    float32
	Zones            [mostBoxes]geom.Vec
}

type world struct {
	most        int // boxes
	phys        *physics.World
	disc, walls int // body numbers
	box         [mostBoxes]int
	before      struct { // the present step
		away [mostBoxes]float32
		in   [mostBoxes]bool
		near float32
	}
	own
}

func newWorld(c *Config) *world {
	m := models[c.MaxBoxes]()
	w := &world{most: c.MaxBoxes, phys: m.NewWorld(), disc: m.Body("disc"), walls: m.Body("walls")}
	for i := range c.MaxBoxes {
		w.box[i] = m.Body("box" + strconv.Itoa(i))
	}
	return w
}

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, _ rng.Key) {
	var s start
	s.place(l)
	p := l.Params
	w.own = own{
		Boxes: int32(s.boxes), Room: p[room], Size: p[boxSize], Zone: p[zoneRadius],
		Radius: p[radius], Force: p[force], Zones: s.zone,
	}
	m := w.phys.Model()
	w.phys.Reset()
	w.wallIn(p[friction])
	shape := m.Shape(w.disc, 0)
	w.phys.SetCircle(shape, geom.Vec{}, p[radius])
	w.phys.SetDensity(shape, 1/(geom.Pi*p[radius]*p[radius]))
	w.phys.SetSurface(shape, p[friction], 0)
	w.phys.SetDamping(w.disc, p[drag], p[drag])
	w.phys.SetPose(w.disc, s.disc, 0)
	for i := range w.most {
		shape := m.Shape(w.box[i], 0)
		if i >= s.boxes {
			w.phys.SetEnabled(shape, false)
			w.phys.SetPose(w.box[i], geom.Vec{}, 0)
			continue
		}
		h := 0.5 * p[boxSize]
		w.phys.SetPolygon(shape, []geom.Vec{{X: -h, Y: -h}, {X: h, Y: -h}, {X: h, Y: h}, {X: -h, Y: h}})
		w.phys.SetDensity(shape, p[boxMass]/(p[boxSize]*p[boxSize]))
		w.phys.SetSurface(shape, p[friction], 0)
		rate := p[damping] / p[boxMass]
		w.phys.SetDamping(w.box[i], rate, rate)
		w.phys.SetPose(w.box[i], s.box[i], s.angle[i])
		w.phys.SetVelocity(w.box[i], s.drift[i], 0)
	}
}

func (w *world) wallIn(friction float32) {
	h := w.Room
	corners := [5]geom.Vec{{X: -h, Y: -h}, {X: h, Y: -h}, {X: h, Y: h}, {X: -h, Y: h}, {X: -h, Y: -h}}
	for i := range 4 {
		shape := w.phys.Model().Shape(w.walls, i)
		w.phys.SetSegment(shape, corners[i], corners[i+1])
		w.phys.SetSurface(shape, friction, 0)
	}
}

// away returns the way from a box to its zone.
func (w *world) away(i int) geom.Vec { return w.Zones[i].Sub(w.phys.Centre(w.box[i])) }

func (w *world) placed(i int) bool {
	v := w.away(i)
	return v.Dot(v) <= float32(w.Zone*w.Zone)
}

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) { env.StepSim(w, b) }

// Drive pushes the disc, having remembered how things were.
func (w *world) Drive(b *env.Batch, substep int) (env.Sim, float32) {
	switch substep {
	case 0:
		clear(w.before.in[:])
		for i := range int(w.Boxes) {
			w.before.away[i], w.before.in[i] = w.away(i).Len(), w.placed(i)
		}
		w.before.near = w.nearest(&w.before.in)
	case substeps:
		return nil, 0
	}
	push := geom.Vec{X: b.Act[0], Y: b.Act[1]}
	push = push.Mul(w.Force / geom.Max(push.Len(), 1))
	w.phys.ApplyForce(w.disc, push, w.phys.Centre(w.disc))
	return w.phys, dt / substeps
}

// Judge looks at what the step led to.
func (w *world) Judge(b *env.Batch) {
	f, in := b.Facts, &w.before.in
	clear(f)
	f[factApproach] = w.before.near - w.nearest(in)
	for i := range int(w.Boxes) {
		f[factDistance+i] = w.away(i).Len()
		f[factProgress] += w.before.away[i] - f[factDistance+i]
		if w.placed(i) {
			f[factPlaced]++
			f[factEntered]++
		}
		if in[i] {
			f[factEntered]--
		}
		if w.phys.TouchingBodies(w.disc, w.box[i]) {
			f[factContact] = 1
		}
	}
	at := w.phys.Centre(w.disc)
	f[factX], f[factY] = at.X, at.Y
	b.End[0] = env.Running
	if int32(f[factPlaced]) == w.Boxes {
		f[factSolved] = 1
		b.End[0] = env.Terminated
	}
}

// nearest returns the distance of the disc from the nearest place where it would touch a box that
// is not in and have the box's zone right behind it; 0 if all are in.
func (w *world) nearest(in *[mostBoxes]bool) float32 {
	least, at := float32(0), w.phys.Centre(w.disc)
	for i := range int(w.Boxes) {
		if in[i] {
			continue
		}
		away := w.away(i)
		back := away.Mul((float32(0.5*w.Size) + w.Radius) / geom.Max(away.Len(), 1e-3))
		if d := w.phys.Centre(w.box[i]).Sub(back).Sub(at).Len(); least == 0 || d < least {
			least = d
		}
	}
	return least
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) {
	clear(obs)
	at := w.phys.Centre(w.disc)
	v, _ := w.phys.Velocity(w.disc)
	obs[0], obs[1], obs[2], obs[3] = at.X, at.Y, v.X, v.Y
	obs[4], obs[5], obs[6] = w.Room, w.Size, w.Zone
	obs = obs[7:]
	n := w.most
	present, box, velocity, angle := obs[:n], obs[n:3*n], obs[3*n:5*n], obs[5*n:7*n]
	spin, zone, placed := obs[7*n:8*n], obs[8*n:10*n], obs[10*n:11*n]
	for i := range int(w.Boxes) {
		body := w.box[i]
		present[i] = 1
		to, rot, away := w.phys.Centre(body).Sub(at), w.phys.Rot(body), w.away(i)
		v, s := w.phys.Velocity(body)
		box[2*i], box[2*i+1] = to.X, to.Y
		velocity[2*i], velocity[2*i+1] = v.X, v.Y
		angle[2*i], angle[2*i+1] = rot.C, rot.S
		spin[i] = s
		zone[2*i], zone[2*i+1] = away.X, away.Y
		if w.placed(i) {
			placed[i] = 1
		}
	}
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
	if _, err := binary.Decode(src[:n], binary.LittleEndian, &w.own); err != nil {
		return err
	}
	if w.Boxes < 1 || int(w.Boxes) > w.most {
		w.Boxes = 1
		return errors.New("malformed state: too many boxes, or none")
	}
	return w.phys.SetState(src[n:])
}

// Draw draws the room from above.
func (w *world) Draw(c env.Canvas) {
	h := w.Room
	edge := h + 0.1
	c.View(geom.Vec{X: -edge, Y: -edge}, geom.Vec{X: edge, Y: edge})
	corners := []geom.Vec{{X: -h, Y: -h}, {X: h, Y: -h}, {X: h, Y: h}, {X: -h, Y: h}, {X: -h, Y: -h}}
	for i := range int(w.Boxes) {
		c.Circle(env.RoleGoal, w.Zones[i], w.Zone, 0)
		c.Label(env.RoleText, w.Zones[i], strconv.Itoa(i+1))
	}
	c.Line(env.RoleGround, 0.05, corners)
	half := 0.5 * w.Size
	for i := range int(w.Boxes) {
		square := []geom.Vec{{X: -half, Y: -half}, {X: half, Y: -half}, {X: half, Y: half}, {X: -half, Y: half}}
		for j := range square {
			square[j] = w.phys.WorldPoint(w.box[i], square[j])
		}
		c.Polygon(env.RoleObject, square)
		c.Label(env.RoleText, w.phys.Centre(w.box[i]), strconv.Itoa(i+1))
	}
	at, angle := w.phys.Pose(w.disc)
	c.Circle(env.RoleAgent, at, w.Radius, angle)
}
