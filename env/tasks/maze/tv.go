package maze

import (
	"github.com/terrarium-rl/terrarium/env/rng"
)

const maxTV = 16

// Modes of the television.
const (
	tvAlways = "always"
	tvNear   = "near"
	tvRemote = "remote"
)

var tvModes = []string{tvAlways, tvNear, tvRemote}

// tv is what the television remembers within an episode: what it shows follows from both.
type tv struct {
	Key     rng.Key // the episode's
	Channel uint32  // how often it changed
}

// change switches to the next channel if it is time to.
func (w *world) change(act []float32) {
	if w.config.TV == 0 {
		return
	}
	if w.config.TVMode != tvRemote || act[len(act)-1] == 1 {
		w.Channel++
	}
}

// show writes what the television shows.
func (w *world) show(dst []float32) {
	if w.config.TVMode == tvNear && w.cell() != w.screen() {
		clear(dst)
		return
	}
	r := w.Key.Stream(tvPurpose, 0, w.Channel)
	for i := range dst {
		dst[i] = r.Float32()
	}
}

// screen returns the cell of the television.
func (w *world) screen() int32 {
	r := rng.New(w.Seed).Stream(tvPurpose, 0, 0)
	return int32(r.IntN(w.grid.Cells()))
}
