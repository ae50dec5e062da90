package curling

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

const (
	dt         float32 = 0.02
	substeps           = 4
	half       float32 = 1.5 // of a side of the table, m
	link       float32 = 0.6 // length of each link
	thick      float32 = 0.04
	ballRadius float32 = 0.1
	elbowMost  float32 = 160 * geom.Pi / 180
)

var base = geom.Vec{Y: -1.2}

// episode is what a world remembers.
type episode struct {
	Params         [paramCount]float32
	Ball, V        geom.Vec
	Joint, Speed   [2]float32
	Steps, Touched int32
}

type world struct {
	full bool
	last int32 // number of the step that is rewarded
	episode
}

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, _ rng.Key) {
	w.episode = episode{Joint: [2]float32{geom.Pi - 0.62, -1.75}}
	copy(w.Params[:], l.Params)
	w.Ball = geom.Vec{X: w.Params[ballX], Y: w.Params[ballY]}
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) {
	obs[0], obs[1] = w.Ball.X, w.Ball.Y
	copy(obs[2:4], w.Joint[:])
	copy(obs[4:6], w.Speed[:])
	if !w.full {
		return
	}
	obs[6], obs[7] = w.V.X, w.V.Y
	for i := range 2 {
		to := w.area(i).Sub(w.Ball)
		obs[8+2*i], obs[9+2*i] = to.X, to.Y
	}
	obs[12], obs[13] = w.Params[radius], w.Params[friction]
}

func (w *world) area(i int) geom.Vec {
	return geom.Vec{X: w.Params[area1X+2*i], Y: w.Params[area1Y+2*i]}
}

// points returns base, elbow and tip of the arm.
func (w *world) points() [3]geom.Vec {
	s, c := geom.Sincos(w.Joint[0])
	elbow := base.Add(geom.Vec{X: c, Y: s}.Mul(link))
	s, c = geom.Sincos(w.Joint[0] + w.Joint[1])
	return [3]geom.Vec{base, elbow, elbow.Add(geom.Vec{X: c, Y: s}.Mul(link))}
}

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) {
	const h = dt / substeps
	before := w.Joint
	w.Touched = 0
	for range substeps {
		var rate [2]float32
		for i, lim := range [2][2]float32{{0, geom.Pi}, {-elbowMost, elbowMost}} {
			was := w.Joint[i]
			w.Joint[i] = geom.Clamp(was+float32(h*float32(b.Act[i]*w.Params[speed])), lim[0], lim[1])
			rate[i] = (w.Joint[i] - was) / h
		}
		w.slide(h)
		w.shove(rate)
		w.stayIn()
	}
	w.Speed = [2]float32{(w.Joint[0] - before[0]) / dt, (w.Joint[1] - before[1]) / dt}
	w.Steps++
	w.report(b)
}

// slide moves the ball for h seconds under friction of Coulomb's kind.
func (w *world) slide(h float32) {
	v := w.V.Len()
	if loss := float32(h * w.Params[friction]); v > loss {
		w.V = w.V.Mul((v - loss) / v)
	} else {
		w.V = geom.Vec{}
	}
	w.Ball = w.Ball.Add(w.V.Mul(h))
}

// shove moves the ball out of the links and gives it their speed, with what it bounces. The rates
// are those of the joints.
func (w *world) shove(rate [2]float32) {
	p := w.points()
	for i := range 2 {
		along := p[i+1].Sub(p[i])
		t := geom.Clamp(w.Ball.Sub(p[i]).Dot(along)/float32(link*link), 0, 1)
		at := p[i].Add(along.Mul(t))
		n := w.Ball.Sub(at)
		d := n.Len()
		if d >= ballRadius+thick {
			continue
		}
		w.Touched = 1
		if d < 1e-6 {
			n, d = geom.Vec{X: -along.Y, Y: along.X}, link // the ball's middle is on the link
		}
		n = n.Mul(1 / d)
		// Velocity of the link where it touches: each joint turns what is beyond it.
		r := at.Sub(p[0])
		v := geom.Vec{X: -r.Y, Y: r.X}.Mul(rate[0])
		if i == 1 {
			r = at.Sub(p[1])
			v = v.Add(geom.Vec{X: -r.Y, Y: r.X}.Mul(rate[1]))
		}
		if into := w.V.Sub(v).Dot(n); into < 0 {
			w.V = w.V.Sub(n.Mul(float32((1 + w.Params[bounce]) * into)))
		}
		w.Ball = at.Add(n.Mul(ballRadius + thick))
	}
}

