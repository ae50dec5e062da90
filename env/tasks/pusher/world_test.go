package pusher

import (
	"math"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// draw returns a level from everywhere in the ranges.
func draw(c *Config, seed uint64) *env.Level {
	s, _ := c.Spec()
	l := &env.Level{Params: make([]float32, len(s.Params)), Seed: seed}
	r := rng.New(seed).Stream(1, 0, 0)
	for i, p := range s.Params {
		l.Params[i] = r.Range(p.Lo, p.Hi)
		if p.Integer {
			l.Params[i] = p.Lo + float32(r.IntN(int(p.Hi-p.Lo)+1))
		}
	}
	return l
}

func newBatch(t *testing.T, c *Config) *env.Batch {
	t.Helper()
	s, err := c.Spec()
	if err != nil {
		t.Fatal(err)
	}
	return env.NewBatch(s, 1)
}

// Nothing overlaps at the start, boxes and zones lie apart, and the disc can get behind every box.
func TestStartLeavesRoom(t *testing.T) {
	c := &Config{MaxBoxes: 4, MaxSteps: 400}
	for seed := range uint64(2000) {
		l := draw(c, seed)
		p := l.Params
		var s start
		s.place(l)
		diagonal := math.Sqrt2 * p[boxSize]
		for i := range s.boxes {
			if edge := max(geom.Abs(s.box[i].X), geom.Abs(s.box[i].Y)); edge+diagonal/2+2*p[radius] > p[room] {
				t.Fatalf("level %d: no way behind box %d at %v", seed, i, s.box[i])
			}
			if d := s.box[i].Sub(s.disc).Len(); d < diagonal/2+p[radius] {
				t.Fatalf("level %d: box %d lies under the disc", seed, i)
			}
			if d := s.box[i].Sub(s.zone[i]).Len(); d < p[zoneRadius] {
				t.Fatalf("level %d: box %d begins in its zone", seed, i)
			}
			for j := range i {
				if d := s.box[i].Sub(s.box[j]).Len(); d < diagonal {
					t.Fatalf("level %d: boxes %d and %d overlap", seed, i, j)
				}
			}
		}
	}
}

// The disc moves by the closed form of a force against drag, and a box that drifts likewise.
func TestMotionHasItsClosedForm(t *testing.T) {
	c := &Config{MaxBoxes: 1, MaxSteps: 400}
	w, b := newWorld(c), newBatch(t, c)
	l := &env.Level{Params: []float32{0.3, 0.5, 2, 3, 0.2, 6, 4, 0.3, 0.2, 0, 0}}
	w.Reset(l, rng.Key{})
	w.phys.SetPose(w.disc, geom.Vec{X: -2, Y: 2}, 0)
	w.phys.SetPose(w.box[0], geom.Vec{X: -2, Y: -2}, 0)
	w.phys.SetVelocity(w.box[0], geom.Vec{X: 2}, 0)
	if m, _ := w.phys.Mass(w.disc); geom.Abs(m-1) > 1e-5 {
		t.Errorf("the disc weighs %v kg", m)
	}
	if m, _ := w.phys.Mass(w.box[0]); geom.Abs(m-0.5) > 1e-5 {
		t.Errorf("the box weighs %v kg", m)
	}
	b.Act[0], b.Act[1] = 3, 0 // no more than 1 counts
	const steps = 20
	for range steps {
		w.Step(b)
	}
	time := steps * float64(dt)
	e := math.Exp(-4 * time)
	if x := -2 + 1.5*(time-(1-e)/4); math.Abs(float64(b.Facts[factX])-x) > 0.03 {
		t.Errorf("the disc is at %v, want %.3f", b.Facts[factX], x)
	}
	if x, at := -2+2*(1-e)/4, w.phys.Centre(w.box[0]); math.Abs(float64(at.X)-x) > 0.03 || geom.Abs(at.Y+2) > 1e-4 {
		t.Errorf("the box is at %v, want %.3f", at, x)
	}
}

// Pushed along x, a box gets to its zone: progress, entry and end are counted.
func TestPushIntoZone(t *testing.T) {
	c := &Config{MaxBoxes: 1, MaxSteps: 400}
	w, b := newWorld(c), newBatch(t, c)
	w.Reset(&env.Level{Params: []float32{0.4, 0.5, 2, 3, 0.2, 8, 4, 0.3, 0.2, 0, 0}}, rng.Key{})
	w.phys.SetPose(w.disc, geom.Vec{X: -1}, 0)
	w.phys.SetPose(w.box[0], geom.Vec{}, 0)
	w.Zones[0] = geom.Vec{X: 1}
	var progress, entered, approach float32
	contact, steps := 0, 0
	for b.Act[0], b.Act[1] = 1, 0; b.End[0] == env.Running && steps < 100; steps++ {
		w.Step(b)
		progress += b.Facts[factProgress]
		entered += b.Facts[factEntered]
		approach += b.Facts[factApproach]
		contact += int(b.Facts[factContact])
	}
	if b.End[0] != env.Terminated || b.Facts[factSolved] != 1 || entered != 1 || b.Facts[factPlaced] != 1 {
		t.Fatalf("after %d steps: %v, facts %v", steps, b.End[0], b.Facts)
	}
	if d := b.Facts[factDistance]; d > 0.2 || geom.Abs(progress-(1-d)) > 1e-4 {
		t.Errorf("progress %v to a distance of %v", progress, d)
	}
	if geom.Abs(approach-0.6) > 0.05 || contact < 5 {
		t.Errorf("the disc approached by %v m, want 0.6, and touched for %d steps", approach, contact)
	}
}

// Heavier boxes are harder to push.
func TestMassAndDampingResist(t *testing.T) {
	c := &Config{MaxBoxes: 1, MaxSteps: 400}
	reach := func(mass, damping float32) float32 {
		w, b := newWorld(c), newBatch(t, c)
		w.Reset(&env.Level{Params: []float32{0.4, mass, damping, 3, 0.2, 8, 4, 0, 0.1, 0, 0}}, rng.Key{})
		w.phys.SetPose(w.disc, geom.Vec{X: -0.5}, 0)
		w.phys.SetPose(w.box[0], geom.Vec{}, 0)
		w.Zones[0] = geom.Vec{Y: 2}
		b.Act[0], b.Act[1] = 1, 0
		for range 30 {
			w.Step(b)
		}
		return w.phys.Centre(w.box[0]).X
	}
	// pushed for long, disc and box go at force/(drag + damping) together
	light, heavy, sticky := reach(0.5, 2), reach(2, 2), reach(0.5, 4)
	if !(heavy < light-0.05 && sticky < light-0.1) {
		t.Errorf("boxes get to %v, heavy %v, with damping %v", light, heavy, sticky)
	}
}

// Whatever the level and however hard the push, everything stays in the room.
func TestRoomHolds(t *testing.T) {
	for boxes := 1; boxes <= mostBoxes; boxes++ {
		c := &Config{MaxBoxes: boxes, MaxSteps: 400}
		w, b := newWorld(c), newBatch(t, c)
		for seed := range uint64(100) {
			l := draw(c, seed)
			w.Reset(l, rng.Key{})
			r := rng.New(seed).Stream(3, 0, 0)
			for step := range 200 {
				if step%15 == 0 {
					b.Act[0], b.Act[1] = r.Range(-1, 1), r.Range(-1, 1)
				}
				w.Step(b)
				if b.End[0] != env.Running {
					break
				}
				out := func(body int, reach float32) bool {
					at := w.phys.Centre(body)
					return max(geom.Abs(at.X), geom.Abs(at.Y)) > w.Room-reach+0.06
				}
				if out(w.disc, w.Radius) {
					t.Fatalf("level %d, step %d: the disc is in the wall at %v", seed, step, w.phys.Centre(w.disc))
				}
				for i := range int(w.Boxes) {
					if out(w.box[i], w.Size/2) {
						t.Fatalf("level %d, step %d: box %d is in the wall at %v", seed, step, i, w.phys.Centre(w.box[i]))
					}
				}
			}
		}
	}
}

func TestDifficulty(t *testing.T) {
	c := New()
	l := draw(c, 3)
	l.Params[boxes] = 1
	one := c.Difficulty(l)
	l.Params[boxes] = 2
	two := c.Difficulty(l)
	l.Params[zoneRadius] = params[zoneRadius].Lo
	small := c.Difficulty(l)
	if !(0 < one && one < two && two < small && small <= 1) {
		t.Errorf("difficulties %v, %v, %v", one, two, small)
	}
}

func TestStateIsRefusedWhenMalformed(t *testing.T) {
	c := New()
	w := newWorld(c)
	w.Reset(draw(c, 1), rng.Key{})
	w.Boxes = 3
	if err := newWorld(c).SetState(w.AppendState(nil)); err == nil {
		t.Error("a state of three boxes is accepted where two are the most")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []Config{{MaxBoxes: 0, MaxSteps: 1}, {MaxBoxes: 5, MaxSteps: 1}, {MaxBoxes: 1}} {
		if _, err := c.Spec(); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
