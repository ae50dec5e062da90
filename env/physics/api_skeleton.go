package physics

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// A Model is what all worlds of a scene share. It is immutable.
type Model struct{ scene *scene.Scene }

// Compile checks s and returns its Model. It keeps no reference to s.
func Compile(s *scene.Scene) (*Model, error) { panic("physics: under construction") }

// NewWorld returns a world in the scene's initial state.
func (m *Model) NewWorld() *World { panic("physics: under construction") }

// Body returns the number of the named body. It, like its siblings below, panics if there is none.
func (m *Model) Body(name string) int { return 0 }

// Joint returns the number of the named joint.
func (m *Model) Joint(name string) int { return 0 }

// Ground returns the number of the named ground.
func (m *Model) Ground(name string) int { return 0 }

// Thruster returns the number of the named thruster.
func (m *Model) Thruster(name string) int { return 0 }

// Ray returns the number of the named ray.
func (m *Model) Ray(name string) int { return 0 }

// Shape returns the number of the i-th shape of a body; each segment of a chain counts as one.
func (m *Model) Shape(body, i int) int { return 0 }

// Bodies, Joints, Shapes, Thrusters and Rays are the numbers of such elements.
func (m *Model) Bodies() int    { return 0 }
func (m *Model) Joints() int    { return 0 }
func (m *Model) Thrusters() int { return 0 }
func (m *Model) Rays() int      { return 0 }

// StateLen returns the number of bytes that World.AppendState appends.
func (m *Model) StateLen() int { return 0 }

// Bytes returns the memory that one world takes.
func (m *Model) Bytes() int { return 0 }

// A World is one world of a Model.
type World struct{ m *Model }

// Model returns the model of w.
func (w *World) Model() *Model { return w.m }

// Reset returns to the scene's initial state, undoing all Set methods too.
func (w *World) Reset() {}

// Step advances the world by dt seconds; dt should be the same in every step. Forces applied
// since the last step act throughout it and are then forgotten.
func (w *World) Step(dt float32) {}

// CopyFrom makes w equal to o, a world of the same Model.
func (w *World) CopyFrom(o *World) {}

// AppendState appends the exact state: Model().StateLen() bytes.
func (w *World) AppendState(dst []byte) []byte { return dst }

// SetState continues from what AppendState of a world of the same Model appended. An error
// leaves w as it was.
func (w *World) SetState(state []byte) error { return nil }

// Pose returns the position of the origin and the angle of a body, rad, not wrapped.
func (w *World) Pose(body int) (origin geom.Vec, angle float32) { return }

// Rot returns the rotation of a body.
func (w *World) Rot(body int) geom.Rot { return geom.Rot{} }

// Centre returns the centre of mass of a body.
func (w *World) Centre(body int) geom.Vec { return geom.Vec{} }

// Velocity returns the velocity of the centre of mass of a body and its spin, rad/s.
func (w *World) Velocity(body int) (v geom.Vec, spin float32) { return }

// VelocityAt returns the velocity of the point of a body that is now at p.
func (w *World) VelocityAt(body int, p geom.Vec) geom.Vec { return geom.Vec{} }

// WorldPoint returns where the local point p of a body is.
func (w *World) WorldPoint(body int, p geom.Vec) geom.Vec { return p }

// LocalPoint is the inverse of WorldPoint.
func (w *World) LocalPoint(body int, p geom.Vec) geom.Vec { return p }

// Mass returns the mass of a body, kg, and its moment of inertia about the centre of mass,
// kg m^2; both are 0 for bodies that are not dynamic.
func (w *World) Mass(body int) (mass, inertia float32) { return }

// SetPose moves a body, keeping its velocity. Bodies joined to it are not moved along.
func (w *World) SetPose(body int, origin geom.Vec, angle float32) {}

// SetVelocity sets the velocity of the centre of mass and the spin.
func (w *World) SetVelocity(body int, v geom.Vec, spin float32) {}

// SetDamping sets the damping of a body, 1/s.
func (w *World) SetDamping(body int, linear, angular float32) {}

// SetGravity sets the acceleration of gravity, m/s^2.
func (w *World) SetGravity(g geom.Vec) {}

// Gravity returns the acceleration of gravity.
func (w *World) Gravity() geom.Vec { return geom.Vec{} }

// ApplyForce makes a force, N, act on a body at the world point p during the next step.
func (w *World) ApplyForce(body int, force, p geom.Vec) {}

// ApplyTorque makes a torque, N m, act during the next step.
func (w *World) ApplyTorque(body int, torque float32) {}