// stayIn lets the ball bounce off the border.
func (w *world) stayIn() {
	const most = half - ballRadius
	for _, c := range [2][2]*float32{{&w.Ball.X, &w.V.X}, {&w.Ball.Y, &w.V.Y}} {
		x, v := c[0], c[1]
		if geom.Abs(*x) <= most {
			continue
		}
		if *x**v > 0 {
			*v = -float32(*v * w.Params[bounce])
		}
		*x = geom.Clamp(*x, -most, most)
	}
}

func (w *world) report(b *env.Batch) {
	f := b.Facts[:factCount]
	clear(f)
	b.End[0] = env.Running
	f[factX], f[factY], f[factSpeed], f[factContact] = w.Ball.X, w.Ball.Y, w.V.Len(), float32(w.Touched)
	r := w.Params[radius]
	for i := range 2 {
		d := w.area(i).Sub(w.Ball).Len()
		f[factDistance1+i] = d
		if d < r {
			f[factArea1+i] = 1
			if w.Steps == w.last {
				f[factScore] = geom.Max(f[factScore], 1-d/r)
			}
		}
	}
	tip := w.points()[2]
	f[factTipX], f[factTipY] = tip.X, tip.Y
}

// AppendState appends the exact state.
func (w *world) AppendState(dst []byte) []byte {
	dst, _ = binary.Append(dst, binary.LittleEndian, &w.episode) // it holds fixed-size numbers only
	return dst
}

// SetState continues from an appended state.
func (w *world) SetState(state []byte) error {
	var e episode
	if len(state) != binary.Size(&e) {
		return fmt.Errorf("malformed state of %d bytes, want %d", len(state), binary.Size(&e))
	}
	if _, err := binary.Decode(state, binary.LittleEndian, &e); err != nil {
		return err
	}
	for i, p := range params {
		if v := e.Params[i]; !(v >= p.Lo && v <= p.Hi) {
			return fmt.Errorf("malformed state: level parameter %s is %v, want %v to %v", p.Name, v, p.Lo, p.Hi)
		}
	}
	for _, v := range []float32{e.Ball.X, e.Ball.Y, e.V.X, e.V.Y, e.Joint[0], e.Joint[1], e.Speed[0], e.Speed[1]} {
		if !geom.Finite(v) {
			return fmt.Errorf("malformed state: it holds %v", v)
		}
	}
	w.episode = e
	return nil
}

// Draw draws the table from above.
func (w *world) Draw(c env.Canvas) {
	const edge = half + 0.15
	c.View(geom.Vec{X: -edge, Y: -edge}, geom.Vec{X: edge, Y: edge})
	for i, name := range []string{"1", "2"} {
		c.Circle(env.RoleGoal, w.area(i), w.Params[radius], 0)
		c.Label(env.RoleText, w.area(i), name)
	}
	c.Line(env.RoleGround, 0.05, []geom.Vec{{X: -half, Y: -half}, {X: half, Y: -half}, {X: half, Y: half}, {X: -half, Y: half}, {X: -half, Y: -half}})
	p := w.points()
	c.Line(env.RoleAgent, 2*thick, p[:2])
	c.Line(env.RoleLimb, 2*thick, p[1:])
	c.Circle(env.RoleJoint, p[0], 1.5*thick, 0)
	c.Circle(env.RoleObject, w.Ball, ballRadius, 0)
}

var (
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
)
