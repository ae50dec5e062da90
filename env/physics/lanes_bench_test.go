//go:build goexperiment.simd && amd64 && unix

package physics

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// BenchmarkLanes compares lockstep with the plain engine.
func BenchmarkLanes(b *testing.B) {
	for _, c := range []struct {
		name string
		s    *scene.Scene
		act  func(w *World, r *rng.Stream)
		done func(w *World) bool
	}{
		{"lander", landerScene(), func(w *World, r *rng.Stream) {
			p, _ := w.Pose(0)
			switch a := r.IntN(4); a {
			case 1, 3:
				side := w.Rot(0).Apply(geom.Vec{X: float32(2 - a)})
				w.ApplyImpulse(0, side.Mul(0.24), p.Add(w.Rot(0).Apply(geom.Vec{X: 0.3, Y: 14. / 30})))
			case 2:
				w.ApplyImpulse(0, w.Rot(0).Apply(geom.Vec{Y: 13. * 4 / 30}), p)
			}
		}, crashed},
		{"biped", bipedScene(), func(w *World, r *rng.Stream) {
			for j := range 4 {
				w.SetMotor(j, r.Range(-6, 6), 80*r.Float32())
			}
		}, crashed},
		{"chain", chainScene(8), func(w *World, r *rng.Stream) {
			for j := range 7 {
				w.SetMotor(j, r.Range(-4, 4), 2)
			}
		}, func(*World) bool { return false }},
		{"rope", ropeScene(8), func(*World, *rng.Stream) {}, func(*World) bool { return false }},
	} {
		for _, width := range append(laneWidths(), 1) { // 1 is the plain engine
			b.Run(fmt.Sprint(c.name, "/", width), func(b *testing.B) {
				m, _ := Compile(c.s)
				const worlds = 64
				var ws [worlds]*World
				for i := range ws {
					ws[i] = m.NewWorld()
				}
				r := rng.New(1).Stream(1, 0, 0)
				var g laneStep
				if width > 1 {
					g = m.newLanes(width)
				}
				sc := m.newScratch()
				b.ResetTimer()
				start := cpuTime()
				for i := 0; i < b.N; i += worlds {
					for k, w := range ws {
						if i/worlds%400 == 6*k || c.done(w) {
							w.Reset()
							w.SetVelocity(0, geom.Vec{X: r.Range(-3, 3), Y: r.Range(-3, 3)}, 0)
						}
						c.act(w, &r)
					}
					if width == 1 {
						for _, w := range ws {
							w.Step(1. / 50)
						}
						continue
					}
					for k := 0; k < worlds; k += worlds {
						g(ws[k:k+worlds], 1./50, sc, &convoy{})
					}
				}
				b.ReportMetric(float64(b.N)/(cpuTime()-start), "steps/core-s")
			})
		}
	}
}

// ropeScene is chainScene with nothing but pins as joints.
func ropeScene(n int) *scene.Scene {
	s := chainScene(n)
	for i := range s.Joints {
		s.Joints[i].Limits, s.Joints[i].Motor = nil, nil
	}
	return s
}

// cpuTime returns the processor time, s, that the process has used.
func cpuTime() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) * 1e-9
}