// ApplyImpulse changes the velocities of a body at once, N s at the world point p.
func (w *World) ApplyImpulse(body int, impulse, p geom.Vec) {}

// ApplySpin changes the spin of a body at once by an angular impulse, N m s.
func (w *World) ApplySpin(body int, impulse float32) {}

// Thrust runs a thruster at a throttle from 0 to 1 during the next step.
func (w *World) Thrust(thruster int, throttle float32) {}

// SetCircle, SetCapsule, SetPolygon and SetSegment change the geometry of a shape of that kind,
// in local coordinates, and the mass of its body. The velocity of the origin's point changes
// with the centre of mass; the pose of the origin does not. A polygon may not get more corners
// than the scene gave it.
func (w *World) SetCircle(shape int, centre geom.Vec, radius float32) {}
func (w *World) SetCapsule(shape int, a, b geom.Vec, radius float32)  {}
func (w *World) SetPolygon(shape int, corners []geom.Vec)             {}
func (w *World) SetSegment(shape int, a, b geom.Vec)                  {}

// SetDensity changes the density of a shape and the mass of its body.
func (w *World) SetDensity(shape int, density float32) {}

// SetSurface changes the friction and restitution of a shape.
func (w *World) SetSurface(shape int, friction, restitution float32) {}

// SetEnabled removes a shape from collisions, rays and overlaps, or brings it back. Its mass stays.
func (w *World) SetEnabled(shape int, on bool) {}

// SetGround replaces the points of a ground, at most its capacity.
func (w *World) SetGround(ground int, points []geom.Vec) {}

// SetGroundSurface changes the friction and restitution of a ground.
func (w *World) SetGroundSurface(ground int, friction, restitution float32) {}

// GroundHeight returns the height of a ground at x; beyond its ends, that of the end.
func (w *World) GroundHeight(ground int, x float32) float32 { return 0 }

// SetMotor drives a joint towards a speed with at most the given torque, N m, or force, N.
// A maximum of 0 switches the motor off.
func (w *World) SetMotor(joint int, speed, max float32) {}

// SetLimits sets the lowest and the highest position of a joint that has limits in the scene.
func (w *World) SetLimits(joint int, lo, hi float32) {}

// SetAnchors moves the anchors of a joint, local to its two bodies.
func (w *World) SetAnchors(joint int, a, b geom.Vec) {}

// JointPosition returns the angle (revolute, rad), translation (prismatic, m) or length
// (distance, m) of a joint.
func (w *World) JointPosition(joint int) float32 { return 0 }

// JointSpeed returns the rate of change of JointPosition.
func (w *World) JointSpeed(joint int) float32 { return 0 }

// JointAnchor returns where the anchor on body B is.
func (w *World) JointAnchor(joint int) geom.Vec { return geom.Vec{} }

// MotorImpulse returns what the motor of a joint gave in the last step, N m s or N s.
func (w *World) MotorImpulse(joint int) float32 { return 0 }

// World as seen by rays and contact queries: the body number of grounds.
const GroundBody = -1

// A Hit is where a ray met a shape.
type Hit struct {
	Fraction float32  // of the way, 0 to 1; 1 if nothing was hit
	Normal   geom.Vec // of the surface, against the ray
	Body     int      // whose shape it was, or GroundBody
}

// RayCast returns the first surface between two points, among shapes whose category is in
// mask and which are not sensors, and whether there is one. A ray that starts inside a shape
// does not see it.
func (w *World) RayCast(from, to geom.Vec, mask uint32) (Hit, bool) { return Hit{}, false }

// CastRays writes the hit fraction of each of the scene's rays to dst; 1 where nothing is hit.
func (w *World) CastRays(dst []float32) {}

// Touching reports whether a body touches anything that it collides with.
func (w *World) Touching(body int) bool { return false }

// TouchingGround reports whether a body touches a ground or a static body.
func (w *World) TouchingGround(body int) bool { return false }

// TouchingBodies reports whether two bodies touch; a sensor of one touches what it overlaps.
func (w *World) TouchingBodies(a, b int) bool { return false }

// Overlaps reports whether a sensor shape overlaps any shape of a body.
func (w *World) Overlaps(sensor, body int) bool { return false }

// Energy returns the kinetic energy of all dynamic bodies, and their potential energy in the
// gravity field relative to the height of the world's origin, J.
func (w *World) Energy() (kinetic, potential float32) { return }

// RestTime returns for how many seconds a body has been almost still.
func (w *World) RestTime(body int) float32 { return 0 }
