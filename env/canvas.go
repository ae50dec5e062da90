package env

import "github.com/terrarium-rl/terrarium/env/geom"

// A Canvas receives the shapes of one world, back to front, in world coordinates: metres, y up.
// What a role looks like is the renderer's business.
type Canvas interface {
	// View suggests what to show: the rectangle from lo to hi. It is called once, first.
	View(lo, hi geom.Vec)

	// Polygon fills the convex or concave polygon through pts, which it does not retain.
	Polygon(role Role, pts []geom.Vec)

	// Circle fills a disc; spoke is the angle of a mark that shows its rotation, in radians.
	Circle(role Role, centre geom.Vec, radius, spoke float32)

	// Line strokes the open line through pts, width metres wide; 0 means a hairline.
	Line(role Role, width float32, pts []geom.Vec)

	// Label writes a short text at a point.
	Label(role Role, at geom.Vec, text string)
}

// A Charter is a Canvas that takes note of where observed places lie, of environments whose x and y are not
// metres of what they draw.
type Charter interface {
	// Chart says that the place (x, y), as it is observed, is drawn at origin + (x unit.X, y unit.Y).
	Chart(origin, unit geom.Vec)
}

// A Role says what a shape is, for renderers to choose its colour.
type Role uint8

const (
	RoleGround   Role = iota // terrain and walls
	RoleAgent                // the body of the first agent
	RoleOther                // bodies of further agents
	RoleLimb                 // parts that hang on an agent
	RoleObject               // things that can be moved
	RoleGoal                 // where to go, what to reach
	RoleHazard               // what to avoid
	RoleKey                  // what opens something, and what it opens
	RoleJoint                // joints and anchors
	RoleForce                // thrust, wind, applied forces
	RoleSensor               // rays and fields of view
	RoleText                 // labels
	RoleBackdrop             // decoration behind everything
	roleCount
)

// Roles is the number of roles.
const Roles = int(roleCount)
