package lander

import (
	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/gen"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// Draw draws the moon before distant mountains, the flags, the wind, the flames of the last
// step's engines, and the craft.
func (w *world) Draw(c env.Canvas) {
	c.View(geom.Vec{}, geom.Vec{X: width, Y: high + 1}) // the craft may start at the top of the classic view
	if chart, ok := c.(env.Charter); ok {
		chart.Chart(geom.Vec{X: width/2 + w.Params[padX], Y: high/4 + legNominal}, geom.Vec{X: width / 2, Y: high / 2}) // see
	}
	w.drawMountains(c)
	var moon [gen.MoonPoints + 2]geom.Vec
	w.terrain(moon[:gen.MoonPoints])
	moon[gen.MoonPoints], moon[gen.MoonPoints+1] = geom.Vec{X: width, Y: -1}, geom.Vec{Y: -1}
	c.Polygon(env.RoleGround, moon[:])
	pad := moon[gen.MoonPad : gen.MoonPad+3]
	c.Line(env.RoleGoal, 0.12, pad)
	for _, foot := range []geom.Vec{pad[0], pad[2]} {
		top := foot.Add(geom.Vec{Y: 50 * px})
		c.Line(env.RoleGoal, 0.05, []geom.Vec{foot, top})
		c.Polygon(env.RoleGoal, []geom.Vec{top, top.Sub(geom.Vec{Y: 10 * px}), top.Add(geom.Vec{X: 25 * px, Y: -5 * px})})
	}
	w.drawWind(c)
	w.drawFlames(c)
	size, length := w.Params[hullSize], w.Params[legLength]
	h := legHeight * length
	leg := []geom.Vec{{X: -legWidth, Y: -h}, {X: legWidth, Y: -h}, {X: legWidth, Y: h}, {X: -legWidth, Y: h}}
	for i, body := range w.legs {
		shoulder := geom.Vec{X: 12 * px * side(i) * size, Y: -8 * px * size}
		c.Line(env.RoleLimb, 0.06, []geom.Vec{w.w.WorldPoint(w.hull, shoulder), w.w.WorldPoint(body, geom.Vec{Y: h / 2 * size})})
		c.Polygon(env.RoleLimb, w.outline(body, leg, size))
	}
	c.Polygon(env.RoleAgent, w.outline(w.hull, hullCorners[:], size))
}

// drawMountains draws a skyline, another one for each level.
func (w *world) drawMountains(c env.Canvas) {
	phase := float32(w.Seed % 1000)
	pts := []geom.Vec{{X: width}, {}}
	for x := float32(0); x <= width; x += 0.25 {
		pts = append(pts, geom.Vec{X: x, Y: high/3 + geom.Sin(0.5*x+phase) + 0.6*geom.Sin(1.3*x+2*phase) + 0.15*geom.Sin(4.1*x+3*phase)})
	}
	c.Polygon(env.RoleBackdrop, pts)
}

// outline returns points of a body in the world.
func (w *world) outline(body int, local []geom.Vec, size float32) []geom.Vec {
	pts := make([]geom.Vec, len(local))
	for i, p := range local {
		pts[i] = w.w.WorldPoint(body, p.Mul(size))
	}
	return pts
}

// drawWind draws an arrow at the top, as long as the wind is strong.
func (w *world) drawWind(c env.Canvas) {
	long := 0.15 * w.Params[wind] * gust(w.Wind)
	if long == 0 {
		return
	}
	tail := geom.Vec{X: width/2 - long/2, Y: high - 0.6}
	tip := geom.Vec{X: width/2 + long/2, Y: high - 0.6}
	back := 0.2 * long / geom.Abs(long)
	c.Line(env.RoleForce, 0.06, []geom.Vec{tail, tip})
	c.Line(env.RoleForce, 0.06, []geom.Vec{{X: tip.X - back, Y: tip.Y + 0.15}, tip, {X: tip.X - back, Y: tip.Y - 0.15}})
}

// drawFlames draws a flame for each engine that fired in the last step.
func (w *world) drawFlames(c env.Canvas) {
	size := w.Params[hullSize]
	if p := w.Main; p > 0 {
		long := 1.1 * p * w.Params[mainEngine]
		c.Polygon(env.RoleForce, w.outline(w.hull, []geom.Vec{
			{X: -7 * px, Y: -10 * px}, {X: 7 * px, Y: -10 * px}, {X: 3 * px, Y: -10*px - 0.6*long}, {X: 0, Y: -10*px - long}, {X: -3 * px, Y: -10*px - 0.6*long},
		}, size))
	}
	if p := w.Side; p != 0 {
		out := geom.Abs(p) / p // the left engine pushes to the left, so that its flame is on the right
		long := 0.5 * geom.Abs(p) * w.Params[sideEngine]
		x, y := -out*15*px, sideHeight
		c.Polygon(env.RoleForce, w.outline(w.hull, []geom.Vec{
			{X: x, Y: y + 2*px}, {X: x - out*long, Y: y}, {X: x, Y: y - 2*px},
		}, size))
	}
}
