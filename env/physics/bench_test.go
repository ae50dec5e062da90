package physics

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// benchmark steps worlds of a scene in turn, so that they do not stay in the nearest cache, and
// resets each after 200 steps.
func benchmark(b *testing.B, s *scene.Scene, act func(w *World, r *rng.Stream)) {
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
		if i/worlds%200 == i%worlds {
			w.Reset()
		}
		act(w, &r)
		w.Step(1. / 50)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	b.ReportMetric(float64(m.Bytes()), "B/world")
}

func BenchmarkLanderScene(b *testing.B) {
	benchmark(b, landerScene(), func(w *World, r *rng.Stream) {
		if r.IntN(4) == 2 {
			p, _ := w.Pose(0)
			w.ApplyImpulse(0, w.Rot(0).Apply(geom.Vec{Y: 13. * 4 / 30}), p)
		}
	})
}

func BenchmarkBipedScene(b *testing.B) {
	var rays [10]float32
	benchmark(b, bipedScene(), func(w *World, r *rng.Stream) {
		for j := range 4 {
			w.SetMotor(j, r.Range(-6, 6), 80*r.Float32())
		}
		w.CastRays(rays[:])
	})
}

func BenchmarkChain8(b *testing.B) {
	benchmark(b, chainScene(8), func(w *World, r *rng.Stream) {
		for j := range 7 {
			w.SetMotor(j, r.Range(-4, 4), 2)
		}
	})
}
