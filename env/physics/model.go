package physics

import (
	"fmt"
	"slices"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// A Model is what all worlds of a scene share: which bodies, shapes and joints there are, what
// may collide with what, and the order in which the joints are solved. It is immutable.
type Model struct {
	layout    layout
	template  []uint32 // the initial state
	bodies    []bodyInfo
	shapes    []shapeInfo
	joints    []jointInfo
	grounds   []groundInfo
	thrusters []thrusterInfo
	rays      []rayInfo
	fan       *fan
	goals     []scene.Goal
	view      *scene.View

	moving  []int32    // bodies that can move
	movers  []int32    // shapes of bodies that can move
	hot     [2][]int32 // lines of the memory of a world that each step reads, by World.own
	landing []slot     // shapes of dynamic bodies and the grounds they may touch
	pairs   []slot     // pairs of shapes that may touch
	trees   []tree
	rows    int // constraints of all joints
	dofs    int // velocities of all bodies that can move; three zeros follow them

	scratches pool
	collide   map[int]bool // joints whose bodies collide with each other
}

type bodyInfo struct {
	name   string
	kind   scene.BodyKind
	fixed  bool // FixedRotation
	role   env.Role
	shape0 int32
	shapes int32
	dof    int32 // of its first velocity
	tree   int32 // -1 if its velocity does not respond to impulses
	links  []link
}

type shapeInfo struct {
	kind         scene.ShapeKind
	body         int32
	vert0, verts int32 // its corners, and room for how many
	sensor       bool
	moves        bool
	filter       scene.Filter
}

type jointInfo struct {
	name    string
	kind    scene.JointKind
	a, b    int32
	limited bool
	row0    int32 // first row of its tree's constraints
	rows    int32
	driven  bool // a kinematic body takes part
	axis    bool // it has a motor or limits, so a row of its own in the sweeps
}

type groundInfo struct {
	name         string
	vert0, verts int32
	filter       scene.Filter
}

type thrusterInfo struct {
	name  string
	body  int32
	at    geom.Vec
	force geom.Vec // at full throttle, local
}

type rayInfo struct {
	name        string
	body        int32
	from, along geom.Vec
	upright     bool
	mask        uint32
	shapes      []int32 // that it can see
}

// slot is a pair of things that may touch: shapes, or for landing a ground and a shape.
type slot struct {
	a, b   int32
	sensor bool
}

// Compile checks s and returns its Model. It keeps no reference to s.
func Compile(s *scene.Scene) (*Model, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("scene %s: %w", s.Name, err)
	}
	m := &Model{collide: map[int]bool{}}
	m.addBodies(s)
	m.addGrounds(s)
	m.addJoints(s)
	m.addDevices(s)
	m.addSlots(s)
	m.addTrees()
	m.fan = m.findFan()
	m.fill(s)
	m.scratches.New = func() any { return m.newScratch() }
	return m, nil
}

func (m *Model) addBodies(s *scene.Scene) {
	for i := range s.Bodies {
		b := &s.Bodies[i]
		info := bodyInfo{name: b.Name, kind: b.Kind, fixed: b.FixedRotation, role: b.Role, shape0: int32(len(m.shapes)), tree: -1}
		moves := b.Kind != scene.Static
		if moves {
			m.moving = append(m.moving, int32(i))
		}
		for k := range b.Shapes {
			sh := &b.Shapes[k]
			for range parts(sh) {
				corners := len(sh.Points)
				if sh.Kind == scene.Chain {
					corners = 2
				}
				if moves {
					m.movers = append(m.movers, int32(len(m.shapes)))
				}
				m.shapes = append(m.shapes, shapeInfo{
					kind: sh.Kind, body: int32(i), vert0: int32(m.layout.verts), verts: int32(corners),
					sensor: sh.Sensor, moves: moves, filter: sh.Filter,
				})
				m.layout.verts += corners
			}
		}
		info.shapes = int32(len(m.shapes)) - info.shape0
		m.bodies = append(m.bodies, info)
	}
	m.bodies = append(m.bodies, bodyInfo{kind: scene.Static, shape0: int32(len(m.shapes)), tree: -1})
	m.layout.bodies, m.layout.shapes = len(m.bodies), len(m.shapes)
}

