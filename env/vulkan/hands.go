package vulkan

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/terrarium-rl/terrarium/env"
	"github.com/terrarium-rl/terrarium/env/rng"
)

// grain is how many worlds a goroutine is started for at least.
var grain = 64 // but for tests never changed

// parallel calls f for parts of n things, on at most the given number of goroutines, of which it is told the
// number, and returns the error of the first part that has one.
func parallel(workers, n int, f func(worker, lo, hi int) error) error {
	workers = min(workers, n/grain)
	if workers < 2 {
		return f(0, 0, n)
	}
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for w := 1; w < workers; w++ {
		wait.Go(func() { errs[w] = f(w, w*n/workers, (w+1)*n/workers) })
	}
	errs[0] = f(0, 0, n/workers)
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// A hand is a world in Go by which a goroutine begins, and looks at, the worlds of the device.
type hand struct {
	v      *vec
	host   env.Env
	scenes *scenes
	obs    []float32
}

func newHand(v *vec, host env.Env, s *scenes) *hand {
	return &hand{v, host, s, make([]float32, v.w.obs)}
}

// spread is parallel with a hand for each goroutine.
func (v *vec) spread(n int, f func(h *hand, lo, hi int) error) error {
	for len(v.hands) < min(v.workers, n/grain) {
		host := v.config.New()
		_, s, err := layOut(v.spec, host)
		if err != nil {
			return err
		}
		if s.words != v.scenes.words || !slices.Equal(s.table, v.scenes.table) {
			return fmt.Errorf("env %s: %w: its worlds are not all made alike", v.spec.ID, ErrUnsupported)
		}
		v.hands = append(v.hands, newHand(v, host, s))
	}
	return parallel(v.workers, n, func(w, lo, hi int) error { return f(v.hands[w], lo, hi) })
}

// Begin implements env.Host: it begins a world, which Show has made room for among those to be sent.
func (h *hand) Begin(world int, l *env.Level, key rng.Key, obs []float32) error {
	h.host.Reset(l, key)
	h.host.Observe(obs)
	row := h.v.states.claim(world % h.v.stride)
	if err := h.scenes.write(row); err != nil {
		return err
	}
	h.v.scene[world] = row[wordScene]
	return nil
}

// Look implements env.Host.
func (h *hand) Look(world int, obs []float32) error {
	h.v.device.Lock()
	row, err := h.v.looks.read(world % h.v.stride)
	if err == nil {
		h.scenes.read(row)
	}
	h.v.device.Unlock()
	if err == nil {
		h.host.Observe(obs)
	}
	return err
}

// observeTo writes the observation of the host's world to a state.
func (h *hand) observeTo(row []uint32) {
	h.host.Observe(h.obs)
	for j, x := range h.obs {
		row[h.v.rowObs+j] = math.Float32bits(x)
	}
}
