package physics

import (
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// The solver converges in all but a few steps of worlds that tumble about on motors: one more
// sweep changes no speed by more than ten times the tolerance.
func TestSolverConverges(t *testing.T) {
	for name, s := range map[string]*scene.Scene{"lander": landerScene(), "biped": bipedScene(), "chain": chainScene(8)} {
		w := compile(t, s)
		w.scratch = w.m.newScratch()
		r := rng.New(3).Stream(1, 0, 0)
		const steps = 6000
		failed, worst := 0, float32(0)
		for i := range steps {
			if i%150 == 0 {
				w.Reset()
				w.SetVelocity(0, geom.Vec{X: r.Range(-3, 3), Y: r.Range(-3, 3)}, r.Range(-1, 1))
			}
			for j := range w.m.joints {
				w.SetMotor(j, r.Range(-6, 6), 80*r.Float32())
			}
			w.detect(1. / 50)
			w.advance(1. / 50)
			if w.now.speeds == nil {
				continue
			}
			change := geom.Max(w.sweepAxes(), w.sweepContacts())
			worst = geom.Max(worst, change)
			if change > 10*sweepTolerance {
				failed++
			}
		}
		t.Logf("%s: %d of %d steps have not converged, the worst changes a speed by %v m/s", name, failed, steps, worst)
		if failed > steps/500 {
			t.Errorf("%s: %d of %d steps have not converged, want at most %d", name, failed, steps, steps/500)
		}
	}
}
