//go:build goexperiment.simd && amd64

package physics

import (
	"fmt"
	"simd/archsimd"

	"github.com/terrarium-rl/terrarium/env"
)

// A laneStep advances worlds of one model by dt, in lockstep. It is a function, for were it an interface,
// the linker would keep all methods of the vectors in it for reflection, 4 MB of the program.
// It brings a convoy near meanwhile.
type laneStep func(ws []*World, dt float32, s *scratch, c *convoy)

// laneWidths returns the numbers of lanes that the processor can step, widest first. Using an
// instruction that it lacks would kill the process.
func laneWidths() (widths []int) {
	if archsimd.X86.AVX512() {
		widths = append(widths, laneCount16)
	}
	if archsimd.X86.AVX2() {
		widths = append(widths, laneCount8)
	}
	return widths
}

func (m *Model) newLanes(width int) laneStep {
	if width == laneCount16 {
		return newLaneTail16(m).step
	}
	return newLaneTail8(m).step
}

func init() {
	switch widths := laneWidths(); {
	case len(widths) == 0:
	case widths[0] == laneCount16:
		fanRays, fanWidth = laneFan16, laneCount16
	default:
		fanRays, fanWidth = laneFan8, laneCount8
	}
	for _, width := range laneWidths() {
		env.RegisterEngine(fmt.Sprint("simd", 32*width), func() env.Stepper {
			return &lockstep{width: width, groups: map[*Model]laneStep{}}
		})
	}
}

const (
	fewWorlds  = 2 // of a model: they are stepped one by one
	manyModels = 8 // are not kept ready at once

	bringsAtLeast = 24 // times in a step, a group brings worlds near
)

// lockstep steps worlds one a lane.
type lockstep struct {
	width  int
	groups map[*Model]laneStep
	same   []*World // worlds of one model
	rest   []*World // of others
	next   []*World // that Ahead has named
	told   bool     // of those that come next
	convoy convoy
}

// Ahead implements env.Lookahead.
func (l *lockstep) Ahead(next []env.Prefetcher) {
	l.next, l.told = l.next[:0], true
	for _, f := range next {
		if w, ok := f.(*World); ok {
			l.next = append(l.next, w)
		}
	}
}

// Advance implements env.Stepper.
func (l *lockstep) Advance(sims []env.Sim, dt float32) {
	l.rest = l.rest[:0]
	for _, s := range sims {
		if w, ok := s.(*World); ok {
			l.rest = append(l.rest, w)
		} else {
			s.Step(dt)
		}
	}
	if !l.told { // then not even these are near
		l.next = append(l.next[:0], l.rest[min(l.width, len(l.rest)):]...)
	}
	l.told = false
	l.convoy.start(l.next, max(1, len(l.rest)/l.width)*bringsAtLeast)
	for len(l.rest) > 0 {
		m, others := l.rest[0].m, l.rest[:0]
		l.same = l.same[:0]
		for _, w := range l.rest {
			if w.m == m {
				l.same = append(l.same, w)
			} else {
				others = append(others, w)
			}
		}
		l.rest = others
		l.advance(m, l.same, dt)
	}
}

// advance steps worlds of one model.
func (l *lockstep) advance(m *Model, ws []*World, dt float32) {
	n := len(ws)
	if n%l.width <= fewWorlds {
		n -= n % l.width
	}
	if n > 0 {
		s := m.scratches.Get().(*scratch)
		l.group(m)(ws[:n], dt, s, &l.convoy)
		m.scratches.Put(s)
		ws = ws[n:]
	}
	for _, w := range ws {
		w.Step(dt)
	}
}

func (l *lockstep) group(m *Model) laneStep {
	g, ok := l.groups[m]
	if !ok {
		if len(l.groups) >= manyModels {
			clear(l.groups)
		}
		g = m.newLanes(l.width)
		l.groups[m] = g
	}
	return g
}
