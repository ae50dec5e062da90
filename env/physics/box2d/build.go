package box2d

import (
	"fmt"
	"math"
	"slices"

	b2 "github.com/ByteArena/box2d"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// A part is what a fixture says of itself: a shape of a body, or a ground.
type part struct {
	body    int // number, or groundBody
	shape   int // number, -1 for grounds; a capsule has several fixtures, a chain one for all its segments
	filter  scene.Filter
	capsule *scene.Shape // nil for other shapes
	off     bool         // collides with nothing
}

const groundBody = -1

// A contactFilter lets shapes collide as their scene.Filters say. It is set because a world of
// the library has none by default and then ignores all filters.
type contactFilter struct{}

func (contactFilter) ShouldCollide(a, b *b2.B2Fixture) bool {
	p, q := partOf(a), partOf(b)
	return !p.off && !q.off && p.filter.Collides(q.filter)
}

func partOf(f *b2.B2Fixture) *part { return f.M_userData.(*part) }

func (w *World) build() error {
	world := b2.MakeB2World(vec(w.scene.Gravity))
	w.w = &world
	world.SetContactFilter(contactFilter{})
	world.SetAllowSleeping(false)
	world.M_continuousPhysics = false // Step does it by itself, under the lock
	w.bodies, w.joints, w.shapes = w.bodies[:0], w.joints[:0], 0

	def := b2.MakeB2BodyDef()
	w.ground = world.CreateBody(&def)
	for i := range w.scene.Grounds {
		if err := w.addGround(&w.scene.Grounds[i]); err != nil {
			return err
		}
	}
	for i := range w.scene.Bodies {
		if err := w.addBody(i); err != nil {
			return fmt.Errorf("body %q: %w", w.scene.Bodies[i].Name, err)
		}
	}
	for i := range w.scene.Joints {
		if err := w.addJoint(&w.scene.Joints[i]); err != nil {
			return fmt.Errorf("joint %q: %w", w.scene.Joints[i].Name, err)
		}
	}
	return nil
}

func (w *World) addGround(g *scene.Ground) error {
	p := &part{body: groundBody, shape: -1, filter: g.Filter}
	return fixChain(w.ground, g.Points, b2.B2FixtureDef{Friction: float64(g.Friction), Restitution: float64(g.Restitution), UserData: p})
}

// fixChain adds segments that know their neighbours, so that shapes slide over the joints.
func fixChain(b *b2.B2Body, points []geom.Vec, def b2.B2FixtureDef) error {
	var vs []b2.B2Vec2
	for _, p := range points {
		// The library asserts that neighbours are further apart than its slop.
		if len(vs) == 0 || b2.B2Vec2DistanceSquared(vs[len(vs)-1], vec(p)) > 1.01*b2.B2_linearSlop*b2.B2_linearSlop {
			vs = append(vs, vec(p))
		}
	}
	if len(vs) < 2 {
		return fmt.Errorf("a line of segments needs 2 points more than %v m apart", b2.B2_linearSlop)
	}
	chain := b2.MakeB2ChainShape()
	chain.CreateChain(vs, len(vs))
	def.Shape = &chain
	b.CreateFixtureFromDef(&def)
	return nil
}

func (w *World) addBody(i int) error {
	s := &w.scene.Bodies[i]
	def := b2.MakeB2BodyDef()
	switch s.Kind {
	case scene.Kinematic:
		def.Type = b2.B2BodyType.B2_kinematicBody
	case scene.Dynamic:
		def.Type = b2.B2BodyType.B2_dynamicBody
	}
	def.Position, def.Angle = vec(s.Position), float64(s.Angle)
	def.LinearDamping, def.AngularDamping = float64(s.LinearDamping), float64(s.AngularDamping)
	def.AllowSleep, def.FixedRotation = false, s.FixedRotation
	def.UserData = w.shapes
	b := w.w.CreateBody(&def)
	w.bodies = append(w.bodies, b)
	for k := range s.Shapes {
		sh := &s.Shapes[k]
		if err := fix(b, i, w.shapes, sh); err != nil {
			return fmt.Errorf("shape %d: %w", k, err)
		}
		w.sensors = w.sensors || sh.Sensor
		w.shapes++
		if sh.Kind == scene.Chain {
			w.shapes += len(sh.Points) - 2
		}
	}
	if s.Kind == scene.Dynamic {
		m := massOf(s.Shapes)
		b.SetMassData(&m)
	}
	b.SetLinearVelocity(vec(s.Velocity))
	b.SetAngularVelocity(float64(s.Spin))
	return nil
}

// fix adds the fixtures of a shape. They weigh nothing: the body's mass is set as a whole.
func fix(b *b2.B2Body, body, number int, s *scene.Shape) error {
	p := &part{body: body, shape: number, filter: s.Filter}
	def := b2.B2FixtureDef{Friction: float64(s.Friction), Restitution: float64(s.Restitution), IsSensor: s.Sensor, UserData: p}
	switch s.Kind {
	case scene.Circle:
		fixCircle(b, s.Points[0], s.Radius, def)
	case scene.Capsule:
		p.capsule = s
		return fixCapsule(b, s, def)
	case scene.Polygon:
		fixPolygon(b, s.Points, def)
	case scene.Segment, scene.Chain:
		return fixChain(b, s.Points, def)
	}
	return nil
}

func fixCircle(b *b2.B2Body, centre geom.Vec, radius float32, def b2.B2FixtureDef) {
	c := b2.MakeB2CircleShape()
	c.M_p, c.M_radius = vec(centre), float64(radius)
	def.Shape = &c
	b.CreateFixtureFromDef(&def)
}

func fixPolygon(b *b2.B2Body, points []geom.Vec, def b2.B2FixtureDef) {
	vs := make([]b2.B2Vec2, len(points))
	for i, p := range points {
		vs[i] = vec(p)
	}
	poly := b2.MakeB2PolygonShape()
	poly.Set(vs, len(vs))
	def.Shape = &poly
	b.CreateFixtureFromDef(&def)
}

// fixCapsule makes a capsule of two circles and a box between them, which the library's skin of
// polygons makes as thick as the circles.
func fixCapsule(b *b2.B2Body, s *scene.Shape, def b2.B2FixtureDef) error {
	half := s.Radius - b2.B2_polygonRadius
	if half < b2.B2_linearSlop {
		return fmt.Errorf("a capsule of radius %v, want at least %v: %w", s.Radius, b2.B2_polygonRadius+b2.B2_linearSlop, ErrUnsupported)
	}
	a, c := s.Points[0], s.Points[1]
	fixCircle(b, a, s.Radius, def)
	fixCircle(b, c, s.Radius, def)
	axis := c.Sub(a)
	if length := axis.Len(); length > 2*b2.B2_linearSlop {
		side := geom.Vec{X: -axis.Y, Y: axis.X}.Mul(half / length)
		fixPolygon(b, []geom.Vec{a.Sub(side), c.Sub(side), c.Add(side), a.Add(side)}, def)
	}
	return nil
}

func (w *World) bodyNamed(name string) int {
	return slices.IndexFunc(w.scene.Bodies, func(b scene.Body) bool { return b.Name == name })
}

func (w *World) addJoint(s *scene.Joint) error {
	a, b := w.ground, w.bodies[w.bodyNamed(s.B)]
	if s.A != "" {
		a = w.bodies[w.bodyNamed(s.A)]
	}
	var lo, hi, speed, most float64
	if s.Limits != nil {
		lo, hi = float64(s.Limits[0]), float64(s.Limits[1])
	}
	if s.Motor != nil {
		speed, most = float64(s.Motor.Speed), float64(s.Motor.Max)
	}
	var def b2.B2JointDefInterface
	switch s.Kind {
	case scene.Revolute:
		d := b2.MakeB2RevoluteJointDef()
		d.LocalAnchorA, d.LocalAnchorB, d.ReferenceAngle = vec(s.AnchorA), vec(s.AnchorB), float64(s.Reference)
		d.EnableLimit, d.LowerAngle, d.UpperAngle = s.Limits != nil, lo, hi
		d.EnableMotor, d.MotorSpeed, d.MaxMotorTorque = most > 0, speed, most
		def = &d
	case scene.Prismatic:
		d := b2.MakeB2PrismaticJointDef()
		d.LocalAnchorA, d.LocalAnchorB, d.ReferenceAngle = vec(s.AnchorA), vec(s.AnchorB), float64(s.Reference)
		d.LocalAxisA = vec(s.Axis)
		d.LocalAxisA.Normalize()
		d.EnableLimit, d.LowerTranslation, d.UpperTranslation = s.Limits != nil, lo, hi
		d.EnableMotor, d.MotorSpeed, d.MaxMotorForce = most > 0, speed, most
		def = &d
	case scene.Weld:
		d := b2.MakeB2WeldJointDef()
		d.LocalAnchorA, d.LocalAnchorB, d.ReferenceAngle = vec(s.AnchorA), vec(s.AnchorB), float64(s.Reference)
		def = &d
	case scene.Distance:
		d, err := rodOrRope(s, b2.B2Vec2Distance(a.GetWorldPoint(vec(s.AnchorA)), b.GetWorldPoint(vec(s.AnchorB))))
		if err != nil {
			return err
		}
		def = d
	}
	def.SetBodyA(a)
	def.SetBodyB(b)
	def.SetCollideConnected(s.Collide)
	j := w.w.CreateJoint(def)
	limit(w.w, j)
	w.joints = append(w.joints, j)
	return nil
}

func rodOrRope(s *scene.Joint, length float64) (b2.B2JointDefInterface, error) {
	lo, hi := length, length
	if s.Limits != nil {
		lo, hi = float64(s.Limits[0]), float64(s.Limits[1])
	}
	switch {
	case lo == hi:
		d := b2.MakeB2DistanceJointDef()
		d.LocalAnchorA, d.LocalAnchorB, d.Length = vec(s.AnchorA), vec(s.AnchorB), hi
		return &d, nil
	case lo <= 0 && !math.IsInf(hi, 1):
		d := b2.MakeB2RopeJointDef()
		d.LocalAnchorA, d.LocalAnchorB, d.MaxLength = vec(s.AnchorA), vec(s.AnchorB), hi
		return &d, nil
	}
	return nil, fmt.Errorf("distance limits %v..%v, want equal ones or 0 and a length: %w", lo, hi, ErrUnsupported)
}
