package lander

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// The numbers of the classic game. It thinks in pixels, 30 of which are a metre.
const (
	dt    float32 = 1. / 50
	px    float32 = 1. / 30
	width float32 = 600 * px // of the view, m
	high  float32 = 400 * px

	legAway     = 20 * px // from the hull's origin to a leg's middle, sideways
	legDrop     = 10 * px // from the hull's origin down to the top of a leg
	legWidth    = 2 * px  // half of it
	legHeight   = 8 * px  // half of it
	legNominal  = 18 * px // height of the origin that observations call 0
	legTorque   = 40      // N m, of the motors that spread the legs
	legSpeed    = 0.3     // rad/s
	legIn       = 0.4     // angle of a spread leg: where the motors push it
	legOut      = 0.9     // and how far the ground can bend it
	legFirst    = 0.49    // angle at the first observation
	legBefore   = -0.05   // angle during the step before it
	mainPower   = 13      // N s for each metre from the hull's origin to where the thrust acts
	mainDepth   = 4 * px
	sidePower   = 0.6
	sideAway    = 12 * px
	sideHeight  = 14 * px
	sideHeightX = 17 * px // the classic game's slip: 17 where 14 was meant, in x only
	noise       = px      // of the engines' thrust, in each direction

	restTime = 0.5 - dt/2 // seconds of stillness that end an episode

	categoryCraft = 2
)

var hullCorners = [...]geom.Vec{
	{X: -14 * px, Y: 17 * px}, {X: -17 * px, Y: 0}, {X: -17 * px, Y: -10 * px},
	{X: 17 * px, Y: -10 * px}, {X: 17 * px, Y: 0}, {X: 14 * px, Y: 17 * px},
}

// What the streams of random numbers are for.
const (
	terrainPurpose rng.Purpose = 0x6d6f6f6e + iota // under the level's seed
	startPurpose                                   // under the level's seed
	thrustPurpose                                  // under the episode's key, by step
)

// side returns -1 for the left leg, number 1, and 1 for the right one, number 0.
func side(leg int) float32 { return float32(1 - 2*leg) }

// legLimits returns the range of a leg's angle to the hull.
func legLimits(leg int) (lo, hi float32) {
	if side(leg) < 0 {
		return -legOut, -legIn
	}
	return legIn, legOut
}

// legAnchor returns the point of a leg, relative to its middle, that the hull's origin holds, for
// a size of the hull and a length of the legs.
func legAnchor(leg int, hull, length float32) geom.Vec {
	return geom.Vec{X: -side(leg) * legAway * hull, Y: hull * (legDrop + float32(legHeight*length))}
}

var model = sync.OnceValue(func() *physics.Model {
	m, err := physics.Compile(blueprint())
	if err != nil {
		panic("lander: " + err.Error())
	}
	return m
})

// blueprint returns the classic craft above a plain. The first leg is the right one, as observed.
func blueprint() *scene.Scene {
	craft := scene.Filter{Category: categoryCraft, Mask: 1}
	s := &scene.Scene{
		Name: ID, Gravity: geom.Vec{Y: -10},
		Bodies: []scene.Body{{
			Name: "hull", Position: geom.Vec{X: width / 2, Y: high}, Role: env.RoleAgent,
			Shapes: []scene.Shape{{Kind: scene.Polygon, Points: hullCorners[:], Density: 5, Friction: 0.1, Filter: craft}},
		}},
		Grounds: []scene.Ground{{
			Name: "moon", Points: []geom.Vec{{X: 0, Y: high / 4}, {X: width, Y: high / 4}}, Capacity: gen.MoonPoints, Friction: 0.1,
		}},
	}
	for i, name := range []string{"right leg", "left leg"} {
		lo, hi := legLimits(i)
		anchor := legAnchor(i, 1, 1)
		angle := legFirst * side(i)
		s.Bodies = append(s.Bodies, scene.Body{
			Name: name, Position: s.Bodies[0].Position.Sub(geom.Rotation(angle).Apply(anchor)), Angle: angle, Role: env.RoleLimb,
			Shapes: []scene.Shape{{
				Kind: scene.Polygon, Points: scene.Box(geom.Vec{}, legWidth, legHeight, 0), Density: 1, Friction: 0.2, Filter: craft,
			}},
		})
		s.Joints = append(s.Joints, scene.Joint{
			Name: name, Kind: scene.Revolute, A: "hull", B: name, AnchorB: anchor,
			Limits: &[2]float32{lo, hi}, Motor: &scene.Motor{Speed: -legSpeed * side(i), Max: legTorque},
		})
	}
	return s
}

