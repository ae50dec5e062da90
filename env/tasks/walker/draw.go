package walker

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// Draw draws the trail around the walker, hills behind it, the flags at start and finish, the
// rays and the walker, its second leg behind the hull.
func (w *world) Draw(c env.Canvas) {
	lo := geom.Vec{X: w.at.X - viewWidth/4, Y: w.at.Y - 0.45*viewHeight*0.6}
	hi := lo.Add(geom.Vec{X: viewWidth, Y: 0.6 * viewHeight})
	c.View(lo, hi)
	w.drawHills(c, lo, hi)
	w.drawTrail(c, lo, hi)
	for _, x := range []float32{3 * gen.TrailStep, finish} {
		foot := geom.Vec{X: x, Y: w.w.GroundHeight(0, x)}
		top := foot.Add(geom.Vec{Y: 50 * px})
		c.Line(env.RoleGoal, 0.05, []geom.Vec{foot, top})
		c.Polygon(env.RoleGoal, []geom.Vec{top, top.Sub(geom.Vec{Y: 10 * px}), top.Add(geom.Vec{X: 25 * px, Y: -5 * px})})
	}
	for i, free := range w.rays {
		sin, cos := geom.Sincos(rayAngle * float32(i))
		end := w.at.Add(geom.Vec{X: sin, Y: -cos}.Mul(rayLength * free))
		c.Line(env.RoleSensor, 0, []geom.Vec{w.at, end})
	}
	w.drawLeg(c, 1)
	c.Polygon(env.RoleAgent, w.outline(w.hull, hullCorners[:]))
	w.drawLeg(c, 0)
}

// drawTrail draws the ground between the sides of the view.
func (w *world) drawTrail(c env.Canvas, lo, hi geom.Vec) {
	var pts []geom.Vec
	for _, p := range w.ground {
		if p.X >= lo.X-gen.TrailStep*5 && p.X <= hi.X+gen.TrailStep*5 {
			pts = append(pts, p)
		}
	}
	if len(pts) == 0 {
		return
	}
	surface := len(pts)
	bottom := geom.Min(lo.Y, 0) - 1
	pts = append(pts, geom.Vec{X: pts[surface-1].X, Y: bottom}, geom.Vec{X: pts[0].X, Y: bottom})
	c.Polygon(env.RoleGround, pts)
	c.Line(env.RoleGround, 0.08, pts[:surface])
}

// drawHills draws a skyline that passes at half the speed of what is near.
func (w *world) drawHills(c env.Canvas, lo, hi geom.Vec) {
	const step = 0.5
	drift := lo.X / 2
	pts := []geom.Vec{{X: hi.X, Y: lo.Y}, lo}
	for far := step * geom.Floor((lo.X-drift)/step); far+drift < hi.X+step; far += step {
		height := gen.TrailBase + 1.5 + geom.Sin(0.4*far) + 0.5*geom.Sin(1.1*far+2)
		pts = append(pts, geom.Vec{X: far + drift, Y: height})
	}
	c.Polygon(env.RoleBackdrop, pts)
}

func (w *world) drawLeg(c env.Canvas, leg int) {
	h := legHeight * w.Params[legLength]
	for k, width := range []float32{upperWidth, lowerWidth} {
		corners := box(width, h)
		c.Polygon(env.RoleLimb, w.outline(w.parts[leg][k], corners[:]))
	}
	for _, joint := range w.joints[leg] {
		at, _ := w.w.JointAnchors(joint)
		c.Circle(env.RoleJoint, at, 0.07, 0)
	}
}

// outline returns points of a body in the world.
func (w *world) outline(body int, local []geom.Vec) []geom.Vec {
	pts := make([]geom.Vec, len(local))
	for i, p := range local {
		pts[i] = w.w.WorldPoint(body, p)
	}
	return pts
}
