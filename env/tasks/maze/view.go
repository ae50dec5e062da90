package maze

import (
	"strconv"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// A ray is a direction and the distance along it for a metre of x and of y; 0 where it never gets there.
type ray struct{ along, inverse geom.Vec }

// aimRays sets the directions of the rays.
func (w *world) aimRays() {
	w.rays = make([]ray, w.config.Rays)
	invert := func(x *float32) float32 {
		if geom.Abs(*x) < 1e-6 { // it would get there beyond every maze
			*x = 0
			return 0
		}
		return 1 / *x
	}
	for i := range w.rays {
		sin, cos := geom.Sincos(float32(2*geom.Pi*float32(i)) / float32(len(w.rays)))
		along := geom.Vec{X: cos, Y: sin}
		inverse := geom.Vec{X: invert(&along.X), Y: invert(&along.Y)}
		w.rays[i] = ray{along, inverse}
	}
}

// look writes what the rays meet, and returns the rest of the row.
func (w *world) look(obs []float32) []float32 {
	n := len(w.rays)
	for i := range w.rays {
		d, door := w.cast(&w.rays[i])
		obs[i], obs[n+i], obs[2*n+i] = d, 0, 0
		if door >= 0 {
			held := float32(w.Held >> door & 1)
			obs[n+i], obs[2*n+i] = 1-held, held
		}
	}
	return obs[3*n:]
}

// An axis is the walk of a ray along x or y. It crosses, by turns, borders, which are as wide
// as the walls, and what is between them: interval 2i is the inside of the cells of column i,
// 2i+1 the border to column i+1.
type axis struct {
	interval int32
	step     int32   // of the interval: 1 or -1
	next     float32 // distance along the ray of the end of the interval
	from     float32 // coordinate of the ray's start
	inverse  float32 // distance along the ray for a metre along the axis
}

func (w *world) axis(from, inverse float32) axis {
	cell := geom.Floor(from)
	a := axis{interval: 2 * int32(cell), step: 1, from: from, inverse: inverse}
	switch {
	case from-cell < w.half:
		a.interval--
	case from-cell > 1-w.half:
		a.interval++
	}
	if inverse < 0 {
		a.step = -1
	}
	if inverse == 0 {
		a.next = 1e9
	} else {
		w.aim(&a)
	}
	return a
}

// aim computes where the ray leaves the interval.
func (w *world) aim(a *axis) {
	cell := float32(a.interval >> 1)
	var end float32
	switch odd := a.interval&1 != 0; {
	case odd && a.step > 0:
		end = cell + 1 + w.half
	case odd:
		end = cell + 1 - w.half
	case a.step > 0:
		end = cell + 1 - w.half
	default:
		end = cell + w.half
	}
	a.next = (end - a.from) * a.inverse
}

// cast returns the distance of the first wall or closed door along a ray, at most the range,
// and the number of the door, or -1. It walks from block to block like Amanatides and Woo, "A
// Fast Voxel Traversal Algorithm for Ray Tracing" (Eurographics 1987).
func (w *world) cast(r *ray) (float32, int) {
	x, y := w.axis(w.P.X, r.inverse.X), w.axis(w.P.Y, r.inverse.Y)
	for {
		a := &x
		if y.next < x.next {
			a = &y
		}
		at := a.next
		if at >= w.config.Range {
			return w.config.Range, -1
		}
		a.interval += a.step
		if solid, door := w.solid(x.interval, y.interval); solid {
			return geom.Max(at, 0), door
		}
		w.aim(a)
	}
}

// solid reports whether the block at two intervals is wall, post or closed door, and which door.
func (w *world) solid(x, y int32) (bool, int) {
	n := int32(w.grid.Size)
	var c int32
	var s gen.Side
	switch {
	case x&1 == 0 && y&1 == 0:
		return false, -1
	case x&1 != 0 && y&1 != 0, x < 0, y < 0:
		return true, -1
	case x&1 != 0:
		c, s = x>>1+n*(y>>1), gen.East
	default:
		c, s = x>>1+n*(y>>1), gen.North
	}
	if !w.closed(c, s) {
		return false, -1
	}
	return true, w.grid.Door(c, s)
}

// Draw draws the maze from above.
func (w *world) Draw(c env.Canvas) {
	edge := float32(w.grid.Size) + w.half
	c.View(geom.Vec{X: -w.half, Y: -w.half}, geom.Vec{X: edge, Y: edge})
	c.Circle(env.RoleGoal, w.centre(w.grid.Goal), goalRadius, 0)
	w.walls = w.grid.AppendWalls(w.walls[:0])
	for _, l := range w.walls {
		w.block(c, env.RoleGround, l.From, l.To)
	}
	for i, d := range w.grid.Doors {
		if w.Opened>>i&1 == 0 {
			w.drawDoor(c, i, d)
		}
	}
	for i, k := range w.grid.Keys {
		if w.Held>>i&1 == 0 {
			c.Circle(env.RoleKey, w.centre(k), keyRadius, 0)
			c.Label(env.RoleText, w.centre(k), strconv.Itoa(i+1))
		}
	}
	for i := range w.rays {
		d, _ := w.cast(&w.rays[i])
		c.Line(env.RoleSensor, 0, []geom.Vec{w.P, w.P.Add(w.rays[i].along.Mul(d))})
	}
	c.Circle(env.RoleAgent, w.P, w.Params[radius], 0)
}

func (w *world) drawDoor(c env.Canvas, i int, d gen.Door) {
	a, b := w.centre(d.Cell), w.centre(w.grid.Neighbour(d.Cell, d.Side))
	mid, across := a.Add(b).Mul(0.5), b.Sub(a)
	half := geom.Vec{X: -across.Y, Y: across.X}.Mul(0.5 - 2*w.half)
	w.block(c, env.RoleKey, mid.Sub(half), mid.Add(half))
	c.Label(env.RoleText, mid, strconv.Itoa(i+1))
}

// block fills the rectangle around a line along an axis, half a wall wide on all sides.
func (w *world) block(c env.Canvas, role env.Role, p, q geom.Vec) {
	lo := geom.Vec{X: min(p.X, q.X) - w.half, Y: min(p.Y, q.Y) - w.half}
	hi := geom.Vec{X: max(p.X, q.X) + w.half, Y: max(p.Y, q.Y) + w.half}
	c.Polygon(role, []geom.Vec{lo, {X: hi.X, Y: lo.Y}, hi, {X: lo.X, Y: hi.Y}})
}