// episode is what a world remembers beside the state of its bodies.
type episode struct {
	Params     [paramCount]float32
	Seed       uint64
	Key        rng.Key
	Steps      uint32
	Wind, Turn int32   // phase of the wind's force and torque
	Main, Side float32 // powers of the engines in the last step
	Shaping    float32 // the potential after it
}

type world struct {
	continuous bool
	w          *physics.World
	hull       int
	legs       [2]int
	joints     [2]int

	episode
	row [obsCount]float32 // the observation, a function of the state of the bodies
}

func newWorld(continuous bool) *world {
	m := model()
	return &world{
		continuous: continuous, w: m.NewWorld(), hull: m.Body("hull"),
		legs:   [2]int{m.Body("right leg"), m.Body("left leg")},
		joints: [2]int{m.Joint("right leg"), m.Joint("left leg")},
	}
}

// moon returns the parameters of a level's terrain.
func (e *episode) moon() gen.Moon {
	return gen.Moon{
		Width: width, Peak: high / 2, Base: high / 4,
		PadX: width/2 + e.Params[padX], PadWidth: e.Params[padWidth], Roughness: e.Params[roughness],
	}
}

func (e *episode) terrain(dst []geom.Vec) {
	r := rng.New(e.Seed).Stream(terrainPurpose, 0, 0)
	e.moon().Generate(dst, &r)
}

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, key rng.Key) {
	w.episode = episode{Seed: l.Seed, Key: key}
	copy(w.Params[:], l.Params)
	p := &w.Params
	var ground [gen.MoonPoints]geom.Vec
	w.terrain(ground[:])
	w.w.Reset()
	w.w.SetGround(0, ground[:])
	w.w.SetGravity(geom.Vec{Y: -p[gravity]})
	w.build()

	r := rng.New(l.Seed).Stream(startPurpose, 0, 0)
	push := geom.Vec{X: r.Range(-p[kick], p[kick]), Y: r.Range(-p[kick], p[kick])}
	w.Wind, w.Turn = int32(r.IntN(2*9999))+firstPhase, int32(r.IntN(2*9999))+firstPhase
	w.start(geom.Vec{X: width/2 + p[startX], Y: high/4 + p[startHeight]}, p[startAngle], push)
	w.see()
	w.Shaping = w.potential()
}

// build gives hull and legs the level's sizes.
func (w *world) build() {
	size, length := w.Params[hullSize], w.Params[legLength]
	if size == 1 && length == 1 {
		return // as compiled
	}
	m := w.w.Model()
	var hull [len(hullCorners)]geom.Vec
	for i, c := range hullCorners {
		hull[i] = c.Mul(size)
	}
	w.w.SetPolygon(m.Shape(w.hull, 0), hull[:])
	for i, body := range w.legs {
		w.w.SetBox(m.Shape(body, 0), geom.Vec{}, legWidth*size, legHeight*size*length, 0)
		w.w.SetAnchors(w.joints[i], geom.Vec{}, legAnchor(i, size, length))
	}
}

// start performs the step before the first observation, in which the kick acts. The legs hang
// almost straight down meanwhile, fixed to the hull, and are then put where the classic game's
// first step draws them, moving with the hull and inwards at the speed of their motors.
func (w *world) start(at geom.Vec, angle float32, push geom.Vec) {
	w.w.SetPose(w.hull, at, angle)
	for i, joint := range w.joints {
		w.poseLeg(i, legBefore)
		w.w.SetLimits(joint, -legOut, legOut)
		w.w.SetMotor(joint, 0, legTorque)
	}
	w.blow()
	w.w.ApplyForce(w.hull, push, w.w.Centre(w.hull))
	w.w.Step(dt)

	size := w.Params[hullSize]
	strength := legTorque * size * size * size // weights grow with the square, levers with the size
	origin, _ := w.w.Pose(w.hull)
	hinge := w.w.VelocityAt(w.hull, origin)
	_, spin := w.w.Velocity(w.hull)
	for i, joint := range w.joints {
		w.poseLeg(i, legFirst)
		turn := spin - float32(legSpeed*side(i))
		arm := w.w.Centre(w.legs[i]).Sub(origin)
		w.w.SetVelocity(w.legs[i], hinge.Add(geom.Vec{X: -arm.Y, Y: arm.X}.Mul(turn)), turn)
		lo, hi := legLimits(i)
		w.w.SetLimits(joint, lo, hi)
		w.w.SetMotor(joint, -legSpeed*side(i), strength)
	}
}

