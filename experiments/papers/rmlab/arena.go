// Package rmlab is where claims about reward models are tried: a world small enough that thousands
// of trajectories cost milliseconds, whose true reward is known and made of parts.
//
// The arena is a square of half a width of 1 m in which a disc is pushed about. There is a goal
// to be near to and a hazard to stay away from. A [Pool] holds trajectories of many [Pilot]s on
// many levels: tame ones, whom annotators see, and wild ones, whom they never see, so that a
// model can be wrong about them. A [Gold] weighs the parts; teachers answer by it, and it says how
// good what a model likes really is. The rest is the packages of rewards: model, label, combine and
// eval.
//
//	lab, err := rmlab.New(rmlab.Config{Seed: 1000, Levels: 25, PerLevel: 64})
//	pairs := lab.Pairs(400, key)
//	records, err := lab.Teach(pairs, rmlab.Standard.Score, rmlab.Teaching{Right: 0.9})
//	m, err := lab.Train(records, rmlab.Fitting())
//	accuracy, err := lab.Accuracy(m, held, rmlab.Standard.Score)
package rmlab

import (
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/rewards/feedback"
)

// Steps of a trajectory, and the seconds of one.
const (
	Steps = 50
	dt    = 0.1
)

// The parts of what happens in a step, in the order of their columns among the facts.
const (
	Progress   = iota // nearness to the goal, 0 to 1
	Hazard            // nearness to the hazard, 0 to 1
	Energy            // half the squared force
	Overspeed         // speed above 0.7 m/s
	Contact           // 1 if the disc touches a wall
	Smoothness        // squared change of the force
	Parts             // their number
)

// PartNames are the names of the parts.
var PartNames = [Parts]string{"progress", "hazard", "energy", "overspeed", "contact", "smoothness"}

const (
	thrust    = 2    // m/s^2 of a force of 1
	drag      = 0.3  // 1/s
	wildForce = 3    // largest component of a force of wild pilots
	allowed   = 0.7  // m/s
	goalSize  = 0.35 // m: distance at which nearness is a half
	riskReach = 0.4  // m: distance at which the hazard is felt no more
)

// A Level is where things are.
type Level struct{ Start, Goal, Danger geom.Vec }

const (
	purposeLevel rng.Purpose = 0x726d6c01 + iota
	purposePilot
	purposePlay
	purposePairs
	purposeTeach
	purposeTrain
	purposeNoise
)

// NewLevel draws level i of a key. The hazard lies between start and goal, more or less.
func NewLevel(key rng.Key, i int) Level {
	r := key.Stream(purposeLevel, uint32(i), 0)
	at := func(most float32) geom.Vec { return geom.Vec{X: r.Range(-most, most), Y: r.Range(-most, most)} }
	l := Level{Start: at(0.9), Goal: at(0.8)}
	share, off := r.Range(0.3, 0.9), at(0.3)
	l.Danger = geom.Vec{
		X: l.Start.X + float32(share*(l.Goal.X-l.Start.X)) + off.X,
		Y: l.Start.Y + float32(share*(l.Goal.Y-l.Start.Y)) + off.Y,
	}
	return l
}

// A Pilot pushes the disc: towards the goal, away from the hazard, against its speed, and at
// random. Tame pilots keep each component of the force within 1, wild ones within 3.
type Pilot struct {
	Goal, Danger, Damping float32
	Push                  geom.Vec // constant
	Noise                 float32  // deviation of a force that lasts some steps
	Most                  float32
}

// TamePilot draws a pilot such as annotators see: from clumsy to good.
func TamePilot(r *rng.Stream) Pilot {
	return Pilot{
		Goal: r.Range(-0.3, 2), Danger: r.Range(-0.5, 1.5), Damping: r.Range(0, 1.5), Noise: r.Range(0.05, 1), Most: 1,
	}
}

// WildPilot draws a pilot of another kind: forceful, constant, or in love with the hazard.
func WildPilot(r *rng.Stream) Pilot {
	p := Pilot{
		Goal: r.Range(-2, 6), Danger: r.Range(-6, 2), Damping: r.Range(-0.5, 1), Noise: r.Range(0, 3), Most: wildForce,
	}
	if r.Float32() < 0.3 {
		p.Push = geom.Vec{X: r.Range(-3, 3), Y: r.Range(-3, 3)}
	}
	return p
}

