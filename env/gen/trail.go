package gen

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// Trail is a long ground to walk over: uneven grass, broken by obstacles if any of their sizes
// is above 0. With Roughness 1 and Start TrailStart it is the ground of the classic bipedal
// walker, and HardTrail that of its hardcore version, but for two things: treads of stairs are
// level here, and the last stretch is always grass.
//
// Obstacles and grass alternate. Each obstacle is of one of the kinds that have a size, with
// equal probabilities, and either as large as said or a notch smaller, at the toss of a coin.
type Trail struct {
	Roughness float32 // 1: the rise a step changes by up to 1/30 m at random; 0: level
	Stump     float32 // height and width of stumps, in metres; the smaller ones have half of it
	Pit       float32 // width of pits, in metres; the smaller ones have two thirds of it
	Stair     float32 // height of a stair's steps, in metres; it leads up or down over 4 treads or 3
	Start     int     // steps of even grass at the beginning, without noise or obstacles
}

// HardTrail has the obstacles of the classic walker's hardcore version.
var HardTrail = Trail{Roughness: 1, Stump: 2 * TrailStep, Pit: 3 * TrailStep, Stair: TrailStep, Start: TrailStart}

const (
	TrailStep   float32 = 14. / 30               // distance between points on grass, in metres
	TrailSteps          = 200                    // length of a trail, in steps
	TrailLength         = TrailSteps * TrailStep // in metres
	TrailStart          = 20                     // Start of the classic trails
	TrailFinish         = 10                     // steps at the end that are always grass
	TrailBase   float32 = 400. / 30 / 4          // height at the beginning, in metres
	TrailPoints         = 2 * TrailSteps         // upper bound for the number of points

	trailDepth = 4 * TrailStep // of pits
	trailTread = 4 * TrailStep // length of a tread
)

// Append appends the points of the trail to dst, at most TrailPoints of them. It does not
// allocate if dst has room for that many.
func (t Trail) Append(dst []geom.Vec, r *rng.Stream) []geom.Vec {
	w := trailWriter{dst: dst, y: TrailBase}
	w.grass(t.Roughness, t.Start, true, r)
	for w.x < TrailLength-TrailStep/2 {
		if t.hard() {
			w.obstacle(t, r)
		}
		w.grass(t.Roughness, 5+r.IntN(5), false, r)
	}
	return w.dst
}

func (t Trail) hard() bool { return t.Stump > 0 || t.Pit > 0 || t.Stair > 0 }

type trailWriter struct {
	dst   []geom.Vec
	x, y  float32 // of the next point
	slope float32 // rise of the last step on grass
}

func (w *trailWriter) point(x, y float32) { w.dst = append(w.dst, geom.Vec{X: x, Y: y}) }

// grass adds n points. The first of a stretch stays level with what precedes it; at the
// beginning of the trail there is no noise.
func (w *trailWriter) grass(rough float32, n int, start bool, r *rng.Stream) {
	from := w.x
	for k := range n {
		if w.x = from + float32(float32(k)*TrailStep); w.x > TrailLength-TrailStep/2 {
			return
		}
		if k > 0 || start {
			w.slope = float32(0.8 * w.slope)
			switch {
			case w.y < TrailBase:
				w.slope += 0.01
			case w.y > TrailBase:
				w.slope -= 0.01
			}
			if !start {
				w.slope += float32(rough * r.Range(-1./30, 1./30))
			}
			w.y += w.slope
		}
		w.point(w.x, w.y)
	}
	w.x = from + float32(float32(n)*TrailStep)
}

// obstacle adds one, unless it would reach into the finish. The first point of the following
// grass is its last point.
func (w *trailWriter) obstacle(t Trail, r *rng.Stream) {
	sizes := [...]float32{t.Stump, t.Pit, t.Stair}
	var kinds [len(sizes)]int
	n := 0
	for k, size := range sizes {
		if size > 0 {
			kinds[n] = k
			n++
		}
	}
	before := *w
	kind, small := kinds[r.IntN(n)], r.IntN(2) == 0
	switch kind {
	case 0:
		w.stump(t.Stump, small)
	case 1:
		w.pit(t.Pit, small)
	default:
		w.stair(t.Stair, small, r)
	}
	if w.x > TrailLength-TrailFinish*TrailStep {
		*w = before
	}
}

func (w *trailWriter) stump(size float32, small bool) {
	if small {
		size *= 0.5
	}
	w.point(w.x, w.y)
	w.point(w.x, w.y+size)
	w.x += size
	w.point(w.x, w.y+size)
}

func (w *trailWriter) pit(width float32, small bool) {
	if small {
		width = float32(width * (2. / 3))
	}
	w.point(w.x, w.y)
	w.x += TrailStep
	w.point(w.x, w.y)
	w.point(w.x, w.y-trailDepth)
	w.x += width
	w.point(w.x, w.y-trailDepth)
	w.point(w.x, w.y)
	w.x += TrailStep
}

func (w *trailWriter) stair(rise float32, small bool, r *rng.Stream) {
	treads := 4
	if r.IntN(2) == 0 {
		rise = -rise
	}
	if small {
		treads--
	}
	w.point(w.x, w.y)
	for k := range treads {
		if k > 0 {
			w.point(w.x, w.y)
			w.y += rise
			w.point(w.x, w.y)
		}
		w.x += trailTread
	}
}