// poseLeg puts a leg at an outward angle to the hull, hanging on its hinge.
func (w *world) poseLeg(leg int, out float32) {
	origin, angle := w.w.Pose(w.hull)
	angle += float32(out * side(leg))
	arm := geom.Rotation(angle).Apply(legAnchor(leg, w.Params[hullSize], w.Params[legLength]))
	w.w.SetPose(w.legs[leg], origin.Sub(arm), angle)
}

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) { env.StepSim(w, b) }

// Drive fires the engines.
func (w *world) Drive(b *env.Batch, substep int) (env.Sim, float32) {
	if substep > 0 {
		return nil, 0
	}
	w.Main, w.Side = w.throttles(b.Act)
	if w.row[obsRight]+w.row[obsLeft] == 0 {
		w.blow()
	}
	w.fire(w.Main, w.Side)
	return w.w, dt
}

// Judge looks at what the step led to.
func (w *world) Judge(b *env.Batch) {
	w.Steps++
	before := w.Shaping
	at, v := w.see()
	w.Shaping = w.potential()
	w.judge(b, at, v, before)
}

// throttles returns the powers of the main engine and of the side engines, the latter
// negative if it is the left one that fires.
func (w *world) throttles(act []float32) (main, turn float32) {
	if !w.continuous {
		switch act[0] {
		case 1:
			return 0, -1
		case 2:
			return 1, 0
		case 3:
			return 0, 1
		}
		return 0, 0
	}
	if act[0] > 0 {
		main = float32(act[0]*0.5) + 0.5
	}
	if geom.Abs(act[1]) > 0.5 {
		turn = act[1]
	}
	return main, turn
}

// blow applies the wind: tanh(sin 2kt + sin pi kt) of its greatest force and torque, which
// never repeats itself.
func (w *world) blow() {
	if w.Params[wind] == 0 && w.Params[turbulence] == 0 {
		return
	}
	if !w.recall() {
		w.press(gust(w.Wind), gust(w.Turn))
	}
	w.Wind++
	w.Turn++
}

// press makes the wind act with parts of its greatest force and torque.
func (w *world) press(force, torque float32) {
	w.w.ApplyForce(w.hull, geom.Vec{X: float32(w.Params[wind] * force)}, w.w.Centre(w.hull))
	w.w.ApplyTorque(w.hull, float32(w.Params[turbulence]*torque))
}

func gust(t int32) float32 {
	const k = 0.01
	return geom.Tanh(geom.Sin(2*k*float32(t)) + geom.Sin(geom.Pi*k*float32(t)))
}

const (
	firstPhase  = -9999 // of the wind, at the start of an episode at least
	lastPhase   = 9998  // at most
	knownPhases = lastPhase - firstPhase + 1001
)

// gusts is gust from firstPhase on: to compute it anew would be a sixth of a step.
var gusts = sync.OnceValue(func() *[knownPhases]float32 {
	g := new([knownPhases]float32)
	for i := range g {
		g[i] = gust(int32(i) + firstPhase)
	}
	return g
})

// recall does what blow does with known gusts, and reports whether they are known.
func (w *world) recall() bool {
	i, k := uint32(w.Wind-firstPhase), uint32(w.Turn-firstPhase)
	if i >= knownPhases || k >= knownPhases {
		return false
	}
	g := gusts()
	w.press(g[i], g[k])
	return true
}

// fire gives the impulses of the engines. In the frame of the hull the main engine's thrust
// acts below the origin and away from there; its strength is proportional to the distance,
// noise included. The side engines' thrust likewise, but it acts above the origin.
func (w *world) fire(main, turn float32) {
	if main == 0 && turn == 0 {
		return
	}
	n0, n1 := w.Key.Pair(thrustPurpose, 0, w.Steps, -noise, noise)
	origin, _ := w.w.Pose(w.hull)
	rot := w.w.Rot(w.hull)
	size := w.Params[hullSize]
	mass := size * size // of the hull, in that of the classic one
	if main != 0 {
		o := rot.Apply(geom.Vec{X: -n1, Y: -mainDepth - float32(2*n0)})
		w.w.ApplyImpulse(w.hull, o.Mul(-mainPower*main*w.Params[mainEngine]*mass), origin.Add(o.Mul(size)))
	}
	if turn != 0 {
		away := sideAway
		if turn < 0 {
			away = -away
		}
		o := rot.Apply(geom.Vec{X: -away - float32(3*n1), Y: -n0})
		at := geom.Vec{X: o.X - float32(rot.S*sideHeightX), Y: o.Y + float32(rot.C*sideHeight)}
		w.w.ApplyImpulse(w.hull, o.Mul(-sidePower*geom.Abs(turn)*w.Params[sideEngine]*mass), origin.Add(at.Mul(size)))
	}
}

