package box2d

import (
	"math"

	b2 "github.com/ByteArena/box2d"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// A Hit is where a ray met a shape.
type Hit struct {
	Fraction float32  // of the way, 0 to 1; 1 if nothing was hit
	Normal   geom.Vec // of the surface, against the ray
	Body     int      // whose shape it was, or -1 for a ground
}

// RayCast returns the first surface between two points, among shapes whose category is in
// mask and which are not sensors, and whether there is one. A ray that starts inside a shape
// does not see it.
func (w *World) RayCast(from, to geom.Vec, mask uint32) (Hit, bool) {
	const nobody = groundBody - 1
	return w.cast(vec(from), vec(to), mask, nobody)
}

// CastRays writes the hit fraction of each of the scene's rays to dst; 1 where nothing is hit.
func (w *World) CastRays(dst []float32) {
	for i := range w.scene.Rays {
		r := &w.scene.Rays[i]
		body := w.bodyNamed(r.Body)
		b := w.bodies[body]
		from, along := b2.B2TransformVec2Mul(b.M_xf, vec(r.From)), vec(r.Along)
		if !r.Upright {
			along = b2.B2RotVec2Mul(b.M_xf.Q, along)
		}
		mask := r.Mask
		if mask == 0 {
			mask = math.MaxUint32
		}
		h, _ := w.cast(from, b2.B2Vec2Add(from, along), mask, body)
		dst[i] = h.Fraction
	}
}

// cast walks the library's tree of shapes by itself, for capsules to be met as such.
func (w *World) cast(from, to b2.B2Vec2, mask uint32, except int) (Hit, bool) {
	hit := Hit{Fraction: 1}
	found := false
	input := b2.MakeB2RayCastInput()
	input.P1, input.P2, input.MaxFraction = from, to, 1
	if from == to {
		return hit, false
	}
	tree := &w.w.M_contactManager.M_broadPhase
	tree.RayCast(func(in b2.B2RayCastInput, node int) float64 {
		proxy := tree.GetUserData(node).(*b2.B2FixtureProxy)
		f := proxy.Fixture
		p := partOf(f)
		if f.M_isSensor || p.body == except || categoryOf(p)&mask == 0 {
			return in.MaxFraction
		}
		out := b2.MakeB2RayCastOutput()
		ok := false
		if p.capsule != nil {
			ok = castCapsule(&out, in, f.M_body.M_xf, p)
		} else {
			ok = f.M_shape.RayCast(&out, in, f.M_body.M_xf, proxy.ChildIndex)
		}
		if !ok {
			return in.MaxFraction
		}
		found = true
		hit = Hit{Fraction: float32(out.Fraction), Normal: back(out.Normal), Body: p.body}
		if out.Fraction == 0 {
			return 0 // the library takes it for "stop"
		}
		return out.Fraction
	}, input)
	return hit, found
}

func categoryOf(p *part) uint32 {
	if p.filter.Category == 0 {
		return 1
	}
	return p.filter.Category
}

// castCapsule meets a ray with the two straight sides and the two end circles.
func castCapsule(out *b2.B2RayCastOutput, in b2.B2RayCastInput, xf b2.B2Transform, p *part) bool {
	r := float64(p.capsule.Radius)
	a := b2.B2TransformVec2Mul(xf, vec(p.capsule.Points[0]))
	c := b2.B2TransformVec2Mul(xf, vec(p.capsule.Points[1]))
	axis := b2.B2Vec2Sub(c, a)
	l := axis.Normalize()
	d := b2.B2Vec2Sub(in.P2, in.P1)
	rel := b2.B2Vec2Sub(in.P1, a)
	if t := math.Max(0, math.Min(l, b2.B2Vec2Dot(rel, axis))); b2.B2Vec2Distance(rel, b2.B2Vec2MulScalar(t, axis)) < r {
		return false // it starts inside
	}
	best := in.MaxFraction
	hit := false
	take := func(t float64, normal b2.B2Vec2) {
		if t >= 0 && t <= best && b2.B2Vec2Dot(normal, d) < 0 {
			best, hit = t, true
			out.Fraction, out.Normal = t, normal
		}
	}
	side := b2.MakeB2Vec2(-axis.Y, axis.X)
	for _, n := range []b2.B2Vec2{side, side.OperatorNegate()} {
		if dn := b2.B2Vec2Dot(n, d); dn != 0 {
			t := (r - b2.B2Vec2Dot(rel, n)) / dn
			if along := b2.B2Vec2Dot(rel, axis) + t*b2.B2Vec2Dot(d, axis); along >= 0 && along <= l {
				take(t, n)
			}
		}
	}
	for _, o := range []b2.B2Vec2{a, c} {
		s := b2.B2Vec2Sub(in.P1, o)
		dd, sd := b2.B2Vec2Dot(d, d), b2.B2Vec2Dot(s, d)
		if disc := sd*sd - dd*(b2.B2Vec2Dot(s, s)-r*r); disc >= 0 {
			t := (-sd - math.Sqrt(disc)) / dd
			n := b2.B2Vec2MulScalar(1/r, b2.B2Vec2Add(s, b2.B2Vec2MulScalar(t, d)))
			take(t, n)
		}
	}
	return hit
}
