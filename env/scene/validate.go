package scene

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
)

// Validate reports the first thing wrong with s, naming the element, such as
// "bodies[2].shapes[0]: polygon is not convex at corner 3".
func (s *Scene) Validate() error {
	c := checker{bodies: map[string]*Body{}}
	c.vec("gravity", s.Gravity)
	moving := 0
	for i := range s.Bodies {
		b := &s.Bodies[i]
		at := fmt.Sprintf("bodies[%d]", i)
		c.body(at, b)
		if _, twice := c.bodies[b.Name]; twice {
			c.fail(at, "the name %q is used twice", b.Name)
		}
		c.bodies[b.Name] = b
		if b.Kind != Static {
			moving++
		}
	}
	if moving > MaxBodies {
		c.fail("bodies", "%d bodies can move, want at most %d", moving, MaxBodies)
	}
	names := map[string]bool{}
	for i := range s.Joints {
		at := fmt.Sprintf("joints[%d]", i)
		c.name(at, s.Joints[i].Name, names)
		c.joint(at, &s.Joints[i])
	}
	clear(names)
	for i := range s.Grounds {
		at := fmt.Sprintf("grounds[%d]", i)
		c.name(at, s.Grounds[i].Name, names)
		c.ground(at, &s.Grounds[i])
	}
	clear(names)
	for i := range s.Thrusters {
		at := fmt.Sprintf("thrusters[%d]", i)
		c.name(at, s.Thrusters[i].Name, names)
		c.thruster(at, &s.Thrusters[i])
	}
	clear(names)
	for i := range s.Rays {
		at := fmt.Sprintf("rays[%d]", i)
		c.name(at, s.Rays[i].Name, names)
		c.ray(at, &s.Rays[i])
	}
	clear(names)
	for i := range s.Goals {
		at, g := fmt.Sprintf("goals[%d]", i), &s.Goals[i]
		c.name(at, g.Name, names)
		c.vec(at+".centre", g.Centre)
		c.least(at+".radius", g.Radius, 0)
	}
	if v := s.View; v != nil {
		c.vec("view.lo", v.Lo)
		c.vec("view.hi", v.Hi)
		if !(v.Lo.X < v.Hi.X && v.Lo.Y < v.Hi.Y) {
			c.fail("view", "lo is not left of and below hi")
		}
	}
	return c.err
}

// A checker keeps the first failure.
type checker struct {
	err    error
	bodies map[string]*Body
}

func (c *checker) fail(at, format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
	}
}

func (c *checker) finite(at string, x float32) {
	if !geom.Finite(x) {
		c.fail(at, "is %v, want a finite number", x)
	}
}

func (c *checker) vec(at string, v geom.Vec) {
	if !geom.Finite(v.X) || !geom.Finite(v.Y) {
		c.fail(at, "is (%v, %v), want finite numbers", v.X, v.Y)
	}
}

func (c *checker) least(at string, x, least float32) {
	if !(x >= least) || !geom.Finite(x) {
		c.fail(at, "is %v, want a number from %v", x, least)
	}
}

func (c *checker) above(at string, x float32) {
	if !(x > 0) || !geom.Finite(x) {
		c.fail(at, "is %v, want a number above 0", x)
	}
}

func (c *checker) name(at, name string, seen map[string]bool) {
	if name == "" {
		c.fail(at, "needs a name")
	}
	if seen[name] {
		c.fail(at, "the name %q is used twice", name)
	}
	seen[name] = true
}

func (c *checker) surface(at string, friction, restitution float32) {
	c.least(at+".friction", friction, 0)
	if !(restitution >= 0 && restitution <= 1) {
		c.fail(at+".restitution", "is %v, want 0 to 1", restitution)
	}
}

