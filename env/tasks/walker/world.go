package walker

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

// The numbers of the classic task. It thinks in pixels, 30 of which are a metre.
const (
	dt float32 = 1. / 50
	px float32 = 1. / 30

	hipDrop     = 8 * px   // from the hull's origin down to the hips
	upperWidth  = 4 * px   // half of it
	lowerWidth  = 3.2 * px // half of it
	legHeight   = 17 * px  // half of it, of upper and lower leg
	hipSpeed    = 4        // rad/s, of the motors
	kneeSpeed   = 6        // rad/s
	hipBack     = -0.8     // limits of the joints, rad
	hipFront    = 1.1
	kneeBent    = -1.6
	kneeStretch = -0.1
	rays        = 10
	rayAngle    = 0.15     // between rays, rad
	rayLength   = 160 * px // m

	viewWidth, viewHeight = 600 * px, 400 * px

	startSteps = 10
	startX     = startSteps * gen.TrailStep
	finish     = gen.TrailLength - gen.TrailFinish*gen.TrailStep

	categoryWalker = 2
)

// startHips and startKnee are the joint angles at the start: those of the classic walker after
// its first two steps, which untangle the pose it is created in.
var startHips = [2]float32{0.435, 0.338}

const (
	startKnee  = -0.884
	startClear = 0.04 // m between the lower foot and the ground
)

var hullCorners = [...]geom.Vec{
	{X: -30 * px, Y: 9 * px}, {X: -30 * px, Y: -8 * px}, {X: 34 * px, Y: -8 * px}, {X: 34 * px, Y: 1 * px}, {X: 6 * px, Y: 9 * px},
}

// What the streams of random numbers, all under the level's seed, are for.
const (
	trailPurpose rng.Purpose = 0x7472616c + iota
	startPurpose
)

// A leg's parts, in order: names of bodies and joints.
var legNames = [2][2]string{{"upper 1", "lower 1"}, {"upper 2", "lower 2"}}

// box returns the corners of a part of a leg, half of whose width and height are given.
func box(w, h float32) [4]geom.Vec {
	return [4]geom.Vec{{X: -w, Y: -h}, {X: w, Y: -h}, {X: w, Y: h}, {X: -w, Y: h}}
}

// pose returns where the parts of a leg are while the hull is level at at, its joints are at
// the given angles, and each part is 2*half long; and how far its lowest corner is below at.
func pose(at geom.Vec, hip, knee, half float32) (upper, lower geom.Vec, depth float32) {
	up, low := geom.Rotation(hip), geom.Rotation(hip+knee)
	hinge := at.Sub(geom.Vec{Y: hipDrop})
	upper = hinge.Add(up.Apply(geom.Vec{Y: -half}))
	lower = upper.Add(up.Apply(geom.Vec{Y: -half})).Add(low.Apply(geom.Vec{Y: -half}))
	for _, x := range []float32{-lowerWidth, lowerWidth} {
		depth = geom.Max(depth, at.Y-lower.Y-low.Apply(geom.Vec{X: x, Y: -half}).Y)
	}
	return upper, lower, depth
}

var model = sync.OnceValue(func() *physics.Model {
	m, err := physics.Compile(blueprint())
	if err != nil {
		panic("walker: " + err.Error())
	}
	return m
})

