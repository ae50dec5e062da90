package physics

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// benchmark steps worlds of a scene in turn, so that they do not stay in the nearest cache, and
// resets each that is done, or after 400 steps.
func benchmark(b *testing.B, s *scene.Scene, act func(w *World, r *rng.Stream), done func(w *World) bool) {
	m, err := Compile(s)
	if err != nil {
		b.Fatal(err)
	}
	const worlds = 64
	var ws [worlds]*World
	for i := range ws {
		ws[i] = m.NewWorld()
	}
	r := rng.New(1).Stream(1, 0, 0)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		w := ws[i%worlds]
		if i/worlds%400 == 6*(i%worlds) || done(w) {
			w.Reset()
			w.SetVelocity(0, geom.Vec{X: r.Range(-3, 3), Y: r.Range(-3, 3)}, 0)
		}
		act(w, &r)
		w.Step(1. / 50)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(m.Bytes()), "B/world")
}

func crashed(w *World) bool {
	p, _ := w.Pose(0)
	return w.TouchingGround(0) || geom.Abs(p.X-10) > 10
}

func BenchmarkLanderScene(b *testing.B) {
	benchmark(b, landerScene(), func(w *World, r *rng.Stream) {
		p, _ := w.Pose(0)
		switch a := r.IntN(4); a {
		case 1, 3:
			side := w.Rot(0).Apply(geom.Vec{X: float32(2 - a)})
			w.ApplyImpulse(0, side.Mul(0.24), p.Add(w.Rot(0).Apply(geom.Vec{X: 0.3, Y: 14. / 30})))
		case 2:
			w.ApplyImpulse(0, w.Rot(0).Apply(geom.Vec{Y: 13. * 4 / 30}), p)
		}
	}, crashed)
}

func BenchmarkBipedScene(b *testing.B) {
	var rays [10]float32
	benchmark(b, bipedScene(), func(w *World, r *rng.Stream) {
		for j := range 4 {
			w.SetMotor(j, r.Range(-6, 6), 80*r.Float32())
		}
		w.CastRays(rays[:])
	}, crashed)
}

func BenchmarkChain8(b *testing.B) {
	benchmark(b, chainScene(8), func(w *World, r *rng.Stream) {
		for j := range 7 {
			w.SetMotor(j, r.Range(-4, 4), 2)
		}
	}, func(*World) bool { return false })
}
