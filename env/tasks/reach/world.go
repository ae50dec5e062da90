package reach

import (
	"encoding/binary"
	"fmt"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

const (
	dt   float32 = 0.05
	half float32 = 1           // of a side of the room, m
	most         = geom.Pi / 2 // angle of a joint

	armLength float32 = 0.95 // m

	// maxSpeed bounds the tip's: every joint turning at 4 rad/s at the mean distance of half a metre.
	maxSpeed = 4 * maxLinks
)

// episode is what a world remembers.
type episode struct {
	Params  [paramCount]float32
	Joints  [maxLinks]float32
	Tip, V  geom.Vec
	Steps   int32
	Blocked int32
}

type world struct {
	links int
	full  bool
	last  int32 // number of the step that is rewarded
	pts   [maxLinks + 1]geom.Vec
	next  [maxLinks]float32
	episode
}

// Reset begins an episode on level l.
func (w *world) Reset(l *env.Level, _ rng.Key) {
	w.episode = episode{}
	copy(w.Params[:], l.Params)
	w.place(w.Joints[:w.links])
	w.Tip = w.pts[w.links]
}

// place computes where the links begin and end. The first joint turns from the left.
func (w *world) place(joints []float32) {
	angle, at, length := geom.Pi, geom.Vec{}, armLength/float32(w.links)
	for i, a := range joints {
		angle += a
		s, c := geom.Sincos(angle)
		w.pts[i] = at
		at = geom.Vec{X: at.X + float32(length*c), Y: at.Y + float32(length*s)}
	}
	w.pts[w.links] = at
}

// Observe writes the observation row.
func (w *world) Observe(obs []float32) {
	copy(obs, w.Joints[:w.links])
	if !w.full {
		return
	}
	obs = obs[w.links:]
	obs[0], obs[1] = w.Tip.X, w.Tip.Y
	for i := range areas {
		to := w.area(i).Sub(w.Tip)
		obs[2+2*i], obs[3+2*i] = to.X, to.Y
		obs[2+2*areas+i] = w.Params[i*perArea+areaRadius]
	}
	obs = obs[2+3*areas:]
	obs[0], obs[1], obs[2] = w.Params[wall]-w.Tip.X, w.Params[gap]-w.Tip.Y, w.Params[gapWidth]
}

func (w *world) area(i int) geom.Vec {
	return geom.Vec{X: w.Params[i*perArea+areaX], Y: w.Params[i*perArea+areaY]}
}

// Step advances the world by one action.
func (w *world) Step(b *env.Batch) {
	step := float32(dt * w.Params[speed])
	for i, a := range b.Act[:w.links] {
		w.next[i] = geom.Clamp(w.Joints[i]+float32(step*a), -most, most)
	}
	w.place(w.next[:w.links])
	before := w.Tip
	w.Blocked = 0
	if w.collides() {
		w.Blocked = 1
	} else {
		copy(w.Joints[:], w.next[:w.links])
		w.Tip = w.pts[w.links]
	}
	w.V = w.Tip.Sub(before).Mul(1 / dt)
	w.Steps++
	w.report(b)
}

// collides reports that the arm at pts meets a wall or leaves the room.
func (w *world) collides() bool {
	x, mid, open := w.Params[wall], w.Params[gap], w.Params[gapWidth]/2
	for i := range w.links {
		p, q := w.pts[i], w.pts[i+1]
		if geom.Abs(q.X) > half || geom.Abs(q.Y) > half {
			return true
		}
		if (p.X < x) == (q.X < x) {
			continue
		}
		y := p.Y + float32((q.Y-p.Y)*((x-p.X)/(q.X-p.X))) // where the link crosses the wall's line
		if geom.Abs(y-mid) > open {
			return true
		}
	}
	return false
}

func (w *world) report(b *env.Batch) {
	f := b.Facts[:factCount]
	clear(f)
	b.End[0] = env.Running
	f[factX], f[factY], f[factVX], f[factVY], f[factContact] = w.Tip.X, w.Tip.Y, w.V.X, w.V.Y, float32(w.Blocked)
	for i := range areas {
		r := w.Params[i*perArea+areaRadius]
		d := w.area(i).Sub(w.Tip).Len()
		if d >= r {
			continue
		}
		f[factArea+i] = 1
		if w.Steps == w.last {
			f[factScore] = geom.Max(f[factScore], 1-d/r)
		}
	}
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
	for _, x := range e.Joints {
		if !(geom.Abs(x) <= most) {
			return fmt.Errorf("malformed state: a joint is at %v", x)
		}
	}
	w.episode = e
	return nil
}

var (
	_ env.StateEnv = (*world)(nil)
	_ env.Picture  = (*world)(nil)
	_ env.Grader   = (*Config)(nil)
)
