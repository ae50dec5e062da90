package physics

import (
	"fmt"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// SetCircle changes the centre and radius of a circle, in local coordinates of its body, and
// with it the mass of the body. Like its siblings it leaves the pose of the origin and the
// velocity of the centre of mass as they are, and panics if the shape is of another kind.
func (w *World) SetCircle(shape int, centre geom.Vec, radius float32) {
	w.want(shape, scene.Circle)
	w.reshape(shape, []geom.Vec{centre}, radius)
}

// SetCapsule changes the ends and the radius of a capsule.
func (w *World) SetCapsule(shape int, a, b geom.Vec, radius float32) {
	w.want(shape, scene.Capsule)
	w.reshape(shape, []geom.Vec{a, b}, radius)
}

// SetPolygon changes the corners of a polygon, which are as scene.Convex wants them and at most
// as many as the scene gave it.
func (w *World) SetPolygon(shape int, corners []geom.Vec) {
	w.want(shape, scene.Polygon)
	if most := int(w.m.shapes[shape].verts); len(corners) < 3 || len(corners) > most {
		panic(fmt.Sprintf("physics: SetPolygon with %d corners, want 3 to %d", len(corners), most))
	}
	w.reshape(shape, corners, 0)
}

// SetBox makes a polygon a box with the given half extents.
func (w *World) SetBox(shape int, centre geom.Vec, halfWidth, halfHeight, angle float32) {
	w.want(shape, scene.Polygon)
	if w.m.shapes[shape].verts < 4 {
		panic("physics: SetBox of a polygon that had 3 corners in the scene")
	}
	r := geom.Rotation(angle)
	x, y := r.Apply(geom.Vec{X: halfWidth}), r.Apply(geom.Vec{Y: halfHeight})
	w.reshape(shape, []geom.Vec{
		centre.Sub(x).Sub(y), centre.Add(x).Sub(y), centre.Add(x).Add(y), centre.Sub(x).Add(y),
	}, 0)
}

// SetSegment changes the ends of a segment, or of one segment of a chain.
func (w *World) SetSegment(shape int, a, b geom.Vec) {
	if w.m.shapes[shape].kind != scene.Chain {
		w.want(shape, scene.Segment)
	}
	w.reshape(shape, []geom.Vec{a, b}, 0)
}

func (w *World) want(shape int, kind scene.ShapeKind) {
	if k := w.m.shapes[shape].kind; k != kind {
		panic(fmt.Sprintf("physics: shape %d is a %s, not a %s", shape, k, kind))
	}
}

func (w *World) reshape(shape int, corners []geom.Vec, radius float32) {
	info := &w.m.shapes[shape]
	body := int(info.body)
	b := &w.bodies[body]
	local := geom.Vec{X: b.lcx, Y: b.lcy}
	w.setCorners(shape, corners, radius)
	for i := range corners { // setCorners writes what is relative to the origin
		v := &w.verts[int(info.vert0)+i]
		v.x -= local.X
		v.y -= local.Y
	}
	w.weigh(body)
}

// setCorners writes the corners of a shape relative to the origin of its body, and the normals.
func (w *World) setCorners(shape int, corners []geom.Vec, radius float32) {
	info, s := &w.m.shapes[shape], &w.shapes[shape]
	s.n, s.radius, w.own = uint32(len(corners)), radius, 1
	v := w.verts[info.vert0:][:len(corners)]
	for i, p := range corners {
		q := corners[next(i, len(corners))]
		d := q.Sub(p)
		v[i] = vert{x: p.X, y: p.Y}
		if l := d.Len(); l > 0 {
			v[i].nx, v[i].ny = d.Y/l, -d.X/l
		}
	}
}

// weigh computes the mass of a body from its shapes, and moves their corners to be relative to
// the new centre of mass. The origin stays where it is.
func (w *World) weigh(body int) {
	w.own = 1
	info, b := &w.m.bodies[body], &w.bodies[body]
	shapes := w.shapes[info.shape0 : info.shape0+info.shapes]
	if info.kind == scene.Dynamic {
		var total scene.Mass
		for i := range shapes {
			total = total.Add(w.shapeMass(int(info.shape0)+i, geom.Vec{X: b.lcx, Y: b.lcy}))
		}
		b.mass, b.inertia = total.Mass, total.Inertia
		b.invM, b.invI = 1/b.mass, 1/b.inertia
		if info.fixed {
			b.invI = 0
		}
		dx, dy := total.Centre.X-b.lcx, total.Centre.Y-b.lcy
		b.lcx, b.lcy = total.Centre.X, total.Centre.Y
		x, y := b.rotate(dx, dy)
		b.x, b.y = b.x+x, b.y+y
		for i := range shapes {
			s := &w.m.shapes[int(info.shape0)+i]
			v := w.verts[s.vert0:][:shapes[i].n]
			for k := range v {
				v[k].x -= dx
				v[k].y -= dy
			}
		}
	}
	for i := range shapes {
		w.bound(int(info.shape0) + i)
	}
	w.placeShapes(body)
}

// shapeMass returns the mass of a shape, in coordinates of its body's origin, given the present
// centre of mass.
func (w *World) shapeMass(shape int, centre geom.Vec) scene.Mass {
	info, s := &w.m.shapes[shape], &w.shapes[shape]
	var p [scene.MaxCorners]geom.Vec
	v := w.verts[info.vert0:][:s.n]
	for i := range v {
		p[i] = geom.Vec{X: v[i].x + centre.X, Y: v[i].y + centre.Y}
	}
	switch info.kind {
	case scene.Circle:
		return scene.CircleMass(p[0], s.radius, s.density)
	case scene.Capsule:
		return scene.CapsuleMass(p[0], p[1], s.radius, s.density)
	case scene.Polygon:
		return scene.PolygonMass(p[:s.n], s.density)
	}
	return scene.Mass{}
}

// bound computes the bounding circle of a shape.
func (w *World) bound(shape int) {
	info, s := &w.m.shapes[shape], &w.shapes[shape]
	v := w.verts[info.vert0:][:s.n]
	lox, loy, hix, hiy := v[0].x, v[0].y, v[0].x, v[0].y
	for i := range v {
		lox, loy = geom.Min(lox, v[i].x), geom.Min(loy, v[i].y)
		hix, hiy = geom.Max(hix, v[i].x), geom.Max(hiy, v[i].y)
	}
	s.cx, s.cy, s.bound = 0.5*(lox+hix), 0.5*(loy+hiy), 0
	for i := range v {
		d := geom.Vec{X: v[i].x - s.cx, Y: v[i].y - s.cy}
		s.bound = geom.Max(s.bound, d.Len())
	}
	s.bound += s.thickness()
}

// thickness is how far the surface lies outside the corners.
func (s *shape) thickness() float32 {
	if s.radius > 0 {
		return s.radius
	}
	return skin
}

// SetDensity changes the density of a shape, kg/m^2, and the mass of its body.
func (w *World) SetDensity(shape int, density float32) {
	w.shapes[shape].density = density
	w.weigh(int(w.m.shapes[shape].body))
}

// SetSurface changes the friction and restitution of a shape.
func (w *World) SetSurface(shape int, friction, restitution float32) {
	w.shapes[shape].friction, w.shapes[shape].restitution, w.own = friction, restitution, 1
}

// SetEnabled removes a shape from collisions, rays and overlaps, or brings it back. Its mass
// stays.
func (w *World) SetEnabled(shape int, on bool) {
	w.shapes[shape].on, w.own = 0, 1
	if on {
		w.shapes[shape].on = 1
	}
}

// placeShapes brings the world coordinates of a body's shapes up to date.
func (w *World) placeShapes(body int) {
	info := &w.m.bodies[body]
	for i := range int(info.shapes) {
		w.place(int(info.shape0) + i)
		w.box(int(info.shape0)+i, 0)
	}
}

// place computes the world coordinates of a shape's corners.
func (w *World) place(shape int) {
	info := &w.m.shapes[shape]
	b := &w.bodies[info.body]
	from := w.verts[info.vert0:][:w.shapes[shape].n]
	to := w.world[info.vert0:][:len(from)]
	s, c, x, y := b.s, b.c, b.x, b.y
	for i := range from {
		v := &from[i]
		to[i] = vert{
			x + (float32(c*v.x) - float32(s*v.y)), y + (float32(s*v.x) + float32(c*v.y)),
			float32(c*v.nx) - float32(s*v.ny), float32(s*v.nx) + float32(c*v.ny),
		}
	}
}

// box computes the bounding box of a shape, grown by margin: tight around the corners if they
// cannot move, otherwise around the bounding circle.
func (w *World) box(shape int, margin float32) {
	info, s := &w.m.shapes[shape], &w.shapes[shape]
	if info.moves {
		b := &w.bodies[info.body]
		x, y := b.rotate(s.cx, s.cy)
		x, y, r := b.x+x, b.y+y, s.bound+margin
		w.boxes[shape] = aabb{x - r, y - r, x + r, y + r}
		return
	}
	v := w.world[info.vert0:][:s.n]
	t := s.thickness() + margin
	o := aabb{v[0].x, v[0].y, v[0].x, v[0].y}
	for i := range v {
		o.lox, o.loy = geom.Min(o.lox, v[i].x), geom.Min(o.loy, v[i].y)
		o.hix, o.hiy = geom.Max(o.hix, v[i].x), geom.Max(o.hiy, v[i].y)
	}
	w.boxes[shape] = aabb{o.lox - t, o.loy - t, o.hix + t, o.hiy + t}
}
