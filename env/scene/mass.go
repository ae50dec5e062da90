package scene

import "github.com/terrarium-rl/terrarium/env/geom"

// A Mass is what matters of a body or shape for its motion.
type Mass struct {
	Mass    float32  // kg
	Centre  geom.Vec // of mass, local
	Inertia float32  // about the centre of mass, kg m^2
}

// Add returns the mass of m and n as one rigid body, by the parallel axis theorem.
func (m Mass) Add(n Mass) Mass {
	total := m.Mass + n.Mass
	if total == 0 {
		return Mass{}
	}
	c := m.Centre.Mul(m.Mass).Add(n.Centre.Mul(n.Mass)).Mul(1 / total)
	dm, dn := m.Centre.Sub(c), n.Centre.Sub(c)
	return Mass{total, c, m.Inertia + float32(m.Mass*dm.Dot(dm)) + (n.Inertia + float32(n.Mass*dn.Dot(dn)))}
}

// CircleMass returns the mass of a disc.
func CircleMass(centre geom.Vec, radius, density float32) Mass {
	m := float32(density * geom.Pi * radius * radius)
	return Mass{m, centre, float32(0.5 * m * radius * radius)}
}

// CapsuleMass returns the mass of a capsule: a box with half a disc at either end. The centroid
// of half a disc lies 4r/(3 pi) from its straight side.
func CapsuleMass(a, b geom.Vec, radius, density float32) Mass {
	axis := b.Sub(a)
	l, r2 := axis.Len(), radius*radius
	disc, box := float32(density*geom.Pi*r2), float32(density*2*radius*l)
	h := 0.5 * l
	// Two halves of a disc, moved apart by h: I = m r^2/2 + m h^2 + 2 m h 4r/(3 pi).
	inertia := float32(disc*(float32(0.5*r2)+float32(h*h)+float32(h*radius*(8/(3*geom.Pi))))) +
		float32(box*(float32(4*r2)+float32(l*l)))/12
	return Mass{disc + box, a.Add(b).Mul(0.5), inertia}
}

// PolygonMass returns the mass of a simple polygon with counter-clockwise corners, as the sum
// of the triangles from its first corner.
func PolygonMass(corners []geom.Vec, density float32) Mass {
	var area, inertia float32
	var c geom.Vec
	o := corners[0]
	for i := 1; i+1 < len(corners); i++ {
		p, q := corners[i].Sub(o), corners[i+1].Sub(o)
		d := p.Cross(q)
		area += float32(0.5 * d)
		c = c.Add(p.Add(q).Mul(d / 6))
		inertia += d * (p.Dot(p) + p.Dot(q) + q.Dot(q)) / 12
	}
	if area == 0 {
		return Mass{}
	}
	c = c.Mul(1 / area)
	m := float32(density * area)
	return Mass{m, o.Add(c), float32(density*inertia) - float32(m*c.Dot(c))}
}

// Mass returns the mass of s; segments, chains and sensors without density have none.
func (s *Shape) Mass() Mass {
	switch s.Kind {
	case Circle:
		return CircleMass(s.Points[0], s.Radius, s.Density)
	case Capsule:
		return CapsuleMass(s.Points[0], s.Points[1], s.Radius, s.Density)
	case Polygon:
		return PolygonMass(s.Points, s.Density)
	}
	return Mass{}
}

// Mass returns the mass of a valid body, whatever its kind.
func (b *Body) Mass() (m Mass) {
	for i := range b.Shapes {
		m = m.Add(b.Shapes[i].Mass())
	}
	return m
}