// Widths of the rows of trajectories: position, speed, way to the goal, way to the hazard; force;
// parts.
var shape = feedback.Shape{Obs: 8, Act: 2, Facts: Parts}

// Play returns the trajectory of a pilot on a level. The trajectory's Level tells id, its Reward
// is 0.
func Play(l Level, p Pilot, id uint64, r *rng.Stream) feedback.Trajectory {
	t := feedback.Trajectory{
		Level: id, Obs: make([]float32, 0, (Steps+1)*shape.Obs), Act: make([]float32, 0, Steps*shape.Act),
		Facts: make([]float32, 0, Steps*Parts), Reward: make([]float32, Steps),
	}
	d, drift := disc{level: l, x: l.Start}, geom.Vec{}
	for range Steps {
		t.Obs = d.observe(t.Obs)
		drift.X = float32(0.8*drift.X) + float32(0.6*r.Norm())
		drift.Y = float32(0.8*drift.Y) + float32(0.6*r.Norm())
		a := p.force(l, d.x, d.v, drift)
		t.Act = append(t.Act, a.X, a.Y)
		t.Facts = d.push(t.Facts, a)
	}
	t.Obs = d.observe(t.Obs)
	return t
}

// A disc is what is pushed about.
type disc struct {
	level   Level
	x, v    geom.Vec
	last    geom.Vec // force
	started bool
}

// push applies a force for a step and appends the parts of what happens.
func (d *disc) push(facts []float32, a geom.Vec) []float32 {
	keep := float32(1 - dt*drag)
	d.v.X = float32(keep*d.v.X) + float32(float32(dt*thrust)*a.X)
	d.v.Y = float32(keep*d.v.Y) + float32(float32(dt*thrust)*a.Y)
	d.x.X += float32(dt * d.v.X)
	d.x.Y += float32(dt * d.v.Y)
	touched := bump(&d.x.X, &d.v.X)
	touched = bump(&d.x.Y, &d.v.Y) || touched
	if !d.started {
		d.started, d.last = true, a
	}
	facts = parts(facts, d.level, d.x, d.v, a, d.last, touched)
	d.last = a
	return facts
}

func (d *disc) observe(o []float32) []float32 { return observe(o, d.level, d.x, d.v) }

// bump keeps a coordinate within the walls and reports whether it met one.
func bump(x, v *float32) bool {
	if geom.Abs(*x) <= 1 {
		return false
	}
	*x, *v = geom.Clamp(*x, -1, 1), 0
	return true
}

func observe(o []float32, l Level, x, v geom.Vec) []float32 {
	return append(o, x.X, x.Y, v.X, v.Y, l.Goal.X-x.X, l.Goal.Y-x.Y, l.Danger.X-x.X, l.Danger.Y-x.Y)
}

func (p *Pilot) force(l Level, x, v, drift geom.Vec) geom.Vec {
	away := geom.Vec{X: x.X - l.Danger.X, Y: x.Y - l.Danger.Y}
	d := geom.Sqrt(float32(away.X*away.X) + float32(away.Y*away.Y))
	fear := p.Danger * geom.Max(0, 1-d/(2*riskReach)) / geom.Max(d, 0.05)
	along := func(goal, away, v, push, drift float32) float32 {
		f := float32(p.Goal*goal) + float32(fear*away) - float32(p.Damping*v) + push + float32(p.Noise*drift)
		return geom.Clamp(f, -p.Most, p.Most)
	}
	return geom.Vec{
		X: along(l.Goal.X-x.X, away.X, v.X, p.Push.X, drift.X),
		Y: along(l.Goal.Y-x.Y, away.Y, v.Y, p.Push.Y, drift.Y),
	}
}

func parts(f []float32, l Level, x, v, a, last geom.Vec, touched bool) []float32 {
	square := func(x, y float32) float32 { return float32(x*x) + float32(y*y) }
	goal := square(l.Goal.X-x.X, l.Goal.Y-x.Y) / (goalSize * goalSize)
	danger := geom.Sqrt(square(l.Danger.X-x.X, l.Danger.Y-x.Y))
	contact := float32(0)
	if touched {
		contact = 1
	}
	return append(f,
		1/(1+goal),
		geom.Max(0, 1-danger/riskReach),
		square(a.X, a.Y)/2,
		geom.Max(0, geom.Sqrt(square(v.X, v.Y))-allowed),
		contact,
		square(a.X-last.X, a.Y-last.Y),
	)
}
