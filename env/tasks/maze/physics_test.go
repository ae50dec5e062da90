package maze

import (
	"slices"
	"testing"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// engine returns the world's walls and disc as a scene of the physics engine, run.
func engine(t *testing.T, w *world) (*physics.World, int) {
	t.Helper()
	walls := scene.Body{Name: "walls", Kind: scene.Static}
	surface := func(s scene.Shape) scene.Shape {
		s.Friction, s.Restitution = w.Params[friction], w.Params[bounce]
		return s
	}
	for _, b := range boxes(w) {
		mid, half := b.lo.Add(b.hi).Mul(0.5), b.hi.Sub(b.lo).Mul(0.5)
		walls.Shapes = append(walls.Shapes, surface(scene.Shape{Kind: scene.Polygon, Points: scene.Box(mid, half.X, half.Y, 0)}))
	}
	r := w.Params[radius]
	m, err := physics.Compile(&scene.Scene{Bodies: []scene.Body{walls, {
		Name: "disc", Position: w.P, FixedRotation: true, LinearDamping: w.Params[drag],
		Shapes: []scene.Shape{surface(scene.Shape{Kind: scene.Circle, Points: []geom.Vec{{}}, Radius: r, Density: 1 / (geom.Pi * r * r)})},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return m.NewWorld(), m.Body("disc")
}

// Among walls that do not bounce the disc moves as in the physics engine, for three seconds of
// pushes in all directions. The engine lets bodies overlap by 0.01 m; and a corner that is just
// hit by one and just missed by the other tells them apart in some mazes.
func TestMotionMatchesThePhysicsEngine(t *testing.T) {
	apart := []float32{}
	contacts := 0
	worlds(t, 60, func(t *testing.T, w *world, b *env.Batch) {
		w.grid.Keys = w.grid.Keys[:0] // none is taken, no door opens
		w.Params[bounce] = 0          // the engine does not let slow bodies bounce
		other, disc := engine(t, w)
		r := rng.New(w.Seed).Stream(7, 0, 0)
		worst := float32(0)
		for step := range 60 {
			if step%10 == 0 {
				b.Act[0], b.Act[1] = r.Range(-1, 1), r.Range(-1, 1)
			}
			push := w.push(b.Act)
			for range substeps {
				other.ApplyForce(disc, push, other.Centre(disc))
				other.Step(dt / substeps)
			}
			w.Step(b)
			contacts += int(b.Facts[factContact])
			worst = max(worst, other.Centre(disc).Sub(w.P).Len())
		}
		apart = append(apart, worst)
		w.built.Params = nil // built anew for the next level
	})
	slices.Sort(apart)
	if median, most := apart[len(apart)/2], apart[len(apart)*9/10]; median > 0.03 || most > 0.12 {
		t.Errorf("the discs part by %v m in half of the mazes, by %v m in a tenth", median, most)
	}
	if contacts < 500 {
		t.Errorf("only %d contacts compared", contacts)
	}
}