func (c *checker) body(at string, b *Body) {
	if b.Name == "" {
		c.fail(at, "needs a name")
	}
	if b.Kind != Dynamic && b.Kind != Static && b.Kind != Kinematic {
		c.fail(at, "unknown kind %q, want %q, %q or none for a dynamic body", b.Kind, Static, Kinematic)
	}
	c.vec(at+".position", b.Position)
	c.finite(at+".angle", b.Angle)
	c.vec(at+".velocity", b.Velocity)
	c.finite(at+".spin", b.Spin)
	c.least(at+".linear_damping", b.LinearDamping, 0)
	c.least(at+".angular_damping", b.AngularDamping, 0)
	if b.Kind == Static && (b.Velocity != (geom.Vec{}) || b.Spin != 0) {
		c.fail(at, "a static body cannot have a velocity")
	}
	for i := range b.Shapes {
		c.shape(fmt.Sprintf("%s.shapes[%d]", at, i), b, &b.Shapes[i])
	}
	if c.err != nil || b.Kind != Dynamic {
		return
	}
	m := b.Mass()
	if !(m.Mass > 0) || !geom.Finite(m.Mass) || !(m.Inertia > 0) || !geom.Finite(m.Inertia) {
		c.fail(at, "its mass is %v kg and its inertia %v kg m^2, want both above 0: give its shapes a density", m.Mass, m.Inertia)
	}
}

func (c *checker) shape(at string, b *Body, s *Shape) {
	for i, p := range s.Points {
		c.vec(fmt.Sprintf("%s.points[%d]", at, i), p)
	}
	c.least(at+".density", s.Density, 0)
	c.surface(at, s.Friction, s.Restitution)
	want := map[ShapeKind][2]int{Circle: {1, 1}, Capsule: {2, 2}, Polygon: {3, MaxCorners}, Segment: {2, 2}, Chain: {2, 1 << 16}}
	n, known := want[s.Kind]
	switch {
	case !known:
		c.fail(at, "unknown kind %q, want circle, capsule, polygon, segment or chain", s.Kind)
	case len(s.Points) < n[0] || len(s.Points) > n[1]:
		c.fail(at, "a %s has %d points, want %d to %d", s.Kind, len(s.Points), n[0], n[1])
	}
	if c.err != nil {
		return
	}
	switch s.Kind {
	case Circle, Capsule:
		c.above(at+".radius", s.Radius)
		if s.Kind == Capsule && !apart(s.Points[0], s.Points[1]) {
			c.fail(at, "the ends of the capsule coincide: use a circle")
		}
	case Polygon:
		if err := Convex(s.Points); err != nil {
			c.fail(at, "%v", err)
		}
	case Segment, Chain:
		if b.Kind != Static {
			c.fail(at, "a %s needs a static body", s.Kind)
		}
		for i := 1; i < len(s.Points); i++ {
			if !apart(s.Points[i-1], s.Points[i]) {
				c.fail(at, "points %d and %d coincide", i-1, i)
			}
		}
	}
	if s.Radius != 0 && s.Kind != Circle && s.Kind != Capsule {
		c.fail(at, "a %s has no radius", s.Kind)
	}
}

// minLength is the least distance between neighbouring points, m.
const minLength = 1e-4

func apart(a, b geom.Vec) bool { return b.Sub(a).Len() >= minLength }

// Convex reports the first corner at which the points are not those of a convex polygon in
// counter-clockwise order.
func Convex(p []geom.Vec) error {
	n := len(p)
	if n < 3 || n > MaxCorners {
		return fmt.Errorf("polygon has %d corners, want 3 to %d", n, MaxCorners)
	}
	var area float32
	for i := 1; i+1 < n; i++ {
		area += p[i].Sub(p[0]).Cross(p[i+1].Sub(p[0]))
	}
	if !(area > 0) {
		return fmt.Errorf("the corners of the polygon do not run counter-clockwise")
	}
	for i := range n {
		a, b := p[i], p[(i+1)%n]
		if !apart(a, b) {
			return fmt.Errorf("polygon corners %d and %d coincide", i, (i+1)%n)
		}
		edge := b.Sub(a)
		for k := 2; k < n; k++ { // all others lie left of the edge: this also refuses stars
			if q := (i + k) % n; !(edge.Cross(p[q].Sub(a)) > 1e-6*edge.Len()) {
				return fmt.Errorf("polygon is not convex at corner %d", (i+1)%n)
			}
		}
	}
	return nil
}

func (c *checker) known(at, name string) *Body {
	b := c.bodies[name]
	if b == nil {
		c.fail(at, "there is no body %q", name)
	}
	return b
}

