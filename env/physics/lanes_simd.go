//go:build goexperiment.simd && amd64

package physics

import "simd/archsimd"

// A laneStepper steps worlds of one model in lockstep. It is used by one goroutine at a time.
type laneStepper interface {
	// step advances at most as many worlds as there are lanes by dt.
	step(ws []*World, dt float32, s *scratch)
}

// laneWidths returns the numbers of lanes that the processor can step, widest first.
func laneWidths() (widths []int) {
	if archsimd.X86.AVX512() {
		widths = append(widths, laneCount16)
	}
	if archsimd.X86.AVX2() {
		widths = append(widths, laneCount8)
	}
	return widths
}

func (m *Model) newLanes(width int) laneStepper {
	if width == laneCount16 {
		return newLaneGroup16(m)
	}
	return newLaneGroup8(m)
}
