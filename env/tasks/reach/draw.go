package reach

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// Draw draws the room from above.
func (w *world) Draw(c env.Canvas) {
	const edge = half + 0.1
	c.View(geom.Vec{X: -edge, Y: -edge}, geom.Vec{X: edge, Y: edge})
	for i := range areas {
		c.Circle(env.RoleGoal, w.area(i), w.Params[i*perArea+areaRadius], 0)
	}
	c.Line(env.RoleGround, 0.03, []geom.Vec{{X: -half, Y: -half}, {X: half, Y: -half}, {X: half, Y: half}, {X: -half, Y: half}, {X: -half, Y: -half}})
	x, lo, hi := w.Params[wall], w.Params[gap]-w.Params[gapWidth]/2, w.Params[gap]+w.Params[gapWidth]/2
	c.Line(env.RoleGround, 0.03, []geom.Vec{{X: x, Y: -half}, {X: x, Y: geom.Max(lo, -half)}})
	c.Line(env.RoleGround, 0.03, []geom.Vec{{X: x, Y: geom.Min(hi, half)}, {X: x, Y: half}})
	w.place(w.Joints[:w.links])
	c.Line(env.RoleLimb, 0.03, w.pts[:w.links+1])
	c.Circle(env.RoleJoint, geom.Vec{}, 0.03, 0)
	c.Circle(env.RoleAgent, w.Tip, 0.04, 0)
}