func (c *checker) joint(at string, j *Joint) {
	b := c.known(at+".b", j.B)
	a := &Body{Kind: Static}
	if j.A != "" {
		a = c.known(at+".a", j.A)
	}
	if c.err != nil {
		return
	}
	if a == b {
		c.fail(at, "it joins body %q to itself", j.A)
	}
	if a.Kind != Dynamic && b.Kind != Dynamic {
		c.fail(at, "neither of its bodies is dynamic")
	}
	c.vec(at+".anchor_a", j.AnchorA)
	c.vec(at+".anchor_b", j.AnchorB)
	c.vec(at+".axis", j.Axis)
	c.finite(at+".reference", j.Reference)
	switch j.Kind {
	case Revolute, Weld, Distance:
		if j.Axis != (geom.Vec{}) {
			c.fail(at, "a %s joint has no axis", j.Kind)
		}
	case Prismatic:
		if j.Axis.Len() < minLength {
			c.fail(at, "a prismatic joint needs an axis")
		}
	default:
		c.fail(at, "unknown kind %q, want revolute, prismatic, weld or distance", j.Kind)
	}
	if j.Kind == Distance && j.Limits == nil && !apart(c.anchors(a, b, j)) {
		c.fail(at, "the anchors of a rod coincide: use a revolute joint")
	}
	if l := j.Limits; l != nil {
		c.finite(at+".limits[0]", l[0])
		c.finite(at+".limits[1]", l[1])
		if l[0] > l[1] {
			c.fail(at+".limits", "are %v to %v, want the lower first", l[0], l[1])
		}
		if j.Kind == Weld {
			c.fail(at, "a weld joint has no limits")
		}
	}
	if m := j.Motor; m != nil {
		c.finite(at+".motor.speed", m.Speed)
		c.least(at+".motor.max", m.Max, 0)
		if j.Kind != Revolute && j.Kind != Prismatic {
			c.fail(at, "a %s joint has no motor", j.Kind)
		}
	}
}

// anchors returns the anchors in world coordinates.
func (c *checker) anchors(a, b *Body, j *Joint) (p, q geom.Vec) {
	return a.Position.Add(geom.Rotation(a.Angle).Apply(j.AnchorA)), b.Position.Add(geom.Rotation(b.Angle).Apply(j.AnchorB))
}

func (c *checker) ground(at string, g *Ground) {
	if err := Terrain(g.Points); err != nil {
		c.fail(at, "%v", err)
	}
	if g.Capacity != 0 && g.Capacity < len(g.Points) {
		c.fail(at+".capacity", "is %d, want at least the %d points", g.Capacity, len(g.Points))
	}
	if max(g.Capacity, len(g.Points)) > 1<<16 {
		c.fail(at, "has room for %d points, want at most %d", max(g.Capacity, len(g.Points)), 1<<16)
	}
	c.surface(at, g.Friction, g.Restitution)
}

// Terrain reports the first point at which the points are not those of a Ground.
func Terrain(p []geom.Vec) error {
	if len(p) < 2 {
		return fmt.Errorf("ground has %d points, want at least 2", len(p))
	}
	for i, q := range p {
		if !geom.Finite(q.X) || !geom.Finite(q.Y) {
			return fmt.Errorf("ground point %d is (%v, %v), want finite numbers", i, q.X, q.Y)
		}
		if i > 0 && q.X < p[i-1].X {
			return fmt.Errorf("ground point %d lies left of the point before it", i)
		}
		if i > 0 && !apart(q, p[i-1]) {
			return fmt.Errorf("ground points %d and %d coincide", i-1, i)
		}
	}
	if !(p[len(p)-1].X > p[0].X) {
		return fmt.Errorf("ground has no width")
	}
	return nil
}

func (c *checker) thruster(at string, t *Thruster) {
	b := c.known(at+".body", t.Body)
	if b != nil && b.Kind != Dynamic {
		c.fail(at, "body %q is not dynamic", t.Body)
	}
	c.vec(at+".at", t.At)
	c.vec(at+".direction", t.Direction)
	if t.Direction.Len() < minLength {
		c.fail(at, "needs a direction")
	}
	c.least(at+".max", t.Max, 0)
}

func (c *checker) ray(at string, r *Ray) {
	c.known(at+".body", r.Body)
	c.vec(at+".from", r.From)
	c.vec(at+".along", r.Along)
	if r.Along.Len() < minLength {
		c.fail(at, "has no length")
	}
}
