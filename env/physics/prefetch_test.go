//go:build goexperiment.simd && amd64

package physics

import (
	"bytes"
	"testing"
	"unsafe"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/geom"
)

// What most steps look at of a World lies in its first lines, which Go begins where those of the cache do.
func TestWorldHead(t *testing.T) {
	var w World
	if n := unsafe.Sizeof(w); n <= 288 || n > 320 {
		t.Errorf("a World has %d bytes, and so is not given 320", n)
	}
	if n := int(unsafe.Offsetof(w.views) + unsafe.Offsetof(w.views.grounds) + unsafe.Sizeof(w.grounds)); n > worldHead {
		t.Errorf("grounds end at byte %d of a World", n)
	}
}

// Shapes that are no longer those of the template are looked at by lockstep, until Reset.
func TestOwnShapes(t *testing.T) {
	m, err := Compile(landerScene())
	if err != nil {
		t.Fatal(err)
	}
	saved := m.NewWorld()
	saved.SetSurface(1, 0.9, 0.3)
	for body := range 3 {
		saved.SetVelocity(body, geom.Vec{Y: -14}, 0)
	}
	state := saved.AppendState(nil)
	changes := []func(w *World){
		func(w *World) { w.SetBox(1, geom.Vec{}, 0.1, 0.4, 0) },
		func(w *World) { w.SetSurface(0, 0.9, 0.8) },
		func(w *World) { w.SetDensity(2, 3) },
		func(w *World) { w.SetEnabled(0, false) },
		func(w *World) { must(t, w.SetState(state)) },
		func(w *World) { w.CopyFrom(saved) },
		func(w *World) { w.Reset() },
	}
	for _, width := range laneWidths() {
		var plain, lanes []*World
		for range width {
			plain, lanes = append(plain, m.NewWorld()), append(lanes, m.NewWorld())
		}
		step, sc := m.newLanes(width), m.newScratch()
		for i := range 60 * len(changes) {
			if i%60 == 0 { // all are as compiled, and fall onto the moon
				for k := range width {
					for _, w := range []*World{plain[k], lanes[k]} {
						w.Reset()
						for body := range 3 {
							w.SetVelocity(body, geom.Vec{X: float32(k), Y: -14}, 0)
						}
					}
				}
			}
			if i%60 == 10 {
				for k := 0; k < width; k += 2 {
					changes[i/60](plain[k])
					changes[i/60](lanes[k])
				}
			}
			for _, w := range plain {
				w.Step(1. / 50)
			}
			step(lanes, 1./50, sc, &convoy{})
			for k := range width {
				if !bytes.Equal(plain[k].AppendState(nil), lanes[k].AppendState(nil)) {
					t.Fatalf("%d lanes: world %d differs after step %d", width, k, i)
				}
			}
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A convoy brings all of its worlds near in as many calls as were announced, and Advance leads to the same
// whether it has been told what comes next or not.
func TestAhead(t *testing.T) {
	m, err := Compile(landerScene())
	if err != nil {
		t.Fatal(err)
	}
	var ws []*World
	for range 40 {
		ws = append(ws, m.NewWorld())
	}
	for _, calls := range []int{1, 7, 40, 1000} {
		var c convoy
		c.start(ws, calls)
		n := 0
		for ; len(c.ws) > 0; n++ {
			c.bring()
		}
		if n > max(calls, len(ws)) || n < min(calls, len(ws)) && calls < len(ws) {
			t.Errorf("%d worlds are near after %d calls, %d were announced", len(ws), n, calls)
		}
	}
	for _, told := range []bool{false, true} {
		l := &lockstep{width: laneWidths()[0], groups: map[*Model]laneStep{}}
		var sims []env.Sim
		next := []env.Prefetcher{nil, m.NewWorld(), nil}
		for _, w := range ws {
			w.Reset()
			sims = append(sims, w)
		}
		for range 50 {
			if told {
				l.Ahead(next)
			}
			l.Advance(sims, 1./50)
		}
		alone := m.NewWorld()
		for range 50 {
			alone.Step(1. / 50)
		}
		for i, w := range ws {
			if !bytes.Equal(alone.AppendState(nil), w.AppendState(nil)) {
				t.Fatalf("told %v: world %d differs", told, i)
			}
		}
	}
}