// blueprint returns the classic walker above a plain.
func blueprint() *scene.Scene {
	own := scene.Filter{Category: categoryWalker, Mask: 1}
	at := geom.Vec{X: startX, Y: gen.TrailBase + 3}
	s := &scene.Scene{
		Name: ID, Gravity: geom.Vec{Y: -10},
		Bodies: []scene.Body{{
			Name: "hull", Position: at, Role: env.RoleAgent,
			Shapes: []scene.Shape{{Kind: scene.Polygon, Points: hullCorners[:], Density: 5, Friction: 0.1, Filter: own}},
		}},
		Grounds: []scene.Ground{{
			Name: "trail", Points: []geom.Vec{{X: 0, Y: gen.TrailBase}, {X: gen.TrailLength, Y: gen.TrailBase}},
			Capacity: gen.TrailPoints, Friction: 2.5,
		}},
	}
	for i, names := range legNames {
		upper, lower, _ := pose(at, startHips[i], startKnee, legHeight)
		part := func(name string, at geom.Vec, angle, width float32) {
			corners := box(width, legHeight)
			s.Bodies = append(s.Bodies, scene.Body{
				Name: name, Position: at, Angle: angle, Role: env.RoleLimb,
				Shapes: []scene.Shape{{Kind: scene.Polygon, Points: corners[:], Density: 1, Friction: 0.2, Filter: own}},
			})
		}
		part(names[0], upper, startHips[i], upperWidth)
		part(names[1], lower, startHips[i]+startKnee, lowerWidth)
		s.Joints = append(s.Joints, scene.Joint{
			Name: names[0], Kind: scene.Revolute, A: "hull", B: names[0],
			AnchorA: geom.Vec{Y: -hipDrop}, AnchorB: geom.Vec{Y: legHeight},
			Limits: &[2]float32{hipBack, hipFront}, Motor: &scene.Motor{},
		}, scene.Joint{
			Name: names[1], Kind: scene.Revolute, A: names[0], B: names[1],
			AnchorA: geom.Vec{Y: -legHeight}, AnchorB: geom.Vec{Y: legHeight},
			Limits: &[2]float32{kneeBent, kneeStretch}, Motor: &scene.Motor{},
		})
	}
	for i := range rays {
		sin, cos := geom.Sincos(rayAngle * float32(i))
		s.Rays = append(s.Rays, scene.Ray{
			Name: fmt.Sprint("ray ", i), Body: "hull", Along: geom.Vec{X: sin, Y: -cos}.Mul(rayLength), Upright: true, Mask: 1,
		})
	}
	return s
}

// episode is what a world remembers beside the state of its bodies.
type episode struct {
	Params [paramCount]float32
	Seed   uint64
}

type world struct {
	w      *physics.World
	hull   int
	parts  [2][2]int // bodies: upper and lower of each leg
	joints [2][2]int // hip and knee of each leg
	ground []geom.Vec
	effort float32 // of the present step

	episode
	look
}

// look is what is seen of the bodies, a function of their state.
type look struct {
	at, v       geom.Vec
	angle, spin float32
	rays        [rays]float32
}

func newWorld() *world {
	m := model()
	w := &world{w: m.NewWorld(), hull: m.Body("hull"), ground: make([]geom.Vec, 0, gen.TrailPoints)}
	for i, names := range legNames {
		for k, name := range names {
			w.parts[i][k], w.joints[i][k] = m.Body(name), m.Joint(name)
		}
	}
	return w
}

// grow generates the level's trail.
func (w *world) grow() {
	p := &w.Params
	r := rng.New(w.Seed).Stream(trailPurpose, 0, 0)
	w.ground = gen.Trail{
		Roughness: p[roughness], Stump: p[stumpHeight], Pit: p[pitWidth], Stair: p[stairHeight],
		Start: startSteps + int(p[runUp]),
	}.Append(w.ground[:0], &r)
}

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, _ rng.Key) {
	w.episode = episode{Seed: l.Seed}
	copy(w.Params[:], l.Params)
	p := &w.Params
	w.grow()
	w.w.Reset()
	w.w.SetGround(0, w.ground)
	w.w.SetGroundSurface(0, p[friction], 0)
	w.w.SetGravity(geom.Vec{Y: -p[gravity]})
	w.build()
	w.stand()

	r := rng.New(l.Seed).Stream(startPurpose, 0, 0)
	w.w.ApplyForce(w.hull, geom.Vec{X: r.Range(-p[kick], p[kick])}, w.w.Centre(w.hull))
	w.w.Step(dt)
	w.see()
}

// build gives the legs the level's length.
func (w *world) build() {
	if w.Params[legLength] == 1 {
		return // as compiled
	}
	h := legHeight * w.Params[legLength]
	for i := range w.parts {
		for k, width := range [2]float32{upperWidth, lowerWidth} {
			w.w.SetBox(w.w.Model().Shape(w.parts[i][k], 0), geom.Vec{}, width, h, 0)
		}
		w.w.SetAnchors(w.joints[i][0], geom.Vec{Y: -hipDrop}, geom.Vec{Y: h})
		w.w.SetAnchors(w.joints[i][1], geom.Vec{Y: -h}, geom.Vec{Y: h})
	}
}