// parts returns the number of shapes that the engine makes of sh.
func parts(sh *scene.Shape) int {
	if sh.Kind == scene.Chain {
		return len(sh.Points) - 1
	}
	return 1
}

func (m *Model) addGrounds(s *scene.Scene) {
	for i := range s.Grounds {
		g := &s.Grounds[i]
		n := max(g.Capacity, len(g.Points))
		m.grounds = append(m.grounds, groundInfo{name: g.Name, vert0: int32(m.layout.gverts), verts: int32(n), filter: g.Filter})
		m.layout.gverts += n
	}
	m.layout.grounds = len(m.grounds)
}

func (m *Model) addJoints(s *scene.Scene) {
	for i := range s.Joints {
		j := &s.Joints[i]
		info := jointInfo{name: j.Name, kind: j.Kind, a: int32(len(m.bodies) - 1), b: int32(m.Body(j.B)), limited: j.Limits != nil}
		if j.A != "" {
			info.a = int32(m.Body(j.A))
		}
		switch j.Kind {
		case scene.Revolute, scene.Prismatic:
			info.rows, info.axis = 2, true // a motor may be switched on later
		case scene.Weld:
			info.rows = 3
		case scene.Distance:
			info.rows, info.axis = 1, info.limited
			if info.limited {
				info.rows = 0
			}
		}
		info.driven = m.bodies[info.a].kind == scene.Kinematic || m.bodies[info.b].kind == scene.Kinematic
		if j.Collide {
			m.collide[i] = true
		}
		m.joints = append(m.joints, info)
	}
	m.layout.joints = len(m.joints)
}

func (m *Model) addDevices(s *scene.Scene) {
	for i := range s.Thrusters {
		t := &s.Thrusters[i]
		m.thrusters = append(m.thrusters, thrusterInfo{t.Name, int32(m.Body(t.Body)), t.At, t.Direction.Mul(t.Max / t.Direction.Len())})
	}
	m.goals = slices.Clone(s.Goals)
	if s.View != nil {
		view := *s.View
		m.view = &view
	}
	for i := range s.Rays {
		r := &s.Rays[i]
		mask := r.Mask
		if mask == 0 {
			mask = ^mask
		}
		body := int32(m.Body(r.Body))
		var shapes []int32
		for k := range m.shapes {
			if m.visible(k, mask, body) {
				shapes = append(shapes, int32(k))
			}
		}
		m.rays = append(m.rays, rayInfo{r.Name, body, r.From, r.Along, r.Upright, mask, shapes})
	}
}

// addSlots lists what may touch what. At least one of two bodies must be able to respond,
// except that sensors notice kinematic bodies too.
func (m *Model) addSlots(s *scene.Scene) {
	for _, sb := range m.movers {
		b := &m.shapes[sb]
		if m.bodies[b.body].kind != scene.Dynamic || b.sensor {
			continue
		}
		for g := range m.grounds {
			if b.filter.Collides(m.grounds[g].filter) {
				m.landing = append(m.landing, slot{a: int32(g), b: sb})
			}
		}
	}
	joined := map[[2]int32]bool{}
	for i := range m.joints {
		if j := &m.joints[i]; !s.Joints[i].Collide {
			joined[[2]int32{j.a, j.b}], joined[[2]int32{j.b, j.a}] = true, true
		}
	}
	for _, sb := range m.movers {
		for sa := range m.shapes {
			a, b := &m.shapes[sa], &m.shapes[sb]
			ka, kb := m.bodies[a.body].kind, m.bodies[b.body].kind
			sensor := a.sensor || b.sensor
			switch {
			case a.body == b.body || a.moves && int32(sa) > sb: // each pair of movers once
			case a.sensor && b.sensor:
			case ka != scene.Dynamic && kb != scene.Dynamic && !(sensor && (ka != scene.Static || kb != scene.Static)):
			case !a.filter.Collides(b.filter):
			case joined[[2]int32{a.body, b.body}]:
			default:
				m.pairs = append(m.pairs, slot{int32(sa), sb, sensor})
			}
		}
	}
	points := 2 * len(m.pairs)
	if len(m.landing) > 0 {
		points = 1 << 20
	}
	m.layout.contacts = min(points, 8*len(m.movers)+8)
}

