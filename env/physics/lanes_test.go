//go:build goexperiment.simd && amd64

package physics

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/terrarium-rl/terrarium/env/geom"
	"github.com/terrarium-rl/terrarium/env/rng"
	"github.com/terrarium-rl/terrarium/env/scene"
)

// shove disturbs a world as a task might.
func shove(w *World, r *rng.Stream, step int) {
	m := w.Model()
	for j := range m.joints {
		if k := m.joints[j].kind; (k == scene.Revolute || k == scene.Prismatic) && r.IntN(4) == 0 {
			w.SetMotor(j, r.Range(-6, 6), geom.Max(0, r.Range(-20, 80)))
		}
	}
	for b := range m.Bodies() {
		if m.bodies[b].kind == scene.Dynamic && r.IntN(20) == 0 {
			w.ApplyForce(b, geom.Vec{X: r.Range(-20, 20), Y: r.Range(-20, 20)}, w.Centre(b))
			w.ApplySpin(b, r.Range(-0.2, 0.2))
		}
	}
}

// compareLanes steps worlds of a scene both ways.
func compareLanes(t *testing.T, name string, s *scene.Scene, width, worlds, steps int) {
	t.Helper()
	m, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	g := m.newLanes(width)
	sc := m.newScratch()
	var plain, lanes []*World
	var streams []rng.Stream
	for i := range worlds {
		a, b := m.NewWorld(), m.NewWorld()
		r := rng.New(7).Stream(1, uint32(i), 0)
		a.SetVelocity(0, geom.Vec{X: r.Range(-3, 3), Y: r.Range(-3, 3)}, r.Range(-1, 1))
		b.CopyFrom(a)
		plain, lanes, streams = append(plain, a), append(lanes, b), append(streams, r)
	}
	var p, q []byte
	for step := range steps {
		for i := range plain {
			r := streams[i]
			shove(plain[i], &streams[i], step)
			shove(lanes[i], &r, step)
			plain[i].Step(1. / 50)
		}
		g.step(lanes, 1./50, sc)
		for i := range plain {
			p, q = plain[i].AppendState(p[:0]), lanes[i].AppendState(q[:0])
			if !bytes.Equal(p, q) {
				t.Fatalf("%s: world %d differs after step %d\n%s", name, i, step, difference(plain[i], lanes[i]))
			}
		}
	}
}

func difference(a, b *World) (s string) {
	for i := range a.bodies {
		if a.bodies[i] != b.bodies[i] {
			s += fmt.Sprintf("body %d\n%+v\n%+v\n", i, a.bodies[i], b.bodies[i])
		}
	}
	for i := range a.joints {
		if a.joints[i] != b.joints[i] {
			s += fmt.Sprintf("joint %d\n%+v\n%+v\n", i, a.joints[i], b.joints[i])
		}
	}
	for i := range a.contacts[:a.head.contacts] {
		if a.contacts[i] != b.contacts[i] {
			s += fmt.Sprintf("contact %d\n%+v\n%+v\n", i, a.contacts[i], b.contacts[i])
		}
	}
	return s
}

func TestLanes(t *testing.T) {
	for _, width := range laneWidths() {
		for _, c := range []struct {
			name string
			s    *scene.Scene
		}{{"lander", landerScene()}, {"biped", bipedScene()}, {"chain", chainScene(8)}} {
			t.Run(fmt.Sprint(c.name, width), func(t *testing.T) {
				compareLanes(t, c.name, c.s, width, width, 1000)
				compareLanes(t, c.name, c.s, width, 3, 200)
			})
		}
	}
}