// stand puts the walker just above the ground at the start.
func (w *world) stand() {
	h := legHeight * w.Params[legLength]
	at := geom.Vec{X: startX}
	for _, hip := range startHips {
		_, _, depth := pose(geom.Vec{}, hip, startKnee, h)
		at.Y = geom.Max(at.Y, gen.TrailBase+depth+startClear)
	}
	w.w.SetPose(w.hull, at, 0)
	for i, hip := range startHips {
		upper, lower, _ := pose(at, hip, startKnee, h)
		w.w.SetPose(w.parts[i][0], upper, hip)
		w.w.SetPose(w.parts[i][1], lower, hip+startKnee)
	}
}

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) { env.StepSim(w, b) }

// Drive sets the motors.
func (w *world) Drive(b *env.Batch, substep int) (env.Sim, float32) {
	if substep > 0 {
		return nil, 0
	}
	most := w.Params[torque]
	w.effort = 0
	for i, a := range b.Act[:4] {
		speed := float32(hipSpeed)
		if i%2 == 1 {
			speed = kneeSpeed
		}
		if a < 0 {
			speed = -speed
		}
		t := float32(most * geom.Abs(a))
		w.effort += t
		w.w.SetMotor(w.joints[i/2][i%2], speed, t)
	}
	return w.w, dt
}

// Judge looks at what the step led to.
func (w *world) Judge(b *env.Batch) {
	before := w.look
	w.see()
	w.judge(b, &before, w.effort)
}

// see looks at the bodies.
func (w *world) see() {
	w.at, w.angle = w.w.Pose(w.hull)
	w.v, w.spin = w.w.Velocity(w.hull)
	w.w.CastRays(w.rays[:])
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) {
	obs = obs[:14+rays]
	obs[0] = w.angle
	obs[1] = w.spin * (2 * dt)
	obs[2] = w.v.X * (0.3 * viewWidth * dt)
	obs[3] = w.v.Y * (0.3 * viewHeight * dt)
	for i := range w.joints {
		hip, knee := w.joints[i][0], w.joints[i][1]
		leg := obs[4+5*i : 9+5*i]
		leg[0] = w.w.JointPosition(hip)
		leg[1] = w.w.JointSpeed(hip) * (1. / hipSpeed)
		leg[2] = w.w.JointPosition(knee) + 1
		leg[3] = w.w.JointSpeed(knee) * (1. / kneeSpeed)
		leg[4] = truth(w.w.Touching(w.parts[i][1]))
	}
	copy(obs[14:], w.rays[:])
}

// judge reports facts and end of the step.
func (w *world) judge(b *env.Batch, before *look, effort float32) {
	fell := w.w.Touching(w.hull)
	lost := !fell && w.at.X < 0
	finished := !fell && w.at.X > finish
	b.End[0] = env.Running
	if fell || lost || finished {
		b.End[0] = env.Terminated
	}
	f := b.Facts[:factCount]
	tilt := geom.Abs(w.angle)
	if fell || lost {
		f[factProgress], f[factSway], f[factEffort] = 0, 0, 0
	} else {
		f[factProgress], f[factSway], f[factEffort] = w.at.X-before.at.X, tilt-geom.Abs(before.angle), effort
	}
	f[factFell], f[factLost], f[factFinished] = truth(fell), truth(lost), truth(finished)
	f[factDistance] = w.at.X - startX
	f[factSpeed] = w.v.X
	f[factHeight] = w.at.Y - w.w.GroundHeight(0, w.at.X)
	f[factTilt] = tilt
	f[factFoot1], f[factFoot2] = truth(w.w.Touching(w.parts[0][1])), truth(w.w.Touching(w.parts[1][1]))
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
	w.grow()
	w.see()
	return nil
}

var (
	_ env.SimEnv   = (*world)(nil)
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
)