// fill computes the initial state.
func (m *Model) fill(s *scene.Scene) {
	m.layout.carve(nil)
	w := &World{m: m}
	w.views = m.layout.carve(make([]uint32, m.layout.words))
	w.SetGravity(s.Gravity)
	for i := range m.shapes {
		w.shapes[i].on = 1
	}
	for i := range s.Bodies {
		b := &s.Bodies[i]
		at := int(m.bodies[i].shape0)
		for k := range b.Shapes {
			sh := &b.Shapes[k]
			for part := range parts(sh) {
				st := &w.shapes[at]
				st.density, st.friction, st.restitution = sh.Density, sh.Friction, sh.Restitution
				w.setCorners(at, sh.Points[part:part+int(m.shapes[at].verts)], sh.Radius)
				at++
			}
		}
		w.weigh(i)
		w.SetPose(i, b.Position, b.Angle)
		w.SetVelocity(i, b.Velocity, b.Spin)
		w.SetDamping(i, b.LinearDamping, b.AngularDamping)
	}
	w.bodies[len(s.Bodies)].c = 1
	for i := range s.Grounds {
		w.SetGround(i, s.Grounds[i].Points)
		w.SetGroundSurface(i, s.Grounds[i].Friction, s.Grounds[i].Restitution)
	}
	for i := range s.Joints {
		w.initJoint(i, &s.Joints[i])
	}
	m.template = w.mem
	m.hot = [...][]int32{m.hotLines(true), m.hotLines(false)}
}

// lookup returns the index of the named element, or panics.
func lookup[T any](kind, name string, elems []T, nameOf func(*T) string) int {
	for i := range elems {
		if nameOf(&elems[i]) == name {
			return i
		}
	}
	panic(fmt.Sprintf("physics: there is no %s %q", kind, name))
}

// Body returns the number of the named body: its index in the scene. It, like its siblings,
// panics if there is none.
func (m *Model) Body(name string) int {
	return lookup("body", name, m.bodies[:len(m.bodies)-1], func(b *bodyInfo) string { return b.name })
}

// Joint returns the number of the named joint.
func (m *Model) Joint(name string) int {
	return lookup("joint", name, m.joints, func(j *jointInfo) string { return j.name })
}

// Ground returns the number of the named ground.
func (m *Model) Ground(name string) int {
	return lookup("ground", name, m.grounds, func(g *groundInfo) string { return g.name })
}

// Thruster returns the number of the named thruster.
func (m *Model) Thruster(name string) int {
	return lookup("thruster", name, m.thrusters, func(t *thrusterInfo) string { return t.name })
}

// Ray returns the number of the named ray.
func (m *Model) Ray(name string) int {
	return lookup("ray", name, m.rays, func(r *rayInfo) string { return r.name })
}

// Shape returns the number of the i-th shape of a body, where each segment of a chain counts
// as one.
func (m *Model) Shape(body, i int) int {
	b := &m.bodies[body]
	if i < 0 || i >= int(b.shapes) {
		panic(fmt.Sprintf("physics: body %q has %d shapes, there is no shape %d", b.name, b.shapes, i))
	}
	return int(b.shape0) + i
}

// Bodies returns the number of bodies.
func (m *Model) Bodies() int { return len(m.bodies) - 1 }

// Joints returns the number of joints.
func (m *Model) Joints() int { return len(m.joints) }

// Thrusters returns the number of thrusters.
func (m *Model) Thrusters() int { return len(m.thrusters) }

// Rays returns the number of rays, which CastRays casts.
func (m *Model) Rays() int { return len(m.rays) }

// StateLen returns the number of bytes that World.AppendState appends.
func (m *Model) StateLen() int { return 4 * m.layout.state }
