package box2d

import (
	"math"

	b2 "github.com/ByteArena/box2d"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// massOf returns mass, centre of mass and moment of inertia about the origin of a body. It is
// computed here, and not by the library, because a capsule is made of overlapping fixtures.
func massOf(shapes []scene.Shape) (m b2.B2MassData) {
	var first b2.B2Vec2 // mass times position
	for i := range shapes {
		mass, centre, inertia := shapeMass(&shapes[i])
		m.Mass += mass
		first.X += mass * centre.X
		first.Y += mass * centre.Y
		m.I += inertia + mass*(centre.X*centre.X+centre.Y*centre.Y) // parallel axes
	}
	if m.Mass > 0 {
		m.Center = b2.MakeB2Vec2(first.X/m.Mass, first.Y/m.Mass)
	}
	return m
}

// shapeMass returns the mass of a shape, its centre, and its moment of inertia about the centre.
func shapeMass(s *scene.Shape) (mass float64, centre b2.B2Vec2, inertia float64) {
	d, r := float64(s.Density), float64(s.Radius)
	switch s.Kind {
	case scene.Circle:
		mass = d * math.Pi * r * r
		return mass, vec(s.Points[0]), mass * r * r / 2
	case scene.Capsule:
		return capsuleMass(d, r, vec(s.Points[0]), vec(s.Points[1]))
	case scene.Polygon:
		return polygonMass(d, s)
	}
	return 0, centre, 0
}

// capsuleMass adds a rectangle and two half discs; the centre of a half disc is 4r/(3 pi) from
// its straight side.
func capsuleMass(d, r float64, a, c b2.B2Vec2) (mass float64, centre b2.B2Vec2, inertia float64) {
	l := b2.B2Vec2Distance(a, c)
	box, discs := d*2*r*l, d*math.Pi*r*r
	half := 4 * r / (3 * math.Pi)
	inertia = box * (l*l + 4*r*r) / 12
	inertia += discs * (r*r/2 - half*half + (l/2+half)*(l/2+half))
	return box + discs, b2.MakeB2Vec2((a.X+c.X)/2, (a.Y+c.Y)/2), inertia
}

// polygonMass sums the triangles between the first corner and each side.
func polygonMass(d float64, s *scene.Shape) (mass float64, centre b2.B2Vec2, inertia float64) {
	o := vec(s.Points[0])
	var cx, cy float64
	for i := 1; i+1 < len(s.Points); i++ {
		p, q := vec(s.Points[i]), vec(s.Points[i+1])
		px, py, qx, qy := p.X-o.X, p.Y-o.Y, q.X-o.X, q.Y-o.Y
		m := d * (px*qy - py*qx) / 2
		mass += m
		cx += m * (px + qx) / 3
		cy += m * (py + qy) / 3
		inertia += m * (px*px + py*py + px*qx + py*qy + qx*qx + qy*qy) / 6 // about o
	}
	if mass > 0 {
		cx, cy = cx/mass, cy/mass
	}
	return mass, b2.MakeB2Vec2(o.X+cx, o.Y+cy), inertia - mass*(cx*cx+cy*cy)
}