// see observes the bodies, and returns where the hull is and how fast.
func (w *world) see() (at, v geom.Vec) {
	at, angle := w.w.Pose(w.hull)
	v, spin := w.w.Velocity(w.hull)
	o := &w.row
	o[obsX] = (at.X - width/2 - w.Params[padX]) * (2 / width)
	o[obsY] = (at.Y - (high/4 + legNominal)) * (2 / high)
	o[obsVX] = v.X * (width / 2 * dt)
	o[obsVY] = v.Y * (high / 2 * dt)
	o[obsAngle] = angle
	o[obsSpin] = spin * (20 * dt)
	o[obsRight] = truth(w.w.Touching(w.legs[0]))
	o[obsLeft] = truth(w.w.Touching(w.legs[1]))
	return at, v
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) { copy(obs, w.row[:]) }

// potential returns what the reward's shaping is the change of.
func (w *world) potential() float32 {
	o := &w.row
	return float32(-100*geom.Vec{X: o[obsX], Y: o[obsY]}.Len()) - float32(100*geom.Vec{X: o[obsVX], Y: o[obsVY]}.Len()) -
		float32(100*geom.Abs(o[obsAngle])) + float32(10*(o[obsRight]+o[obsLeft]))
}

// judge reports facts and end of the step, with the hull at at, its velocity v, and the potential before. Rest
// outweighs a crash, and a crash the loss.
func (w *world) judge(b *env.Batch, at, v geom.Vec, before float32) {
	f := b.Facts[:factCount]
	offset, angle := at.X-width/2-w.Params[padX], w.row[obsAngle]
	f[factOffset] = offset
	f[factHeight] = at.Y - w.w.GroundHeight(0, at.X)
	f[factSpeed] = v.Len()
	f[factTilt] = geom.Abs(angle)
	_, f[factSpin] = w.w.Velocity(w.hull)
	f[factOnPad] = truth(w.row[obsRight]+w.row[obsLeft] == 2 && geom.Abs(offset) <= w.Params[padWidth]/2)
	f[factShaping], f[factMain], f[factSide] = 0, 0, 0
	f[factLanded], f[factCrashed], f[factLost] = 0, 0, 0
	b.End[0] = env.Terminated
	switch {
	case w.still():
		f[factLanded] = 1
	case w.w.Touching(w.hull):
		f[factCrashed] = 1
	case geom.Abs(at.X-width/2) >= width/2:
		f[factLost] = 1
	default:
		b.End[0] = env.Running
		f[factShaping], f[factMain], f[factSide] = w.Shaping-before, w.Main, geom.Abs(w.Side)
	}
}

// still reports whether all bodies have rested long enough.
func (w *world) still() bool {
	return w.w.RestTime(w.hull) >= restTime && w.w.RestTime(w.legs[0]) >= restTime && w.w.RestTime(w.legs[1]) >= restTime
}

func truth(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// AppendState appends the exact state: that of the episode, then that of the bodies.
func (w *world) AppendState(dst []byte) []byte {
	dst, _ = binary.Append(dst, binary.LittleEndian, &w.episode) // it holds fixed-size numbers only
	return w.w.AppendState(dst)
}

// SetState continues from an appended state.
func (w *world) SetState(state []byte) error {
	var e episode
	n, err := binary.Decode(state, binary.LittleEndian, &e)
	if err != nil {
		return fmt.Errorf("malformed state of %d bytes: %w", len(state), err)
	}
	for i, p := range params {
		if v := e.Params[i]; !(v >= p.Lo && v <= p.Hi) {
			return fmt.Errorf("malformed state: level parameter %s is %v, want %v to %v", p.Name, v, p.Lo, p.Hi)
		}
	}
	if err := w.w.SetState(state[n:]); err != nil {
		return err
	}
	w.episode = e
	w.see()
	return nil
}

var (
	_ env.SimEnv   = (*world)(nil)
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
)
