//go:build unix

package box2d_test

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/terrarium-rl/terrarium/env/physics"
	"github.com/terrarium-rl/terrarium/env/physics/internal/reference"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// BenchmarkEngines compares the steps a CPU second of the two engines, with random motor
// commands or engine impulses and a reset every 100 steps. Both run by turns in one process, so
// that other load on the machine meets both; the medians of the turns are reported.
func BenchmarkEngines(b *testing.B) {
	ground := scene.Ground{Name: "ground", Friction: 0.7}
	for _, p := range [][2]float32{{-10, 0.6}, {-6, 0.3}, {-4, -0.2}, {-2, 0}, {2, 0}, {3, 0.1}, {4, -0.1}, {6, 0.4}, {8, 0}, {10, 0.3}} {
		ground.Points = append(ground.Points, vec(p[0], p[1]))
	}
	lander := reference.LanderScene(0, 2, 0.05, true, 0.5, ground)
	biped := reference.BipedScene(0, 2.65, [4]float64{0.45, -0.3, -0.25, -0.15}, ground)
	for _, c := range []struct {
		name  string
		scene *scene.Scene
		speed float32
		most  float32
	}{{"lander", &lander, 0, 0}, {"biped", &biped, 5, 60}, {"chain8", chain8(true), 3, 5}} {
		b.Run(c.name, func(b *testing.B) {
			m, err := physics.Compile(c.scene)
			if err != nil {
				b.Fatal(err)
			}
			drive := func(w resetter) func(n int) {
				r := rng.New(1).Stream(1, 0, 0)
				return func(n int) {
					for i := range n {
						if i%100 == 0 {
							w.Reset()
						}
						if c.most > 0 {
							for j := range c.scene.Joints {
								w.SetMotor(j, r.Range(-c.speed, c.speed), c.most)
							}
						} else {
							w.ApplyImpulse(0, vec(r.Range(-0.3, 0.3), r.Range(0, 1.5)), w.WorldPoint(0, vec(0, -0.1)))
						}
						w.Step(dt)
					}
				}
			}
			own, gym, cheap := drive(m.NewWorld()), drive(open(b, c.scene)), drive(openWith(b, c.scene, 8, 3))
			var rates [3][]float64
			for b.Loop() {
				for i, f := range []func(int){own, gym, cheap} {
					n := 2000
					if i == 0 {
						n = 20000
					}
					start := cpu()
					f(n)
					rates[i] = append(rates[i], float64(n)/(cpu()-start).Seconds())
				}
			}
			for i := range rates {
				slices.Sort(rates[i])
			}
			mid := func(i int) float64 { return rates[i][len(rates[i])/2] }
			b.ReportMetric(mid(0), "steps/cpu-s")
			b.ReportMetric(mid(1), "box2d-180/60-steps/cpu-s")
			b.ReportMetric(mid(0)/mid(1), "ratio-to-180/60")
			b.ReportMetric(mid(0)/mid(2), "ratio-to-8/3")
			b.ReportMetric(0, "ns/op")
		})
	}
}

type resetter interface {
	engine
	Reset()
}

// cpu returns the CPU time of this process, with the garbage collector's.
func cpu() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
