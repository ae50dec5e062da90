// Package scene describes one physics world as plain data: bodies and their shapes, joints,
// ground, thrusters, rays and goals. Every engine compiles the same description; env/physics
// holds the plain Go engine.
//
// A [Scene] is built in Go or read from JSON by [Decode], which refuses unknown keys. Elements
// are named, and refer to each other by name. Lengths are metres, masses kilograms, angles
// radians counter-clockwise, y points up. Local coordinates are those of a body's origin, not
// of its centre of mass.
package scene

import (
	"math"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// Limits of what a Scene may hold.
const (
	MaxBodies  = 32 // dynamic and kinematic bodies; static ones are not limited
	MaxCorners = 8  // of a polygon
)

// A Scene is one world before anything moves.
type Scene struct {
	Name      string     `json:"name,omitempty"`
	Gravity   geom.Vec   `json:"gravity"` // acceleration, m/s^2
	Bodies    []Body     `json:"bodies"`
	Joints    []Joint    `json:"joints,omitempty"`
	Grounds   []Ground   `json:"grounds,omitempty"`
	Thrusters []Thruster `json:"thrusters,omitempty"`
	Rays      []Ray      `json:"rays,omitempty"`
	Goals     []Goal     `json:"goals,omitempty"`
	View      *View      `json:"view,omitempty"` // what to show; nil: all of it
}

// A View is the rectangle of the world that is worth looking at.
type View struct {
	Lo geom.Vec `json:"lo"`
	Hi geom.Vec `json:"hi"`
}

// BodyKind says what moves a body.
type BodyKind string

const (
	Dynamic   BodyKind = ""          // moved by forces and contacts; the default
	Static    BodyKind = "static"    // never moves by itself
	Kinematic BodyKind = "kinematic" // keeps the velocity it is given, as if of infinite mass
)

// A Body is a rigid body.
type Body struct {
	Name           string   `json:"name"`
	Kind           BodyKind `json:"kind,omitempty"`
	Position       geom.Vec `json:"position"`                  // of the body's origin
	Angle          float32  `json:"angle,omitempty"`           // rad
	Velocity       geom.Vec `json:"velocity,omitzero"`         // of the centre of mass, m/s
	Spin           float32  `json:"spin,omitempty"`            // rad/s
	LinearDamping  float32  `json:"linear_damping,omitempty"`  // 1/s: velocity is divided by 1 + damping*dt each step
	AngularDamping float32  `json:"angular_damping,omitempty"` // 1/s
	FixedRotation  bool     `json:"fixed_rotation,omitempty"`
	Role           env.Role `json:"role,omitempty"` // how to draw it
	Shapes         []Shape  `json:"shapes"`
}

// ShapeKind says which geometry a Shape has.
type ShapeKind string

const (
	Circle  ShapeKind = "circle"  // Points: the centre. Radius above 0
	Capsule ShapeKind = "capsule" // Points: the two ends of its axis. Radius above 0
	Polygon ShapeKind = "polygon" // Points: 3 to 8 corners of a convex polygon, counter-clockwise
	Segment ShapeKind = "segment" // Points: the two ends; static bodies only; solid from both sides
	Chain   ShapeKind = "chain"   // Points: 2 or more, joined by segments; static bodies only
)

// A Shape is a part of a body that has mass and collides.
type Shape struct {
	Kind        ShapeKind  `json:"kind"`
	Points      []geom.Vec `json:"points"` // local coordinates
	Radius      float32    `json:"radius,omitempty"`
	Density     float32    `json:"density,omitempty"`     // kg/m^2
	Friction    float32    `json:"friction,omitempty"`    // two shapes rub with the geometric mean of theirs
	Restitution float32    `json:"restitution,omitempty"` // two shapes bounce with the larger of theirs
	Sensor      bool       `json:"sensor,omitempty"`      // reports overlaps and does not collide
	Filter
}

// A Filter says what collides with what: if two filters have the same Group, which is not 0,
// they collide if it is positive; otherwise each one's Mask must hold the other's Category.
// Bodies that a joint connects do not collide unless the joint says so.
type Filter struct {
	Category uint32 `json:"category,omitempty"` // bit set; 0 means 1
	Mask     uint32 `json:"mask,omitempty"`     // bit set; 0 means all
	Group    int32  `json:"group,omitempty"`
}

// Collides reports whether f and g let their shapes collide.
func (f Filter) Collides(g Filter) bool {
	if f.Group != 0 && f.Group == g.Group {
		return f.Group > 0
	}
	return f.mask()&g.category() != 0 && g.mask()&f.category() != 0
}

func (f Filter) category() uint32 {
	if f.Category == 0 {
		return 1
	}
	return f.Category
}

func (f Filter) mask() uint32 {
	if f.Mask == 0 {
		return math.MaxUint32
	}
	return f.Mask
}

// JointKind says which relative motion a Joint leaves.
type JointKind string

const (
	Revolute  JointKind = "revolute"  // rotation about the anchors, which coincide; position: angle of B less angle of A less Reference, rad
	Prismatic JointKind = "prismatic" // sliding along Axis, without rotation; position: metres from anchor A to anchor B along it
	Weld      JointKind = "weld"      // none
	Distance  JointKind = "distance"  // the anchors keep their distance; position: metres between them
)

// A Joint connects two bodies at their anchors. Its position is a number that its motor drives
// and its limits bound; see the kinds. Engines pull bodies together that do not start joined.
type Joint struct {
	Name      string      `json:"name"`
	Kind      JointKind   `json:"kind"`
	A         string      `json:"a,omitempty"`         // name of a body; empty: the fixed world
	B         string      `json:"b"`                   // name of a body
	AnchorA   geom.Vec    `json:"anchor_a"`            // local to A
	AnchorB   geom.Vec    `json:"anchor_b"`            // local to B
	Axis      geom.Vec    `json:"axis,omitzero"`       // prismatic: local to A; need not be normalised
	Reference float32     `json:"reference,omitempty"` // revolute: angle of B less angle of A at position 0; prismatic, weld: the one that is kept, rad
	Limits    *[2]float32 `json:"limits,omitempty"`    // revolute, prismatic, distance: lowest and highest position. A distance joint without limits is a rod of its initial length
	Motor     *Motor      `json:"motor,omitempty"`     // revolute and prismatic
	Collide   bool        `json:"collide,omitempty"`   // let A and B collide with each other
}

// A Motor drives a joint towards a speed.
type Motor struct {
	Speed float32 `json:"speed,omitempty"` // rad/s or m/s, positive increases the position
	Max   float32 `json:"max"`             // greatest torque, N m, or force, N
}

// A Ground is a line of terrain through points whose x never falls. It is solid below.
type Ground struct {
	Name        string     `json:"name"`
	Points      []geom.Vec `json:"points"`             // world coordinates
	Capacity    int        `json:"capacity,omitempty"` // most points it may ever have; 0: as many as Points
	Friction    float32    `json:"friction,omitempty"`
	Restitution float32    `json:"restitution,omitempty"`
	Filter
}

// A Thruster pushes a body.
type Thruster struct {
	Name      string   `json:"name"`
	Body      string   `json:"body"`
	At        geom.Vec `json:"at"`        // local point the force acts at
	Direction geom.Vec `json:"direction"` // local direction of the force on the body; need not be normalised
	Max       float32  `json:"max"`       // force at full throttle, N
}

// A Ray is a distance sensor that moves with a body.
type Ray struct {
	Name    string   `json:"name"`
	Body    string   `json:"body"`
	From    geom.Vec `json:"from"`              // local to the body
	Along   geom.Vec `json:"along"`             // from the start of the ray to its end
	Upright bool     `json:"upright,omitempty"` // Along does not turn with the body
	Mask    uint32   `json:"mask,omitempty"`    // categories it sees; 0 means all. It never sees its own body, nor sensors
}

// A Goal is a region that the task is about; engines ignore it.
type Goal struct {
	Name   string   `json:"name"`
	Role   env.Role `json:"role,omitempty"`
	Centre geom.Vec `json:"centre"`
	Radius float32  `json:"radius"`
}

// Box returns the corners of a box with the given half extents, for a Polygon.
func Box(centre geom.Vec, halfWidth, halfHeight, angle float32) []geom.Vec {
	r := geom.Rotation(angle)
	pts := []geom.Vec{{X: -halfWidth, Y: -halfHeight}, {X: halfWidth, Y: -halfHeight}, {X: halfWidth, Y: halfHeight}, {X: -halfWidth, Y: halfHeight}}
	for i := range pts {
		pts[i] = centre.Add(r.Apply(pts[i]))
	}
	return pts
}
